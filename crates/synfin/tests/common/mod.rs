//! One set of traits over the kernel's sockets and ours, so that one test body judges both.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod namespace;
pub mod pair;

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::time::Duration;

/// A place with a server side and a client side.
pub trait Net: Sync {
    type Stream: Stream;
    type Listener: Listener<Stream = Self::Stream>;
    type Datagrams: Datagrams;

    /// A listener on the server's side, on a port of the host's choice.
    fn listen(&self) -> Self::Listener {
        self.bind_server(SocketAddr::new(self.server_ip().into(), 0)).unwrap()
    }
    fn server_ip(&self) -> Ipv4Addr;
    fn bind_server(&self, addr: SocketAddr) -> io::Result<Self::Listener>;
    fn connect(&self, to: SocketAddr) -> io::Result<Self::Stream>;
    fn connect_timeout(&self, to: SocketAddr, timeout: Duration) -> io::Result<Self::Stream>;
    fn server_ip6(&self) -> Ipv6Addr;
    fn client_ip(&self) -> Ipv4Addr;
    fn client_ip6(&self) -> Ipv6Addr;
    fn bind_client_datagrams(&self, addr: SocketAddr) -> io::Result<Self::Datagrams>;
    fn bind_server_datagrams(&self, addr: SocketAddr) -> io::Result<Self::Datagrams>;

    fn client_datagrams(&self) -> Self::Datagrams {
        self.bind_client_datagrams(SocketAddr::new(self.client_ip().into(), 0)).unwrap()
    }
    fn server_datagrams(&self) -> Self::Datagrams {
        self.bind_server_datagrams(SocketAddr::new(self.server_ip().into(), 0)).unwrap()
    }

    /// Two ends of one connection: the client's, the server's.
    fn pair(&self) -> (Self::Stream, Self::Stream) {
        self.pair_over(self.server_ip().into())
    }

    /// The same, to this address of the server.
    fn pair_over(&self, server_ip: IpAddr) -> (Self::Stream, Self::Stream) {
        let listener = self.bind_server(SocketAddr::new(server_ip, 0)).unwrap();
        let client = self.connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        (client, server)
    }
}

pub trait Stream: Read + Write + Send + Sync + Sized + std::fmt::Debug + 'static {
    fn try_clone(&self) -> io::Result<Self>;
    fn peek(&self, buf: &mut [u8]) -> io::Result<usize>;
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    fn read_timeout(&self) -> io::Result<Option<Duration>>;
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    fn write_timeout(&self) -> io::Result<Option<Duration>>;
    fn set_nonblocking(&self, on: bool) -> io::Result<()>;
    fn set_nodelay(&self, on: bool) -> io::Result<()>;
    fn nodelay(&self) -> io::Result<bool>;
    fn set_ttl(&self, ttl: u32) -> io::Result<()>;
    fn ttl(&self) -> io::Result<u32>;
    fn linger_of(&self, linger: Option<Duration>) -> io::Result<()>;
    fn local_addr(&self) -> io::Result<SocketAddr>;
    fn peer_addr(&self) -> io::Result<SocketAddr>;
    fn take_error(&self) -> io::Result<Option<io::Error>>;
    fn read_by_ref(&self, buf: &mut [u8]) -> io::Result<usize>;
    fn write_by_ref(&self, buf: &[u8]) -> io::Result<usize>;
    fn read_pieces(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.read_vectored(bufs)
    }
    fn write_pieces(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_vectored(bufs)
    }
}

pub trait Listener: Send + Sync + Sized + 'static {
    type Stream;
    fn accept(&self) -> io::Result<(Self::Stream, SocketAddr)>;
    fn next_incoming(&self) -> Option<io::Result<Self::Stream>>;
    fn local_addr(&self) -> io::Result<SocketAddr>;
    fn try_clone(&self) -> io::Result<Self>;
    fn set_nonblocking(&self, on: bool) -> io::Result<()>;
    fn take_error(&self) -> io::Result<Option<io::Error>>;
    fn set_ttl(&self, ttl: u32) -> io::Result<()>;
    fn ttl(&self) -> io::Result<u32>;
}

