use super::*;

/// The estimate is `us`, to a thousandth.
#[track_caller]
fn assert_near(rtt: ReceiverRtt, us: u32) {
    let kept = rtt.micros().expect("something was measured");
    assert!(kept.abs_diff(us) <= us / 1_000, "{kept} us, not {us}");
}

fn arrival(at_us: u64, nxt: u32, window_bytes: u32, shift: u8) -> Arrival {
    Arrival { now: Instant::from_micros(at_us), nxt: Seq::new(nxt), window_bytes, shift }
}

#[test]
fn a_coarse_time_is_right_to_a_thousandth() {
    assert_eq!(Coarse::of_micros(0).micros(), None);
    for us in (1..5_000).chain([65_535, 123_456, 1_000_000, 60_000_000, u32::MAX - 1, u32::MAX]) {
        let kept = Coarse::of_micros(us).micros().expect("more than nothing");
        assert!(kept <= us && us - kept <= us / 1_000, "{us} became {kept}");
    }
}

#[test]
fn an_echo_is_used_once_shorter_at_once_longer_by_an_eighth() {
    let mut rtt = ReceiverRtt::default();
    assert_eq!(rtt.micros(), None);
    rtt.on_echo(5_100, 5_000, false);
    assert_near(rtt, 100_000);
    assert!(!rtt.is_news(5_000) && rtt.is_news(6_000), "the same tick, once more");
    rtt.on_echo(6_180, 6_000, false);
    assert_near(rtt, 110_000);
    rtt.on_echo(7_040, 7_000, false);
    assert_near(rtt, 40_000);
    rtt.on_echo(8_000, 8_000, false);
    assert_eq!(rtt.micros(), Some(TICK_US), "less than a tick is a tick at most");
}

#[test]
fn while_text_waits_for_its_reader_only_shorter_ones_count() {
    let mut rtt = ReceiverRtt::default();
    rtt.on_echo(100, 20, true);
    assert_near(rtt, 80_000);
    rtt.on_echo(9_000, 21, true);
    assert_near(rtt, 80_000);
    rtt.on_echo(9_060, 9_000, true);
    assert_near(rtt, 60_000);
}

#[test]
fn an_echo_from_the_future_or_the_distant_past_says_nothing() {
    let mut rtt = ReceiverRtt::default();
    for echo in [1_001, 0x8000_0000, u32::MAX - 60_000, 5_000] {
        rtt.on_echo(1_000, echo, false);
        assert_eq!(rtt.micros(), None, "{echo}");
    }
    rtt.on_echo(29, u32::MAX, false);
    // Across the end of the circle.
    assert_near(rtt, 30_000);
}

#[test]
fn without_timestamps_a_window_of_text_is_a_round_trip_and_the_shortest_counts() {
    let mut rtt = ReceiverRtt::default();
    let start = 0xffff_f000_u32;
    let mut arrives = |at_us, offset| {
        rtt.on_text(&arrival(at_us, start.wrapping_add(offset), 10_000, 0));
        rtt
    };
    assert_eq!(arrives(0, 1_000).micros(), None, "begins at the origin of time, too");
    assert_eq!(arrives(30_000, 10_900).micros(), None, "not a window yet");
    assert_near(arrives(40_000, 11_004), 40_000);
    // Longer ones say nothing.
    assert_near(arrives(99_000, 21_500), 40_000);
    assert_near(arrives(119_000, 32_000), 20_000);
}

#[test]
fn the_largest_windows_are_measured_at_every_scale() {
    for shift in 0..=14 {
        let window_bytes = 65_535_u32 << shift;
        for start in [0, 0x7fff_ffff, 0xffff_0000] {
            let mut rtt = ReceiverRtt::default();
            let mut nxt = start;
            rtt.on_text(&arrival(1_000, nxt, window_bytes, shift));
            nxt = nxt.wrapping_add(window_bytes / 2);
            rtt.on_text(&arrival(5_000, nxt, window_bytes, shift));
            assert_eq!(rtt.micros(), None, "half a window at shift {shift}");
            // At most a window arrives at once: a hole was filled.
            nxt = nxt.wrapping_add(window_bytes);
            rtt.on_text(&arrival(9_000, nxt, window_bytes, shift));
            assert_near(rtt, 8_000);
        }
    }
}
