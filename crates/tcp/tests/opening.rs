//! Opening a connection: RFC 9293 §3.5, §3.10.1, §3.10.7.2, §3.10.7.3, §3.8.3.

mod pair;

use pair::{CLIENT_ISS, Fate, Pair, SERVER_ISS, Side, birth, pattern};
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::{Config, Connection, Error, Event, Instant, PathEvent, Segment, State};
use wire::Seq;
use wire::tcp::{Flags, Header, Options};

#[test]
fn three_steps_connect_returns_on_the_second_accept_on_the_third() {
    let mut pair = Pair::new();
    pair.flush();
    assert_eq!(pair.states(), (State::SynSent, State::Listen));
    pair.step(Instant::FAR_FUTURE);
    assert_eq!(pair.states(), (State::SynSent, State::SynReceived));
    assert!(pair.client_events.is_empty() && pair.server_events.is_empty());
    pair.step(Instant::FAR_FUTURE);
    assert_eq!(pair.states(), (State::Established, State::SynReceived));
    assert_eq!(pair.client_events, [Event::Connected, Event::Writable]);
    assert!(pair.server_events.is_empty(), "accept waits for the third step");
    pair.step(Instant::FAR_FUTURE);
    assert_eq!(pair.states(), (State::Established, State::Established));
    assert_eq!(pair.server_events, [Event::Accepted, Event::Writable]);
    assert_eq!(
        pair.lines(),
        [
            "C SYN Seq=0 Len=0 syn",
            "S SYN, ACK Seq=0 Ack=1 Len=0 syn-ack",
            "C ACK Seq=1 Ack=1 Len=0 handshake-ack",
        ]
    );
}

#[test]
fn the_syn_offers_what_the_configuration_says() {
    let mut client = Connection::connect(Instant::ZERO, birth(1), Arc::new(Config::default()));
    let syn = client.poll_transmit(Instant::ZERO, 0).expect("a SYN").header;
    assert_eq!((syn.flags, syn.seq, syn.window), (Flags::SYN, Seq::new(1), 65_535));
    let Options { mss, window_scale, sack_permitted, timestamps, .. } = syn.options;
    assert_eq!((mss, window_scale, sack_permitted, timestamps.is_some()), (Some(1_460), Some(7), true, true));

    let plain = Config { window_scaling: false, timestamps: false, sack: false, ..Config::default() };
    let mut client = Connection::connect(Instant::ZERO, birth(1), Arc::new(plain));
    let syn = client.poll_transmit(Instant::ZERO, 0).expect("a SYN").header;
    assert_eq!(syn.options, Options { mss: Some(1_460), ..Options::default() });
}

#[test]
fn options_are_used_only_when_both_ends_offer_them() {
    let plain = Config { window_scaling: false, timestamps: false, sack: false, ..Config::default() };
    let pair = Pair::with(plain, Config::default()).opened();
    for info in [pair.client.info(pair.now), pair.server.info(pair.now)] {
        assert_eq!((info.window_shifts, info.timestamps, info.sack), (None, false, false));
    }
    let pair = Pair::established();
    for info in [pair.client.info(pair.now), pair.server.info(pair.now)] {
        assert_eq!((info.window_shifts, info.timestamps, info.sack), (Some((7, 7)), true, true));
    }
}

#[test]
fn simultaneous_open_makes_one_connection() {
    // RFC 9293 §3.5, figure 7.
    let mut pair = Pair::new();
    pair.server = Connection::connect(pair.now, birth(SERVER_ISS), Arc::new(Config::default()));
    pair.flush();
    pair.step(Instant::FAR_FUTURE);
    pair.step(Instant::FAR_FUTURE);
    assert_eq!(pair.states(), (State::SynReceived, State::SynReceived));
    pair.drive();
    assert_eq!(pair.states(), (State::Established, State::Established));
    assert!(pair.log.len() <= 6, "{:#?}", pair.lines());
    pair.client.write(pair.now, b"both opened").expect("established");
    pair.drive();
    assert_eq!(pair.read_all(Side::Server), b"both opened");
}

