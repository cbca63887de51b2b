//! Whoever drives the stack locks it for an attempt, and others wait for that long: an attempt copies at most 64 KB,
//! however much it is asked for and however it is asked.

#![allow(clippy::unwrap_used)]

mod world;

use std::io::{IoSlice, IoSliceMut};
use std::task::Poll;
use synfin_socket::stack::SocketId;
use synfin_socket::{Core, Fault, OpenOptions, Reach};
use world::{Side, World};

const ATTEMPT_BYTES_MAX: usize = 64 << 10;
const BUFFER_BYTES: u32 = 1 << 20;

/// Two hosts with room for a megabyte, and the two ends of a connection.
fn connected() -> (World, SocketId, SocketId) {
    let config = tcp::Config {
        send_buffer_bytes: BUFFER_BYTES,
        receive_buffer_bytes: BUFFER_BYTES,
        send_buffer_bytes_initial: 0,
        receive_buffer_bytes_initial: 0,
        ..tcp::Config::default()
    };
    let world = World::with(config);
    let address = "10.0.0.2:80".parse().unwrap();
    let listener = world.server.with(|core, _| core.host_mut().tcp_listen(address, 1)).unwrap();
    let client = world.client.with(|core, now| core.open(now, OpenOptions::to(address))).unwrap().id;
    world.carry();
    let server = world.server.with(|core, _| core.host_mut().tcp_accept(listener)).unwrap().id;
    (world, client, server)
}

/// How many bytes an attempt has copied.
#[track_caller]
fn copied(side: &Side, attempt: impl FnOnce(&mut Core, tcp::Instant) -> Poll<Result<usize, Fault>>) -> usize {
    match side.with(attempt) {
        Poll::Ready(Ok(bytes)) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_write_copies_at_most_64_kb() {
    let (world, client, _) = connected();
    let (large, small) = (vec![1; 300_000], vec![2; 50_000]);
    let slices = [IoSlice::new(&small), IoSlice::new(&small), IoSlice::new(&large)];
    for (bufs, skip_bytes) in
        [(&slices[2..], 0), (&slices[2..], 100_000), (&slices[..], 0), (&slices[..], 49_999)]
    {
        let taken = copied(&world.client, |core, now| core.poll_write(now, client, bufs, skip_bytes));
        assert_eq!(taken, ATTEMPT_BYTES_MAX);
    }
}

#[test]
fn a_read_copies_at_most_64_kb() {
    let (world, client, server) = connected();
    let text = vec![1; BUFFER_BYTES as usize];
    let mut written = 0;
    while written < text.len() {
        written +=
            copied(&world.client, |core, now| core.poll_write(now, client, &[IoSlice::new(&text)], written));
    }
    world.carry();
    let (mut large, mut small) = (vec![0; 300_000], vec![0; 50_000]);
    let peeked = copied(&world.server, |core, _| core.poll_peek(server, &mut large));
    assert_eq!(peeked, ATTEMPT_BYTES_MAX);
    let read =
        copied(&world.server, |core, now| core.poll_read(now, server, &mut [IoSliceMut::new(&mut large)]));
    assert_eq!(read, ATTEMPT_BYTES_MAX);
    let read = copied(&world.server, |core, now| {
        core.poll_read(now, server, &mut [IoSliceMut::new(&mut small), IoSliceMut::new(&mut large)])
    });
    assert_eq!(read, ATTEMPT_BYTES_MAX);
    let mut given = 0;
    let read = copied(&world.server, |core, now| {
        core.poll_read_with(now, server, 300_000, |piece| given += piece.len())
    });
    assert_eq!((read, given), (ATTEMPT_BYTES_MAX, ATTEMPT_BYTES_MAX));
}
