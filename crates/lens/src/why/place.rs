//! Where a segment stands in what its sender sends.

use crate::Segment;
use crate::live::Before;

/// Where the latest segment of a sender stood to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Place {
    #[default]
    Next,
    BeyondGap,
    InGap,
    Old,
}

impl Place {
    /// Where `segment` stands to what its sender had sent before.
    #[inline]
    pub(crate) fn of(segment: &Segment, before: &Before) -> Place {
        let Some(next) = before.next_seq else { return Place::Next };
        if segment.seq == next || segment.sequence_bytes() == 0 {
            Place::Next
        } else if segment.seq.after(next) {
            Place::BeyondGap
        } else if before.acknowledged.is_some_and(|una| segment.end().at_or_before(una)) {
            Place::Old
        } else {
            Place::InGap
        }
    }
}