#[test]
fn an_old_duplicate_syn_does_not_open_a_connection() {
    // RFC 9293 §3.5, figure 8: the reason for three steps.
    let mut pair = Pair::new();
    pair.flush();
    let old = Header { seq: Seq::new(90), flags: Flags::SYN, window: 1_000, ..Header::default() };
    let answer = pair.inject(Side::Server, old, b"");
    assert_eq!((answer[0].header.flags, answer[0].header.ack), (Flags::SYN | Flags::ACK, Seq::new(91)));
    assert_eq!(pair.states(), (State::SynSent, State::SynReceived));
    pair.drive();
    // The client refuses the answer to what it never asked; the server goes back and hears the true SYN.
    assert!(pair.lines().iter().any(|line| line.contains("C RST")), "{:#?}", pair.lines());
    pair.run_for(Duration::from_secs(4));
    assert_eq!(pair.states(), (State::Established, State::Established));
    assert_eq!(pair.server_events.iter().filter(|event| **event == Event::Accepted).count(), 1);
    assert_eq!(pair.server.snapshot().irs, Seq::new(CLIENT_ISS));
}

#[test]
fn a_half_open_connection_is_discovered_and_recovered() {
    // RFC 9293 §3.5.1, figure 9: the client crashed and asks again; the server still remembers.
    let mut pair = Pair::established();
    let reborn = Config::default();
    pair.client = Connection::connect(pair.now, birth(400), Arc::new(reborn));
    pair.drive();
    let lines = pair.lines();
    assert!(lines.iter().any(|line| line.contains("challenge-ack")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("C RST")), "{lines:#?}");
    assert_eq!(pair.server.failure(), Some(Error::Reset));
    assert_eq!(pair.client.state(), State::SynSent, "it goes on asking");
}

#[test]
fn data_written_before_the_handshake_follows_it() {
    let mut pair = Pair::new();
    assert_eq!(pair.client.write(pair.now, b"hello"), Ok(5));
    pair.drive();
    assert_eq!(pair.read_all(Side::Server), b"hello");
    // The third step goes before it, by itself.
    assert_eq!(pair.lines()[2], "C ACK Seq=1 Ack=1 Len=0 handshake-ack");
    assert!(pair.lines()[3].starts_with("C PSH, ACK Seq=1 Ack=1 Len=5"), "{:#?}", pair.lines());
    assert_eq!(pair.log[2].at, pair.log[3].at, "at once");
}

#[test]
fn text_on_a_syn_waits_for_the_handshake() {
    let mut pair = Pair::new();
    let now = pair.now;
    let syn = Header { seq: Seq::new(100), flags: Flags::SYN, window: 9_000, ..Header::default() };
    let syn =
        Segment { header: syn, payload: bytes::Bytes::from_static(b"early").into(), ..Segment::default() };
    pair.server = Connection::answer(now, birth(SERVER_ISS), Arc::new(Config::default()), &syn);
    assert!(pair.server.read(&mut [0; 8]).is_err());
    let ack = Header {
        seq: Seq::new(101),
        ack: Seq::new(SERVER_ISS) + 1,
        flags: Flags::ACK,
        window: 9_000,
        ..Header::default()
    };
    pair.flush();
    pair.inject(Side::Server, ack, b"");
    assert_eq!(pair.server.state(), State::Established);
    assert_eq!(pair.read_all(Side::Server), b"early");
    assert_eq!(pair.server.snapshot().rcv_nxt, Seq::new(106));
}

