//! The programs, and what their worlds have in common. `sim` is whatever simulation the module above means by it.

use super::sim;
use std::time::Duration;

pub mod cluster;
pub mod datagrams;
pub mod differences;
pub mod echo;
pub mod http;
pub mod many;
pub mod mishaps;

const MS: Duration = Duration::from_millis(1);

/// A world in which everything takes 10 ms from host to host.
pub fn builder() -> sim::Builder {
    let mut builder = sim::Builder::new();
    builder.rng_seed(7).min_message_latency(10 * MS).max_message_latency(10 * MS);
    builder
}

/// Chance of a program's own.
struct Dice(u64);

impl Dice {
    /// A number below `bound`, by Marsaglia's xorshift.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
