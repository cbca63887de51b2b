//! Many tasks, many streams, several threads.

use super::super::net::Net;
use super::fill;
use crate::common::{digest, pattern};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Runs something on a runtime with two threads.
async fn on_two_threads(future: impl Future<Output = ()> + Send + 'static) {
    tokio::task::spawn_blocking(move || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async { tokio::spawn(future).await.unwrap() });
    })
    .await
    .unwrap();
}

behaviours! {
    async fn a_hundred_echoes_at_once(net) {
        let listener = net.listen().await;
        let to = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            for _ in 0..100 {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    tokio::io::copy(&mut reader, &mut writer).await.unwrap();
                });
            }
        });
        let clients: Vec<_> = (0..100)
            .map(|number| {
                let net = net.clone();
                tokio::spawn(async move {
                    let mut stream = net.connect(to).await.unwrap();
                    let sent = pattern(5_000 + number * 10, number as u64);
                    stream.write_all(&sent).await.unwrap();
                    stream.shutdown().await.unwrap();
                    let mut received = Vec::new();
                    stream.read_to_end(&mut received).await.unwrap();
                    assert!(received == sent, "client {number}");
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        server.await.unwrap();
    }

    async fn streams_work_on_a_runtime_with_threads(net) {
        let net = net.clone();
        on_two_threads(async move {
            let (mut client, mut server) = net.pair().await;
            let echo = tokio::spawn(async move {
                let mut buf = [0; 4];
                while server.read_exact(&mut buf).await.is_ok() {
                    server.write_all(&buf).await.unwrap();
                }
            });
            for number in 0..300 {
                client.write_u32(number).await.unwrap();
                assert_eq!(client.read_u32().await.unwrap(), number);
            }
            drop(client);
            echo.await.unwrap();
        })
        .await;
    }

    async fn halves_work_on_two_threads(net) {
        let net = net.clone();
        on_two_threads(async move {
            let (client, mut server) = net.pair().await;
            let (mut reader, mut writer) = client.into_split();
            let sent = pattern(2 << 20, 3);
            let expected = digest(&sent);
            let writing = tokio::spawn(async move { writer.write_all(&sent).await.unwrap() });
            let reading = tokio::spawn(async move {
                let mut received = Vec::new();
                reader.read_to_end(&mut received).await.unwrap();
                received.len()
            });
            let mut received = vec![0; 2 << 20];
            server.read_exact(&mut received).await.unwrap();
            writing.await.unwrap();
            assert_eq!(digest(&received), expected);
            server.write_all(b"done").await.unwrap();
            drop(server);
            assert_eq!(reading.await.unwrap(), 4);
        })
        .await;
    }

    async fn many_tasks_write_through_one_shared_stream(net) {
        let (client, mut server) = net.pair().await;
        let client = Arc::new(client);
        let tasks: Vec<_> = (0..8_u8)
            .map(|letter| {
                let client = Arc::clone(&client);
                tokio::spawn(async move {
                    for _ in 0..50 {
                        loop {
                            client.writable().await.unwrap();
                            match client.try_write(&[letter; 16]) {
                                Ok(n) => break assert_eq!(n, 16),
                                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
                            }
                        }
                    }
                })
            })
            .collect();
        for _ in 0..8 * 50 {
            let mut piece = [0; 16];
            server.read_exact(&mut piece).await.unwrap();
            assert_eq!(piece, [piece[0]; 16]);
        }
        for task in tasks {
            task.await.unwrap();
        }
    }

    async fn a_slow_reader_holds_up_nobody_else(net) {
        let (slow_client, _slow_server) = net.pair().await;
        fill(&slow_client).await;
        let (mut client, mut server) = net.pair().await;
        let writer = tokio::spawn(async move { client.write_all(&[1; 1 << 20]).await.unwrap() });
        let mut received = vec![0; 1 << 20];
        server.read_exact(&mut received).await.unwrap();
        writer.await.unwrap();
    }

    async fn many_streams_wait_and_the_right_one_is_woken(net) {
        let mut tasks = Vec::new();
        let mut servers = Vec::new();
        for number in 0..50_u8 {
            let (mut client, server) = net.pair().await;
            servers.push((number, server));
            tasks.push(tokio::spawn(async move { assert_eq!(client.read_u8().await.unwrap(), number) }));
        }
        for (number, server) in servers.iter_mut().rev() {
            server.write_u8(*number).await.unwrap();
        }
        for task in tasks {
            task.await.unwrap();
        }
    }

    async fn a_stream_moves_from_runtime_to_runtime_by_its_owner(net) {
        let (mut client, mut server) = net.pair().await;
        client.write_all(b"before").await.unwrap();
        let task = tokio::spawn(async move {
            client.write_all(b"after").await.unwrap();
            client
        });
        let mut buf = [0; 11];
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"beforeafter");
        drop(task.await.unwrap());
    }

    async fn connections_in_quick_succession(net) {
        let listener = net.listen().await;
        let to = listener.local_addr().unwrap();
        for number in 0..100_u8 {
            let mut client = net.connect(to).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            client.write_u8(number).await.unwrap();
            assert_eq!(server.read_u8().await.unwrap(), number);
        }
    }

    async fn tasks_take_turns_at_receiving_datagrams(net) {
        let (client, server) = net.udp().await;
        let to = server.local_addr().unwrap();
        let server = Arc::new(server);
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let server = Arc::clone(&server);
                tokio::spawn(async move {
                    let mut seen = Vec::new();
                    for _ in 0..10 {
                        let mut buf = [0; 8];
                        assert_eq!(server.recv(&mut buf).await.unwrap(), 1);
                        seen.push(buf[0]);
                    }
                    seen
                })
            })
            .collect();
        for number in 0..40 {
            client.send_to(&[number], to).await.unwrap();
        }
        let mut seen = Vec::new();
        for task in tasks {
            seen.extend(task.await.unwrap());
        }
        seen.sort_unstable();
        assert!(seen.iter().copied().eq(0..40), "{seen:?}");
    }
}
