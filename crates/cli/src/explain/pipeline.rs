//! A capture on two threads: one reads and decodes packets, the other passes the segments to the lens.
//!
//! A fixed number of batches goes over full and comes back empty, so memory is bounded and the faster thread
//! waits for the slower. Segments are handed over in the order of time, which nearly always is that of the capture.

use lens::{Config, Intake, Lens, Segment, Sink, TimeOrder};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

/// Segments in a batch.
pub(super) const BATCH_SEGMENTS: usize = Intake::BATCH_SEGMENTS;
/// All batches: one is being filled, one is being analysed, and two are waiting.
const BATCHES: usize = 4;

/// Where the reading thread puts segments.
pub(super) struct Feed {
    batch: Vec<Segment>,
    order: TimeOrder,
    full: SyncSender<Vec<Segment>>,
    empty: Receiver<Vec<Segment>>,
}

impl Feed {
    /// Adds the next segment.
    #[inline]
    pub(super) fn push(&mut self, segment: &Segment) {
        self.batch.push(*segment);
        if self.batch.len() >= BATCH_SEGMENTS {
            self.hand_over();
        }
    }

    /// Sends the batch, in order. If the other thread is gone, it has panicked, and [`run`] passes the panic on.
    fn hand_over(&mut self) {
        self.order.sort(&mut self.batch);
        self.send();
    }

    /// Sends what is left, and tells what was put into order.
    fn finish(mut self) -> TimeOrder {
        self.order.sort(&mut self.batch);
        self.batch.extend(self.order.finish());
        self.send();
        self.order
    }

    fn send(&mut self) {
        let empty = self.empty.recv().unwrap_or_default();
        let _ = self.full.send(std::mem::replace(&mut self.batch, empty));
    }
}

/// Runs a lens on a second thread with the segments that `read` feeds, and finishes it unless `read` fails.
pub(super) fn run<S: Sink + Send, T, E>(
    sink: &mut S,
    read: impl FnOnce(&mut Feed) -> Result<T, E>,
) -> Result<(T, TimeOrder), E> {
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
        let batch = Vec::with_capacity(BATCH_SEGMENTS);
        let mut feed = Feed { batch, order: TimeOrder::default(), full, empty };
        let read = read(&mut feed)?;
        let order = feed.finish();
        match taking.join() {
            Ok((lens, sink)) => lens.finish(sink),
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok((read, order))
    })
}
