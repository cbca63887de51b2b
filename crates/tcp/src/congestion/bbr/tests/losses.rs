//! Losses that say something of the path, and losses that do not: where we depart from the draft.

use super::path::*;
use super::*;
use alloc::boxed::Box;

/// One of so many is lost, from now on.
fn lose_one_of(world: &mut World, count: u64) {
    world.fate = Box::new(move |index| if index.is_multiple_of(count) { Fate::Lose } else { Fate::Deliver });
}

/// Sixty-nine segments are in flight: one loss is less than 2 %.
#[test]
fn single_losses_lower_neither_bound_in_any_phase() {
    let link = Link::new(20, 40, 100);
    let mut world = World::bulk(link);
    world.run_until_state(State::ProbeBwCruise);
    lose_one_of(&mut world, 100);
    let end = world.now + 10 * SECOND;
    let mut phases = Vec::new();
    let received_bytes = world.received_bytes;
    world.run_until(11 * SECOND, |world| {
        let bounds = &world.bbr().bounds;
        assert_eq!(
            (bounds.bw_shortterm, bounds.inflight_shortterm),
            (u64::MAX, NO_BOUND),
            "{:?}",
            world.state()
        );
        if !phases.contains(&world.state()) {
            phases.push(world.state());
        }
        world.now >= end
    });
    assert!(world.dropped >= 100 && phases.contains(&State::ProbeBwDown), "{phases:?}");
    let goodput = (world.received_bytes - received_bytes) / 10;
    assert!(goodput * 100 >= link.bytes_per_s * 92, "{goodput} of {}", link.bytes_per_s);
}

#[test]
fn losses_above_the_threshold_lower_both_bounds() {
    let mut world = World::bulk(Link::new(20, 40, 100));
    world.run_until_state(State::ProbeBwCruise);
    lose_one_of(&mut world, 20);
    // A round in which the first is noticed, and one in which all samples tell of them.
    world.run_until(200 * MS, |world| {
        let bounds = &world.bbr().bounds;
        bounds.bw_shortterm < world.bbr().max_bw.get() && bounds.inflight_shortterm != NO_BOUND
    });
    assert_eq!(world.state(), State::ProbeBwCruise);
}

/// More than half a round trip of it in 36 looks of a hundred where the draft lowers the bounds for each loss, at a queue of
/// one product, and in 44 here: it is the probes that find the rate.
#[test]
fn a_path_whose_rate_halves_has_no_lasting_queue() {
    for (queue_percent, part) in [(25, 10), (100, 50)] {
        let mut world = World::bulk(Link::new(50, 40, queue_percent));
        world.run_until_state(State::ProbeBwUp);
        world.run_until_state(State::ProbeBwCruise);
        world.link.bytes_per_s /= 2;
        let rate = world.link.bytes_per_s;
        let end = world.now + 20 * SECOND;
        let (mut looks, mut long) = (0, 0);
        world.run_until(21 * SECOND, |world| {
            looks += 1;
            long += u32::from(world.queued() > 20 * MS);
            world.now >= end
        });
        assert!(long * 100 <= looks * part, "queue {queue_percent} %: long in {long} of {looks}");
        let max_bw = world.bbr().max_bw.get();
        assert!(max_bw * 100 <= rate * 105, "queue {queue_percent} %: {max_bw} of {rate}");
    }
}

/// 30 % of the rate where losses may take the long-term bound below the product; 66 here.
#[test]
fn losses_by_chance_take_no_window_below_the_product() {
    let link = Link::new(100, 20, 100);
    let mut world = World::bulk(link);
    world.run_until_state(State::ProbeBwCruise);
    // 3 %, without a rhythm.
    world.fate = Box::new(|index| {
        // SplitMix64, by the index.
        let mut dice = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        dice = (dice ^ (dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        dice = (dice ^ (dice >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        if (dice ^ (dice >> 31)) % 100 < 3 { Fate::Lose } else { Fate::Deliver }
    });
    let received_bytes = world.received_bytes;
    let end = world.now + 20 * SECOND;
    world.run_until(21 * SECOND, |world| world.now >= end);
    let goodput = (world.received_bytes - received_bytes) / 20;
    assert!(goodput * 100 >= link.bytes_per_s * 50, "{goodput} of {}", link.bytes_per_s);
}
