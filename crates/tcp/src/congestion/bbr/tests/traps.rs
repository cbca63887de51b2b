//! What others fell into, each a test of its own.

use super::path::*;
use super::startup::is_near;
use super::*;
use crate::{Config, CongestionControl};
use alloc::boxed::Box;
use core::time::Duration;

#[test]
fn losses_in_startup_do_not_lower_the_short_term_bounds() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    // One of a hundred: not enough to end Startup.
    world.fate = Box::new(|index| if index % 100 == 0 { Fate::Lose } else { Fate::Deliver });
    world.run_until(5 * SECOND, |world| {
        let bounds = &world.bbr().bounds;
        assert_eq!((bounds.bw_shortterm, bounds.inflight_shortterm), (u64::MAX, NO_BOUND));
        world.state() != State::Startup
    });
    assert!(world.dropped > 0, "there were losses");
    assert_eq!(world.turns[0].2, ProbeReason::FullPipe);
}

#[test]
fn header_and_body_that_leave_together_are_no_second_restart() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwCruise);
    world.app = App::Silent;
    world.run_until(5 * SECOND, |world| world.in_flight() == 0);
    world.now += SECOND;
    world.write(300);
    assert!(world.bbr().is_idle_restart);
    let began_at = world.bbr().aggregation;
    world.now += MS;
    world.write(100_000);
    world.run_for(30 * MS);
    assert_eq!(
        alloc::format!("{:?}", world.bbr().aggregation),
        alloc::format!("{began_at:?}"),
        "the body leaves while the header is in flight"
    );
    world.run_for(20 * MS);
    assert!(!world.bbr().is_idle_restart, "the header is delivered");
}

#[test]
fn an_exchange_of_little_fills_no_pipe() {
    let mut world = World::new(Link::new(20, 40, 300));
    assert_eq!((world.bbr().full_pipe.count(), world.bbr().rounds.count()), (0, 0), "nor does a handshake");
    for _ in 0..20 {
        world.write(2_000);
        world.run_for(100 * MS);
    }
    let bbr = world.bbr();
    assert!(bbr.rounds.count() >= 20);
    assert_eq!((bbr.full_pipe.count(), bbr.state), (0, State::Startup));
}

/// 1 Gbit/s and 0.1 ms, acknowledgments that are held together, a driver that wakes up late.
#[test]
fn rates_do_not_decay_on_a_short_path_with_a_busy_host() {
    let link = Link {
        bytes_per_s: 125_000_000,
        delay: Duration::from_micros(50),
        queue_bytes: 1_000_000,
        policer_bytes: None,
        acks_every: Some(Duration::from_micros(400)),
    };
    let mut world = World::bulk(link);
    (world.wakes_late, world.super_bytes) = (Duration::from_micros(300), 65_535);
    world.run_for(SECOND);
    let early = world.goodput_over(SECOND / 2);
    world.run_for(4 * SECOND);
    let late = world.goodput_over(SECOND / 2);
    assert!(early * 100 >= link.bytes_per_s * 80, "{early}");
    assert!(late * 100 >= early * 95, "{late} after {early}");
}

#[test]
fn the_pacer_engages_whatever_the_application_writes_at_once() {
    // A burst is a millisecond of the rate; each write is less than that.
    let mut world = World::bulk(Link::new(100, 40, 300));
    world.run_until_state(State::ProbeBwCruise);
    world.app = App::Every(MS / 10, 3 * MSS as usize);
    world.run_for(500 * MS);
    let rate = world.bbr().pacing_rate;
    let (first, last) = (world.sent[0].0, world.sent[world.sent.len() - 1].0);
    let bytes: u64 = world.sent.iter().map(|(_, bytes)| u64::from(*bytes)).sum();
    let sent_rate = bytes * 1_000_000 / last.micros_since(first);
    assert!(sent_rate <= rate * 130 / 100, "{sent_rate} at a rate of {rate}");
    let busiest = world.sent.iter().map(|(at, _)| {
        let of_instant = world.sent.iter().filter(|(other, _)| other == at);
        of_instant.map(|(_, bytes)| *bytes).sum::<u32>()
    });
    let most = busiest.max().expect("sent");
    assert!(most <= world.bbr().send_quantum_bytes() + 2 * MSS, "{most} at once");
}

