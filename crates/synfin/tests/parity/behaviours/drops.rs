//! What a drop does.

use super::super::net::Net;
use crate::common::{digest, pattern};
use crate::support::{kind_of, settle};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

behaviours! {
    async fn a_dropped_stream_is_the_end_for_its_peer(net) {
        let (client, mut server) = net.pair().await;
        drop(client);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    }

    async fn a_drop_delivers_what_was_written(net) {
        let (mut client, mut server) = net.pair().await;
        let sent = pattern(150_000, 6);
        let writer = tokio::spawn(async move {
            client.write_all(&sent).await.unwrap();
            digest(&sent)
        });
        settle().await;
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.unwrap();
        assert_eq!(digest(&received), writer.await.unwrap());
    }

    async fn a_drop_after_everything_was_read_is_no_reset(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"read me").await.unwrap();
        client.read_exact(&mut [0; 7]).await.unwrap();
        drop(client);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    }

    async fn what_was_read_in_part_is_unread(net) {
        let (mut client, mut server) = net.pair().await;
        server.write_all(b"look").await.unwrap();
        client.read_exact(&mut [0; 3]).await.unwrap();
        drop(client);
        assert_eq!(kind_of(server.read(&mut [0; 8]).await), ErrorKind::ConnectionReset);
    }

    async fn both_may_leave_at_once(net) {
        for _ in 0..10 {
            let (client, server) = net.pair().await;
            drop((client, server));
        }
        let (mut client, mut server) = net.pair().await;
        client.write_all(b"fine").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 4);
    }

    async fn a_dropped_listener_refuses(net) {
        let listener = net.listen().await;
        let at = listener.local_addr().unwrap();
        net.connect(at).await.unwrap();
        drop(listener);
        assert_eq!(kind_of(net.connect(at).await), ErrorKind::ConnectionRefused);
    }

    async fn a_dropped_datagram_socket_frees_its_port(net) {
        let server = net.server_udp().await;
        let at = server.local_addr().unwrap();
        assert_eq!(kind_of(net.bind_server_udp(at).await), ErrorKind::AddrInUse);
        drop(server);
        net.bind_server_udp(at).await.unwrap();
    }

    async fn a_stream_may_be_dropped_while_it_waits(net) {
        let (client, server) = net.pair().await;
        let task = tokio::spawn(async move {
            let mut client = client;
            client.read(&mut [0; 8]).await
        });
        settle().await;
        drop(server);
        assert_eq!(task.await.unwrap().unwrap(), 0);
    }
}
