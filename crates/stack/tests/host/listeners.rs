//! Listeners: backlog, accept queue, slots given back, cookies, families.

use crate::world::{CLIENT, Fate, Pair, SERVER, link, text, usage};
use std::time::Duration;
use synfin_stack::{Config, Discard, Error, Event, Families, ListenOptions};
use tcp::{ReadError, State};

fn syn_only(pair: &mut Pair, count: usize) {
    let now = pair.now;
    for _ in 0..count {
        pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    }
    // The SYNs arrive; the SYN-ACKs are lost.
    pair.fate = Box::new(|from, _| if from == CLIENT { Fate::Deliver } else { Fate::Lose });
    pair.settle();
    pair.fate = Box::new(|_, _| Fate::Deliver);
}

#[test]
fn a_full_accept_queue_drops_syns_until_somebody_accepts() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 2).unwrap();
    let now = pair.now;
    for _ in 0..4 {
        pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
        pair.settle();
    }
    assert_eq!(pair.server().usage().connections, 2);
    assert_eq!(pair.server().counters().discarded(Discard::TcpAcceptQueueFull), 2);
    assert!(pair.server().tcp_accept(listener).is_some());
    assert!(pair.server().tcp_accept(listener).is_some());
    pair.pass_time(Duration::from_secs(2));
    assert!(pair.server().tcp_accept(listener).is_some(), "the SYN came again");
    assert!(pair.server().tcp_accept(listener).is_some());
    assert!(pair.server().tcp_accept(listener).is_none());
}

#[test]
fn the_last_step_does_not_count_while_the_accept_queue_is_full() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 1).unwrap();
    let now = pair.now;
    for _ in 0..3 {
        pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
        assert!(pair.carry(CLIENT));
    }
    pair.settle();
    assert_eq!(pair.server().usage().half_open, 2, "three SYNs came before the first was complete");
    for _ in 0..3 {
        let accepted = pair.server().tcp_accept(listener).expect("one after the other");
        assert_eq!(pair.server().tcp(accepted.id).unwrap().state(), State::Established);
        pair.pass_time(Duration::from_secs(10));
    }
    assert_eq!(pair.server().usage().half_open, 0);
}

#[test]
fn a_reset_gives_the_slot_back() {
    let mut pair = Pair::new();
    pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 4).unwrap();
    let now = pair.now;
    let id = pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    pair.carry(CLIENT);
    assert_eq!(pair.server().usage().half_open, 1);
    // The client forgets at once; the SYN-ACK meets a closed port.
    pair.close((CLIENT, id));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.listeners = 1));
}

#[test]
fn half_open_connections_are_given_up() {
    let mut pair = Pair::new();
    pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 4).unwrap();
    syn_only(&mut pair, 1);
    pair.fate = Box::new(|_, _| Fate::Lose);
    pair.pass_time(Duration::from_secs(200));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.listeners = 1));
}

#[test]
fn closing_a_listener_resets_connections_that_were_not_accepted() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let now = pair.now;
    let queued = pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    pair.settle();
    let (taken, accepted) = {
        let taken = pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
        pair.settle();
        assert!(pair.server().tcp_accept(listener).is_some(), "the first, which stays");
        (taken, pair.server().tcp_accept(listener).unwrap().id)
    };
    let waiting = pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    pair.settle();
    syn_only(&mut pair, 1);
    pair.close((SERVER, listener));
    assert_eq!(pair.server().usage().half_open, 0);
    let mut byte = [0];
    assert_eq!(pair.client().tcp_read(now, waiting, &mut byte), Err(ReadError::Failed(tcp::Error::Reset)));
    assert_eq!(pair.client().tcp_read(now, queued, &mut byte), Err(ReadError::WouldBlock));
    assert_eq!(pair.client().tcp_read(now, taken, &mut byte), Err(ReadError::WouldBlock));
    assert!(pair.server().tcp(accepted).is_some());
    assert_eq!(pair.server().usage().connections, 2, "the accepted ones");
    assert_eq!(pair.server().tcp_close(now, listener), Err(Error::UnknownSocket));
    assert!(pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).is_ok(), "the port is free again");
}

