//! Accepting: one, many, several tasks at one listener, a backlog.

use super::super::net::Net;
use crate::support::{Counter, is_pending, kind_of, settle};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

behaviours! {
    async fn accept_waits_for_a_connection(net) {
        let listener = net.listen().await;
        let mut accepting = pin!(listener.accept());
        let counter = Counter::new();
        assert!(counter.poll(accepting.as_mut()).is_pending());
        settle().await;
        assert_eq!(counter.count(), 0);
        let client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        counter.woken().await;
        assert_eq!(accepting.await.unwrap().1, client.local_addr().unwrap());
    }

    async fn poll_accept_waits_for_a_connection(net) {
        let listener = net.listen().await;
        let counter = Counter::new();
        assert!(listener.poll_accept(&mut counter.context()).is_pending());
        let client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        counter.woken().await;
        match listener.poll_accept(&mut counter.context()) {
            Poll::Ready(Ok((_, from))) => assert_eq!(from, client.local_addr().unwrap()),
            other => panic!("{other:?}"),
        }
        assert!(listener.poll_accept(&mut counter.context()).is_pending());
    }

    async fn poll_accept_wakes_the_waker_it_was_given_last(net) {
        let listener = net.listen().await;
        let (first, last) = (Counter::new(), Counter::new());
        assert!(listener.poll_accept(&mut first.context()).is_pending());
        assert!(listener.poll_accept(&mut last.context()).is_pending());
        let _client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        last.woken().await;
        assert_eq!(first.count(), 0);
    }

    async fn who_came_first_is_accepted_first(net) {
        let listener = net.listen().await;
        let mut clients = Vec::new();
        for _ in 0..8 {
            clients.push(net.connect(listener.local_addr().unwrap()).await.unwrap());
        }
        for client in &clients {
            assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
        }
    }

    async fn several_tasks_wait_in_accept_and_each_gets_one(net) {
        let listener = Arc::new(net.listen().await);
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let listener = Arc::clone(&listener);
                tokio::spawn(async move { listener.accept().await.unwrap().1 })
            })
            .collect();
        settle().await;
        let mut expected = Vec::new();
        let mut clients = Vec::new();
        for _ in 0..4 {
            let client = net.connect(listener.local_addr().unwrap()).await.unwrap();
            expected.push(client.local_addr().unwrap());
            clients.push(client);
        }
        let mut seen = Vec::new();
        for task in tasks {
            seen.push(task.await.unwrap());
        }
        seen.sort_unstable();
        expected.sort_unstable();
        assert_eq!(seen, expected);
    }

    async fn a_dropped_accept_loses_no_connection(net) {
        let listener = net.listen().await;
        {
            let mut accepting = pin!(listener.accept());
            assert!(is_pending(accepting.as_mut()));
            let _ = net.connect(listener.local_addr().unwrap()).await.unwrap();
            settle().await;
        }
        listener.accept().await.unwrap();
    }

    async fn a_dropped_accept_leaves_the_connection_to_another_that_waits(net) {
        let listener = net.listen().await;
        let other = Counter::new();
        let mut staying = pin!(listener.accept());
        {
            let mut leaving = pin!(listener.accept());
            assert!(is_pending(leaving.as_mut()));
            assert!(other.poll(staying.as_mut()).is_pending());
        }
        let _client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        other.woken().await;
        staying.await.unwrap();
    }

    async fn accept_in_a_loop_with_timeouts_loses_nobody(net) {
        let listener = net.listen().await;
        let to = listener.local_addr().unwrap();
        let connecting = async {
            let mut clients = Vec::new();
            for _ in 0..30 {
                clients.push(net.connect(to).await.unwrap());
                tokio::task::yield_now().await;
            }
            clients
        };
        let accepting = async {
            let mut accepted = 0;
            while accepted < 30 {
                tokio::select! {
                    biased;
                    () = tokio::time::sleep(std::time::Duration::from_micros(50)) => {}
                    outcome = listener.accept() => {
                        outcome.unwrap();
                        accepted += 1;
                    }
                }
            }
        };
        tokio::join!(connecting, accepting);
    }

    async fn who_has_left_already_is_accepted_all_the_same(net) {
        let listener = net.listen().await;
        let mut client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(b"a note").await.unwrap();
        drop(client);
        let (mut server, _) = listener.accept().await.unwrap();
        let mut note = Vec::new();
        server.read_to_end(&mut note).await.unwrap();
        assert_eq!(note, b"a note");
    }

    async fn an_address_is_bound_once(net) {
        let listener = net.listen().await;
        let taken = listener.local_addr().unwrap();
        assert_eq!(kind_of(net.bind(taken).await), ErrorKind::AddrInUse);
        drop(listener);
        net.bind(taken).await.unwrap();
    }

    async fn a_port_is_free_again_though_its_connections_live(net) {
        let listener = net.listen().await;
        let at = listener.local_addr().unwrap();
        let mut client = net.connect(at).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        drop(listener);
        let again = net.bind(at).await.unwrap();
        let _other = net.connect(at).await.unwrap();
        again.accept().await.unwrap();
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
    }

    async fn a_foreign_address_cannot_be_bound(net) {
        let foreign = SocketAddr::from(([192, 0, 2, 77], 0));
        assert_eq!(kind_of(net.bind(foreign).await), ErrorKind::AddrNotAvailable);
    }

    async fn the_first_address_that_can_be_bound_is(net) {
        let listener = net.listen().await;
        let taken = listener.local_addr().unwrap();
        let free = net.unused_addr().await;
        let other = net.bind(&[taken, free][..]).await.unwrap();
        assert_eq!(other.local_addr().unwrap(), free);
    }

    async fn no_address_to_bind_is_invalid(net) {
        let none: &[SocketAddr] = &[];
        assert_eq!(kind_of(net.bind(none).await), ErrorKind::InvalidInput);
    }

    async fn a_listener_on_any_address_says_which_was_called(net) {
        let listener = net.bind((IpAddr::from(Ipv4Addr::UNSPECIFIED), 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = net.connect((net.server_ip(), port)).await.unwrap();
        let (server, from) = listener.accept().await.unwrap();
        assert_eq!(server.local_addr().unwrap(), SocketAddr::new(net.server_ip(), port));
        assert_eq!(from, client.local_addr().unwrap());
    }

    async fn a_listener_on_any_ipv6_address_takes_ipv6(net) {
        let listener = net.bind((IpAddr::from(Ipv6Addr::UNSPECIFIED), 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = net.connect((net.server_ip6(), port)).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
    }

    async fn a_listener_has_a_ttl_and_hands_it_on(net) {
        let listener = net.listen().await;
        assert_eq!(listener.ttl().unwrap(), 64);
        listener.set_ttl(33).unwrap();
        assert_eq!(listener.ttl().unwrap(), 33);
        let _client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().0.ttl().unwrap(), 33);
    }

    async fn a_listener_refuses_ttls_that_are_none(net) {
        let listener = net.listen().await;
        assert_eq!(kind_of(listener.set_ttl(0)), ErrorKind::InvalidInput);
        assert_eq!(kind_of(listener.set_ttl(256)), ErrorKind::InvalidInput);
    }

    async fn a_hundred_connections_may_wait(net) {
        let listener = net.listen().await;
        let to = listener.local_addr().unwrap();
        let mut clients = Vec::new();
        for _ in 0..100 {
            clients.push(net.connect(to).await.unwrap());
        }
        for client in &clients {
            assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
        }
    }

    async fn a_storm_of_connections_is_taken_whole(net) {
        let socket = net.server_socket();
        socket.bind(SocketAddr::new(net.server_ip(), 0)).unwrap();
        let listener = socket.listen(1_024).unwrap();
        let to = listener.local_addr().unwrap();
        let tasks: Vec<_> = (0..300_u32)
            .map(|number| {
                let net = net.clone();
                tokio::spawn(async move {
                    let mut client = net.connect(to).await.unwrap();
                    client.write_u32(number).await.unwrap();
                    client
                })
            })
            .collect();
        let mut seen = Vec::new();
        for _ in 0..300 {
            let (mut server, _) = listener.accept().await.unwrap();
            seen.push(server.read_u32().await.unwrap());
        }
        seen.sort_unstable();
        assert!(seen.iter().copied().eq(0..300));
        for task in tasks {
            task.await.unwrap();
        }
    }

    async fn connections_outlive_their_listener(net) {
        let (mut client, mut server) = net.pair().await;
        client.write_all(b"still here").await.unwrap();
        let mut buf = [0; 10];
        server.read_exact(&mut buf).await.unwrap();
    }

    async fn who_was_not_accepted_is_reset_with_the_listener(net) {
        let listener = net.listen().await;
        let mut client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(b"hello?").await.unwrap();
        drop(listener);
        assert_eq!(kind_of(client.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
    }
}
