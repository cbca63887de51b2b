//! What the findings ask of both halves, after everything is concluded.

use super::{Before, Live};
use crate::analysis::Analysis;
use crate::metrics::{Moved, Spoken};
use crate::{Segment, Side};
use tcp::SendReason;

impl Live {
    /// Takes a segment that was sent once.
    #[inline]
    pub(super) fn note_talk(&mut self, from: Side, segment: &Segment, analysis: &Analysis, before: &Before) {
        let (own, other) = self.halves.of(from);
        let reason = analysis.why.reason;
        let moved = Moved {
            spoken: Spoken { from, segment, own, other, marks: &self.marks, times: &self.times },
            prior: before,
            // a byte in flight that goes again is no keep-alive
            is_again: !segment.flags.syn()
                && (reason.is_retransmission()
                    || (reason == SendReason::KeepAlive && segment.text_bytes > 0)),
            usual_ttl: self.ttl[from.index()],
        };
        self.talk.take(&moved);
        if !segment.flags.rst() {
            self.ttl[from.index()] = segment.ttl;
        }
    }
}