#[test]
fn a_connection_reset_before_it_is_accepted_says_so_when_read() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let now = pair.now;
    let id = pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    pair.settle();
    pair.client().tcp_abort(now, id).unwrap();
    pair.settle();
    let accepted = pair.server().tcp_accept(listener).expect("as on Linux").id;
    assert_eq!(pair.server().tcp_read(now, accepted, &mut [0]), Err(ReadError::Failed(tcp::Error::Reset)));
    pair.close((SERVER, accepted));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.listeners = 1));
}

#[test]
fn peers_that_reset_hold_no_more_of_the_accept_queue_than_peers_that_stay() {
    // As on Linux, a connection that was reset keeps its seat until it is accepted. Staying costs a peer no more than
    // resetting, so this gives an attacker nothing; and whoever accepts gets all seats back.
    let full = |resets: bool| {
        let mut pair = Pair::new();
        let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 128).unwrap();
        for _ in 0..200 {
            let now = pair.now;
            let id = pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
            pair.settle();
            if resets {
                pair.client().tcp_abort(now, id).unwrap();
                pair.settle();
            }
        }
        (pair, listener)
    };
    let (staying, at_staying) = full(false);
    let (mut resetting, listener) = full(true);
    assert_eq!(staying.hosts[SERVER].tcp_acceptable(at_staying), 128);
    assert_eq!(resetting.server().tcp_acceptable(listener), 128);
    assert!(resetting.server().usage().held_bytes <= staying.hosts[SERVER].usage().held_bytes);
    while let Some(accepted) = resetting.server().tcp_accept(listener) {
        let now = resetting.now;
        let read = resetting.server().tcp_read(now, accepted.id, &mut [0]);
        assert_eq!(read, Err(ReadError::Failed(tcp::Error::Reset)));
        resetting.server().tcp_close(now, accepted.id).unwrap();
    }
    resetting.connect(listener, "10.0.0.2:80");
    assert_eq!(resetting.server().usage().connections, 1);
}

#[test]
fn data_that_came_before_accept_is_there_and_has_an_event() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let now = pair.now;
    let id = pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    pair.client().tcp_write(now, id, b"early").unwrap();
    pair.settle();
    assert_eq!(pair.events[SERVER], [(listener, Event::Acceptable)], "nothing of the child yet");
    let accepted = pair.server().tcp_accept(listener).unwrap().id;
    pair.settle();
    assert!(pair.events[SERVER].contains(&(accepted, Event::Readable)));
    let mut buffer = [0; 9];
    assert_eq!(pair.server().tcp_read(now, accepted, &mut buffer), Ok(5));
    assert_eq!(&buffer[..5], b"early");
}

#[test]
fn a_flood_is_answered_with_cookies_that_work() {
    let config = Config { half_open_max: 16, ..Config::default() };
    let mut pair = Pair::with(&config, link());
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 64).unwrap();
    syn_only(&mut pair, 50);
    assert_eq!(pair.server().usage().half_open, 16);
    assert_eq!(pair.server().counters().cookies_sent, 34);
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    assert_eq!(pair.server().counters().cookies_accepted, 1);
    let info = pair.server().tcp(server).unwrap().info(tcp::Instant::ZERO);
    assert!(info.timestamps && info.sack && info.window_shifts.is_some(), "the options came back: {info:?}");
    assert_eq!(info.send_mss_bytes, 1_448);
    let data = text(500_000);
    assert!(pair.send((CLIENT, client), (SERVER, server), &data) == data);
    assert!(pair.send((SERVER, server), (CLIENT, client), &data) == data);
}

