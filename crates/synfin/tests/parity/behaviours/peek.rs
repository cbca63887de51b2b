//! `peek`: looking at bytes that stay.

use super::super::net::Net;
use crate::support::{Counter, eventually, is_pending, kind_of, settle};
use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::pin;
use std::task::Poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};

behaviours! {
    async fn peek_leaves_the_bytes_there(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        let mut buf = [0; 3];
        assert_eq!(client.peek(&mut buf).await.unwrap(), 3);
        assert_eq!(&buf, b"abc");
        buf = [0; 3];
        client.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"abc");
    }

    async fn peek_waits_for_data_and_is_woken_by_it(net) {
        let (client, mut server) = net.pair().await;
        let mut buf = [0; 8];
        let counter = Counter::new();
        let mut peeking = pin!(client.peek(&mut buf));
        assert!(counter.poll(peeking.as_mut()).is_pending());
        server.write_all(b"go").await.unwrap();
        counter.woken().await;
        assert_eq!(peeking.await.unwrap(), 2);
    }

    async fn peek_sees_the_same_again(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"same").await.unwrap();
        for _ in 0..3 {
            let mut buf = [0; 4];
            assert_eq!(client.peek(&mut buf).await.unwrap(), 4);
            assert_eq!(&buf, b"same");
        }
    }

    async fn peek_sees_what_has_come_since(net) {
        let (client, mut server) = net.pair().await;
        let mut buf = [0; 16];
        server.write_all(b"abc").await.unwrap();
        assert_eq!(client.peek(&mut buf).await.unwrap(), 3);
        server.write_all(b"def").await.unwrap();
        while client.peek(&mut buf).await.unwrap() < 6 {
            settle().await;
        }
        assert_eq!(&buf[..6], b"abcdef");
    }

    async fn peek_takes_no_more_than_its_buffer(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"abcdef").await.unwrap();
        let mut buf = [0; 2];
        assert_eq!(client.peek(&mut buf).await.unwrap(), 2);
        let mut all = [0; 6];
        client.read_exact(&mut all).await.unwrap();
        assert_eq!(&all, b"abcdef");
    }

    async fn peek_at_the_end_is_nothing(net) {
        let (client, server) = net.pair().await;
        drop(server);
        assert_eq!(client.peek(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(client.peek(&mut [0; 8]).await.unwrap(), 0);
    }

    async fn peek_tells_of_a_reset_once(net) {
        let (client, server) = net.pair().await;
        server.set_zero_linger().unwrap();
        drop(server);
        assert_eq!(kind_of(client.peek(&mut [0; 8]).await), ErrorKind::ConnectionReset);
        assert_eq!(client.peek(&mut [0; 8]).await.unwrap(), 0);
    }

    async fn a_dropped_peek_takes_nothing(net) {
        let (mut client, mut server) = net.pair().await;
        {
            let mut buf = [0; 8];
            let mut peeking = pin!(client.peek(&mut buf));
            assert!(is_pending(peeking.as_mut()));
        }
        server.write_all(b"abc").await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 3);
    }

    async fn poll_peek_says_how_much_and_fills_the_buffer(net) {
        let (client, mut server) = net.pair().await;
        let mut bytes = [0; 8];
        let mut buf = ReadBuf::new(&mut bytes);
        let counter = Counter::new();
        assert!(client.poll_peek(&mut counter.context(), &mut buf).is_pending());
        server.write_all(b"abc").await.unwrap();
        counter.woken().await;
        match client.poll_peek(&mut counter.context(), &mut buf) {
            Poll::Ready(outcome) => assert_eq!(outcome.unwrap(), 3),
            Poll::Pending => panic!("it was woken"),
        }
        assert_eq!(buf.filled(), b"abc");
    }

    async fn after_a_peek_the_bytes_can_be_tried(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        client.peek(&mut [0; 8]).await.unwrap();
        assert_eq!(client.try_read(&mut [0; 8]).unwrap(), 3);
    }

    async fn halves_peek_too(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        let (mut reader, _writer) = client.split();
        assert_eq!(reader.peek(&mut [0; 8]).await.unwrap(), 3);
        assert_eq!(reader.read(&mut [0; 8]).await.unwrap(), 3);
        server.write_all(b"de").await.unwrap();
        let (mut reader, _writer) = client.into_split();
        assert_eq!(reader.peek(&mut [0; 8]).await.unwrap(), 2);
        let mut bytes = [0; 8];
        let mut buf = ReadBuf::new(&mut bytes);
        assert_eq!(poll_fn(|cx| reader.poll_peek(cx, &mut buf)).await.unwrap(), 2);
        assert_eq!(reader.read(&mut [0; 8]).await.unwrap(), 2);
    }

    async fn what_was_only_peeked_at_resets_the_peer_at_the_drop(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"look").await.unwrap();
        assert_eq!(client.peek(&mut [0; 4]).await.unwrap(), 4);
        drop(client);
        assert_eq!(kind_of(server.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
        eventually("it is over", || server.peer_addr().is_err()).await;
    }
}
