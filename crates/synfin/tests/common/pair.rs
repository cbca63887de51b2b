//! Two of our stacks with a wire in memory between them.

use super::Net;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use synfin::net::{TcpListener, TcpStream, UdpSocket};
use synfin::wire::{LinkCapabilities, Medium, TransmitChecksum};
use synfin::{Builder, Link, Stack, device, tcp};

pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 90, 0, 1);
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 90, 0, 2);

pub const CLIENT6: Ipv6Addr = Ipv6Addr::new(0xfd90, 0, 0, 0, 0, 0, 0, 1);
pub const SERVER6: Ipv6Addr = Ipv6Addr::new(0xfd90, 0, 0, 0, 0, 0, 0, 2);

pub struct Pair {
    pub client: Stack,
    pub server: Stack,
}

/// What an ordinary wire does: 1,500 bytes, super-segments, no checksums.
pub fn capabilities() -> LinkCapabilities {
    LinkCapabilities {
        medium: Medium::Ip,
        mtu_bytes: 1500,
        super_segment_bytes_max: 65_000,
        transmit_checksum: TransmitChecksum::None,
    }
}

pub fn client_on(link: impl Link + 'static) -> Builder {
    Stack::builder().link(link).address(format!("{CLIENT}/24")).address(format!("{CLIENT6}/64")).tcp(quick())
}

pub fn server_on(link: impl Link + 'static) -> Builder {
    Stack::builder().link(link).address(format!("{SERVER}/24")).address(format!("{SERVER6}/64")).tcp(quick())
}

/// The defaults, but no test should wait a minute for TIME-WAIT; and buffers may be used in full from the beginning, so
/// that a peer takes what its program does not read.
pub fn quick() -> tcp::Config {
    tcp::Config {
        time_wait: Duration::from_millis(200),
        send_buffer_bytes_initial: 0,
        receive_buffer_bytes_initial: 0,
        ..tcp::Config::default()
    }
}

impl Pair {
    pub fn new() -> Pair {
        Pair::with(capabilities())
    }

    pub fn with(capabilities: LinkCapabilities) -> Pair {
        let (left, right) = device::memory::pair(capabilities);
        Pair { client: client_on(left).start().unwrap(), server: server_on(right).start().unwrap() }
    }
}

impl Net for Pair {
    type Stream = TcpStream;
    type Listener = TcpListener;
    type Datagrams = UdpSocket;

    fn server_ip(&self) -> Ipv4Addr {
        SERVER
    }
    fn bind_server(&self, addr: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind(&self.server, addr)
    }
    fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(&self.client, to)
    }
    fn connect_timeout(&self, to: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        TcpStream::connect_timeout(&self.client, &to, timeout)
    }
    fn server_ip6(&self) -> Ipv6Addr {
        SERVER6
    }
    fn client_ip(&self) -> Ipv4Addr {
        CLIENT
    }
    fn client_ip6(&self) -> Ipv6Addr {
        CLIENT6
    }
    fn bind_client_datagrams(&self, addr: SocketAddr) -> io::Result<UdpSocket> {
        UdpSocket::bind(&self.client, addr)
    }
    fn bind_server_datagrams(&self, addr: SocketAddr) -> io::Result<UdpSocket> {
        UdpSocket::bind(&self.server, addr)
    }
}
