//! A future that is dropped before it is ready leaves nothing behind: no waker, no socket, no connection, and takes
//! nothing that others wait for. Every future of every socket is dropped here at every poll.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

mod world;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use synfin_socket::stack::GateOptions;
use synfin_socket::tokio::{Flows, TcpListener, TcpStream, UdpSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use world::{Side, World};

type Listener = TcpListener<Side>;
type Stream = TcpStream<Side>;

const SERVER: &str = "10.0.0.2:80";
/// More polls than any of these futures needs, with a frame between each two.
const POLLS_MAX: usize = 64;

/// Polls a future to its end, with the frames that it needs.
fn finish<T>(world: &World, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..POLLS_MAX {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut context) {
            return outcome;
        }
        if !world.carry_one() {
            world.wait(Duration::from_millis(100));
        }
    }
    panic!("the future is never ready");
}

/// Polls a future so many times with a frame between, then drops it. Returns whether it was ready before.
fn poll_times<T>(world: &World, times: usize, future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if future.as_mut().poll(&mut context).is_ready() {
            return true;
        }
        world.carry_one();
    }
    false
}

fn listener(world: &World) -> Listener {
    finish(world, Listener::bind(&world.server, SERVER)).unwrap()
}

fn pair(world: &World) -> (Listener, Stream, Stream) {
    let listener = listener(world);
    let client = finish(world, Stream::connect(&world.client, SERVER)).unwrap();
    let (server, _) = finish(world, listener.accept()).unwrap();
    (listener, client, server)
}

/// Nobody waits on either side.
#[track_caller]
fn assert_nobody_waits(world: &World) {
    assert_eq!((world.client.counts().0, world.server.counts().0), (0, 0), "wakers left");
}

/// Everything was let go of: no sockets, and when the peers have had time, no connections.
#[track_caller]
fn assert_nothing_is_left(world: &World) {
    assert_nobody_waits(world);
    assert_eq!((world.client.counts().1, world.server.counts().1), (0, 0), "sockets left");
    world.wait(Duration::from_secs(90));
    assert_eq!((world.client.counts().2, world.server.counts().2), (0, 0), "connections left");
}

#[test]
fn a_connect_that_is_dropped_takes_its_connection_back() {
    for times in 0.. {
        let world = World::new();
        let listener = listener(&world);
        let is_ready = poll_times(&world, times, Stream::connect(&world.client, SERVER));
        world.carry();
        drop(listener);
        assert_nothing_is_left(&world);
        if is_ready {
            assert!(times > 1, "a connect waits for the second step");
            break;
        }
        assert!(times < POLLS_MAX);
    }
}

#[test]
fn an_accept_that_is_dropped_leaves_the_connection_to_the_next() {
    for times in 0.. {
        let world = World::new();
        let listener = listener(&world);
        let mut connecting = Box::pin(Stream::connect(&world.client, SERVER));
        let _ = connecting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let is_ready = poll_times(&world, times, listener.accept());
        let stream = finish(&world, connecting).unwrap();
        assert_nobody_waits(&world);
        if is_ready {
            drop((stream, listener));
            assert_nothing_is_left(&world);
            break;
        }
        assert!(times < POLLS_MAX);
        finish(&world, listener.accept()).unwrap();
        drop((stream, listener));
        assert_nothing_is_left(&world);
    }
}

#[test]
fn what_waits_to_read_takes_no_byte_and_leaves_no_waker() {
    let world = World::new();
    let (listener, client, mut server) = pair(&world);
    for times in 0..3 {
        let mut buf = [0; 9];
        assert!(!poll_times(&world, times, client.peek(&mut buf)));
        assert!(!poll_times(&world, times, client.readable()));
        assert!(!poll_times(&world, times, client.ready(Interest::READABLE)));
        assert!(!poll_times(&world, times, client.async_io(Interest::READABLE, || Ok(()))));
        assert_nobody_waits(&world);
    }
    let mut client = client;
    for times in 0..3 {
        assert!(!poll_times(&world, times, client.read(&mut [0; 9])));
        assert!(!poll_times(&world, times, client.read_exact(&mut [0; 9])));
        assert!(!poll_times(&world, times, client.read_to_end(&mut Vec::new())));
    }
    finish(&world, server.write_all(b"whole")).unwrap();
    world.carry();
    let mut heard = [0; 5];
    finish(&world, client.read_exact(&mut heard)).unwrap();
    assert_eq!(&heard, b"whole");
    drop((listener, client, server));
    assert_nothing_is_left(&world);
}

