//! How often each kind of verdict and note was given, and where: most directions have few kinds or none.

use crate::Frame;
use crate::analysis::Notes;
use crate::verdicts::Verdicts;

/// How often something was seen, and where first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Seen {
    /// How often.
    pub count: u32,
    /// The frame where it was seen first, 0 for never.
    pub first_frame: Frame,
    /// The frame where it was seen last, 0 for never.
    pub last_frame: Frame,
}

impl Seen {
    pub(crate) fn note(&mut self, frame: Frame) {
        if self.count == 0 {
            self.first_frame = frame;
        }
        self.count += 1;
        self.last_frame = frame;
    }
}

/// Notes count behind the verdicts, by their bit too.
const FIRST_NOTE: u32 = u32::BITS;

/// The kinds that were seen, in the order of their numbers; no more than there are bits in the two sets.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Tally(Vec<(u8, Seen)>);

impl Tally {
    /// Counts each of these for the segment of `frame`.
    pub(crate) fn count(&mut self, verdicts: Verdicts, notes: Notes, frame: Frame) {
        self.count_bits(verdicts.bits(), 0, frame);
        self.count_bits(notes.bits(), FIRST_NOTE, frame);
    }

    fn count_bits(&mut self, mut bits: u32, first: u32, frame: Frame) {
        while bits != 0 {
            let kind = (first + bits.trailing_zeros()) as u8;
            bits &= bits - 1;
            let at = self.0.partition_point(|(known, _)| *known < kind);
            if self.0.get(at).is_none_or(|(known, _)| *known != kind) {
                self.0.insert(at, (kind, Seen::default()));
            }
            self.0[at].1.note(frame);
        }
    }

    /// No kind was seen, of verdicts or of notes.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn verdict(&self, verdict: Verdicts) -> Seen {
        self.kind(verdict.bits().trailing_zeros())
    }

    pub(crate) fn note(&self, note: Notes) -> Seen {
        self.kind(FIRST_NOTE + note.bits().trailing_zeros())
    }

    fn kind(&self, kind: u32) -> Seen {
        let found = self.0.iter().find(|(known, _)| u32::from(*known) == kind);
        found.map(|(_, seen)| *seen).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_counted_for_itself() {
        let mut tally = Tally::default();
        tally.count(Verdicts::DUPLICATE_ACK, Notes::NONE, 3);
        tally.count(Verdicts::DUPLICATE_ACK | Verdicts::REUSED_PORTS, Notes::CAPTURED_TWICE, 7);
        assert_eq!(tally.verdict(Verdicts::DUPLICATE_ACK), Seen { count: 2, first_frame: 3, last_frame: 7 });
        assert_eq!(tally.verdict(Verdicts::REUSED_PORTS), Seen { count: 1, first_frame: 7, last_frame: 7 });
        assert_eq!(tally.note(Notes::CAPTURED_TWICE).count, 1);
        assert_eq!((tally.note(Notes::CROSSED), tally.verdict(Verdicts::DSACK)), Default::default());
    }
}
