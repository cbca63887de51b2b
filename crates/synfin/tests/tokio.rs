//! Sockets of `synfin::tokio`: what is ours alone. What they share with the kernel's is in `parity.rs`.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

mod common;

use common::pair::{CLIENT, Pair, SERVER, capabilities, client_on, server_on};
use std::time::Duration;
use synfin::tokio::{TcpListener, TcpStream};
use synfin::{Stack, device};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SOON: Duration = Duration::from_secs(10);

/// Two stacks that the runtime drives, and no thread besides.
fn driven_by_tasks() -> (Stack, Stack) {
    let (left, right) = device::memory::pair(capabilities());
    (client_on(left).start_task().unwrap(), server_on(right).start_task().unwrap())
}

async fn three_megabytes_each_way(client: &Stack, server: &Stack) {
    let listener = TcpListener::bind(server, (SERVER, 80)).await.unwrap();
    let echo = tokio::spawn(async move {
        let (mut stream, from) = listener.accept().await.unwrap();
        assert_eq!(from.ip(), CLIENT);
        let (mut reader, mut writer) = stream.split();
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let sent: Vec<u8> = (0..3 << 20).map(|index: u32| (index % 251) as u8).collect();
    let (mut reader, mut writer) = TcpStream::connect(client, (SERVER, 80)).await.unwrap().into_split();
    let expected = sent.clone();
    let writing = tokio::spawn(async move { writer.write_all(&sent).await.unwrap() });
    let mut heard = Vec::new();
    reader.read_to_end(&mut heard).await.unwrap();
    writing.await.unwrap();
    echo.await.unwrap();
    assert_eq!(heard.len(), expected.len());
    assert!(heard == expected);
}

#[tokio::test]
async fn a_program_with_one_thread_drives_its_stacks_by_tasks() {
    let (client, server) = driven_by_tasks();
    three_megabytes_each_way(&client, &server).await;
    let (client, server) =
        tokio::join!(synfin::tokio::shutdown(&client, SOON), synfin::tokio::shutdown(&server, SOON));
    client.unwrap();
    server.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stacks_with_threads_of_their_own_serve_tasks_as_well() {
    let pair = Pair::new();
    three_megabytes_each_way(&pair.client, &pair.server).await;
}
