//! What was written is delivered though the program lets go of everything and ends; and dropping the last
//! handle waits no longer than it should. The program over TUN needs a network namespace.

#![allow(clippy::unwrap_used)]

mod common;

use common::namespace::in_namespace;
use common::pair::{CLIENT, Pair, SERVER, capabilities, client_on, server_on};
use common::{Net, eventually, pattern};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use synfin::device::{Chance, Impaired, Lane, Link, Loss, Tun, TunConfig, memory::MemoryLink};
use synfin::net::{TcpListener, TcpStream, UdpSocket};
use synfin::wire::{Frame, LinkCapabilities};
use synfin::{Stack, device, tcp};

const SHORT: Duration = Duration::from_millis(40);
/// Far less than any bound on waiting, far more than a drop that waits for nobody takes.
const PROMPT: Duration = Duration::from_secs(4);
const MEGABYTES: usize = 3_000_000;

/// A wire that can be cut: from then on both ways lose everything.
struct Cuttable {
    wire: MemoryLink,
    is_cut: Arc<AtomicBool>,
}

impl Link for Cuttable {
    fn capabilities(&self) -> LinkCapabilities {
        self.wire.capabilities()
    }
    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        if self.is_cut.load(Ordering::Relaxed) {
            return Ok(frames.drain(..).count());
        }
        self.wire.transmit(frames)
    }
    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let received = self.wire.receive(frames, frames_max)?;
        if self.is_cut.load(Ordering::Relaxed) {
            frames.clear();
            return Ok(0);
        }
        Ok(received)
    }
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.wire.poll_fd()
    }
}

/// A client with a connection over a wire that has been cut since, and data that will never arrive.
struct Stranded {
    stack: Stack,
    stream: TcpStream,
    /// The other end: it keeps its side of the connection.
    _server: (Stack, TcpStream),
}

fn stranded(describe: impl FnOnce(synfin::Builder) -> synfin::Builder) -> Stranded {
    let (left, right) = device::memory::pair(capabilities());
    let is_cut = Arc::new(AtomicBool::new(false));
    let link = Cuttable { wire: left, is_cut: Arc::clone(&is_cut) };
    let stack = describe(client_on(link)).start().unwrap();
    let server = server_on(right).farewell(Duration::ZERO).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let mut stream = TcpStream::connect(&stack, (SERVER, 80)).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    is_cut.store(true, Ordering::Relaxed);
    stream.write_all(b"into the void").unwrap();
    Stranded { stack, stream, _server: (server, accepted) }
}

/// How long it takes to drop this.
fn time_to_drop<T>(dropped: T) -> Duration {
    let before = Instant::now();
    drop(dropped);
    before.elapsed()
}

/// The whole program of a new user: it connects, writes three megabytes and returns.
fn program() {
    let config = TunConfig::new("synfin0").with_host_address("10.90.0.1/24".parse().unwrap());
    let stack = Stack::builder().link(Tun::open(&config).unwrap()).address("10.90.0.2/24").start().unwrap();
    let mut stream = TcpStream::connect(&stack, "10.90.0.1:9000").unwrap();
    stream.write_all(&pattern(MEGABYTES, 1)).unwrap();
}

#[test]
fn a_program_that_writes_and_ends_has_written() {
    const INSIDE: &str = "SYNFIN_TEST_IS_THE_PROGRAM";
    const NAME: &str = "a_program_that_writes_and_ends_has_written";
    in_namespace(NAME, || {
        if std::env::var_os(INSIDE).is_some() {
            program();
            // What returning from `main` does.
            std::process::exit(0);
        }
        let kernel = std::net::TcpListener::bind("0.0.0.0:9000").unwrap();
        let reading = thread::spawn(move || {
            let (mut stream, _) = kernel.accept().unwrap();
            // The kernel takes some 64 kB by itself: the rest is the program's until somebody reads.
            thread::sleep(5 * SHORT);
            let mut received = Vec::new();
            stream.read_to_end(&mut received).map(|_| received)
        });
        let mut child = Command::new(std::env::current_exe().unwrap());
        let before = Instant::now();
        let status = child.args([NAME, "--exact", "--nocapture"]).env(INSIDE, "1").status().unwrap();
        assert!(status.success(), "the program failed");
        assert!(before.elapsed() < PROMPT, "the program took {:?}", before.elapsed());
        eventually("the kernel has read to the end", || reading.is_finished());
        let received = reading.join().unwrap().unwrap();
        assert_eq!(received.len(), MEGABYTES);
        assert!(received == pattern(MEGABYTES, 1), "every byte is what was written");
    });
}