#[test]
fn super_segments_are_no_longer_than_a_quantum_and_the_rate_holds() {
    let link = Link::new(50, 40, 300);
    let mut world = World::bulk(link);
    world.super_bytes = 65_535;
    world.run_until_state(State::ProbeBwCruise);
    world.run_for(SECOND);
    let quantum = world.bbr().send_quantum_bytes();
    assert!(world.sent.iter().all(|(_, bytes)| *bytes <= quantum.max(7_500)), "{quantum}");
    assert!(world.sent.iter().any(|(_, bytes)| *bytes > 2 * MSS), "they are super-segments");
    let goodput = world.goodput_over(SECOND);
    assert!(goodput * 100 >= link.bytes_per_s * 90, "{goodput}");
}

#[test]
fn the_round_trip_counts_from_when_a_segment_left_not_from_when_it_might_have() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.wakes_late = 3 * MS;
    world.run_for(3 * SECOND);
    let min_rtt_ns = world.bbr().min_rtt.get_ns().expect("measured");
    assert!((40_000_000..43_000_000).contains(&min_rtt_ns), "{min_rtt_ns}");
}

#[test]
fn a_full_window_is_seen_when_data_leaves_not_after_the_first_acknowledgment() {
    let mut bbr = Bbr::new(10 * MSS, Seq::new(1));
    bbr.on_sent(10 * MSS, MSS);
    bbr.cwnd_bytes += 2 * MSS;
    assert!(bbr.is_cwnd_limited(), "the acknowledgment opens the window, and it was full before");
    bbr.rounds.update(0, 100);
    assert!(bbr.is_cwnd_limited(), "within a round trip");
    bbr.rounds.update(100, 200);
    assert!(!bbr.is_cwnd_limited());
}

#[test]
fn what_ends_the_data_leaves_marked_and_losses_move_the_mark_down() {
    let mut rate = DeliveryRate::default();
    let at = Instant::from_millis;
    rate.on_sent(at(0), 0, 1_000);
    // The data has run out with 1,000 bytes in flight; more is written.
    rate.on_app_limited(1_000);
    let marked = rate.on_sent(at(10), 1_000, 1_000);
    assert!(marked.is_app_limited);
    let mut lossy = rate;
    // What left before the gap is lost: the gap arrives after 1,000 bytes less.
    let before_gap = DeliveryRate::default().on_sent(at(0), 0, 1_000);
    lossy.on_lost(before_gap, 1_000);
    let sample = |rate: &mut DeliveryRate, now, bytes| {
        rate.on_delivered(at(now), bytes);
        rate.path_sample(marked, at(10), 0)
    };
    assert!(sample(&mut lossy, 40, 1_000).is_app_limited, "it left behind the gap");
    assert!(!lossy.is_app_limited(), "the gap has passed");
    sample(&mut rate, 40, 1_000);
    assert!(rate.is_app_limited(), "without the loss it has not: {rate:?}");
    // What left behind the gap does not move it.
    let mut rate = DeliveryRate::default();
    rate.on_sent(at(0), 0, 1_000);
    rate.on_app_limited(1_000);
    let behind = rate.on_sent(at(10), 1_000, 1_000);
    rate.on_lost(behind, 1_000);
    rate.on_delivered(at(40), 1_000);
    rate.path_sample(before_gap, at(0), 0);
    assert!(rate.is_app_limited());
}

