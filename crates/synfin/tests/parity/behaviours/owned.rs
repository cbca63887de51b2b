//! `into_split`: halves that own, and what becomes of them.

use super::super::net::Net;
use super::super::net::tcp::ReuniteError;
use super::fill;
use crate::support::{Counter, is_pending, kind_of, settle};
use std::io::ErrorKind;
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};

behaviours! {
    async fn owned_halves_live_in_tasks_of_their_own(net) {
        let (client, server) = net.pair().await;
        let (mut reader, mut writer) = client.into_split();
        let echo = tokio::spawn(async move {
            let (mut reader, mut writer) = server.into_split();
            tokio::io::copy(&mut reader, &mut writer).await.unwrap()
        });
        let writing = tokio::spawn(async move {
            writer.write_all(&[5; 300_000]).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        let reading = tokio::spawn(async move {
            let mut received = Vec::new();
            reader.read_to_end(&mut received).await.unwrap();
            received.len()
        });
        writing.await.unwrap();
        assert_eq!(reading.await.unwrap(), 300_000);
        assert_eq!(echo.await.unwrap(), 300_000);
    }

    async fn halves_of_one_stream_reunite(net) {
        let (client, mut server) = net.pair().await;
        let local = client.local_addr().unwrap();
        let (reader, writer) = client.into_split();
        let mut client = reader.reunite(writer).unwrap();
        assert_eq!(client.local_addr().unwrap(), local);
        client.write_all(b"whole").await.unwrap();
        let mut buf = [0; 5];
        server.read_exact(&mut buf).await.unwrap();
        let (reader, writer) = client.into_split();
        writer.reunite(reader).unwrap();
    }

    async fn reuniting_does_not_end_the_stream(net) {
        let (client, mut server) = net.pair().await;
        let (reader, writer) = client.into_split();
        let mut client = reader.reunite(writer).unwrap();
        settle().await;
        assert_eq!(kind_of(server.try_read(&mut [0; 8])), ErrorKind::WouldBlock);
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
    }

    async fn halves_of_two_streams_do_not_reunite(net) {
        let (client, server) = net.pair().await;
        let (client_address, server_address) = (client.local_addr().unwrap(), server.local_addr().unwrap());
        let (reader, _kept) = client.into_split();
        let (_kept_too, writer) = server.into_split();
        let error: ReuniteError = reader.reunite(writer).unwrap_err();
        let (reader, writer) = (error.0, error.1);
        assert_eq!(reader.local_addr().unwrap(), client_address);
        assert_eq!(writer.local_addr().unwrap(), server_address);
        assert!(writer.reunite(reader).is_err());
    }

    async fn the_error_of_a_reunion_says_what_is_wrong(net) {
        let (client, server) = net.pair().await;
        let (reader, _kept) = client.into_split();
        let (_kept_too, writer) = server.into_split();
        let error = reader.reunite(writer).unwrap_err();
        let error: &dyn std::error::Error = &error;
        assert!(error.to_string().contains("halves"), "{error}");
    }

    async fn dropping_the_writing_half_is_the_end(net) {
        let (client, mut server) = net.pair().await;
        let (mut reader, mut writer) = client.into_split();
        writer.write_all(b"last words").await.unwrap();
        drop(writer);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"last words");
        server.write_all(b"heard").await.unwrap();
        assert_eq!(reader.read(&mut [0; 8]).await.unwrap(), 5);
    }

    async fn dropping_the_reading_half_ends_nothing(net) {
        let (client, mut server) = net.pair().await;
        let (reader, mut writer) = client.into_split();
        drop(reader);
        settle().await;
        assert_eq!(kind_of(server.try_read(&mut [0; 8])), ErrorKind::WouldBlock);
        writer.write_all(b"still here").await.unwrap();
        let mut buf = [0; 10];
        server.read_exact(&mut buf).await.unwrap();
    }

    async fn a_forgotten_writing_half_is_not_the_end(net) {
        let (client, server) = net.pair().await;
        let (reader, writer) = client.into_split();
        writer.forget();
        settle().await;
        assert_eq!(kind_of(server.try_read(&mut [0; 8])), ErrorKind::WouldBlock);
        drop(reader);
        server.readable().await.unwrap();
        assert_eq!(server.try_read(&mut [0; 8]).unwrap(), 0);
    }

    async fn both_halves_dropped_close_the_stream(net) {
        let (client, mut server) = net.pair().await;
        let (reader, writer) = client.into_split();
        drop(reader);
        drop(writer);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    }

    async fn a_writing_half_that_was_shut_down_may_be_dropped(net) {
        let (client, mut server) = net.pair().await;
        let (mut reader, mut writer) = client.into_split();
        writer.shutdown().await.unwrap();
        drop(writer);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        server.write_all(b"ok").await.unwrap();
        assert_eq!(reader.read(&mut [0; 8]).await.unwrap(), 2);
    }

    async fn a_reading_half_waits_while_the_other_is_dropped(net) {
        let (client, mut server) = net.pair().await;
        let (mut reader, writer) = client.into_split();
        let mut buf = [0; 8];
        let mut reading = pin!(reader.read(&mut buf));
        assert!(is_pending(reading.as_mut()));
        drop(writer);
        settle().await;
        assert!(is_pending(reading.as_mut()));
        server.write_all(b"data").await.unwrap();
        assert_eq!(reading.await.unwrap(), 4);
    }

    async fn owned_halves_know_the_addresses(net) {
        let (client, server) = net.pair().await;
        let (local, peer) = (client.local_addr().unwrap(), server.local_addr().unwrap());
        let (reader, writer) = client.into_split();
        assert_eq!((reader.local_addr().unwrap(), reader.peer_addr().unwrap()), (local, peer));
        assert_eq!((writer.local_addr().unwrap(), writer.peer_addr().unwrap()), (local, peer));
    }

    async fn owned_halves_lend_the_stream(net) {
        let (client, _server) = net.pair().await;
        let (reader, writer) = client.into_split();
        writer.as_ref().set_ttl(9).unwrap();
        assert_eq!(reader.as_ref().ttl().unwrap(), 9);
    }

    async fn an_owned_reader_tells_when_there_is_something(net) {
        let (client, mut server) = net.pair().await;
        let (reader, _writer) = client.into_split();
        let counter = Counter::new();
        {
            let mut readable = pin!(reader.readable());
            assert!(counter.poll(readable.as_mut()).is_pending());
            server.write_all(b"x").await.unwrap();
            counter.woken().await;
            readable.await.unwrap();
        }
        assert!(reader.ready(Interest::READABLE).await.unwrap().is_readable());
        let mut received = Vec::with_capacity(8);
        assert_eq!(reader.try_read_buf(&mut received).unwrap(), 1);
        assert_eq!(kind_of(reader.try_read(&mut [0; 8])), ErrorKind::WouldBlock);
    }

    async fn an_owned_writer_tells_when_there_is_room(net) {
        let (client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        let (_reader, writer) = client.into_split();
        assert_eq!(kind_of(writer.try_write(b"x")), ErrorKind::WouldBlock);
        let mut received = vec![0; taken];
        server.read_exact(&mut received).await.unwrap();
        writer.writable().await.unwrap();
        assert!(writer.ready(Interest::WRITABLE).await.unwrap().is_writable());
        assert_eq!(writer.try_write(b"x").unwrap(), 1);
    }

    async fn dropping_the_writing_half_with_unread_data_is_only_an_end(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"unread").await.unwrap();
        let (mut reader, writer) = client.into_split();
        reader.readable().await.unwrap();
        drop(writer);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(reader.read(&mut [0; 8]).await.unwrap(), 6);
    }
}
