//! Startup: the appendix's cases of leaving it, and of finding the rate of a link that gathers acknowledgments.

use super::path::*;
use super::*;
use alloc::boxed::Box;

/// Near enough: within so many percent.
pub(super) fn is_near(value: u64, wanted: u64, percent: u64) -> bool {
    value.abs_diff(wanted) * 100 <= wanted * percent
}

#[test]
fn exiting_startup_on_bandwidth_plateau() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    let mut counts = [0; 3];
    world.run_until(5 * SECOND, |world| {
        let pipe = &world.bbr().full_pipe;
        if !pipe.is_reached() {
            assert_eq!(world.state(), State::Startup);
            counts[usize::from(pipe.count())] += 1;
        }
        pipe.is_reached()
    });
    assert!(counts.iter().all(|count| *count > 0), "it went through each count: {counts:?}");
    let bbr = world.bbr();
    assert!(bbr.full_pipe.is_now() && bbr.full_pipe.count() == 3);
    assert!(is_near(bbr.max_bw.get(), world.link.bytes_per_s, 2), "{}", bbr.max_bw.get());
    assert_eq!(world.state(), State::Drain);
    assert_eq!(world.dropped, 0);
    let last = world.turns.last().map(|(_, growth, why)| (*growth, *why));
    assert_eq!(last, Some((Growth::Drain, ProbeReason::FullPipe)));
}

#[test]
fn exiting_startup_on_loss_when_application_limited() {
    let mut world = World::new(Link::new(20, 40, 300));
    // A fifth of the link.
    world.app = App::Every(10 * MS, 5_000);
    world.run_for(2 * SECOND);
    assert_eq!(world.state(), State::Startup);
    assert!(world.bbr().c.is_app_limited, "nothing else limits it");
    world.fate = Box::new(|index| if index % 4 == 0 { Fate::Lose } else { Fate::Deliver });
    // Half of the link.
    world.app = App::Every(10 * MS, 12_500);
    world.run_until(10 * SECOND, |world| world.state() != State::Startup);
    assert!(world.bbr().c.is_app_limited, "still");
    let pipe = &world.bbr().full_pipe;
    assert!(pipe.is_now() && pipe.is_reached());
    let last = world.turns.last().map(|(_, growth, why)| (*growth, *why));
    assert_eq!(last, Some((Growth::Drain, ProbeReason::HighLoss)));
}

#[test]
fn never_exiting_startup_when_application_limited_with_no_loss() {
    let mut world = World::new(Link::new(20, 40, 300));
    world.app = App::Every(10 * MS, 5_000);
    world.run_for(30 * SECOND);
    assert_eq!(world.state(), State::Startup);
    assert!(world.turns.iter().all(|(_, growth, _)| matches!(growth, Growth::ProbeRtt | Growth::Startup)));
    assert!(!world.bbr().full_pipe.is_reached());
}

#[test]
fn achieving_expected_startup_bandwidth_on_a_link_with_aggregation() {
    let mut link = Link::new(20, 40, 400);
    link.acks_every = Some(15 * MS);
    let mut world = World::bulk(link);
    let mut is_augmented = false;
    world.run_until(5 * SECOND, |world| {
        let bbr = world.bbr();
        is_augmented |= bbr.aggregation.extra_bytes() > 0 && bbr.cwnd_bytes > 2 * bbr.bdp_bytes();
        bbr.full_pipe.is_reached()
    });
    assert!(is_augmented, "the window allows for what is gathered");
    let max_bw = world.bbr().max_bw.get();
    assert!(max_bw >= link.bytes_per_s * 95 / 100, "found {max_bw} of {}", link.bytes_per_s);
    assert!(max_bw <= link.bytes_per_s * 277 / 100, "no more than what was sent: {max_bw}");
}
