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

#[tokio::test]
async fn a_shared_stream_is_polled_for_pieces_and_for_bytes_that_are_lent() {
    use std::future::poll_fn;
    use std::io::IoSlice;

    let (client, server) = driven_by_tasks();
    let listener = TcpListener::bind(&server, (SERVER, 80)).await.unwrap();
    let stream = TcpStream::connect(&client, (SERVER, 80)).await.unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    let lent = bytes::Bytes::from(vec![b'l'; 1_000]);
    let head = [IoSlice::new(b"he"), IoSlice::new(b"ad")];
    assert_eq!(poll_fn(|context| stream.poll_write_slices(context, &head)).await.unwrap(), 4);
    assert_eq!(poll_fn(|context| stream.poll_write_bytes(context, &lent)).await.unwrap(), 1_000);
    assert!(!lent.is_unique(), "the stack holds it, and not a copy, until it is acknowledged");
    let mut heard = Vec::new();
    while heard.len() < 1_004 {
        let left = 1_004 - heard.len();
        let read =
            poll_fn(|context| accepted.poll_read_with(context, left, |piece| heard.extend_from_slice(piece)));
        assert_ne!(read.await.unwrap(), 0, "it does not end before everything was read");
    }
    assert!(heard.starts_with(b"headl") && heard[4..] == lent);
    drop(stream);
    let end = poll_fn(|context| accepted.poll_read_with(context, 10, |_| ())).await.unwrap();
    assert_eq!(end, 0);
    assert!(lent.is_unique(), "what is acknowledged is given back");
}
