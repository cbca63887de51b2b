//! The scoreboard against a byte-by-byte model, and the stories that SACK is famous for.

use super::*;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;
use wire::tcp::SackBlock;

const MSS: u16 = 1_000;
const RTT_NS: u64 = 20_000_000;

fn block(left: Seq, right: Seq) -> SackBlock {
    SackBlock { left, right }
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

/// `segments` segments in flight from `start` on, one each millisecond.
fn in_flight(start: Seq, segments: u32) -> Flight {
    let mut flight = Flight::new(start);
    for index in 0..segments {
        let from = start + index * u32::from(MSS);
        flight.on_sent(at(index.into()), from, from + MSS.into(), MSS);
    }
    flight
}

fn segment(start: Seq, index: u32) -> SackBlock {
    let from = start + index * u32::from(MSS);
    block(from, from + u32::from(MSS))
}

#[test]
fn what_is_sacked_leaves_the_flight_and_neighbours_become_one_run() {
    let start = Seq::new(u32::MAX - 2_500);
    let mut flight = in_flight(start, 8);
    for index in [3, 5, 4] {
        let heard = flight.on_ack(at(30), start, &[segment(start, index)], &Belief::default());
        assert_eq!((heard.delivered_bytes, heard.sacked_bytes, heard.advanced_bytes), (1_000, 1_000, 0));
    }
    assert_eq!(
        (flight.in_flight_bytes(), flight.sacked_bytes(), flight.sacked_segments()),
        (5_000, 3_000, 3)
    );
    assert_eq!(flight.runs.len(), 6, "three before, one for all that is SACKed, two behind");
    let again = flight.on_ack(at(31), start, &[segment(start, 4)], &Belief::default());
    assert_eq!(again.delivered_bytes, 0, "what is reported twice is delivered once");
    let all = flight.on_ack(at(32), start + 8_000, &[], &Belief::default());
    assert_eq!((all.advanced_bytes, all.delivered_bytes), (8_000, 5_000));
    assert!(flight.is_empty() && flight.sacked_segments() == 0);
}

#[test]
fn a_super_segment_is_split_only_between_its_segments() {
    let start = Seq::new(7);
    let mut flight = Flight::new(start);
    flight.on_sent(at(0), start, start + 10_500, MSS);
    let crumbs = [
        block(start + 1, start + 2),
        block(start + 2_500, start + 3_999),
        block(start + 10_499, start + 10_500),
    ];
    let heard = flight.on_ack(at(20), start, &crumbs, &Belief::default());
    assert_eq!((heard.delivered_bytes, flight.runs.len()), (0, 1), "no whole segment is named");
    let heard = flight.on_ack(
        at(20),
        start,
        &[block(start + 2_500, start + 5_100), block(start + 10_000, start + 10_500)],
        &Belief::default(),
    );
    assert_eq!(heard.delivered_bytes, 2_500, "3000..5000 and the short last one");
    assert_eq!(flight.runs.len(), 4);
}

#[test]
fn text_is_sacked_without_the_fin_behind_it_and_the_fin_without_its_text() {
    let start = Seq::new(u32::MAX - 1_200);
    let fin = start + 1_500;
    let sent = || {
        let mut flight = Flight::new(start);
        flight.fin = Some(fin);
        flight.on_sent(at(0), start, fin + 1, MSS);
        flight
    };
    let mut flight = sent();
    let heard = flight.on_ack(at(20), start, &[block(start + 1_000, fin)], &Belief::default());
    assert_eq!((heard.delivered_bytes, heard.delivered_segments), (500, 1));
    assert_eq!((flight.in_flight_bytes(), flight.sacked_bytes(), flight.runs.len()), (1_001, 500, 3));
    assert_eq!(flight.last_segment(), Some((fin, fin + 1)), "only the FIN is left of it");
    let heard = flight.on_ack(at(21), fin, &[], &Belief::default());
    assert_eq!((heard.advanced_bytes, heard.delivered_bytes), (1_500, 1_000));
    assert_eq!((flight.in_flight_bytes(), flight.sacked_bytes(), flight.sacked_segments()), (1, 0, 0));
    let mut flight = sent();
    let heard = flight.on_ack(at(20), start, &[block(fin, fin + 1)], &Belief::default());
    assert_eq!((heard.delivered_bytes, flight.in_flight_bytes(), flight.runs.len()), (1, 1_500, 2));
    assert_eq!(flight.last_segment(), Some((fin, fin + 1)));
    // Any other byte but the last is within a segment.
    let mut flight = sent();
    let heard = flight.on_ack(at(20), start, &[block(start + 1_000, fin - 1)], &Belief::default());
    assert_eq!((heard.delivered_bytes, flight.runs.len()), (0, 1));
}

#[test]
fn a_fin_belongs_to_the_segment_before_it() {
    let start = Seq::new(9);
    for (text, whole) in [(0, 0), (1, 0), (1_000, 0), (1_001, 1_000), (3_000, 2_000)] {
        let mut flight = Flight::new(start);
        flight.fin = Some(start + text);
        flight.on_sent(at(0), start, start + text + 1, MSS);
        assert_eq!(flight.last_segment(), Some((start + whole, start + text + 1)), "{text} bytes and a FIN");
        assert_eq!(flight.is_one_segment(), text <= 1_000, "{text} bytes and a FIN");
    }
}

#[test]
fn what_goes_again_without_end_is_remembered_in_bounds() {
    // A window that stays closed is probed for days, and one that opens and closes at each round trip without an
    // acknowledgment makes us send the same byte each time.
    let start = Seq::new(5);
    let mut flight = Flight::new(start);
    flight.on_sent(at(0), start, start + 1, MSS);
    for time in 1..10_000 {
        flight.on_sent(at(time), start, start + 1, MSS);
    }
    assert!(flight.again.len() <= 2 + AGAIN_MIN, "{}", flight.again.len());
    // The last of them is known: what is delivered after it shows that it is lost.
    flight.on_sent(at(10_000), start + 1, start + 1_001, MSS);
    let heard = flight.on_ack(at(10_020), start, &[block(start + 1, start + 1_001)], &Belief::default());
    let search = flight.lose_older(at(10_020), heard.newest.expect("a delivery"), RTT_NS, LossSign::Rack);
    assert_eq!(search.lost_bytes, 1);
}

#[test]
fn a_peer_that_reports_every_second_byte_makes_no_more_runs_than_segments() {
    let start = Seq::new(1);
    let mut flight = Flight::new(start);
    for index in 0..64 {
        flight.on_sent(at(index), start + index as u32 * 64_000, start + (index as u32 + 1) * 64_000, MSS);
    }
    for byte in (1..64 * 64_000).step_by(2).take(200_000) {
        let _ = flight.on_ack(at(100), start, &[block(start + byte, start + byte + 1)], &Belief::default());
    }
    assert_eq!(flight.runs.len(), 64);
    for segment in (1..64 * 64).step_by(2) {
        let from = start + segment * 1_000;
        let _ = flight.on_ack(at(100), start, &[block(from, from + 1_000)], &Belief::default());
    }
    assert_eq!(flight.runs.len(), 64 * 64);
}

#[test]
fn a_window_of_tiny_segments_does_not_make_a_million_runs() {
    let start = Seq::new(1);
    let mut flight = Flight::new(start);
    for index in 0..200_000u32 {
        flight.on_sent(at(0), start + index * 36, start + (index + 1) * 36, 36);
    }
    assert!(flight.runs.len() <= RUNS_MAX);
    assert_eq!(flight.in_flight_bytes(), 200_000 * 36);
    let heard = flight.on_ack(at(1), start + 200_000 * 36, &[], &Belief::default());
    assert_eq!(heard.delivered_bytes, 200_000 * 36);
}

#[test]
fn rack_loses_what_was_sent_before_and_each_hole_is_sent_once() {
    let start = Seq::new(100);
    let mut flight = in_flight(start, 10);
    let heard = flight.on_ack(at(30), start, &[block(start + 5_000, start + 8_000)], &Belief::default());
    let newest = heard.newest.expect("something was delivered");
    assert_eq!((newest.sent_at, newest.end), (at(7), start + 8_000));
    let search = flight.lose_older(at(30), newest, RTT_NS, LossSign::Rack);
    assert_eq!((search.lost_bytes, search.due), (5_000, None));
    assert_eq!((flight.in_flight_bytes(), flight.lost_bytes()), (2_000, 5_000));
    let mut holes = Vec::new();
    while let Some(hole) = flight.next_lost(2_000) {
        flight.on_sent(at(31), hole.start, hole.end, MSS);
        holes.push((hole.start.bytes_since(start), hole.end.bytes_since(start)));
    }
    assert_eq!(holes, [(0, 2_000), (2_000, 4_000), (4_000, 5_000)]);
    assert_eq!((flight.lost_bytes(), flight.in_flight_bytes(), flight.resent_bytes()), (0, 7_000, 5_000));
}

#[test]
fn a_lost_retransmission_is_found_by_what_was_sent_after_it() {
    let start = Seq::new(100);
    let mut flight = in_flight(start, 3);
    let heard = flight.on_ack(at(22), start, &[segment(start, 2)], &Belief::default());
    let newest = heard.newest.expect("delivered");
    flight.lose_older(at(22), newest, 0, LossSign::Rack);
    let hole = flight.next_lost(1 << 20).expect("two segments are lost");
    flight.on_sent(at(23), hole.start, hole.end, MSS);
    flight.on_sent(at(24), start + 3_000, start + 4_000, MSS);
    let heard = flight.on_ack(at(44), start, &[block(start + 2_000, start + 4_000)], &Belief::default());
    let newest = heard.newest.expect("the new segment");
    let search = flight.lose_older(at(44), newest, RTT_NS, LossSign::Rack);
    assert_eq!(search.lost_bytes, 2_000, "sent again at 23 ms, and what left at 24 ms has arrived");
}

#[test]
fn what_is_sent_again_left_after_all_that_left_at_the_same_instant_before_it() {
    // A driver reads the clock once for many segments: the times alone do not tell.
    let start = Seq::new(1_000);
    let mut flight = in_flight(start, 3);
    let heard = flight.on_ack(at(22), start, &[segment(start, 2)], &Belief::default());
    let mut rack = heard.newest.expect("delivered");
    flight.on_sent(at(23), start + 3_000, start + 4_000, MSS);
    flight.lose_older(at(23), rack, 0, LossSign::Rack);
    flight.on_sent(at(23), start, start + 1_000, MSS);
    flight.on_sent(at(23), start + 1_000, start + 2_000, MSS);
    let new_data = [block(start + 2_000, start + 4_000)];
    rack = flight.on_ack(at(43), start, &new_data, &Belief::default()).newest.expect("the new segment");
    let search = flight.lose_older(at(43), rack, 0, LossSign::Rack);
    assert_eq!(search, Search::default(), "it had left before");
    let second_again = [block(start + 1_000, start + 4_000)];
    rack = flight.on_ack(at(43), start, &second_again, &Belief::default()).newest.expect("sent again");
    let search = flight.lose_older(at(43), rack, 0, LossSign::Rack);
    assert_eq!(search.lost_bytes, 1_000, "the first retransmission left before the second");
}

#[test]
fn what_may_only_be_late_is_waited_for() {
    let start = Seq::new(100);
    let mut flight = in_flight(start, 4);
    let heard = flight.on_ack(at(23), start, &[segment(start, 3)], &Belief::default());
    let newest = heard.newest.expect("delivered");
    let search = flight.lose_older(at(23), newest, RTT_NS + 5_000_000, LossSign::Rack);
    assert_eq!((search.lost_bytes, search.due), (0, Some(at(25))));
    let search = flight.lose_older(at(26), newest, RTT_NS + 5_000_000, LossSign::Rack);
    assert_eq!((search.lost_bytes, search.due), (2_000, Some(at(27))));
}

#[test]
fn duplicates_are_told_from_news() {
    let start = Seq::new(1_000);
    let mut flight = in_flight(start, 8);
    let below = flight.on_ack(at(20), start + 2_000, &[segment(start, 0)], &Belief::default());
    assert_eq!(below.duplicate, Some(segment(start, 0)));
    let within = [segment(start, 4), block(start + 3_000, start + 6_000)];
    let heard = flight.on_ack(at(20), start + 2_000, &within, &Belief::default());
    assert_eq!((heard.duplicate, heard.delivered_bytes), (Some(within[0]), 3_000));
    let nonsense = [
        block(start + 7_000, start + 20_000),
        block(start + 7_000, start + 7_000),
        block(start + 8_000, start + 7_000),
    ];
    let heard = flight.on_ack(at(20), start + 2_000, &nonsense, &Belief::default());
    assert_eq!((heard.duplicate, heard.delivered_bytes), (None, 0));
}

#[test]
fn reordering_is_seen_when_the_first_transmission_comes_late() {
    let start = Seq::new(1_000);
    let mut flight = in_flight(start, 4);
    assert!(
        !flight.on_ack(at(20), start, &[segment(start, 2), segment(start, 1)], &Belief::default()).reordered
    );
    assert!(flight.on_ack(at(21), start + 3_000, &[], &Belief::default()).reordered);
}

#[test]
fn an_answer_that_came_too_soon_is_no_answer_to_the_retransmission() {
    let start = Seq::new(1_000);
    let mut flight = in_flight(start, 2);
    flight.lose_first(LossSign::DuplicateAcks);
    flight.on_sent(at(25), start, start + 1_000, MSS);
    let belief = Belief { echo_ms: None, rtt_min_ns: RTT_NS };
    assert_eq!(flight.clone().on_ack(at(30), start + 1_000, &[], &belief).newest, None);
    assert!(flight.clone().on_ack(at(45), start + 1_000, &[], &belief).newest.is_some());
    let older = Belief { echo_ms: Some(24), rtt_min_ns: 0 };
    assert_eq!(flight.on_ack(at(45), start + 1_000, &[], &older).newest, None);
}

#[test]
fn what_a_peer_takes_back_counts_again() {
    let start = Seq::new(1_000);
    let mut flight = in_flight(start, 4);
    let _ = flight.on_ack(at(20), start, &[block(start + 1_000, start + 4_000)], &Belief::default());
    let _ = flight.on_ack(at(40), start + 1_000, &[], &Belief::default());
    assert!(flight.is_reneged());
    flight.forget_sacks();
    assert_eq!(flight.lose_where(LossSign::Timeout, |_| true), 3_000);
    assert_eq!((flight.in_flight_bytes(), flight.sacked_bytes(), flight.lost_bytes()), (0, 0, 3_000));
}

/// Where one byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Byte {
    InFlight,
    Sacked,
    Lost,
}

