//! Chance, pinned: one seed means the same world for ever, on every machine and in every version.

use std::time::Duration;

/// A small generator (splitmix64: Steele, Lea, Flood 2014). Not for secrets.
///
/// ```
/// let (mut one, mut two) = (synfin_netem::Dice::new(7), synfin_netem::Dice::new(7));
/// assert_eq!(one.roll(), two.roll());
/// assert!(one.below(6) < 6);
/// ```
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// A sequence of its own for one purpose: two purposes of one seed have nothing in common.
    pub const fn for_purpose(seed: u64, purpose: u64) -> Self {
        let mut dice = Dice(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        dice.roll();
        dice
    }

    /// The next 64 bits.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; zero if `bound` is. The bias of a 64-bit draw is below anybody's notice.
    pub const fn below(&mut self, bound: u64) -> u64 {
        scaled(self.roll(), bound)
    }

    /// Whether something with this chance happens.
    pub const fn happens(&mut self, chance: Chance) -> bool {
        chance.comes_true(self.roll())
    }

    /// A time from zero up to, not including, `bound`.
    pub fn time_below(&mut self, bound: Duration) -> Duration {
        Duration::from_nanos(self.below(u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// The part of `bound` that the draw says.
pub(crate) const fn scaled(draw: u64, bound: u64) -> u64 {
    ((draw as u128 * bound as u128) >> 64) as u64
}

/// How often something happens, in parts per million.
///
/// ```
/// use synfin_netem::Chance;
/// assert_eq!(Chance::percent(1.5), Chance::per_million(15_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Chance(u32);

impl Chance {
    /// Not once.
    pub const NEVER: Chance = Chance(0);
    /// Each time.
    pub const ALWAYS: Chance = Chance(1_000_000);

    /// So many times in a million; more is always.
    pub const fn per_million(times: u32) -> Chance {
        Chance(if times < 1_000_000 { times } else { 1_000_000 })
    }

    /// So many times in a hundred; outside of 0 to 100 it is never or always.
    pub fn percent(percent: f64) -> Chance {
        // A float becomes an integer by saturating, and not-a-number becomes 0.
        Chance::per_million((percent * 10_000.0).round() as u32)
    }

    /// The same in parts per million.
    pub const fn parts_per_million(self) -> u32 {
        self.0
    }

    pub(crate) const fn comes_true(self, draw: u64) -> bool {
        scaled(draw, 1_000_000) < self.0 as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // The reference vectors of splitmix64 with seed 1234567.
        let mut dice = Dice::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| dice.roll()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn chances_come_true_as_often_as_they_say() {
        let mut dice = Dice::new(1);
        let hits = (0..100_000).filter(|_| dice.happens(Chance::percent(3.0))).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        assert!(!dice.happens(Chance::NEVER) && dice.happens(Chance::ALWAYS));
    }

    #[test]
    fn chances_are_clamped() {
        assert_eq!(Chance::percent(250.0), Chance::ALWAYS);
        assert_eq!(Chance::percent(-1.0), Chance::NEVER);
        assert_eq!(Chance::percent(f64::NAN), Chance::NEVER);
        assert_eq!(Chance::percent(0.1), Chance::per_million(1_000));
        assert!(Chance::ALWAYS.comes_true(u64::MAX) && !Chance::NEVER.comes_true(0));
    }
}