#[test]
fn a_lost_syn_is_sent_again_with_back_off_and_given_up_after_three_minutes() {
    // MUST-23; RFC 6298 §5.5.
    let mut pair = Pair::new();
    pair.fate = Box::new(|_| Fate::Lose);
    pair.run_for(Duration::from_secs(400));
    let at: Vec<u64> = pair.log.iter().map(|sent| sent.at.as_millis() / 1_000 - 1).collect();
    assert_eq!(at, [0, 1, 3, 7, 15, 31, 63, 123]);
    assert_eq!(pair.client_events, [Event::PathDoubted, Event::Failed(Error::TimedOut), Event::Closed]);
    assert_eq!(pair.now.as_millis(), 401_000);
    assert!(pair.client.is_closed());
}

#[test]
fn a_lost_syn_ack_and_a_lost_third_step_are_repaired() {
    for lost in [1, 2] {
        let mut pair = Pair::new();
        let mut index = 0;
        pair.fate = Box::new(move |_| {
            index += 1;
            if index - 1 == lost { Fate::Lose } else { Fate::Deliver }
        });
        pair.run_for(Duration::from_secs(3));
        assert_eq!(pair.states(), (State::Established, State::Established), "lost segment {lost}");
        assert_eq!(pair.server_events.iter().filter(|event| **event == Event::Accepted).count(), 1);
        if lost == 2 {
            assert!(pair.log.len() >= 5, "{:#?}", pair.lines());
        }
    }
}

#[test]
fn after_a_lost_syn_the_initial_window_is_one_segment() {
    // RFC 5681 §3.1.
    let mut pair = Pair::new();
    let mut first = true;
    pair.fate = Box::new(move |_| if std::mem::take(&mut first) { Fate::Lose } else { Fate::Deliver });
    pair.client.write(pair.now, &pattern(20_000)).expect("queued");
    pair.run_for(Duration::from_millis(1_029));
    let text: usize = pair.log.iter().map(|sent| sent.len).sum();
    assert_eq!(text, 1_448, "{:#?}", pair.lines());
}

#[test]
fn a_reset_refuses_and_a_passive_open_goes_back_to_listen() {
    let mut pair = Pair::new();
    pair.flush();
    let reset = Header {
        seq: Seq::new(0),
        ack: Seq::new(CLIENT_ISS) + 1,
        flags: Flags::RST | Flags::ACK,
        ..Header::default()
    };
    let unproven = Header { flags: Flags::RST, ..reset };
    pair.inject(Side::Client, unproven, b"");
    assert_eq!(pair.client.state(), State::SynSent, "a RST without ACK proves nothing");
    pair.inject(Side::Client, Header { ack: Seq::new(CLIENT_ISS) + 2, ..reset }, b"");
    assert_eq!(pair.client.state(), State::SynSent, "a RST for another number neither");
    pair.inject(Side::Client, reset, b"");
    assert_eq!(pair.client_events, [Event::Failed(Error::Refused), Event::Closed]);

    let mut pair = Pair::new();
    pair.fate = Box::new(|sent| if sent.from == Side::Server { Fate::Lose } else { Fate::Deliver });
    pair.run_for(Duration::from_millis(50));
    assert_eq!(pair.server.state(), State::SynReceived);
    pair.inject(Side::Server, Header { seq: Seq::new(CLIENT_ISS) + 1, flags: Flags::RST, ..reset }, b"");
    assert_eq!(pair.server.state(), State::Listen);
    assert!(pair.server_events.is_empty(), "the user need not be informed");
}

#[test]
fn a_second_syn_returns_a_passive_open_to_listen() {
    let mut pair = Pair::new();
    pair.fate = Box::new(|sent| if sent.from == Side::Server { Fate::Lose } else { Fate::Deliver });
    pair.run_for(Duration::from_millis(50));
    let syn = Header { seq: Seq::new(CLIENT_ISS) + 50, flags: Flags::SYN, ..Header::default() };
    let mut stamped = pair.next_header(Side::Server, Flags::SYN);
    stamped.seq = syn.seq;
    pair.inject(Side::Server, stamped, b"");
    assert_eq!(pair.server.state(), State::Listen);
}

