//! `TcpSocket`: options first, then a stream or a listener.

use super::super::net::Net;
use crate::support::kind_of;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

behaviours! {
    async fn a_socket_connects(net) {
        let listener = net.listen().await;
        let mut client = net.client_socket().connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, from) = listener.accept().await.unwrap();
        assert_eq!(from, client.local_addr().unwrap());
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
    }

    async fn a_socket_connects_from_the_address_it_is_bound_to(net) {
        let listener = net.listen().await;
        let socket = net.client_socket();
        socket.bind(SocketAddr::new(net.client_ip(), 0)).unwrap();
        let bound = socket.local_addr().unwrap();
        assert_ne!(bound.port(), 0);
        let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        assert_eq!(client.local_addr().unwrap(), bound);
        assert_eq!(listener.accept().await.unwrap().1, bound);
    }

    async fn a_socket_over_ipv6_connects(net) {
        let listener = net.bind((net.server_ip6(), 0)).await.unwrap();
        let client = net.client_socket6().connect(listener.local_addr().unwrap()).await.unwrap();
        assert_eq!(client.local_addr().unwrap().ip(), net.client_ip6());
    }

    async fn a_socket_listens(net) {
        let socket = net.server_socket();
        socket.bind(SocketAddr::new(net.server_ip(), 0)).unwrap();
        let bound = socket.local_addr().unwrap();
        let listener = socket.listen(16).unwrap();
        assert_eq!(listener.local_addr().unwrap(), bound);
        let client = net.connect(bound).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
    }

    async fn a_socket_that_is_only_bound_refuses(net) {
        let socket = net.server_socket();
        socket.bind(SocketAddr::new(net.server_ip(), 0)).unwrap();
        assert_eq!(kind_of(net.connect(socket.local_addr().unwrap()).await), ErrorKind::ConnectionRefused);
    }

    async fn a_taken_address_cannot_be_bound(net) {
        let listener = net.listen().await;
        let socket = net.server_socket();
        let outcome = socket.bind(listener.local_addr().unwrap());
        assert_eq!(kind_of(outcome.and_then(|()| socket.listen(1))), ErrorKind::AddrInUse);
    }

    async fn a_foreign_address_cannot_be_bound_by_a_socket(net) {
        let foreign = SocketAddr::from(([192, 0, 2, 77], 0));
        assert_eq!(kind_of(net.client_socket().bind(foreign)), ErrorKind::AddrNotAvailable);
    }

    async fn a_socket_is_bound_once(net) {
        let socket = net.client_socket();
        socket.bind(SocketAddr::new(net.client_ip(), 0)).unwrap();
        let outcome = socket.bind(SocketAddr::new(net.client_ip(), 0));
        assert_eq!(kind_of(outcome), ErrorKind::InvalidInput);
    }

    async fn an_address_of_the_other_family_is_refused(net) {
        let socket = net.client_socket();
        assert!(socket.bind(SocketAddr::new(net.client_ip6(), 0)).is_err());
        let listener = net.bind((net.server_ip6(), 0)).await.unwrap();
        assert!(net.client_socket().connect(listener.local_addr().unwrap()).await.is_err());
    }

    async fn a_refusal_is_told_to_a_socket(net) {
        let to = net.unused_addr().await;
        assert_eq!(kind_of(net.client_socket().connect(to).await), ErrorKind::ConnectionRefused);
    }

    async fn a_dropped_socket_frees_its_port(net) {
        let socket = net.server_socket();
        socket.bind(SocketAddr::new(net.server_ip(), 0)).unwrap();
        let bound = socket.local_addr().unwrap();
        drop(socket);
        net.bind(bound).await.unwrap();
    }

    async fn keepalive_is_remembered(net) {
        let socket = net.client_socket();
        assert!(!socket.keepalive().unwrap());
        socket.set_keepalive(true).unwrap();
        assert!(socket.keepalive().unwrap());
        socket.set_keepalive(false).unwrap();
        assert!(!socket.keepalive().unwrap());
    }

    async fn reuseaddr_is_remembered(net) {
        let socket = net.server_socket();
        socket.set_reuseaddr(true).unwrap();
        assert!(socket.reuseaddr().unwrap());
        socket.set_reuseaddr(false).unwrap();
        assert!(!socket.reuseaddr().unwrap());
    }

    async fn buffer_sizes_are_taken(net) {
        let socket = net.client_socket();
        assert!(socket.send_buffer_size().unwrap() > 0);
        assert!(socket.recv_buffer_size().unwrap() > 0);
        socket.set_send_buffer_size(64 << 10).unwrap();
        socket.set_recv_buffer_size(64 << 10).unwrap();
        assert!(socket.send_buffer_size().unwrap() >= 64 << 10);
        assert!(socket.recv_buffer_size().unwrap() >= 64 << 10);
    }

    async fn nodelay_goes_with_the_stream(net) {
        let listener = net.listen().await;
        let socket = net.client_socket();
        assert!(!socket.nodelay().unwrap());
        socket.set_nodelay(true).unwrap();
        assert!(socket.nodelay().unwrap());
        let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(client.nodelay().unwrap());
    }

    async fn linger_goes_with_the_stream(net) {
        let listener = net.listen().await;
        let socket = net.client_socket();
        assert_eq!(socket.linger().unwrap(), None);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
        assert_eq!(socket.linger().unwrap(), Some(Duration::ZERO));
        let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        drop(client);
        assert_eq!(kind_of(server.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
    }

    async fn a_socket_without_a_failure_has_none_to_take(net) {
        assert!(net.client_socket().take_error().unwrap().is_none());
    }

    async fn a_small_send_buffer_fills_sooner(net) {
        let listener = net.listen().await;
        let socket = net.client_socket();
        socket.set_send_buffer_size(16 << 10).unwrap();
        let client = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        let (_server, _) = listener.accept().await.unwrap();
        client.writable().await.unwrap();
        let taken = client.try_write(&vec![1; 16 << 20]).unwrap();
        assert!(taken < 16 << 20, "{taken}");
    }
}
