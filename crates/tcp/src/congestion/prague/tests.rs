//! Each rule of Prague by itself: alpha, one reduction a round, losses, slow start, short round trips, long queues.

use super::alpha::Alpha;
use super::bottleneck::Bottleneck;
use super::scalable::Answer;
use super::*;
use crate::congestion::Congested;
use crate::congestion::tests::{MSS, acked, at_ms};
use wire::Seq;

/// An acknowledgment at `ms` of everything that was out, over a path of 25 ms.
fn feedback(ms: u64, delivered_bytes: u32, marked_packets: u32) -> Feedback {
    let rtt_ns = 25_000_000;
    Feedback {
        now: at_ms(ms),
        delivered_bytes,
        marked_packets,
        una: Seq::new(1),
        nxt: Seq::new(1),
        rtt_ns: Some(rtt_ns),
        rtt_min_ns: rtt_ns,
        srtt_us: 25_000,
        mss: MSS,
        recovering: false,
    }
}

fn over(srtt_us: u32, feedback: Feedback) -> Feedback {
    Feedback { srtt_us, ..feedback }
}

/// An acknowledgment as the window hears of it.
fn acked_over(srtt_us: u32, ms: u64, bytes: u32) -> Acked {
    Acked { srtt_us, ..acked(ms, bytes) }
}

fn lost(ms: u64, in_flight_bytes: u32) -> Reduction {
    let (now, why) = (at_ms(ms), Congested::Lost);
    Reduction { now, why, in_flight_bytes, pipe_bytes: in_flight_bytes, mss: MSS }
}

/// With this window, and alpha as the first mark leaves it: all of it.
fn marked_once(segments: u32) -> Prague {
    let mut prague = Prague::new(2 * segments * MSS);
    assert_eq!(prague.on_feedback(&feedback(0, MSS, 1)), Answer::Reduced);
    prague.on_acked(&acked_over(25_000, 0, MSS));
    assert_eq!(prague.cwnd_bytes(), segments * MSS, "what is marked opens nothing");
    prague
}

#[test]
fn alpha_moves_by_a_sixteenth_of_the_way_each_round() {
    let mut alpha = Alpha::first();
    assert_eq!(alpha.get(), Alpha::ONE);
    alpha.on_round(0, 10_000);
    assert_eq!(alpha.get(), Alpha::ONE / 16 * 15);
    (0..400).for_each(|_| alpha.on_round(2_500, 10_000));
    assert!(alpha.get().abs_diff(Alpha::ONE / 4) < 32, "{}", alpha.get());
    (0..400).for_each(|_| alpha.on_round(20_000, 10_000));
    assert!(Alpha::ONE - alpha.get() < 32, "more marks than bytes are all of them: {}", alpha.get());
    assert_eq!(Alpha::first().half_of(1 << 46), 1 << 45);
}

#[test]
fn the_first_mark_ends_slow_start_and_halves_the_window() {
    let mut prague = Prague::new(10 * MSS);
    prague.on_acked(&acked(10, 10 * MSS));
    assert_eq!((prague.cwnd_bytes(), prague.explain()), (20 * MSS, Growth::SlowStart));
    assert_eq!(prague.on_feedback(&feedback(20, 2 * MSS, 1)), Answer::Reduced);
    assert_eq!((prague.cwnd_bytes(), prague.ssthresh_bytes()), (10 * MSS, 10 * MSS));
    assert_eq!(prague.explain(), Growth::Scalable);
}

#[test]
fn marks_reduce_once_a_round_by_half_of_alpha() {
    let mut prague = marked_once(100);
    for ms in [5, 10, 24] {
        assert_eq!(prague.on_feedback(&feedback(ms, 10 * MSS, 5)), Answer::Nothing, "the same round trip");
    }
    assert_eq!(prague.cwnd_bytes(), 100 * MSS);
    // A round without marks ends at 25 ms: alpha is 1 - 1/16, and after the next 15/16 of that.
    let mut prague = marked_once(100);
    assert_eq!(prague.on_feedback(&feedback(25, 100 * MSS, 0)), Answer::Nothing);
    assert_eq!(prague.on_feedback(&feedback(50, 100 * MSS, 0)), Answer::Nothing);
    let before = prague.cwnd_bytes();
    assert_eq!(prague.on_feedback(&feedback(60, MSS, 1)), Answer::Reduced);
    // The first round had the mark of the beginning: 1 of 101.
    let alpha = (15.0 / 16.0 + 1.0 / 16.0 / 101.0) * 15.0 / 16.0;
    let expected = f64::from(before) * (1.0 - alpha / 2.0);
    assert!((f64::from(prague.cwnd_bytes()) - expected).abs() < 2.0, "{} {expected}", prague.cwnd_bytes());
}

