//! Connecting: to one address, to several, to nobody.

use super::super::net::Net;
use crate::support::{kind_of, settle};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

behaviours! {
    async fn both_ends_know_both_addresses(net) {
        let listener = net.listen().await;
        let client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, from) = listener.accept().await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), listener.local_addr().unwrap());
        assert_eq!(server.local_addr().unwrap(), listener.local_addr().unwrap());
        assert_eq!(server.peer_addr().unwrap(), client.local_addr().unwrap());
        assert_eq!(from, client.local_addr().unwrap());
    }

    async fn connecting_does_not_wait_for_accept(net) {
        let listener = net.listen().await;
        let mut client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(b"early").await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let mut buf = [0; 5];
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"early");
    }

    async fn a_closed_port_refuses(net) {
        let to = net.unused_addr().await;
        assert_eq!(kind_of(net.connect(to).await), ErrorKind::ConnectionRefused);
    }

    async fn a_refused_address_can_be_tried_again(net) {
        let to = net.unused_addr().await;
        for _ in 0..3 {
            assert_eq!(kind_of(net.connect(to).await), ErrorKind::ConnectionRefused);
        }
        let _listener = net.bind(to).await.unwrap();
        net.connect(to).await.unwrap();
    }

    async fn an_address_may_be_an_ip_and_a_port(net) {
        let listener = net.listen().await;
        let port = listener.local_addr().unwrap().port();
        net.connect((net.server_ip(), port)).await.unwrap();
    }

    async fn an_address_may_be_text(net) {
        let listener = net.listen().await;
        let text = listener.local_addr().unwrap().to_string();
        net.connect(text.as_str()).await.unwrap();
        net.connect(text).await.unwrap();
    }

    async fn addresses_are_tried_one_after_the_other(net) {
        let nobody = net.unused_addr().await;
        let listener = net.listen().await;
        let somebody = listener.local_addr().unwrap();
        let client = net.connect(&[nobody, somebody][..]).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), somebody);
    }

    async fn the_first_address_that_answers_is_taken(net) {
        let (first, second) = (net.listen().await, net.listen().await);
        let both = [first.local_addr().unwrap(), second.local_addr().unwrap()];
        let client = net.connect(&both[..]).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), both[0]);
    }

    async fn when_all_refuse_the_refusal_is_told(net) {
        let nobody = [net.unused_addr().await, net.unused_addr().await];
        assert_eq!(kind_of(net.connect(&nobody[..]).await), ErrorKind::ConnectionRefused);
    }

    async fn no_address_at_all_is_invalid(net) {
        let none: &[SocketAddr] = &[];
        assert_eq!(kind_of(net.connect(none).await), ErrorKind::InvalidInput);
    }

    async fn text_that_is_no_address_is_invalid(net) {
        assert_eq!(kind_of(net.connect("no port here").await), ErrorKind::InvalidInput);
    }

    async fn a_connection_over_ipv6_works(net) {
        let (mut client, mut server) = net.pair_over(net.server_ip6()).await;
        assert_eq!(server.local_addr().unwrap().ip(), net.server_ip6());
        assert_eq!(client.local_addr().unwrap().ip(), net.client_ip6());
        client.write_all(b"six").await.unwrap();
        let mut buf = [0; 3];
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"six");
    }

    async fn a_closed_port_refuses_over_ipv6(net) {
        let to = net.bind((net.server_ip6(), 0)).await.unwrap().local_addr().unwrap();
        assert_eq!(kind_of(net.connect(to).await), ErrorKind::ConnectionRefused);
    }

    async fn connecting_in_time_is_not_disturbed_by_a_timeout(net) {
        let listener = net.listen().await;
        let connecting = net.connect(listener.local_addr().unwrap());
        tokio::time::timeout(Duration::from_secs(10), connecting).await.unwrap().unwrap();
    }

    async fn each_connection_has_a_port_of_its_own(net) {
        let listener = net.listen().await;
        let mut clients = Vec::new();
        for _ in 0..20 {
            clients.push(net.connect(listener.local_addr().unwrap()).await.unwrap());
        }
        let mut ports: Vec<_> = clients.iter().map(|client| client.local_addr().unwrap().port()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 20);
    }

    async fn a_new_stream_has_the_ordinary_options(net) {
        let (client, server) = net.pair().await;
        for stream in [&client, &server] {
            assert!(!stream.nodelay().unwrap());
            assert_eq!(stream.ttl().unwrap(), 64);
            assert_eq!(stream.linger().unwrap(), None);
            assert!(stream.take_error().unwrap().is_none());
        }
    }

    async fn a_stream_can_be_used_in_another_task(net) {
        let listener = net.listen().await;
        let to = listener.local_addr().unwrap();
        let net = net.clone();
        let task = tokio::spawn(async move {
            let mut client = net.connect(to).await.unwrap();
            client.write_all(b"from a task").await.unwrap();
            client
        });
        let (mut server, _) = listener.accept().await.unwrap();
        let mut buf = [0; 11];
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"from a task");
        drop(task.await.unwrap());
    }

    async fn text_with_an_address_stands_for_it(net) {
        let one: SocketAddr = "192.0.2.7:80".parse().unwrap();
        assert_eq!(net.lookup("192.0.2.7:80").await.unwrap(), [one]);
        assert_eq!(net.lookup(("192.0.2.7", 80)).await.unwrap(), [one]);
        assert_eq!(net.lookup("[2001:db8::7]:80").await.unwrap(), ["[2001:db8::7]:80".parse().unwrap()]);
        assert_eq!(net.lookup(one).await.unwrap(), [one]);
    }

    async fn a_name_without_a_port_stands_for_nothing(net) {
        assert_eq!(kind_of(net.lookup("localhost").await), ErrorKind::InvalidInput);
    }

    async fn debug_output_is_there(net) {
        let listener = net.listen().await;
        let (client, server) = net.pair().await;
        settle().await;
        assert!(format!("{listener:?}").contains("TcpListener"));
        assert!(format!("{client:?}{server:?}").contains("TcpStream"));
    }
}
