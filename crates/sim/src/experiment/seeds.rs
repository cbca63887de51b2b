//! One experiment in many worlds: a thread per processor, each world on one thread, figures in the order of seeds.

use super::{Experiment, Outcome};
use std::ops::Range;
use std::sync::Mutex;
use std::thread;

/// The middle and the ends of a figure over many worlds.
///
/// There are no other fields: a program may name all three.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median: of an even number of values the lower of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// The spread of these values; `None` if there are none.
    ///
    /// ```
    /// use synfin_sim::Spread;
    /// let spread = Spread::of([5.0, 1.0, 2.0]);
    /// assert_eq!(spread, Some(Spread { median: 2.0, min: 1.0, max: 5.0 }));
    /// ```
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        Some(Spread { median: values[(values.len() - 1) / 2], min, max })
    }
}

impl Experiment {
    /// Runs it with each of these seeds and takes `figures` of each outcome. A world stays on one thread and ends there;
    /// as many threads run as there are processors.
    ///
    /// ```
    /// use synfin_sim::{Experiment, Stop};
    /// let experiment = Experiment { stop: Stop::Bytes(100_000), ..Experiment::default() };
    /// let bytes = experiment.run_seeds(1..4, |outcome| outcome.flows[0].bytes);
    /// assert_eq!(bytes, [100_000; 3]);
    /// ```
    ///
    /// # Panics
    /// As [`Experiment::run`], and if `figures` does.
    pub fn run_seeds<T: Send>(&self, seeds: Range<u64>, figures: impl Fn(&Outcome) -> T + Sync) -> Vec<T> {
        let count = usize::try_from(seeds.end.saturating_sub(seeds.start)).unwrap_or(usize::MAX);
        let threads = thread::available_parallelism().map_or(1, usize::from).min(count);
        let (waiting, done) = (Mutex::new(seeds), Mutex::new(Vec::new()));
        let next = || waiting.lock().expect("no thread panics while it holds the lock").next();
        let work = || {
            while let Some(seed) = next() {
                let outcome = Experiment { seed, ..self.clone() }.run();
                let figures = figures(&outcome);
                done.lock().expect("no thread panics while it holds the lock").push((seed, figures));
            }
        };
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        let mut done = done.into_inner().expect("no thread panics while it holds the lock");
        done.sort_by_key(|(seed, _)| *seed);
        done.into_iter().map(|(_, figures)| figures).collect()
    }
}