pub trait Datagrams: Send + Sync + Sized + 'static {
    fn send_to(&self, buf: &[u8], to: SocketAddr) -> io::Result<usize>;
    fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)>;
    fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)>;
    fn connect(&self, to: SocketAddr) -> io::Result<()>;
    fn send(&self, buf: &[u8]) -> io::Result<usize>;
    fn recv(&self, buf: &mut [u8]) -> io::Result<usize>;
    fn peek(&self, buf: &mut [u8]) -> io::Result<usize>;
    fn local_addr(&self) -> io::Result<SocketAddr>;
    fn peer_addr(&self) -> io::Result<SocketAddr>;
    fn try_clone(&self) -> io::Result<Self>;
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    fn read_timeout(&self) -> io::Result<Option<Duration>>;
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    fn write_timeout(&self) -> io::Result<Option<Duration>>;
    fn set_nonblocking(&self, on: bool) -> io::Result<()>;
    fn set_ttl(&self, ttl: u32) -> io::Result<()>;
    fn ttl(&self) -> io::Result<u32>;
    fn take_error(&self) -> io::Result<Option<io::Error>>;
}

macro_rules! implement {
    ($stream:ty, $listener:ty, $datagrams:ty, $linger:expr) => {
        impl Stream for $stream {
            fn try_clone(&self) -> io::Result<Self> {
                self.try_clone()
            }
            fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
                self.peek(buf)
            }
            fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                self.shutdown(how)
            }
            fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                self.set_read_timeout(timeout)
            }
            fn read_timeout(&self) -> io::Result<Option<Duration>> {
                self.read_timeout()
            }
            fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                self.set_write_timeout(timeout)
            }
            fn write_timeout(&self) -> io::Result<Option<Duration>> {
                self.write_timeout()
            }
            fn set_nonblocking(&self, on: bool) -> io::Result<()> {
                self.set_nonblocking(on)
            }
            fn set_nodelay(&self, on: bool) -> io::Result<()> {
                self.set_nodelay(on)
            }
            fn nodelay(&self) -> io::Result<bool> {
                self.nodelay()
            }
            fn set_ttl(&self, ttl: u32) -> io::Result<()> {
                self.set_ttl(ttl)
            }
            fn ttl(&self) -> io::Result<u32> {
                self.ttl()
            }
            fn linger_of(&self, linger: Option<Duration>) -> io::Result<()> {
                let set: fn(&$stream, Option<Duration>) -> io::Result<()> = $linger;
                set(self, linger)
            }
            fn local_addr(&self) -> io::Result<SocketAddr> {
                self.local_addr()
            }
            fn peer_addr(&self) -> io::Result<SocketAddr> {
                self.peer_addr()
            }
            fn take_error(&self) -> io::Result<Option<io::Error>> {
                self.take_error()
            }
            fn read_by_ref(&self, buf: &mut [u8]) -> io::Result<usize> {
                let mut by_ref: &$stream = self;
                by_ref.read(buf)
            }
            fn write_by_ref(&self, buf: &[u8]) -> io::Result<usize> {
                let mut by_ref: &$stream = self;
                by_ref.write(buf)
            }
        }

        impl Listener for $listener {
            type Stream = $stream;
            fn accept(&self) -> io::Result<($stream, SocketAddr)> {
                self.accept()
            }
            fn next_incoming(&self) -> Option<io::Result<$stream>> {
                self.incoming().next()
            }
            fn local_addr(&self) -> io::Result<SocketAddr> {
                self.local_addr()
            }
            fn try_clone(&self) -> io::Result<Self> {
                self.try_clone()
            }
            fn set_nonblocking(&self, on: bool) -> io::Result<()> {
                self.set_nonblocking(on)
            }
            fn take_error(&self) -> io::Result<Option<io::Error>> {
                self.take_error()
            }
            fn set_ttl(&self, ttl: u32) -> io::Result<()> {
                self.set_ttl(ttl)
            }
            fn ttl(&self) -> io::Result<u32> {
                self.ttl()
            }
        }

        impl Datagrams for $datagrams {
            fn send_to(&self, buf: &[u8], to: SocketAddr) -> io::Result<usize> {
                self.send_to(buf, to)
            }
            fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
                self.recv_from(buf)
            }
            fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
                self.peek_from(buf)
            }
            fn connect(&self, to: SocketAddr) -> io::Result<()> {
                self.connect(to)
            }
            fn send(&self, buf: &[u8]) -> io::Result<usize> {
                self.send(buf)
            }
            fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
                self.recv(buf)
            }
            fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
                self.peek(buf)
            }
            fn local_addr(&self) -> io::Result<SocketAddr> {
                self.local_addr()
            }
            fn peer_addr(&self) -> io::Result<SocketAddr> {
                self.peer_addr()
            }
            fn try_clone(&self) -> io::Result<Self> {
                self.try_clone()
            }
            fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                self.set_read_timeout(timeout)
            }
            fn read_timeout(&self) -> io::Result<Option<Duration>> {
                self.read_timeout()
            }
            fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                self.set_write_timeout(timeout)
            }
            fn write_timeout(&self) -> io::Result<Option<Duration>> {
                self.write_timeout()
            }
            fn take_error(&self) -> io::Result<Option<io::Error>> {
                self.take_error()
            }
            fn set_nonblocking(&self, on: bool) -> io::Result<()> {
                self.set_nonblocking(on)
            }
            fn set_ttl(&self, ttl: u32) -> io::Result<()> {
                self.set_ttl(ttl)
            }
            fn ttl(&self) -> io::Result<u32> {
                self.ttl()
            }
        }
    };
}

