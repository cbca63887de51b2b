//! `try_io` and `async_io`: work of the caller's own, when there is something to do; and what types promise.

use super::super::net::{Net, TcpListener, TcpSocket, TcpStream, UdpSocket, tcp};
use crate::support::{Counter, kind_of, settle};
use std::cell::Cell;
use std::io::ErrorKind;
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};

fn is_send<T: Send>(_: &T) -> bool {
    true
}

fn are_send_and_sync<T: Send + Sync + Unpin>() {}

behaviours! {
    async fn try_io_does_nothing_when_there_is_nothing_to_do(net) {
        let (client, _server) = net.pair().await;
        let outcome = client.try_io(Interest::READABLE, || -> std::io::Result<()> { panic!("nothing is there") });
        assert_eq!(kind_of(outcome), ErrorKind::WouldBlock);
    }

    async fn try_io_works_when_there_is_something_to_do(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"abc").await.unwrap();
        client.readable().await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(client.try_io(Interest::READABLE, || client.try_read(&mut buf)).unwrap(), 3);
        assert_eq!(&buf[..3], b"abc");
    }

    async fn try_io_passes_errors_on(net) {
        let (client, _server) = net.pair().await;
        client.writable().await.unwrap();
        let outcome = client.try_io(Interest::WRITABLE, || Err::<(), _>(ErrorKind::AlreadyExists.into()));
        assert_eq!(kind_of(outcome), ErrorKind::AlreadyExists);
    }

    async fn async_io_waits_until_there_is_something_to_do(net) {
        let (client, mut server) = net.pair().await;
        let counter = Counter::new();
        let mut buf = [0; 8];
        let mut working = pin!(client.async_io(Interest::READABLE, || client.try_read(&mut buf)));
        assert!(counter.poll(working.as_mut()).is_pending());
        server.write_all(b"abc").await.unwrap();
        counter.woken().await;
        assert_eq!(working.await.unwrap(), 3);
    }

    async fn async_io_tries_again_after_it_would_have_blocked(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"a").await.unwrap();
        client.readable().await.unwrap();
        let calls = Cell::new(0);
        let working = client.async_io(Interest::READABLE, || {
            calls.set(calls.get() + 1);
            if calls.get() == 1 { Err(ErrorKind::WouldBlock.into()) } else { Ok(calls.get()) }
        });
        let writing = async {
            settle().await;
            server.write_all(b"b").await.unwrap();
        };
        let (worked, ()) = tokio::join!(working, writing);
        assert_eq!(worked.unwrap(), 2);
    }

    async fn datagrams_have_try_io_and_async_io_too(net) {
        let (client, server) = net.udp().await;
        let mut buf = [0; 8];
        let outcome = server.try_io(Interest::READABLE, || server.try_recv(&mut buf));
        assert_eq!(kind_of(outcome), ErrorKind::WouldBlock);
        client.send_to(b"abc", server.local_addr().unwrap()).await.unwrap();
        assert_eq!(server.async_io(Interest::READABLE, || server.try_recv(&mut buf)).await.unwrap(), 3);
    }

    async fn ready_for_errors_waits_for_a_failure(net) {
        let (client, server) = net.pair().await;
        let counter = Counter::new();
        let mut ready = pin!(client.ready(Interest::ERROR));
        assert!(counter.poll(ready.as_mut()).is_pending());
        settle().await;
        assert!(counter.poll(ready.as_mut()).is_pending());
        server.set_zero_linger().unwrap();
        drop(server);
        counter.woken().await;
        assert!(ready.await.unwrap().is_error());
    }

    async fn every_future_may_move_to_another_thread(net) {
        let (mut client, server) = net.pair().await;
        let listener = net.listen().await;
        let to = listener.local_addr().unwrap();
        assert!(is_send(&net.connect(to)));
        assert!(is_send(&net.connect("name:80")));
        assert!(is_send(&net.bind(to)));
        assert!(is_send(&listener.accept()));
        assert!(is_send(&server.readable()));
        assert!(is_send(&server.ready(Interest::READABLE | Interest::WRITABLE)));
        assert!(is_send(&server.peek(&mut [0])));
        assert!(is_send(&net.client_socket().connect(to)));
        assert!(is_send(&client.read(&mut [0])));
        let (mut reader, mut writer) = client.split();
        assert!(is_send(&reader.read(&mut [0])));
        assert!(is_send(&writer.write_all(b"x")));
    }

    async fn every_future_of_datagrams_may_move_to_another_thread(net) {
        let (client, server) = net.udp().await;
        let to = server.local_addr().unwrap();
        assert!(is_send(&net.bind_client_udp(to)));
        assert!(is_send(&client.connect(to)));
        assert!(is_send(&client.connect("name:80")));
        assert!(is_send(&client.send_to(b"x", to)));
        assert!(is_send(&client.send(b"x")));
        assert!(is_send(&server.recv_from(&mut [0])));
        assert!(is_send(&server.recv(&mut [0])));
        assert!(is_send(&server.peek_from(&mut [0])));
        assert!(is_send(&server.recv_buf(&mut Vec::new())));
    }

    async fn every_socket_may_be_shared_between_threads(_net) {
        are_send_and_sync::<TcpListener>();
        are_send_and_sync::<TcpStream>();
        are_send_and_sync::<TcpSocket>();
        are_send_and_sync::<UdpSocket>();
        are_send_and_sync::<tcp::ReadHalf<'static>>();
        are_send_and_sync::<tcp::WriteHalf<'static>>();
        are_send_and_sync::<tcp::OwnedReadHalf>();
        are_send_and_sync::<tcp::OwnedWriteHalf>();
        are_send_and_sync::<tcp::ReuniteError>();
    }
}
