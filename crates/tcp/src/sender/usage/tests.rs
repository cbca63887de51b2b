//! Was the window the limit?

use super::*;

const MSS: u32 = 1_000;

fn seq(number: u32) -> Seq {
    Seq::new(number)
}

#[test]
fn every_acknowledgment_of_a_batch_finds_the_window_used() {
    // Judged after the first of them had opened the window, the others would look unused, and a window would grow
    // by one segment a round trip instead of doubling.
    let mut usage = Usage::new(seq(0));
    usage.on_sent(10 * MSS);
    let mut cwnd = 10 * MSS;
    for acked in 1..=10 {
        assert!(usage.is_window_limited(cwnd, MSS, true), "acknowledgment {acked}");
        cwnd += MSS;
        usage.on_acked(seq(acked * MSS), seq(10 * MSS));
    }
    assert_eq!(cwnd, 20 * MSS);
}

#[test]
fn in_avoidance_a_window_is_used_when_no_segment_fits_any_more() {
    let mut usage = Usage::new(seq(0));
    usage.on_sent(8 * MSS);
    assert!(!usage.is_window_limited(10 * MSS, MSS, false));
    assert!(usage.is_window_limited(10 * MSS, MSS, true), "in slow start half of it is enough");
    usage.on_sent(9 * MSS);
    assert!(usage.is_window_limited(10 * MSS, MSS, false));
}

#[test]
fn a_window_that_is_not_used_for_a_round_trip_does_not_count_as_used() {
    let mut usage = Usage::new(seq(0));
    usage.on_sent(10 * MSS);
    usage.on_limited();
    usage.on_acked(seq(0), seq(10 * MSS));
    usage.on_sent(MSS);
    assert!(usage.is_window_limited(10 * MSS, MSS, false), "the round before still counts");
    usage.on_acked(seq(5 * MSS), seq(11 * MSS));
    assert!(usage.is_window_limited(10 * MSS, MSS, false), "the same round");
    usage.on_acked(seq(10 * MSS), seq(12 * MSS));
    assert!(!usage.is_window_limited(10 * MSS, MSS, false));
    assert!(!usage.is_window_limited(10 * MSS, MSS, true));
}

#[test]
fn what_the_pacer_or_the_window_held_back_counts_as_used() {
    let mut usage = Usage::new(seq(0));
    usage.on_sent(2 * MSS);
    assert!(!usage.is_window_limited(10 * MSS, MSS, true), "paced once is not limited");
    usage.on_limited();
    assert!(usage.is_window_limited(10 * MSS, MSS, true));
    assert!(usage.is_window_limited(10 * MSS, MSS, false));
}
