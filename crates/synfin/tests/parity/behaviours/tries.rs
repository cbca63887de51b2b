//! `try_*`: attempts that never wait.

use super::super::net::Net;
use super::fill;
use crate::support::{Counter, kind_of, settle};
use std::io::ErrorKind;
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

behaviours! {
    async fn try_read_without_data_would_block(net) {
        let (client, _server) = net.pair().await;
        assert_eq!(kind_of(client.try_read(&mut [0; 8])), ErrorKind::WouldBlock);
        settle().await;
        assert_eq!(kind_of(client.try_read(&mut [0; 8])), ErrorKind::WouldBlock);
    }

    async fn try_read_takes_what_is_there(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        client.readable().await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(client.try_read(&mut buf).unwrap(), 3);
        assert_eq!(&buf[..3], b"abc");
        assert_eq!(kind_of(client.try_read(&mut buf)), ErrorKind::WouldBlock);
    }

    async fn try_read_leaves_what_does_not_fit(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"abcd").await.unwrap();
        client.readable().await.unwrap();
        let mut buf = [0; 3];
        assert_eq!(client.try_read(&mut buf).unwrap(), 3);
        client.readable().await.unwrap();
        assert_eq!(client.try_read(&mut buf).unwrap(), 1);
    }

    async fn try_read_at_the_end_is_nothing(net) {
        let (client, server) = net.pair().await;
        drop(server);
        for _ in 0..3 {
            client.readable().await.unwrap();
            assert_eq!(client.try_read(&mut [0; 8]).unwrap(), 0);
        }
    }

    async fn try_read_tells_of_a_reset_once(net) {
        let (client, server) = net.pair().await;
        server.set_zero_linger().unwrap();
        drop(server);
        client.readable().await.unwrap();
        assert_eq!(kind_of(client.try_read(&mut [0; 8])), ErrorKind::ConnectionReset);
        client.readable().await.unwrap();
        assert_eq!(client.try_read(&mut [0; 8]).unwrap(), 0);
    }

    async fn try_read_buf_appends(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"cd").await.unwrap();
        client.readable().await.unwrap();
        let mut received = b"ab".to_vec();
        received.reserve(16);
        assert_eq!(client.try_read_buf(&mut received).unwrap(), 2);
        assert_eq!(received, b"abcd");
        assert_eq!(kind_of(client.try_read_buf(&mut received)), ErrorKind::WouldBlock);
    }

    async fn try_read_buf_at_the_end_is_nothing(net) {
        let (client, server) = net.pair().await;
        drop(server);
        client.readable().await.unwrap();
        assert_eq!(client.try_read_buf(&mut Vec::with_capacity(8)).unwrap(), 0);
    }

    async fn try_write_takes_what_there_is_room_for(net) {
        let (client, mut server) = net.pair().await;
        client.writable().await.unwrap();
        assert_eq!(client.try_write(b"abc").unwrap(), 3);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 3);
    }

    async fn try_write_of_a_lot_takes_a_part(net) {
        let (client, _server) = net.pair().await;
        client.writable().await.unwrap();
        let piece = vec![3; 64 << 20];
        let taken = client.try_write(&piece).unwrap();
        assert!(taken > 0 && taken < piece.len(), "{taken}");
    }

    async fn try_write_would_block_when_all_is_full_until_somebody_reads(net) {
        let (client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        assert_eq!(kind_of(client.try_write(b"x")), ErrorKind::WouldBlock);
        let counter = Counter::new();
        let mut writable = pin!(client.writable());
        assert!(counter.poll(writable.as_mut()).is_pending());
        let mut received = vec![0; taken];
        server.read_exact(&mut received).await.unwrap();
        counter.woken().await;
        writable.await.unwrap();
        assert_eq!(client.try_write(b"x").unwrap(), 1);
    }

    async fn try_write_after_shutdown_is_a_broken_pipe(net) {
        let (mut client, _server) = net.pair().await;
        client.shutdown().await.unwrap();
        client.writable().await.unwrap();
        assert_eq!(kind_of(client.try_write(b"x")), ErrorKind::BrokenPipe);
    }

    async fn try_write_tells_of_a_reset_once(net) {
        let (client, server) = net.pair().await;
        server.set_zero_linger().unwrap();
        drop(server);
        client.readable().await.unwrap();
        assert_eq!(kind_of(client.try_write(b"x")), ErrorKind::ConnectionReset);
        assert_eq!(kind_of(client.try_write(b"x")), ErrorKind::BrokenPipe);
    }

    async fn tries_and_waits_mix(net) {
        let (mut client, mut server) = net.pair().await;
        for number in 0..50 {
            server.write_u8(number).await.unwrap();
            let seen = if number % 2 == 0 {
                client.read_u8().await.unwrap()
            } else {
                let mut buf = [0];
                loop {
                    client.readable().await.unwrap();
                    match client.try_read(&mut buf) {
                        Ok(n) => break assert_eq!(n, 1),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                    }
                }
                buf[0]
            };
            assert_eq!(seen, number);
        }
    }

    async fn a_whole_exchange_by_tries_alone(net) {
        let (client, server) = net.pair().await;
        let server = tokio::spawn(async move {
            let mut total = 0;
            let mut buf = [0; 4_096];
            loop {
                server.readable().await.unwrap();
                match server.try_read(&mut buf) {
                    Ok(0) => return total,
                    Ok(n) => total += n,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
        });
        let mut left = 1 << 20;
        while left > 0 {
            client.writable().await.unwrap();
            match client.try_write(&vec![1; left.min(10_000)]) {
                Ok(n) => left -= n,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        drop(client);
        assert_eq!(server.await.unwrap(), 1 << 20);
    }
}
