//! Recoveries for nothing: the appendix's cases of taking them back.

use super::path::*;
use super::*;
use crate::RecoveryPhase;
use alloc::boxed::Box;
use core::time::Duration;

/// From the `index`-th data segment on `count` of them are late by this.
fn late(from: u64, count: u64, by: Duration) -> Box<dyn FnMut(u64) -> Fate> {
    Box::new(
        move |index| if (from..from + count).contains(&index) { Fate::LateBy(by) } else { Fate::Deliver },
    )
}

#[test]
fn handling_spurious_fast_recovery() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwUp);
    world.run_for(50 * MS);
    let before = world.bbr().clone();
    assert_eq!(before.state, State::ProbeBwUp);
    // A dozen segments overtaken by those of a round trip: more than 2 %.
    world.fate = late(world.segments + 1, 12, 45 * MS);
    world.run_until(SECOND, |world| world.sender.sender.phase() == RecoveryPhase::Recovery);
    let bbr = world.bbr();
    let saved = bbr.undo.bounds.expect("saved");
    assert_eq!(saved.bw_shortterm, before.bounds.bw_shortterm);
    assert_eq!(saved.inflight_shortterm, before.bounds.inflight_shortterm);
    assert_eq!(saved.inflight_longterm, before.bounds.inflight_longterm);
    assert_eq!(bbr.state, State::ProbeBwDown, "the loss ends the probe");
    assert!(bbr.bounds.inflight_longterm < NO_BOUND);
    world.run_until(SECOND, |world| world.sender.sender.sent.undone > 0);
    let bbr = world.bbr();
    assert_eq!(bbr.state, State::ProbeBwRefill, "back to the probe, which begins with a full pipe");
    assert!(bbr.bounds.bw_shortterm >= saved.bw_shortterm);
    assert!(bbr.bounds.inflight_shortterm >= saved.inflight_shortterm);
    assert_eq!(bbr.bounds.inflight_longterm, NO_BOUND);
    assert_eq!(world.turns.last().map(|turn| turn.2), Some(ProbeReason::Undone));
    world.run_until(SECOND, |world| world.state() == State::ProbeBwUp);
}

#[test]
fn handling_spurious_rto_recovery() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwUp);
    world.run_for(50 * MS);
    let before = world.bbr().clone();
    // The path becomes a second longer: the timer runs out before anything is heard.
    world.fate = Box::new(|_| Fate::LateBy(SECOND));
    world.run_until(3 * SECOND, |world| world.sender.sender.phase() == RecoveryPhase::Loss);
    let bbr = world.bbr();
    let saved = bbr.undo.bounds.expect("saved");
    assert_eq!(saved.inflight_longterm, before.bounds.inflight_longterm);
    assert_eq!(saved.bw_shortterm, before.bounds.bw_shortterm);
    assert!(bbr.cwnd_bytes < before.cwnd_bytes / 2, "{} of {}", bbr.cwnd_bytes, before.cwnd_bytes);
    assert!(bbr.prior_cwnd_bytes >= before.cwnd_bytes / 2);
    world.run_until(3 * SECOND, |world| world.sender.sender.sent.undone > 0);
    let bbr = world.bbr();
    assert!(bbr.bounds.inflight_longterm >= saved.inflight_longterm);
    assert!(bbr.bounds.bw_shortterm >= saved.bw_shortterm);
    assert!(bbr.cwnd_bytes >= before.cwnd_bytes / 2, "{} of {}", bbr.cwnd_bytes, before.cwnd_bytes);
    assert!(matches!(bbr.state, State::ProbeBwUp | State::ProbeBwRefill), "{:?}", bbr.state);
}

#[test]
fn a_spurious_recovery_in_startup_goes_on_with_startup() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_for(150 * MS);
    assert_eq!(world.state(), State::Startup);
    world.sender.sender.congestion.model_mut().expect("BBR").enter_recovery();
    world.sender.sender.congestion.model_mut().expect("BBR").leave_startup(ProbeReason::HighLoss);
    assert_eq!(world.state(), State::Drain);
    let kept = world.sender.sender.congestion.clone();
    let now = world.now;
    world.sender.sender.congestion.on_undo(&kept, now);
    let bbr = world.bbr();
    assert_eq!((bbr.state, bbr.full_pipe.is_reached()), (State::Startup, false));
    assert_eq!(bbr.bounds.inflight_longterm, NO_BOUND);
}
