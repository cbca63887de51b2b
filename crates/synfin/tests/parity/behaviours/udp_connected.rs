//! Datagrams of sockets with a peer: `connect`, `send`, `recv`, and what comes back.

use super::super::net::Net;
use crate::support::{Counter, eventually, kind_of, settle};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;

behaviours! {
    async fn connected_sockets_send_and_receive(net) {
        let (client, server) = net.udp_connected().await;
        assert_eq!(client.send(b"ping").await.unwrap(), 4);
        let mut buf = [0; 8];
        assert_eq!(server.recv(&mut buf).await.unwrap(), 4);
        server.send(b"pong").await.unwrap();
        assert_eq!(client.recv(&mut buf).await.unwrap(), 4);
        assert_eq!(&buf[..4], b"pong");
    }

    async fn the_peer_is_known_after_connect_only(net) {
        let (client, server) = net.udp().await;
        assert_eq!(kind_of(client.peer_addr()), ErrorKind::NotConnected);
        client.connect(server.local_addr().unwrap()).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
    }

    async fn sending_without_a_peer_fails(net) {
        let client = net.client_udp().await;
        assert!(client.send(b"whom?").await.is_err());
        client.writable().await.unwrap();
        assert!(client.try_send(b"whom?").is_err_and(|error| error.kind() != ErrorKind::WouldBlock));
    }

    async fn only_the_peer_is_heard(net) {
        let (client, server) = net.udp_connected().await;
        let stranger = net.server_udp().await;
        stranger.send_to(b"noise", client.local_addr().unwrap()).await.unwrap();
        server.send(b"answer").await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(client.recv(&mut buf).await.unwrap(), 6);
        assert_eq!(&buf[..6], b"answer");
        assert_eq!(kind_of(client.try_recv(&mut buf)), ErrorKind::WouldBlock);
    }

    async fn a_connected_socket_may_still_send_elsewhere(net) {
        let (client, _server) = net.udp_connected().await;
        let other = net.server_udp().await;
        client.send_to(b"you", other.local_addr().unwrap()).await.unwrap();
        assert_eq!(other.recv(&mut [0; 8]).await.unwrap(), 3);
    }

    async fn a_second_connect_replaces_the_first(net) {
        let (client, first) = net.udp_connected().await;
        let second = net.server_udp().await;
        client.connect(second.local_addr().unwrap()).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), second.local_addr().unwrap());
        client.send(b"hello").await.unwrap();
        assert_eq!(second.recv(&mut [0; 8]).await.unwrap(), 5);
        assert_eq!(kind_of(first.try_recv(&mut [0; 8])), ErrorKind::WouldBlock);
    }

    async fn connecting_a_socket_on_any_address_gives_it_one(net) {
        let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        let server = net.bind_server_udp(any).await.unwrap();
        let client = net.client_udp().await;
        server.connect(client.local_addr().unwrap()).await.unwrap();
        assert_eq!(server.local_addr().unwrap().ip(), net.server_ip());
        server.send(b"hello").await.unwrap();
        let (_, from) = client.recv_from(&mut [0; 8]).await.unwrap();
        assert_eq!(from, server.local_addr().unwrap());
    }

    async fn connect_takes_the_first_of_several_addresses(net) {
        let (client, server) = net.udp().await;
        let other = net.server_udp().await;
        let both = [server.local_addr().unwrap(), other.local_addr().unwrap()];
        client.connect(&both[..]).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), both[0]);
    }

    async fn no_address_to_connect_to_is_invalid(net) {
        let client = net.client_udp().await;
        let none: &[SocketAddr] = &[];
        assert_eq!(kind_of(client.connect(none).await), ErrorKind::InvalidInput);
    }

    async fn recv_waits_and_is_woken(net) {
        let (client, server) = net.udp_connected().await;
        let mut buf = [0; 8];
        let counter = Counter::new();
        let mut receiving = pin!(server.recv(&mut buf));
        assert!(counter.poll(receiving.as_mut()).is_pending());
        client.send(b"go").await.unwrap();
        counter.woken().await;
        assert_eq!(receiving.await.unwrap(), 2);
    }

    async fn peek_leaves_the_datagram(net) {
        let (client, server) = net.udp_connected().await;
        client.send(b"look").await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(server.peek(&mut buf).await.unwrap(), 4);
        assert_eq!(server.try_peek(&mut buf).unwrap(), 4);
        assert_eq!(server.recv(&mut buf).await.unwrap(), 4);
        assert_eq!(kind_of(server.try_peek(&mut buf)), ErrorKind::WouldBlock);
    }

    async fn an_empty_datagram_is_no_end(net) {
        let (client, server) = net.udp_connected().await;
        assert_eq!(client.send(b"").await.unwrap(), 0);
        client.send(b"after").await.unwrap();
        assert_eq!(server.recv(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(server.recv(&mut [0; 8]).await.unwrap(), 5);
    }

    async fn try_send_and_try_recv(net) {
        let (client, server) = net.udp_connected().await;
        let mut buf = [0; 8];
        assert_eq!(kind_of(server.try_recv(&mut buf)), ErrorKind::WouldBlock);
        client.writable().await.unwrap();
        assert_eq!(client.try_send(b"tried").unwrap(), 5);
        server.readable().await.unwrap();
        assert_eq!(server.try_recv(&mut buf).unwrap(), 5);
    }

    async fn recv_buf_appends(net) {
        let (client, server) = net.udp_connected().await;
        let mut received = Vec::with_capacity(16);
        assert_eq!(kind_of(server.try_recv_buf(&mut received)), ErrorKind::WouldBlock);
        client.send(b"ab").await.unwrap();
        assert_eq!(server.recv_buf(&mut received).await.unwrap(), 2);
        client.send(b"cd").await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(server.try_recv_buf(&mut received).unwrap(), 2);
        assert_eq!(received, b"abcd");
    }

    async fn recv_from_names_the_peer(net) {
        let (client, server) = net.udp_connected().await;
        client.send(b"x").await.unwrap();
        assert_eq!(server.recv_from(&mut [0; 8]).await.unwrap(), (1, client.local_addr().unwrap()));
    }

    async fn what_was_queued_before_connect_stays(net) {
        let (client, server) = net.udp().await;
        let stranger = net.server_udp().await;
        stranger.send_to(b"early", client.local_addr().unwrap()).await.unwrap();
        client.readable().await.unwrap();
        client.connect(server.local_addr().unwrap()).await.unwrap();
        assert_eq!(client.recv_from(&mut [0; 8]).await.unwrap(), (5, stranger.local_addr().unwrap()));
    }

    async fn a_datagram_to_nobody_comes_back_as_refused(net) {
        let client = net.client_udp().await;
        client.connect(net.unused_udp_addr().await).await.unwrap();
        client.send(b"anyone?").await.unwrap();
        assert_eq!(kind_of(client.recv(&mut [0; 8]).await), ErrorKind::ConnectionRefused);
    }

    async fn a_refusal_is_told_once(net) {
        let client = net.client_udp().await;
        client.connect(net.unused_udp_addr().await).await.unwrap();
        client.send(b"anyone?").await.unwrap();
        assert_eq!(kind_of(client.recv(&mut [0; 8]).await), ErrorKind::ConnectionRefused);
        settle().await;
        assert_eq!(kind_of(client.try_recv(&mut [0; 8])), ErrorKind::WouldBlock);
    }

    async fn a_refusal_wakes_who_waits(net) {
        let client = net.client_udp().await;
        client.connect(net.unused_udp_addr().await).await.unwrap();
        let mut buf = [0; 8];
        let counter = Counter::new();
        let mut receiving = pin!(client.recv(&mut buf));
        assert!(counter.poll(receiving.as_mut()).is_pending());
        client.send(b"anyone?").await.unwrap();
        counter.woken().await;
        assert_eq!(kind_of(receiving.await), ErrorKind::ConnectionRefused);
    }

    async fn a_refusal_is_told_to_a_sender_too(net) {
        let client = net.client_udp().await;
        client.connect(net.unused_udp_addr().await).await.unwrap();
        client.send(b"anyone?").await.unwrap();
        let mut told = None;
        eventually("it comes back", || {
            told = client.try_send(b"anyone?").err().filter(|error| error.kind() != ErrorKind::WouldBlock);
            told.is_some()
        })
        .await;
        assert_eq!(told.unwrap().kind(), ErrorKind::ConnectionRefused);
    }

    async fn a_refusal_can_be_taken(net) {
        let client = net.client_udp().await;
        client.connect(net.unused_udp_addr().await).await.unwrap();
        client.send(b"anyone?").await.unwrap();
        let mut taken = None;
        eventually("it comes back", || {
            taken = client.take_error().unwrap();
            taken.is_some()
        })
        .await;
        assert_eq!(taken.unwrap().kind(), ErrorKind::ConnectionRefused);
        assert!(client.take_error().unwrap().is_none());
    }

    async fn a_datagram_to_nobody_comes_back_over_ipv6(net) {
        let client = net.bind_client_udp(SocketAddr::new(net.client_ip6(), 0)).await.unwrap();
        let server = net.bind_server_udp(SocketAddr::new(net.server_ip6(), 0)).await.unwrap();
        client.connect(server.local_addr().unwrap()).await.unwrap();
        drop(server);
        client.send(b"anyone?").await.unwrap();
        assert_eq!(kind_of(client.recv(&mut [0; 8]).await), ErrorKind::ConnectionRefused);
    }

    async fn a_datagram_to_the_other_family_is_refused(net) {
        let client = net.client_udp().await;
        let six = SocketAddr::new(net.server_ip6(), 9);
        assert!(client.send_to(b"x", six).await.is_err());
        assert!(client.connect(six).await.is_err());
    }
}
