//! The segments of one direction that the other has not acknowledged yet, as Wireshark lists them.
//!
//! They are captured nearly always in the order of sequence numbers, and so is what is sent again: two rows hold them,
//! and nothing is walked, however many there are. What fits in neither stands apart, and is walked. The list is bounded:
//! beyond the bound segments are not entered, as in Wireshark, which costs round-trip samples and nothing else.

use super::row::Row;
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

    /// `again`, which is about to be entered, repeats some of this.
    pub(super) fn note_again(&mut self, again: &mut Entry) {
        again.is_again = true;
        self.is_touched = true;
        self.is_resent |= again.seq.at_or_before(self.seq) && self.end.at_or_before(again.end);
    }

    fn overlaps(&self, seq: Seq, end: Seq) -> bool {
        self.seq.before(end) && self.end.after(seq)
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
    /// Nearly all, and nearly always all.
    pub(super) first: Row,
    pub(super) more: Option<Box<More>>,
}

/// What does not follow the segments of the first row, and what SACK says of all.
#[derive(Clone, Debug, Default)]
pub(super) struct More {
    /// What is sent again in order, or was late.
    pub(super) second: Row,
    /// What fits into neither row, in the order of capture.
    pub(super) rest: VecDeque<Entry>,
    /// One past the highest byte that is known to have arrived, since SACK blocks came.
    pub(super) highest_delivered: Option<Seq>,
}

