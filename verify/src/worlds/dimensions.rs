//! What hosts and paths of an evil world are from the beginning: options seldom used, tiny sizes, odd middleboxes.
//!
//! A dimension that is known to fail is switched off by a constant that says what it waits for.

use crate::worlds::plan::{Plan, config as plain_config, pick, sometimes};
use sim::{Chance, Dice, Ends, Middlebox, QueueLimit, Renumbering, SackNumbers, Touches};
use std::time::Duration;
use tcp::{Allowance, Config, CongestionControl, KeepAlive};
use wire::tcp::kind;

/// A cookie keeps a small MSS, and a loss under cookies costs no connection: until then no world makes cookies.
pub(crate) const COOKIES_KEEP_EVERYTHING: bool = true;
/// A neighbour in use stays in a table that strangers fill: until then there are fewer strangers than places.
pub(crate) const NEIGHBOURS_IN_USE_STAY: bool = true;
/// A window that is not zero is not announced as zero: until then no buffer is below the unit of its scale.
const SMALL_WINDOWS_ARE_ANNOUNCED: bool = true;
/// The user timeout counts while a window is closed, and nothing else ends a connection sooner.
const USER_TIMEOUTS: bool = true;

/// Adds this seed's dimensions to a plan.
pub(crate) fn add(dice: &mut Dice, plan: &mut Plan) {
    for config in &mut plan.configs {
        if sometimes(dice, 60.0) {
            *config = self::config(dice);
        }
    }
    if sometimes(dice, 25.0) {
        add_middlebox(dice, plan);
    }
    if sometimes(dice, 25.0) {
        plan.link.ends = Ends::Ethernet;
    }
    if sometimes(dice, 8.0) {
        let chance = Chance::per_million(dice.below(20_000) as u32);
        let lane = if sometimes(dice, 50.0) { &mut plan.link.forward } else { &mut plan.link.backward };
        lane.corrupt_unseen = chance;
    }
}

/// Options of a connection, the seldom ones too.
pub(crate) fn config(dice: &mut Dice) -> Config {
    let mut config = plain_config(dice);
    config.congestion = pick(dice, &CongestionControl::ALL);
    config.cork = sometimes(dice, 8.0);
    config.dsack = sometimes(dice, 80.0);
    config.frto = sometimes(dice, 80.0);
    config.pacing = sometimes(dice, 60.0);
    config.tail_loss_probes = sometimes(dice, 80.0);
    config.abc_limit_segments = pick(dice, &[0, 0, 1, 2]);
    config.rto_min = pick(dice, &[200, 200, 1, 30, 1_000].map(Duration::from_millis));
    config.rto_variance_min = pick(dice, &[200, 200, 1, 30].map(Duration::from_millis));
    config.challenge_acks = Allowance { answers: pick(dice, &[10, 10, 1, 100]), per: Duration::from_secs(1) };
    if sometimes(dice, 15.0) {
        config.receive_buffer_bytes = pick(dice, &[300, 700, 1_400]);
    }
    if sometimes(dice, 10.0) {
        config.send_buffer_bytes = pick(dice, &[100, 700]);
    }
    if sometimes(dice, 10.0) {
        config.mss_bytes_max = pick(dice, &[48, 64, 300]);
    }
    if SMALL_WINDOWS_ARE_ANNOUNCED && sometimes(dice, 10.0) {
        config.receive_buffer_bytes = pick(dice, &[3_000, 10_000]);
        config.receive_buffer_bytes_max = pick(dice, &[64 << 20, 1 << 30]);
    }
    if sometimes(dice, 15.0) {
        let idle = Duration::from_millis(500 + dice.below(10_000));
        let interval = Duration::from_millis(500 + dice.below(2_000));
        config.keep_alive = Some(KeepAlive { idle, interval, probes: 3 + dice.below(7) as u8 });
    }
    if USER_TIMEOUTS && sometimes(dice, 10.0) {
        config.user_timeout = Some(Duration::from_secs(5 + dice.below(120)));
    }
    config
}

/// The simplest options with which these worlds can go on: what a middlebox makes necessary is kept.
pub(crate) fn plain(config: &Config) -> Config {
    Config { missing_timestamps_tolerated: config.missing_timestamps_tolerated, ..Config::default() }
}

/// Whether an end may give up for its own impatience.
pub(crate) fn is_impatient(config: &Config) -> bool {
    config.user_timeout.is_some() || config.keep_alive.is_some()
}

fn add_middlebox(dice: &mut Dice, plan: &mut Plan) {
    let lanes = [&mut plan.link.forward, &mut plan.link.backward];
    let mut boxes = lanes.map(|lane| lane.middlebox.get_or_insert_with(Middlebox::default));
    match dice.below(4) {
        0 => {
            let sack = pick(dice, &[SackNumbers::Rewritten, SackNumbers::Rewritten, SackNumbers::Left]);
            let small = sometimes(dice, 30.0);
            let mut added = || if small { dice.below(100_000) as u32 } else { dice.roll() as u32 };
            let numbers = Renumbering::pair(added(), added(), sack);
            boxes.iter_mut().zip(numbers).for_each(|(there, numbers)| there.numbers = Some(numbers));
        }
        1 => {
            for lane in [&mut plan.link.forward, &mut plan.link.backward] {
                // Who makes many packets of one has room for them.
                lane.queue.limit = QueueLimit::Packets(1_000);
                let there = lane.middlebox.get_or_insert_with(Middlebox::default);
                there.split_to_bytes = sometimes(dice, 70.0).then(|| 40 + dice.below(1_000) as u16);
            }
        }
        2 => {
            for there in &mut boxes {
                there.merge_to_bytes = sometimes(dice, 70.0).then(|| pick(dice, &[1_500, 9_000, 65_000]));
            }
        }
        // Of two options one vanishes once it was agreed upon.
        _ if boxes.iter().all(|there| there.strips.is_empty()) => {
            let stripped = pick(dice, &[kind::SACK, kind::TIMESTAMPS]);
            for there in &mut boxes {
                there.touches = Touches::AllButSyns;
                there.strips = vec![stripped];
            }
            let is_tolerated = stripped == kind::TIMESTAMPS;
            plan.configs.iter_mut().for_each(|config| config.missing_timestamps_tolerated |= is_tolerated);
        }
        _ => {}
    }
}
