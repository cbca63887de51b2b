use super::super::tests::{MSS, acked, at_ms, graph, lost, marked, round_trip};
use super::*;
use alloc::vec::Vec;

/// After a loss at so many segments, in avoidance at 70 % of them.
fn after_a_loss(segments: u32) -> Cubic {
    let mut cubic = Cubic::new(segments * MSS);
    cubic.on_congestion(&lost(0, segments * MSS));
    cubic
}

#[test]
fn a_loss_leaves_seven_tenths_and_a_mark_more() {
    let mut cubic = after_a_loss(100);
    assert_eq!((cubic.cwnd_bytes(), cubic.ssthresh_bytes()), (70 * MSS, 70 * MSS));
    cubic.on_congestion(&marked(100, 70 * MSS));
    assert_eq!(cubic.cwnd_bytes(), 70 * MSS * 17 / 20, "RFC 8511 §3.1");
}

#[test]
fn a_mark_in_slow_start_counts_as_a_loss() {
    let mut cubic = Cubic::new(100 * MSS);
    cubic.on_congestion(&marked(0, 100 * MSS));
    assert_eq!(cubic.cwnd_bytes(), 70 * MSS, "RFC 8511 §4: its factor is not recommended there");
}

#[test]
fn a_loss_stops_at_two_segments_and_marks_at_one() {
    let mut cubic = after_a_loss(4);
    (1..9).for_each(|ms| cubic.on_congestion(&lost(ms, cubic.cwnd_bytes())));
    assert_eq!((cubic.cwnd_bytes(), cubic.ssthresh_bytes()), (2 * MSS, 2 * MSS));
    cubic.on_congestion(&marked(10, MSS));
    assert_eq!((cubic.cwnd_bytes(), cubic.ssthresh_bytes()), (MSS, 2 * MSS), "RFC 9438 §4.6");
}

#[test]
fn what_was_in_flight_is_reduced_and_not_a_window_that_was_not_used() {
    let mut cubic = Cubic::new(100 * MSS);
    cubic.on_congestion(&lost(0, 20 * MSS));
    assert_eq!(cubic.cwnd_bytes(), 14 * MSS);
    // More in flight than the window, as after a reduction that has not taken effect: no reason to raise it.
    cubic.on_congestion(&lost(1, 90 * MSS));
    assert_eq!(cubic.cwnd_bytes(), 14 * MSS * 7 / 10);
}

#[test]
fn the_curve_is_concave_flat_and_convex() {
    let mut cubic = after_a_loss(100);
    let mut samples = Vec::new();
    // K is the cube root of 30 / 0.4: 4.2 s. Samples each half second.
    for round in 0..90 {
        if round % 5 == 0 {
            samples.push((round * 100, cubic.cwnd_bytes(), cubic.explain()));
        }
        round_trip(&mut cubic, round * 100, 100);
    }
    let drawn = graph(&samples, 3);
    assert_eq!(drawn, include_str!("tests/curve.txt"), "\n{drawn}");
}

/// RFC 9438 §4.2 to §4.4 in floating point and segments, read from the text again.
struct Reference {
    cwnd: f64,
    w_max: f64,
    w_est: f64,
    cwnd_prior: f64,
    k: f64,
}

impl Reference {
    fn after_a_loss(cwnd: f64) -> Self {
        let reduced = cwnd * 0.7;
        Reference {
            cwnd: reduced,
            w_max: cwnd,
            w_est: reduced,
            cwnd_prior: cwnd,
            k: ((cwnd - reduced) / 0.4).cbrt(),
        }
    }

    fn on_acked(&mut self, t: f64, rtt: f64) {
        let w = |t: f64| 0.4 * (t - self.k).powi(3) + self.w_max;
        let alpha = if self.w_est >= self.cwnd_prior { 1.0 } else { 3.0 * (1.0 - 0.7) / (1.0 + 0.7) };
        self.w_est += alpha / self.cwnd;
        if w(t) < self.w_est && self.w_est > self.cwnd {
            self.cwnd = self.w_est;
        } else {
            let target = w(t + rtt).clamp(self.cwnd, 1.5 * self.cwnd);
            self.cwnd += (target - self.cwnd) / self.cwnd;
        }
    }
}

