//! A capture on two threads: one reads and decodes packets, the other passes the segments to the lens.
//!
//! A fixed number of batches goes over full and comes back empty, so memory is bounded and the faster thread
//! waits for the slower. Segments keep the order of the capture, so the results are those of one thread.

use lens::{Config, Lens, Segment, Sink};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

/// Segments in a batch: enough that handing it over costs little, few enough to stay in the cache.
const BATCH_SEGMENTS: usize = 512;
/// All batches: one is being filled, one is being analysed, and two are waiting.
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

    /// Sends the batch. If the other thread is gone, it has panicked, and [`run`] passes the panic on.
    fn hand_over(&mut self) {
        let empty = self.empty.recv().unwrap_or_default();
        let _ = self.full.send(std::mem::replace(&mut self.batch, empty));
    }
}

/// Runs a lens on a second thread with the segments that `read` feeds, and finishes it unless `read` fails.
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
