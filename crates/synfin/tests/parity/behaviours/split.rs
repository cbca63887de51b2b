//! `split`: halves that borrow.

use super::super::net::Net;
use super::fill;
use crate::support::{Counter, is_pending, kind_of, settle};
use std::io::ErrorKind;
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};

behaviours! {
    async fn borrowed_halves_read_and_write_at_once(net) {
        let (mut client, mut server) = net.pair().await;
        let echo = tokio::spawn(async move {
            let (mut reader, mut writer) = server.split();
            tokio::io::copy(&mut reader, &mut writer).await.unwrap()
        });
        let (mut reader, mut writer) = client.split();
        let sent = vec![5; 1 << 20];
        let mut received = Vec::new();
        let writing = async {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let (_, read) = tokio::join!(writing, reader.read_to_end(&mut received));
        read.unwrap();
        assert_eq!(received.len(), 1 << 20);
        assert_eq!(echo.await.unwrap(), 1 << 20);
    }

    async fn the_shutdown_of_a_borrowed_half_is_the_end(net) {
        let (mut client, mut server) = net.pair().await;
        let (_, mut writer) = client.split();
        writer.write_all(b"bye").await.unwrap();
        writer.shutdown().await.unwrap();
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"bye");
    }

    async fn dropping_borrowed_halves_closes_nothing(net) {
        let (mut client, mut server) = net.pair().await;
        {
            let (_reader, mut writer) = client.split();
            writer.write_all(b"one").await.unwrap();
        }
        settle().await;
        client.write_all(b"two").await.unwrap();
        let mut buf = [0; 6];
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"onetwo");
    }

    async fn borrowed_halves_know_the_addresses(net) {
        let (mut client, server) = net.pair().await;
        let (local, peer) = (client.local_addr().unwrap(), server.local_addr().unwrap());
        let (reader, writer) = client.split();
        assert_eq!((reader.local_addr().unwrap(), reader.peer_addr().unwrap()), (local, peer));
        assert_eq!((writer.local_addr().unwrap(), writer.peer_addr().unwrap()), (local, peer));
    }

    async fn borrowed_halves_lend_the_stream(net) {
        let (mut client, _server) = net.pair().await;
        let (reader, writer) = client.split();
        writer.as_ref().set_nodelay(true).unwrap();
        assert!(reader.as_ref().nodelay().unwrap());
    }

    async fn a_borrowed_reader_waits_while_its_other_half_writes(net) {
        let (mut client, mut server) = net.pair().await;
        let (mut reader, mut writer) = client.split();
        let mut buf = [0; 8];
        let mut reading = pin!(reader.read(&mut buf));
        assert!(is_pending(reading.as_mut()));
        writer.write_all(b"question").await.unwrap();
        server.read_exact(&mut [0; 8]).await.unwrap();
        server.write_all(b"answer").await.unwrap();
        assert_eq!(reading.await.unwrap(), 6);
    }

    async fn a_borrowed_reader_tells_when_there_is_something(net) {
        let (mut client, mut server) = net.pair().await;
        let (reader, _writer) = client.split();
        {
            let counter = Counter::new();
            let mut readable = pin!(reader.readable());
            assert!(counter.poll(readable.as_mut()).is_pending());
            server.write_all(b"x").await.unwrap();
            counter.woken().await;
            readable.await.unwrap();
        }
        assert!(reader.ready(Interest::READABLE).await.unwrap().is_readable());
        assert_eq!(reader.try_read(&mut [0; 8]).unwrap(), 1);
        assert_eq!(kind_of(reader.try_read(&mut [0; 8])), ErrorKind::WouldBlock);
    }

    async fn a_borrowed_writer_tells_when_there_is_room(net) {
        let (mut client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        let (_reader, writer) = client.split();
        assert_eq!(kind_of(writer.try_write(b"x")), ErrorKind::WouldBlock);
        let mut received = vec![0; taken];
        server.read_exact(&mut received).await.unwrap();
        writer.writable().await.unwrap();
        assert!(writer.ready(Interest::WRITABLE).await.unwrap().is_writable());
        assert_eq!(writer.try_write(b"x").unwrap(), 1);
    }

    async fn a_borrowed_reader_tries_into_a_buffer_that_grows(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        let (reader, _writer) = client.split();
        reader.readable().await.unwrap();
        let mut received = Vec::with_capacity(8);
        assert_eq!(reader.try_read_buf(&mut received).unwrap(), 3);
        assert_eq!(received, b"abc");
    }
}