impl Unacked {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.more.as_ref().map_or(0, |more| more.second.len() + more.rest.len())
    }

    /// What stands in none but the first row, if anything does.
    #[inline]
    fn others(&self) -> Option<&More> {
        self.more.as_deref().filter(|more| more.second.len() > 0 || !more.rest.is_empty())
    }

    /// All of it stands in the first row.
    #[inline]
    pub(super) fn is_one_row(&self) -> bool {
        self.others().is_none()
    }

    /// When the first segment in the list was sent.
    #[inline]
    pub(crate) fn oldest_ns(&self) -> Option<u64> {
        match self.others() {
            None => self.first.front().map(|entry| entry.time_ns),
            Some(more) => self.oldest_of(more),
        }
    }

    #[inline(never)]
    fn oldest_of(&self, more: &More) -> Option<u64> {
        let oldest = older(older(self.first.front(), more.second.front()), more.rest.front());
        oldest.map(|entry| entry.time_ns)
    }

    /// A value out of the memory that an acknowledgment will read, to have it fetched early.
    pub(crate) fn warmth(&self) -> u64 {
        self.first.front().map_or(0, |entry| entry.time_ns)
    }

    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        if !self.first.push(entry) {
            self.push_beside(entry);
        }
    }

    #[inline(never)]
    fn push_beside(&mut self, entry: Entry) {
        let more = self.more.get_or_insert_default();
        if !more.second.push(entry) {
            more.rest.push_back(entry);
        }
    }

    /// `entry`, which is about to be entered, repeats what is in the list.
    #[inline(never)]
    pub(crate) fn note_again(&mut self, entry: &mut Entry) {
        self.first.note_again(entry);
        if let Some(more) = &mut self.more {
            more.second.note_again(entry);
            let (seq, end) = (entry.seq, entry.end);
            more.rest.iter_mut().filter(|old| old.overlaps(seq, end)).for_each(|old| old.note_again(entry));
        }
    }

    /// All, those of one row after those of the other.
    fn iter(&self) -> impl Iterator<Item = &Entry> {
        let more = self.more.iter().flat_map(|more| more.second.iter().chain(&more.rest));
        self.first.iter().chain(more)
    }

    /// Some of it lies before `number`.
    #[cold]
    pub(super) fn is_behind(&self, number: Seq) -> bool {
        self.iter().any(|entry| number.after(entry.seq))
    }

    /// Some entry holds the byte before `number`.
    #[cold]
    pub(super) fn is_hit_by(&self, number: Seq) -> bool {
        self.iter().any(|entry| number.after(entry.seq) && number.at_or_before(entry.end))
    }

    /// Removes what `ack` acknowledges; an entry that it cuts keeps its rest.
    #[inline(always)]
    pub(crate) fn acknowledge(&mut self, ack: Seq) -> Taken {
        let taken = self.first.acknowledge(ack);
        match &mut self.more {
            Some(more) if more.second.len() > 0 || !more.rest.is_empty() => taken.with(more.acknowledge(ack)),
            _ => taken,
        }
    }

    /// Gives the memory of an empty list back: nothing more will come, as far as is known.
    #[inline(never)]
    pub(crate) fn release(&mut self) {
        if self.len() > 0 {
            return;
        }
        self.first = Row::default();
        if let Some(more) = &mut self.more {
            (more.second, more.rest) = (Row::default(), VecDeque::new());
        }
    }

    /// From the first to the last byte in the list, whether all between is in it or not. Counted from
    /// `base`, as in Wireshark: what stands before the first segment seen is far ahead.
    #[inline]
    pub(crate) fn span_bytes(&self, base: Seq) -> u32 {
        if self.others().is_none()
            && let (Some(first), Some(last)) = (self.first.front(), self.first.back())
            && let (low, high) = (first.seq.bytes_since(base), last.end.bytes_since(base))
            && low <= high
        {
            return high - low;
        }
        self.span_of_more(base)
    }

    #[inline(never)]
    fn span_of_more(&self, base: Seq) -> u32 {
        let (mut low, mut high) = (u32::MAX, 0);
        let mut widen = |from: &Entry, to: &Entry| {
            (low, high) = (low.min(from.seq.bytes_since(base)), high.max(to.end.bytes_since(base)));
        };
        let second = self.more.as_ref().map(|more| &more.second);
        for row in [Some(&self.first), second].into_iter().flatten() {
            let (Some(first), Some(last)) = (row.front(), row.back()) else { continue };
            if first.seq.bytes_since(base) <= last.end.bytes_since(base) {
                widen(first, last);
            } else {
                row.iter().for_each(|entry| widen(entry, entry)); // the numbers began anew within the row
            }
        }
        self.more.iter().flat_map(|more| &more.rest).for_each(|entry| widen(entry, entry));
        if self.len() == 0 { 0 } else { high.wrapping_sub(low) }
    }

    /// Some entry holds all of `seq` up to `end`.
    pub(crate) fn holds(&self, seq: Seq, end: Seq) -> bool {
        let holds = |entry: &Entry| seq.at_or_after(entry.seq) && end.at_or_before(entry.end);
        self.first.holds(seq, end)
            || self
                .more
                .as_ref()
                .is_some_and(|more| more.second.holds(seq, end) || more.rest.iter().any(holds))
    }

    /// The oldest entry that begins at `seq` or after it.
    pub(crate) fn oldest_from(&self, seq: Seq) -> Option<&Entry> {
        let first = self.first.first_from(seq);
        let Some(more) = self.others() else { return first };
        let rest = more.rest.iter().find(|entry| entry.seq.at_or_after(seq));
        older(older(first, more.second.first_from(seq)), rest)
    }

    /// When the first segment of those that begin at `seq` or after it was sent.
    pub(crate) fn earliest_beyond_ns(&self, seq: Seq) -> Option<u64> {
        self.oldest_from(seq).map(|entry| entry.time_ns)
    }

    /// The newest entry that overlaps the range.
    #[inline(never)]
    pub(crate) fn newest_over(&self, seq: Seq, end: Seq) -> Option<&Entry> {
        let first = self.first.last_over(seq, end);
        let Some(more) = self.others() else { return first };
        let rest = more.rest.iter().rev().find(|entry| entry.overlaps(seq, end));
        newer(newer(first, more.second.last_over(seq, end)), rest)
    }

    /// The end of what lies in the list without a gap from `ack` on, if its first part is the oldest
    /// beyond `ack`.
    pub(crate) fn contiguous_from(&self, ack: Seq) -> Option<Seq> {
        let mut newest_first = NewestFirst::of(self);
        let mut entry = newest_first.next()?;
        let (mut left, mut right) = (entry.seq, entry.end);
        loop {
            if entry.seq.at_or_after(ack) {
                if entry.end != left {
                    right = entry.end;
                }
                left = entry.seq;
            }
            match newest_first.next() {
                Some(next) => entry = next,
                None => return (left == ack && right.after(ack)).then_some(right),
            }
        }
    }
}

