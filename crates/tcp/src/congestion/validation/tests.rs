use super::super::tests::{LOSS_BASED, MSS, acked, at_ms, controller, lost, round_trip};
use super::super::{Acked, Congestion, Controller};
use super::*;
use wire::Seq;

const MINUTE_MS: u64 = 60_000;

#[test]
fn pipe_ack_is_the_most_of_the_last_second() {
    let mut pipe_ack = PipeAck::new(at_ms(0));
    assert_eq!(pipe_ack.bytes(at_ms(0)), None, "RFC 7661 §4.1: undefined");
    pipe_ack.on_round(at_ms(10), 5_000, 10_000);
    pipe_ack.on_round(at_ms(20), 2_000, 10_000);
    assert_eq!(pipe_ack.bytes(at_ms(20)), Some(5_000));
    pipe_ack.on_round(at_ms(510), 3_000, 10_000);
    assert_eq!(pipe_ack.bytes(at_ms(510)), Some(5_000));
    pipe_ack.on_round(at_ms(1_020), 1_000, 10_000);
    assert_eq!(pipe_ack.bytes(at_ms(1_020)), Some(3_000), "the round of 5,000 is over a second ago");
    assert_eq!(pipe_ack.bytes(at_ms(1_520)), Some(1_000));
    assert_eq!(pipe_ack.bytes(at_ms(2_020)), None, "nothing within the last second");
}

#[test]
fn on_long_paths_it_is_the_most_of_three_round_trips() {
    let mut pipe_ack = PipeAck::new(at_ms(0));
    pipe_ack.on_round(at_ms(600), 5_000, 600_000);
    pipe_ack.on_round(at_ms(1_200), 2_000, 600_000);
    assert_eq!(pipe_ack.bytes(at_ms(1_200)), Some(5_000));
    assert_eq!(pipe_ack.bytes(at_ms(2_200)), Some(5_000), "1.6 s ago, of 1.8");
    assert_eq!(pipe_ack.bytes(at_ms(2_400)), None);
    pipe_ack.on_round(at_ms(2_400), 1_000, 600_000);
    assert_eq!(pipe_ack.bytes(at_ms(2_400)), Some(1_000));
}

#[test]
fn no_sample_counts_for_longer_than_the_period() {
    // RFC 7661 §4.2, MUST NOT; rounds at odd moments against buckets of half a second.
    for second_ms in (510..1_000).step_by(10) {
        let mut pipe_ack = PipeAck::new(at_ms(0));
        pipe_ack.on_round(at_ms(10), 5_000, 10_000);
        pipe_ack.on_round(at_ms(second_ms), 1_000, 10_000);
        assert_ne!(pipe_ack.bytes(at_ms(1_010)), Some(5_000), "{second_ms}");
    }
}

#[test]
fn half_of_the_window_validates_it() {
    let mut pipe_ack = PipeAck::new(at_ms(0));
    assert!(pipe_ack.validates(at_ms(0), 10_000), "undefined: RFC 7661 §4.2");
    pipe_ack.on_round(at_ms(10), 4_999, 10_000);
    assert!(!pipe_ack.validates(at_ms(10), 10_000));
    pipe_ack.on_round(at_ms(20), 5_000, 10_000);
    assert!(pipe_ack.validates(at_ms(20), 10_000));
    pipe_ack.forget(at_ms(30));
    assert_eq!(pipe_ack.bytes(at_ms(30)), None);
}

/// Controllers with a window of 100 segments in avoidance, in use until `at_ms`.
fn in_avoidance() -> [Congestion; 2] {
    LOSS_BASED.map(|control| {
        let mut controller = controller(control, 200 * MSS);
        controller.on_congestion(&lost(0, 142 * MSS));
        while controller.cwnd_bytes() < 100 * MSS {
            round_trip(&mut controller, 0, 0);
        }
        round_trip(&mut controller, 1_000, 100);
        controller.on_quiet(at_ms(1_100));
        controller
    })
}

/// A few bytes, far from filling the window.
fn little(ms: u64) -> Acked {
    Acked { cwnd_limited: false, in_flight_bytes_before: 100, ..acked(ms, 100) }
}

#[test]
fn a_window_that_is_not_used_decays_after_five_minutes() {
    for mut controller in in_avoidance() {
        let window = controller.cwnd_bytes();
        let ssthresh = controller.ssthresh_bytes();
        let name = controller.control().name();
        for ms in (2_000..5 * MINUTE_MS).step_by(10_000) {
            controller.on_acked(&little(ms));
        }
        assert_eq!(controller.cwnd_bytes(), window, "{name}: preserved for five minutes");
        controller.on_acked(&little(5 * MINUTE_MS + 2_000));
        assert_eq!(controller.cwnd_bytes(), window / 2, "{name}: RFC 7661 §4.4.3");
        assert_eq!(
            controller.ssthresh_bytes(),
            ssthresh.max(window / 4 * 3),
            "{name}: what was sustained is remembered"
        );
        controller.on_acked(&little(6 * MINUTE_MS));
        assert_eq!(controller.cwnd_bytes(), window / 2, "{name}: once in five minutes");
        controller.on_acked(&little(100 * MINUTE_MS));
        assert_eq!(controller.cwnd_bytes(), 10 * MSS, "{name}: not below the initial window");
    }
}

