//! Segments in flight that follow each other: in the order of capture, each begins at or after the end of the one
//! before. So one of them is found by halving, an acknowledgment takes from the front, and what SACK says of them is
//! asked only of those that are not known to have arrived.
//!
//! What is *not* here: segments that come again or late, which stand in rows of their own ([`super::unacked`]), and what
//! a delivery means ([`super::delivery`]).

use super::unacked::{Entry, Taken};
use crate::limits::{ROW_BYTES_MAX, UNACKED_ROOM_KEPT, UNACKED_ROOM_MAX};
use std::collections::VecDeque;
use wire::Seq;
use wire::tcp::SackBlock;

/// The segments.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    entries: VecDeque<Entry>,
    /// Made when SACK blocks are seen.
    pub(super) watch: Option<Box<Watch>>,
}

/// What acknowledgments with SACK blocks have said of a row. Entries are numbered, from zero on; the numbers wrap.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// The number of the first entry.
    first: u32,
    /// Nothing is known of the entry with this number, and of those behind it.
    looked: u32,
    /// Those before it that are not known to have arrived, in order.
    holes: VecDeque<u32>,
    /// Segments of [`Watch::mss_bytes`] that have arrived and were not sent again.
    sacked: u32,
    mss_bytes: u32,
    /// Some time in the row is earlier than the one before.
    is_untimely: bool,
}

impl Row {
    /// Takes an entry to the end, if it fits there.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry) -> bool {
        if let (Some(first), Some(last)) = (self.entries.front(), self.entries.back()) {
            let fits = entry.seq.at_or_after(last.end)
                && entry.seq.before(entry.end)
                && entry.end.bytes_since(first.seq) <= ROW_BYTES_MAX;
            if !fits {
                return false;
            }
            if let Some(watch) = &mut self.watch {
                watch.is_untimely |= entry.time_ns < last.time_ns;
            }
        } else if entry.end.bytes_since(entry.seq) > ROW_BYTES_MAX || entry.seq == entry.end {
            return false;
        } else if let Some(watch) = &mut self.watch {
            watch.is_untimely = false;
        }
        self.entries.push_back(entry);
        true
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn front(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub(super) fn back(&self) -> Option<&Entry> {
        self.entries.back()
    }

    pub(super) fn iter(&self) -> std::collections::vec_deque::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// The entry that holds all of `seq` up to `end`, if there is one.
    pub(super) fn holds(&self, seq: Seq, end: Seq) -> bool {
        let beyond = self.entries.partition_point(|entry| entry.seq.at_or_before(seq));
        let entry = beyond.checked_sub(1).and_then(|at| self.entries.get(at));
        entry.is_some_and(|entry| end.at_or_before(entry.end))
    }

    /// The first entry that begins at `seq` or after it.
    pub(super) fn first_from(&self, seq: Seq) -> Option<&Entry> {
        self.entries.get(self.entries.partition_point(|entry| entry.seq.before(seq)))
    }

    /// The last entry that overlaps the range.
    pub(super) fn last_over(&self, seq: Seq, end: Seq) -> Option<&Entry> {
        let beyond = self.entries.partition_point(|entry| entry.seq.before(end));
        let entry = beyond.checked_sub(1).and_then(|at| self.entries.get(at));
        entry.filter(|entry| entry.end.after(seq))
    }

    /// `again` repeats what may be in the row.
    pub(super) fn note_again(&mut self, again: &mut Entry) {
        let mut at = self.entries.partition_point(|entry| entry.end.at_or_before(again.seq));
        while let Some(old) = self.entries.get_mut(at).filter(|old| old.seq.before(again.end)) {
            let was_sacked = old.is_sacked();
            old.note_again(again);
            if let Some(watch) = &mut self.watch
                && was_sacked
                && !old.is_sacked()
            {
                watch.sacked -= old.segments(watch.mss_bytes);
            }
            at += 1;
        }
    }

    /// Removes what `ack` acknowledges; an entry that it cuts keeps its rest.
    #[inline(always)]
    pub(super) fn acknowledge(&mut self, ack: Seq) -> Taken {
        if self.watch.is_some() {
            return self.acknowledge_watched(ack);
        }
        let mut taken = Taken::default();
        while let Some(first) = self.entries.front_mut() {
            taken.note(first, ack);
            if first.end.after(ack) {
                break;
            }
            self.entries.pop_front();
        }
        self.give_room_back();
        taken
    }

    #[inline(never)]
    fn acknowledge_watched(&mut self, ack: Seq) -> Taken {
        let mut taken = Taken::default();
        let Some(watch) = &mut self.watch else { return taken };
        while let Some(first) = self.entries.front_mut() {
            let before = if first.is_sacked() { first.segments(watch.mss_bytes) } else { 0 };
            taken.note(first, ack);
            if first.end.after(ack) {
                let after = if first.is_sacked() { first.segments(watch.mss_bytes) } else { 0 };
                watch.sacked = watch.sacked - before + after;
                break;
            }
            watch.sacked -= before;
            watch.on_pop();
            self.entries.pop_front();
        }
        self.give_room_back();
        taken
    }

    #[inline]
    fn give_room_back(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > UNACKED_ROOM_MAX {
            self.entries.shrink_to(UNACKED_ROOM_KEPT);
            if let Some(watch) = &mut self.watch {
                watch.holes.shrink_to(UNACKED_ROOM_KEPT);
            }
        }
    }

    /// Shows `see`, in order, every entry that is not known to have arrived and that `ack` or a block may concern, where
    /// nothing is known of what begins at `known` or later. Returned is how many segments the row had that have arrived,
    /// lie beyond `ack` and were not sent again. `blocks` are in the order of their left edges.
    pub(super) fn look(
        &mut self,
        ack: Seq,
        blocks: &[SackBlock],
        known: Seq,
        mss_bytes: u32,
        mut see: impl FnMut(&mut Entry),
    ) -> u32 {
        let entries = &mut self.entries;
        let watch = self.watch.get_or_insert_with(|| Box::new(Watch::of(entries)));
        watch.cut_in(entries, mss_bytes);
        let mut at = 0;
        // what lies before the acknowledgment, then what overlaps each block
        at = watch.look_at_holes(entries, at, ack, &mut see);
        for block in blocks {
            let number = |hole: &u32| hole.wrapping_sub(watch.first) as usize;
            let ends_before = |hole: &u32| entries[number(hole)].end.at_or_before(block.left);
            at = at.max(watch.holes.partition_point(ends_before));
            at = watch.look_at_holes(entries, at, block.right, &mut see);
        }
        let mut index = watch.looked.wrapping_sub(watch.first) as usize;
        while let Some(entry) = entries.get_mut(index).filter(|entry| entry.seq.before(known)) {
            if !watch.see(entry, &mut see) {
                watch.holes.push_back(watch.looked);
            }
            watch.looked = watch.looked.wrapping_add(1);
            index += 1;
        }
        let acked = entries.iter().take_while(|entry| entry.end.at_or_before(ack));
        let acked: u32 = acked.filter(|entry| entry.is_sacked()).map(|entry| entry.segments(mss_bytes)).sum();
        watch.sacked - acked
    }

    /// The first entry that is not known to have arrived and was not sent again, of those for which `covered` does not
    /// hold. That holds for earlier ones rather than for later ones.
    pub(super) fn oldest_open(&self, covered: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let Some(watch) = &self.watch else {
            return self.entries.iter().find(|entry| entry.is_open() && !covered(entry));
        };
        if watch.is_untimely {
            return self.entries.iter().find(|entry| entry.is_open() && !covered(entry));
        }
        let entry = |hole: &u32| &self.entries[hole.wrapping_sub(watch.first) as usize];
        let from = watch.holes.partition_point(|hole| covered(entry(hole)));
        if let Some(hole) = watch.holes.range(from..).find(|hole| entry(hole).is_open()) {
            return Some(entry(hole));
        }
        let looked = watch.looked.wrapping_sub(watch.first) as usize;
        let from = match self.entries.get(looked) {
            Some(entry) if covered(entry) => self.entries.partition_point(&covered),
            _ => looked, // nearly always: what counts as lost was sent before what is reported
        };
        self.entries.range(from..).find(|entry| entry.is_open())
    }
}

impl Watch {
    fn of(entries: &VecDeque<Entry>) -> Watch {
        let times = entries.iter().zip(entries.iter().skip(1));
        let is_untimely = times.into_iter().any(|(before, after)| after.time_ns < before.time_ns);
        Watch { is_untimely, ..Watch::default() }
    }

