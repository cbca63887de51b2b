//! TIME-WAIT in its compact table: reuse, bounds, and nothing left behind.

use crate::world::{CLIENT, Fate, Pair, SERVER, link, usage};
use std::time::Duration;
use synfin_stack::{Config, SocketId, Usage};
use tcp::State;

#[test]
fn a_closed_connection_becomes_small_and_then_nothing() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    pair.close((CLIENT, client));
    pair.close((SERVER, server));
    assert_eq!(pair.client().usage().counts(), usage(|used| (used.time_waits, used.flows) = (1, 1)));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.listeners = 1));
    pair.pass_time(Duration::from_secs(59));
    assert_eq!(pair.client().usage().time_waits, 1);
    pair.pass_time(Duration::from_secs(2));
    assert_eq!(pair.client().usage().counts(), Usage::default());
    assert_eq!(pair.client().poll_timeout(), None);
}

#[test]
fn a_retransmitted_fin_is_acknowledged_and_starts_the_time_again() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    pair.close((CLIENT, client));
    // The acknowledgment of the server's FIN is lost.
    pair.fate = Box::new(|from, _| if from == CLIENT { Fate::Lose } else { Fate::Deliver });
    pair.close((SERVER, server));
    assert_eq!(pair.client().usage().time_waits, 1);
    assert_eq!(pair.server().usage().connections, 1, "in LAST-ACK");
    pair.fate = Box::new(|_, _| Fate::Deliver);
    pair.pass_time(Duration::from_secs(30));
    assert_eq!(pair.server().usage().connections, 0, "its FIN came again and was acknowledged");
    pair.pass_time(Duration::from_millis(30_100));
    assert_eq!(pair.client().usage().time_waits, 1, "2 MSL count from the second FIN");
    pair.pass_time(Duration::from_secs(2));
    assert_eq!(pair.client().usage().time_waits, 0);
}

#[test]
fn a_newer_syn_reopens_the_same_pair_of_ends() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (local, remote) = ("10.0.0.1:5000".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
    for _ in 0..3 {
        let now = pair.now;
        let id = pair.client().tcp_connect(now, Some(local), remote).unwrap();
        pair.settle();
        let accepted = pair.server().tcp_accept(listener).expect("opened again").id;
        // The server closes first, so TIME-WAIT is at the server.
        pair.close((SERVER, accepted));
        pair.close((CLIENT, id));
        assert_eq!((pair.client().usage().time_waits, pair.server().usage().time_waits), (0, 1));
        pair.pass_time(Duration::from_millis(10));
    }
    assert_eq!(pair.server().counters().time_waits_reopened, 2);
}

#[test]
fn a_newer_syn_reopens_even_while_the_application_holds_the_old_connection() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (local, remote) = ("10.0.0.1:5000".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
    let now = pair.now;
    let id = pair.client().tcp_connect(now, Some(local), remote).unwrap();
    pair.settle();
    let held = pair.server().tcp_accept(listener).unwrap().id;
    pair.server().tcp_finish(now, held).unwrap();
    pair.settle();
    pair.close((CLIENT, id));
    assert_eq!(pair.server().tcp(held).unwrap().state(), State::TimeWait);
    pair.pass_time(Duration::from_millis(10));
    let now = pair.now;
    pair.client().tcp_connect(now, Some(local), remote).unwrap();
    pair.settle();
    let new = pair.server().tcp_accept(listener).expect("opened again").id;
    assert_eq!(pair.server().tcp(new).unwrap().state(), State::Established);
    assert_eq!(pair.server().tcp_read(now, held, &mut [0; 1]), Ok(0), "the old one keeps what it had");
    pair.close((SERVER, held));
    assert_eq!(pair.server().tcp(new).unwrap().state(), State::Established);
}

