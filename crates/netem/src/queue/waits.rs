//! How long packets have waited for their turn: counts in a bounded number of steps of time.

use std::time::Duration;

/// Steps of an octave: a wait is known to within a sixteenth.
const STEPS: u64 = 16;
const STEPS_BITS: u32 = STEPS.trailing_zeros();
/// Octaves of microseconds: up to a little more than an hour; what waits longer counts as that.
const OCTAVES: usize = 28;

/// How long packets have waited in a queue, each until its turn came.
///
/// ```
/// use std::time::Duration;
/// use synfin_netem::Waits;
/// let mut waits = Waits::default();
/// (1..=100).for_each(|ms| waits.add(Duration::from_millis(ms)));
/// let longest = waits.below(0.99).expect("something has waited");
/// assert!((99..=106).contains(&longest.as_millis()), "{longest:?}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Waits {
    /// Empty until something waits.
    counts: Vec<u64>,
    packets: u64,
}

impl Waits {
    /// Another packet has waited so long.
    pub fn add(&mut self, waited: Duration) {
        let step = step_of(u64::try_from(waited.as_micros()).unwrap_or(u64::MAX));
        if self.counts.is_empty() {
            self.counts = vec![0; OCTAVES * STEPS as usize];
        }
        self.counts[step] += 1;
        self.packets += 1;
    }

    /// How many packets there were.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// A time within which this part of all packets had their turn, rounded up by a sixteenth at most: 0.99 asks for the
    /// 99th percentile. `None` if there were no packets.
    pub fn below(&self, part: f64) -> Option<Duration> {
        let rank = ((self.packets as f64 * part).ceil() as u64).clamp(1, self.packets.max(1));
        let mut sum = 0;
        let step = self.counts.iter().position(|count| {
            sum += count;
            sum >= rank
        })?;
        Some(Duration::from_micros(first_of(step + 1)))
    }
}

/// In which step so many microseconds are: the first are one each, then sixteen to an octave.
fn step_of(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let shift = micros.ilog2() - STEPS_BITS;
    let step = (u64::from(shift) + 1) * STEPS + ((micros >> shift) - STEPS);
    (step as usize).min(OCTAVES * STEPS as usize - 1)
}

/// The shortest wait in microseconds that is in this step.
fn first_of(step: usize) -> u64 {
    let (octave, rest) = (step as u64 / STEPS, step as u64 % STEPS);
    if octave == 0 { rest } else { (STEPS + rest) << (octave - 1) }
}

/// How long packets have waited in the queues of a lane with a rate.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QueueWaits {
    /// In the only queue; with DualPI2 in the classic one.
    pub classic: Waits,
    /// In the L queue of DualPI2, where ECT(1) and CE wait.
    pub low: Waits,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_the_step_that_begins_at_or_before_it() {
        let edges = (0..OCTAVES * STEPS as usize).map(first_of).collect::<Vec<_>>();
        assert!(edges.is_sorted_by(|earlier, later| earlier < later));
        for micros in (0..4_096).chain([1 << 20, (1 << 20) - 1, (1 << 31) - 1]) {
            let step = step_of(micros);
            assert!(first_of(step) <= micros && micros < first_of(step + 1), "{micros}");
        }
        assert_eq!(step_of(u64::MAX), OCTAVES * STEPS as usize - 1, "what waits for ever is counted, too");
    }

    #[test]
    fn a_percentile_is_rounded_up_by_a_sixteenth_at_most() {
        let mut waits = Waits::default();
        assert_eq!(waits.below(0.99), None);
        (0..99).for_each(|_| waits.add(Duration::from_micros(5)));
        waits.add(Duration::from_millis(80));
        assert_eq!(waits.below(0.99), Some(Duration::from_micros(6)));
        let longest = waits.below(1.0).expect("a hundred have waited");
        assert!(longest > Duration::from_millis(80) && longest <= Duration::from_millis(85), "{longest:?}");
        assert_eq!(waits.packets(), 100);
    }
}
