//! Drain: the appendix's cases of leaving it.

use super::path::*;
use super::*;

#[test]
fn exiting_drain_based_on_inflight() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::Drain);
    let bbr = world.bbr();
    assert_eq!(bbr.state.pacing_gain(), Gain::percent(50));
    assert!(bbr.pacing_rate <= bbr.bw / 2, "half of the rate");
    let start = bbr.drain_start_round;
    world.run_until(SECOND, |world| {
        let bbr = world.bbr();
        let is_drained = bbr.c.in_flight_bytes <= bbr.in_flight_for(bbr.bw, Gain::ONE);
        // It was judged with the window and the gain of Drain.
        assert!(!is_drained || bbr.state != State::Drain, "it goes on although the queue is gone");
        bbr.state != State::Drain
    });
    assert!(world.state().is_probe_bw());
    assert!(world.bbr().rounds.count() - start <= 3, "not because of the time");
    assert_eq!(world.turns[1].2, ProbeReason::Drained);
}

#[test]
fn exiting_drain_based_on_time() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::Drain);
    let start = world.bbr().drain_start_round;
    // Another flow has taken most of the link meanwhile: what is in flight takes long to arrive. (With the tenth that the
    // draft proposes, half of the rate would still drain the queue in time.)
    world.link.bytes_per_s /= 10;
    world.run_until(20 * SECOND, |world| {
        let bbr = world.bbr();
        let is_above = bbr.c.in_flight_bytes > bbr.in_flight_for(bbr.bw, Gain::ONE);
        assert!(bbr.state != State::Drain || is_above);
        bbr.state != State::Drain
    });
    assert_eq!(world.bbr().rounds.count(), start + 4, "more than three round trips");
    assert_eq!(world.turns[1].2, ProbeReason::TookTooLong);
    assert!(world.state().is_probe_bw());
}
