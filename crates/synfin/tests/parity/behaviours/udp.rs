//! Datagrams of sockets without a peer.

use super::super::net::Net;
use crate::common::pattern;
use crate::support::{Counter, SHORT, kind_of, settle};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use tokio::io::Interest;
use tokio::time::timeout;

behaviours! {
    async fn a_datagram_arrives_and_says_from_whom(net) {
        let (client, server) = net.udp().await;
        assert_eq!(client.send_to(b"hello", server.local_addr().unwrap()).await.unwrap(), 5);
        let mut buf = [0; 8];
        assert_eq!(server.recv_from(&mut buf).await.unwrap(), (5, client.local_addr().unwrap()));
        assert_eq!(&buf[..5], b"hello");
    }

    async fn an_answer_finds_its_way(net) {
        let (client, server) = net.udp().await;
        client.send_to(b"ping", server.local_addr().unwrap()).await.unwrap();
        let (_, from) = server.recv_from(&mut [0; 8]).await.unwrap();
        server.send_to(b"pong", from).await.unwrap();
        assert_eq!(client.recv_from(&mut [0; 8]).await.unwrap(), (4, server.local_addr().unwrap()));
    }

    async fn receiving_waits_and_is_woken(net) {
        let (client, server) = net.udp().await;
        let mut buf = [0; 8];
        let counter = Counter::new();
        let mut receiving = pin!(server.recv_from(&mut buf));
        assert!(counter.poll(receiving.as_mut()).is_pending());
        settle().await;
        assert_eq!(counter.count(), 0);
        client.send_to(b"go", server.local_addr().unwrap()).await.unwrap();
        counter.woken().await;
        assert_eq!(receiving.await.unwrap().0, 2);
    }

    async fn datagrams_of_one_sender_keep_their_order(net) {
        let (client, server) = net.udp().await;
        for number in 0..50_u8 {
            client.send_to(&[number; 20], server.local_addr().unwrap()).await.unwrap();
        }
        for number in 0..50 {
            let mut buf = [0; 64];
            assert_eq!(server.recv(&mut buf).await.unwrap(), 20);
            assert_eq!(buf[..20], [number; 20]);
        }
    }

    async fn datagrams_keep_their_edges(net) {
        let (client, server) = net.udp().await;
        for datagram in [&b"one"[..], b"", b"three"] {
            client.send_to(datagram, server.local_addr().unwrap()).await.unwrap();
        }
        for len in [3, 0, 5] {
            assert_eq!(server.recv(&mut [0; 64]).await.unwrap(), len);
        }
    }

    async fn what_does_not_fit_is_lost(net) {
        let (client, server) = net.udp().await;
        client.send_to(b"0123456789", server.local_addr().unwrap()).await.unwrap();
        client.send_to(b"abc", server.local_addr().unwrap()).await.unwrap();
        let mut buf = [0; 4];
        assert_eq!(server.recv_from(&mut buf).await.unwrap().0, 4);
        assert_eq!(&buf, b"0123");
        assert_eq!(server.recv_from(&mut buf).await.unwrap().0, 3);
        assert_eq!(&buf[..3], b"abc");
    }

    async fn an_empty_buffer_takes_a_datagram_with_it(net) {
        let (client, server) = net.udp().await;
        client.send_to(b"lost", server.local_addr().unwrap()).await.unwrap();
        client.send_to(b"kept", server.local_addr().unwrap()).await.unwrap();
        assert_eq!(server.recv(&mut []).await.unwrap(), 0);
        let mut buf = [0; 8];
        assert_eq!(server.recv(&mut buf).await.unwrap(), 4);
        assert_eq!(&buf[..4], b"kept");
    }

    async fn peek_from_leaves_the_datagram(net) {
        let (client, server) = net.udp().await;
        client.send_to(b"look", server.local_addr().unwrap()).await.unwrap();
        let mut buf = [0; 8];
        for _ in 0..2 {
            assert_eq!(server.peek_from(&mut buf).await.unwrap(), (4, client.local_addr().unwrap()));
        }
        assert_eq!(server.recv_from(&mut buf).await.unwrap(), (4, client.local_addr().unwrap()));
    }

    async fn peek_from_with_a_small_buffer_loses_nothing(net) {
        let (client, server) = net.udp().await;
        client.send_to(b"0123456789", server.local_addr().unwrap()).await.unwrap();
        assert_eq!(server.peek_from(&mut [0; 3]).await.unwrap().0, 3);
        assert_eq!(server.recv(&mut [0; 16]).await.unwrap(), 10);
    }

    async fn peek_from_waits_and_is_woken(net) {
        let (client, server) = net.udp().await;
        let mut buf = [0; 8];
        let counter = Counter::new();
        let mut peeking = pin!(server.peek_from(&mut buf));
        assert!(counter.poll(peeking.as_mut()).is_pending());
        client.send_to(b"go", server.local_addr().unwrap()).await.unwrap();
        counter.woken().await;
        assert_eq!(peeking.await.unwrap().0, 2);
    }

    async fn peek_sender_says_who_and_takes_nothing(net) {
        let (client, server) = net.udp().await;
        client.send_to(b"look", server.local_addr().unwrap()).await.unwrap();
        assert_eq!(server.peek_sender().await.unwrap(), client.local_addr().unwrap());
        assert_eq!(server.try_peek_sender().unwrap(), client.local_addr().unwrap());
        assert_eq!(server.recv(&mut [0; 8]).await.unwrap(), 4);
    }

    async fn try_recv_from_without_a_datagram_would_block(net) {
        let (client, server) = net.udp().await;
        let mut buf = [0; 8];
        assert_eq!(kind_of(server.try_recv_from(&mut buf)), ErrorKind::WouldBlock);
        assert_eq!(kind_of(server.try_peek_from(&mut buf)), ErrorKind::WouldBlock);
        assert_eq!(kind_of(server.try_peek_sender()), ErrorKind::WouldBlock);
        client.send_to(b"x", server.local_addr().unwrap()).await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(server.try_peek_from(&mut buf).unwrap(), (1, client.local_addr().unwrap()));
        assert_eq!(server.try_recv_from(&mut buf).unwrap(), (1, client.local_addr().unwrap()));
        assert_eq!(kind_of(server.try_recv_from(&mut buf)), ErrorKind::WouldBlock);
    }

    async fn try_send_to_sends(net) {
        let (client, server) = net.udp().await;
        client.writable().await.unwrap();
        assert_eq!(client.try_send_to(b"tried", server.local_addr().unwrap()).unwrap(), 5);
        assert_eq!(server.recv(&mut [0; 8]).await.unwrap(), 5);
    }

    async fn recv_buf_from_appends(net) {
        let (client, server) = net.udp().await;
        client.send_to(b"cd", server.local_addr().unwrap()).await.unwrap();
        let mut received = b"ab".to_vec();
        received.reserve(16);
        assert_eq!(server.recv_buf_from(&mut received).await.unwrap(), (2, client.local_addr().unwrap()));
        assert_eq!(received, b"abcd");
    }

    async fn try_recv_buf_from_appends(net) {
        let (client, server) = net.udp().await;
        let mut received = Vec::with_capacity(16);
        assert_eq!(kind_of(server.try_recv_buf_from(&mut received)), ErrorKind::WouldBlock);
        client.send_to(b"ab", server.local_addr().unwrap()).await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(server.try_recv_buf_from(&mut received).unwrap(), (2, client.local_addr().unwrap()));
        assert_eq!(received, b"ab");
    }

    async fn an_address_may_be_text_or_a_pair(net) {
        let (client, server) = net.udp().await;
        let to = server.local_addr().unwrap();
        client.send_to(b"x", to.to_string()).await.unwrap();
        client.send_to(b"x", (to.ip(), to.port())).await.unwrap();
        for _ in 0..2 {
            assert_eq!(server.recv(&mut [0; 8]).await.unwrap(), 1);
        }
    }

    async fn no_address_to_send_to_is_invalid(net) {
        let client = net.client_udp().await;
        let none: &[SocketAddr] = &[];
        assert_eq!(kind_of(client.send_to(b"x", none).await), ErrorKind::InvalidInput);
    }

    async fn a_large_datagram_arrives_whole(net) {
        let (client, server) = net.udp().await;
        let sent = pattern(60_000, 17);
        client.send_to(&sent, server.local_addr().unwrap()).await.unwrap();
        let mut received = vec![0; 65_536];
        assert_eq!(server.recv(&mut received).await.unwrap(), 60_000);
        assert!(received[..60_000] == sent[..]);
    }

    async fn a_datagram_that_is_too_long_is_refused(net) {
        let (client, server) = net.udp().await;
        let to = server.local_addr().unwrap();
        assert!(client.send_to(&vec![0; 65_508], to).await.is_err());
        client.send_to(b"fine", to).await.unwrap();
        assert_eq!(server.recv(&mut [0; 8]).await.unwrap(), 4);
    }

    async fn a_foreign_address_cannot_be_bound_for_datagrams(net) {
        let foreign = SocketAddr::from(([192, 0, 2, 77], 0));
        assert_eq!(kind_of(net.bind_server_udp(foreign).await), ErrorKind::AddrNotAvailable);
    }

    async fn a_socket_on_any_address_answers_from_the_one_that_was_asked(net) {
        let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        let server = net.bind_server_udp(any).await.unwrap();
        let to = SocketAddr::new(net.server_ip(), server.local_addr().unwrap().port());
        let client = net.client_udp().await;
        client.send_to(b"ask", to).await.unwrap();
        let (_, from) = server.recv_from(&mut [0; 8]).await.unwrap();
        server.send_to(b"answer", from).await.unwrap();
        assert_eq!(client.recv_from(&mut [0; 8]).await.unwrap(), (6, to));
    }

    async fn datagrams_over_ipv6(net) {
        let client = net.bind_client_udp(SocketAddr::new(net.client_ip6(), 0)).await.unwrap();
        let server = net.bind_server_udp(SocketAddr::new(net.server_ip6(), 0)).await.unwrap();
        client.send_to(b"six", server.local_addr().unwrap()).await.unwrap();
        assert_eq!(server.recv_from(&mut [0; 8]).await.unwrap(), (3, client.local_addr().unwrap()));
    }

    async fn who_has_no_peer_hears_of_no_refusal(net) {
        let client = net.client_udp().await;
        client.send_to(b"anyone?", net.unused_udp_addr().await).await.unwrap();
        assert!(timeout(SHORT, client.recv(&mut [0; 8])).await.is_err());
        assert!(client.take_error().unwrap().is_none());
    }

    async fn the_ttl_of_datagrams_is_remembered(net) {
        let client = net.client_udp().await;
        assert_eq!(client.ttl().unwrap(), 64);
        client.set_ttl(9).unwrap();
        assert_eq!(client.ttl().unwrap(), 9);
        assert_eq!(kind_of(client.set_ttl(0)), ErrorKind::InvalidInput);
        assert_eq!(kind_of(client.set_ttl(256)), ErrorKind::InvalidInput);
    }

    async fn a_new_socket_is_writable_and_not_readable(net) {
        let client = net.client_udp().await;
        let ready = client.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
        assert!(ready.is_writable() && !ready.is_readable());
    }

    async fn ready_says_that_a_datagram_is_there(net) {
        let (client, server) = net.udp().await;
        client.send_to(b"x", server.local_addr().unwrap()).await.unwrap();
        let ready = server.ready(Interest::READABLE).await.unwrap();
        assert!(ready.is_readable() && !ready.is_read_closed());
    }

    async fn readable_stays_so_until_everything_was_received(net) {
        let (client, server) = net.udp().await;
        for _ in 0..2 {
            client.send_to(b"x", server.local_addr().unwrap()).await.unwrap();
        }
        let mut buf = [0; 8];
        for _ in 0..2 {
            server.readable().await.unwrap();
            assert_eq!(server.try_recv(&mut buf).unwrap(), 1);
        }
        assert_eq!(kind_of(server.try_recv(&mut buf)), ErrorKind::WouldBlock);
        let mut readable = pin!(server.readable());
        assert!(crate::support::is_pending(readable.as_mut()));
    }
}
