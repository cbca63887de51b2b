//! How late frames leave: counted by size of the delay, within an eighth.

use std::time::Duration;

/// Buckets of a power of two: eight.
const SUB_BITS: u32 = 3;
const BUCKETS: usize = 64 << SUB_BITS;

/// How many were how late.
#[derive(Clone, Debug)]
pub(super) struct Lateness {
    buckets: Vec<u64>,
    count: u64,
    max_ns: u64,
}

impl Default for Lateness {
    fn default() -> Self {
        Lateness { buckets: vec![0; BUCKETS], count: 0, max_ns: 0 }
    }
}

impl Lateness {
    pub(super) fn record(&mut self, late: Duration) {
        let nanos = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(nanos)] += 1;
        self.count += 1;
        self.max_ns = self.max_ns.max(nanos);
    }

    /// What so many of a thousand were not above; zero if there were none.
    pub(super) fn permille(&self, permille: u64) -> Duration {
        let rank = (self.count * permille).div_ceil(1_000);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank && *count > 0 {
                return Duration::from_nanos(upper(bucket).min(self.max_ns));
            }
        }
        Duration::ZERO
    }

    pub(super) const fn max(&self) -> Duration {
        Duration::from_nanos(self.max_ns)
    }
}

/// Below sixteen exact; from there on the power of two and the three bits after the first.
fn bucket_of(nanos: u64) -> usize {
    let power = 63 - (nanos | 1).leading_zeros();
    if power <= SUB_BITS {
        return nanos as usize;
    }
    let sub = (nanos >> (power - SUB_BITS)) & ((1 << SUB_BITS) - 1);
    (((power - SUB_BITS + 1) as usize) << SUB_BITS) + sub as usize
}

/// The largest number of a bucket.
fn upper(bucket: usize) -> u64 {
    let (row, sub) = (bucket >> SUB_BITS, (bucket & ((1 << SUB_BITS) - 1)) as u64);
    match row {
        0 => sub,
        _ => {
            let shift = row as u32 - 1;
            let first = ((1 << SUB_BITS) + sub) << shift;
            first + ((1 << shift) - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_a_bucket_that_ends_an_eighth_above_it_at_most() {
        let times =
            (0..100_000).chain((17..64).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + 77]));
        for nanos in times.chain([u64::MAX]) {
            let (bucket, top) = (bucket_of(nanos), upper(bucket_of(nanos)));
            assert!(bucket < BUCKETS && top >= nanos && top - nanos <= nanos / 8, "{nanos}: {top}");
        }
    }

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.permille(990), Duration::ZERO);
        (1..=1_000).for_each(|micros| lateness.record(Duration::from_micros(micros)));
        let near = |permille, micros: u64| {
            let seen = lateness.permille(permille).as_micros() as u64;
            assert!(seen >= micros && seen - micros <= micros / 8, "{permille}: {seen}");
        };
        near(500, 500);
        near(990, 990);
        assert_eq!(
            (lateness.permille(1_000), lateness.max()),
            (Duration::from_millis(1), Duration::from_millis(1))
        );
    }
}