    /// Counts what has arrived in segments of another size.
    fn cut_in(&mut self, entries: &VecDeque<Entry>, mss_bytes: u32) {
        if self.mss_bytes != mss_bytes {
            self.mss_bytes = mss_bytes;
            let sacked = entries.iter().filter(|entry| entry.is_sacked());
            self.sacked = sacked.map(|entry| entry.segments(mss_bytes)).sum();
        }
    }

    /// Looks at the holes from `at` on that begin before `until`; those that are none any more are forgotten. Returns
    /// where the next hole stands.
    fn look_at_holes(
        &mut self,
        entries: &mut VecDeque<Entry>,
        mut at: usize,
        until: Seq,
        see: &mut impl FnMut(&mut Entry),
    ) -> usize {
        while let Some(hole) = self.holes.get(at) {
            let index = hole.wrapping_sub(self.first) as usize;
            let Some(entry) = entries.get_mut(index).filter(|entry| entry.seq.before(until)) else { break };
            if self.see(entry, see) {
                self.holes.remove(at);
            } else {
                at += 1;
            }
        }
        at
    }

    /// Returns whether it has arrived.
    fn see(&mut self, entry: &mut Entry, see: &mut impl FnMut(&mut Entry)) -> bool {
        see(entry);
        if entry.is_sacked() {
            self.sacked += entry.segments(self.mss_bytes);
        }
        entry.is_delivered
    }

    /// The first entry goes.
    fn on_pop(&mut self) {
        if self.holes.front() == Some(&self.first) {
            self.holes.pop_front();
        }
        if self.looked == self.first {
            self.looked = self.looked.wrapping_add(1);
        }
        self.first = self.first.wrapping_add(1);
    }
}
