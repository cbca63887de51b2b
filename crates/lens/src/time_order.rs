//! Order in the file is not order in time: segments that a capture wrote late, put back in their places.
//!
//! Tools that capture on several interfaces or queues write what each of them has collected, one after the other; so an
//! acknowledgment may stand before the text that it acknowledges. Within a bounded window segments are sorted by time.
//! A capture that is in order only pays for a comparison per segment, and nothing is held back.
//!
//! A time that goes back further is a clock that was set, or two captures one after the other: then the order of the
//! file is kept. What is *not* here: clocks that differ. A direction whose times are wrong looks in order.

use crate::Segment;
use tcp::Instant;

/// How late a record may stand in the file, in nanoseconds. Queues of one network card differ by microseconds, buffers
/// of two interfaces by the time after which the kernel hands one over that is not full: tens of milliseconds.
const LATE_NS_MAX: u64 = 100_000_000;

/// Sorts segments by time, batch by batch.
///
/// ```
/// use synfin_lens::{Segment, TimeOrder, tcp::Instant};
/// let at = |ms: u64| Segment { time: Instant::from_nanos(ms * 1_000_000), ..Segment::default() };
/// let mut order = TimeOrder::default();
/// let mut batch = vec![at(1), at(5), at(3), at(6)];
/// order.sort(&mut batch);
/// let mut sorted = batch.clone();
/// sorted.extend(order.finish());
/// assert_eq!(sorted, [at(1), at(3), at(5), at(6)]);
/// assert_eq!(order.moved(), 1);
/// ```
#[derive(Debug)]
pub struct TimeOrder {
    /// The latter half of the batch before, once the capture is known to be out of order.
    held: Vec<Segment>,
    is_out_of_order: bool,
    moved: u64,
    late_ns_max: u64,
    latest: Instant,
}

impl Default for TimeOrder {
    fn default() -> Self {
        TimeOrder {
            held: Vec::new(),
            is_out_of_order: false,
            moved: 0,
            late_ns_max: 0,
            latest: Instant::ZERO,
        }
    }
}

impl TimeOrder {
    /// Sorts the next batch: what was held back comes first, and from the first late segment on half of each batch is
    /// held back. A segment can move back by half a batch.
    pub fn sort(&mut self, batch: &mut Vec<Segment>) {
        if !self.held.is_empty() {
            self.held.append(batch);
            std::mem::swap(&mut self.held, batch);
        }
        self.put_in_order(batch);
        if self.is_out_of_order {
            self.held.extend(batch.drain(batch.len() / 2..));
        }
        self.latest = batch.last().map_or(self.latest, |last| last.time);
    }

    /// The segments that are still held back, in order: the capture is over.
    pub fn finish(&mut self) -> Vec<Segment> {
        std::mem::take(&mut self.held)
    }

    /// How many segments stood behind later ones.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// How late the latest of them was, in nanoseconds.
    pub fn late_ns_max(&self) -> u64 {
        self.late_ns_max
    }

    fn put_in_order(&mut self, batch: &mut [Segment]) {
        let mut latest = self.latest;
        // the clock was set before this one
        let mut since = 0;
        for at in 0..batch.len() {
            let time = batch[at].time;
            if time >= latest {
                latest = time;
                continue;
            }
            let late_ns = latest.as_nanos() - time.as_nanos();
            if late_ns > LATE_NS_MAX {
                (latest, since) = (time, at);
                continue;
            }
            self.is_out_of_order = true;
            self.moved += 1;
            self.late_ns_max = self.late_ns_max.max(late_ns);
            let place = since + batch[since..at].partition_point(|earlier| earlier.time <= time);
            batch[place..=at].rotate_right(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64, frame: u32) -> Segment {
        Segment { frame, time: Instant::from_nanos(ms * 1_000_000), ..Segment::default() }
    }

    fn sorted(times_ms: &[u64], batch_segments: usize) -> (Vec<u64>, TimeOrder) {
        let mut order = TimeOrder::default();
        let mut out = Vec::new();
        let segments: Vec<Segment> =
            times_ms.iter().enumerate().map(|(frame, ms)| at(*ms, frame as u32)).collect();
        for batch in segments.chunks(batch_segments) {
            let mut batch = batch.to_vec();
            order.sort(&mut batch);
            out.extend(batch);
        }
        out.extend(order.finish());
        (out.iter().map(|segment| segment.time.as_nanos() / 1_000_000).collect(), order)
    }

    #[test]
    fn late_segments_move_back_also_into_the_batch_before() {
        let (times, order) = sorted(&[1, 2, 4, 3, 10, 12, 14, 16, 11, 13, 15, 17], 4);
        assert_eq!(times, [1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16, 17]);
        assert_eq!((order.moved(), order.late_ns_max()), (4, 5_000_000));
    }

    #[test]
    fn a_capture_in_order_is_passed_on_at_once() {
        let mut order = TimeOrder::default();
        let mut batch = vec![at(1, 1), at(1, 2), at(2, 3)];
        let before = batch.clone();
        order.sort(&mut batch);
        assert_eq!((batch, order.finish(), order.moved()), (before, vec![], 0));
    }

    #[test]
    fn segments_of_one_time_keep_the_order_of_the_file() {
        let mut order = TimeOrder::default();
        let mut batch = vec![at(1, 1), at(5, 2), at(3, 3), at(3, 4)];
        order.sort(&mut batch);
        batch.extend(order.finish());
        assert_eq!(batch.iter().map(|segment| segment.frame).collect::<Vec<_>>(), [1, 3, 4, 2]);
    }

    #[test]
    fn nothing_moves_across_a_clock_that_was_set_back() {
        let (times, order) = sorted(&[5_000, 5_010, 1_000, 1_010, 1_005, 1_020], 6);
        assert_eq!(times, [5_000, 5_010, 1_000, 1_005, 1_010, 1_020]);
        assert_eq!(order.moved(), 1);
    }
}
