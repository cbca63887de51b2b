//! Who is woken: the contract of `AsyncRead` and `AsyncWrite`.

use super::super::net::Net;
use super::{TcpStream, fill};
use crate::support::{Counter, eventually, settle};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Polls a reader once; how many bytes it gave.
fn poll_read(reader: impl AsyncRead + Unpin, counter: &Counter) -> Poll<usize> {
    let mut reader = reader;
    let mut bytes = [0; 64];
    let mut buf = ReadBuf::new(&mut bytes);
    Pin::new(&mut reader).poll_read(&mut counter.context(), &mut buf).map(|outcome| {
        outcome.unwrap();
        buf.filled().len()
    })
}

fn poll_write(writer: impl AsyncWrite + Unpin, counter: &Counter) -> Poll<usize> {
    let mut writer = writer;
    Pin::new(&mut writer).poll_write(&mut counter.context(), b"more").map(|outcome| outcome.unwrap())
}

/// A waker with something of its own, as the waker of a task owns the task.
struct Owning<T>(Mutex<Option<T>>);

impl<T: Send> Wake for Owning<T> {
    fn wake(self: Arc<Self>) {}
}

fn owning<T: Send + 'static>(owned: T) -> Waker {
    Waker::from(Arc::new(Owning(Mutex::new(Some(owned)))))
}

/// A waker that reads from the socket that wakes it, before anybody else can.
struct Reading(Arc<TcpStream>, AtomicUsize);

impl Wake for Reading {
    fn wake(self: Arc<Self>) {
        let n = self.0.try_read(&mut [0; 8]).unwrap_or(0);
        self.1.fetch_add(n, Ordering::SeqCst);
    }
}

