//! `readable`, `writable`, `ready`: being told without taking.

use super::super::net::Net;
use super::fill;
use crate::support::{Counter, is_pending, kind_of, settle};
use std::io::ErrorKind;
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};

behaviours! {
    async fn a_new_stream_is_writable(net) {
        let (client, server) = net.pair().await;
        client.writable().await.unwrap();
        server.writable().await.unwrap();
    }

    async fn readable_waits_for_data_and_is_woken_by_it(net) {
        let (client, mut server) = net.pair().await;
        let counter = Counter::new();
        let mut readable = pin!(client.readable());
        assert!(counter.poll(readable.as_mut()).is_pending());
        settle().await;
        assert_eq!(counter.count(), 0);
        server.write_all(b"x").await.unwrap();
        counter.woken().await;
        readable.await.unwrap();
    }

    async fn readable_stays_so_until_everything_was_read(net) {
        let (client, mut server) = net.pair().await;
        server.write_all(b"ab").await.unwrap();
        for _ in 0..3 {
            client.readable().await.unwrap();
        }
        assert_eq!(client.try_read(&mut [0; 1]).unwrap(), 1);
        client.readable().await.unwrap();
        assert_eq!(client.try_read(&mut [0; 1]).unwrap(), 1);
        assert_eq!(kind_of(client.try_read(&mut [0; 1])), ErrorKind::WouldBlock);
        let mut readable = pin!(client.readable());
        assert!(is_pending(readable.as_mut()));
    }

    async fn readable_is_told_of_the_end(net) {
        let (client, server) = net.pair().await;
        let counter = Counter::new();
        let mut readable = pin!(client.readable());
        assert!(counter.poll(readable.as_mut()).is_pending());
        drop(server);
        counter.woken().await;
        readable.await.unwrap();
        assert_eq!(client.try_read(&mut [0; 8]).unwrap(), 0);
    }

    async fn the_end_stays_readable(net) {
        let (client, server) = net.pair().await;
        drop(server);
        for _ in 0..3 {
            client.readable().await.unwrap();
            assert_eq!(client.try_read(&mut [0; 8]).unwrap(), 0);
        }
    }

    async fn readable_is_told_of_a_reset(net) {
        let (client, server) = net.pair().await;
        let counter = Counter::new();
        let mut readable = pin!(client.readable());
        assert!(counter.poll(readable.as_mut()).is_pending());
        server.set_zero_linger().unwrap();
        drop(server);
        counter.woken().await;
        readable.await.unwrap();
    }

    async fn writable_is_told_of_a_reset(net) {
        let (client, server) = net.pair().await;
        fill(&client).await;
        let counter = Counter::new();
        let mut writable = pin!(client.writable());
        assert!(counter.poll(writable.as_mut()).is_pending());
        server.set_zero_linger().unwrap();
        drop(server);
        counter.woken().await;
        writable.await.unwrap();
        assert_eq!(kind_of(client.try_write(b"x")), ErrorKind::ConnectionReset);
    }

    async fn all_who_wait_in_readable_are_woken(net) {
        let (client, mut server) = net.pair().await;
        let counters = [Counter::new(), Counter::new(), Counter::new()];
        let mut first = pin!(client.readable());
        let mut second = pin!(client.readable());
        let mut third = pin!(client.readable());
        assert!(counters[0].poll(first.as_mut()).is_pending());
        assert!(counters[1].poll(second.as_mut()).is_pending());
        assert!(counters[2].poll(third.as_mut()).is_pending());
        server.write_all(b"x").await.unwrap();
        for counter in &counters {
            counter.woken().await;
        }
    }

    async fn a_cancelled_readable_does_not_take_the_waker_of_another(net) {
        let (client, mut server) = net.pair().await;
        let counter = Counter::new();
        let mut staying = pin!(client.readable());
        assert!(counter.poll(staying.as_mut()).is_pending());
        {
            let mut leaving = pin!(client.readable());
            assert!(is_pending(leaving.as_mut()));
        }
        server.write_all(b"x").await.unwrap();
        counter.woken().await;
        staying.await.unwrap();
    }

    async fn a_cancelled_readable_is_not_woken(net) {
        let (client, mut server) = net.pair().await;
        let (gone, here) = (Counter::new(), Counter::new());
        {
            let mut leaving = pin!(client.readable());
            assert!(gone.poll(leaving.as_mut()).is_pending());
        }
        let mut staying = pin!(client.readable());
        assert!(here.poll(staying.as_mut()).is_pending());
        server.write_all(b"x").await.unwrap();
        here.woken().await;
        assert_eq!(gone.count(), 0);
    }

    async fn readable_beside_a_pending_read_leaves_both_their_wakers(net) {
        let (client, mut server) = net.pair().await;
        let (mut reader, _writer) = client.into_split();
        let by_read = Counter::new();
        let mut buf = [0; 8];
        {
            let mut reading = pin!(reader.read(&mut buf));
            assert!(by_read.poll(reading.as_mut()).is_pending());
        }
        let by_readable = Counter::new();
        let mut readable = pin!(reader.readable());
        assert!(by_readable.poll(readable.as_mut()).is_pending());
        server.write_all(b"x").await.unwrap();
        by_read.woken().await;
        by_readable.woken().await;
    }

    async fn ready_for_reading_waits_for_data(net) {
        let (client, mut server) = net.pair().await;
        let counter = Counter::new();
        let mut ready = pin!(client.ready(Interest::READABLE));
        assert!(counter.poll(ready.as_mut()).is_pending());
        server.write_all(b"x").await.unwrap();
        counter.woken().await;
        let ready = ready.await.unwrap();
        assert!(ready.is_readable() && !ready.is_writable() && !ready.is_read_closed());
    }

    async fn ready_for_writing_is_ready(net) {
        let (client, _server) = net.pair().await;
        let ready = client.ready(Interest::WRITABLE).await.unwrap();
        assert!(ready.is_writable() && !ready.is_readable() && !ready.is_write_closed());
    }

    async fn ready_for_either_says_which(net) {
        let (client, mut server) = net.pair().await;
        let either = Interest::READABLE | Interest::WRITABLE;
        let ready = client.ready(either).await.unwrap();
        assert!(ready.is_writable() && !ready.is_readable());
        server.write_all(b"x").await.unwrap();
        client.readable().await.unwrap();
        let ready = client.ready(either).await.unwrap();
        assert!(ready.is_writable() && ready.is_readable());
    }

    async fn ready_for_either_of_a_full_stream_waits_for_data(net) {
        let (client, mut server) = net.pair().await;
        fill(&client).await;
        let counter = Counter::new();
        {
            let mut ready = pin!(client.ready(Interest::READABLE | Interest::WRITABLE));
            assert!(counter.poll(ready.as_mut()).is_pending());
            server.write_all(b"x").await.unwrap();
            counter.woken().await;
            assert!(ready.await.unwrap().is_readable());
        }
        assert_eq!(client.try_read(&mut [0; 8]).unwrap(), 1);
    }

    async fn the_end_closes_the_reading_not_the_writing(net) {
        let (client, server) = net.pair().await;
        let (_reader, writer) = server.into_split();
        drop(writer);
        client.readable().await.unwrap();
        let ready = client.ready(Interest::READABLE).await.unwrap();
        assert!(ready.is_readable() && ready.is_read_closed());
        assert!(!client.ready(Interest::WRITABLE).await.unwrap().is_write_closed());
    }

    async fn after_both_ends_both_directions_are_closed(net) {
        let (mut client, mut server) = net.pair().await;
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        settle().await;
        let ready = client.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
        assert!(ready.is_read_closed() && ready.is_write_closed(), "{ready:?}");
    }

    async fn after_a_reset_both_directions_are_closed(net) {
        let (client, server) = net.pair().await;
        server.set_zero_linger().unwrap();
        drop(server);
        client.readable().await.unwrap();
        let ready = client.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
        assert!(ready.is_read_closed() && ready.is_write_closed(), "{ready:?}");
    }

    async fn our_own_shutdown_does_not_close_the_reading(net) {
        let (mut client, mut server) = net.pair().await;
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
        {
            let mut ready = pin!(client.ready(Interest::READABLE));
            assert!(is_pending(ready.as_mut()));
        }
        server.write_all(b"x").await.unwrap();
        let ready = client.ready(Interest::READABLE).await.unwrap();
        assert!(ready.is_readable() && !ready.is_read_closed());
    }

    async fn poll_read_ready_waits_for_data(net) {
        let (client, mut server) = net.pair().await;
        let counter = Counter::new();
        assert!(client.poll_read_ready(&mut counter.context()).is_pending());
        server.write_all(b"x").await.unwrap();
        counter.woken().await;
        assert!(client.poll_read_ready(&mut counter.context()).is_ready());
        assert_eq!(client.try_read(&mut [0; 8]).unwrap(), 1);
    }

    async fn poll_write_ready_waits_for_room(net) {
        let (client, mut server) = net.pair().await;
        let counter = Counter::new();
        client.writable().await.unwrap();
        assert!(client.poll_write_ready(&mut counter.context()).is_ready());
        let taken = fill(&client).await;
        assert!(client.poll_write_ready(&mut counter.context()).is_pending());
        let mut received = vec![0; taken];
        server.read_exact(&mut received).await.unwrap();
        counter.woken().await;
        assert!(client.poll_write_ready(&mut counter.context()).is_ready());
    }
}
