//! What only our stacks can show: wires that are cut or full, leaks, shutdown, observers, taps, IPv6.

#![allow(clippy::unwrap_used)]

mod common;

use common::pair::{CLIENT, Pair, SERVER, capabilities, client_on, quick, server_on};
use common::{Net, digest, eventually, pattern};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use synfin::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use synfin::wire::{Frame, LinkCapabilities, TransmitChecksum};
use synfin::{ClosedBy, ConnectionEvent, Link, Role, Stack, device, tcp};

const SHORT: Duration = Duration::from_millis(40);
const LONG: Duration = Duration::from_secs(20);

#[test]
fn nobody_there_is_a_timeout_in_time() {
    let (left, _right) = device::memory::pair(capabilities());
    let client = client_on(left).start().unwrap();
    let before = Instant::now();
    let to = SocketAddr::new(SERVER.into(), 80);
    let error = TcpStream::connect_timeout(&client, &to, SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("10.90.0.2:80"), "{error}");
    assert!(before.elapsed() >= SHORT && before.elapsed() < LONG);
    assert_eq!((client.sockets(), client.usage().connections), (0, 0), "nothing is left of the attempt");
}

#[test]
fn giving_up_is_a_timeout_too() {
    let (left, _right) = device::memory::pair(capabilities());
    let config = tcp::Config { syn_retries: 1, rto_initial: Duration::from_millis(20), ..quick() };
    let client = client_on(left).tcp(config).start().unwrap();
    let error = TcpStream::connect(&client, (SERVER, 80)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn without_a_route_the_network_is_unreachable() {
    let pair = Pair::new();
    let elsewhere = SocketAddr::from(([192, 0, 2, 1], 80));
    let error = TcpStream::connect(&pair.client, elsewhere).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkUnreachable);
    let datagrams = UdpSocket::bind(&pair.client, (CLIENT, 0)).unwrap();
    assert_eq!(datagrams.send_to(b"x", elsewhere).unwrap_err().kind(), ErrorKind::NetworkUnreachable);
}

#[test]
fn nonsense_addresses_are_invalid_input() {
    let pair = Pair::new();
    for nonsense in ["0.0.0.0:80", "255.255.255.255:80", "224.0.0.1:80", "10.90.0.2:0"] {
        let error = TcpStream::connect(&pair.client, nonsense).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{nonsense}: {error}");
    }
}

#[test]
fn the_first_address_that_answers_is_taken() {
    let pair = Pair::new();
    let listener = pair.listen();
    let port = listener.local_addr().unwrap().port();
    let addresses = [SocketAddr::from(([192, 0, 2, 1], port)), SocketAddr::new(SERVER.into(), port)];
    let stream = TcpStream::connect(&pair.client, &addresses[..]).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addresses[1]);
}

#[test]
fn ipv6_and_a_listener_for_both_families() {
    let pair = Pair::new();
    let listener = TcpListener::bind(&pair.server, "[::]:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for to in [format!("[fd90::2]:{port}"), format!("10.90.0.2:{port}")] {
        let mut client = TcpStream::connect(&pair.client, &to).unwrap();
        let (mut server, from) = listener.accept().unwrap();
        assert_eq!(from, client.local_addr().unwrap());
        let sent = pattern(300_000, 5);
        let expected = digest(&sent);
        let writer = thread::spawn(move || client.write_all(&sent).map(|()| client));
        let mut received = vec![0; 300_000];
        server.read_exact(&mut received).unwrap();
        assert_eq!(digest(&received), expected);
        drop(writer.join().unwrap().unwrap());
    }
}

#[test]
fn a_stack_talks_to_itself() {
    let (left, _right) = device::memory::pair(capabilities());
    let stack = client_on(left).start().unwrap();
    let listener = TcpListener::bind(&stack, (CLIENT, 0)).unwrap();
    let mut stream = TcpStream::connect(&stack, listener.local_addr().unwrap()).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    stream.write_all(b"to myself").unwrap();
    drop(stream);
    let mut heard = String::new();
    accepted.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "to myself");
}