#[test]
fn a_round_trip_of_a_microsecond_is_survived() {
    let link = Link {
        bytes_per_s: 125_000_000,
        delay: Duration::from_nanos(500),
        queue_bytes: 1_000_000,
        policer_bytes: None,
        acks_every: None,
    };
    let mut world = World::bulk(link);
    world.run_for(200 * MS);
    let bbr = world.bbr();
    assert!(bbr.cwnd_bytes >= bbr.min_pipe_cwnd_bytes());
    assert!(world.goodput_over(100 * MS) * 100 >= link.bytes_per_s * 50);
    // And one that was never measured: the rate is that of the initial window in a millisecond.
    let bbr = Bbr::new(10 * MSS, Seq::new(1));
    assert_eq!(bbr.pacing_rate(), Some(10 * u64::from(MSS) * 1_000 * 277 / 100));
}

#[test]
fn the_quantum_is_a_millisecond_of_the_rate_within_bounds() {
    let mut bbr = Bbr::new(10 * MSS, Seq::new(1));
    bbr.c.mss = MSS;
    let quantum = |bbr: &mut Bbr, rate| {
        bbr.pacing_rate = rate;
        bbr.send_quantum_bytes()
    };
    assert_eq!(quantum(&mut bbr, 100_000), 2 * MSS);
    assert_eq!(quantum(&mut bbr, 12_500_000), 12_500 / MSS * MSS, "whole segments");
    assert_eq!(quantum(&mut bbr, 12_500_000_000), 65_535 / MSS * MSS);
}

#[test]
fn a_rate_of_its_own_is_paced_whatever_is_configured() {
    let config = Config { congestion: CongestionControl::Bbr, pacing: false, ..Config::default() };
    let mut world = World::with(Link::new(100, 20, 100), config);
    world.write(14_000);
    assert!(world.segments < 10, "{} segments of the first window at once", world.segments);
    world.run_for(50 * MS);
    assert_eq!(world.received_bytes, 14_000);
}

#[test]
fn controllers_take_over_from_it_and_it_from_them() {
    let mut world = World::with(Link::new(20, 40, 100), Config::default());
    world.app = App::Bulk;
    world.run_for(2 * SECOND);
    let now = world.now;
    let before = world.sender.info(now).cwnd_bytes;
    world.sender.set_congestion(now, CongestionControl::Bbr);
    assert_eq!(world.state(), State::Startup);
    assert_eq!(world.bbr().cwnd_bytes, before);
    let rate = world.link.bytes_per_s;
    world.run_until(10 * SECOND, |world| world.state().is_probe_bw());
    assert!(is_near(world.bbr().max_bw.get(), rate, 3));
    world.run_for(2 * SECOND);
    let now = world.now;
    let before = world.bbr().cwnd_bytes;
    world.sender.set_congestion(now, CongestionControl::Cubic);
    let info = world.sender.info(now);
    assert_eq!((info.cwnd_bytes, info.ssthresh_bytes), (before, before), "in avoidance");
    assert!(world.goodput_over(SECOND) * 100 >= rate * 85);
}

#[test]
fn a_mark_ends_what_fills_the_queue_and_lowers_the_bounds_elsewhere() {
    let mark = |world: &mut World| {
        let reduction = Reduction {
            now: world.now,
            why: Congested::Marked,
            in_flight_bytes: 10_000,
            pipe_bytes: 10_000,
            mss: MSS,
        };
        world.sender.sender.congestion.on_congestion(&reduction);
    };
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_for(200 * MS);
    assert_eq!(world.state(), State::Startup);
    mark(&mut world);
    assert_eq!(world.state(), State::Drain);
    world.run_until_state(State::ProbeBwCruise);
    mark(&mut world);
    world.run_for(200 * MS);
    assert_ne!(world.bbr().bounds.bw_shortterm, u64::MAX, "as after a round with losses");
    world.run_until_state(State::ProbeBwUp);
    mark(&mut world);
    assert_eq!(world.state(), State::ProbeBwDown);
    assert!(world.bbr().bounds.inflight_longterm < NO_BOUND);
}