#[test]
fn before_the_first_mark_rounds_say_nothing() {
    let mut prague = Prague::new(100 * MSS);
    (0..50).for_each(|round| {
        prague.on_feedback(&feedback(25 * round, 100 * MSS, 0));
    });
    prague.on_feedback(&feedback(2_000, MSS, 1));
    assert_eq!(prague.cwnd_bytes(), 50 * MSS, "halved: alpha has not decayed");
}

#[test]
fn what_is_not_marked_opens_the_window_by_a_segment_a_round_trip() {
    let mut prague = marked_once(100);
    let before = prague.cwnd_bytes();
    // Half of it is marked, in the round trip of the reduction.
    prague.on_feedback(&feedback(10, 100 * MSS, 50));
    prague.on_acked(&acked_over(25_000, 10, 100 * MSS));
    assert_eq!(prague.cwnd_bytes() - before, MSS / 2);
}

/// By how many bytes a window of 100 segments grows within a second of round trips of this length.
fn growth_in_a_second(rtt_us: u32) -> u32 {
    let mut prague = marked_once(100);
    let before = prague.cwnd_bytes();
    for round in 1..=1_000_000 / u64::from(rtt_us) {
        let now = Instant::from_nanos(round * u64::from(rtt_us) * 1_000);
        prague.on_feedback(&Feedback { now, ..over(rtt_us, feedback(0, 100 * MSS, 0)) });
        let bytes = prague.cwnd_bytes();
        prague.on_acked(&Acked { now, ..acked_over(rtt_us, 0, bytes) });
    }
    prague.cwnd_bytes() - before
}

#[test]
fn a_short_round_trip_opens_the_rate_as_fast_as_one_of_25_ms() {
    assert!(growth_in_a_second(25_000).abs_diff(40 * MSS) <= 1, "{}", growth_in_a_second(25_000));
    assert!(growth_in_a_second(100_000).abs_diff(10 * MSS) <= 1, "a longer one is as it is");
    // A fifth of the round trip has a fifth of the window at the same rate, and grows by a fifth.
    let short = growth_in_a_second(5_000);
    assert!(short.abs_diff(8 * MSS) < MSS / 10, "{short}");
    let shortest = growth_in_a_second(1_000);
    assert!(shortest.abs_diff(8 * MSS / 5) < MSS / 10, "{shortest}");
}

#[test]
fn a_short_round_trip_is_reduced_once_in_25_ms() {
    let mut prague = Prague::new(200 * MSS);
    assert_eq!(prague.on_feedback(&over(5_000, feedback(0, MSS, 1))), Answer::Reduced);
    for ms in [5, 10, 15, 20, 24] {
        assert_eq!(prague.on_feedback(&over(5_000, feedback(ms, MSS, 1))), Answer::Nothing, "{ms} ms");
    }
    assert_eq!(prague.on_feedback(&over(5_000, feedback(25, MSS, 1))), Answer::Reduced);
}

#[test]
fn a_loss_halves_the_window_once_and_marks_of_that_round_trip_change_nothing() {
    let mut prague = marked_once(100);
    (1..200).for_each(|round| {
        prague.on_feedback(&feedback(25 * round, 100 * MSS, 0));
    });
    prague.on_congestion(&lost(6_000, 100 * MSS));
    assert_eq!((prague.cwnd_bytes(), prague.ssthresh_bytes()), (50 * MSS, 50 * MSS));
    assert_eq!(prague.on_feedback(&feedback(6_010, MSS, 1)), Answer::Nothing);
    let recovering = Feedback { recovering: true, ..feedback(6_040, MSS, 1) };
    assert_eq!(prague.on_feedback(&recovering), Answer::Nothing, "the loss is still being repaired");
    assert_eq!(prague.cwnd_bytes(), 50 * MSS);
    assert_eq!(prague.on_feedback(&feedback(6_041, MSS, 1)), Answer::Reduced, "another round trip");
}

#[test]
fn a_loss_after_a_mark_of_the_same_round_trip_halves_what_there_was_before_both() {
    let mut prague = marked_once(100);
    (1..80).for_each(|round| {
        prague.on_feedback(&feedback(25 * round, 100 * MSS, 0));
    });
    prague.on_feedback(&feedback(2_000, MSS, 1));
    let after_mark = prague.cwnd_bytes();
    assert!(after_mark > 99 * MSS && after_mark < 100 * MSS, "alpha is small: {after_mark}");
    prague.on_congestion(&lost(2_010, 100 * MSS));
    assert_eq!(prague.cwnd_bytes(), 50 * MSS);
    // A mark that has halved it is enough.
    let mut prague = marked_once(100);
    prague.on_congestion(&lost(10, 200 * MSS));
    assert_eq!(prague.cwnd_bytes(), 100 * MSS);
}

