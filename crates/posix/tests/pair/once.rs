//! What the core knows and descriptors show: ends, failures, peers, what a listener hands on.

use crate::Pair;
use core::time::Duration;
use synfin_posix::{
    Domain, Errno, Fd, Linger, Mode, OptionName, OptionValue, PollFlags, RecvFlags, SendFlags, Shutdown,
    Stop, Type, Waiting,
};
use tcp::Habits;

fn read(pair: &mut Pair, fd: Fd) -> Result<usize, Stop> {
    let received = pair.server.recv(pair.now, fd, &mut [0; 9], RecvFlags::DONT_WAIT, &mut Waiting::new());
    received.map(|received| received.bytes)
}

fn abort(pair: &mut Pair, client: Fd) {
    let linger = OptionValue::Linger(Linger::Abort);
    pair.client.set_option(pair.now, client, OptionName::Linger, &linger).expect("an option");
    pair.client.close(pair.now, client, &mut Waiting::new()).expect("a descriptor");
    pair.deliver();
}

/// A socket of the server that has port 81 and does not listen yet.
fn bound(pair: &mut Pair) -> Fd {
    let listener = pair.server.socket(Domain::Inet, Type::Stream).expect("a descriptor");
    pair.server.bind(listener, "10.0.0.2:81".parse().expect("an address")).expect("a free port");
    pair.server.set_nonblocking(listener, Mode::NonBlocking).expect("a descriptor");
    listener
}

fn listener(pair: &mut Pair) -> Fd {
    let listener = bound(pair);
    pair.server.listen(listener, 5).expect("a free port");
    listener
}

/// A client that connects there.
fn client(pair: &mut Pair) -> Fd {
    let client = pair.client.socket(Domain::Inet, Type::Stream).expect("a descriptor");
    let remote = "10.0.0.2:81".parse().expect("an address");
    let begun = pair.client.connect(pair.now, client, remote, &mut Waiting::new());
    assert_eq!(begun, Err(Stop::Blocked));
    pair.deliver();
    client
}

#[test]
fn a_reset_after_the_end_is_a_broken_pipe_on_linux_and_a_reset_on_freebsd() {
    for (habits, errno) in [(Habits::Linux, Errno::Pipe), (Habits::FreeBsd, Errno::ConnectionReset)] {
        let (mut pair, client, server) = Pair::connected(habits);
        pair.client.shutdown(pair.now, client, Shutdown::Write).expect("it is connected");
        pair.deliver();
        abort(&mut pair, client);
        let pending = pair.server.option(pair.now, server, OptionName::Error);
        assert_eq!(pending, Ok(OptionValue::Error(Some(errno))), "{habits:?}");
        assert_eq!(read(&mut pair, server), Ok(0), "told once: {habits:?}");
    }
}

#[test]
fn a_connection_that_died_in_the_queue_says_so() {
    let mut pair = Pair::new(Habits::Linux);
    let listener = listener(&mut pair);
    let client = client(&mut pair);
    abort(&mut pair, client);
    let (server, _) = pair.server.accept(pair.now, listener).expect("it was open");
    assert!(pair.server.readiness(pair.now, server).contains(PollFlags::ERROR | PollFlags::HANG_UP));
    assert_eq!(read(&mut pair, server), Err(Errno::ConnectionReset.into()));
    assert_eq!(read(&mut pair, server), Ok(0));
}

#[test]
fn a_system_without_a_free_descriptor_leaves_the_connection_in_the_queue() {
    let mut pair = Pair::new(Habits::Linux);
    let listener = listener(&mut pair);
    client(&mut pair);
    let mut last = listener;
    while let Ok(fd) = pair.server.socket(Domain::Inet, Type::Stream) {
        last = fd;
    }
    assert_eq!(pair.server.accept(pair.now, listener).unwrap_err(), Errno::TooManyFiles.into());
    pair.server.close(pair.now, last, &mut Waiting::new()).expect("a descriptor");
    assert_eq!(pair.server.accept(pair.now, listener).map(|(fd, _)| fd), Ok(last));
}

#[test]
fn a_listener_hands_its_hop_limit_on_whenever_it_was_set() {
    for hops in [7, 8] {
        let mut pair = Pair::new(Habits::Linux);
        let listener = bound(&mut pair);
        let value = OptionValue::Int(hops.into());
        let set =
            |pair: &mut Pair| pair.server.set_option(pair.now, listener, OptionName::TimeToLive, &value);
        if hops == 7 {
            set(&mut pair).expect("an option");
        }
        pair.server.listen(listener, 5).expect("a free port");
        if hops == 8 {
            set(&mut pair).expect("an option");
        }
        client(&mut pair);
        let (server, _) = pair.server.accept(pair.now, listener).expect("it is open");
        let id = pair.server.socket_id(server).expect("a connection");
        assert_eq!(pair.server.host().hop_limit(id), Some(hops));
    }
}

