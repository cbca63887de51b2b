//! Our sockets: two stacks with a wire in memory between them, each driven by a thread.

#[path = "behaviours/mod.rs"]
pub(crate) mod behaviours;

/// Where sockets are made.
pub(crate) mod net {
    use crate::common::pair::{CLIENT, CLIENT6, Pair, SERVER, SERVER6};
    use std::io;
    use std::net::{IpAddr, SocketAddr};
    use std::sync::Arc;
    use synfin::tokio::ToSocketAddrs;
    pub(crate) use synfin::tokio::{TcpListener, TcpSocket, TcpStream, UdpSocket, tcp};

    /// A place with a server side and a client side.
    #[derive(Clone)]
    pub(crate) struct Net {
        pair: Arc<Pair>,
    }

    impl Net {
        pub(crate) fn new() -> Net {
            Net { pair: Arc::new(Pair::new()) }
        }
        pub(crate) fn server_ip(&self) -> IpAddr {
            SERVER.into()
        }
        pub(crate) fn client_ip(&self) -> IpAddr {
            CLIENT.into()
        }
        pub(crate) fn server_ip6(&self) -> IpAddr {
            SERVER6.into()
        }
        pub(crate) fn client_ip6(&self) -> IpAddr {
            CLIENT6.into()
        }
        pub(crate) async fn bind(&self, addr: impl ToSocketAddrs) -> io::Result<TcpListener> {
            TcpListener::bind(&self.pair.server, addr).await
        }
        pub(crate) async fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<TcpStream> {
            TcpStream::connect(&self.pair.client, addr).await
        }
        pub(crate) async fn lookup(&self, host: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
            Ok(synfin::tokio::lookup_host(&self.pair.client, host).await?.collect())
        }
        pub(crate) fn client_socket(&self) -> TcpSocket {
            TcpSocket::new_v4(&self.pair.client).unwrap()
        }
        pub(crate) fn client_socket6(&self) -> TcpSocket {
            TcpSocket::new_v6(&self.pair.client).unwrap()
        }
        pub(crate) fn server_socket(&self) -> TcpSocket {
            TcpSocket::new_v4(&self.pair.server).unwrap()
        }
        pub(crate) async fn bind_client_udp(&self, addr: SocketAddr) -> io::Result<UdpSocket> {
            UdpSocket::bind(&self.pair.client, addr).await
        }
        pub(crate) async fn bind_server_udp(&self, addr: SocketAddr) -> io::Result<UdpSocket> {
            UdpSocket::bind(&self.pair.server, addr).await
        }
    }
}
