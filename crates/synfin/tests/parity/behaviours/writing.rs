//! `AsyncWrite`: what a writer gets rid of, and when it has to wait.

use super::super::net::Net;
use super::fill;
use crate::common::{digest, pattern};
use crate::support::{Counter, is_pending, kind_of, settle};
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter};

behaviours! {
    async fn a_write_does_not_wait_for_the_reader(net) {
        let (mut client, mut server) = net.pair().await;
        assert_eq!(client.write(b"hello").await.unwrap(), 5);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 5);
    }

    async fn a_write_of_nothing_is_nothing(net) {
        let (mut client, mut server) = net.pair().await;
        assert_eq!(client.write(&[]).await.unwrap(), 0);
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
    }

    async fn a_write_waits_where_nobody_reads_and_is_woken_by_a_reader(net) {
        let (mut client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        let more = vec![1; 8 << 20];
        let counter = Counter::new();
        let mut writing = pin!(client.write_all(&more));
        assert!(counter.poll(writing.as_mut()).is_pending());
        let mut received = vec![0; taken];
        server.read_exact(&mut received).await.unwrap();
        counter.woken().await;
        let reading = async {
            let mut rest = vec![0; more.len()];
            server.read_exact(&mut rest).await.unwrap();
        };
        let (written, ()) = tokio::join!(writing, reading);
        written.unwrap();
    }

    async fn a_large_write_is_taken_in_part(net) {
        let (mut client, _server) = net.pair().await;
        let piece = vec![3; 64 << 20];
        let taken = client.write(&piece).await.unwrap();
        assert!(taken > 0 && taken < piece.len(), "{taken}");
    }

    async fn write_all_gets_rid_of_everything(net) {
        let (mut client, mut server) = net.pair().await;
        let sent = pattern(4 << 20, 9);
        let expected = digest(&sent);
        let reader = tokio::spawn(async move {
            settle().await;
            let mut received = Vec::new();
            server.read_to_end(&mut received).await.unwrap();
            digest(&received)
        });
        client.write_all(&sent).await.unwrap();
        drop(client);
        assert_eq!(reader.await.unwrap(), expected);
    }

    async fn flush_is_ready_at_once(net) {
        let (mut client, _server) = net.pair().await;
        let counter = Counter::new();
        assert!(matches!(Pin::new(&mut client).poll_flush(&mut counter.context()), Poll::Ready(Ok(()))));
    }

    async fn flush_is_ready_at_once_though_nothing_more_can_be_written(net) {
        let (mut client, _server) = net.pair().await;
        fill(&client).await;
        let counter = Counter::new();
        assert!(matches!(Pin::new(&mut client).poll_flush(&mut counter.context()), Poll::Ready(Ok(()))));
    }

    async fn writing_after_shutdown_is_a_broken_pipe(net) {
        let (mut client, _server) = net.pair().await;
        client.shutdown().await.unwrap();
        assert_eq!(kind_of(client.write(b"late").await), ErrorKind::BrokenPipe);
        assert_eq!(kind_of(client.write_all(b"late").await), ErrorKind::BrokenPipe);
    }

    async fn an_empty_write_after_shutdown_is_a_broken_pipe_too(net) {
        let (mut client, _server) = net.pair().await;
        client.shutdown().await.unwrap();
        assert_eq!(kind_of(client.write(b"").await), ErrorKind::BrokenPipe);
    }


    async fn thousands_of_small_writes_keep_their_order(net) {
        let (mut client, mut server) = net.pair().await;
        let writer = tokio::spawn(async move {
            for number in 0..3_000 {
                client.write_u32(number).await.unwrap();
            }
        });
        for number in 0..3_000 {
            assert_eq!(server.read_u32().await.unwrap(), number);
        }
        writer.await.unwrap();
    }

    async fn small_writes_keep_their_order_without_nagle_too(net) {
        let (mut client, mut server) = net.pair().await;
        client.set_nodelay(true).unwrap();
        let writer = tokio::spawn(async move {
            for number in 0..1_000 {
                client.write_u32(number).await.unwrap();
            }
        });
        for number in 0..1_000 {
            assert_eq!(server.read_u32().await.unwrap(), number);
        }
        writer.await.unwrap();
    }

    async fn a_buffered_writer_delivers_at_its_flush(net) {
        let (client, server) = net.pair().await;
        let mut buffered = BufWriter::new(client);
        buffered.write_all(b"held back").await.unwrap();
        settle().await;
        assert_eq!(kind_of(server.try_read(&mut [0; 16])), ErrorKind::WouldBlock);
        buffered.flush().await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(server.try_read(&mut [0; 16]).unwrap(), 9);
    }

    async fn writing_goes_on_after_the_peer_has_finished(net) {
        let (mut client, mut server) = net.pair().await;
        server.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        client.write_all(&[1; 10_000]).await.unwrap();
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received.len(), 10_000);
    }

    async fn a_full_direction_leaves_the_other_one_open(net) {
        let (mut client, mut server) = net.pair().await;
        fill(&client).await;
        server.write_all(b"and back").await.unwrap();
        let mut buf = [0; 8];
        client.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"and back");
    }

    async fn what_a_full_queue_took_is_delivered(net) {
        let (client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received.len(), taken);
    }

    async fn a_pending_write_that_is_dropped_wrote_nothing(net) {
        let (mut client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        {
            let mut writing = pin!(client.write(b"never"));
            assert!(is_pending(writing.as_mut()));
        }
        let mut received = vec![0; taken];
        server.read_exact(&mut received).await.unwrap();
        client.write_all(b"next").await.unwrap();
        drop(client);
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"next");
    }

    async fn a_buffer_that_advances_is_written_whole(net) {
        let (mut client, mut server) = net.pair().await;
        let mut buf = std::io::Cursor::new(b"0123456789");
        client.write_all_buf(&mut buf).await.unwrap();
        assert_eq!(buf.position(), 10);
        let mut received = [0; 10];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"0123456789");
    }

    async fn a_single_small_write_goes_out_though_nothing_follows(net) {
        let (mut client, mut server) = net.pair().await;
        for number in 0..10 {
            client.write_u8(number).await.unwrap();
            assert_eq!(server.read_u8().await.unwrap(), number);
        }
    }
}