impl More {
    #[inline(never)]
    fn acknowledge(&mut self, ack: Seq) -> Taken {
        let taken = self.second.acknowledge(ack);
        if self.rest.is_empty() {
            return taken;
        }
        let mut of_rest = Taken::default();
        // newest first, so that of several hits the oldest is remembered last
        self.rest.iter_mut().rev().for_each(|entry| of_rest.note(entry, ack));
        self.rest.retain(|entry| entry.end.after(ack));
        taken.with(of_rest)
    }
}

/// The one that was captured first.
pub(super) fn older<'a>(a: Option<&'a Entry>, b: Option<&'a Entry>) -> Option<&'a Entry> {
    match (a, b) {
        (Some(of_a), Some(of_b)) => Some(if of_b.frame < of_a.frame { of_b } else { of_a }),
        _ => a.or(b),
    }
}

/// The one that was captured last.
fn newer<'a>(a: Option<&'a Entry>, b: Option<&'a Entry>) -> Option<&'a Entry> {
    match (a, b) {
        (Some(of_a), Some(of_b)) => Some(if of_b.frame >= of_a.frame { of_b } else { of_a }),
        _ => a.or(b),
    }
}

/// All entries, the newest first.
struct NewestFirst<'a> {
    rows: [std::collections::vec_deque::Iter<'a, Entry>; 3],
    next: [Option<&'a Entry>; 3],
}

impl<'a> NewestFirst<'a> {
    fn of(unacked: &'a Unacked) -> Self {
        let more = unacked.more.as_ref();
        let second = more.map(|more| more.second.iter()).unwrap_or_default();
        let rest = more.map(|more| more.rest.iter()).unwrap_or_default();
        let mut rows = [unacked.first.iter(), second, rest];
        let next = [rows[0].next_back(), rows[1].next_back(), rows[2].next_back()];
        NewestFirst { rows, next }
    }
}

impl<'a> Iterator for NewestFirst<'a> {
    type Item = &'a Entry;

    fn next(&mut self) -> Option<&'a Entry> {
        let newest = self.next.iter().flatten().map(|entry| entry.frame).max()?;
        let at = self.next.iter().rposition(|entry| entry.is_some_and(|entry| entry.frame == newest))?;
        std::mem::replace(&mut self.next[at], self.rows[at].next_back())
    }
}

impl Taken {
    pub(super) fn note(&mut self, entry: &mut Entry, ack: Seq) {
        let hit = Some((entry.frame, entry.time_ns));
        self.is_ambiguous |= (entry.is_again | entry.is_resent) & ack.after(entry.seq);
        if ack == entry.end {
            (self.hit, self.partial, self.whole) = (hit, false, hit);
        } else if ack.after(entry.seq) && ack.before(entry.end) {
            entry.seq = ack;
            (self.hit, self.partial) = (hit, true);
        }
    }

    /// Both, of which each is of another row.
    fn with(self, other: Taken) -> Taken {
        let is_older = |a: Option<(Frame, u64)>, b: Option<(Frame, u64)>| match (a, b) {
            (Some((of_a, _)), Some((of_b, _))) => of_a <= of_b,
            (a, _) => a.is_some(),
        };
        let hit = if is_older(self.hit, other.hit) { &self } else { &other };
        let whole = if is_older(self.whole, other.whole) { self.whole } else { other.whole };
        let is_ambiguous = self.is_ambiguous || other.is_ambiguous;
        Taken { hit: hit.hit, partial: hit.partial, whole, is_ambiguous }
    }
}
