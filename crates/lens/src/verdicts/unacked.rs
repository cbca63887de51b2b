//! The segments of one direction that the other has not acknowledged yet, as Wireshark lists them.
//!
//! In the order of capture, which is almost always the order of sequence numbers; while it is, an
//! acknowledgment takes from the front and nothing is walked. The list is bounded: beyond the bound
//! segments are not entered, as in Wireshark, which costs round-trip samples and nothing else.

use crate::Frame;
use crate::limits::{UNACKED_ROOM_KEPT, UNACKED_ROOM_MAX};
use std::collections::VecDeque;
use wire::Seq;

/// One segment in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) seq: Seq,
    pub(crate) end: Seq,
    pub(crate) frame: Frame,
    pub(crate) time_ns: u64,
    /// It repeats what had been sent before.
    pub(crate) is_again: bool,
    /// All of it was sent again since.
    pub(crate) is_resent: bool,
    /// A part of it was sent again or has arrived.
    pub(crate) is_touched: bool,
    /// The receiver has it, out of order.
    pub(crate) is_delivered: bool,
}

impl Entry {
    pub(crate) fn new(seq: Seq, end: Seq, frame: Frame, time_ns: u64) -> Entry {
        Entry {
            seq,
            end,
            frame,
            time_ns,
            is_again: false,
            is_resent: false,
            is_touched: false,
            is_delivered: false,
        }
    }
}

/// What an acknowledgment took off the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The oldest frame that the acknowledgment hit, and when that frame was captured.
    pub(crate) hit: Option<(Frame, u64)>,
    /// That hit was inside the segment, not at its end.
    pub(crate) partial: bool,
    /// The oldest frame whose end it hit: that one says how long the round trip took.
    pub(crate) whole: Option<(Frame, u64)>,
    /// Something that it covers was sent twice, so that nobody knows which of the two it answers (Karn).
    pub(crate) is_ambiguous: bool,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unacked {
    pub(super) entries: VecDeque<Entry>,
    /// One past the highest byte that is known to have arrived, since SACK blocks came.
    pub(super) highest_delivered: Option<Seq>,
    /// One past the highest byte in the list, while there is one.
    highest: Seq,
    /// Some entry that ends at or before this begins before the end of its predecessor.
    disordered_until: Option<Seq>,
}