#[test]
fn long_runs_follow_the_formulas() {
    // Small and large windows, short and long round trips: Reno-friendly, concave and convex.
    for (segments, rtt_ms, rounds) in
        [(20u32, 10u64, 2_000u64), (100, 100, 200), (5_000, 200, 150), (40, 1, 400)]
    {
        let mut cubic = after_a_loss(segments);
        let mut reference = Reference::after_a_loss(f64::from(segments));
        // The stage begins with the first acknowledgment.
        let mut now_us = 1_000_000u64;
        for _ in 0..rounds {
            let in_window = u64::from(cubic.cwnd_bytes() / MSS);
            for _ in 0..in_window {
                let at = Acked {
                    now: Instant::from_micros(now_us),
                    srtt_us: rtt_ms as u32 * 1_000,
                    ..acked(0, MSS)
                };
                cubic.on_acked(&at);
                reference.on_acked((now_us - 1_000_000) as f64 / 1e6, rtt_ms as f64 / 1e3);
                now_us += rtt_ms * 1_000 / in_window;
            }
            let cwnd = f64::from(cubic.cwnd_bytes()) / f64::from(MSS);
            let error = (cwnd - reference.cwnd).abs();
            assert!(
                error <= 0.01 + reference.cwnd * 1e-4,
                "{segments} segments, {rtt_ms} ms, at {now_us} us: {cwnd} and {}",
                reference.cwnd
            );
        }
        assert!(cubic.cwnd_bytes() > segments * MSS, "the run is long enough for the convex region");
    }
}

#[test]
fn on_short_paths_it_is_as_fast_as_reno() {
    let mut cubic = after_a_loss(20);
    // 1 ms: the cubic function would need 2.5 s to the plateau, Reno's line 12 round trips.
    (0..30).for_each(|round| round_trip(&mut cubic, round, 1));
    assert_eq!(cubic.explain(), Growth::RenoFriendly);
    // 6 segments at 9/17 a round trip, then one each.
    assert!((35 * MSS..=41 * MSS).contains(&cubic.cwnd_bytes()), "{}", cubic.cwnd_bytes());
}

#[test]
fn time_in_which_the_application_sent_little_does_not_count() {
    let mut steady = after_a_loss(100);
    let mut paused = after_a_loss(100);
    (0..10).for_each(|round| round_trip(&mut steady, round * 100, 100));
    (0..10).for_each(|round| round_trip(&mut paused, round * 100, 100));
    // A minute of a few bytes now and then.
    for ms in (1_000..61_000).step_by(500) {
        paused.on_acked(&Acked { cwnd_limited: false, ..acked(ms, 10) });
    }
    assert_eq!(paused.cwnd_bytes(), steady.cwnd_bytes());
    (10..20).for_each(|round| round_trip(&mut steady, round * 100, 100));
    (10..20).for_each(|round| round_trip(&mut paused, 60_000 + round * 100, 100));
    let difference = paused.cwnd_bytes().abs_diff(steady.cwnd_bytes());
    // The curve's clock may be one round trip apart, of a curve that rises by 1.4 segments in it.
    assert!(difference < 3 * MSS / 2, "{} and {}", paused.cwnd_bytes(), steady.cwnd_bytes());
    assert_eq!(paused.explain(), Growth::Concave);
}

#[test]
fn idle_time_does_not_count() {
    let mut steady = after_a_loss(100);
    let mut idle = after_a_loss(100);
    (0..10).for_each(|round| round_trip(&mut steady, round * 100, 100));
    (0..10).for_each(|round| round_trip(&mut idle, round * 100, 100));
    idle.on_quiet(at_ms(1_000));
    (10..20).for_each(|round| round_trip(&mut steady, round * 100, 100));
    (10..20).for_each(|round| round_trip(&mut idle, 600_000 + round * 100, 100));
    let difference = idle.cwnd_bytes().abs_diff(steady.cwnd_bytes());
    assert!(difference < 3 * MSS / 2, "{} and {}", idle.cwnd_bytes(), steady.cwnd_bytes());
}

#[test]
fn the_first_flight_after_a_pause_counts_from_when_it_was_sent() {
    let mut cubic = after_a_loss(100);
    round_trip(&mut cubic, 0, 100);
    cubic.on_quiet(at_ms(100));
    let counted = |cubic: &Cubic| alloc::format!("{:?}", cubic.curve());
    let mut with = cubic.clone();
    let mut without = cubic;
    with.on_acked(&Acked { rtt_ns: Some(100_000_000), ..acked(9_000, MSS) });
    without.on_acked(&acked(9_000, MSS));
    assert_ne!(counted(&with), counted(&without));
    assert!(with.cwnd_bytes() > without.cwnd_bytes());
}

#[test]
fn after_a_stall_the_window_grows_no_faster_than_by_half() {
    let mut cubic = after_a_loss(100);
    round_trip(&mut cubic, 0, 100);
    let before = cubic.cwnd_bytes();
    // Acknowledgments were held up for two minutes while the window was full: t is large, the clamp holds.
    round_trip(&mut cubic, 120_000, 100);
    let after = cubic.cwnd_bytes();
    // Half a window in segments of a growing window: e^0.5 at most.
    assert!(after > before + before * 2 / 5 && after < before * 166 / 100, "{before} {after}");
}

