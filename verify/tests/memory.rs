//! What the bodies hold: however small the input, a peer or a file must not make us allocate without bound.
//!
//! A body that goes beyond its allowance ends the process ("memory allocation failed"); its input is left in
//! the temporary folder. `SYNFIN_SEEDS=100000` for more of them.

mod inputs;

use cap::Cap;
use inputs::{mutated, seeds};
use sim::Dice;
use std::alloc::System;
use synfin_verify::bodies::BODIES;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// For any input here: decompressing windows of up to 8 MiB, a copy of what came out of them, and a host with
/// small bounds.
const ALLOWANCE_BYTES: usize = 32 << 20;

#[test]
fn no_body_allocates_without_bound() {
    let rounds: u64 =
        std::env::var("SYNFIN_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1_000);
    for (number, (name, body)) in BODIES.iter().enumerate() {
        let (seeds, left) = (seeds(name), std::env::temp_dir().join(format!("synfin-memory-{name}.bin")));
        let noise = (0..rounds).map(|round| mutated(&mut Dice::for_purpose(round, number as u64), &seeds));
        for bytes in seeds.iter().cloned().chain(noise) {
            std::fs::write(&left, &bytes).expect("the temporary folder takes files");
            let held = ALLOCATOR.allocated();
            ALLOCATOR.set_limit(held + ALLOWANCE_BYTES).expect("less is held");
            body(&bytes);
            ALLOCATOR.set_limit(usize::MAX).expect("less is held");
        }
        std::fs::remove_file(&left).expect("it was written");
    }
}
