//! Options of streams: what is remembered, and what is refused.

use super::super::net::Net;
use crate::support::{eventually, kind_of};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

behaviours! {
    async fn nodelay_is_remembered(net) {
        let (client, server) = net.pair().await;
        client.set_nodelay(true).unwrap();
        assert!(client.nodelay().unwrap());
        assert!(!server.nodelay().unwrap());
        client.set_nodelay(false).unwrap();
        assert!(!client.nodelay().unwrap());
    }

    async fn the_ttl_is_remembered(net) {
        let (client, server) = net.pair().await;
        for ttl in [1, 128, 255] {
            client.set_ttl(ttl).unwrap();
            assert_eq!(client.ttl().unwrap(), ttl);
        }
        assert_eq!(server.ttl().unwrap(), 64);
    }

    async fn ttls_that_are_none_are_refused(net) {
        let (client, _server) = net.pair().await;
        for ttl in [0, 256, 1_000] {
            assert_eq!(kind_of(client.set_ttl(ttl)), ErrorKind::InvalidInput);
        }
        assert_eq!(client.ttl().unwrap(), 64);
    }

    async fn linger_is_remembered(net) {
        let (client, _server) = net.pair().await;
        assert_eq!(client.linger().unwrap(), None);
        client.set_linger(Some(Duration::from_secs(3))).unwrap();
        assert_eq!(client.linger().unwrap(), Some(Duration::from_secs(3)));
        client.set_linger(None).unwrap();
        assert_eq!(client.linger().unwrap(), None);
    }

    async fn a_zero_linger_is_a_linger_of_zero(net) {
        let (client, _server) = net.pair().await;
        client.set_zero_linger().unwrap();
        assert_eq!(client.linger().unwrap(), Some(Duration::ZERO));
    }

    async fn linger_can_be_taken_back(net) {
        let (mut client, server) = net.pair().await;
        server.set_zero_linger().unwrap();
        server.set_linger(None).unwrap();
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }

    async fn a_drop_with_a_linger_delivers(net) {
        let (mut client, mut server) = net.pair().await;
        server.set_linger(Some(Duration::from_secs(5))).unwrap();
        server.write_all(b"all of it").await.unwrap();
        let mut received = Vec::new();
        client.read_buf(&mut received).await.unwrap();
        drop(server);
        client.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"all of it");
    }

    async fn nodelay_can_be_changed_while_data_flows(net) {
        let (mut client, mut server) = net.pair().await;
        for number in 0..20 {
            client.set_nodelay(number % 2 == 0).unwrap();
            client.write_u8(number).await.unwrap();
        }
        for number in 0..20 {
            assert_eq!(server.read_u8().await.unwrap(), number);
        }
    }

    async fn options_can_be_asked_after_a_reset(net) {
        let (client, server) = net.pair().await;
        client.set_nodelay(true).unwrap();
        client.set_ttl(7).unwrap();
        server.set_zero_linger().unwrap();
        drop(server);
        eventually("the reset arrives", || client.peer_addr().is_err()).await;
        assert!(client.nodelay().unwrap());
        assert_eq!(client.ttl().unwrap(), 7);
        assert_eq!(client.linger().unwrap(), None);
    }

    async fn the_hop_limit_over_ipv6_does_not_break_the_stream(net) {
        let (mut client, mut server) = net.pair_over(net.server_ip6()).await;
        client.set_nodelay(true).unwrap();
        assert!(client.nodelay().unwrap());
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
    }

    async fn without_a_failure_there_is_none_to_take(net) {
        let (client, server) = net.pair().await;
        assert!(client.take_error().unwrap().is_none());
        assert!(server.take_error().unwrap().is_none());
    }
}