#[test]
fn a_second_loss_below_the_first_makes_room_for_others() {
    let mut cubic = after_a_loss(1_000);
    // Lost again at 700: W_max is 700 * 0.85, not 700.
    cubic.on_congestion(&lost(100, 700 * MSS));
    assert_eq!(cubic.cwnd_bytes(), 490 * MSS);
    for round in 1..200 {
        round_trip(&mut cubic, round * 100, 100);
        if cubic.explain() == Growth::Convex {
            break;
        }
    }
    let plateau = cubic.cwnd_bytes();
    assert!(plateau.abs_diff(595 * MSS) < MSS, "{plateau}");
}

#[test]
fn w_max_is_what_was_in_flight() {
    let mut cubic = Cubic::new(1_000 * MSS);
    cubic.on_congestion(&lost(0, 500 * MSS));
    for round in 1..200 {
        round_trip(&mut cubic, round * 100, 100);
        if cubic.explain() == Growth::Convex {
            break;
        }
    }
    assert!(cubic.cwnd_bytes().abs_diff(500 * MSS) < MSS, "{}", cubic.cwnd_bytes());
}

#[test]
fn after_a_timeout_avoidance_begins_on_the_plateau() {
    let mut cubic = after_a_loss(100);
    cubic.on_timeout(&lost(1_000, 70 * MSS), false);
    assert_eq!((cubic.cwnd_bytes(), cubic.ssthresh_bytes()), (MSS, 49 * MSS));
    cubic.on_timeout(&lost(3_000, MSS), true);
    assert_eq!((cubic.cwnd_bytes(), cubic.ssthresh_bytes()), (MSS, 49 * MSS), "RFC 5681 §3.1");
    assert_eq!(cubic.explain(), Growth::SlowStart);
    let mut round = 40;
    while cubic.cwnd_bytes() < 49 * MSS {
        round_trip(&mut cubic, round * 100, 100);
        round += 1;
    }
    assert_eq!(round, 46, "1, 2, 4, 8, 16, 32, 49: doubling, up to the threshold and no further");
    let begun = cubic.cwnd_bytes();
    round_trip(&mut cubic, round * 100, 100);
    // With K = 0 a second of the curve is worth 0.4 segments: Reno's 9/17 each round trip is faster.
    let grown = cubic.cwnd_bytes() - begun;
    assert!((MSS / 3..=MSS).contains(&grown), "{grown}");
}

#[test]
fn slow_start_passes_what_the_threshold_leaves_over_to_avoidance() {
    let mut cubic = after_a_loss(100);
    cubic.on_timeout(&lost(1_000, 10 * MSS), false);
    assert_eq!(cubic.ssthresh_bytes(), 7 * MSS);
    cubic.on_acked(&acked(2_000, 60 * MSS));
    assert!((7 * MSS..8 * MSS).contains(&cubic.cwnd_bytes()), "{}", cubic.cwnd_bytes());
}

#[test]
fn an_undo_gives_everything_back() {
    let mut cubic = after_a_loss(100);
    (1..20).for_each(|round| round_trip(&mut cubic, round * 100, 100));
    let before = cubic.clone();
    let mut undone = cubic.clone();
    undone.on_congestion(&lost(2_000, cubic.cwnd_bytes()));
    assert!(undone.cwnd_bytes() < before.cwnd_bytes());
    undone.on_undo(&before, at_ms(2_100));
    assert_eq!(undone.cwnd_bytes(), before.cwnd_bytes());
    assert_eq!(undone.ssthresh_bytes(), before.ssthresh_bytes());
    // And goes on as if nothing had been: the same W_max, K, epoch and W_est.
    let mut never = cubic;
    (21..60).for_each(|round| {
        round_trip(&mut undone, round * 100, 100);
        round_trip(&mut never, round * 100, 100);
    });
    assert_eq!(undone.cwnd_bytes(), never.cwnd_bytes());
}

#[test]
fn an_undo_after_a_pause_does_not_count_the_pause() {
    let mut cubic = after_a_loss(100);
    round_trip(&mut cubic, 0, 100);
    let before = cubic.clone();
    let window = cubic.cwnd_bytes();
    cubic.on_congestion(&lost(100, window));
    cubic.on_quiet(at_ms(200));
    cubic.on_acked(&acked(60_000, 0));
    cubic.on_undo(&before, at_ms(60_000));
    assert_eq!(cubic.cwnd_bytes(), window);
    round_trip(&mut cubic, 60_000, 100);
    assert!((window..window + 4 * MSS).contains(&cubic.cwnd_bytes()), "{}", cubic.cwnd_bytes());
    assert_eq!(cubic.explain(), Growth::Concave);
}

