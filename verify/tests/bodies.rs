//! The smoke run of the fuzz bodies: committed seeds, seeds with mutations, bytes out of nowhere.
//!
//! `SYNFIN_SEEDS=100000` for more of them. A failure says which body and leaves the input to be committed.

use sim::Dice;
use std::panic::catch_unwind;
use std::path::PathBuf;
use synfin_verify::bodies::{BODIES, Body};

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a seed can be read")).collect()
}

fn noise(dice: &mut Dice, len: u64) -> Vec<u8> {
    (0..dice.below(len)).map(|_| dice.roll() as u8).collect()
}

/// A seed with some bytes changed, cut out, doubled, or another seed behind it.
fn mutated(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    if seeds.is_empty() || dice.below(4) == 0 {
        let len_max = 1 << (5 + dice.below(8));
        return noise(dice, len_max);
    }
    let mut bytes = seeds[dice.below(seeds.len() as u64) as usize].clone();
    for _ in 0..=dice.below(8) {
        let at = dice.below(bytes.len() as u64 + 1) as usize;
        let upto = (at + dice.below(16) as usize).min(bytes.len());
        match dice.below(5) {
            0 => drop(bytes.drain(at..upto)),
            1 => {
                let noise = noise(dice, 16);
                bytes.splice(at..at, noise);
            }
            2 => {
                let copy = bytes[at..upto].to_vec();
                bytes.splice(at..at, copy);
            }
            3 => bytes[at..upto].fill(if dice.below(2) == 0 { 0 } else { 0xff }),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
    }
    bytes
}

fn check(name: &str, body: Body, bytes: &[u8]) {
    if catch_unwind(|| body(bytes)).is_err() {
        let path = std::env::temp_dir().join(format!("synfin-{name}.bin"));
        let _ = std::fs::write(&path, bytes);
        panic!(
            "{name} fails for the {} bytes in {}; commit them to fuzz/seeds/{name}",
            bytes.len(),
            path.display()
        );
    }
}

#[test]
fn every_body_survives() {
    let rounds: u64 =
        std::env::var("SYNFIN_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(10_000);
    for (number, (name, body)) in BODIES.iter().enumerate() {
        let began = std::time::Instant::now();
        let seeds = seeds(name);
        seeds.iter().for_each(|seed| check(name, *body, seed));
        for round in 0..rounds {
            let mut dice = Dice::for_purpose(round, number as u64);
            check(name, *body, &mutated(&mut dice, &seeds));
        }
        println!("{name}: {} seeds, {rounds} more in {:.1} s", seeds.len(), began.elapsed().as_secs_f64());
    }
}

#[test]
fn every_body_has_its_target() {
    for (name, _) in BODIES {
        let target =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz/fuzz_targets/{name}.rs"));
        let text = std::fs::read_to_string(&target).unwrap_or_default();
        assert!(text.contains(&format!("body(\"{name}\")")), "{} calls the body {name}", target.display());
        let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/Cargo.toml");
        assert!(std::fs::read_to_string(manifest).unwrap().contains(&format!("name = \"{name}\"")));
    }
}