impl Unacked {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// When the first segment in the list was sent.
    pub(crate) fn oldest_ns(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.time_ns)
    }

    /// A value out of the memory that an acknowledgment will read, to have it fetched early.
    pub(crate) fn warmth(&self) -> u64 {
        let (first, last) = (self.entries.front(), self.entries.back());
        first.map_or(0, |entry| entry.time_ns) ^ last.map_or(0, |entry| entry.time_ns)
    }

    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        let Some(last) = self.entries.back() else {
            (self.highest, self.disordered_until) = (entry.end, None);
            return self.entries.push_back(entry);
        };
        self.highest = self.highest.latest(entry.end);
        if entry.seq.before(last.end) {
            self.disordered_until = Some(self.highest);
        }
        self.entries.push_back(entry);
    }

    /// Each entry begins at or after the end of its predecessor.
    pub(super) fn is_in_order(&self) -> bool {
        self.disordered_until.is_none()
    }

    /// `entry`, which is about to be entered, repeats what is in the list.
    pub(crate) fn note_again(&mut self, entry: &mut Entry) {
        let (seq, end) = (entry.seq, entry.end);
        for old in self.entries.iter_mut().filter(|old| old.seq.before(end) && seq.before(old.end)) {
            entry.is_again = true;
            old.is_touched = true;
            old.is_resent |= seq.at_or_before(old.seq) && old.end.at_or_before(end);
        }
    }

    /// Some of it lies before `number`.
    pub(super) fn is_behind(&self, number: Seq) -> bool {
        self.entries.iter().any(|entry| number.after(entry.seq))
    }

    /// Some entry holds the byte before `number`.
    pub(super) fn is_hit_by(&self, number: Seq) -> bool {
        self.entries.iter().any(|entry| number.after(entry.seq) && number.at_or_before(entry.end))
    }

    /// Removes what `ack` acknowledges; an entry that it cuts keeps its rest.
    #[inline]
    pub(crate) fn acknowledge(&mut self, ack: Seq) -> Taken {
        let mut taken = Taken::default();
        if let Some(until) = self.disordered_until {
            // newest first, so that of several hits the oldest is remembered last
            for index in (0..self.entries.len()).rev() {
                taken.note(&mut self.entries[index], ack);
            }
            self.entries.retain(|entry| entry.end.after(ack));
            if self.entries.is_empty() || ack.at_or_after(until) {
                self.disordered_until = None;
            }
            return taken;
        }
        while let Some(first) = self.entries.front_mut() {
            taken.note(first, ack);
            if first.end.after(ack) {
                break;
            }
            self.entries.pop_front();
        }
        if self.entries.is_empty() && self.entries.capacity() > UNACKED_ROOM_MAX {
            self.entries.shrink_to(UNACKED_ROOM_KEPT);
        }
        taken
    }

    /// Gives the memory of an empty list back: nothing more will come, as far as is known.
    pub(crate) fn release(&mut self) {
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
    }

    /// From the first to the last byte in the list, whether all between is in it or not. Counted from
    /// `base`, as in Wireshark: what stands before the first segment seen is far ahead.
    #[inline]
    pub(crate) fn span_bytes(&self, base: Seq) -> u32 {
        let (Some(first), Some(last)) = (self.entries.front(), self.entries.back()) else { return 0 };
        let (mut low, mut high) = (first.seq.bytes_since(base), last.end.bytes_since(base));
        if !self.is_in_order() || high < low {
            for entry in &self.entries {
                low = low.min(entry.seq.bytes_since(base));
                high = high.max(entry.end.bytes_since(base));
            }
        }
        high.wrapping_sub(low)
    }

    /// Some entry holds all of `seq` up to `end`.
    pub(crate) fn holds(&self, seq: Seq, end: Seq) -> bool {
        self.entries.iter().rev().any(|entry| seq.at_or_after(entry.seq) && end.at_or_before(entry.end))
    }

    /// The oldest entry that begins at `seq` or after it.
    pub(crate) fn oldest_from(&self, seq: Seq) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.seq.at_or_after(seq))
    }

    /// When the first segment of those that begin at `seq` or after it was sent.
    pub(crate) fn earliest_beyond_ns(&self, seq: Seq) -> Option<u64> {
        self.entries.iter().find(|entry| entry.seq.at_or_after(seq)).map(|entry| entry.time_ns)
    }

    /// The newest entry that overlaps the range.
    pub(crate) fn newest_over(&self, seq: Seq, end: Seq) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.seq.before(end) && entry.end.after(seq))
    }

    /// The end of what lies in the list without a gap from `ack` on, if its first part is the oldest
    /// beyond `ack`.
    pub(crate) fn contiguous_from(&self, ack: Seq) -> Option<Seq> {
        let newest = self.entries.back()?;
        let (mut left, mut right) = (newest.seq, newest.end);
        for entry in self.entries.iter().rev().filter(|entry| entry.seq.at_or_after(ack)) {
            if entry.end != left {
                right = entry.end;
            }
            left = entry.seq;
        }
        (left == ack && right.after(ack)).then_some(right)
    }
}

impl Taken {
    fn note(&mut self, entry: &mut Entry, ack: Seq) {
        let hit = Some((entry.frame, entry.time_ns));
        self.is_ambiguous |= (entry.is_again | entry.is_resent) & ack.after(entry.seq);
        if ack == entry.end {
            (self.hit, self.partial, self.whole) = (hit, false, hit);
        } else if ack.after(entry.seq) && ack.before(entry.end) {
            entry.seq = ack;
            (self.hit, self.partial) = (hit, true);
        }
    }
}
