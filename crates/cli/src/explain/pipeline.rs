//! A capture on two processors: one thread reads packets and takes them apart, another lets the lens take
//! the segments.
//!
//! Batches go over full and come back empty, a fixed number of them, so memory is bounded and the faster
//! thread waits for the slower. The order is that of the capture: what is said is the same as on one.

use lens::{Config, Lens, Segment, Sink};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

/// Segments to a batch: many enough that handing over costs nothing, few enough to stay in the cache.
const BATCH_SEGMENTS: usize = 512;
/// Batches under way: being filled, being taken, and two waiting.
const BATCHES: usize = 4;

/// Where the reading thread puts segments.
pub(super) struct Feed {
    batch: Vec<Segment>,
    full: SyncSender<Vec<Segment>>,
    empty: Receiver<Vec<Segment>>,
}

impl Feed {
    /// Adds the next segment.
    #[inline]
    pub(super) fn push(&mut self, segment: &Segment) {
        self.batch.push(*segment);
        if self.batch.len() == BATCH_SEGMENTS {
            self.hand_over();
        }
    }

    /// Sends what there is. If the other thread is gone it has panicked, which its end will tell.
    fn hand_over(&mut self) {
        let empty = self.empty.recv().unwrap_or_default();
        let _ = self.full.send(std::mem::replace(&mut self.batch, empty));
    }
}

/// Lets a lens take what `read` feeds, on a thread of its own, and finishes it unless `read` fails.
pub(super) fn run<S: Sink + Send, T, E>(
    sink: &mut S,
    read: impl FnOnce(&mut Feed) -> Result<T, E>,
) -> Result<T, E> {
    let (full, taken) = mpsc::sync_channel::<Vec<Segment>>(BATCHES);
    let (back, empty) = mpsc::sync_channel(BATCHES);
    for _ in 1..BATCHES {
        let _ = back.send(Vec::with_capacity(BATCH_SEGMENTS));
    }
    thread::scope(|scope| {
        let taking = scope.spawn(move || {
            let mut lens = Lens::new(Config::default());
            for mut batch in taken {
                lens.take_all(&batch, sink);
                batch.clear();
                let _ = back.send(batch);
            }
            (lens, sink)
        });
        let mut feed = Feed { batch: Vec::with_capacity(BATCH_SEGMENTS), full, empty };
        let read = read(&mut feed)?;
        feed.hand_over();
        drop(feed);
        match taking.join() {
            Ok((lens, sink)) => lens.finish(sink),
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok(read)
    })
}
