//! tokio's own sockets on the kernel's loopback.

#[path = "behaviours/mod.rs"]
pub(crate) mod behaviours;

/// Where sockets are made.
pub(crate) mod net {
    use crate::support::Place;
    use std::io;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    use tokio::net::ToSocketAddrs;
    pub(crate) use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, tcp};

    /// A place with a server side and a client side.
    #[derive(Clone)]
    pub(crate) struct Net;

    impl Net {
        pub(crate) fn places() -> Vec<Place<Net>> {
            vec![("the kernel's loopback", || Net)]
        }
        pub(crate) fn server_ip(&self) -> IpAddr {
            Ipv4Addr::LOCALHOST.into()
        }
        pub(crate) fn client_ip(&self) -> IpAddr {
            Ipv4Addr::LOCALHOST.into()
        }
        pub(crate) fn server_ip6(&self) -> IpAddr {
            Ipv6Addr::LOCALHOST.into()
        }
        pub(crate) fn client_ip6(&self) -> IpAddr {
            Ipv6Addr::LOCALHOST.into()
        }
        pub(crate) async fn bind(&self, addr: impl ToSocketAddrs) -> io::Result<TcpListener> {
            TcpListener::bind(addr).await
        }
        pub(crate) async fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<TcpStream> {
            TcpStream::connect(addr).await
        }
        pub(crate) async fn lookup(&self, host: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
            Ok(tokio::net::lookup_host(host).await?.collect())
        }
        pub(crate) fn client_socket(&self) -> TcpSocket {
            TcpSocket::new_v4().unwrap()
        }
        pub(crate) fn client_socket6(&self) -> TcpSocket {
            TcpSocket::new_v6().unwrap()
        }
        pub(crate) fn server_socket(&self) -> TcpSocket {
            TcpSocket::new_v4().unwrap()
        }
        pub(crate) async fn bind_client_udp(&self, addr: SocketAddr) -> io::Result<UdpSocket> {
            UdpSocket::bind(addr).await
        }
        pub(crate) async fn bind_server_udp(&self, addr: SocketAddr) -> io::Result<UdpSocket> {
            UdpSocket::bind(addr).await
        }
    }
}
