//! `shutdown` and the end of a stream: a FIN, behind everything that was written.

use super::super::net::Net;
use super::fill;
use crate::common::{digest, pattern};
use crate::support::{Counter, eventually, is_pending, kind_of, settle};
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

behaviours! {
    async fn shutdown_is_the_end_behind_the_data(net) {
        let (mut client, mut server) = net.pair().await;
        client.write_all(b"all of it").await.unwrap();
        client.shutdown().await.unwrap();
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"all of it");
    }

    async fn poll_shutdown_is_ready_at_once(net) {
        let (mut client, _server) = net.pair().await;
        let counter = Counter::new();
        let outcome = Pin::new(&mut client).poll_shutdown(&mut counter.context());
        assert!(matches!(outcome, Poll::Ready(Ok(()))), "{outcome:?}");
    }

    async fn poll_shutdown_does_not_wait_for_acknowledgments(net) {
        let (mut client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        let counter = Counter::new();
        let outcome = Pin::new(&mut client).poll_shutdown(&mut counter.context());
        assert!(matches!(outcome, Poll::Ready(Ok(()))), "{outcome:?}");
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received.len(), taken);
    }

    async fn shutdown_twice_is_fine(net) {
        let (mut client, mut server) = net.pair().await;
        client.shutdown().await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    }

    async fn shutdown_of_a_finished_connection_is_fine(net) {
        let (mut client, mut server) = net.pair().await;
        client.shutdown().await.unwrap();
        server.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        settle().await;
        client.shutdown().await.unwrap();
        server.shutdown().await.unwrap();
    }

    async fn shutdown_after_the_peer_finished_is_fine(net) {
        let (mut client, server) = net.pair().await;
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        client.shutdown().await.unwrap();
    }

    async fn reading_goes_on_after_our_shutdown(net) {
        let (mut client, mut server) = net.pair().await;
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        server.write_all(b"still").await.unwrap();
        server.write_all(b"here").await.unwrap();
        drop(server);
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"stillhere");
    }

    async fn a_half_closed_server_sends_a_large_answer(net) {
        let (mut client, mut server) = net.pair().await;
        let answer = pattern(2 << 20, 17);
        let expected = digest(&answer);
        let serving = tokio::spawn(async move {
            let mut question = Vec::new();
            server.read_to_end(&mut question).await.unwrap();
            server.write_all(&answer).await.unwrap();
            question
        });
        client.write_all(b"everything, please").await.unwrap();
        client.shutdown().await.unwrap();
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        assert_eq!(digest(&received), expected);
        assert_eq!(serving.await.unwrap(), b"everything, please");
    }

    async fn both_may_shut_down_at_once(net) {
        let (mut client, mut server) = net.pair().await;
        client.write_all(b"to server").await.unwrap();
        server.write_all(b"to client").await.unwrap();
        let (one, other) = tokio::join!(client.shutdown(), server.shutdown());
        one.unwrap();
        other.unwrap();
        for stream in [&mut client, &mut server] {
            let mut received = Vec::new();
            stream.read_to_end(&mut received).await.unwrap();
            assert_eq!(received.len(), 9);
        }
    }

    async fn peer_addr_is_gone_when_both_directions_are_over(net) {
        let (mut client, mut server) = net.pair().await;
        let peer = client.peer_addr().unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(client.peer_addr().unwrap(), peer);
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        eventually("both directions are over", || client.peer_addr().is_err()).await;
        assert_eq!(kind_of(client.peer_addr()), ErrorKind::NotConnected);
        assert!(client.local_addr().is_ok());
    }

    async fn the_end_is_no_error(net) {
        let (mut client, server) = net.pair().await;
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        assert!(client.take_error().unwrap().is_none());
    }

    async fn the_shutdown_of_the_peer_does_not_wake_a_writer_in_vain(net) {
        let (mut client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        let mut writing = pin!(client.write(b"x"));
        assert!(is_pending(writing.as_mut()));
        server.shutdown().await.unwrap();
        settle().await;
        let mut received = vec![0; taken];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(writing.await.unwrap(), 1);
    }

    async fn a_shutdown_before_anything_was_said(net) {
        let listener = net.listen().await;
        let mut client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        client.shutdown().await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        server.write_all(b"hello").await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 5);
    }
}