implement!(std::net::TcpStream, std::net::TcpListener, std::net::UdpSocket, |stream, linger| Ok(
    rustix::net::sockopt::set_socket_linger(stream, linger)?
));
implement!(synfin::net::TcpStream, synfin::net::TcpListener, synfin::net::UdpSocket, |stream, linger| stream
    .set_linger(linger));

/// The kernel's sockets on the loopback interface.
pub struct Kernel;

impl Net for Kernel {
    type Stream = std::net::TcpStream;
    type Listener = std::net::TcpListener;
    type Datagrams = std::net::UdpSocket;

    fn server_ip(&self) -> Ipv4Addr {
        Ipv4Addr::LOCALHOST
    }
    fn bind_server(&self, addr: SocketAddr) -> io::Result<Self::Listener> {
        std::net::TcpListener::bind(addr)
    }
    fn connect(&self, to: SocketAddr) -> io::Result<Self::Stream> {
        std::net::TcpStream::connect(to)
    }
    fn connect_timeout(&self, to: SocketAddr, timeout: Duration) -> io::Result<Self::Stream> {
        std::net::TcpStream::connect_timeout(&to, timeout)
    }
    fn server_ip6(&self) -> Ipv6Addr {
        Ipv6Addr::LOCALHOST
    }
    fn client_ip(&self) -> Ipv4Addr {
        Ipv4Addr::LOCALHOST
    }
    fn client_ip6(&self) -> Ipv6Addr {
        Ipv6Addr::LOCALHOST
    }
    fn bind_client_datagrams(&self, addr: SocketAddr) -> io::Result<Self::Datagrams> {
        std::net::UdpSocket::bind(addr)
    }
    fn bind_server_datagrams(&self, addr: SocketAddr) -> io::Result<Self::Datagrams> {
        std::net::UdpSocket::bind(addr)
    }
}

/// Runs each test body over the kernel's loopback and over two of our stacks, and lists them in `BEHAVIOURS`.
#[macro_export]
macro_rules! over_both {
    ($($(#[$attribute:meta])* fn $name:ident($net:ident) $body:block)*) => {
        /// The names of what is judged here.
        pub(crate) const BEHAVIOURS: &[&str] = &[$(stringify!($name)),*];

        $(
            mod $name {
                use super::*;

                fn body<N: $crate::common::Net>($net: &N) $body

                $(#[$attribute])*
                #[test]
                fn kernel() {
                    body(&$crate::common::Kernel);
                }

                $(#[$attribute])*
                #[test]
                fn ours() {
                    body(&$crate::common::pair::Pair::new());
                }
            }
        )*
    };
}

/// Bytes that depend on their position, so that a lost, doubled or moved piece shows.
pub fn pattern(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(len);
    out
}

/// A short name for a lot of bytes.
pub fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Waits until `condition` holds.
///
/// # Panics
/// If it does not hold within ten seconds.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "did not happen within 10 s: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