#[test]
fn every_kind_of_wire_carries_the_same_bytes() {
    for super_segment_bytes_max in [0, 65_000] {
        for transmit_checksum in [TransmitChecksum::None, TransmitChecksum::Partial, TransmitChecksum::Full] {
            for mtu_bytes in [576, 1500, 9000] {
                let wire = LinkCapabilities {
                    mtu_bytes,
                    super_segment_bytes_max,
                    transmit_checksum,
                    ..capabilities()
                };
                let pair = Pair::with(wire);
                let (mut client, mut server) = pair.pair();
                let sent = pattern(500_000, u64::from(mtu_bytes));
                let expected = digest(&sent);
                let writer = thread::spawn(move || client.write_all(&sent));
                let mut received = Vec::new();
                server.read_to_end(&mut received).unwrap();
                writer.join().unwrap().unwrap();
                assert_eq!((received.len(), digest(&received)), (500_000, expected), "{wire:?}");
            }
        }
    }
}

#[test]
fn the_port_of_a_closed_connection_can_be_used_again() {
    let pair = Pair::new();
    let listener = TcpListener::bind(&pair.server, (SERVER, 80)).unwrap();
    let local = SocketAddr::new(CLIENT.into(), 5_000);
    for _ in 0..3 {
        let stream = TcpStream::connect_from(&pair.client, local, (SERVER, 80).into()).unwrap();
        assert_eq!(stream.local_addr().unwrap(), local);
        let error = TcpStream::connect_from(&pair.client, local, (SERVER, 80).into()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable), "{error}");
        let (server, _) = listener.accept().unwrap();
        drop(stream);
        drop(server);
        eventually("TIME-WAIT is over", || pair.client.usage().flows + pair.server.usage().flows == 0);
    }
}

#[test]
fn a_full_backlog_delays_but_loses_nobody() {
    let pair = Pair::new();
    let listener = TcpListener::bind_with_backlog(&pair.server, (SERVER, 80), 2).unwrap();
    let clients: Vec<_> = (0..6)
        .map(|_| {
            let client = pair.client.clone();
            thread::spawn(move || {
                let mut stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
                stream.read(&mut [0; 8]).unwrap()
            })
        })
        .collect();
    thread::sleep(SHORT);
    for _ in 0..6 {
        listener.accept().unwrap().0.write_all(b"hi").unwrap();
    }
    for client in clients {
        assert_eq!(client.join().unwrap(), 2);
    }
}

#[test]
fn a_full_wire_makes_senders_wait_until_there_is_room() {
    let (left, right) = device::memory::pair(capabilities());
    let client = client_on(left).start().unwrap();
    let socket = UdpSocket::bind(&client, (CLIENT, 0)).unwrap();
    let to = SocketAddr::new(SERVER.into(), 9);
    socket.set_write_timeout(Some(SHORT)).unwrap();
    let mut sent = 0;
    let error = loop {
        match socket.send_to(&[7; 100], to) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 100_000, "nobody receives, so the queues must fill");
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    // The other station wakes up and takes what there is: the sender goes on, and nothing was lost.
    socket.set_write_timeout(None).unwrap();
    let waiting = {
        let socket = socket.try_clone().unwrap();
        thread::spawn(move || socket.send_to(&[8; 100], to).unwrap())
    };
    let mut received = VecDeque::new();
    eventually("everything arrives", || {
        right.receive(&mut received, 1_000).unwrap();
        received.len() == sent + 1
    });
    assert_eq!(waiting.join().unwrap(), 100);
}

#[test]
fn a_frame_that_a_link_holds_back_leaves_in_time_though_nobody_else_wakes_the_driver() {
    let slow = device::Lane { delay: Duration::from_millis(1), ..Default::default() };
    let (left, right) = device::memory::pair(capabilities());
    let left = device::Impaired::new(left, slow.clone(), slow, 1);
    let pair = Pair { client: client_on(left).start().unwrap(), server: server_on(right).start().unwrap() };
    let (here, there) = (pair.client_datagrams(), pair.server_datagrams());
    there.set_read_timeout(Some(LONG)).unwrap();
    here.set_read_timeout(Some(LONG)).unwrap();
    // Both drivers sleep, and a datagram sets no timer.
    thread::sleep(Duration::from_millis(300));
    here.send_to(b"ping", there.local_addr().unwrap()).unwrap();
    let (_, from) = there.recv_from(&mut [0; 8]).expect("the ping arrives");
    thread::sleep(Duration::from_millis(300));
    there.send_to(b"pong", from).unwrap();
    here.recv_from(&mut [0; 8]).expect("the pong arrives");
}