#[test]
fn a_timeout_leaves_one_segment_and_slow_start_to_half_of_the_flight() {
    let mut prague = marked_once(100);
    prague.on_timeout(&lost(1_000, 80 * MSS), false);
    assert_eq!((prague.cwnd_bytes(), prague.ssthresh_bytes()), (MSS, 40 * MSS));
    prague.on_timeout(&lost(3_000, MSS), true);
    assert_eq!((prague.cwnd_bytes(), prague.ssthresh_bytes()), (MSS, 40 * MSS));
    prague.on_acked(&acked(4_000, MSS));
    assert_eq!((prague.cwnd_bytes(), prague.explain()), (2 * MSS, Growth::SlowStart));
}

#[test]
fn a_loss_that_was_none_is_taken_back() {
    let before = marked_once(100);
    let mut prague = before.clone();
    prague.on_congestion(&lost(1_000, 100 * MSS));
    prague.on_undo(&before, at_ms(1_050));
    assert_eq!(prague.cwnd_bytes(), 100 * MSS);
    // Not what is another controller by now.
    prague.on_congestion(&lost(2_000, 100 * MSS));
    let halved = prague.cwnd_bytes();
    prague.fall_back(at_ms(2_010), MSS);
    prague.on_undo(&before, at_ms(2_050));
    assert_eq!(prague.cwnd_bytes(), halved);
}

#[test]
fn a_window_below_two_segments_lowers_the_rate_and_nothing_else() {
    let mut prague = marked_once(2);
    // All is marked, round after round.
    for round in 1..20 {
        prague.on_feedback(&feedback(25 * round, MSS, 1));
    }
    assert_eq!(prague.cwnd_bytes(), 2 * MSS, "so much may be in flight");
    let paced_bytes = prague.scalable().expect("it was not replaced").paced_bytes();
    // 12,500 bytes a second, in 25 ms.
    assert_eq!(paced_bytes, 312);
    prague.on_acked(&acked_over(25_000, 600, MSS));
    let opened = prague.scalable().expect("it was not replaced").paced_bytes();
    assert_eq!(opened, 312, "a segment that was marked opens nothing");
    prague.on_feedback(&feedback(610, MSS, 0));
    prague.on_acked(&acked_over(25_000, 610, MSS));
    let opened = prague.scalable().expect("it was not replaced").paced_bytes();
    assert_eq!(opened, 312 + MSS, "never by more than what arrived");
}

#[test]
fn a_window_that_is_not_used_does_not_grow_and_idle_senders_restart() {
    let mut prague = marked_once(100);
    let unused = Acked { cwnd_limited: false, in_flight_bytes_before: 0, ..acked(10, 100 * MSS) };
    prague.on_acked(&unused);
    assert_eq!(prague.cwnd_bytes(), 100 * MSS);
    prague.on_idle(at_ms(5_000), 10 * MSS);
    assert_eq!((prague.cwnd_bytes(), prague.ssthresh_bytes()), (10 * MSS, 100 * MSS));
    prague.on_mtu(MSS / 2);
    assert_eq!(prague.cwnd_bytes(), MSS / 2);
}

#[test]
fn eight_marked_rounds_with_a_standing_queue_are_a_classic_bottleneck() {
    let queue = |ms: u64| (20 + ms) * 1_000_000;
    let mut bottleneck = Bottleneck::default();
    for _ in 0..7 {
        assert!(!bottleneck.on_marked_round(queue(5), queue(0), 0));
    }
    assert!(!bottleneck.on_marked_round(queue(2), queue(0), 0), "a short one begins anew");
    for _ in 0..7 {
        assert!(!bottleneck.on_marked_round(queue(5), queue(0), 0));
    }
    assert!(bottleneck.on_marked_round(queue(5), queue(0), 0));
    let mut bottleneck = Bottleneck::default();
    for _ in 0..100 {
        assert!(!bottleneck.on_marked_round(queue(5), queue(0), 2_000_000), "three packets are no queue");
        assert!(!bottleneck.on_marked_round(u64::MAX, queue(0), 0), "nothing was measured");
        assert!(!bottleneck.on_marked_round(queue(5), 0, 0), "nothing is known of the path");
    }
}

#[test]
fn a_long_queue_is_noticed_and_the_classic_controller_goes_on_with_the_window() {
    let mut prague = marked_once(100);
    (1..80).for_each(|round| {
        prague.on_feedback(&feedback(25 * round, 100 * MSS, 0));
    });
    let long =
        |round: u64| Feedback { rtt_ns: Some(35_000_000), ..feedback(2_000 + 25 * round, 100 * MSS, 1) };
    let noticed = (0..20).find(|round| prague.on_feedback(&long(*round)) == Answer::Classic);
    assert_eq!(noticed, Some(7), "in the eighth round");
    let before = prague.cwnd_bytes();
    prague.fall_back(at_ms(3_000), MSS);
    assert_eq!(prague.cwnd_bytes(), before);
    assert!(prague.scalable().is_none());
    assert_eq!(prague.on_feedback(&feedback(3_100, MSS, 1)), Answer::Nothing);
    prague.on_congestion(&lost(3_200, before));
    assert_eq!(prague.cwnd_bytes(), before / 10 * 7 + before % 10 * 7 / 10, "as CUBIC");
}
