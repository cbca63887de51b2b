//! The bytes the application has written and the peer has not acknowledged.
//!
//! A write is copied once, into the tail; [`SendQueue::range`] lends any part of the queue as
//! reference-counted slices, for the first transmission and for every later one. Nothing is
//! allocated while the queue is empty.

use crate::fifo::Fifo;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::{Bytes, BytesMut};
use wire::Payload;

/// Writes are gathered in blocks of at least this size, so that many small ones make one allocation.
const BLOCK_BYTES_MIN: usize = 1 << 10;
/// And at most this size: what one super-segment can carry.
const BLOCK_BYTES_MAX: usize = 64 << 10;

/// What a block takes besides its bytes: the count of those who use it.
const SHARED_BYTES: usize = 48;

/// How many ends of records are noted at once: beyond it a writer waits.
const RECORDS_MAX: usize = 4_096;

/// Unacknowledged and unsent bytes, addressed by their offset from the first.
#[derive(Debug, Default)]
pub(crate) struct SendQueue(Option<Box<Blocks>>);

impl SendQueue {
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |blocks| blocks.len_bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Memory that the queue takes. Text that was queued without a copy counts with its length: what the program
    /// keeps of its buffer besides is its own.
    #[inline]
    pub(crate) fn held_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |blocks| blocks.held_bytes())
    }

    /// Copies `data` to the end.
    pub(crate) fn push(&mut self, data: &[u8]) {
        if !data.is_empty() {
            self.0.get_or_insert_default().push(data);
        }
    }

    /// Appends `data` without copying it.
    pub(crate) fn push_bytes(&mut self, data: Bytes) {
        if !data.is_empty() {
            self.0.get_or_insert_default().push_bytes(data);
        }
    }

    /// A record ends here: no segment has bytes of before and of behind. Says whether that could be noted.
    pub(crate) fn end_record(&mut self) -> bool {
        let Some(blocks) = &mut self.0 else { return true };
        let end = blocks.passed_bytes + blocks.len_bytes as u64;
        if blocks.records.len() < RECORDS_MAX && blocks.records.back() != Some(&end) {
            blocks.records.push_back(end);
        }
        blocks.records.back() == Some(&end)
    }

    /// Whether no more ends of records can be noted.
    pub(crate) fn is_full_of_records(&self) -> bool {
        self.0.as_ref().is_some_and(|blocks| blocks.records.len() >= RECORDS_MAX)
    }

    /// Where the record ends in which the byte at `offset` lies, if its end is noted.
    pub(crate) fn record_end(&self, offset: usize) -> Option<usize> {
        let blocks = self.0.as_ref().filter(|blocks| !blocks.records.is_empty())?;
        let at = blocks.passed_bytes + offset as u64;
        let next = blocks.records.partition_point(|end| *end <= at);
        blocks.records.get(next).map(|end| (end - blocks.passed_bytes) as usize)
    }

    /// The `len` bytes from `offset` on, shared.
    ///
    /// # Panics
    /// If the range is not in the queue.
    pub(crate) fn range(&mut self, offset: usize, len: usize) -> Payload {
        assert!(offset + len <= self.len(), "a range must lie in the queue");
        match &mut self.0 {
            Some(blocks) if len > 0 => blocks.range(offset, len),
            _ => Payload::new(),
        }
    }

    /// The first `len` bytes, shared: the text of a SYN, for which the way of all other text does not get longer.
    #[inline(never)]
    pub(crate) fn first(&mut self, len: usize) -> Payload {
        match &mut self.0 {
            Some(blocks) if len > 0 => {
                blocks.freeze_tail();
                blocks.range_across(0, len)
            }
            _ => Payload::new(),
        }
    }

    /// Forgets the first `count` bytes.
    ///
    /// # Panics
    /// If there are fewer.
    pub(crate) fn acked(&mut self, count: usize) {
        assert!(count <= self.len(), "only what was queued can be acknowledged");
        if count == self.len() {
            self.0 = None;
        } else if let Some(blocks) = &mut self.0 {
            blocks.acked(count);
        }
    }

    /// Whether enough of the queue was acknowledged since this was asked last: 1/64 of what there was when it was asked
    /// first, and at least `least_bytes`. Yes, when it is asked first, and of an empty queue.
    pub(crate) fn has_progressed(&mut self, least_bytes: usize) -> bool {
        self.0.as_mut().is_none_or(|blocks| blocks.has_progressed(least_bytes))
    }

    /// Whether a goal was set and enough was acknowledged since.
    pub(crate) fn has_passed_goal(&self) -> bool {
        let blocks = self.0.as_ref();
        blocks.is_some_and(|blocks| blocks.goal.is_some_and(|(goal, _)| blocks.passed_bytes >= goal))
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

/// The queue while there is something in it.
#[derive(Debug, Default)]
struct Blocks {
    /// Blocks that a transmission may have borrowed from.
    blocks: Fifo<Bytes>,
    /// The block being filled; logically behind `blocks`.
    tail: BytesMut,
    len_bytes: usize,
    /// What was acknowledged of the first block, whose buffer is still there.
    acked_bytes: usize,
    /// Where the last range was found: (index of a block, offset of its first byte).
    cursor: (usize, usize),
    /// Bytes that have left the queue since there is something in it.
    passed_bytes: u64,
    /// Where records end, counted like `passed_bytes`.
    records: VecDeque<u64>,
    /// What has to be passed when [`Blocks::has_progressed`] is asked next, and the share that it is.
    goal: Option<(u64, usize)>,
}

/// The part of a queue that an orphan's peer takes each time: with a minute for each, everything is delivered within
/// about an hour.
const SHARE: usize = 64;

impl Blocks {
    fn held_bytes(&self) -> usize {
        let tables =
            size_of::<Blocks>() + self.blocks.held_bytes() + self.records.capacity() * size_of::<u64>();
        let unfilled = self.tail.capacity() - self.tail.len();
        // A block that is being filled may be in the queue in several parts, the first of them acknowledged already.
        let parts = if self.tail.capacity() > 0 || self.acked_bytes > 0 { BLOCK_BYTES_MIN } else { 0 };
        tables + self.len_bytes + self.acked_bytes + unfilled + parts + self.blocks.len() * SHARED_BYTES
    }

    fn has_progressed(&mut self, least_bytes: usize) -> bool {
        let share = self.goal.map_or((self.len_bytes / SHARE).max(least_bytes), |(_, share)| share);
        let has_progressed = self.goal.is_none_or(|(goal, _)| self.passed_bytes >= goal);
        self.goal = Some((self.passed_bytes + share as u64, share));
        has_progressed
    }

    /// Copies `data` to the end.
    fn push(&mut self, mut data: &[u8]) {
        self.len_bytes += data.len();
        while !data.is_empty() {
            let room = self.tail.capacity() - self.tail.len();
            if room == 0 {
                self.freeze_tail();
                self.tail = BytesMut::with_capacity(data.len().clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX));
                continue;
            }
            let (now, later) = data.split_at(data.len().min(room));
            self.tail.extend_from_slice(now);
            data = later;
        }
    }

    fn push_bytes(&mut self, data: Bytes) {
        self.freeze_tail();
        self.len_bytes += data.len();
        self.blocks.push(data);
    }

    fn freeze_tail(&mut self) {
        if !self.tail.is_empty() {
            self.blocks.push(self.tail.split().freeze());
        }
    }

    /// The `len` bytes from `offset` on, shared.
    fn range(&mut self, offset: usize, len: usize) -> Payload {
        if offset + len > self.len_bytes - self.tail.len() {
            self.freeze_tail();
        }
        match self.blocks.first() {
            Some(first) if offset + len <= first.len() => Payload::from(first.slice(offset..offset + len)),
            _ => self.range_across(offset, len),
        }
    }

    /// The same where it begins in a later block, or reaches over its end.
    #[inline(never)]
    fn range_across(&mut self, offset: usize, len: usize) -> Payload {
        let (mut index, mut start) = if self.cursor.1 <= offset { self.cursor } else { (0, 0) };
        while let Some(block) = self.blocks.get(index).filter(|block| start + block.len() <= offset) {
            start += block.len();
            index += 1;
        }
        self.cursor = (index, start);
        let mut lend = |from: usize, want: usize| {
            let block = self.blocks.get(index)?;
            index += 1;
            Some(block.slice(from..block.len().min(from + want)))
        };
        let mut payload = Payload::from(lend(offset - start, len).unwrap_or_default());
        let mut lent = payload.len();
        while lent < len {
            let Some(slice) = lend(0, len - lent) else { break };
            lent += slice.len();
            payload.push(slice);
        }
        debug_assert!(lent == len, "the range is in the queue");
        payload
    }

    /// Forgets the first `count` bytes.
    fn acked(&mut self, count: usize) {
        self.len_bytes -= count;
        self.passed_bytes += count as u64;
        while self.records.front().is_some_and(|end| *end <= self.passed_bytes) {
            self.records.pop_front();
        }
        let (mut left, mut popped) = (count, 0);
        while left > 0 {
            let Some(block) = self.blocks.first_mut() else { break };
            if block.len() > left {
                bytes::Buf::advance(block, left);
                self.acked_bytes += left;
                left = 0;
            } else {
                left -= block.len();
                self.blocks.pop();
                self.acked_bytes = 0;
                popped += 1;
            }
        }
        // Only what was transmitted is acknowledged, so the tail is reached only after a freeze.
        bytes::Buf::advance(&mut self.tail, left);
        let (index, start) = self.cursor;
        self.cursor = if index > popped { (index - popped, start - count) } else { (0, 0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        PushBytes(usize),
        Range(usize, usize),
        Acked(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0usize..200_000).prop_map(Step::Push),
            (0usize..5_000).prop_map(Step::PushBytes),
            (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Step::Range(a, b)),
            any::<usize>().prop_map(Step::Acked),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_a_flat_vector(steps in proptest::collection::vec(step(), 1..40)) {
            let (mut queue, mut flat, mut next) = (SendQueue::default(), Vec::<u8>::new(), 0u32);
            let mut fresh = |count: usize| -> Vec<u8> {
                (0..count).map(|_| { next = next.wrapping_add(1); (next % 251) as u8 }).collect()
            };
            for step in steps {
                match step {
                    Step::Push(n) => { let data = fresh(n); queue.push(&data); flat.extend(&data); }
                    Step::PushBytes(n) => { let data = fresh(n); flat.extend(&data); queue.push_bytes(data.into()); }
                    Step::Range(a, b) => {
                        let from = a % (flat.len() + 1);
                        let len = b % (flat.len() - from + 1);
                        prop_assert_eq!(queue.range(from, len).to_vec(), &flat[from..from + len]);
                    }
                    Step::Acked(n) => { let n = n % (flat.len() + 1); queue.acked(n); flat.drain(..n); }
                }
                prop_assert_eq!(queue.len(), flat.len());
            }
        }
    }

    #[test]
    fn a_byte_for_each_probe_is_no_progress() {
        let mut queue = SendQueue::default();
        assert!(queue.has_progressed(1_000), "nothing waits");
        queue.push(&[7; 640_000]);
        assert!(queue.has_progressed(1_000), "asked for the first time");
        assert!(!queue.has_progressed(1_000));
        queue.acked(10_000);
        assert!(queue.has_progressed(1_000), "a 64th of what there was");
        queue.acked(9_999);
        assert!(!queue.has_progressed(1_000));
    }

    #[test]
    fn ends_of_records_move_with_what_is_acknowledged_and_are_bounded() {
        let mut queue = SendQueue::default();
        queue.push(&[1; 10]);
        assert!(queue.end_record());
        queue.push(&[2; 5]);
        assert!(queue.end_record() && queue.end_record(), "an end is noted once");
        queue.push(&[3; 7]);
        assert_eq!(
            [0, 9, 10, 14, 15].map(|at| queue.record_end(at)),
            [Some(10), Some(10), Some(15), Some(15), None]
        );
        queue.acked(12);
        assert_eq!([0, 2, 3].map(|at| queue.record_end(at)), [Some(3), Some(3), None]);
        queue.acked(10);
        assert!(queue.is_empty() && queue.record_end(0).is_none());
        for _ in 0..RECORDS_MAX {
            queue.push(&[4]);
            assert!(queue.end_record());
        }
        queue.push(&[5]);
        assert!(queue.is_full_of_records() && !queue.end_record());
        queue.acked(1);
        assert!(!queue.is_full_of_records() && queue.end_record());
    }
}