#[test]
fn an_active_open_reuses_its_own_time_wait_above_the_old_numbers() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (local, remote) = ("10.0.0.1:5000".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
    let now = pair.now;
    let first = pair.client().tcp_connect(now, Some(local), remote).unwrap();
    pair.settle();
    let accepted = pair.server().tcp_accept(listener).unwrap().id;
    let data = vec![7; 1_000_000];
    assert_eq!(pair.send((CLIENT, first), (SERVER, accepted), &data).len(), data.len());
    let old = pair.client().tcp(first).unwrap().snapshot().snd_nxt;
    pair.close((CLIENT, first));
    pair.close((SERVER, accepted));
    assert_eq!(pair.client().usage().time_waits, 1);
    let now = pair.now;
    let second = pair.client().tcp_connect(now, Some(local), remote).expect("TIME-WAIT does not block it");
    assert!(pair.client().tcp(second).unwrap().snapshot().iss.after(old), "beyond the old connection");
    assert_eq!(pair.client().usage().time_waits, 0);
    pair.settle();
    assert!(pair.server().tcp_accept(listener).is_some());
}

#[test]
fn the_oldest_goes_when_the_table_is_full() {
    let config = Config { time_waits_max: 10, ..Config::default() };
    let mut pair = Pair::with(&config, link());
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    for _ in 0..25 {
        let (client, server) = pair.connect(listener, "10.0.0.2:80");
        pair.close((CLIENT, client));
        pair.close((SERVER, server));
    }
    assert_eq!(pair.client().usage().time_waits, 10);
    assert_eq!(pair.client().counters().time_waits_forgotten, 15);
}

#[test]
fn ten_thousand_connections_in_a_row_leave_nothing_behind() {
    let mut pair = Pair::new();
    pair.keep_seen = false;
    let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
    for n in 0..10_000 {
        let (client, server) =
            pair.connect(listener, if n % 2 == 0 { "10.0.0.2:80" } else { "[fd00::2]:80" });
        let now = pair.now;
        pair.client().tcp_write(now, client, b"GET / HTTP/1.1\r\n\r\n").unwrap();
        pair.settle();
        assert_eq!(pair.server().tcp_read(now, server, &mut [0; 100]), Ok(18));
        let (first, second) = if n % 3 == 0 {
            ((CLIENT, client), (SERVER, server))
        } else {
            ((SERVER, server), (CLIENT, client))
        };
        pair.close(first);
        pair.close(second);
        pair.now += Duration::from_micros(100);
    }
    assert_eq!((pair.client().usage().connections, pair.server().usage().connections), (0, 0));
    pair.pass_time(Duration::from_secs(61));
    assert_eq!(pair.client().usage().counts(), Usage::default());
    assert_eq!(pair.server().usage().counts(), usage(|used| used.listeners = 1));
    assert_eq!((pair.client().poll_timeout(), pair.server().poll_timeout()), (None, None));
    assert_eq!(pair.client().counters().discarded_total(), 0, "{:?}", pair.client().counters());
    assert_eq!(pair.server().counters().discarded_total(), 0, "{:?}", pair.server().counters());
}

/// A server in TIME-WAIT for 10.0.0.1:5000, and its listener.
fn server_in_time_wait(config: &Config, backlog: usize) -> (Pair, SocketId) {
    let mut pair = Pair::with(config, link());
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), backlog).unwrap();
    let id = connect_again(&mut pair);
    let accepted = pair.server().tcp_accept(listener).unwrap().id;
    pair.close((SERVER, accepted));
    pair.close((CLIENT, id));
    assert_eq!((pair.client().usage().time_waits, pair.server().usage().time_waits), (0, 1));
    pair.pass_time(Duration::from_millis(10));
    (pair, listener)
}

