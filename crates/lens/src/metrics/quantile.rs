//! Quantiles in fixed space: the first samples exactly, then a histogram of logarithmic buckets.
//!
//! Four buckets to a doubling, so a quantile is off by less than 10 %; minimum, maximum and mean are
//! exact. Samples are microseconds.

/// Samples kept as they are. Most connections never have more.
const EXACT: usize = 4;
/// From 1 µs to 2^26 µs, which is over a minute, four buckets to a doubling.
const BUCKETS: usize = 26 * 4;
/// Buckets kept by their numbers: the samples of most connections fall into fewer.
const KINDS: usize = 8;
/// Stands where no bucket's number is kept yet.
const NO_KIND: u8 = u8::MAX;

/// Minimum, quantiles, maximum and mean of a set of samples, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Distribution {
    /// How many samples.
    pub count: u32,
    /// The smallest, in microseconds.
    pub min_us: u32,
    /// The median, in microseconds, exact up to four samples, then within 10 %.
    pub median_us: u32,
    /// 95 % of the samples are not larger, in microseconds, within 10 %.
    pub p95_us: u32,
    /// The largest, in microseconds.
    pub max_us: u32,
    /// The mean, in microseconds.
    pub mean_us: u32,
}

/// The samples, compactly.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sketch {
    count: u32,
    /// The samples in order of size while there are no more than these; the smallest stays the first.
    few: [u32; EXACT],
    many: Option<Box<Many>>,
}

/// What is kept of many samples.
#[derive(Clone, Debug)]
struct Many {
    max_us: u32,
    sum_us: u64,
    /// The buckets that hold something, and how many each.
    kinds: [u8; KINDS],
    counts: [u16; KINDS],
    /// All buckets, once more than those hold something.
    histogram: Option<Box<[u16; BUCKETS]>>,
}

impl Sketch {
    /// Adds a sample.
    #[inline]
    pub(crate) fn add_ns(&mut self, sample_ns: u64) {
        let us = u32::try_from(sample_ns / 1_000).unwrap_or(u32::MAX);
        let count = self.count as usize;
        if count < EXACT {
            let mut at = count;
            while at > 0 && self.few[at - 1] > us {
                self.few[at] = self.few[at - 1];
                at -= 1;
            }
            self.few[at] = us;
        } else {
            let few = &mut self.few;
            self.many.get_or_insert_with(|| Box::new(Many::of(few))).add(us);
            few[0] = few[0].min(us);
        }
        self.count = self.count.saturating_add(1);
    }

    /// A value out of it, to have it fetched.
    pub(super) fn warmth(&self) -> u32 {
        self.few[0]
    }

    /// The smallest sample, in nanoseconds.
    pub(crate) fn min_ns(&self) -> Option<u64> {
        (self.count > 0).then(|| u64::from(self.few[0]) * 1_000)
    }

    /// What the samples say; `None` without any.
    pub(crate) fn distribution(&self) -> Option<Distribution> {
        if self.count == 0 {
            return None;
        }
        let samples = &self.few[..EXACT.min(self.count as usize)];
        let last = samples.len() - 1;
        let min_us = samples[0];
        let (median_us, p95_us, max_us, sum_us) = match &self.many {
            Some(many) => (many.quantile(50, min_us), many.quantile(95, min_us), many.max_us, many.sum_us),
            None => {
                let sum_us = samples.iter().map(|us| u64::from(*us)).sum();
                (samples[last * 50 / 100], samples[last * 95 / 100], samples[last], sum_us)
            }
        };
        let mean_us = u32::try_from(sum_us / u64::from(self.count)).unwrap_or(u32::MAX);
        Some(Distribution { count: self.count, min_us, median_us, p95_us, max_us, mean_us })
    }
}

impl Many {
    fn of(few: &[u32; EXACT]) -> Many {
        let mut many =
            Many { max_us: 0, sum_us: 0, kinds: [NO_KIND; KINDS], counts: [0; KINDS], histogram: None };
        few.iter().for_each(|us| many.add(*us));
        many
    }

