//! Futures that are dropped before they are ready, and timeouts: nothing is lost, nothing stays behind.

use super::super::net::Net;
use super::fill;
use crate::support::{Counter, SHORT, is_pending, kind_of, settle};
use std::io::ErrorKind;
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::time::timeout;

behaviours! {
    async fn a_dropped_connect_leaves_the_listener_usable(net) {
        let listener = net.listen().await;
        let to = listener.local_addr().unwrap();
        {
            let mut connecting = pin!(net.connect(to));
            let _ = Counter::new().poll(connecting.as_mut());
        }
        let client = net.connect(to).await.unwrap();
        let local = client.local_addr().unwrap();
        // The one that was given up may be in the queue, too.
        while listener.accept().await.unwrap().1 != local {}
    }

    async fn many_dropped_connects_leave_nothing_in_the_way(net) {
        let listener = net.listen().await;
        let to = listener.local_addr().unwrap();
        for _ in 0..20 {
            let mut connecting = pin!(net.connect(to));
            let _ = Counter::new().poll(connecting.as_mut());
        }
        let mut client = net.connect(to).await.unwrap();
        let local = client.local_addr().unwrap();
        client.write_all(b"x").await.unwrap();
        loop {
            let (mut server, from) = listener.accept().await.unwrap();
            if from == local {
                break assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
            }
        }
    }

    async fn a_read_that_times_out_loses_nothing(net) {
        let (mut client, mut server) = net.pair().await;
        let mut buf = [0; 8];
        assert!(timeout(SHORT, client.read(&mut buf)).await.is_err());
        server.write_all(b"late").await.unwrap();
        assert_eq!(client.read(&mut buf).await.unwrap(), 4);
        assert_eq!(&buf[..4], b"late");
    }

    async fn many_reads_that_time_out_lose_nothing(net) {
        let (mut client, mut server) = net.pair().await;
        for number in 0..20_u8 {
            let mut buf = [0; 8];
            {
                let mut reading = pin!(client.read(&mut buf));
                assert!(is_pending(reading.as_mut()));
            }
            server.write_u8(number).await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), number);
        }
    }

    async fn a_cancelled_read_wakes_nobody(net) {
        let (mut client, mut server) = net.pair().await;
        let (gone, here) = (Counter::new(), Counter::new());
        let mut buf = [0; 8];
        {
            let mut reading = pin!(client.read(&mut buf));
            assert!(gone.poll(reading.as_mut()).is_pending());
        }
        let mut reading = pin!(client.read(&mut buf));
        assert!(here.poll(reading.as_mut()).is_pending());
        server.write_all(b"x").await.unwrap();
        here.woken().await;
        settle().await;
        assert_eq!(gone.count(), 0);
    }

    async fn a_write_that_times_out_wrote_nothing(net) {
        let (mut client, mut server) = net.pair().await;
        let mut taken = fill(&client).await;
        // The peer may take a little more in the meantime.
        while let Ok(late) = timeout(SHORT, client.write(b"never")).await {
            taken += late.unwrap();
        }
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(received.len(), taken);
    }

    async fn an_accept_that_times_out_loses_nobody(net) {
        let listener = net.listen().await;
        assert!(timeout(SHORT, listener.accept()).await.is_err());
        let client = net.connect(listener.local_addr().unwrap()).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
    }

    async fn a_cancelled_writable_does_not_take_the_waker_of_another(net) {
        let (client, mut server) = net.pair().await;
        let taken = fill(&client).await;
        let counter = Counter::new();
        let mut staying = pin!(client.writable());
        assert!(counter.poll(staying.as_mut()).is_pending());
        {
            let mut leaving = pin!(client.writable());
            assert!(is_pending(leaving.as_mut()));
        }
        let mut received = vec![0; taken];
        server.read_exact(&mut received).await.unwrap();
        counter.woken().await;
    }

    async fn a_cancelled_ready_changes_nothing(net) {
        let (client, mut server) = net.pair().await;
        for _ in 0..10 {
            let mut ready = pin!(client.ready(Interest::READABLE));
            assert!(is_pending(ready.as_mut()));
        }
        server.write_all(b"x").await.unwrap();
        assert!(client.ready(Interest::READABLE).await.unwrap().is_readable());
    }

    async fn a_thousand_dropped_waits_leave_one_that_is_woken(net) {
        let (client, mut server) = net.pair().await;
        for _ in 0..1_000 {
            let mut readable = pin!(client.readable());
            assert!(is_pending(readable.as_mut()));
        }
        let counter = Counter::new();
        let mut readable = pin!(client.readable());
        assert!(counter.poll(readable.as_mut()).is_pending());
        server.write_all(b"x").await.unwrap();
        counter.woken().await;
        assert_eq!(counter.count(), 1);
    }

    async fn an_aborted_task_closes_its_stream(net) {
        let (mut client, server) = net.pair().await;
        let task = tokio::spawn(async move {
            let mut server = server;
            server.read(&mut [0; 8]).await
        });
        settle().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }

    async fn select_between_two_streams_loses_nothing(net) {
        let (mut one, mut one_peer) = net.pair().await;
        let (mut two, mut two_peer) = net.pair().await;
        let writing = async {
            for number in 0..50_u8 {
                one_peer.write_u8(number).await.unwrap();
                two_peer.write_u8(number).await.unwrap();
                tokio::task::yield_now().await;
            }
            (one_peer, two_peer)
        };
        let reading = async {
            let (mut from_one, mut from_two) = (0, 0);
            let (mut buf_one, mut buf_two) = ([0; 3], [0; 3]);
            while from_one + from_two < 100 {
                tokio::select! {
                    n = one.read(&mut buf_one) => {
                        for byte in &buf_one[..n.unwrap()] {
                            assert_eq!(*byte, from_one);
                            from_one += 1;
                        }
                    }
                    n = two.read(&mut buf_two) => {
                        for byte in &buf_two[..n.unwrap()] {
                            assert_eq!(*byte, from_two);
                            from_two += 1;
                        }
                    }
                }
            }
        };
        tokio::join!(writing, reading);
    }

    async fn a_datagram_outlives_a_receive_that_timed_out(net) {
        let (client, server) = net.udp().await;
        let mut buf = [0; 8];
        assert!(timeout(SHORT, server.recv_from(&mut buf)).await.is_err());
        client.send_to(b"late", server.local_addr().unwrap()).await.unwrap();
        assert_eq!(server.recv_from(&mut buf).await.unwrap().0, 4);
        assert_eq!(kind_of(server.try_recv_from(&mut buf)), ErrorKind::WouldBlock);
    }
}
