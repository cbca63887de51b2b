//! RACK's window of reordering, and what the newest delivery says (RFC 8985 §6.2).

use super::*;
use crate::sender::flight::{Belief, Flight};
use wire::tcp::SackBlock;

const MS: u64 = 1_000_000;

fn at_ms(millis: u64) -> Instant {
    Instant::from_nanos(millis * MS)
}

fn around(is_recovering: bool, sacked_segments: u32) -> Circumstances {
    Circumstances { is_recovering, sacked_segments, rtt_min_ns: 40 * MS, srtt_ns: 50 * MS }
}

#[test]
fn without_reordering_three_sacked_segments_or_a_recovery_need_no_patience() {
    let none = Reordering::NONE;
    assert_eq!(none.window_ns(around(false, 2)), 10 * MS, "a quarter of the shortest round trip");
    assert_eq!(none.window_ns(around(false, 3)), 0);
    assert_eq!(none.window_ns(around(true, 0)), 0);
    let seen = Reordering { seen: true, ..none };
    assert_eq!(seen.window_ns(around(false, 3)), 10 * MS);
    assert_eq!(seen.window_ns(around(true, 3)), 10 * MS);
}

#[test]
fn patience_grows_once_a_round_trip_up_to_srtt_and_ends_after_sixteen_recoveries() {
    let (mut rack, mut reordering) = (Rack::new(0), Reordering { seen: true, ..Reordering::NONE });
    let window = |reordering: Reordering| reordering.window_ns(around(false, 0)) / MS;
    rack.on_duplicate(Seq::new(100), Seq::new(500), &mut reordering);
    assert_eq!(window(reordering), 20);
    rack.on_duplicate(Seq::new(499), Seq::new(900), &mut reordering);
    assert_eq!(window(reordering), 20, "the same round");
    for round in 1..10 {
        rack.on_duplicate(Seq::new(500 * round), Seq::new(500 * round + 500), &mut reordering);
    }
    assert_eq!(window(reordering), 50, "SRTT is the most");
    for _ in 0..15 {
        reordering.on_recovered();
    }
    assert_eq!(window(reordering), 50);
    reordering.on_recovered();
    assert_eq!(window(reordering), 10);
    reordering.on_recovered();
    assert_eq!(window(reordering), 10);
}

#[test]
fn the_multiplier_does_not_wrap() {
    let (mut rack, mut reordering) = (Rack::new(0), Reordering { seen: true, ..Reordering::NONE });
    for round in 0..1_000u32 {
        rack.on_duplicate(Seq::new(500 * round), Seq::new(500 * round + 500), &mut reordering);
    }
    assert_eq!(reordering.window_ns(around(true, 3)), 50 * MS);
    let slow = Circumstances { rtt_min_ns: u64::MAX, srtt_ns: u64::MAX, ..around(true, 3) };
    assert_eq!(reordering.window_ns(slow), u64::MAX);
}

/// Ten segments of 1,000 bytes, one each millisecond from 0 on.
fn flight() -> Flight {
    let mut flight = Flight::new(Seq::new(0));
    for index in 0..10 {
        let from = Seq::new(index * 1_000);
        flight.on_sent(at_ms(index.into()), from, from + 1_000, 1_000);
    }
    flight
}

#[test]
fn nothing_is_lost_before_something_sent_later_arrives() {
    let (mut flight, rack) = (flight(), Rack::new(20 * MS));
    assert_eq!(rack.detect(at_ms(1_000), &mut flight, 0, LossSign::Rack), Search::default());
}

#[test]
fn a_quarter_of_the_shortest_round_trip_is_waited_to_the_nanosecond() {
    let (mut flight, mut rack) = (flight(), Rack::new(0));
    let third = SackBlock { left: Seq::new(2_000), right: Seq::new(3_000) };
    let heard = flight.on_ack(at_ms(42), Seq::new(0), &[third], &Belief::default());
    rack.on_delivered(at_ms(42), heard.newest.expect("delivered"));
    let window_ns = Reordering::NONE.window_ns(around(false, 1));
    // The first left at 0: it counts as lost at its own time, plus RACK.rtt of 40 ms, plus 10 ms.
    let search = rack.detect(at_ms(42), &mut flight, window_ns, LossSign::Rack);
    assert_eq!(search, Search { lost_bytes: 0, due: Some(at_ms(50)) });
    let before = Instant::from_nanos(50 * MS - 1);
    assert_eq!(rack.detect(before, &mut flight, window_ns, LossSign::Rack).lost_bytes, 0);
    assert!(!rack.is_overdue(before, at_ms(0), window_ns));
    let search = rack.detect(at_ms(50), &mut flight, window_ns, LossSign::Rack);
    assert_eq!(search, Search { lost_bytes: 1_000, due: Some(at_ms(51)) });
    assert!(rack.is_overdue(at_ms(50), at_ms(0), window_ns));
}

#[test]
fn an_older_delivery_does_not_become_the_newest() {
    let (mut flight, mut rack) = (flight(), Rack::new(0));
    let sixth = SackBlock { left: Seq::new(5_000), right: Seq::new(6_000) };
    let heard = flight.on_ack(at_ms(25), Seq::new(0), &[sixth], &Belief::default());
    rack.on_delivered(at_ms(25), heard.newest.expect("delivered"));
    let heard = flight.on_ack(at_ms(26), Seq::new(1_000), &[sixth], &Belief::default());
    rack.on_delivered(at_ms(26), heard.newest.expect("delivered"));
    let search = rack.detect(at_ms(60), &mut flight, 0, LossSign::Rack);
    assert_eq!(search.lost_bytes, 4_000, "all that left before the sixth");
}