behaviours! {
    async fn a_read_wakes_the_waker_it_was_given_last(net) {
        let (mut client, mut server) = net.pair().await;
        let (first, last) = (Counter::new(), Counter::new());
        assert!(poll_read(&mut client, &first).is_pending());
        assert!(poll_read(&mut client, &last).is_pending());
        server.write_all(b"x").await.unwrap();
        last.woken().await;
        settle().await;
        assert_eq!(first.count(), 0);
        assert_eq!(poll_read(&mut client, &last), Poll::Ready(1));
    }

    async fn a_write_wakes_the_waker_it_was_given_last(net) {
        let (mut client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        let (first, last) = (Counter::new(), Counter::new());
        assert!(poll_write(&mut client, &first).is_pending());
        assert!(poll_write(&mut client, &last).is_pending());
        let mut received = vec![0; taken];
        server.read_exact(&mut received).await.unwrap();
        last.woken().await;
        settle().await;
        assert_eq!(first.count(), 0);
        assert_eq!(poll_write(&mut client, &last), Poll::Ready(4));
    }

    async fn a_pending_read_is_not_woken_without_a_reason(net) {
        let (mut client, _server) = net.pair().await;
        let counter = Counter::new();
        assert!(poll_read(&mut client, &counter).is_pending());
        settle().await;
        assert_eq!(counter.count(), 0);
    }

    async fn a_pending_read_is_not_woken_by_data_for_another(net) {
        let (mut client, _server) = net.pair().await;
        let (mut other_client, mut other_server) = net.pair().await;
        let counter = Counter::new();
        assert!(poll_read(&mut client, &counter).is_pending());
        other_server.write_all(b"x").await.unwrap();
        assert_eq!(other_client.read(&mut [0; 8]).await.unwrap(), 1);
        assert_eq!(counter.count(), 0);
    }

    async fn a_pending_read_is_not_woken_by_our_own_writing(net) {
        let (client, mut server) = net.pair().await;
        let (mut reader, mut writer) = client.into_split();
        let counter = Counter::new();
        assert!(poll_read(&mut reader, &counter).is_pending());
        writer.write_all(b"hello").await.unwrap();
        server.read_exact(&mut [0; 5]).await.unwrap();
        settle().await;
        assert!(poll_read(&mut reader, &counter).is_pending());
    }

    async fn a_reader_and_a_writer_wait_side_by_side(net) {
        let (mut client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        let (read, write) = (Counter::new(), Counter::new());
        assert!(poll_read(&mut client, &read).is_pending());
        assert!(poll_write(&mut client, &write).is_pending());
        server.write_all(b"x").await.unwrap();
        read.woken().await;
        assert_eq!(poll_read(&mut client, &read), Poll::Ready(1));
        let mut received = vec![0; taken];
        server.read_exact(&mut received).await.unwrap();
        write.woken().await;
    }

    async fn both_sides_are_woken_by_a_reset(net) {
        let (mut client, server) = net.pair().await;
        fill(&client).await;
        let (read, write) = (Counter::new(), Counter::new());
        assert!(poll_read(&mut client, &read).is_pending());
        assert!(poll_write(&mut client, &write).is_pending());
        server.set_zero_linger().unwrap();
        drop(server);
        read.woken().await;
        write.woken().await;
    }

    async fn a_waker_is_good_for_one_wait_only(net) {
        let (mut client, mut server) = net.pair().await;
        let counter = Counter::new();
        assert!(poll_read(&mut client, &counter).is_pending());
        server.write_all(b"one").await.unwrap();
        counter.woken().await;
        assert_eq!(poll_read(&mut client, &counter), Poll::Ready(3));
        let before = counter.count();
        // Nobody has polled to pending since, so nobody waits.
        server.write_all(b"two").await.unwrap();
        settle().await;
        assert_eq!(counter.count(), before);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 3);
    }

    async fn a_pending_read_survives_its_stream_moving(net) {
        let (mut client, mut server) = net.pair().await;
        let counter = Counter::new();
        assert!(poll_read(&mut client, &counter).is_pending());
        let mut boxed = Box::new(client);
        server.write_all(b"x").await.unwrap();
        counter.woken().await;
        assert_eq!(poll_read(&mut *boxed, &counter), Poll::Ready(1));
    }

    async fn reading_everything_and_polling_again_waits_for_the_next(net) {
        let (mut client, mut server) = net.pair().await;
        let counter = Counter::new();
        for _ in 0..10 {
            while poll_read(&mut client, &counter).is_ready() {}
            let before = counter.count();
            server.write_all(b"x").await.unwrap();
            eventually("it is woken", || counter.count() > before).await;
        }
    }

    async fn a_shut_down_stream_can_still_wait_for_data(net) {
        let (mut client, mut server) = net.pair().await;
        client.shutdown().await.unwrap();
        let counter = Counter::new();
        assert!(poll_read(&mut client, &counter).is_pending());
        server.write_all(b"x").await.unwrap();
        counter.woken().await;
    }

    async fn a_waker_may_use_the_socket_that_wakes_it(net) {
        let (client, mut server) = net.pair().await;
        let reading = Arc::new(Reading(Arc::new(client), AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&reading));
        assert!(reading.0.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
        server.write_all(b"abc").await.unwrap();
        eventually("it has read", || reading.1.load(Ordering::SeqCst) == 3).await;
    }

    async fn a_waker_that_owns_a_socket_may_be_replaced(net) {
        let (mut client, _server) = net.pair().await;
        let (owned, mut peer) = net.pair().await;
        let waker = owning(owned);
        let mut bytes = [0; 8];
        let mut context = Context::from_waker(&waker);
        assert!(Pin::new(&mut client).poll_read(&mut context, &mut ReadBuf::new(&mut bytes)).is_pending());
        drop(waker);
        assert!(poll_read(&mut client, &Counter::new()).is_pending());
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0, "the owned one is dropped");
    }

    async fn a_waker_that_owns_a_socket_may_be_forgotten(net) {
        let (client, _server) = net.pair().await;
        let (owned, mut peer) = net.pair().await;
        {
            let waker = owning(owned);
            let mut readable = pin!(client.readable());
            assert!(readable.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
        }
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0, "the owned one is dropped");
    }

    async fn a_waker_that_owns_a_socket_may_go_with_the_one_it_waits_for(net) {
        let (client, mut server) = net.pair().await;
        let (owned, mut peer) = net.pair().await;
        let waker = owning(owned);
        assert!(client.poll_read_ready(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        drop(client);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0, "the owned one is dropped");
    }

    async fn a_task_that_always_finds_bytes_lets_others_run(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(&[1; 20_000]).await.unwrap();
        settle().await;
        let read = Arc::new(AtomicUsize::new(0));
        let progress = Arc::clone(&read);
        let greedy = tokio::spawn(async move {
            while progress.fetch_add(1, Ordering::SeqCst) < 20_000 {
                client.read_u8().await.unwrap();
            }
        });
        let progress = Arc::clone(&read);
        let other = tokio::spawn(async move { progress.load(Ordering::SeqCst) });
        assert!(other.await.unwrap() < 20_000);
        greedy.await.unwrap();
    }

    async fn a_task_that_can_always_write_lets_others_run(net) {
        let (mut client, _server) = net.pair().await;
        let written = Arc::new(AtomicUsize::new(0));
        let progress = Arc::clone(&written);
        let greedy = tokio::spawn(async move {
            while progress.fetch_add(1, Ordering::SeqCst) < 2_000 {
                client.write_u8(1).await.unwrap();
            }
            client
        });
        let progress = Arc::clone(&written);
        let other = tokio::spawn(async move { progress.load(Ordering::SeqCst) });
        assert!(other.await.unwrap() < 2_000);
        drop(greedy.await.unwrap());
    }

    async fn a_task_that_can_always_send_datagrams_lets_others_run(net) {
        let (client, _server) = net.udp_connected().await;
        let sent = Arc::new(AtomicUsize::new(0));
        let progress = Arc::clone(&sent);
        let greedy = tokio::spawn(async move {
            while progress.fetch_add(1, Ordering::SeqCst) < 2_000 {
                client.send(b"x").await.unwrap();
            }
        });
        let progress = Arc::clone(&sent);
        let other = tokio::spawn(async move { progress.load(Ordering::SeqCst) });
        assert!(other.await.unwrap() < 2_000);
        greedy.await.unwrap();
    }
}
