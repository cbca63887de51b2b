//! The segments of one direction that the other has not acknowledged yet, as Wireshark lists them.
//!
//! In the order of capture, which is almost always the order of sequence numbers; while it is, an
//! acknowledgment takes from the front and nothing is walked. The list is bounded: beyond the bound
//! segments are not entered, as in Wireshark, which costs round-trip samples and nothing else.

use crate::Frame;
use std::collections::VecDeque;
use wire::Seq;

/// One segment in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) seq: Seq,
    pub(crate) end: Seq,
    pub(crate) frame: Frame,
    pub(crate) time_ns: u64,
}

/// What an acknowledgment took off the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The frame whose end the acknowledgment hit, and when that frame was captured.
    pub(crate) hit: Option<(Frame, u64)>,
    /// The hit was inside a segment, not at its end.
    pub(crate) partial: bool,
    /// How many entries went.
    pub(crate) segments: u32,
    /// The oldest entry that went: when it was captured.
    pub(crate) oldest_ns: Option<u64>,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unacked {
    entries: VecDeque<Entry>,
    /// Some entry begins before the end of its predecessor.
    disordered: bool,
}

impl Unacked {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A value out of the memory that an acknowledgment will read, to have it fetched early.
    pub(crate) fn warmth(&self) -> u64 {
        let (first, last) = (self.entries.front(), self.entries.back());
        first.map_or(0, |entry| entry.time_ns) ^ last.map_or(0, |entry| entry.time_ns)
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        match self.entries.back() {
            Some(last) => self.disordered |= entry.seq.before(last.end),
            None => self.disordered = false,
        }
        self.entries.push_back(entry);
    }

    /// Removes what `ack` acknowledges; an entry that it cuts keeps its rest.
    pub(crate) fn acknowledge(&mut self, ack: Seq) -> Taken {
        let mut taken = Taken::default();
        if self.disordered {
            // newest first, so that of several hits the oldest is remembered last
            for index in (0..self.entries.len()).rev() {
                taken.note(&mut self.entries[index], ack);
            }
            self.entries.retain(|entry| entry.end.after(ack));
            if self.entries.is_empty() {
                self.disordered = false;
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
        if self.entries.is_empty() && self.entries.capacity() > 64 {
            self.entries.shrink_to(16); // one burst shall not hold memory for the connection's life
        }
        taken
    }

    /// From the first to the last byte in the list, whether all between is in it or not.
    pub(crate) fn span_bytes(&self) -> u32 {
        let (Some(first), Some(last)) = (self.entries.front(), self.entries.back()) else { return 0 };
        let (mut low, mut high) = (first.seq, last.end);
        if self.disordered {
            for entry in &self.entries {
                low = low.earliest(entry.seq);
                high = high.latest(entry.end);
            }
        }
        high.bytes_since(low)
    }

    /// Some entry holds all of `seq` up to `end`.
    pub(crate) fn holds(&self, seq: Seq, end: Seq) -> bool {
        self.entries.iter().rev().any(|entry| seq.at_or_after(entry.seq) && end.at_or_before(entry.end))
    }

    /// The oldest entry that begins at `seq` or after it.
    pub(crate) fn oldest_from(&self, seq: Seq) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.seq.at_or_after(seq))
    }

    /// The newest entry that overlaps the range.
    pub(crate) fn newest_over(&self, seq: Seq, end: Seq) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.seq.before(end) && entry.end.after(seq))
    }

    /// The range at the newest end of the list that has no gap.
    pub(crate) fn contiguous_tail(&self) -> Option<(Seq, Seq)> {
        let mut newest_first = self.entries.iter().rev();
        let newest = newest_first.next()?;
        let mut left = newest.seq;
        for entry in newest_first {
            if entry.end != left {
                break;
            }
            left = entry.seq;
        }
        Some((left, newest.end))
    }
}

impl Taken {
    fn note(&mut self, entry: &mut Entry, ack: Seq) {
        if ack == entry.end {
            self.hit = Some((entry.frame, entry.time_ns));
            self.partial = false;
        } else if ack.after(entry.seq) && ack.before(entry.end) {
            entry.seq = ack;
            // the end of one segment says more than the middle of another, of which it was cut
            if self.hit.is_none() || self.partial {
                self.hit = Some((entry.frame, entry.time_ns));
                self.partial = true;
            }
        }
        if !entry.end.after(ack) {
            self.segments += 1;
            self.oldest_ns = Some(self.oldest_ns.map_or(entry.time_ns, |oldest| oldest.min(entry.time_ns)));
        }
    }
}
