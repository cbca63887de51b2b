//! Resets: who hears of them, how often, and what is possible afterwards.

use super::super::net::Net;
use super::{TcpStream, fill};
use crate::support::{Counter, eventually, kind_of, settle};
use std::io::ErrorKind;
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A stream whose peer has reset it; nobody has been told.
async fn reset_by_peer(net: &Net) -> TcpStream {
    let (client, server) = net.pair().await;
    server.set_zero_linger().unwrap();
    drop(server);
    eventually("the reset arrives", || client.peer_addr().is_err()).await;
    client
}

behaviours! {
    async fn a_drop_with_unread_data_resets_the_peer(net) {
        let (mut client, server) = net.pair().await;
        client.write_all(b"never read").await.unwrap();
        server.readable().await.unwrap();
        drop(server);
        assert_eq!(kind_of(client.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
    }

    async fn a_zero_linger_resets_the_peer(net) {
        let (mut client, server) = net.pair().await;
        server.set_zero_linger().unwrap();
        drop(server);
        assert_eq!(kind_of(client.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
    }

    async fn a_reset_is_told_to_a_reader_once(net) {
        let mut client = reset_by_peer(net).await;
        assert_eq!(kind_of(client.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
        for _ in 0..2 {
            assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        }
    }

    async fn a_reset_is_told_to_a_writer_once(net) {
        let mut client = reset_by_peer(net).await;
        assert_eq!(kind_of(client.write(b"x").await), ErrorKind::ConnectionReset);
        assert_eq!(kind_of(client.write(b"x").await), ErrorKind::BrokenPipe);
    }

    async fn a_reset_that_a_reader_was_told_is_a_broken_pipe_for_a_writer(net) {
        let mut client = reset_by_peer(net).await;
        assert_eq!(kind_of(client.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
        assert_eq!(kind_of(client.write(b"x").await), ErrorKind::BrokenPipe);
    }

    async fn a_reset_that_a_writer_was_told_is_the_end_for_a_reader(net) {
        let mut client = reset_by_peer(net).await;
        assert_eq!(kind_of(client.write(b"x").await), ErrorKind::ConnectionReset);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }

    async fn take_error_takes_it(net) {
        let mut client = reset_by_peer(net).await;
        assert_eq!(client.take_error().unwrap().unwrap().kind(), ErrorKind::ConnectionReset);
        assert!(client.take_error().unwrap().is_none());
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }

    async fn an_empty_write_tells_of_a_reset(net) {
        let mut client = reset_by_peer(net).await;
        assert_eq!(kind_of(client.write(b"").await), ErrorKind::ConnectionReset);
        assert_eq!(kind_of(client.write(b"").await), ErrorKind::BrokenPipe);
    }

    async fn a_reset_wakes_a_reader(net) {
        let (mut client, server) = net.pair().await;
        let mut buf = [0; 8];
        let counter = Counter::new();
        let mut reading = pin!(client.read(&mut buf));
        assert!(counter.poll(reading.as_mut()).is_pending());
        server.set_zero_linger().unwrap();
        drop(server);
        counter.woken().await;
        assert_eq!(kind_of(reading.await), ErrorKind::ConnectionReset);
    }

    async fn a_reset_wakes_a_writer(net) {
        let (mut client, server) = net.pair().await;
        fill(&client).await;
        let counter = Counter::new();
        let large = vec![1; 8 << 20];
        let mut writing = pin!(client.write_all(&large));
        assert!(counter.poll(writing.as_mut()).is_pending());
        drop(server);
        counter.woken().await;
        assert_eq!(kind_of(writing.await), ErrorKind::ConnectionReset);
    }

    async fn a_reset_does_not_take_what_had_arrived(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"last words").await.unwrap();
        client.readable().await.unwrap();
        server.set_zero_linger().unwrap();
        drop(server);
        eventually("the reset arrives", || client.peer_addr().is_err()).await;
        assert_eq!(client.read(&mut [0; 16]).await.unwrap(), 10);
        assert_eq!(kind_of(client.read(&mut [0; 16]).await), ErrorKind::ConnectionReset);
        assert_eq!(client.read(&mut [0; 16]).await.unwrap(), 0);
    }

    async fn flush_says_nothing_of_a_reset(net) {
        let mut client = reset_by_peer(net).await;
        client.flush().await.unwrap();
        assert_eq!(kind_of(client.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
    }

    async fn shutdown_says_nothing_of_a_reset(net) {
        let mut client = reset_by_peer(net).await;
        client.shutdown().await.unwrap();
        assert_eq!(kind_of(client.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
    }

    async fn the_peer_is_not_connected_any_more(net) {
        let client = reset_by_peer(net).await;
        assert_eq!(kind_of(client.peer_addr()), ErrorKind::NotConnected);
        assert!(client.local_addr().is_ok());
    }

    async fn writing_to_a_peer_that_left_is_taken_at_first_and_then_a_broken_pipe(net) {
        let (mut client, server) = net.pair().await;
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        client.write_all(b"are you there?").await.unwrap();
        eventually("its reset arrives", || client.peer_addr().is_err()).await;
        assert_eq!(kind_of(client.write(b"hello?").await), ErrorKind::BrokenPipe);
    }

    async fn a_reset_after_the_end_is_a_broken_pipe(net) {
        let (mut client, mut server) = net.pair().await;
        server.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        server.set_zero_linger().unwrap();
        drop(server);
        eventually("the reset arrives", || client.peer_addr().is_err()).await;
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(client.take_error().unwrap().unwrap().kind(), ErrorKind::BrokenPipe);
    }

    async fn a_reset_before_accept_is_told_after_it(net) {
        let listener = net.listen().await;
        let client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        client.set_zero_linger().unwrap();
        drop(client);
        settle().await;
        let (mut server, _) = listener.accept().await.unwrap();
        assert_eq!(kind_of(server.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
    }

    async fn owned_halves_share_the_telling_of_a_reset(net) {
        let client = reset_by_peer(net).await;
        let (mut reader, mut writer) = client.into_split();
        assert_eq!(kind_of(reader.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
        assert_eq!(kind_of(writer.write(b"x").await), ErrorKind::BrokenPipe);
    }

    async fn a_reset_over_ipv6_is_one(net) {
        let (mut client, server) = net.pair_over(net.server_ip6()).await;
        server.set_zero_linger().unwrap();
        drop(server);
        assert_eq!(kind_of(client.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
    }
}
