//! Links that misbehave: one that is full beside others, one on which there is always something to receive.

#![allow(clippy::unwrap_used)] // what cannot go on in a test fails the test

mod common;

use bytes::Bytes;
use common::pair::{Pair, SERVER, capabilities, client_on, server_on};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use synfin::net::{TcpListener, TcpStream, UdpSocket};
use synfin::wire::{Frame, LinkCapabilities};
use synfin::{Link, Stack, device};

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// Answers one connection with what it sends.
fn echo(listener: TcpListener) {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 100];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if stream.write_all(&buffer[..count]).is_err() {
                return;
            }
        }
    });
}

/// A stack with two links: one whose far end is there and takes nothing, a virtual machine that was stopped, and one with
/// a connection that is answered.
struct Full {
    stack: Stack,
    stream: TcpStream,
    /// A socket on the link that is full, and how many datagrams it has sent.
    datagrams: UdpSocket,
    sent: usize,
    far: device::memory::MemoryLink,
    _server: Stack,
}

impl Full {
    fn new() -> Self {
        let (left, far) = device::memory::pair(capabilities());
        let (right, other) = device::memory::pair(capabilities());
        let builder = Stack::builder().link(left).address("10.1.0.1/24").link(right).address("10.90.0.1/24");
        let stack = builder.start().unwrap();
        let server = server_on(other).start().unwrap();
        echo(TcpListener::bind(&server, (SERVER, 80)).unwrap());
        let stream = TcpStream::connect(&stack, (SERVER, 80)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let datagrams = UdpSocket::bind(&stack, "10.1.0.1:9").unwrap();
        datagrams.set_nonblocking(true).unwrap();
        let mut sent = 0;
        while datagrams.send_to(&[0; 1_000], "10.1.0.2:9").is_ok() {
            sent += 1;
            assert!(sent < 100_000, "nobody receives, so the queues must fill");
        }
        Full { stack, stream, datagrams, sent, far, _server: server }
    }
}

#[test]
fn a_link_that_is_full_holds_up_its_own_traffic_alone() {
    let Full { stack, mut stream, far: _far, _server, .. } = Full::new();
    let started = Instant::now();
    let mut buffer = [0; 5];
    for _ in 0..100 {
        stream.write_all(b"hello").unwrap();
        stream.read_exact(&mut buffer).expect("the other link goes on");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // A connection by the full link waits, and does not hang the end.
    let error =
        TcpStream::connect_timeout(&stack, &"10.1.0.2:80".parse().unwrap(), Duration::from_millis(200));
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
    drop(stream);
    let started = Instant::now();
    let _ = stack.shutdown(Duration::from_secs(1));
    assert!(started.elapsed() < LONG);
}

#[test]
fn a_link_that_was_full_goes_on_where_it_stopped() {
    let Full { stack: _stack, mut stream, datagrams, sent, far, _server } = Full::new();
    stream.write_all(b"hello").unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
    datagrams.set_nonblocking(false).unwrap();
    let waiting = thread::spawn(move || datagrams.send_to(&[0; 1_000], "10.1.0.2:9"));
    let mut received = VecDeque::new();
    let started = Instant::now();
    while received.len() < sent + 1 && started.elapsed() < LONG {
        far.receive(&mut received, 1_000).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(received.len(), sent + 1, "nothing was lost");
    assert_eq!(waiting.join().unwrap().unwrap(), 1_000);
}

/// A link on which there is always one more frame to receive.
struct Saturated {
    inner: device::memory::MemoryLink,
    noise: Bytes,
}

impl Link for Saturated {
    fn capabilities(&self) -> LinkCapabilities {
        self.inner.capabilities()
    }
    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        self.inner.transmit(frames)
    }
    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let received = self.inner.receive(frames, frames_max)?;
        (received..frames_max).for_each(|_| frames.push_back(Frame::from_bytes(self.noise.clone())));
        Ok(frames_max)
    }
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.inner.poll_fd()
    }
}

/// Frames that never end, each discarded for its header checksum.
fn saturated(inner: device::memory::MemoryLink) -> Saturated {
    let noise = [0x45, 0, 0, 20, 0, 0, 0x40, 0, 64, 17, 1, 1, 10, 90, 0, 2, 10, 90, 0, 1];
    Saturated { inner, noise: Bytes::copy_from_slice(&noise) }
}

#[test]
fn a_stack_on_a_saturated_link_works_and_shuts_down_in_time() {
    let (left, right) = device::memory::pair(capabilities());
    let pair = Pair {
        client: client_on(saturated(left)).start().unwrap(),
        server: server_on(right).start().unwrap(),
    };
    echo(TcpListener::bind(&pair.server, (SERVER, 80)).unwrap());
    let mut stream = TcpStream::connect(&pair.client, (SERVER, 80)).unwrap();
    let mut buffer = [0; 5];
    for _ in 0..100 {
        stream.write_all(b"hello").unwrap();
        stream.read_exact(&mut buffer).unwrap();
    }
    let started = Instant::now();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(stream.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    // The peer of this one never closes, so that only the deadline ends the wait.
    let quiet = TcpListener::bind(&pair.server, (SERVER, 81)).unwrap();
    let kept = TcpStream::connect(&pair.client, (SERVER, 81)).unwrap();
    let _open = quiet.accept().unwrap();
    let (done, is_done) = mpsc::channel();
    let client = pair.client.clone();
    thread::spawn(move || done.send(client.shutdown(Duration::from_secs(1)).map_err(|error| error.kind())));
    let ended = is_done.recv_timeout(LONG).expect("shutdown(1 s) returns");
    assert_eq!(ended, Err(io::ErrorKind::TimedOut));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    drop(kept);
}

#[test]
fn timers_are_minded_on_a_saturated_link() {
    let (left, _nobody) = device::memory::pair(capabilities());
    let client = client_on(saturated(left)).start().unwrap();
    let started = Instant::now();
    // Nobody answers: the SYN goes again after a second, and a user of the stack is told in time.
    let refused = TcpStream::connect_timeout(&client, &(SERVER, 80).into(), Duration::from_millis(1_500));
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert!(started.elapsed() < LONG);
    assert!(client.counters().segments_sent >= 2, "{:?}", client.counters());
}