#[derive(Clone, Debug)]
enum Step {
    Send(u32),
    Ack(u32),
    Sack(u32, u32),
    LoseFirst,
    LoseOld(u64),
    Resend(u32),
    FindAgain,
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u32..6_000).prop_map(Step::Send),
        2 => (0u32..8_000).prop_map(Step::Ack),
        4 => (0u32..12_000, 1u32..6_000).prop_map(|(from, len)| Step::Sack(from, len)),
        1 => Just(Step::LoseFirst),
        2 => (0u64..50).prop_map(Step::LoseOld),
        4 => (1u32..5_000).prop_map(Step::Resend),
        1 => Just(Step::FindAgain),
        1 => Just(Step::Forget),
    ]
}

proptest! {
    #[test]
    fn the_sums_agree_with_every_byte(base in any::<u32>(), steps in proptest::collection::vec(step(), 1..80)) {
        let base = Seq::new(base);
        let (mut flight, mut model, mut una, mut nxt) = (Flight::new(base), BTreeMap::<u32, Byte>::new(), 0u32, 0u32);
        let mut newest: Option<Newest> = None;
        for (tick, step) in steps.into_iter().enumerate() {
            let now = at(10 * tick as u64);
            match step {
                Step::Send(len) => {
                    flight.on_sent(now, base + nxt, base + nxt + len, MSS);
                    (nxt..nxt + len).for_each(|byte| { model.insert(byte, Byte::InFlight); });
                    nxt += len;
                }
                Step::Ack(len) => {
                    let ack = (una + len).min(nxt);
                    let news = (una..ack).filter(|byte| model[byte] != Byte::Sacked).count();
                    let heard = flight.on_ack(now, base + ack, &[], &Belief::default());
                    prop_assert_eq!((heard.advanced_bytes, heard.delivered_bytes as usize), (ack - una, news));
                    (una..ack).for_each(|byte| { model.remove(&byte); });
                    una = ack;
                    newest = newest.max_by_time(heard.newest);
                }
                Step::Sack(from, len) => {
                    let (left, right) = (una + from, (una + from + len).min(nxt));
                    if left < right {
                        let heard = flight.on_ack(now, base + una, &[block(base + left, base + right)], &Belief::default());
                        prop_assert!(heard.delivered_bytes <= right - left);
                        // Which whole segments it names is the scoreboard's to know; the sums must agree.
                        for run in flight.runs.iter() {
                            if run.place == Place::Sacked {
                                let (start, end) = (run.start.bytes_since(base), run.end.bytes_since(base));
                                (start..end).for_each(|byte| { model.insert(byte, Byte::Sacked); });
                            }
                        }
                        newest = newest.max_by_time(heard.newest);
                    }
                }
                Step::LoseFirst => {
                    let bytes = flight.lose_first(LossSign::DuplicateAcks);
                    (una..una + bytes).for_each(|byte| { model.insert(byte, Byte::Lost); });
                }
                Step::LoseOld(patience_ms) => {
                    if let Some(newest) = newest {
                        let search = flight.lose_older(now, newest, patience_ms * 1_000_000, LossSign::Rack);
                        prop_assert!(search.due.is_none_or(|due| due > now));
                        for run in flight.runs.iter() {
                            if matches!(run.place, Place::Lost(_)) {
                                let (start, end) = (run.start.bytes_since(base), run.end.bytes_since(base));
                                (start..end).for_each(|byte| { model.insert(byte, Byte::Lost); });
                            } else if run.place == Place::InFlight {
                                let old = newest.is_after(run.newest()) && run.sent_at.plus_nanos(patience_ms * 1_000_000) <= now;
                                prop_assert!(!old, "an old run stays: {:?}", run);
                            }
                        }
                    }
                }
                Step::Resend(most) => {
                    let first = (una..nxt).find(|byte| model[byte] == Byte::Lost);
                    let hole = flight.next_lost(most);
                    prop_assert_eq!(hole.map(|hole| hole.start.bytes_since(base)), first);
                    if let Some(hole) = hole {
                        let (start, end) = (hole.start.bytes_since(base), hole.end.bytes_since(base));
                        prop_assert!(end - start <= most && (start..end).all(|byte| model[&byte] == Byte::Lost));
                        flight.on_sent(now, hole.start, hole.end, MSS);
                        (start..end).for_each(|byte| { model.insert(byte, Byte::InFlight); });
                    }
                }
                Step::FindAgain => {
                    flight.find_again();
                    model.values_mut().for_each(|byte| if *byte == Byte::Lost { *byte = Byte::InFlight });
                }
                Step::Forget => {
                    flight.forget_sacks();
                    model.values_mut().for_each(|byte| if *byte == Byte::Sacked { *byte = Byte::InFlight });
                }
            }
            let count = |place| model.values().filter(|byte| **byte == place).count() as u32;
            prop_assert_eq!(
                (flight.in_flight_bytes(), flight.sacked_bytes(), flight.lost_bytes()),
                (count(Byte::InFlight), count(Byte::Sacked), count(Byte::Lost))
            );
            prop_assert_eq!(flight.sacked_segments() == 0, flight.sacked_bytes() == 0);
            let resent: u32 =
                flight.runs.iter().filter(|run| run.times > 0 && run.place == Place::InFlight).map(Run::bytes).sum();
            prop_assert_eq!(flight.resent_bytes(), resent);
            let mut expected = base + una;
            for run in flight.runs.iter() {
                prop_assert!(run.start == expected && run.start.before(run.end), "runs follow each other");
                expected = run.end;
            }
            prop_assert_eq!(expected, base + nxt);
        }
    }
}

trait MaxByTime {
    fn max_by_time(self, newest: Option<Newest>) -> Self;
}

impl MaxByTime for Option<Newest> {
    fn max_by_time(self, newest: Option<Newest>) -> Self {
        match (self, newest) {
            (Some(old), Some(new)) if old.is_after(new) => Some(old),
            (old, new) => new.or(old),
        }
    }
}
