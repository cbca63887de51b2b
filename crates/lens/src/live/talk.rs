//! What the findings ask of both halves, after everything is concluded.

use super::{Before, Live};
use crate::analysis::Analysis;
use crate::metrics::Moved;
use crate::{Segment, Side};
use tcp::SendReason;

impl Live {
    /// Takes a segment that was sent once.
    pub(super) fn note_talk(&mut self, from: Side, segment: &Segment, analysis: &Analysis, before: &Before) {
        let (half, other) = self.halves.of(from);
        let reason = analysis.why.reason;
        let moved = Moved {
            from,
            segment,
            prior: before,
            // a byte in flight that goes again is no keep-alive
            is_again: !segment.flags.syn()
                && (reason.is_retransmission()
                    || (reason == SendReason::KeepAlive && segment.text_bytes > 0)),
            other_next: other.judged.next_seq,
            other_last_ack: other.judged.last_ack,
            client: self.marks.opener().unwrap_or(match segment.source.port() > segment.destination.port() {
                true => from,
                false => from.other(),
            }),
            other_has_text: other.traffic.text_segments > 0,
            usual_ttl: self.ttl[from.index()],
            edge: other.window_edge(),
            own_edge: half.window_edge(),
            is_closed: other.judged.is_closed() && !other.judged.window_is_of_syn,
            mss_bytes: self.marks.mss_known_bytes(),
            turn_ns: self.times.turn_ns(half, other),
        };
        self.talk.take(&moved);
        if !segment.flags.rst() {
            self.ttl[from.index()] = segment.ttl;
        }
    }
}
