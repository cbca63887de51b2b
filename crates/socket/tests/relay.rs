//! A relay holds nothing: what one side does not take stays with the peer of the other, and ends are passed on one by
//! one.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

mod world;

use std::future::Future;
use std::io::ErrorKind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use synfin_socket::Reach;
use synfin_socket::tokio::{Relayed, TcpListener, TcpStream, relay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use world::{Side, World};

type Stream = TcpStream<Side>;

fn finish<T>(world: &World, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..1_000 {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return outcome;
        }
        world.carry();
    }
    panic!("the future is never ready");
}

fn pair(world: &World) -> (Stream, Stream) {
    let listener = finish(world, TcpListener::<Side>::bind(&world.server, "10.0.0.2:80")).unwrap();
    let client = finish(world, Stream::connect(&world.client, "10.0.0.2:80")).unwrap();
    let (server, _) = finish(world, listener.accept()).unwrap();
    (client, server)
}

#[test]
fn bytes_and_ends_pass_both_ways() {
    let world = World::new();
    let (mut client, mut gateway) = pair(&world);
    let (mut beyond, mut far) = tokio::io::duplex(1_000);
    let relaying = relay(&mut gateway, &mut beyond);
    let talking = async {
        client.write_all(&[1; 5_000]).await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        heard
    };
    let answering = async {
        let mut heard = Vec::new();
        far.read_to_end(&mut heard).await.unwrap();
        far.write_all(&heard[..3_000]).await.unwrap();
        far.shutdown().await.unwrap();
        heard.len()
    };
    let (relayed, heard, far_heard) = finish(&world, async { tokio::join!(relaying, talking, answering) });
    assert_eq!(relayed.unwrap(), Relayed { outward_bytes: 5_000, inward_bytes: 3_000 });
    assert_eq!((heard, far_heard), (vec![1; 3_000], 5_000));
}

#[test]
fn what_the_other_side_does_not_take_closes_the_window_of_the_peer() {
    let config = tcp::Config {
        receive_buffer_bytes: 20_000,
        receive_buffer_bytes_initial: 0,
        send_buffer_bytes_initial: 0,
        ..tcp::Config::default()
    };
    let world = World::with(config);
    let (client, mut gateway) = pair(&world);
    let (mut beyond, far) = tokio::io::duplex(1_000);
    let mut relaying = pin!(relay(&mut gateway, &mut beyond));
    let mut context = Context::from_waker(Waker::noop());
    let mut written = 0;
    for _ in 0..100 {
        written += client.try_write(&[1; 10_000]).unwrap_or(0);
        world.carry();
        assert!(relaying.as_mut().poll(&mut context).is_pending());
    }
    let info = client.info().unwrap();
    let delivered = written - info.not_sent_bytes as usize;
    assert!(delivered <= 20_000 + 3_000 + 1_000, "{delivered} bytes were taken, and nobody reads");
    drop(far);
}

#[test]
fn what_comes_back_is_read_only_as_far_as_there_is_room() {
    let config = tcp::Config {
        receive_buffer_bytes: 4_000,
        receive_buffer_bytes_initial: 0,
        send_buffer_bytes: 8_000,
        send_buffer_bytes_initial: 0,
        ..tcp::Config::default()
    };
    let world = World::with(config);
    let (mut client, mut gateway) = pair(&world);
    let (mut beyond, mut far) = tokio::io::duplex(1_000_000);
    finish(&world, far.write_all(&[3; 100_000])).unwrap();
    let mut relaying = Box::pin(relay(&mut gateway, &mut beyond));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        assert!(relaying.as_mut().poll(&mut context).is_pending());
        world.carry();
    }
    let queued = gateway_queue(&world);
    assert!(queued <= 8_000, "{queued} bytes wait in a buffer of 8,000");
    let mut heard = vec![0; 100_000];
    let reading = async { client.read_exact(&mut heard).await.map(drop) };
    finish(&world, async {
        tokio::select! {
            read = reading => read.unwrap(),
            relayed = &mut relaying => panic!("it goes on: {relayed:?}"),
        }
    });
    assert!(heard.iter().all(|byte| *byte == 3));
}

/// Bytes that wait in the send queues of the gateway.
fn gateway_queue(world: &World) -> usize {
    world
        .server
        .with(|core, _| core.host().tcp_census().iter().map(|listed| listed.send_queue).max().unwrap_or(0))
}

#[test]
fn a_reset_of_one_side_is_an_error() {
    let world = World::new();
    let (client, mut gateway) = pair(&world);
    let (mut beyond, _far) = tokio::io::duplex(1_000);
    client.set_zero_linger().unwrap();
    drop(client);
    let error = finish(&world, relay(&mut gateway, &mut beyond)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