#[test]
fn the_last_drop_returns_when_the_peer_has_everything() {
    let slow = Lane { delay: Duration::from_millis(20), ..Lane::default() };
    let (left, right) = device::memory::pair(capabilities());
    let client = client_on(Impaired::new(left, slow.clone(), slow, 1)).start().unwrap();
    let server = server_on(right).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let mut stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    stream.write_all(&pattern(MEGABYTES, 2)).unwrap();
    drop(stream);
    assert!((accepted.info().unwrap().bytes_received as usize) < MEGABYTES, "closing alone does not wait");
    drop(client);
    let info = accepted.info().unwrap();
    assert_eq!((info.bytes_received as usize, info.state), (MEGABYTES, tcp::State::CloseWait));
}

#[test]
fn losses_are_repaired_before_the_last_drop_returns() {
    let bad = Lane { loss: Loss::Random(Chance::percent(2.0)), ..Lane::default() };
    let single_segments = LinkCapabilities { super_segment_bytes_max: 0, ..capabilities() };
    let (left, right) = device::memory::pair(single_segments);
    let client = client_on(Impaired::new(left, bad.clone(), bad, 5)).start().unwrap();
    let server = server_on(right).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let mut stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    stream.write_all(&pattern(300_000, 2)).unwrap();
    drop((stream, client));
    let info = accepted.info().unwrap();
    assert_eq!((info.bytes_received, info.state), (300_000, tcp::State::CloseWait));
}