#[test]
fn a_cookie_without_timestamps_works_too() {
    let tcp = tcp::Config { timestamps: false, ..tcp::Config::default() };
    let config = Config { half_open_max: 0, tcp: tcp.into(), ..Config::default() };
    let mut pair = Pair::with(&config, link());
    let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 64).unwrap();
    let (client, server) = pair.connect(listener, "[fd00::2]:80");
    assert_eq!(pair.server().counters().cookies_accepted, 1);
    let info = pair.server().tcp(server).unwrap().info(tcp::Instant::ZERO);
    assert!(!info.timestamps && !info.sack && info.window_shifts.is_none());
    let data = text(300_000);
    assert!(pair.send((CLIENT, client), (SERVER, server), &data) == data);
}

/// RFC 9768 §5.1; Linux keeps it in the timestamp, too.
#[test]
fn a_cookie_brings_back_what_was_agreed_of_ecn() {
    use tcp::EcnFeedback::{Accurate, Classic, Off};
    for (timestamps, feedback, expected) in [
        (true, Off, Off),
        (true, Classic, Classic),
        (true, Accurate, Accurate),
        (false, Classic, Off),
        (false, Accurate, Accurate),
    ] {
        let tcp = tcp::Config {
            timestamps,
            ecn_incoming: feedback,
            ecn_outgoing: feedback,
            ..tcp::Config::default()
        };
        let config = Config { half_open_max: 0, tcp: tcp.into(), ..Config::default() };
        let mut pair = Pair::with(&config, link());
        let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 64).unwrap();
        let (client, server) = pair.connect(listener, "[fd00::2]:80");
        assert_eq!(pair.server().counters().cookies_accepted, 1);
        let both = [(CLIENT, client), (SERVER, server)].map(|(at, id)| {
            let info = pair.hosts[at].tcp(id).unwrap().info(tcp::Instant::ZERO);
            (info.ecn, info.ecn_capable)
        });
        assert_eq!(both, [(expected, expected != Off); 2], "{timestamps} {feedback:?}");
        let data = text(300_000);
        assert!(pair.send((CLIENT, client), (SERVER, server), &data) == data);
        assert!(pair.send((SERVER, server), (CLIENT, client), &data) == data);
        let info = pair.server().tcp(server).unwrap().info(tcp::Instant::ZERO);
        assert_eq!((info.marks_delivered, info.timeouts), (0, 0), "{timestamps} {feedback:?}");
    }
}

#[test]
fn a_made_up_acknowledgment_is_no_cookie() {
    let config = Config { half_open_max: 0, ..Config::default() };
    let mut pair = Pair::with(&config, link());
    pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 64).unwrap();
    syn_only(&mut pair, 1);
    // A forged ACK: the last frame that the client sent, with another source port.
    pair.seen.clear();
    let now = pair.now;
    pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    pair.settle();
    let (_, mut ack) = pair.seen.iter().rev().find(|(from, _)| *from == CLIENT).unwrap().clone();
    let accepted = pair.server().counters().cookies_accepted;
    ack[20] ^= 1; // another port
    ack[36..38].copy_from_slice(&[0, 0]);
    let header = wire::ipv4::Header::parse(&ack).unwrap().0;
    let mut sum =
        wire::checksum::pseudo_header_v4(header.source, header.destination, 6, (ack.len() - 20) as u32);
    sum.add(&ack[20..]);
    ack[36..38].copy_from_slice(&sum.checksum().to_be_bytes());
    let resets = pair.server().counters().resets_sent;
    pair.inject(CLIENT, ack.clone());
    assert_eq!(pair.server().counters().cookies_accepted, accepted);
    assert_eq!(pair.server().counters().resets_sent, resets, "the step before it may have been lost");
    assert_eq!(pair.server().counters().discarded(Discard::TcpNoCookie), 1);
    pair.now += Duration::from_secs(200);
    pair.inject(CLIENT, ack);
    assert_eq!(pair.server().counters().resets_sent, resets + 1, "no cookie is out any more");
}

