//! Datagrams: their errors, and a shutdown.

use crate::Pair;
use synfin_posix::{
    Domain, Errno, Fd, OptionName, OptionValue, PollFlags, RecvFlags, SendFlags, Shutdown, Stop, Type,
    Waiting,
};
use tcp::Habits;

const ERRORS: [(Habits, PollFlags); 2] = [
    (Habits::Linux, PollFlags::ERROR),
    // FreeBSD's sopoll() knows no POLLERR: the next call will not block.
    (Habits::FreeBsd, PollFlags::IN),
];

/// A client's datagram socket, connected to a port of the server.
fn connected(habits: Habits) -> (Pair, Fd) {
    let mut pair = Pair::new(habits);
    let fd = pair.client.socket(Domain::Inet, Type::Datagram).expect("a descriptor");
    let remote = "10.0.0.2:53".parse().expect("an address");
    pair.client.connect(pair.now, fd, remote, &mut Waiting::new()).expect("a route");
    (pair, fd)
}

fn recv(pair: &mut Pair, fd: Fd) -> Result<usize, Stop> {
    let received = pair.client.recv(pair.now, fd, &mut [0; 9], RecvFlags::DONT_WAIT, &mut Waiting::new());
    received.map(|received| received.bytes)
}

fn send(pair: &mut Pair, fd: Fd) -> Result<usize, Stop> {
    pair.client.send(pair.now, fd, b"ask", SendFlags::NONE, None, &mut Waiting::new())
}

#[test]
fn what_came_back_for_a_datagram_is_told_once() {
    for (habits, flag) in ERRORS {
        let (mut pair, fd) = connected(habits);
        assert_eq!(send(&mut pair, fd), Ok(3));
        pair.deliver();
        assert!(pair.client.readiness(pair.now, fd).contains(flag), "{habits:?}");
        assert_eq!(recv(&mut pair, fd), Err(Errno::ConnectionRefused.into()), "{habits:?}");
        assert!(!pair.client.readiness(pair.now, fd).contains(flag), "{habits:?}");
        assert_eq!(recv(&mut pair, fd), Err(Errno::Again.into()), "{habits:?}");
        let pending = pair.client.option(pair.now, fd, OptionName::Error);
        assert_eq!(pending, Ok(OptionValue::Error(None)), "{habits:?}");
    }
}

#[test]
fn the_option_for_errors_takes_the_error() {
    let (mut pair, fd) = connected(Habits::Linux);
    assert_eq!(send(&mut pair, fd), Ok(3));
    pair.deliver();
    let refused = Ok(OptionValue::Error(Some(Errno::ConnectionRefused)));
    assert_eq!(pair.client.option(pair.now, fd, OptionName::Error), refused);
    assert_eq!(send(&mut pair, fd), Ok(3));
}

#[test]
fn a_shutdown_ends_a_connected_datagram_socket_and_no_other() {
    for (habits, hasty) in [(Habits::Linux, Err(Errno::Again.into())), (Habits::FreeBsd, Ok(0))] {
        let (mut pair, fd) = connected(habits);
        let loose = pair.client.socket(Domain::Inet, Type::Datagram).expect("a descriptor");
        pair.client.bind(loose, "10.0.0.1:54".parse().expect("an address")).expect("a free port");
        assert_eq!(pair.client.shutdown(pair.now, loose, Shutdown::Both), Err(Errno::NotConnected));
        assert_eq!(recv(&mut pair, fd), Err(Errno::Again.into()));
        pair.client.shutdown(pair.now, fd, Shutdown::Both).expect("it is connected");
        assert_eq!(recv(&mut pair, fd), hasty, "who does not wait: {habits:?}");
        let patient = pair.client.read(pair.now, fd, &mut [0; 9], &mut Waiting::new());
        assert_eq!(patient, Ok(0), "{habits:?}");
        assert_eq!(send(&mut pair, fd), Err(Errno::Pipe.into()), "{habits:?}");
    }
}

#[test]
fn a_hop_limit_that_was_set_before_the_port_counts() {
    for bind in [false, true] {
        let mut pair = Pair::new(Habits::Linux);
        let fd = pair.client.socket(Domain::Inet, Type::Datagram).expect("a descriptor");
        pair.client
            .set_option(pair.now, fd, OptionName::TimeToLive, &OptionValue::Int(9))
            .expect("an option");
        if bind {
            pair.client.bind(fd, "10.0.0.1:54".parse().expect("an address")).expect("a free port");
        }
        let remote = "10.0.0.2:53".parse().expect("an address");
        pair.client.connect(pair.now, fd, remote, &mut Waiting::new()).expect("a route");
        let id = pair.client.socket_id(fd).expect("it is bound");
        assert_eq!(pair.client.host().hop_limit(id), Some(9));
    }
}

#[test]
fn a_port_that_the_host_chose_is_told() {
    let mut pair = Pair::new(Habits::Linux);
    let fd = pair.client.socket(Domain::Inet, Type::Datagram).expect("a descriptor");
    pair.client.bind(fd, "10.0.0.1:0".parse().expect("an address")).expect("a free port");
    assert_ne!(pair.client.local_address(fd).expect("it is bound").port(), 0);
}
