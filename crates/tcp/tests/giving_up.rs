//! When the peer is not heard: R1, R2, the user timeout, keep-alives (RFC 9293 §3.8.3, §3.8.4, §3.10.8).

mod pair;

use pair::{Fate, Pair, Side};
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::{Config, Error, Event, KeepAlive, SendReason, State};

#[test]
fn r1_doubts_the_path_and_goes_on_trying() {
    // MUST-20, SHLD-9, SHLD-10.
    let mut pair = Pair::established();
    pair.fate = Box::new(|_| Fate::Lose);
    let now = pair.now;
    pair.client.write(now, b"into the void").expect("room");
    pair.run_for(Duration::from_millis(1_000));
    assert!(!pair.client_events.contains(&Event::PathDoubted), "two retransmissions happen");
    pair.run_for(Duration::from_millis(1_000));
    assert_eq!(pair.client_events.iter().filter(|event| **event == Event::PathDoubted).count(), 1);
    assert!(pair.client.doubts_path());
    assert_eq!(pair.client.state(), State::Established);
    pair.fate = Box::new(|_| Fate::Deliver);
    pair.run_for(Duration::from_secs(10));
    assert_eq!(pair.read_all(Side::Server), b"into the void");
    assert_eq!(pair.client_events.iter().filter(|event| **event == Event::PathDoubted).count(), 1);
}

#[test]
fn r1_is_told_of_a_syn_too_and_can_be_turned_off() {
    // MUST-22, SHLD-20.
    for (r1, told) in [(3, 1), (0, 0)] {
        let mut pair = Pair::with(Config { retries_until_doubt: r1, ..Config::default() }, Config::default());
        pair.fate = Box::new(|_| Fate::Lose);
        pair.run_for(Duration::from_secs(60));
        assert_eq!(pair.client_events.iter().filter(|event| **event == Event::PathDoubted).count(), told);
    }
}

#[test]
fn r2_is_more_than_a_hundred_seconds_and_three_minutes_for_a_syn() {
    // SHLD-11, MUST-23.
    let mut pair = Pair::established();
    pair.fate = Box::new(|_| Fate::Lose);
    let now = pair.now;
    pair.client.write(now, b"into the void").expect("room");
    pair.run_for(Duration::from_secs(100));
    assert_eq!(pair.client.state(), State::Established);
    pair.run_for(Duration::from_secs(1_000));
    assert_eq!((pair.client.state(), pair.client.failure()), (State::Closed, Some(Error::TimedOut)));
    let mut pair = Pair::new();
    pair.fate = Box::new(|_| Fate::Lose);
    pair.run_for(Duration::from_secs(180));
    assert_eq!(pair.client.state(), State::SynSent);
    pair.run_for(Duration::from_secs(100));
    assert_eq!(pair.client.failure(), Some(Error::TimedOut));
}

#[test]
fn a_user_timeout_set_later_counts_and_taken_away_does_not() {
    let mut pair = Pair::established();
    pair.fate = Box::new(|_| Fate::Lose);
    let now = pair.now;
    pair.client.write(now, b"into the void").expect("room");
    pair.flush();
    let timeout = |seconds: Option<u64>| {
        Arc::new(Config { user_timeout: seconds.map(Duration::from_secs), ..Config::default() })
    };
    pair.client.set_config(now, timeout(Some(10)));
    pair.run_for(Duration::from_secs(5));
    let now = pair.now;
    pair.client.set_config(now, timeout(None));
    pair.run_for(Duration::from_secs(20));
    assert_eq!(pair.client.state(), State::Established);
    let now = pair.now;
    pair.client.set_config(now, timeout(Some(10)));
    pair.run_for(Duration::from_secs(11));
    assert_eq!(pair.client.failure(), Some(Error::TimedOut));
}

#[test]
fn keep_alives_stand_losses_and_end_with_an_answer() {
    // MUST-26, MUST-29, SHLD-12.
    let keep_alive =
        KeepAlive { idle: Duration::from_secs(60), interval: Duration::from_secs(10), probes: 5 };
    let config = Config { keep_alive: Some(keep_alive), ..Config::default() };
    let mut pair = Pair::with(config, Config::default()).opened();
    let mut count = 0;
    pair.fate = Box::new(move |sent| {
        count += usize::from(sent.from == Side::Client);
        if sent.from == Side::Client && !count.is_multiple_of(4) { Fate::Lose } else { Fate::Deliver }
    });
    pair.run_for(Duration::from_secs(10_000));
    assert_eq!(pair.states(), (State::Established, State::Established), "one probe in four arrives");
    let probes: Vec<_> = pair.log.iter().filter(|sent| sent.why.name() == "keep-alive").collect();
    assert!(probes.len() > 300 && probes.iter().all(|sent| sent.len == 0));
    // Not while something is in flight: the retransmission timer looks after the peer.
    pair.fate = Box::new(|_| Fate::Lose);
    let now = pair.now;
    pair.client.write(now, b"into the void").expect("room");
    pair.log.clear();
    pair.run_for(Duration::from_secs(200));
    assert!(pair.log.iter().all(|sent| sent.why.name() != "keep-alive"));
}

