//! The behaviours, by theme. Compiled once for each side; `super::net` is the side.

// A theme names its side by `super::net`, and not every side uses every constructor.
#![allow(dead_code, deprecated)]

mod accept;
mod attempts;
mod cancel;
mod connect;
mod copy;
mod drops;
mod ends;
mod options;
mod owned;
mod peek;
mod readiness;
mod reading;
mod reset;
mod sockets;
mod split;
mod tasks;
mod tries;
mod udp;
mod udp_connected;
mod udp_polls;
mod vectored;
mod wakers;
mod writing;

use super::net::{Net, TcpListener, TcpStream, UdpSocket};
use crate::common::pattern;
use std::net::{IpAddr, SocketAddr};

/// What is judged, by theme.
pub(crate) const THEMES: &[(&str, &[&str])] = &[
    ("connect", connect::BEHAVIOURS),
    ("accept", accept::BEHAVIOURS),
    ("reading", reading::BEHAVIOURS),
    ("writing", writing::BEHAVIOURS),
    ("vectored", vectored::BEHAVIOURS),
    ("peek", peek::BEHAVIOURS),
    ("split", split::BEHAVIOURS),
    ("owned halves", owned::BEHAVIOURS),
    ("try_*", tries::BEHAVIOURS),
    ("try_io, types", attempts::BEHAVIOURS),
    ("readiness", readiness::BEHAVIOURS),
    ("wakers", wakers::BEHAVIOURS),
    ("shutdown and end", ends::BEHAVIOURS),
    ("reset", reset::BEHAVIOURS),
    ("options", options::BEHAVIOURS),
    ("TcpSocket", sockets::BEHAVIOURS),
    ("cancellation and timeouts", cancel::BEHAVIOURS),
    ("udp", udp::BEHAVIOURS),
    ("udp connected", udp_connected::BEHAVIOURS),
    ("udp by hand", udp_polls::BEHAVIOURS),
    ("copy", copy::BEHAVIOURS),
    ("many tasks", tasks::BEHAVIOURS),
    ("drop", drops::BEHAVIOURS),
];

impl Net {
    /// A listener of the server, on a port of the host's choice.
    async fn listen(&self) -> TcpListener {
        self.bind((self.server_ip(), 0)).await.unwrap()
    }

    /// Two ends of one connection: the client's, the server's.
    async fn pair(&self) -> (TcpStream, TcpStream) {
        self.pair_over(self.server_ip()).await
    }

    /// The same, to this address of the server.
    async fn pair_over(&self, server_ip: IpAddr) -> (TcpStream, TcpStream) {
        let listener = self.bind((server_ip, 0)).await.unwrap();
        let to = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(self.connect(to), listener.accept());
        (client.unwrap(), accepted.unwrap().0)
    }

    /// An address of the server where nobody listens.
    async fn unused_addr(&self) -> SocketAddr {
        self.listen().await.local_addr().unwrap()
    }

    /// Two sockets for datagrams: the client's, the server's.
    async fn udp(&self) -> (UdpSocket, UdpSocket) {
        (self.client_udp().await, self.server_udp().await)
    }

    /// The same, each connected to the other.
    async fn udp_connected(&self) -> (UdpSocket, UdpSocket) {
        let (client, server) = self.udp().await;
        client.connect(server.local_addr().unwrap()).await.unwrap();
        server.connect(client.local_addr().unwrap()).await.unwrap();
        (client, server)
    }

    async fn client_udp(&self) -> UdpSocket {
        self.bind_client_udp(SocketAddr::new(self.client_ip(), 0)).await.unwrap()
    }

    async fn server_udp(&self) -> UdpSocket {
        self.bind_server_udp(SocketAddr::new(self.server_ip(), 0)).await.unwrap()
    }

    /// An address of the server where nobody receives datagrams.
    async fn unused_udp_addr(&self) -> SocketAddr {
        self.server_udp().await.local_addr().unwrap()
    }
}

/// Where no room has come for so long, none comes by itself; before the sender asks again, after at least 200 ms.
const QUIET: std::time::Duration = std::time::Duration::from_millis(60);

/// Writes until both ends hold all they want to hold; returns how many bytes that is. Something more may be taken
/// much later, when the peer is asked again whether it has room.
async fn fill(stream: &TcpStream) -> usize {
    let piece = pattern(64 << 10, 1);
    let mut taken = 0;
    loop {
        match stream.try_write(&piece) {
            Ok(n) => taken += n,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                let more = tokio::time::timeout(QUIET, stream.writable()).await;
                if more.is_err() {
                    return taken;
                }
            }
        }
    }
}
