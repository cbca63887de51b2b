//! Our sockets: two stacks with a wire in memory between them, driven by threads and by tasks; or with the kernel's
//! router between them, over TUN.

#[path = "behaviours/mod.rs"]
pub(crate) mod behaviours;

/// Where sockets are made.
pub(crate) mod net {
    use crate::OVER_TUN;
    use crate::common::pair::{CLIENT, CLIENT6, SERVER, SERVER6, capabilities, client_on, quick, server_on};
    use crate::support::Place;
    use std::io;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::sync::Arc;
    #[cfg(target_os = "linux")]
    use std::sync::atomic::{AtomicU16, Ordering};
    use synfin::tokio::ToSocketAddrs;
    pub(crate) use synfin::tokio::{TcpListener, TcpSocket, TcpStream, UdpSocket, tcp};
    use synfin::{Stack, device};

    /// A place with a server side and a client side.
    #[derive(Clone)]
    pub(crate) struct Net {
        client: Arc<Side>,
        server: Arc<Side>,
    }

    struct Side {
        stack: Stack,
        ip: Ipv4Addr,
        ip6: Ipv6Addr,
    }

    impl Net {
        pub(crate) fn places() -> Vec<Place<Net>> {
            if std::env::var_os(OVER_TUN).is_some() {
                return vec![("TUN", Net::over_tun)];
            }
            vec![("stacks that threads drive", Net::by_threads), ("stacks that tasks drive", Net::by_tasks)]
        }

        fn by_threads() -> Net {
            let (left, right) = device::memory::pair(capabilities());
            Net::of(client_on(left).start().unwrap(), server_on(right).start().unwrap())
        }

        fn by_tasks() -> Net {
            let (left, right) = device::memory::pair(capabilities());
            Net::of(client_on(left).start_task().unwrap(), server_on(right).start_task().unwrap())
        }

        fn of(client: Stack, server: Stack) -> Net {
            let client = Side { stack: client, ip: CLIENT, ip6: CLIENT6 };
            let server = Side { stack: server, ip: SERVER, ip6: SERVER6 };
            Net { client: Arc::new(client), server: Arc::new(server) }
        }

        #[cfg(target_os = "linux")]
        fn over_tun() -> Net {
            Net { client: Arc::new(Side::over_tun()), server: Arc::new(Side::over_tun()) }
        }

        #[cfg(not(target_os = "linux"))]
        fn over_tun() -> Net {
            panic!("there is no TUN here")
        }

        pub(crate) fn server_ip(&self) -> IpAddr {
            self.server.ip.into()
        }
        pub(crate) fn client_ip(&self) -> IpAddr {
            self.client.ip.into()
        }
        pub(crate) fn server_ip6(&self) -> IpAddr {
            self.server.ip6.into()
        }
        pub(crate) fn client_ip6(&self) -> IpAddr {
            self.client.ip6.into()
        }
        pub(crate) async fn bind(&self, addr: impl ToSocketAddrs) -> io::Result<TcpListener> {
            TcpListener::bind(&self.server.stack, addr).await
        }
        pub(crate) async fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<TcpStream> {
            TcpStream::connect(&self.client.stack, addr).await
        }
        pub(crate) async fn lookup(&self, host: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
            Ok(synfin::tokio::lookup_host(&self.client.stack, host).await?.collect())
        }
        pub(crate) fn client_socket(&self) -> TcpSocket {
            TcpSocket::new_v4(&self.client.stack).unwrap()
        }
        pub(crate) fn client_socket6(&self) -> TcpSocket {
            TcpSocket::new_v6(&self.client.stack).unwrap()
        }
        pub(crate) fn server_socket(&self) -> TcpSocket {
            TcpSocket::new_v4(&self.server.stack).unwrap()
        }
        pub(crate) async fn bind_client_udp(&self, addr: SocketAddr) -> io::Result<UdpSocket> {
            UdpSocket::bind(&self.client.stack, addr).await
        }
        pub(crate) async fn bind_server_udp(&self, addr: SocketAddr) -> io::Result<UdpSocket> {
            UdpSocket::bind(&self.server.stack, addr).await
        }
    }

    impl Side {
        /// A stack in a network of its own: the kernel is its router. No two have the same addresses, because a stack
        /// that was left stays a while.
        #[cfg(target_os = "linux")]
        fn over_tun() -> Side {
            static NETWORKS: AtomicU16 = AtomicU16::new(0);
            let network = NETWORKS.fetch_add(1, Ordering::Relaxed);
            let [high, low] = network.to_be_bytes();
            let ip4 = |host| Ipv4Addr::new(10, 100 + high, low, host);
            let ip6 = |host| Ipv6Addr::new(0xfd91, 0, 0, network, 0, 0, 0, host);
            let (ip, router, ip6, router6) = (ip4(2), ip4(1), ip6(2), ip6(1));
            let config = device::TunConfig::new("synfin%d")
                .with_host_address(format!("{router}/24").parse().unwrap())
                .with_host_address(format!("{router6}/64").parse().unwrap());
            let builder = Stack::builder().link(device::Tun::open(&config).unwrap()).tcp(quick());
            let builder = builder.address(format!("{ip}/24")).gateway(router.to_string());
            let builder = builder.address(format!("{ip6}/64")).gateway(router6.to_string());
            Side { stack: builder.start().unwrap(), ip, ip6 }
        }
    }
}