    fn add(&mut self, us: u32) {
        self.max_us = self.max_us.max(us);
        self.sum_us = self.sum_us.saturating_add(u64::from(us));
        let slot = self.slot(bucket(us));
        if *slot < u16::MAX {
            *slot += 1;
            return;
        }
        // keep the shape, forget half of the weight
        *slot = u16::MAX.div_ceil(2) + 1;
        let full = bucket(us);
        let halve =
            |(kind, count): (usize, &mut u16)| *count = if kind == full { *count } else { count.div_ceil(2) };
        match &mut self.histogram {
            Some(histogram) => histogram.iter_mut().enumerate().for_each(halve),
            None => self.kinds.iter().map(|kind| usize::from(*kind)).zip(&mut self.counts).for_each(halve),
        }
    }

    /// The counter of a bucket.
    #[inline]
    fn slot(&mut self, bucket: usize) -> &mut u16 {
        if self.histogram.is_none() {
            let at = |number: u8| self.kinds.iter().position(|kind| *kind == number);
            if let Some(at) = at(bucket as u8).or_else(|| at(NO_KIND)) {
                self.kinds[at] = bucket as u8;
                return &mut self.counts[at];
            }
        }
        let (kinds, counts) = (&self.kinds, &self.counts);
        let histogram = self.histogram.get_or_insert_with(|| {
            let mut histogram = Box::new([0; BUCKETS]);
            kinds.iter().zip(counts).for_each(|(kind, count)| histogram[usize::from(*kind)] = *count);
            histogram
        });
        &mut histogram[bucket]
    }

    /// How many samples fell into a bucket.
    fn count(&self, bucket: usize) -> u16 {
        match &self.histogram {
            Some(histogram) => histogram[bucket],
            None => {
                let at = self.kinds.iter().position(|kind| usize::from(*kind) == bucket);
                at.map_or(0, |at| self.counts[at])
            }
        }
    }

    fn quantile(&self, percent: u32, min_us: u32) -> u32 {
        let total: u32 = match &self.histogram {
            Some(histogram) => histogram.iter().map(|count| u32::from(*count)).sum(),
            None => self.counts.iter().map(|count| u32::from(*count)).sum(),
        };
        let rank = (u64::from(total) * u64::from(percent)).div_ceil(100) as u32;
        // none is below the smallest sample
        let mut seen = 0;
        for index in bucket(min_us)..BUCKETS {
            seen += u32::from(self.count(index));
            if seen >= rank {
                return middle(index).clamp(min_us, self.max_us);
            }
        }
        self.max_us
    }
}

fn bucket(us: u32) -> usize {
    let us = us.max(1);
    let octave = us.ilog2();
    let quarter = if octave >= 2 { us >> (octave - 2) & 3 } else { us << (2 - octave) & 3 };
    ((octave * 4 + quarter) as usize).min(BUCKETS - 1)
}

fn middle(bucket: usize) -> u32 {
    let (octave, quarter) = (bucket / 4, (bucket % 4) as u64);
    let low = (4 + quarter) << octave;
    let high = (5 + quarter) << octave;
    ((low + high) / 8) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_are_exact() {
        let mut sketch = Sketch::default();
        for ms in [30, 10, 20] {
            sketch.add_ns(ms * 1_000_000);
        }
        let said = sketch.distribution().expect("samples");
        assert_eq!(
            (said.min_us, said.median_us, said.max_us, said.mean_us),
            (10_000, 20_000, 30_000, 20_000)
        );
    }

    #[test]
    fn many_samples_are_within_a_tenth() {
        for scale in [1, 17, 1_000, 60_000] {
            let mut sketch = Sketch::default();
            for sample in 1..=1_000u64 {
                sketch.add_ns(sample * scale * 1_000);
            }
            let said = sketch.distribution().expect("samples");
            for (value, right) in [(said.median_us, 500 * scale), (said.p95_us, 950 * scale)] {
                let off = (f64::from(value) - right as f64).abs() / right as f64;
                assert!(off < 0.13, "{value} for {right}");
            }
        }
    }

    #[test]
    fn a_full_bucket_keeps_the_shape() {
        let mut sketch = Sketch::default();
        for sample in 0..300_000u64 {
            sketch.add_ns(if sample % 4 == 0 { 100_000_000 } else { 1_000_000 });
        }
        let said = sketch.distribution().expect("samples");
        assert!(said.median_us < 1_200 && said.p95_us > 90_000, "{said:?}");
    }
}