#[test]
fn a_listening_connection_can_be_turned_around() {
    let mut pair = Pair::new();
    assert!(pair.server.open(pair.now));
    assert_eq!(pair.server.state(), State::SynSent);
    assert!(!pair.server.open(pair.now), "the connection exists already");
    pair.drive();
    assert_eq!(pair.states(), (State::Established, State::Established));

    let mut pair = Pair::new();
    assert_eq!(pair.server.write(pair.now, b"push"), Ok(4));
    assert_eq!(pair.server.state(), State::SynSent);
    pair.drive();
    assert_eq!(pair.read_all(Side::Client), b"push");
}

#[test]
fn icmp_kills_only_what_is_not_established() {
    let event = |seq| PathEvent::HardError { error: Error::PortUnreachable, seq };
    let mut pair = Pair::new();
    pair.flush();
    let now = pair.now;
    pair.client.handle_path(now, event(Seq::new(7)));
    assert_eq!(pair.client.state(), State::SynSent, "a number that is not in flight is not heard");
    pair.client.handle_path(now, event(Seq::new(CLIENT_ISS)));
    assert_eq!(pair.client.failure(), Some(Error::PortUnreachable));

    let mut pair = Pair::established();
    pair.client.write(pair.now, b"x").expect("room");
    pair.flush();
    let now = pair.now;
    pair.client.handle_path(now, event(Seq::new(CLIENT_ISS) + 1));
    assert_eq!((pair.client.state(), pair.client.failure()), (State::Established, None));
    assert_eq!(pair.client.soft_error(), Some(Error::PortUnreachable));
}

#[test]
fn an_mss_is_believed_within_reason() {
    let with = |mss: Option<u16>| {
        let syn = Header {
            seq: Seq::new(1),
            flags: Flags::SYN,
            options: Options { mss, ..Options::default() },
            ..Header::default()
        };
        let syn = Segment { header: syn, ..Segment::default() };
        let server = Connection::answer(Instant::ZERO, birth(9), Arc::new(Config::default()), &syn);
        server.info(Instant::ZERO).send_mss_bytes
    };
    assert_eq!(with(None), 536, "MUST-15");
    assert_eq!(with(Some(1_000)), 1_000);
    assert_eq!(with(Some(9_000)), 1_460, "MUST-16");
    assert_eq!(with(Some(0)), 48);
}

#[test]
fn without_an_mss_the_default_of_the_ip_version_is_assumed() {
    // MUST-15.
    for (ip_header_bytes, mss) in [(20, 536), (40, 1_220)] {
        let path = synfin_tcp::Path { mtu_bytes: 9_000, ip_header_bytes };
        let born = synfin_tcp::Birth { path, ..birth(CLIENT_ISS) };
        let config = Arc::new(Config { timestamps: false, ..Config::default() });
        let mut pair = Pair::new();
        pair.client = Connection::connect(pair.now, born, config);
        pair.fate = Box::new(|_| Fate::Lose);
        let syn_ack = pair.next_header(Side::Client, Flags::SYN | Flags::ACK);
        pair.flush();
        let ack = pair.client.snapshot().snd_nxt;
        pair.inject(Side::Client, Header { ack, ..syn_ack }, b"");
        assert_eq!(pair.client.info(pair.now).send_mss_bytes, mss);
    }
}

#[test]
fn options_of_a_syn_stand_on_syns_alone() {
    // MUST-65; RFC 7323 §2.2, RFC 2018 §2.
    let mut pair = Pair::new();
    pair.drive();
    let now = pair.now;
    pair.client.write(now, &pattern(20_000)).expect("room");
    pair.server.write(now, &pattern(20_000)).expect("room");
    pair.client.finish(now);
    pair.drive();
    for sent in &pair.log {
        let options = &sent.header.options;
        let any = options.mss.is_some() || options.window_scale.is_some() || options.sack_permitted;
        assert_eq!(any, sent.header.flags.syn(), "{sent:?}");
    }
}
