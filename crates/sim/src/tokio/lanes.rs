//! What the words of a builder change in one direction of a link.

use crate::link::LinkConfig;
use netem::{Chance, Lane, Loss};
use std::time::Duration;

/// Changes both directions.
pub(super) fn both(link: &mut LinkConfig, change: impl Fn(&mut Lane)) {
    change(&mut link.forward);
    change(&mut link.backward);
}

/// Every frame takes as long.
pub(super) fn takes(lane: &mut Lane, latency: Duration) {
    (lane.delay, lane.jitter) = (latency, Duration::ZERO);
}

/// The longest time stays as it is, unless it is shorter than this.
pub(super) fn takes_at_least(lane: &mut Lane, latency: Duration) {
    let longest = lane.delay + lane.jitter;
    (lane.delay, lane.jitter) = (latency, longest.saturating_sub(latency));
}

/// The shortest time stays as it is, unless it is longer than this.
pub(super) fn takes_at_most(lane: &mut Lane, latency: Duration) {
    lane.delay = lane.delay.min(latency);
    lane.jitter = latency - lane.delay;
}

/// With this chance, from 0 to 1, a frame finds that the lane begins to lose everything.
pub(super) fn fails(lane: &mut Lane, rate: f64) {
    let (_, to_good) = chances(lane);
    lane.loss = in_states(chance(rate), to_good);
}

/// With this chance, from 0 to 1, a frame finds that a lane which loses everything works again.
pub(super) fn is_repaired(lane: &mut Lane, rate: f64) {
    let (to_bad, _) = chances(lane);
    lane.loss = in_states(to_bad, chance(rate));
}

fn chance(rate: f64) -> Chance {
    Chance::percent(100.0 * rate)
}

/// How it changes to its bad state and back; at first never, and with the next frame.
fn chances(lane: &Lane) -> (Chance, Chance) {
    match lane.loss {
        Loss::GilbertElliott { to_bad, to_good, .. } => (to_bad, to_good),
        _ => (Chance::NEVER, Chance::ALWAYS),
    }
}

fn in_states(to_bad: Chance, to_good: Chance) -> Loss {
    Loss::GilbertElliott { to_bad, to_good, in_good: Chance::NEVER, in_bad: Chance::ALWAYS }
}
