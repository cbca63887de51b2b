//! Several buffers in one call.

use super::super::net::Net;
use super::fill;
use crate::common::pattern;
use crate::support::{Counter, kind_of};
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::pin::Pin;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

behaviours! {
    async fn vectored_writes_are_supported_by_streams_and_halves(net) {
        let (mut client, server) = net.pair().await;
        assert!(client.is_write_vectored());
        let (_, writer) = client.split();
        assert!(writer.is_write_vectored());
        let (_reader, writer) = server.into_split();
        assert!(writer.is_write_vectored());
    }

    async fn a_vectored_write_takes_one_buffer_after_the_other(net) {
        let (mut client, mut server) = net.pair().await;
        let pieces = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two "), IoSlice::new(b"three")];
        assert_eq!(client.write_vectored(&pieces).await.unwrap(), 13);
        let mut received = [0; 13];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"one two three");
    }

    async fn a_vectored_write_of_many_pieces(net) {
        let (mut client, mut server) = net.pair().await;
        let sent = pattern(6_400, 2);
        let pieces: Vec<_> = sent.chunks(100).map(IoSlice::new).collect();
        assert_eq!(client.write_vectored(&pieces).await.unwrap(), 6_400);
        let mut received = vec![0; 6_400];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(received, sent);
    }

    async fn a_vectored_write_of_nothing_is_nothing(net) {
        let (mut client, _server) = net.pair().await;
        assert_eq!(client.write_vectored(&[]).await.unwrap(), 0);
        assert_eq!(client.write_vectored(&[IoSlice::new(b"")]).await.unwrap(), 0);
    }

    async fn poll_write_vectored_waits_when_all_is_full(net) {
        let (mut client, _server) = net.pair().await;
        fill(&client).await;
        let counter = Counter::new();
        let pieces = [IoSlice::new(b"a"), IoSlice::new(b"b")];
        assert!(Pin::new(&mut client).poll_write_vectored(&mut counter.context(), &pieces).is_pending());
    }

    async fn poll_write_vectored_takes_a_part_of_a_lot(net) {
        let (mut client, _server) = net.pair().await;
        let large = vec![3; 32 << 20];
        let pieces = [IoSlice::new(&large), IoSlice::new(&large)];
        let taken = poll_fn(|cx| Pin::new(&mut client).poll_write_vectored(cx, &pieces)).await.unwrap();
        assert!(taken > 0 && taken < 2 * large.len(), "{taken}");
    }

    async fn a_vectored_write_after_shutdown_is_a_broken_pipe(net) {
        let (mut client, _server) = net.pair().await;
        client.shutdown().await.unwrap();
        let outcome = client.write_vectored(&[IoSlice::new(b"x")]).await;
        assert_eq!(kind_of(outcome), ErrorKind::BrokenPipe);
    }

    async fn try_read_vectored_fills_one_buffer_after_the_other(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"abcde").await.unwrap();
        let (mut first, mut second, mut third) = ([0; 2], [0; 2], [9; 2]);
        let mut bufs = [&mut first, &mut second, &mut third].map(|buf| IoSliceMut::new(buf));
        client.readable().await.unwrap();
        assert_eq!(client.try_read_vectored(&mut bufs).unwrap(), 5);
        assert_eq!((&first, &second, &third), (b"ab", b"cd", b"e\x09"));
    }

    async fn try_read_vectored_passes_over_empty_buffers(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        let (mut first, mut second) = ([0; 2], [0; 2]);
        let mut bufs = [&mut [][..], &mut first[..], &mut [][..], &mut second[..]].map(IoSliceMut::new);
        client.readable().await.unwrap();
        assert_eq!(client.try_read_vectored(&mut bufs).unwrap(), 3);
        assert_eq!((&first, second[0]), (b"ab", b'c'));
    }

    async fn try_read_vectored_without_data_would_block(net) {
        let (client, _server) = net.pair().await;
        let mut buf = [0; 8];
        let outcome = client.try_read_vectored(&mut [IoSliceMut::new(&mut buf)]);
        assert_eq!(kind_of(outcome), ErrorKind::WouldBlock);
    }

    async fn try_read_vectored_at_the_end_is_nothing(net) {
        let (client, server) = net.pair().await;
        drop(server);
        client.readable().await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(client.try_read_vectored(&mut [IoSliceMut::new(&mut buf)]).unwrap(), 0);
    }

    async fn try_write_vectored_takes_one_buffer_after_the_other(net) {
        let (client, mut server) = net.pair().await;
        client.writable().await.unwrap();
        let pieces = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
        assert_eq!(client.try_write_vectored(&pieces).unwrap(), 4);
        let mut received = [0; 4];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"abcd");
    }

    async fn try_write_vectored_would_block_when_all_is_full(net) {
        let (client, _server) = net.pair().await;
        fill(&client).await;
        assert_eq!(kind_of(client.try_write_vectored(&[IoSlice::new(b"x")])), ErrorKind::WouldBlock);
    }
}
