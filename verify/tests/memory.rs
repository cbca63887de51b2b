//! What the bodies hold: however small the input, a peer or a file must not make us allocate without bound.
//!
//! A body that goes beyond its allowance ends the process ("memory allocation failed"); its input is left in
//! the temporary folder. `SYNFIN_SEEDS=100000` for more of them.

use cap::Cap;
use std::alloc::System;
use synfin_verify::bodies::BODIES;
use synfin_verify::inputs::Inputs;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// What a body may hold, for inputs of a few kilobytes.
fn allowance_bytes(name: &str) -> usize {
    match name {
        // A file may ask for a window of 100 MB to be decompressed.
        "capture_file" => 128 << 20,
        _ => 16 << 20,
    }
}

#[test]
fn no_body_allocates_without_bound() {
    let rounds: u64 =
        std::env::var("SYNFIN_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1_000);
    for (name, body) in BODIES {
        let inputs = Inputs::of(name);
        let left = std::env::temp_dir().join(format!("synfin-memory-{name}.bin"));
        let mutated = (0..rounds).map(|number| inputs.mutated(number));
        for bytes in inputs.seeds().iter().cloned().chain(mutated) {
            std::fs::write(&left, &bytes).expect("the temporary folder takes files");
            let held = ALLOCATOR.allocated();
            ALLOCATOR.set_limit(held + allowance_bytes(name)).expect("less is held");
            body(&bytes);
            ALLOCATOR.set_limit(usize::MAX).expect("less is held");
        }
        std::fs::remove_file(&left).expect("it was written");
    }
}
