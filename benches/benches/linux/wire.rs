//! The link between the two ends.

use netem::{Chance, Dice, Lane, Loss, Pipe, Queue, QueueLimit};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use synfin::device::{self, Carrier, Link};
use synfin::wire::Medium;

/// The rate of every link, from the sender to the receiver and back.
const RATE_BITS_PER_S: u64 = 100_000_000;
/// Without some jitter all seeds are one world where nothing else is left to chance.
const JITTER: Duration = Duration::from_micros(500);
/// Between two looks at whether it is over.
const GLANCE: Duration = Duration::from_millis(20);

/// A path in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Path {
    pub(crate) rtt: Duration,
    /// The queue in bandwidth-delay products.
    pub(crate) products: f64,
    pub(crate) trouble: Trouble,
}

/// What is wrong with a path besides its queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    None,
    /// Random loss in percent.
    Loss(f64),
    /// 1 % is lost in bursts of eight on average.
    Bursts,
    /// 3 % of the segments are held back by a quarter of the round trip.
    Reordering,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.trouble {
            Trouble::None => write!(f, "queue {} BDP", self.products),
            Trouble::Loss(percent) => write!(f, "{percent} % lost"),
            Trouble::Bursts => f.write_str("1 % in bursts"),
            Trouble::Reordering => f.write_str("3 % reordered"),
        }
    }
}

impl Path {
    /// What happens to segments, and what to acknowledgments.
    fn lanes(&self) -> [Lane; 2] {
        let product = self.products * RATE_BITS_PER_S as f64 / 8.0 * self.rtt.as_secs_f64();
        let queue = Queue { limit: QueueLimit::Bytes((product as u64).max(15_000)), ..Queue::default() };
        let back = Lane {
            rate_bits_per_s: Some(RATE_BITS_PER_S),
            delay: self.rtt / 2,
            jitter: JITTER,
            queue,
            ..Lane::default()
        };
        let mut there = back.clone();
        match self.trouble {
            Trouble::None => {}
            Trouble::Loss(percent) => there.loss = Loss::Random(Chance::percent(percent)),
            Trouble::Bursts => there.loss = Loss::in_bursts(1.0, 8.0),
            Trouble::Reordering => {
                (there.reorder, there.reorder_by) = (Chance::percent(3.0), self.rtt / 4);
            }
        }
        [there, back]
    }
}

/// A link at work: a thread for each direction, until it is dropped.
pub(crate) struct Wire {
    stop: Arc<AtomicBool>,
    directions: Vec<JoinHandle<()>>,
}

impl Wire {
    /// Joins the sender's link and the receiver's.
    pub(crate) fn join(near: Box<dyn Link>, far: Box<dyn Link>, path: &Path, seed: u64) -> Wire {
        let stop = Arc::new(AtomicBool::new(false));
        let (near, far): (Arc<dyn Link>, Arc<dyn Link>) = (near.into(), far.into());
        let mut seeds = Dice::new(seed);
        let began = Instant::now();
        let ends = [(near.clone(), far.clone()), (far, near)];
        let directions = ends.into_iter().zip(path.lanes()).map(|((from, to), lane)| {
            let pipe = Pipe::new(lane, seeds.roll(), Medium::Ip);
            let mut carrier = Carrier::new(from, to, pipe, began);
            let stop = stop.clone();
            std::thread::spawn(move || {
                // Without it frames are late by some 50 microseconds more.
                let _ = device::kernel::wake_exactly();
                // Busy neighbours must not make frames late; without the right to it they do.
                let _ = device::kernel::run_before_others();
                while !stop.load(Ordering::Relaxed) && carrier.turn(&mut (), GLANCE).is_ok() {}
            })
        });
        Wire { directions: directions.collect(), stop }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for direction in self.directions.drain(..) {
            let _ = direction.join();
        }
    }
}
