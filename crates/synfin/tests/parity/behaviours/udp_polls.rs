//! The `poll_*` methods of datagram sockets.

use super::super::net::Net;
use crate::support::{Counter, settle};
use std::future::poll_fn;
use std::task::Poll;
use tokio::io::ReadBuf;

behaviours! {
    async fn poll_recv_waits_and_is_woken(net) {
        let (client, server) = net.udp_connected().await;
        let mut bytes = [0; 8];
        let mut buf = ReadBuf::new(&mut bytes);
        let counter = Counter::new();
        assert!(server.poll_recv(&mut counter.context(), &mut buf).is_pending());
        client.send(b"go").await.unwrap();
        counter.woken().await;
        assert!(matches!(server.poll_recv(&mut counter.context(), &mut buf), Poll::Ready(Ok(()))));
        assert_eq!(buf.filled(), b"go");
    }

    async fn poll_recv_from_says_from_whom(net) {
        let (client, server) = net.udp().await;
        let mut bytes = [0; 8];
        let mut buf = ReadBuf::new(&mut bytes);
        let counter = Counter::new();
        assert!(server.poll_recv_from(&mut counter.context(), &mut buf).is_pending());
        client.send_to(b"go", server.local_addr().unwrap()).await.unwrap();
        counter.woken().await;
        let from = poll_fn(|cx| server.poll_recv_from(cx, &mut buf)).await.unwrap();
        assert_eq!((buf.filled(), from), (&b"go"[..], client.local_addr().unwrap()));
    }

    async fn poll_recv_wakes_the_waker_it_was_given_last(net) {
        let (client, server) = net.udp_connected().await;
        let mut bytes = [0; 8];
        let mut buf = ReadBuf::new(&mut bytes);
        let (first, last) = (Counter::new(), Counter::new());
        assert!(server.poll_recv(&mut first.context(), &mut buf).is_pending());
        assert!(server.poll_recv(&mut last.context(), &mut buf).is_pending());
        client.send(b"go").await.unwrap();
        last.woken().await;
        settle().await;
        assert_eq!(first.count(), 0);
    }

    async fn poll_send_sends(net) {
        let (client, server) = net.udp_connected().await;
        assert_eq!(poll_fn(|cx| client.poll_send(cx, b"polled")).await.unwrap(), 6);
        assert_eq!(server.recv(&mut [0; 8]).await.unwrap(), 6);
    }

    async fn poll_send_to_sends(net) {
        let (client, server) = net.udp().await;
        let to = server.local_addr().unwrap();
        assert_eq!(poll_fn(|cx| client.poll_send_to(cx, b"polled", to)).await.unwrap(), 6);
        assert_eq!(server.recv(&mut [0; 8]).await.unwrap(), 6);
    }

    async fn poll_peek_leaves_the_datagram(net) {
        let (client, server) = net.udp_connected().await;
        client.send(b"look").await.unwrap();
        let mut bytes = [0; 8];
        let mut buf = ReadBuf::new(&mut bytes);
        poll_fn(|cx| server.poll_peek(cx, &mut buf)).await.unwrap();
        assert_eq!(buf.filled(), b"look");
        assert_eq!(server.recv(&mut [0; 8]).await.unwrap(), 4);
    }

    async fn poll_peek_from_and_poll_peek_sender_say_who(net) {
        let (client, server) = net.udp().await;
        let counter = Counter::new();
        assert!(server.poll_peek_sender(&mut counter.context()).is_pending());
        client.send_to(b"look", server.local_addr().unwrap()).await.unwrap();
        counter.woken().await;
        let mut bytes = [0; 8];
        let mut buf = ReadBuf::new(&mut bytes);
        let from = poll_fn(|cx| server.poll_peek_from(cx, &mut buf)).await.unwrap();
        assert_eq!((buf.filled(), from), (&b"look"[..], client.local_addr().unwrap()));
        let sender = poll_fn(|cx| server.poll_peek_sender(cx)).await.unwrap();
        assert_eq!(sender, client.local_addr().unwrap());
        assert_eq!(server.recv(&mut [0; 8]).await.unwrap(), 4);
    }

    async fn poll_recv_ready_waits_for_a_datagram(net) {
        let (client, server) = net.udp().await;
        let counter = Counter::new();
        assert!(server.poll_recv_ready(&mut counter.context()).is_pending());
        client.send_to(b"x", server.local_addr().unwrap()).await.unwrap();
        counter.woken().await;
        assert!(server.poll_recv_ready(&mut counter.context()).is_ready());
        assert_eq!(server.try_recv(&mut [0; 8]).unwrap(), 1);
    }

    async fn poll_send_ready_is_ready(net) {
        let client = net.client_udp().await;
        poll_fn(|cx| client.poll_send_ready(cx)).await.unwrap();
    }

    async fn a_datagram_that_does_not_fit_a_read_buf_is_cut(net) {
        let (client, server) = net.udp_connected().await;
        client.send(b"0123456789").await.unwrap();
        let mut bytes = [0; 4];
        let mut buf = ReadBuf::new(&mut bytes);
        poll_fn(|cx| server.poll_recv(cx, &mut buf)).await.unwrap();
        assert_eq!(buf.filled(), b"0123");
    }
}
