//! `AsyncRead`: what a reader gets, and when.

use super::super::net::Net;
use crate::common::{digest, pattern};
use crate::support::{Counter, is_pending, settle};
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, ReadBuf};

behaviours! {
    async fn a_read_waits_for_data_and_is_woken_by_it(net) {
        let (mut client, mut server) = net.pair().await;
        let mut buf = [0; 8];
        let counter = Counter::new();
        let mut reading = pin!(client.read(&mut buf));
        assert!(counter.poll(reading.as_mut()).is_pending());
        settle().await;
        assert_eq!(counter.count(), 0);
        server.write_all(b"go").await.unwrap();
        counter.woken().await;
        assert_eq!(reading.await.unwrap(), 2);
    }

    async fn a_read_is_woken_by_the_end(net) {
        let (mut client, server) = net.pair().await;
        let mut buf = [0; 8];
        let counter = Counter::new();
        let mut reading = pin!(client.read(&mut buf));
        assert!(counter.poll(reading.as_mut()).is_pending());
        drop(server);
        counter.woken().await;
        assert_eq!(reading.await.unwrap(), 0);
    }

    async fn a_read_gives_what_is_there_not_what_was_asked_for(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        assert_eq!(client.read(&mut [0; 1_000]).await.unwrap(), 3);
    }

    async fn what_does_not_fit_is_left_for_the_next_read(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"abcdef").await.unwrap();
        let mut buf = [0; 4];
        client.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"abcd");
        assert_eq!(client.read(&mut buf).await.unwrap(), 2);
        assert_eq!(&buf[..2], b"ef");
    }

    async fn after_everything_was_read_a_read_waits_again(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        client.read_exact(&mut [0; 3]).await.unwrap();
        let mut buf = [0; 8];
        let mut reading = pin!(client.read(&mut buf));
        assert!(is_pending(reading.as_mut()));
        server.write_all(b"more").await.unwrap();
        assert_eq!(reading.await.unwrap(), 4);
    }

    async fn read_exact_waits_for_the_last_byte(net) {
        let (mut client, mut server) = net.pair().await;
        let mut buf = [0; 6];
        let mut reading = pin!(client.read_exact(&mut buf));
        for piece in ["ab", "cd"] {
            server.write_all(piece.as_bytes()).await.unwrap();
            settle().await;
            assert!(is_pending(reading.as_mut()));
        }
        server.write_all(b"ef").await.unwrap();
        reading.await.unwrap();
        assert_eq!(&buf, b"abcdef");
    }

    async fn an_early_end_is_unexpected_for_read_exact(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        drop(server);
        let error = client.read_exact(&mut [0; 4]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }

    async fn the_end_stays_the_end(net) {
        let (mut client, server) = net.pair().await;
        drop(server);
        for _ in 0..3 {
            assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        }
    }

    async fn the_end_comes_behind_the_last_byte(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(&[1; 50_000]).await.unwrap();
        drop(server);
        settle().await;
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        assert_eq!(received.len(), 50_000);
    }

    async fn text_can_be_read_to_its_end(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all("zwölf Boxkämpfer".as_bytes()).await.unwrap();
        drop(server);
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "zwölf Boxkämpfer");
    }

    async fn an_empty_buffer_takes_nothing(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"x").await.unwrap();
        client.readable().await.unwrap();
        assert_eq!(client.read(&mut []).await.unwrap(), 0);
        let mut one = [0];
        client.read_exact(&mut one).await.unwrap();
        assert_eq!(&one, b"x");
    }

    async fn a_read_buf_is_filled_behind_what_it_holds(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"cdef").await.unwrap();
        client.readable().await.unwrap();
        let mut bytes = [0; 8];
        let mut buf = ReadBuf::new(&mut bytes);
        buf.put_slice(b"ab");
        std::future::poll_fn(|cx| Pin::new(&mut client).poll_read(cx, &mut buf)).await.unwrap();
        assert_eq!(buf.filled(), b"abcdef");
        assert_eq!(buf.remaining(), 2);
    }

    async fn a_pending_read_leaves_the_read_buf_alone(net) {
        let (mut client, _server) = net.pair().await;
        let mut bytes = [7; 8];
        let mut buf = ReadBuf::new(&mut bytes);
        let counter = Counter::new();
        assert!(Pin::new(&mut client).poll_read(&mut counter.context(), &mut buf).is_pending());
        assert_eq!(buf.filled().len(), 0);
        assert_eq!(bytes, [7; 8]);
    }

    async fn uninitialized_memory_can_be_read_into(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        let mut received = Vec::with_capacity(16);
        assert_eq!(client.read_buf(&mut received).await.unwrap(), 3);
        assert_eq!(received, b"abc");
    }

    async fn numbers_can_be_read(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(&[1, 0, 2, 0, 0, 0, 3]).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), 1);
        assert_eq!(client.read_u16().await.unwrap(), 2);
        assert_eq!(client.read_u32().await.unwrap(), 3);
    }

    async fn lines_come_one_by_one(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"first\nsecond\r\nthird").await.unwrap();
        drop(server);
        let mut lines = BufReader::new(client).lines();
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            seen.push(line);
        }
        assert_eq!(seen, ["first", "second", "third"]);
    }

    async fn a_part_can_be_taken_and_the_rest_read_later(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"headbody").await.unwrap();
        drop(server);
        let (mut head, mut body) = (Vec::new(), Vec::new());
        (&mut client).take(4).read_to_end(&mut head).await.unwrap();
        client.read_to_end(&mut body).await.unwrap();
        assert_eq!((&head[..], &body[..]), (&b"head"[..], &b"body"[..]));
    }

    async fn writes_run_together(net) {
        let (mut client, mut server) = net.pair().await;
        for piece in ["one", "two", "three"] {
            server.write_all(piece.as_bytes()).await.unwrap();
        }
        let mut buf = [0; 11];
        client.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"onetwothree");
    }

    async fn four_mebibytes_arrive_whole(net) {
        let (mut client, mut server) = net.pair().await;
        let sent = pattern(4 << 20, 3);
        let expected = digest(&sent);
        let writing = async {
            server.write_all(&sent).await.unwrap();
            server.shutdown().await.unwrap();
        };
        let reading = async {
            let mut received = Vec::new();
            client.read_to_end(&mut received).await.unwrap();
            assert_eq!((received.len(), digest(&received)), (4 << 20, expected));
        };
        tokio::join!(writing, reading);
    }

    async fn both_directions_carry_at_once(net) {
        let (client, server) = net.pair().await;
        let ends = [(client, 7), (server, 11)].map(|(stream, seed)| {
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.into_split();
                let sent = pattern(1 << 20, seed);
                let writing = async {
                    writer.write_all(&sent).await.unwrap();
                    writer.shutdown().await.unwrap();
                };
                let mut received = Vec::new();
                let (_, read) = tokio::join!(writing, reader.read_to_end(&mut received));
                read.unwrap();
                (digest(&sent), digest(&received))
            })
        });
        let [one, other] = ends;
        let ((sent_a, received_a), (sent_b, received_b)) = (one.await.unwrap(), other.await.unwrap());
        assert_eq!((sent_a, sent_b), (received_b, received_a));
    }

    async fn a_reader_that_pauses_loses_nothing(net) {
        let (mut client, mut server) = net.pair().await;
        let sent = pattern(3 << 20, 13);
        let expected = digest(&sent);
        let writer = tokio::spawn(async move { server.write_all(&sent).await });
        let mut received = Vec::new();
        for _ in 0..3 {
            settle().await;
            let mut piece = vec![0; 1 << 20];
            client.read_exact(&mut piece).await.unwrap();
            received.extend(piece);
        }
        writer.await.unwrap().unwrap();
        assert_eq!(digest(&received), expected);
    }

    async fn one_byte_at_a_time(net) {
        let (mut client, mut server) = net.pair().await;
        let sent = pattern(300, 3);
        server.write_all(&sent).await.unwrap();
        for expected in sent {
            assert_eq!(client.read_u8().await.unwrap(), expected);
        }
    }
}
