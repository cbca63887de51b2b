//! Zero, which Wireshark takes for "not set".
//!
//! There three numbers of a direction are plain 32-bit values that begin as zero: the next sequence number, the highest
//! that can be acknowledged, and the latest acknowledgment. So where one of them is really zero, what comes next is
//! judged as if nothing had been before: once in four thousand million bytes, or on the first segment where the initial
//! number is near. The verdicts keep that, because they are Wireshark's. Nothing else may depend on where a connection's
//! numbers begin, so what we conclude from is judged without it. The two differ only from the first segment on that
//! touches zero: until then there is one memory for both, and most connections never have another.
//!
//! A segment without ACK is of the same kind: its field reads zero, and there it takes off the list of what the other
//! end has in flight all that lies before zero, which is everything or nothing.

use super::special::note_handshake_options;
use super::{Judged, Known, Remembered, begin, judge};
use crate::pair::Pair;
use crate::{Segment, Side};
use wire::Seq;

const ZERO: Seq = Seq::new(0);

/// What zero means in a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Zero {
    /// A number like any other.
    #[default]
    Counts,
    /// The number is not known, as in Wireshark.
    IsUnset,
}

impl Remembered {
    /// A number of this memory, if it counts as known.
    pub(super) fn set(&self, number: Option<Seq>) -> Option<Seq> {
        number.filter(|number| self.zero == Zero::Counts || *number != ZERO)
    }

    /// The acknowledgment of a segment as it is remembered. Wireshark does not ask for the flag.
    pub(super) fn ack_of(&self, segment: &Segment) -> Option<Seq> {
        let is_known = segment.flags.ack() || segment.ack != ZERO || self.zero == Zero::IsUnset;
        is_known.then_some(segment.ack)
    }

    /// Whether a segment acknowledges. Wireshark does not ask for the flag.
    pub(super) fn is_acknowledgment(&self, segment: &Segment) -> bool {
        segment.flags.ack() || self.zero == Zero::IsUnset
    }

    /// A reset in the name of an end that knows of no connection has 0 for want of a number (RFC 9293 §3.5.2).
    pub(super) fn is_of_nobody(&self, segment: &Segment) -> bool {
        self.zero == Zero::Counts && has_no_number(segment)
    }

    /// The same memory, with the numbers that are not known at zero.
    fn with_zeros(&self) -> Remembered {
        let mut theirs = Remembered { zero: Zero::IsUnset, ..self.clone() };
        for number in [&mut theirs.next_seq, &mut theirs.acknowledgeable, &mut theirs.last_ack] {
            number.get_or_insert(ZERO);
        }
        theirs
    }

    /// Whether what Wireshark remembers of this direction may differ from ours when it sends `segment`.
    #[inline]
    pub(super) fn differs_from(&self, segment: &Segment) -> bool {
        if segment.flags.ack() && segment.ack == ZERO {
            return true;
        }
        // the number before zero looks like a keep-alive to a memory that begins with zero
        let is_near = segment.seq.number().wrapping_add(1) <= 1 || segment.end() == ZERO;
        is_near && !(has_no_number(segment) && self.next_seq.is_none())
    }
}

fn has_no_number(segment: &Segment) -> bool {
    segment.flags.rst() && segment.flags.ack() && segment.seq == ZERO
}

/// Both directions as Wireshark remembers them, and its judgement of the latest segment.
#[derive(Debug, Default)]
struct Theirs {
    both: Pair<Remembered>,
    judged: Judged,
}

/// What Wireshark remembers of a connection, once that is something else than we do.
#[derive(Debug, Default)]
pub(crate) struct AsWireshark {
    theirs: Option<Box<Theirs>>,
    /// The latest segment was of this end and had no ACK; there its field, which reads zero, took all that lies before
    /// zero off the list of what the other has in flight. A reset often is the last segment, so that matters only when
    /// another comes.
    took_without_ack: Option<Side>,
}

impl AsWireshark {
    /// Wireshark's judgement of the latest segment; `None` where that is the same as ours.
    #[inline]
    pub(crate) fn judged(&self) -> Option<&Judged> {
        self.theirs.as_ref().map(|theirs| &theirs.judged)
    }

    /// It has a memory of its own, or the next segment may make one.
    #[inline]
    pub(crate) fn is_apart(&self) -> bool {
        self.theirs.is_some() || self.took_without_ack.is_some()
    }

    /// Judges a segment that is about to be judged by `ours`, if that may give something else here.
    #[inline]
    pub(crate) fn judge(
        &mut self,
        from: Side,
        segment: &Segment,
        known: &Known,
        ours: (&Remembered, &Remembered),
    ) {
        if self.theirs.is_none() && self.took_without_ack.is_none() && !ours.0.differs_from(segment) {
            if segment.flags.ack() || !ours.1.unacked.is_behind(segment.ack) {
                return;
            }
            if !ours.1.unacked.is_hit_by(segment.ack) {
                self.took_without_ack = Some(from);
                return;
            }
        }
        self.judge_apart(from, segment, known, ours);
    }

    #[cold]
    fn judge_apart(
        &mut self,
        from: Side,
        segment: &Segment,
        known: &Known,
        (sent, other): (&Remembered, &Remembered),
    ) {
        let took_without_ack = self.took_without_ack.take();
        let theirs = self.theirs.get_or_insert_with(|| {
            let mut theirs = Box::<Theirs>::default();
            let both = &mut theirs.both;
            let (their_sent, their_other) = both.split(from);
            (*their_sent, *their_other) = (sent.with_zeros(), other.with_zeros());
            if let Some(side) = took_without_ack {
                let (taker, giver) = both.split(side);
                giver.unacked.acknowledge(taker.last_ack.unwrap_or(ZERO));
            }
            theirs
        });
        let (sent, other) = theirs.both.split(from);
        theirs.judged = Judged::default();
        judge(sent, other, segment, known, &mut theirs.judged);
        note_handshake_options(sent, other, segment);
    }

    /// Only the beginning of the numbers is taken from a segment that is not judged.
    pub(crate) fn begin(&mut self, from: Side, segment: &Segment) {
        if let Some(theirs) = &mut self.theirs {
            let (sent, other) = theirs.both.split(from);
            begin(sent, other, segment);
        }
    }

    /// See [`Remembered::on_same_syn`].
    pub(crate) fn on_same_syn(&mut self, from: Side) {
        if let Some(theirs) = &mut self.theirs {
            theirs.both[from].on_same_syn();
        }
    }

    /// How many segments in flight it remembers.
    pub(crate) fn unacked(&self) -> usize {
        self.theirs.as_ref().map_or(0, |theirs| theirs.both.iter().map(|theirs| theirs.unacked.len()).sum())
    }
}
