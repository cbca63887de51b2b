//! Quantiles in fixed space: the first samples exactly, then a histogram of logarithmic buckets.
//!
//! Four buckets to a doubling, so a quantile is off by less than 10 %; minimum, maximum and mean are
//! exact. Samples are microseconds.

/// Samples kept as they are. Most connections never have more.
const EXACT: usize = 4;
/// From 1 µs to 2^26 µs, which is over a minute, four buckets to a doubling.
const BUCKETS: usize = 26 * 4;

/// Minimum, quantiles, maximum and mean of a set of samples, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
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
    min_us: u32,
    max_us: u32,
    sum_us: u64,
    exact: [u32; EXACT],
    histogram: Option<Box<[u16; BUCKETS]>>,
}

impl Sketch {
    /// Adds a sample.
    pub(crate) fn add_ns(&mut self, sample_ns: u64) {
        let us = u32::try_from(sample_ns / 1_000).unwrap_or(u32::MAX);
        if self.count == 0 {
            (self.min_us, self.max_us) = (us, us);
        }
        self.min_us = self.min_us.min(us);
        self.max_us = self.max_us.max(us);
        self.sum_us = self.sum_us.saturating_add(u64::from(us));
        if let Some(slot) = self.exact.get_mut(self.count as usize) {
            *slot = us;
        } else {
            let exact = self.exact;
            let histogram = self.histogram.get_or_insert_with(|| {
                let mut fresh = Box::new([0; BUCKETS]);
                for us in exact {
                    fresh[bucket(us)] += 1;
                }
                fresh
            });
            let slot = &mut histogram[bucket(us)];
            if *slot == u16::MAX {
                // keep the shape, forget half of the weight
                histogram.iter_mut().for_each(|count| *count = count.div_ceil(2));
            }
            histogram[bucket(us)] += 1;
        }
        self.count = self.count.saturating_add(1);
    }

    /// The smallest sample, in nanoseconds.
    pub(crate) fn min_ns(&self) -> Option<u64> {
        (self.count > 0).then(|| u64::from(self.min_us) * 1_000)
    }

    /// What the samples say; `None` without any.
    pub(crate) fn distribution(&self) -> Option<Distribution> {
        if self.count == 0 {
            return None;
        }
        Some(Distribution {
            count: self.count,
            min_us: self.min_us,
            median_us: self.quantile(50),
            p95_us: self.quantile(95),
            max_us: self.max_us,
            mean_us: u32::try_from(self.sum_us / u64::from(self.count)).unwrap_or(u32::MAX),
        })
    }

    fn quantile(&self, percent: u32) -> u32 {
        let Some(histogram) = &self.histogram else {
            let mut sorted = self.exact;
            let samples = &mut sorted[..self.count as usize];
            samples.sort_unstable();
            let last = samples.len().saturating_sub(1);
            return samples[last * percent as usize / 100];
        };
        let total: u32 = histogram.iter().map(|count| u32::from(*count)).sum();
        let rank = (u64::from(total) * u64::from(percent)).div_ceil(100) as u32;
        let mut seen = 0;
        for (index, count) in histogram.iter().enumerate() {
            seen += u32::from(*count);
            if seen >= rank {
                return middle(index).clamp(self.min_us, self.max_us);
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
