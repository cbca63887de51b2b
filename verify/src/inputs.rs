//! Inputs for the bodies: the committed seeds, and seeds with mutations.
//!
//! An input is known by its number, and stays the same until somebody commits another seed for its body.

use crate::bodies::BODIES;
use sim::Dice;
use std::path::PathBuf;

/// The inputs of one body.
#[derive(Clone, Debug)]
pub struct Inputs {
    purpose: u64,
    seeds: Vec<Vec<u8>>,
}

impl Inputs {
    /// Reads the committed seeds of this body.
    ///
    /// # Panics
    /// If there is no such body, or a seed cannot be read.
    pub fn of(name: &str) -> Inputs {
        let place = BODIES.iter().position(|(known, _)| *known == name);
        let place = place.unwrap_or_else(|| panic!("there is no fuzz body called {name}"));
        Inputs { purpose: place as u64, seeds: seeds(name) }
    }

    /// The committed seeds.
    pub fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    /// A seed with some bytes changed, cut out or doubled, or bytes out of nowhere.
    pub fn mutated(&self, number: u64) -> Vec<u8> {
        mutated(&mut Dice::for_purpose(number, self.purpose), &self.seeds)
    }
}

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