/// The client connects from the port that the server remembers.
fn connect_again(pair: &mut Pair) -> SocketId {
    let now = pair.now;
    let ends = ("10.0.0.1:5000".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
    let id = pair.client().tcp_connect(now, Some(ends.0), ends.1).unwrap();
    pair.settle();
    id
}

/// Lets frames of one host pass and loses those of the other.
fn lose_from(pair: &mut Pair, lost: usize) {
    pair.fate = Box::new(move |from, _| if from == lost { Fate::Lose } else { Fate::Deliver });
}

#[test]
fn time_wait_stays_while_nobody_takes_the_newer_syn() {
    // A full accept queue: the SYN is dropped, and its sender tries again.
    let (mut pair, listener) = server_in_time_wait(&Config::default(), 1);
    let now = pair.now;
    pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    pair.settle();
    assert_eq!(pair.server().tcp_acceptable(listener), 1);
    let id = connect_again(&mut pair);
    assert_eq!(pair.server().usage().time_waits, 1);
    assert_eq!(pair.server().counters().time_waits_reopened, 0);
    // No listener: it is answered as TIME-WAIT answers any SYN, and the answer to that is believed.
    pair.close((CLIENT, id));
    pair.close((SERVER, listener));
    pair.fate = Box::new(|from, frame| {
        let is_reset = frame[33] & 4 != 0;
        if from == CLIENT && is_reset { Fate::Lose } else { Fate::Deliver }
    });
    let id = connect_again(&mut pair);
    assert_eq!(pair.server().usage().time_waits, 1);
    assert_eq!(pair.client().tcp(id).unwrap().state(), State::SynSent, "it asked the old connection back");
    pair.fate = Box::new(|_, _| Fate::Deliver);
    pair.pass_time(Duration::from_secs(2));
    assert_eq!(pair.server().usage().time_waits, 0, "the answer to a challenge");
}

#[test]
fn time_wait_comes_back_when_the_handshake_comes_to_nothing() {
    let (mut pair, listener) = server_in_time_wait(&Config::default(), 8);
    let remembered = pair.server().tcp_census();
    lose_from(&mut pair, SERVER);
    let id = connect_again(&mut pair);
    assert_eq!(
        pair.server().usage().counts(),
        usage(|used| {
            (used.listeners, used.connections, used.half_open, used.flows, used.timers) = (1, 1, 1, 1, 1);
        }),
        "set aside"
    );
    let now = pair.now;
    pair.client().tcp_abort(now, id).unwrap();
    pair.fate = Box::new(|_, _| Fate::Deliver);
    // The SYN-ACK comes again, and nobody is there: a reset.
    pair.pass_time(Duration::from_secs(4));
    assert_eq!(
        pair.server().usage().counts(),
        usage(|used| (used.listeners, used.time_waits, used.flows) = (1, 1, 1))
    );
    assert_eq!(pair.server().tcp_census(), remembered);
    assert_eq!(pair.server().counters().time_waits_reopened, 0);
    // Its time went on meanwhile.
    pair.pass_time(Duration::from_secs(57));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.listeners = 1));
    assert!(pair.server().tcp_accept(listener).is_none());
}

#[test]
fn time_wait_comes_back_when_the_listener_goes_and_is_over_when_its_time_is() {
    for (wait, left) in [(0, 1), (58, 0)] {
        let (mut pair, listener) = server_in_time_wait(&Config::default(), 8);
        lose_from(&mut pair, CLIENT);
        pair.pass_time(Duration::from_secs(wait));
        lose_from(&mut pair, SERVER);
        connect_again(&mut pair);
        assert_eq!((pair.server().usage().half_open, pair.server().usage().time_waits), (1, 0));
        pair.pass_time(Duration::from_secs(3));
        pair.close((SERVER, listener));
        assert_eq!((pair.server().usage().half_open, pair.server().usage().time_waits), (0, left));
        assert_eq!(pair.server().usage().flows, left);
        pair.pass_time(Duration::from_secs(90));
        assert_eq!(pair.server().usage().counts(), Usage::default());
    }
}