#[test]
fn datagrams_that_a_full_wire_holds_up_are_sent_before_the_last_drop_returns() {
    let (left, right) = device::memory::pair(capabilities());
    let client = client_on(left).start().unwrap();
    let socket = UdpSocket::bind(&client, (CLIENT, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let to = SocketAddr::new(SERVER.into(), 9);
    let sent = (0..100_000).take_while(|_| socket.send_to(&[7; 100], to).is_ok()).count();
    let (stop, stopped) = mpsc::channel::<()>();
    let receiving = thread::spawn(move || {
        thread::sleep(SHORT);
        let mut received = VecDeque::new();
        while stopped.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
            right.receive(&mut received, 100).unwrap();
        }
        right.receive(&mut received, usize::MAX).unwrap();
        received.len()
    });
    drop((socket, client));
    drop(stop);
    assert_eq!(receiving.join().unwrap(), sent);
}

#[test]
fn the_wait_is_bounded_as_the_program_wants() {
    let Stranded { stack, stream, _server } = stranded(|builder| builder.farewell(SHORT));
    let took = time_to_drop((stream, stack));
    assert!(took >= SHORT && took < PROMPT, "{took:?}");
}

#[test]
fn a_peer_that_has_fallen_silent_is_given_up_early() {
    let Stranded { stack, stream, _server } = stranded(|builder| builder);
    let took = time_to_drop((stream, stack));
    let silence = Duration::from_secs(10);
    assert!(took >= silence && took < silence + PROMPT, "{took:?}");
}

#[test]
fn who_does_not_want_to_wait_does_not_and_the_data_is_sent_behind_the_scenes() {
    let Stranded { stack, stream, _server } = stranded(|builder| builder.farewell(Duration::ZERO));
    let took = time_to_drop((stream, stack));
    assert!(took < PROMPT, "{took:?}");

    let (left, right) = device::memory::pair(capabilities());
    let client = client_on(left).farewell(Duration::ZERO).start().unwrap();
    let server = server_on(right).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let mut stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    stream.write_all(&pattern(MEGABYTES, 3)).unwrap();
    drop((stream, client));
    let mut received = Vec::new();
    accepted.read_to_end(&mut received).unwrap();
    assert!(received == pattern(MEGABYTES, 3));
}

#[test]
fn a_thread_that_panics_does_not_wait() {
    let Stranded { stack, stream, _server } = stranded(|builder| builder);
    let before = Instant::now();
    let panicking = thread::spawn(move || {
        let _held = (stream, stack);
        panic!("the test's own panic");
    });
    assert!(panicking.join().is_err());
    assert!(before.elapsed() < PROMPT, "{:?}", before.elapsed());
}

#[test]
fn an_observer_that_drops_the_last_handle_does_not_wait_for_its_own_thread() {
    let last: Arc<Mutex<Option<(TcpStream, Stack)>>> = Arc::default();
    let (tell, took) = mpsc::channel();
    let held = Arc::clone(&last);
    let observer = move |event| {
        if matches!(event, synfin::ConnectionEvent::Closed(_)) {
            let taken = held.lock().unwrap().take();
            tell.send(time_to_drop(taken)).unwrap();
        }
    };
    let (left, right) = device::memory::pair(capabilities());
    let is_cut = Arc::new(AtomicBool::new(false));
    let link = Cuttable { wire: left, is_cut: Arc::clone(&is_cut) };
    let client = client_on(link).on_connection(observer).start().unwrap();
    let server = server_on(right).farewell(Duration::ZERO).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let connect = || (TcpStream::connect(&client, (SERVER, 80)).unwrap(), listener.accept().unwrap());
    let (mut stranded, _kept) = connect();
    let (reset, _also_kept) = connect();
    is_cut.store(true, Ordering::Relaxed);
    stranded.write_all(b"into the void").unwrap();
    *last.lock().unwrap() = Some((stranded, client.clone()));
    drop(client);
    // An end that needs no peer, and of which the observer hears.
    reset.set_linger(Some(Duration::ZERO)).unwrap();
    drop(reset);
    let took = took.recv_timeout(PROMPT).expect("the observer was called and returned");
    assert!(took < PROMPT, "{took:?}");
}

#[test]
fn an_observer_that_shuts_down_is_refused_also_while_another_thread_does() {
    let handle: Arc<Mutex<Option<Stack>>> = Arc::default();
    let (tell, refused) = mpsc::channel();
    let held = Arc::clone(&handle);
    let observer = move |event| {
        if let (synfin::ConnectionEvent::Closed(_), Some(stack)) = (event, &*held.lock().unwrap()) {
            tell.send(stack.shutdown(PROMPT).unwrap_err().kind()).unwrap();
        }
    };
    let (left, right) = device::memory::pair(capabilities());
    let client = client_on(left).on_connection(observer).start().unwrap();
    let server = server_on(right).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    *handle.lock().unwrap() = Some(client.clone());
    // It waits until the server closes, of which the observer hears.
    let shutting_down = thread::spawn(move || client.shutdown(PROMPT));
    thread::sleep(SHORT);
    drop((accepted, stream));
    assert_eq!(refused.recv_timeout(PROMPT), Ok(io::ErrorKind::Deadlock));
    shutting_down.join().unwrap().unwrap();
    handle.lock().unwrap().take();
}

#[test]
fn connections_that_nobody_accepted_are_no_reason_to_wait() {
    let Pair { client, server } = Pair::new();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let mut stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    stream.write_all(b"anyone?").unwrap();
    eventually("it waits to be accepted", || server.usage().connections == 1);
    let took = time_to_drop((listener, server));
    assert!(took < PROMPT, "{took:?}");
    assert!(stream.read(&mut [0; 8]).is_err(), "it was reset");
}

#[test]
fn reset_connections_are_no_reason_to_wait() {
    let pair = Pair::new();
    let (mut stream, accepted) = pair.pair();
    let Pair { client, server } = pair;
    // More than the peer takes without reading.
    stream.set_nonblocking(true).unwrap();
    while stream.write(&pattern(100_000, 1)).is_ok() {}
    let resetting = thread::spawn(move || {
        thread::sleep(SHORT);
        drop(accepted);
    });
    let took = time_to_drop((stream, client));
    assert!(took < PROMPT, "{took:?}");
    resetting.join().unwrap();
    drop(server);
}

#[test]
fn a_peer_that_has_everything_and_keeps_its_side_open_is_no_reason_to_wait() {
    let pair = Pair::new();
    let (mut stream, accepted) = pair.pair();
    stream.write_all(b"all there is").unwrap();
    let Pair { client, server } = pair;
    let took = time_to_drop((stream, client));
    assert!(took < PROMPT, "{took:?}");
    drop((accepted, server));
}

#[test]
fn after_an_abort_or_a_shutdown_there_is_nothing_to_wait_for() {
    let Stranded { stack, stream, _server } = stranded(|builder| builder);
    stack.abort();
    let took = time_to_drop((stream, stack));
    assert!(took < PROMPT, "{took:?}");

    let Stranded { stack, stream, _server } = stranded(|builder| builder);
    stack.shutdown(SHORT).unwrap_err();
    let took = time_to_drop((stream, stack));
    assert!(took < PROMPT, "{took:?}");
}

#[test]
fn a_driver_that_has_panicked_is_not_waited_for() {
    let is_dangerous = Arc::new(AtomicBool::new(false));
    let danger = Arc::clone(&is_dangerous);
    let Stranded { stack, stream, _server } = stranded(|builder| {
        builder.tap(move |_| {
            let is_driver = thread::current().name() == Some("synfin");
            assert!(!is_driver || !danger.load(Ordering::Relaxed), "the test's own panic");
        })
    });
    // The retransmission is due in some 200 ms.
    is_dangerous.store(true, Ordering::Relaxed);
    let took = time_to_drop((stream, stack));
    assert!(took < PROMPT, "{took:?}");
}
