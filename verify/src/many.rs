//! Many seeds, shared among threads; whoever asked hears of each failure at once, and now and then how far it is.
//!
//! What is *not* here: what a seed stands for, and how news is printed.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// What stands for no seed.
const NONE: u64 = u64::MAX;
/// Failures that wait to be heard: then their threads wait too.
const UNHEARD_MAX: usize = 64;

/// Which seeds, and how they are lived.
#[derive(Clone, Debug)]
pub struct Many {
    /// The seeds, in this order; the last one is below 2^63.
    pub seeds: Range<u64>,
    /// How many threads share them: one at least.
    pub threads: usize,
    /// How often to tell how far it is.
    pub told_every: Duration,
}

/// What there is to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A seed has failed.
    Failed {
        /// Which.
        seed: u64,
        /// What went wrong.
        why: String,
    },
    /// It goes on.
    GoesOn {
        /// How many seeds are done.
        done: u64,
        /// A seed that was at work when this was told last, and still is.
        slow: Option<u64>,
    },
}

impl Many {
    /// Lives all seeds, or those that were begun when `hear` says that it is enough; returns how many. What fails after
    /// that is heard too.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use synfin_verify::many::{Many, News};
    /// let many = Many { seeds: 0..100, threads: 2, told_every: std::time::Duration::from_secs(10) };
    /// let (is_odd, mut odd) = (|seed| if seed % 2 == 1 { Err("odd".to_owned()) } else { Ok(()) }, 0);
    /// let done = many.live(is_odd, |news| {
    ///     odd += u64::from(matches!(news, News::Failed { .. }));
    ///     ControlFlow::Continue(())
    /// });
    /// assert_eq!((done, odd), (100, 50));
    /// ```
    ///
    /// # Panics
    /// If `one` does: who lives what may panic uses [`crate::caught`].
    pub fn live(
        &self,
        one: impl Fn(u64) -> Result<(), String> + Sync,
        mut hear: impl FnMut(News) -> ControlFlow<()>,
    ) -> u64 {
        let work = Work {
            next: AtomicU64::new(self.seeds.start),
            end: self.seeds.end,
            done: AtomicU64::new(0),
            is_enough: AtomicBool::new(false),
            at: (0..self.threads).map(|_| AtomicU64::new(NONE)).collect(),
        };
        let (tell, told) = sync_channel(UNHEARD_MAX);
        thread::scope(|scope| {
            for at in &work.at {
                let (work, one, tell) = (&work, &one, tell.clone());
                scope.spawn(move || work.live(at, one, &tell));
            }
            drop(tell);
            work.listen(&told, self.told_every, &mut hear);
        });
        work.done.into_inner()
    }
}

/// What the threads share.
struct Work {
    next: AtomicU64,
    end: u64,
    done: AtomicU64,
    is_enough: AtomicBool,
    /// The seed of each thread.
    at: Vec<AtomicU64>,
}

impl Work {
    /// Lives seeds until there are none.
    fn live(
        &self,
        at: &AtomicU64,
        one: &impl Fn(u64) -> Result<(), String>,
        tell: &SyncSender<(u64, String)>,
    ) {
        while !self.is_enough.load(Ordering::Relaxed) {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.end {
                break;
            }
            at.store(seed, Ordering::Relaxed);
            let outcome = one(seed);
            at.store(NONE, Ordering::Relaxed);
            self.done.fetch_add(1, Ordering::Relaxed);
            if let Err(why) = outcome {
                tell.send((seed, why)).expect("who listens does so until all threads are over");
            }
        }
    }

    /// Hears of failures and tells how far it is, until all threads are over.
    fn listen(
        &self,
        told: &Receiver<(u64, String)>,
        every: Duration,
        hear: &mut impl FnMut(News) -> ControlFlow<()>,
    ) {
        let mut due = Instant::now() + every;
        let mut seen = self.seeds_at_work();
        loop {
            let news = match told.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok((seed, why)) => News::Failed { seed, why },
                Err(RecvTimeoutError::Timeout) => {
                    due = Instant::now() + every;
                    let now = self.seeds_at_work();
                    let slow = now.iter().copied().find(|seed| *seed != NONE && seen.contains(seed));
                    seen = now;
                    News::GoesOn { done: self.done.load(Ordering::Relaxed), slow }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if hear(news).is_break() {
                self.is_enough.store(true, Ordering::Relaxed);
            }
        }
    }

    fn seeds_at_work(&self) -> Vec<u64> {
        self.at.iter().map(|at| at.load(Ordering::Relaxed)).collect()
    }
}

#[cfg(test)]
mod tests;