#[test]
fn what_waits_for_room_has_written_all_or_nothing() {
    let small =
        tcp::Config { send_buffer_bytes: 4_000, send_buffer_bytes_initial: 0, ..tcp::Config::default() };
    let world =
        World::with(tcp::Config { receive_buffer_bytes: 4_000, receive_buffer_bytes_initial: 0, ..small });
    let (listener, mut client, server) = pair(&world);
    let mut written = 0;
    while let Ok(count) = client.try_write(&[7; 1_000]) {
        written += count;
        world.carry();
    }
    for times in 0..3 {
        assert!(!poll_times(&world, times, client.writable()));
        assert!(!poll_times(&world, times, client.ready(Interest::WRITABLE)));
        assert!(!poll_times(&world, times, client.write_bytes(vec![9; 10].into())));
        assert_nobody_waits(&world);
    }
    for times in 0..3 {
        assert!(!poll_times(&world, times, client.write(&[9; 10])));
    }
    let mut heard = vec![0; written];
    let mut server = server;
    finish(&world, server.read_exact(&mut heard)).unwrap();
    world.carry();
    assert_eq!(server.try_read(&mut [0; 9]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert!(heard.iter().all(|byte| *byte == 7));
    drop((listener, client, server));
    assert_nothing_is_left(&world);
}

#[test]
fn datagrams_are_neither_lost_nor_left_by_those_who_leave() {
    let world = World::new();
    let ours = finish(&world, UdpSocket::<Side>::bind(&world.client, "10.0.0.1:7")).unwrap();
    let theirs = finish(&world, UdpSocket::<Side>::bind(&world.server, "10.0.0.2:7")).unwrap();
    for times in 0..3 {
        let mut buf = [0; 9];
        assert!(!poll_times(&world, times, ours.recv_from(&mut buf)));
        assert!(!poll_times(&world, times, ours.peek_from(&mut buf)));
        assert!(!poll_times(&world, times, ours.readable()));
        assert_nobody_waits(&world);
    }
    finish(&world, theirs.send_to(b"one", "10.0.0.1:7")).unwrap();
    world.carry();
    let mut buf = [0; 9];
    assert!(poll_times(&world, 1, ours.readable()));
    assert_eq!(finish(&world, ours.recv_from(&mut buf)).unwrap().0, 3);
    drop((ours, theirs));
    assert_nothing_is_left(&world);
}

#[test]
fn a_flow_that_somebody_stops_waiting_for_stays_for_the_next_and_one_that_is_dropped_is_refused() {
    for times in 0.. {
        let world = World::new();
        let flows = Flows::open(&world.server, GateOptions::default()).unwrap();
        let mut connecting = Box::pin(Stream::connect(&world.client, "93.184.216.34:443"));
        let mut context = Context::from_waker(Waker::noop());
        assert!(!poll_times(&world, 2, flows.next()), "nobody has asked");
        assert_nobody_waits(&world);
        let _ = connecting.as_mut().poll(&mut context);
        let flow = finish(&world, flows.next()).unwrap();
        let is_ready = poll_times(&world, times, async {
            drop(flow.accept().await);
        });
        world.carry();
        assert_eq!(finish(&world, connecting).is_ok(), times > 0, "the SYN-ACK goes with the first poll");
        drop(flows);
        assert_nothing_is_left(&world);
        if is_ready {
            break;
        }
        assert!(times < POLLS_MAX);
    }
}

#[test]
fn who_stops_waiting_wakes_nobody_and_keeps_nobody_asleep() {
    let world = World::new();
    let (listener, client, mut server) = pair(&world);
    let mut context = Context::from_waker(Waker::noop());
    let mut stays = Box::pin(client.readable());
    assert!(stays.as_mut().poll(&mut context).is_pending());
    {
        let mut leaves = Box::pin(client.readable());
        assert!(leaves.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(world.client.counts().0, 1, "the other still waits");
    finish(&world, server.write_all(b"!")).unwrap();
    world.carry();
    assert_eq!(world.client.counts().0, 0, "it was woken");
    assert!(stays.as_mut().poll(&mut context).is_ready());
    drop(stays);
    drop((listener, client, server));
    // There was text that nobody read: the peers hear of that at once.
    assert_nothing_is_left(&world);
}

#[test]
fn who_waits_for_room_is_woken_also_when_the_last_write_just_fitted() {
    let config =
        tcp::Config { send_buffer_bytes: 4_000, send_buffer_bytes_initial: 0, ..tcp::Config::default() };
    let world = World::with(config);
    let (listener, client, server) = pair(&world);
    assert_eq!(client.try_write(&[7; 4_000]).unwrap(), 4_000);
    let mut writable = Box::pin(client.writable());
    assert!(writable.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    world.carry();
    assert_eq!(world.client.counts().0, 0, "it was woken");
    assert!(writable.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    drop(writable);
    drop((listener, client, server));
}

#[test]
fn opening_with_text_leaves_nothing_behind() {
    let world = World::new();
    let listener = listener(&world);
    listener.set_fastopen(64).unwrap();
    let first = vec![7; 50_000];
    let counts = |world: &World| (world.client.counts(), world.server.counts());
    // The first asks for a cookie, the others have one.
    for times in 0..POLLS_MAX {
        poll_times(&world, times, Stream::connect_with(&world.client, SERVER, &first));
        world.carry();
        while let Some(Ok((stream, _))) = now_or_never(listener.accept()) {
            drop(stream);
        }
        world.wait(Duration::from_secs(70));
        assert_eq!(counts(&world), ((0, 0, 0), (0, 1, 0)), "after {times} polls");
    }
}

fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}
