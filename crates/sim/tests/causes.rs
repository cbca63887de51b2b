//! Why something was sent again: what the lens concludes from a capture is what the engine says.
//!
//! Each world is a connection over a link with faults, captured at both ends, written as capture files and read
//! back. Every retransmission has a reason in the engine's trace, and one that the lens concludes without it. What a
//! capture at the receiver cannot hold, because it was lost before, is not asked there. At the real wire
//! `crates/synfin/tests/causes.rs` does the same.
//!
//! `SYNFIN_SEEDS=1000` for more seeds; `SYNFIN_SEED=77` for one, whose differences are printed with what the engine did,
//! and whose captures are kept in the folder `SYNFIN_KEEP`; `SYNFIN_WORLD="1 % loss"` for one kind of world.

#[path = "causes/compared.rs"]
mod compared;
mod through_a_file;
#[path = "causes/worlds.rs"]
mod worlds;

use compared::{At, Compared};
use std::collections::BTreeMap;
use worlds::{WORLDS, Worlds};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seeds(usual: u64) -> std::ops::Range<u64> {
    match number("SYNFIN_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SYNFIN_SEEDS").unwrap_or(usual),
    }
}

fn compared(worlds: &Worlds) -> BTreeMap<At, Compared> {
    let mut compared =
        BTreeMap::from([(At::Sender, Compared::default()), (At::Receiver, Compared::default())]);
    for seed in seeds(worlds.seeds) {
        let lived = worlds::lived(worlds, seed);
        for (at, compared) in &mut compared {
            compared.take(&lived, *at, number("SYNFIN_SEED").is_some());
        }
    }
    compared
}

/// Of all retransmissions of all worlds, and of those of each kind of world.
#[test]
fn causes_are_what_the_engine_says() {
    let only = std::env::var("SYNFIN_WORLD").ok();
    let mut all = BTreeMap::from([(At::Sender, Compared::default()), (At::Receiver, Compared::default())]);
    let mut missed = Vec::new();
    for worlds in WORLDS.iter().filter(|worlds| only.as_ref().is_none_or(|only| only == worlds.name)) {
        for (at, compared) in compared(worlds) {
            compared.print(&format!("{}, {at:?}", worlds.name));
            let least = match at {
                At::Sender => worlds.sender_permille,
                At::Receiver => worlds.receiver_permille,
            };
            if compared.permille() < least {
                missed.push(format!("{} {at:?}: {} of 1,000, not {least}", worlds.name, compared.permille()));
            }
            all.get_mut(&at).expect("both are there").add(compared);
        }
    }
    for (at, compared) in &all {
        compared.print(&format!("all, {at:?}"));
        compared.print_confidence();
    }
    if number("SYNFIN_SEED").is_some() || only.is_some() {
        return; // for a look at it
    }
    assert!(missed.is_empty(), "{missed:#?}");
    for (at, compared) in &all {
        let permille = compared.corrected_permille();
        assert!(permille.is_none_or(|permille| permille >= 950), "corrected {at:?}: {permille:?} of 1,000");
    }
    assert!(all[&At::Sender].total() >= 5_000, "too few to tell");
}
