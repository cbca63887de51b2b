//! `connect` returns at the second step of the handshake, `accept` at the third: seen on a wire that
//! holds every packet until the test lets it pass.

#![allow(clippy::unwrap_used)]

mod common;

use common::pair::{SERVER, capabilities, client_on, server_on};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use synfin::device::{Link, MemoryLink, memory};
use synfin::net::{TcpListener, TcpStream};
use synfin::wire::{Frame, LinkCapabilities};

const LONG: Duration = Duration::from_secs(10);
/// Long enough for a call to return that should not.
const NOTHING: Duration = Duration::from_millis(100);

/// Keeps what is transmitted until the test releases it.
struct Held {
    link: MemoryLink,
    held: Arc<Mutex<VecDeque<Frame>>>,
}

impl Link for Held {
    fn capabilities(&self) -> LinkCapabilities {
        self.link.capabilities()
    }
    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let count = frames.len();
        self.held.lock().unwrap().extend(frames.drain(..));
        Ok(count)
    }
    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        self.link.receive(frames, frames_max)
    }
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.link.poll_fd()
    }
}

/// The packets of one direction, in the test's hands.
struct Gate {
    link: Arc<Held>,
    held: Arc<Mutex<VecDeque<Frame>>>,
}

impl Gate {
    fn new(link: MemoryLink) -> Gate {
        let held = Arc::default();
        Gate { link: Arc::new(Held { link, held: Arc::clone(&held) }), held }
    }

    /// Waits for the next packet and says what it is.
    fn see(&self) -> String {
        common::eventually("a packet is sent", || !self.held.lock().unwrap().is_empty());
        flags(self.held.lock().unwrap().front().unwrap())
    }

    /// Lets the next packet pass.
    fn release(&self) {
        let mut one: VecDeque<Frame> = self.held.lock().unwrap().pop_front().into_iter().collect();
        assert_eq!(self.link.link.transmit(&mut one).unwrap(), 1);
    }
}

/// The control bits of a TCP segment in an IPv4 packet, as letters.
fn flags(frame: &Frame) -> String {
    let bytes = frame.to_vec();
    let bits = bytes[usize::from(bytes[0] & 15) * 4 + 13];
    [(2, 'S'), (16, '.'), (1, 'F'), (4, 'R'), (8, 'P')]
        .into_iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, letter)| letter)
        .collect()
}

fn in_background<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, result): (Sender<T>, Receiver<T>) = channel();
    thread::spawn(move || {
        let _ = done.send(call());
    });
    result
}

#[test]
fn connect_returns_at_the_second_step_and_accept_at_the_third() {
    let (left, right) = memory::pair(capabilities());
    let (to_server, to_client) = (Gate::new(left), Gate::new(right));
    let client = client_on(Arc::clone(&to_server.link)).farewell(Duration::ZERO).start().unwrap();
    let server = server_on(Arc::clone(&to_client.link)).farewell(Duration::ZERO).start().unwrap();

    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let accept = in_background(move || listener.accept().unwrap());
    let connect = in_background(move || TcpStream::connect(&client, (SERVER, 80)).unwrap());

    // First step: the SYN is on its way. Nobody returns.
    assert_eq!(to_server.see(), "S");
    assert!(connect.recv_timeout(NOTHING).is_err(), "connect must wait for the answer");
    to_server.release();

    // Second step: the SYN-ACK is on its way. Still nobody.
    assert_eq!(to_client.see(), "S.");
    assert!(connect.recv_timeout(NOTHING).is_err(), "the SYN-ACK has not arrived");
    to_client.release();

    // It arrives: connect returns, accept does not.
    let mut stream = connect.recv_timeout(LONG).expect("connect returns when the SYN-ACK arrives");
    assert!(accept.recv_timeout(NOTHING).is_err(), "accept must wait for the third step");

    // Third step: the ACK arrives, accept returns.
    assert_eq!(to_server.see(), ".");
    to_server.release();
    let (mut accepted, _) = accept.recv_timeout(LONG).expect("accept returns when the ACK arrives");

    // And the connection carries data.
    stream.write_all(b"x").unwrap();
    assert_eq!(to_server.see(), ".P");
    to_server.release();
    let mut one = [0];
    accepted.read_exact(&mut one).unwrap();
    assert_eq!(&one, b"x");
}

#[test]
fn accept_returns_when_the_lost_third_step_comes_with_data() {
    let (left, right) = memory::pair(capabilities());
    let (to_server, to_client) = (Gate::new(left), Gate::new(right));
    let client = client_on(Arc::clone(&to_server.link)).farewell(Duration::ZERO).start().unwrap();
    let server = server_on(Arc::clone(&to_client.link)).farewell(Duration::ZERO).start().unwrap();

    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let accept = in_background(move || listener.accept().unwrap());
    let connect = in_background(move || TcpStream::connect(&client, (SERVER, 80)).unwrap());
    assert_eq!(to_server.see(), "S");
    to_server.release();
    assert_eq!(to_client.see(), "S.");
    to_client.release();
    let mut stream = connect.recv_timeout(LONG).unwrap();
    assert_eq!(to_server.see(), ".");
    to_server.held.lock().unwrap().clear();
    stream.write_all(b"hello").unwrap();
    assert_eq!(to_server.see(), ".P");
    assert!(accept.recv_timeout(NOTHING).is_err());
    to_server.release();
    let (mut accepted, _) = accept.recv_timeout(LONG).expect("the data acknowledges the SYN-ACK as well");
    let mut five = [0; 5];
    accepted.read_exact(&mut five).unwrap();
    assert_eq!(&five, b"hello");
}
