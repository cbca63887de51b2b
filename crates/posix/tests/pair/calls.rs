//! Calls that block, readiness, errors of wrong calls, options.

use crate::Pair;
use core::time::Duration;
use synfin_posix::{
    Domain, EpollEvent, EpollOperation, Errno, Fd, Linger, Mode, OptionName, OptionValue, PollEntry,
    PollFlags, RecvFlags, SendFlags, Shutdown, Stop, System, Type, Waiting,
};
use tcp::Habits;

#[test]
fn a_blocking_write_moves_everything_while_the_world_goes_on() {
    let (mut pair, client, server) = Pair::connected(Habits::Linux);
    let data: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut waiting, mut arrived, mut written) = (Waiting::new(), Vec::new(), None);
    let mut buffer = vec![0; 100_000];
    while arrived.len() < data.len() {
        if written.is_none() {
            match pair.client.write(pair.now, client, &data, &mut waiting) {
                Err(Stop::Blocked) => {}
                other => written = Some(other.unwrap()),
            }
        }
        pair.pass(Duration::from_millis(1));
        while let Ok(received) =
            pair.server.recv(pair.now, server, &mut buffer, RecvFlags::DONT_WAIT, &mut Waiting::new())
        {
            arrived.extend_from_slice(&buffer[..received.bytes]);
        }
    }
    assert_eq!(written, Some(data.len()));
    assert!(arrived == data, "the bytes are those that were written, in order");
}

#[test]
fn a_full_buffer_says_again_and_poll_says_when() {
    let (mut pair, client, server) = Pair::connected(Habits::Linux);
    pair.client.set_nonblocking(client, Mode::NonBlocking).unwrap();
    let data = vec![7; 100_000];
    let mut total = 0;
    let full = loop {
        match pair.client.write(pair.now, client, &data, &mut Waiting::new()) {
            Ok(count) => total += count,
            Err(stop) => break stop,
        }
        pair.deliver();
    };
    assert_eq!(full, Stop::Errno(Errno::Again));
    assert!(total > 4 << 20);
    let mut entries = [PollEntry { fd: client, events: PollFlags::OUT, found: PollFlags::NONE }];
    let mut waiting = Waiting::new();
    let timeout = Some(Duration::from_secs(5));
    assert_eq!(pair.client.poll(pair.now, &mut entries, timeout, &mut waiting), Err(Stop::Blocked));
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..50 {
        let _ = pair.server.recv(pair.now, server, &mut buffer, RecvFlags::DONT_WAIT, &mut Waiting::new());
        pair.pass(Duration::from_millis(10));
    }
    assert_eq!(pair.client.poll(pair.now, &mut entries, timeout, &mut waiting), Ok(1));
    assert_eq!(entries[0].found, PollFlags::OUT);
}

#[test]
fn poll_gives_up_when_its_time_is_over() {
    let (mut pair, client, _) = Pair::connected(Habits::Linux);
    let mut entries = [PollEntry { fd: client, events: PollFlags::IN, found: PollFlags::NONE }];
    let mut waiting = Waiting::new();
    let timeout = Some(Duration::from_millis(50));
    assert_eq!(pair.client.poll(pair.now, &mut entries, timeout, &mut waiting), Err(Stop::Blocked));
    assert_eq!(waiting.deadline(), Some(pair.now + Duration::from_millis(50)));
    pair.pass(Duration::from_millis(50));
    assert_eq!(pair.client.poll(pair.now, &mut entries, timeout, &mut waiting), Ok(0));
}

#[test]
fn a_receive_timeout_ends_a_read() {
    let (mut pair, client, _) = Pair::connected(Habits::Linux);
    let second = OptionValue::Time(Duration::from_secs(1));
    pair.client.set_option(pair.now, client, OptionName::ReceiveTimeout, &second).unwrap();
    let (mut waiting, mut buffer) = (Waiting::new(), [0; 10]);
    assert_eq!(pair.client.read(pair.now, client, &mut buffer, &mut waiting), Err(Stop::Blocked));
    pair.pass(Duration::from_secs(1));
    assert_eq!(pair.client.read(pair.now, client, &mut buffer, &mut waiting), Err(Stop::Errno(Errno::Again)));
}