#[test]
fn a_window_in_use_does_not_decay() {
    for mut controller in in_avoidance() {
        let window = controller.cwnd_bytes();
        // Sixty segments each second: more than half, never all.
        let mut una = Seq::new(0);
        for second in 2..1_200 {
            for _ in 0..60 {
                una += MSS;
                controller.on_acked(&Acked {
                    cwnd_limited: false,
                    in_flight_bytes_before: 60 * MSS,
                    una,
                    nxt: una + 59 * MSS,
                    srtt_us: 1_000_000,
                    ..acked(second * 1_000, MSS)
                });
            }
        }
        assert_eq!(controller.cwnd_bytes(), window, "{}", controller.control().name());
    }
}

#[test]
fn data_after_a_long_pause_meets_a_window_that_has_decayed() {
    for mut controller in in_avoidance() {
        let window = controller.cwnd_bytes();
        controller.on_resumed(at_ms(4 * MINUTE_MS), 10 * MSS);
        assert_eq!(controller.cwnd_bytes(), window);
        controller.on_resumed(at_ms(11 * MINUTE_MS), 10 * MSS);
        assert_eq!(controller.cwnd_bytes(), window / 4, "two periods");
    }
}

#[test]
fn an_initial_window_beyond_the_usual_is_not_taken_back_at_once() {
    for control in LOSS_BASED {
        let mut controller = controller(control, 50 * MSS);
        controller.on_acked(&little(1_000 * MINUTE_MS));
        assert_eq!(controller.cwnd_bytes(), 50 * MSS, "{control:?}: the clock's origin means nothing");
    }
}

#[test]
fn a_loss_in_a_window_that_is_not_validated_reduces_from_what_was_delivered() {
    for (mut controller, share) in in_avoidance().into_iter().zip([(1, 2), (7, 10)]) {
        let name = controller.control().name();
        let window = controller.cwnd_bytes();
        // Bursts: half of the window is in flight once, and 40 segments are delivered in that round trip.
        let mut una = Seq::new(0);
        for segment in 0..=40 {
            una = Seq::new(0) + segment * MSS;
            let burst = window / 2 + MSS;
            controller.on_acked(&Acked {
                cwnd_limited: false,
                in_flight_bytes_before: burst,
                una,
                nxt: Seq::new(0) + 40 * MSS,
                srtt_us: 100_000,
                ..acked(10_000, if segment == 0 { 0 } else { MSS })
            });
        }
        assert_eq!(una, Seq::new(40 * MSS));
        // The tail of it is lost with five segments in flight.
        controller.on_congestion(&lost(10_100, 5 * MSS));
        assert_eq!(controller.cwnd_bytes(), 40 * MSS / share.1 * share.0, "{name}: RFC 7661 §4.4.1");
        // And once more: what was measured before says nothing any more.
        controller.on_congestion(&lost(10_200, 5 * MSS));
        assert_eq!(controller.cwnd_bytes(), 5 * MSS / share.1 * share.0, "{name}");
    }
}

#[test]
fn what_is_delivered_in_a_recovery_is_not_measured() {
    for (mut controller, share) in in_avoidance().into_iter().zip([(1, 2), (7, 10)]) {
        let burst = controller.cwnd_bytes() / 2 + MSS;
        for segment in 0..=40 {
            controller.on_acked(&Acked {
                cwnd_limited: false,
                in_flight_bytes_before: burst,
                una: Seq::new(0) + segment * MSS,
                nxt: Seq::new(0) + 40 * MSS,
                srtt_us: 100_000,
                // It begins in the middle of the round, and ends behind it.
                recovering: segment > 10,
                ..acked(10_000, if segment == 0 { 0 } else { MSS })
            });
        }
        controller.on_congestion(&lost(10_100, 5 * MSS));
        assert_eq!(controller.cwnd_bytes(), 5 * MSS / share.1 * share.0, "RFC 7661 §4.2");
    }
}

#[test]
fn a_window_that_was_filled_reduces_from_what_is_in_flight() {
    for (mut controller, share) in in_avoidance().into_iter().zip([(1, 2), (7, 10)]) {
        round_trip(&mut controller, 10_000, 100);
        controller.on_congestion(&lost(10_100, 80 * MSS));
        assert_eq!(controller.cwnd_bytes(), 80 * MSS / share.1 * share.0);
    }
}

#[test]
fn a_window_that_is_not_filled_does_not_grow() {
    for mut controller in in_avoidance() {
        let window = controller.cwnd_bytes();
        for ms in 0..10_000 {
            controller.on_acked(&Acked { cwnd_limited: false, ..acked(2_000 + ms, MSS) });
        }
        assert_eq!(controller.cwnd_bytes(), window);
    }
}