#[test]
fn a_user_timeout_ends_unanswered_keep_alives() {
    let keep_alive =
        KeepAlive { idle: Duration::from_secs(60), interval: Duration::from_secs(10), probes: 200 };
    let user_timeout = Some(Duration::from_secs(90));
    let config = Config { keep_alive: Some(keep_alive), user_timeout, ..Config::default() };
    let mut pair = Pair::with(config, Config::default()).opened();
    pair.run_for(Duration::from_secs(10_000));
    assert_eq!(pair.client.state(), State::Established, "the peer answers");
    pair.fate = Box::new(|_| Fate::Lose);
    pair.run_for(Duration::from_secs(200));
    assert_eq!(pair.client.failure(), Some(Error::TimedOut));
}

#[test]
fn the_default_interval_of_keep_alives_is_two_hours() {
    // MUST-28.
    let config = Config { keep_alive: Some(KeepAlive::default()), ..Config::default() };
    let mut pair = Pair::with(config, Config::default()).opened();
    pair.run_for(Duration::from_secs(7_190));
    assert!(pair.log.is_empty());
    pair.run_for(Duration::from_secs(20));
    assert_eq!(pair.log[0].why.name(), "keep-alive");
}

#[test]
fn a_user_timeout_counts_from_the_open_that_a_listener_turned_to() {
    let config = Arc::new(Config { user_timeout: Some(Duration::from_secs(10)), ..Config::default() });
    let mut pair = Pair::new();
    pair.fate = Box::new(|_| Fate::Lose);
    pair.client = synfin_tcp::Connection::listen(pair.now, pair::birth(pair::CLIENT_ISS), config);
    pair.run_for(Duration::from_secs(3_600));
    assert_eq!(pair.client.state(), State::Listen, "a listener waits as long as it likes");
    let now = pair.now;
    assert!(pair.client.open(now));
    pair.run_for(Duration::from_secs(9));
    assert_eq!(pair.client.state(), State::SynSent);
    pair.run_for(Duration::from_secs(2));
    assert_eq!(pair.client.failure(), Some(Error::TimedOut));
}

#[test]
fn back_off_doubles_and_r2_gives_up() {
    // A probe of the tail goes before all that (RFC 8985 §7.2: no later than the timeout), and is no retry.
    let cases: [(bool, &[u64]); 2] = [
        (false, &[0, 220, 660, 1_540, 3_300, 6_820, 13_860]),
        (true, &[0, 220, 440, 880, 1_760, 3_520, 7_040, 14_080]),
    ];
    for (tail_loss_probes, expected) in cases {
        let config = Config { retries: 6, tail_loss_probes, ..Config::default() };
        let mut pair = Pair::with(config, Config::default()).opened();
        pair.fate = Box::new(|_| Fate::Lose);
        let start = pair.now;
        pair.client.write(start, b"into the void").expect("room");
        pair.run_for(Duration::from_secs(60));
        let at: Vec<u64> = pair
            .log
            .iter()
            .filter(|sent| sent.len > 0)
            .map(|sent| sent.at.since(start).as_millis() as u64)
            .collect();
        assert_eq!(at, expected);
        let probes = pair.log.iter().filter(|sent| sent.why == SendReason::TailLossProbe).count();
        assert_eq!(probes, usize::from(tail_loss_probes));
        assert_eq!(pair.client.failure(), Some(Error::TimedOut));
        assert_eq!(pair.client.state(), State::Closed);
        assert_eq!(pair.log.last().map(|sent| sent.why.name()), Some("rst-gave-up"));
    }
}

#[test]
fn the_user_timeout_ends_what_r2_would_still_try() {
    let config = Config { user_timeout: Some(Duration::from_secs(5)), ..Config::default() };
    let mut pair = Pair::with(config, Config::default()).opened();
    let now = pair.now;
    pair.client.write(now, b"x").expect("room");
    pair.drive();
    pair.run_for(Duration::from_secs(60));
    assert_eq!(pair.client.state(), State::Established, "an idle connection has no user timeout");
    pair.fate = Box::new(|_| Fate::Lose);
    let now = pair.now;
    pair.client.write(now, b"y").expect("room");
    pair.run_for(Duration::from_millis(4_999));
    assert_eq!(pair.client.state(), State::Established);
    pair.run_for(Duration::from_millis(2));
    assert_eq!(pair.client_events.last(), Some(&Event::Closed));
    assert_eq!(pair.client.failure(), Some(Error::TimedOut));
}