#[test]
fn shutdown_sends_what_was_written_and_then_says_goodbye() {
    let pair = Pair::new();
    let (mut client, mut server) = pair.pair();
    let sent = pattern(2 << 20, 3);
    let expected = digest(&sent);
    server.write_all(&sent).unwrap();
    let reader = thread::spawn(move || {
        thread::sleep(SHORT);
        let mut received = Vec::new();
        client.read_to_end(&mut received).map(|_| digest(&received))
    });
    pair.server.shutdown(LONG).unwrap();
    assert_eq!(reader.join().unwrap().unwrap(), expected);
    // The socket is dead, whatever is asked of it.
    assert_eq!(server.write(b"x").unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(server.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(TcpListener::bind(&pair.server, (SERVER, 0)).unwrap_err().kind(), ErrorKind::NotConnected);
    pair.server.shutdown(LONG).unwrap();
}

#[test]
fn shutdown_wakes_everybody_who_waits_and_resets_who_does_not_close() {
    let pair = Pair::new();
    let (client, mut server) = pair.pair();
    let listener = pair.listen();
    let datagrams = pair.server_datagrams();
    let accepting = thread::spawn(move || listener.accept().map(|_| ()));
    let reading = thread::spawn(move || server.read(&mut [0; 8]).map(|_| ()));
    let receiving = thread::spawn(move || datagrams.recv_from(&mut [0; 8]).map(|_| ()));
    thread::sleep(SHORT);
    // The client keeps its side open, so this one cannot end in FIN and FIN.
    let error = pair.server.shutdown(SHORT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    for waiting in [accepting, reading, receiving] {
        assert_eq!(waiting.join().unwrap().unwrap_err().kind(), ErrorKind::NotConnected);
    }
    eventually("the client learns that the server is gone", || client.peer_addr().is_err());
    assert_eq!(client.take_error().unwrap().unwrap().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn the_last_handle_ends_the_thread_and_lets_go_of_the_link() {
    let (left, right) = device::memory::pair(capabilities());
    let link = Arc::new(left);
    let client = client_on(Arc::clone(&link)).start().unwrap();
    let server = server_on(right).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let mut stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    drop(client);
    // A socket is a handle too: the stack is still there.
    let (mut accepted, _) = listener.accept().unwrap();
    stream.write_all(&pattern(1 << 20, 1)).unwrap();
    drop(stream);
    // All of it arrives, though nobody holds the stack any more.
    let mut received = Vec::new();
    accepted.read_to_end(&mut received).unwrap();
    assert_eq!(digest(&received), digest(&pattern(1 << 20, 1)));
    drop(accepted);
    eventually("the driver lets go of the link", || Arc::strong_count(&link) == 1);
}

#[test]
fn an_observer_hears_of_openings_and_closings() {
    let (left, right) = device::memory::pair(capabilities());
    let client = client_on(left).start().unwrap();
    let heard: Arc<Mutex<Vec<ConnectionEvent>>> = Arc::default();
    let hearing = Arc::clone(&heard);
    let server =
        server_on(right).on_connection(move |event| hearing.lock().unwrap().push(event)).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();

    // The client closes first.
    let mut stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    let (mut accepted, from) = listener.accept().unwrap();
    stream.write_all(&[1; 5_000]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    accepted.read_to_end(&mut received).unwrap();
    accepted.write_all(&[2; 70_000]).unwrap();
    drop(accepted);
    stream.read_to_end(&mut received).unwrap();
    drop(stream);
    eventually("both events are told", || heard.lock().unwrap().len() == 2);
    {
        let heard = heard.lock().unwrap();
        assert!(
            matches!(heard[0], ConnectionEvent::Opened { remote, role: Role::Server, .. } if remote == from),
            "{heard:?}"
        );
        let ConnectionEvent::Closed(summary) = &heard[1] else { panic!("{heard:?}") };
        assert_eq!((summary.closed_by, summary.failure), (ClosedBy::Peer, None));
        assert_eq!((summary.remote, summary.local), (from, (SERVER, 80).into()));
        assert_eq!(summary.info.bytes_received, 5_000);
        assert_eq!(summary.info.bytes_acked, 70_000);
        assert!(summary.duration > Duration::ZERO && summary.duration < LONG);
    }

    // The server closes first; then one that is reset.
    let stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    drop(listener.accept().unwrap());
    drop(stream);
    eventually("two more", || heard.lock().unwrap().len() == 4);
    let stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    stream.set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    eventually("two more", || heard.lock().unwrap().len() == 6);
    drop(accepted);
    let heard = heard.lock().unwrap();
    let closed: Vec<_> = heard
        .iter()
        .filter_map(|event| match event {
            ConnectionEvent::Closed(summary) => Some((summary.closed_by, summary.failure)),
            _ => None,
        })
        .collect();
    assert_eq!(closed[1..], [(ClosedBy::Us, None), (ClosedBy::Neither, Some(tcp::Error::Reset))]);
}

/// A wire that loses everything that is sent while it is cut.
struct Cut<L> {
    link: L,
    is_cut: Arc<AtomicBool>,
}

impl<L: Link> Link for Cut<L> {
    fn capabilities(&self) -> LinkCapabilities {
        self.link.capabilities()
    }
    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        if self.is_cut.load(Ordering::Acquire) {
            return Ok(frames.drain(..).count());
        }
        self.link.transmit(frames)
    }
    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        self.link.receive(frames, frames_max)
    }
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.link.poll_fd()
    }
}

#[test]
fn an_observer_hears_of_a_path_that_does_not_get_through() {
    let (left, right) = device::memory::pair(capabilities());
    let is_cut = Arc::new(AtomicBool::new(false));
    let (doubts, doubted) = mpsc::channel();
    let server = server_on(right).start().unwrap();
    let client = client_on(Cut { link: left, is_cut: Arc::clone(&is_cut) })
        .tcp(tcp::Config { rto_initial: Duration::from_millis(20), syn_retries: 4, ..quick() })
        .on_connection(move |event| {
            if let ConnectionEvent::PathDoubted { local, remote, role } = event {
                doubts.send((local, remote, role)).unwrap();
            }
        })
        .start()
        .unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let mut stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    let (mut accepted, from) = listener.accept().unwrap();
    is_cut.store(true, Ordering::Release);
    stream.write_all(b"into the void").unwrap();
    assert_eq!(doubted.recv_timeout(LONG).unwrap(), (from, (SERVER, 80).into(), Role::Client));
    // It was only a doubt.
    is_cut.store(false, Ordering::Release);
    let mut heard = [0; 13];
    accepted.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"into the void");
    // One that is still opening says so too.
    is_cut.store(true, Ordering::Release);
    TcpStream::connect(&client, (SERVER, 80)).unwrap_err();
    let (_, to, role) = doubted.recv_timeout(LONG).unwrap();
    assert_eq!((to, role), ((SERVER, 80).into(), Role::Client));
}

#[test]
fn a_tap_sees_every_frame_in_order() {
    let (left, right) = device::memory::pair(capabilities());
    let seen: Arc<Mutex<Vec<(synfin::Direction, usize)>>> = Arc::default();
    let seeing = Arc::clone(&seen);
    let client = client_on(left)
        .tap(move |tapped| {
            assert_eq!(tapped.interface, 0);
            assert!(tapped.since_1970 > Duration::from_secs(1_500_000_000));
            seeing.lock().unwrap().push((tapped.direction, tapped.frame.len()));
        })
        .start()
        .unwrap();
    let server = server_on(right).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    listener.accept().unwrap();
    use synfin::Direction::{Received, Transmitted};
    let directions: Vec<_> = seen.lock().unwrap().iter().take(3).map(|(direction, _)| *direction).collect();
    assert_eq!(directions, [Transmitted, Received, Transmitted]);
    drop(stream);
}

#[test]
fn a_tap_that_panics_takes_the_stack_down_but_hangs_nobody() {
    let (left, right) = device::memory::pair(capabilities());
    let client = client_on(left)
        .tap(|tapped| assert_eq!(tapped.direction, synfin::Direction::Transmitted, "the test's own panic"))
        .start()
        .unwrap();
    let server = server_on(right).start().unwrap();
    let _listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    assert!(TcpStream::connect(&client, (SERVER, 80)).is_err());
    eventually("the stack is down", || {
        TcpListener::bind(&client, (CLIENT, 0)).is_err_and(|error| error.kind() == ErrorKind::NotConnected)
    });
    let error = client.shutdown(LONG).unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
}

#[test]
fn a_stack_whose_thread_is_gone_refuses_every_call_and_says_why() {
    let (left, right) = device::memory::pair(capabilities());
    let armed = Arc::new(AtomicBool::new(false));
    let panics = Arc::clone(&armed);
    let client = client_on(left)
        .on_connection(move |_| assert!(!panics.load(Ordering::SeqCst), "the test's own panic"))
        .start()
        .unwrap();
    let server = server_on(right).start().unwrap();
    let listener = TcpListener::bind(&server, (SERVER, 80)).unwrap();
    let mut stream = TcpStream::connect(&client, (SERVER, 80)).unwrap();
    let datagrams = UdpSocket::bind(&client, (CLIENT, 0)).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    accepted.write_all(b"unread").unwrap();
    let mut blocked = {
        let other = TcpStream::connect(&client, (SERVER, 80)).unwrap();
        Some(thread::spawn(move || (&other).read(&mut [0; 5])))
    };
    armed.store(true, Ordering::SeqCst);
    let _ = TcpStream::connect(&client, (SERVER, 80));
    let gone = |what: &str, error: io::Error| {
        assert_eq!(error.kind(), ErrorKind::NotConnected, "{what}: {error}");
        assert!(error.to_string().starts_with("what drives the stack is gone"), "{what}: {error}");
    };
    eventually("the stack is down", || TcpListener::bind(&client, (CLIENT, 0)).is_err());
    gone("a read that waited", blocked.take().unwrap().join().unwrap().unwrap_err());
    gone("read", stream.read(&mut [0; 5]).unwrap_err());
    gone("peek", stream.peek(&mut [0; 5]).unwrap_err());
    gone("write", stream.write(b"hello").unwrap_err());
    gone("write_bytes", stream.write_bytes(bytes::Bytes::from_static(b"hello")).unwrap_err());
    gone("shutdown", stream.shutdown(Shutdown::Write).unwrap_err());
    gone("set_nodelay", stream.set_nodelay(true).unwrap_err());
    gone("connect", TcpStream::connect(&client, (SERVER, 80)).unwrap_err());
    gone("bind", TcpListener::bind(&client, (CLIENT, 0)).unwrap_err());
    gone("send_to", datagrams.send_to(b"hello", (SERVER, 9)).unwrap_err());
    gone("recv_from", datagrams.recv_from(&mut [0; 5]).unwrap_err());
    gone("connect a UDP socket", datagrams.connect((SERVER, 9)).unwrap_err());
}

#[test]
fn info_knows_the_connection() {
    let pair = Pair::new();
    let (mut client, mut server) = pair.pair();
    client.write_all(&[1; 10_000]).unwrap();
    server.read_exact(&mut [0; 10_000]).unwrap();
    let info = server.info().unwrap();
    assert_eq!((info.state, info.bytes_received), (tcp::State::Established, 10_000));
    client.set_keepalive(Some(tcp::KeepAlive::default())).unwrap();
    assert_eq!(client.keepalive().unwrap(), Some(tcp::KeepAlive::default()));
    assert_eq!(client.write_bytes(vec![7; 100_000].into()).unwrap(), 100_000);
    let mut received = vec![0; 100_000];
    server.read_exact(&mut received).unwrap();
    assert!(received.iter().all(|byte| *byte == 7));
}

#[test]
fn mistakes_in_the_description_are_told_at_the_start() {
    let link = || device::memory::pair(capabilities()).0;
    for (mistake, builder) in [
        ("10.90.0.2/33", Stack::builder().link(link()).address("10.90.0.2/33")),
        ("nowhere", Stack::builder().link(link()).gateway("nowhere")),
        ("add the link first", Stack::builder().address("10.90.0.2/24")),
    ] {
        let error = builder.start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(mistake), "{error}");
    }
}

#[test]
fn a_gateway_leads_everywhere() {
    let (left, right) = device::memory::pair(capabilities());
    let client = client_on(left).gateway("10.90.0.2").start().unwrap();
    let server = server_on(right).any_address().route("0.0.0.0/0", None).start().unwrap();
    let listener = TcpListener::bind(&server, "0.0.0.0:80").unwrap();
    let stream = TcpStream::connect(&client, "192.0.2.55:80").unwrap();
    let (accepted, _) = listener.accept().unwrap();
    assert_eq!(accepted.local_addr().unwrap(), "192.0.2.55:80".parse().unwrap());
    drop(stream);
}
