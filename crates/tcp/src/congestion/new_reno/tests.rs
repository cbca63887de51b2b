use super::super::tests::{MSS, acked, at_ms, lost, marked, round_trip};
use super::*;

#[test]
fn doubles_per_round_trip_then_adds_one_segment() {
    let mut reno = NewReno::new(10 * MSS);
    round_trip(&mut reno, 0, 100);
    assert_eq!(reno.cwnd_bytes(), 20 * MSS);
    assert_eq!(reno.explain(), Growth::SlowStart);
    reno.on_congestion(&lost(100, 20 * MSS));
    assert_eq!((reno.cwnd_bytes(), reno.ssthresh_bytes()), (10 * MSS, 10 * MSS));
    assert_eq!(reno.explain(), Growth::Linear);
    (0..9).for_each(|_| reno.on_acked(&acked(200, MSS)));
    assert_eq!(reno.cwnd_bytes(), 10 * MSS);
    reno.on_acked(&acked(200, MSS));
    assert_eq!(reno.cwnd_bytes(), 11 * MSS);
}

#[test]
fn bytes_count_and_not_acknowledgments() {
    let mut reno = NewReno::new(10 * MSS);
    reno.on_congestion(&lost(0, 20 * MSS));
    let begun = reno.cwnd_bytes();
    (0..begun - 1).for_each(|_| reno.on_acked(&acked(100, 1)));
    assert_eq!(reno.cwnd_bytes(), begun);
    reno.on_acked(&acked(100, 1));
    assert_eq!(reno.cwnd_bytes(), begun + MSS);
}

#[test]
fn one_acknowledgment_of_everything_adds_one_segment_only() {
    let mut reno = NewReno::new(10 * MSS);
    reno.on_congestion(&lost(0, 20 * MSS));
    reno.on_acked(&acked(100, 1_000 * MSS));
    assert_eq!(reno.cwnd_bytes(), 6 * MSS);
}

#[test]
fn a_limit_bounds_what_one_acknowledgment_opens() {
    let mut reno = NewReno::new(10 * MSS);
    reno.on_acked(&Acked { growth_bytes_max: 2 * MSS, ..acked(0, 8 * MSS) });
    assert_eq!(reno.cwnd_bytes(), 12 * MSS);
    reno.on_acked(&Acked { paced: false, ..acked(0, 28 * MSS) });
    assert_eq!(reno.cwnd_bytes(), 40 * MSS, "HyStart++'s limit is not standard slow start's");
}

#[test]
fn a_loss_halves_what_was_in_flight_and_a_mark_takes_a_fifth() {
    let mut reno = NewReno::new(40 * MSS);
    reno.on_congestion(&lost(0, 30 * MSS));
    assert_eq!(reno.cwnd_bytes(), 15 * MSS);
    reno.on_congestion(&marked(100, 15 * MSS));
    assert_eq!(reno.cwnd_bytes(), 12 * MSS, "RFC 8511 §3");
    let mut in_slow_start = NewReno::new(40 * MSS);
    in_slow_start.on_congestion(&marked(0, 40 * MSS));
    assert_eq!(in_slow_start.cwnd_bytes(), 20 * MSS, "RFC 8511 §4");
}

#[test]
fn a_timeout_leaves_one_segment_and_never_less_than_two_as_threshold() {
    let mut reno = NewReno::new(10 * MSS);
    reno.on_timeout(&lost(0, MSS), false);
    assert_eq!((reno.cwnd_bytes(), reno.ssthresh_bytes()), (MSS, 2 * MSS));
    let mut reno = NewReno::new(40 * MSS);
    reno.on_timeout(&lost(0, 40 * MSS), false);
    reno.on_timeout(&lost(1_000, MSS), true);
    assert_eq!((reno.cwnd_bytes(), reno.ssthresh_bytes()), (MSS, 20 * MSS), "RFC 5681 §3.1");
}

#[test]
fn an_undo_gives_the_window_back_unless_it_is_larger() {
    let mut reno = NewReno::new(10 * MSS);
    let before = reno.clone();
    reno.on_congestion(&lost(0, 10 * MSS));
    reno.on_undo(&before, at_ms(50));
    assert_eq!((reno.cwnd_bytes(), reno.ssthresh_bytes()), (10 * MSS, u32::MAX));
    reno.on_congestion(&lost(100, 10 * MSS));
    (0..20).for_each(|round| round_trip(&mut reno, 200 + round * 100, 100));
    let grown = reno.cwnd_bytes();
    assert!(grown > 10 * MSS);
    reno.on_undo(&before, at_ms(3_000));
    assert_eq!(reno.cwnd_bytes(), grown);
}