#[test]
fn a_cookie_reopens_when_it_comes_back_and_not_before() {
    let (mut reopened, mut challenged) = (0, 0);
    for secret in 0..12u64 {
        let config = Config { half_open_max: 0, ..Config::default() };
        let (mut pair, listener) = server_in_time_wait(&config, 8);
        pair.pass_time(Duration::from_secs(secret * 4));
        pair.fate = Box::new(|from, frame| {
            let is_bare_ack = frame[33] == 0x10;
            if from == CLIENT && is_bare_ack { Fate::Lose } else { Fate::Deliver }
        });
        let sent = pair.server().counters().cookies_sent;
        let id = connect_again(&mut pair);
        if pair.server().counters().cookies_sent == sent {
            // The number is too small: the SYN is challenged, and the reset that answers makes room for its next one.
            assert_eq!(pair.server().usage().time_waits, 0);
            pair.fate = Box::new(|_, _| Fate::Deliver);
            pair.pass_time(Duration::from_secs(2));
            assert_eq!(pair.client().tcp(id).unwrap().state(), State::Established);
            assert!(pair.server().tcp_accept(listener).is_some());
            challenged += 1;
            continue;
        }
        assert_eq!(pair.server().usage().time_waits, 1);
        pair.fate = Box::new(|_, _| Fate::Deliver);
        let now = pair.now;
        assert_eq!(pair.client().tcp_write(now, id, b"third step"), Ok(10));
        pair.settle();
        assert!(pair.server().tcp_accept(listener).is_some());
        assert_eq!((pair.server().usage().time_waits, pair.server().counters().time_waits_reopened), (0, 1));
        reopened += 1;
    }
    assert!(reopened > 0, "some number of a cookie is large enough");
    assert!(challenged > 0, "and some is not");
}

#[test]
fn the_third_step_again_opens_nothing_in_time_wait() {
    // A cookie is good for two minutes, and its connection may be over before; what comes late belongs to that.
    let config = Config { half_open_max: 0, ..Config::default() };
    for is_held in [false, true] {
        let mut pair = Pair::with(&config, link());
        let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
        let id = connect_again(&mut pair);
        let is_third_step = |(from, frame): &&(usize, Vec<u8>)| *from == CLIENT && frame[33] == 0x10;
        let third_step = pair.seen.iter().find(is_third_step).expect("it was sent").1.clone();
        let accepted = pair.server().tcp_accept(listener).unwrap().id;
        let now = pair.now;
        if is_held {
            pair.client().tcp_write(now, id, b"not read yet").unwrap();
            pair.settle();
            pair.server().tcp_finish(now, accepted).unwrap();
            pair.settle();
        } else {
            pair.close((SERVER, accepted));
        }
        pair.close((CLIENT, id));
        pair.pass_time(Duration::from_millis(10));
        pair.inject(CLIENT, third_step);
        pair.settle();
        assert!(pair.server().tcp_accept(listener).is_none());
        assert_eq!(pair.server().counters().cookies_accepted, 1);
        assert_eq!(pair.server().counters().time_waits_reopened, 0);
        assert_eq!(pair.server().usage().flows, 1);
        if is_held {
            let now = pair.now;
            assert_eq!(pair.server().tcp_read(now, accepted, &mut [0; 20]), Ok(12), "it is not lost");
        }
    }
}

#[test]
fn a_connection_that_its_application_holds_in_time_wait_comes_back_too() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let id = connect_again(&mut pair);
    let held = pair.server().tcp_accept(listener).unwrap().id;
    let now = pair.now;
    pair.server().tcp_finish(now, held).unwrap();
    pair.settle();
    pair.close((CLIENT, id));
    pair.pass_time(Duration::from_millis(10));
    for closes_meanwhile in [false, true] {
        lose_from(&mut pair, SERVER);
        let id = connect_again(&mut pair);
        assert_eq!((pair.server().usage().half_open, pair.server().usage().flows), (1, 1));
        if closes_meanwhile {
            pair.close((SERVER, held));
        } else {
            assert_eq!(pair.server().tcp(held).unwrap().state(), State::TimeWait);
        }
        let now = pair.now;
        pair.client().tcp_abort(now, id).unwrap();
        pair.close((CLIENT, id));
        pair.fate = Box::new(|_, _| Fate::Deliver);
        pair.pass_time(Duration::from_secs(4));
        assert_eq!((pair.server().usage().half_open, pair.server().usage().flows), (0, 1));
    }
    assert_eq!(pair.server().usage().time_waits, 1, "closed, it became small when it came back");
    pair.pass_time(Duration::from_secs(60));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.listeners = 1));
}
