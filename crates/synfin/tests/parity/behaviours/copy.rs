//! `tokio::io::copy` and its kin over these streams.

use super::super::net::Net;
use crate::common::{digest, pattern};
use crate::support::settle;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional, copy_buf};

behaviours! {
    async fn a_copy_ends_at_the_end(net) {
        let (mut client, mut server) = net.pair().await;
        let sent = pattern(500_000, 5);
        let expected = digest(&sent);
        let writer = tokio::spawn(async move {
            server.write_all(&sent).await.unwrap();
        });
        let mut received = Vec::new();
        assert_eq!(copy(&mut client, &mut received).await.unwrap(), 500_000);
        assert_eq!(digest(&received), expected);
        writer.await.unwrap();
    }

    async fn a_copy_into_a_stream_writes_everything(net) {
        let (mut client, mut server) = net.pair().await;
        let sent = pattern(1 << 20, 6);
        let reader = tokio::spawn(async move {
            let mut received = Vec::new();
            server.read_to_end(&mut received).await.unwrap();
            digest(&received)
        });
        assert_eq!(copy_buf(&mut &sent[..], &mut client).await.unwrap(), 1 << 20);
        drop(client);
        assert_eq!(reader.await.unwrap(), digest(&sent));
    }

    async fn a_relay_carries_both_ways_and_both_ends(net) {
        let (source, mut left) = net.pair().await;
        let (mut right, sink) = net.pair().await;
        let relay = tokio::spawn(async move { copy_bidirectional(&mut left, &mut right).await.unwrap() });
        let ends = [(source, 300_000), (sink, 200_000)].map(|(mut stream, len)| {
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                let sent = pattern(len, 7);
                let writing = async {
                    writer.write_all(&sent).await.unwrap();
                    writer.shutdown().await.unwrap();
                };
                let mut received = Vec::new();
                let (_, read) = tokio::join!(writing, reader.read_to_end(&mut received));
                read.unwrap();
                received.len()
            })
        });
        let [source, sink] = ends;
        assert_eq!((source.await.unwrap(), sink.await.unwrap()), (200_000, 300_000));
        assert_eq!(relay.await.unwrap(), (300_000, 200_000));
    }

    async fn a_relay_passes_a_half_close_on(net) {
        let (mut source, mut left) = net.pair().await;
        let (mut right, mut sink) = net.pair().await;
        let relay = tokio::spawn(async move { copy_bidirectional(&mut left, &mut right).await.unwrap() });
        source.write_all(b"question").await.unwrap();
        source.shutdown().await.unwrap();
        let mut question = Vec::new();
        sink.read_to_end(&mut question).await.unwrap();
        assert_eq!(question, b"question");
        sink.write_all(b"answer").await.unwrap();
        drop(sink);
        let mut answer = Vec::new();
        source.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
        assert_eq!(relay.await.unwrap(), (8, 6));
    }

    async fn a_relay_keeps_back_what_nobody_takes(net) {
        let (source, mut left) = net.pair().await;
        let (mut right, mut sink) = net.pair().await;
        let relay = tokio::spawn(async move { copy_bidirectional(&mut left, &mut right).await });
        let taken = super::fill(&source).await;
        // The queues of four ends and the relay's own buffer; not everything there is.
        assert!(taken < 64 << 20, "{taken}");
        drop(source);
        let mut received = Vec::new();
        sink.read_to_end(&mut received).await.unwrap();
        assert_eq!(received.len(), taken);
        drop(sink);
        relay.await.unwrap().unwrap();
    }

    async fn a_relay_fails_where_one_end_is_reset(net) {
        let (source, mut left) = net.pair().await;
        let (mut right, _sink) = net.pair().await;
        let relay = tokio::spawn(async move { copy_bidirectional(&mut left, &mut right).await });
        settle().await;
        source.set_zero_linger().unwrap();
        drop(source);
        assert_eq!(relay.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}