#[test]
fn a_flood_loses_no_connection_with_any_two_packets_in_a_row() {
    let config = Config { half_open_max: 0, ..Config::default() };
    let request = text(4_000);
    for lost in 0..8 {
        let mut pair = Pair::with(&config, link());
        let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 64).unwrap();
        let mut packets = 0;
        pair.fate = Box::new(move |from, _| {
            packets += usize::from(from == CLIENT);
            if from == CLIENT && (packets == lost + 1 || packets == lost + 2) {
                Fate::Lose
            } else {
                Fate::Deliver
            }
        });
        let now = pair.now;
        let id = pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
        assert_eq!(pair.client().tcp_write(now, id, &request), Ok(request.len()));
        pair.pass_time(Duration::from_secs(10));
        let accepted = pair
            .server()
            .tcp_accept(listener)
            .unwrap_or_else(|| panic!("two packets from {lost} on were lost"));
        let mut read = vec![0; 5_000];
        let now = pair.now;
        assert_eq!(pair.server().tcp_read(now, accepted.id, &mut read), Ok(request.len()), "from {lost} on");
        assert_eq!(pair.server().counters().resets_sent, 0);
    }
}

#[test]
fn the_exact_address_comes_before_any_and_v6_takes_v4_along() {
    let mut pair = Pair::new();
    let server = pair.server();
    let exact = server.tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let any = server.tcp_listen("0.0.0.0:80".parse().unwrap(), 8).unwrap();
    assert_eq!(server.tcp_listen("0.0.0.0:80".parse().unwrap(), 8), Err(Error::AddressInUse));
    assert_eq!(
        server.tcp_listen("[::]:80".parse().unwrap(), 8),
        Err(Error::AddressInUse),
        "it would take IPv4 too"
    );
    let only_v6 =
        ListenOptions { families: Families::OnlyV6, ..ListenOptions::new("[::]:80".parse().unwrap(), 8) };
    let v6 = server.tcp_listen_with(only_v6).unwrap();
    assert_eq!(server.tcp_listen("10.0.0.9:80".parse().unwrap(), 8), Err(Error::AddressNotAvailable));
    let dual = server.tcp_listen("[::]:81".parse().unwrap(), 8).unwrap();
    assert_eq!(server.tcp_listen("0.0.0.0:81".parse().unwrap(), 8), Err(Error::AddressInUse));
    pair.connect(exact, "10.0.0.2:80");
    pair.connect(v6, "[fd00::2]:80");
    pair.connect(dual, "10.0.0.2:81");
    pair.connect(dual, "[fd00::2]:81");
    assert!(pair.server().tcp_accept(any).is_none());
    let now = pair.now;
    let wildcard = pair.server().tcp_listen("[::]:0".parse().unwrap(), 8).unwrap();
    let port = pair.server().local_addr(wildcard).unwrap().port();
    assert!((49_152..=65_535).contains(&port));
    pair.close((SERVER, exact));
    let id = pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    pair.settle();
    assert!(pair.server().tcp_accept(any).is_some());
    assert!(pair.client().tcp(id).is_some());
}

#[test]
fn any_address_answers_for_whole_networks() {
    let mut pair = Pair::new();
    let link = pair.links[CLIENT];
    pair.client().add_route("0.0.0.0/0".parse().unwrap(), None, link);
    let back = pair.links[SERVER];
    pair.server().add_route("0.0.0.0/0".parse().unwrap(), None, back);
    pair.server().set_any_address(synfin_stack::AnyAddress::IsOurs);
    let listener = pair.server().tcp_listen("0.0.0.0:443".parse().unwrap(), 8).unwrap();
    let now = pair.now;
    let id = pair.client().tcp_connect(now, None, "192.0.2.77:443".parse().unwrap()).unwrap();
    pair.settle();
    let accepted = pair.server().tcp_accept(listener).unwrap();
    assert_eq!(accepted.local, "192.0.2.77:443".parse().unwrap());
    assert_eq!(pair.client().tcp(id).unwrap().state(), State::Established);
}
