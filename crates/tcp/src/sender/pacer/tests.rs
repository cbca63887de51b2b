//! Bursts, rates, and a driver that is late.

use super::*;
use alloc::vec::Vec;
use core::time::Duration;

const MSS: u32 = 1_448;

fn at_us(micros: u64) -> Instant {
    Instant::from_nanos(micros * 1_000)
}

/// Sends `total` bytes in pieces of at most `most`, as early as the pacer lets; when each left, in microseconds.
fn drain(rate: Rate, total: u32, most: u32) -> Vec<(u64, u32)> {
    let (start, mut left, mut sent) = (at_us(1_000_000), total, Vec::new());
    let (mut pacer, mut now) = (Pacer::new(start), start);
    while left > 0 {
        match pacer.may(now, rate, MSS) {
            Ok(burst) => {
                let bytes = burst.min(most).min(left);
                pacer.on_sent(now, bytes, rate, MSS);
                sent.push((now.micros_since(start), bytes));
                left -= bytes;
            }
            Err(at) => {
                assert!(at > now, "a time in the past would spin");
                now = at;
            }
        }
    }
    sent
}

#[test]
fn a_burst_is_a_millisecond_of_the_rate_in_whole_segments() {
    let burst = |bytes_per_s| Rate::bytes_per_s(bytes_per_s).burst_bytes(MSS);
    assert_eq!(burst(12_500_000), 8 * MSS, "100 Mbit/s: 12,500 bytes");
    assert_eq!(burst(1), 2 * MSS, "two segments are always allowed");
    assert_eq!(burst(125_000_000), 45 * MSS, "a super-segment is the most");
    assert_eq!(burst(u64::MAX), 45 * MSS);
    assert_eq!(Rate::bytes_per_s(1).burst_bytes(0), 0, "nothing, instead of a division by zero");
}

#[test]
fn a_small_burst_is_a_quarter_of_a_millisecond_and_at_least_a_segment() {
    let rate = |bytes_per_s| Rate::bytes_per_s(bytes_per_s).in_small_bursts();
    assert_eq!(rate(12_500_000).burst_bytes(MSS), 2 * MSS, "100 Mbit/s: 3,125 bytes");
    assert_eq!(rate(1).burst_bytes(MSS), MSS);
    assert_eq!(rate(u64::MAX).burst_bytes(MSS), 45 * MSS);
    // 10 Mbit/s, for a hundred segments: one at a time, each when the one before is paid for.
    let sent = drain(rate(1_250_000), 100 * MSS, u32::MAX);
    assert_eq!(sent.len(), 100);
    assert!(sent.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 1_158), "{sent:?}");
    // A driver that is late by a millisecond makes up for what a segment takes.
    let (mut pacer, mut now, rate) = (Pacer::new(at_us(1_000_000)), at_us(1_000_000), rate(12_500_000));
    let mut most = 0;
    for _ in 0..100 {
        let mut at_once = 0;
        while let Ok(bytes) = pacer.may(now, rate, MSS) {
            pacer.on_sent(now, bytes, rate, MSS);
            at_once += bytes;
        }
        most = most.max(at_once);
        now += Duration::from_millis(1);
    }
    assert!(most <= 6 * MSS, "{most}: what 500 us carry, and no more");
}

#[test]
fn the_rate_spreads_a_window_over_its_round_trip() {
    assert_eq!(Rate::of_window(100_000, 10_000, 100).get(), 10_000_000);
    assert_eq!(Rate::of_window(100_000, 10_000, 200).get(), 20_000_000);
    assert_eq!(Rate::of_window(100_000, 10_000, 120).get(), 12_000_000);
    assert_eq!(Rate::of_window(0, 10_000, 120).get(), 1);
    assert_eq!(Rate::of_window(1, 0, 100).get(), 1_000_000);
    assert!(Rate::of_window(u32::MAX, 1, 277).get() > 1 << 50, "no wrap");
}

#[test]
fn what_left_slowly_does_not_hold_back_what_may_leave_faster() {
    let (mut pacer, now) = (Pacer::default(), at_us(1_000_000));
    let (slow, fast) = (Rate::bytes_per_s(142), Rate::bytes_per_s(17_000));
    // Recovery let out twelve bytes in a round trip, and a whole segment was sent at that rate: ten seconds.
    assert!(pacer.may(now, slow, MSS).is_ok());
    pacer.on_sent(now, 2 * MSS, slow, MSS);
    assert!(matches!(pacer.may(now, slow, MSS), Err(at) if at.micros_since(now) > 10_000_000));
    let Err(at) = pacer.may(now, fast, MSS) else { panic!("a burst has just left") };
    assert!(at.micros_since(now) <= 171_000, "no longer than a burst takes at the rate of now: {at:?}");
    assert!(pacer.may(at, fast, MSS).is_ok());
}

#[test]
fn the_average_is_the_rate_whatever_the_size_of_what_is_asked() {
    // A burst larger than what is asked must not switch pacing off, nor a quantum of one segment slow it down.
    let rate = Rate::bytes_per_s(10_000_000);
    for most in [100, MSS, 2 * MSS, 3 * MSS, 65_535] {
        let sent = drain(rate, 1_000_000, most);
        let (last_us, _) = *sent.last().expect("something left");
        // The first burst is free: 100 ms, less a millisecond or two of it.
        assert!((97_500..=100_500).contains(&last_us), "{most} at a time: {last_us} us");
    }
}