#[test]
fn who_is_not_connected_any_more_has_no_peer() {
    let (mut pair, client, server) = Pair::connected(Habits::Linux);
    pair.client.shutdown(pair.now, client, Shutdown::Write).expect("it is connected");
    pair.deliver();
    assert!(pair.server.peer_address(server).is_ok() && pair.client.peer_address(client).is_ok());
    pair.server.shutdown(pair.now, server, Shutdown::Write).expect("it is connected");
    pair.deliver();
    // The client is in TIME-WAIT, of which the kernel's socket knows nothing.
    assert_eq!(pair.client.peer_address(client), Err(Errno::NotConnected));
    assert_eq!(pair.server.peer_address(server), Err(Errno::NotConnected));

    let refused = pair.client.socket(Domain::Inet, Type::Stream).expect("a descriptor");
    let (nobody, mut waiting) = ("10.0.0.2:9".parse().expect("an address"), Waiting::new());
    assert_eq!(pair.client.connect(pair.now, refused, nobody, &mut waiting), Err(Stop::Blocked));
    pair.deliver();
    let outcome = pair.client.connect(pair.now, refused, nobody, &mut waiting);
    assert_eq!(outcome, Err(Errno::ConnectionRefused.into()));
    assert_eq!(pair.client.peer_address(refused), Err(Errno::NotConnected));
}

#[test]
fn urgent_data_is_announced_until_it_is_read() {
    let (mut pair, client, server) = Pair::connected(Habits::Linux);
    let send =
        pair.client.send(pair.now, client, b"0123456789!", SendFlags::URGENT, None, &mut Waiting::new());
    assert_eq!(send, Ok(11));
    pair.deliver();
    for (bytes, is_urgent) in [(9, true), (2, false)] {
        assert!(pair.server.readiness(pair.now, server).contains(PollFlags::PRIORITY));
        assert_eq!(read(&mut pair, server), Ok(bytes));
        assert_eq!(pair.server.readiness(pair.now, server).contains(PollFlags::PRIORITY), is_urgent);
    }
}

#[test]
fn text_for_a_reader_that_is_gone_is_kept_on_linux_and_thrown_away_on_freebsd() {
    for (habits, kept) in [(Habits::Linux, 3), (Habits::FreeBsd, 0)] {
        let (mut pair, client, server) = Pair::connected(habits);
        pair.server.shutdown(pair.now, server, Shutdown::Read).expect("it is connected");
        for _ in 0..2 {
            pair.client.write(pair.now, client, b"abc", &mut Waiting::new()).expect("room");
            pair.pass(Duration::from_secs(1));
            assert_eq!(pair.server.bytes_readable(server), Ok(kept), "{habits:?}");
            assert_eq!(read(&mut pair, server), Ok(kept), "{habits:?}");
        }
        assert_eq!(read(&mut pair, server), Ok(0), "the end: {habits:?}");
        assert_eq!(pair.client.bytes_unacknowledged(client), Ok(0), "{habits:?}");
    }
}

#[test]
fn one_call_moves_all_that_it_can() {
    let (mut pair, client, server) = Pair::connected(Habits::Linux);
    let data = vec![7; 300_000];
    let flags = SendFlags::DONT_WAIT;
    assert_eq!(pair.client.send(pair.now, client, &data, flags, None, &mut Waiting::new()), Ok(300_000));
    pair.pass(Duration::from_secs(1));
    let waiting = pair.server.bytes_readable(server).expect("a connection");
    assert!(waiting > 100_000, "{waiting}");
    let mut buffer = vec![0; 300_000];
    let received = pair.server.read(pair.now, server, &mut buffer, &mut Waiting::new());
    assert_eq!(received, Ok(waiting));
}

#[test]
fn a_read_for_all_whose_time_is_over_returns_what_there_is() {
    let (mut pair, client, server) = Pair::connected(Habits::Linux);
    let second = OptionValue::Time(Duration::from_secs(1));
    pair.server.set_option(pair.now, server, OptionName::ReceiveTimeout, &second).expect("an option");
    pair.client.write(pair.now, client, b"abc", &mut Waiting::new()).expect("room");
    pair.deliver();
    let (mut waiting, mut buffer) = (Waiting::new(), [0; 9]);
    let mut read = |pair: &mut Pair| {
        let received = pair.server.recv(pair.now, server, &mut buffer, RecvFlags::WAIT_ALL, &mut waiting);
        received.map(|received| received.bytes)
    };
    assert_eq!(read(&mut pair), Err(Stop::Blocked));
    pair.pass(Duration::from_secs(1));
    assert_eq!(read(&mut pair), Ok(3));
}

#[test]
fn a_refusal_that_the_option_has_told_is_an_abort_to_connect() {
    let mut pair = Pair::new(Habits::Linux);
    let fd = pair.client.socket(Domain::Inet, Type::Stream).expect("a descriptor");
    pair.client.set_nonblocking(fd, Mode::NonBlocking).expect("a descriptor");
    let nobody = "10.0.0.2:9".parse().expect("an address");
    let connect = |pair: &mut Pair| pair.client.connect(pair.now, fd, nobody, &mut Waiting::new());
    assert_eq!(connect(&mut pair), Err(Errno::InProgress.into()));
    pair.deliver();
    let told = pair.client.option(pair.now, fd, OptionName::Error);
    assert_eq!(told, Ok(OptionValue::Error(Some(Errno::ConnectionRefused))));
    // As `inet_stream_connect` has it; after that the socket may be used again.
    assert_eq!(connect(&mut pair), Err(Errno::ConnectionAborted.into()));
    assert_eq!(connect(&mut pair), Err(Errno::InProgress.into()));
}
