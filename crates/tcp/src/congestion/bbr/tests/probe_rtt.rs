//! ProbeRTT: the appendix's cases of entering it, leaving it, and of being spared it.

use super::path::*;
use super::startup::is_near;
use super::*;
use core::time::Duration;

#[test]
fn entering_and_exiting_probe_rtt() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeRtt);
    let entered = world.now;
    assert!(entered >= Instant::from_millis(1_000) + 5 * SECOND);
    assert_eq!(world.bbr().state.cwnd_gain(), Gain::percent(50));
    let half = world.link.product_bytes() as u32 / 2;
    world.run_until(SECOND, |world| world.in_flight() <= half + MSS);
    let drained = world.now;
    world.run_until(SECOND, |world| world.state() != State::ProbeRtt);
    assert!(world.now >= drained + Duration::from_millis(200), "200 ms with little in flight");
    assert!(world.now <= drained + Duration::from_millis(300), "{:?}", world.now.since(drained));
    assert_eq!(world.state(), State::ProbeBwCruise);
    assert!(world.bbr().full_pipe.is_reached());
    let min_rtt_ns = world.bbr().min_rtt.get_ns().expect("measured");
    assert!(min_rtt_ns < 41_000_000, "{min_rtt_ns}");
    let rate = world.link.bytes_per_s;
    world.run_for(200 * MS);
    assert!(world.goodput_over(SECOND) * 100 > rate * 90, "it goes on sending");
    world.run_until(6 * SECOND, |world| world.state() == State::ProbeRtt);
    assert!(world.now >= entered + 5 * SECOND, "not sooner than five seconds later");
}

#[test]
fn skipping_probe_rtt_due_to_application_limited_sending() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwCruise);
    world.app = App::Silent;
    // What is written is sent, and then nothing for six seconds.
    world.run_until(5 * SECOND, |world| {
        world.sender.sender.una == world.sender.sender.nxt && world.in_flight() == 0
    });
    assert_eq!(world.in_flight(), 0);
    world.now += 6 * SECOND;
    let before = world.turns.len();
    world.write(20_000);
    assert!(world.bbr().is_idle_restart);
    world.run_for(15 * MS);
    assert!(world.bbr().is_idle_restart, "until something is delivered");
    world.run_for(200 * MS);
    assert!(!world.bbr().is_idle_restart);
    assert!(
        world.turns[before..].iter().all(|(_, growth, _)| *growth != Growth::ProbeRtt),
        "{:?}",
        world.turns
    );
}

#[test]
fn entering_and_exiting_probe_rtt_during_startup() {
    let mut world = World::new(Link::new(20, 40, 300));
    world.app = App::Every(10 * MS, 5_000);
    world.run_until(6 * SECOND, |world| world.state() == State::ProbeRtt);
    assert!(!world.bbr().full_pipe.is_reached());
    world.run_until(SECOND, |world| world.state() != State::ProbeRtt);
    assert_eq!(world.state(), State::Startup);
    let last = world.turns.last().map(|(_, growth, why)| (*growth, *why));
    assert_eq!(last, Some((Growth::Startup, ProbeReason::RttMeasured)));
    world.app = App::Bulk;
    world.run_until(5 * SECOND, |world| world.bbr().full_pipe.is_reached());
    assert!(is_near(world.bbr().max_bw.get(), world.link.bytes_per_s, 3));
}