#[test]
fn no_burst_is_larger_than_a_millisecond_of_the_rate() {
    let rate = Rate::bytes_per_s(10_000_000);
    for most in [MSS, 65_535] {
        let sent = drain(rate, 500_000, most);
        for (at_us, _) in &sent {
            let together: u32 =
                sent.iter().filter(|(other, _)| other == at_us).map(|(_, bytes)| *bytes).sum();
            assert!(together <= rate.burst_bytes(MSS), "{together} at {at_us} us, {most} at a time");
        }
    }
}

#[test]
fn a_slow_rate_sends_two_segments_at_a_time() {
    let sent = drain(Rate::bytes_per_s(100_000), 20 * MSS, MSS);
    let times: Vec<u64> = sent.iter().map(|(at, _)| *at).collect();
    assert_eq!(times.chunks(2).filter(|pair| pair[0] == pair[1]).count(), 10, "{times:?}");
}

#[test]
fn half_a_burst_of_silence_is_made_up_for() {
    let rate = Rate::bytes_per_s(10_000_000);
    let mut pacer = Pacer::default();
    pacer.on_sent(at_us(1_000), 10_000, rate, MSS);
    let due = pacer.may(at_us(1_000), rate, 10_000).map(|_| ()).expect_err("the burst is used up");
    assert_eq!(due, at_us(1_500), "a millisecond of the rate, less the half that idle time has earned");
    // 200 us after that: the next burst is due as if it had left in time.
    pacer.on_sent(at_us(1_700), 10_000, rate, MSS);
    assert_eq!(pacer.next_at, at_us(2_500));
    // A second after that: no second's worth leaves.
    pacer.on_sent(at_us(1_002_500), 10_000, rate, MSS);
    assert_eq!(pacer.next_at, at_us(1_003_000));
}

#[test]
fn a_driver_that_comes_late_makes_up_for_ten_milliseconds() {
    let rate = Rate::bytes_per_s(10_000_000);
    let after = |late_us: u64| {
        let (mut pacer, mut sent) = (Pacer::new(at_us(0)), 0);
        pacer.on_sent(at_us(0), 10_000, rate, MSS);
        let due = pacer.may(at_us(0), rate, MSS).expect_err("the burst is used up");
        let now = due.plus_micros(late_us);
        while let Ok(burst) = pacer.may(now, rate, MSS) {
            pacer.on_sent(now, burst, rate, MSS);
            sent += burst;
        }
        (pacer, sent, now)
    };
    let burst = rate.burst_bytes(MSS);
    assert_eq!(after(0).1, burst);
    // One more than what the delay is worth: that of the moment itself.
    assert_eq!(after(5_000).1, (50_000 / burst + 1) * burst);
    let (mut pacer, sent, now) = after(1_000_000);
    assert_eq!(sent, (100_000 / burst + 1) * burst, "a second is not made up for");
    // What follows is paced as before.
    let due = pacer.may(now, rate, MSS).expect_err("nothing is left");
    assert!(due.micros_since(now) <= 1_000, "{due:?}");
}

#[test]
fn silence_for_which_the_window_is_to_blame_is_no_delay_of_the_driver() {
    let rate = Rate::bytes_per_s(10_000_000);
    let mut pacer = Pacer::new(at_us(0));
    pacer.on_sent(at_us(0), 10_000, rate, MSS);
    let due = pacer.may(at_us(0), rate, MSS).expect_err("the burst is used up");
    // The driver is in time, but the window is closed; it opens much later.
    assert!(pacer.may(due, rate, MSS).is_ok());
    let now = due.plus_micros(50_000);
    let mut sent = 0;
    while let Ok(burst) = pacer.may(now, rate, MSS) {
        pacer.on_sent(now, burst, rate, MSS);
        sent += burst;
    }
    assert!(sent <= 2 * rate.burst_bytes(MSS), "{sent}");
}

#[test]
fn the_acknowledgment_after_a_lost_one_lets_out_what_both_stand_for() {
    // A window of 14 segments over 20 ms: half a millisecond is less than a segment.
    let rate = Rate::of_window(14 * MSS, 20_000, 120);
    let (mut pacer, mut sent) = (Pacer::default(), 0);
    pacer.on_sent(at_us(10_000), 2 * MSS, rate, MSS);
    // Each acknowledgment lets out two segments, 2.9 ms apart; one is lost.
    let now = at_us(10_000 + 2 * 2_900);
    while let Ok(burst) = pacer.may(now, rate, MSS) {
        pacer.on_sent(now, burst, rate, MSS);
        sent += burst;
    }
    assert_eq!(sent, 4 * MSS);
    // Longer silence earns no more: the driver came when it was due, and the window was closed.
    let due = pacer.may(now, rate, MSS).expect_err("the loop ended");
    assert!(pacer.may(due, rate, MSS).is_ok());
    let now = at_us(10_000_000);
    assert_eq!(pacer.may(now, rate, MSS), Ok(2 * MSS));
    pacer.on_sent(now, 2 * MSS, rate, MSS);
    assert_eq!(pacer.may(now, rate, MSS), Ok(2 * MSS));
    pacer.on_sent(now, 2 * MSS, rate, MSS);
    assert_eq!(pacer.may(now, rate, MSS), Err(now.plus_nanos(rate.nanos_for(2 * MSS))));
}