#[test]
fn waitall_waits_for_all_or_the_end() {
    let (mut pair, client, server) = Pair::connected(Habits::Linux);
    let (mut waiting, mut buffer) = (Waiting::new(), [0; 10]);
    let all = RecvFlags::WAIT_ALL;
    for piece in [b"abcd", b"efgh"] {
        pair.client.send(pair.now, client, piece, SendFlags::NONE, None, &mut Waiting::new()).unwrap();
        pair.deliver();
        assert_eq!(pair.server.recv(pair.now, server, &mut buffer, all, &mut waiting), Err(Stop::Blocked));
        pair.pass(Duration::from_millis(100));
    }
    pair.client.shutdown(pair.now, client, Shutdown::Write).unwrap();
    pair.deliver();
    let received = pair.server.recv(pair.now, server, &mut buffer, all, &mut waiting).unwrap();
    assert_eq!(&buffer[..received.bytes], b"abcdefgh");
}

#[test]
fn a_reset_is_told_in_each_systems_order() {
    for (habits, first, second) in
        [(Habits::Linux, Errno::ConnectionReset, Errno::Pipe), (Habits::FreeBsd, Errno::Pipe, Errno::Pipe)]
    {
        let (mut pair, client, server) = Pair::connected(habits);
        let linger = OptionValue::Linger(Linger::Abort);
        pair.server.set_option(pair.now, server, OptionName::Linger, &linger).unwrap();
        pair.server.close(pair.now, server, &mut Waiting::new()).unwrap();
        pair.deliver();
        let ready = pair.client.readiness(pair.now, client);
        assert!(ready.contains(PollFlags::HANG_UP), "{habits:?}");
        assert_eq!(
            ready.contains(PollFlags::ERROR),
            habits != Habits::FreeBsd,
            "FreeBSD has no POLLERR here"
        );
        for expected in [first, second] {
            let result = pair.client.write(pair.now, client, b"x", &mut Waiting::new());
            assert_eq!(result, Err(Stop::Errno(expected)), "{habits:?}");
        }
        let pending = if habits == Habits::FreeBsd { Some(Errno::ConnectionReset) } else { None };
        let error = pair.client.option(pair.now, client, OptionName::Error);
        assert_eq!(error, Ok(OptionValue::Error(pending)), "told once: {habits:?}");
        assert_eq!(pair.client.option(pair.now, client, OptionName::Error), Ok(OptionValue::Error(None)));
    }
}

#[test]
fn edge_triggered_readiness_is_told_once_for_each_arrival() {
    let (mut pair, client, server) = Pair::connected(Habits::Linux);
    let epoll = pair.server.epoll_create().unwrap();
    let event = EpollEvent { events: PollFlags::IN | PollFlags::EDGE, data: 42 };
    pair.server.epoll_control(epoll, EpollOperation::Add, server, event).unwrap();
    let ready = |pair: &mut Pair| {
        let zero = Some(Duration::ZERO);
        pair.server.epoll_wait(pair.now, epoll, 10, zero, &mut Waiting::new()).unwrap().len()
    };
    assert_eq!(ready(&mut pair), 0);
    for _ in 0..2 {
        pair.client.write(pair.now, client, b"x", &mut Waiting::new()).unwrap();
        pair.pass(Duration::from_millis(100));
        assert_eq!((ready(&mut pair), ready(&mut pair)), (1, 0));
        let mut byte = [0];
        pair.server.read(pair.now, server, &mut byte, &mut Waiting::new()).unwrap();
    }
}