#[test]
fn an_undo_of_a_timeout_gives_everything_back() {
    let cubic = after_a_loss(100);
    let before = cubic.clone();
    let mut undone = cubic;
    undone.on_timeout(&lost(100, 70 * MSS), false);
    undone.on_undo(&before, at_ms(200));
    assert_eq!((undone.cwnd_bytes(), undone.ssthresh_bytes()), (70 * MSS, 70 * MSS));
}

#[test]
fn an_undo_of_the_first_episode_lets_slow_start_go_on_with_hystart_as_new() {
    let mut cubic = Cubic::new(100 * MSS);
    round_trip(&mut cubic, 0, 100);
    assert!(cubic.hystart_mut().is_some());
    let before = cubic.clone();
    cubic.on_congestion(&lost(100, 200 * MSS));
    assert!(cubic.hystart_mut().is_none());
    cubic.on_undo(&before, at_ms(150));
    assert_eq!((cubic.cwnd_bytes(), cubic.ssthresh_bytes()), (200 * MSS, u32::MAX));
    assert_eq!(cubic.explain(), Growth::SlowStart);
    cubic.on_acked(&acked(160, MSS));
    assert_eq!(cubic.hystart_mut().copied(), Some(HyStart::new()));
    assert_eq!(cubic.cwnd_bytes(), 201 * MSS);
}

#[test]
fn an_undo_that_comes_too_late_changes_nothing() {
    let before = after_a_loss(100);
    let mut cubic = before.clone();
    cubic.on_congestion(&lost(0, 70 * MSS));
    (0..200).for_each(|round| round_trip(&mut cubic, round * 100, 100));
    let grown = cubic.cwnd_bytes();
    assert!(grown > before.cwnd_bytes());
    cubic.on_undo(&before, at_ms(20_000));
    assert_eq!(cubic.cwnd_bytes(), grown, "RFC 9438 §4.9.2");
}

#[test]
fn unpaced_one_acknowledgment_opens_eight_segments_and_paced_all() {
    let mut cubic = Cubic::new(10 * MSS);
    cubic.on_acked(&Acked { paced: false, ..acked(0, 20 * MSS) });
    assert_eq!(cubic.cwnd_bytes(), 18 * MSS, "RFC 9406 §4.3: L = 8");
    cubic.on_acked(&Acked { paced: false, ..acked(0, 20 * MSS) });
    assert_eq!(cubic.cwnd_bytes(), 26 * MSS);
    cubic.on_acked(&acked(0, 20 * MSS));
    assert_eq!(cubic.cwnd_bytes(), 46 * MSS);
    cubic.on_acked(&Acked { growth_bytes_max: MSS, ..acked(0, 20 * MSS) });
    assert_eq!(cubic.cwnd_bytes(), 47 * MSS, "RFC 3465 §2.2");
}

#[test]
fn hystart_is_for_the_first_slow_start_alone() {
    let mut cubic = after_a_loss(100);
    cubic.on_timeout(&lost(100, 70 * MSS), false);
    (0..20).for_each(|segment| cubic.on_acked(&Acked { rtt_ns: Some(1), ..acked(200 + segment, MSS) }));
    assert!(cubic.hystart_mut().is_none());
    assert_eq!(cubic.cwnd_bytes(), 21 * MSS);
}

#[test]
fn the_box_of_a_connection_that_met_a_loss_is_small() {
    // It stays while the connection is idle.
    assert!(size_of::<Course>() <= 176, "{}", size_of::<Course>());
}

#[test]
fn what_reno_counted_for_large_segments_is_not_caught_up_at_once_with_small_ones() {
    let mut cubic = Cubic::new(1);
    cubic.on_congestion(&Reduction { mss: 1, ..lost(0, 0) });
    cubic.on_acked(&Acked { mss: 34_169, cwnd_limited: false, ..acked(0, 0) });
    cubic.on_acked(&acked(0, 1_452));
    // Here the curve is a little above W_est, and leads the window half of the way.
    let now = Instant::from_nanos(1_357_635_499);
    cubic.on_acked(&Acked { now, mss: 65_535, ..acked(0, 65_534) });
    let before = cubic.cwnd_bytes();
    cubic.on_acked(&Acked { mss: 1, ..acked(0, MSS) });
    assert!(cubic.cwnd_bytes() - before <= MSS, "{} bytes more", cubic.cwnd_bytes() - before);
}