#[test]
fn wrong_calls_get_the_right_error() {
    let mut pair = Pair::new(Habits::Linux);
    let (system, now) = (&mut pair.client, pair.now);
    let fd = system.socket(Domain::Inet, Type::Stream).unwrap();
    assert_eq!(fd, Fd(3));
    let datagram = system.socket(Domain::Inet, Type::Datagram).unwrap();
    let waiting = &mut Waiting::new();
    assert_eq!(system.read(now, fd, &mut [0; 1], waiting), Err(Errno::NotConnected.into()));
    assert_eq!(system.write(now, fd, b"x", waiting), Err(Errno::Pipe.into()));
    assert_eq!(system.accept(now, fd).unwrap_err(), Errno::Invalid.into());
    assert_eq!(system.accept(now, datagram).unwrap_err(), Errno::NotSupported.into());
    assert_eq!(system.listen(datagram, 1), Err(Errno::NotSupported));
    assert_eq!(system.shutdown(now, fd, Shutdown::Both), Err(Errno::NotConnected));
    assert_eq!(system.peer_address(fd), Err(Errno::NotConnected));
    assert_eq!(system.bind(fd, "9.9.9.9:1".parse().unwrap()), Err(Errno::AddressNotAvailable));
    assert_eq!(system.bind(fd, "[::1]:1".parse().unwrap()), Err(Errno::FamilyNotSupported));
    assert_eq!(system.bind(fd, "10.0.0.1:99".parse().unwrap()), Ok(()));
    assert_eq!(system.bind(fd, "10.0.0.1:98".parse().unwrap()), Err(Errno::Invalid));
    let other = system.socket(Domain::Inet, Type::Stream).unwrap();
    assert_eq!(system.bind(other, "0.0.0.0:99".parse().unwrap()), Err(Errno::AddressInUse));
    assert_eq!(
        system.send(now, datagram, b"x", SendFlags::NONE, None, waiting),
        Err(Errno::DestinationRequired.into())
    );
    assert_eq!(system.close(now, fd, waiting), Ok(()));
    assert_eq!(system.close(now, fd, waiting), Err(Errno::BadDescriptor.into()));
    assert_eq!(system.socket(Domain::Inet, Type::Stream), Ok(fd), "the lowest free descriptor");
    let far = "11.0.0.1:1".parse().unwrap();
    assert_eq!(system.connect(now, other, far, waiting), Err(Errno::NetworkUnreachable.into()));
}

#[test]
fn options_keep_what_they_are_told() {
    let mut pair = Pair::new(Habits::Linux);
    let (system, now) = (&mut pair.client, pair.now);
    let fd = system.socket(Domain::Inet, Type::Stream).unwrap();
    let int = OptionValue::Int;
    for (name, set, got) in [
        (OptionName::ReceiveBuffer, 10_000, 20_000),
        (OptionName::SendBuffer, 1, 4_608),
        (OptionName::NoDelay, 7, 1),
        (OptionName::KeepIdle, 50, 50),
        (OptionName::MaxSegment, 1_000, 1_000),
        (OptionName::UserTimeout, 1_500, 1_500),
        (OptionName::TimeToLive, 9, 9),
        (OptionName::Priority, 6, 6),
        (OptionName::ReuseAddress, 1, 1),
    ] {
        system.set_option(now, fd, name, &int(set)).unwrap();
        assert_eq!(system.option(now, fd, name), Ok(int(got)), "{name:?}");
    }
    for (name, wrong) in
        [(OptionName::MaxSegment, 10), (OptionName::KeepCount, 128), (OptionName::TimeToLive, 256)]
    {
        assert_eq!(system.set_option(now, fd, name, &int(wrong)), Err(Errno::Invalid), "{name:?}");
    }
    assert_eq!(system.set_option(now, fd, OptionName::Info, &int(1)), Err(Errno::NoProtocolOption));
    let unknown = OptionValue::Text("carrier-pigeon".to_owned());
    assert_eq!(system.set_option(now, fd, OptionName::Congestion, &unknown), Err(Errno::NoEntry));
    let congestion = |system: &mut System| system.option(now, fd, OptionName::Congestion);
    assert_eq!(congestion(system), Ok(OptionValue::Text("cubic".to_owned())), "as before");
    for (asked, told) in [("newreno", "reno"), ("cubic\0", "cubic"), ("reno", "reno")] {
        let value = OptionValue::Text(asked.to_owned());
        assert_eq!(system.set_option(now, fd, OptionName::Congestion, &value), Ok(()), "{asked}");
        assert_eq!(congestion(system), Ok(OptionValue::Text(told.to_owned())), "{asked}");
    }
}
