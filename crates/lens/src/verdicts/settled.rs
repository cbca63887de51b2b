//! The verdicts on a segment of the short route: there are none, and only the numbers move on.
//!
//! What is asked beforehand leaves the questions of `sequence.rs` no other answer than no; the one verdict that is left
//! is that of an acknowledgment which cuts a segment.

use super::sequence::{fills_window, judged_of, place_in_flight, span_in_flight};
use super::{Judged, Remembered, Verdicts};
use crate::Segment;

impl Remembered {
    /// The segment, an acknowledgment with text or without, is what its sender would send next in a connection in which
    /// nothing is missing, out of order or closed, and both ends' numbers are known: the judgement finds nothing to say of where it stands.
    #[inline(always)]
    pub(crate) fn goes_on_with(&self, other: &Remembered, segment: &Segment) -> bool {
        let (Some(last_ack), Some(heard), Some(other_next)) = (self.last_ack, other.last_ack, other.next_seq)
        else {
            return false;
        };
        let (seq, ack) = (Some(segment.seq), segment.ack);
        let is_in_place =
            self.next_seq == seq && self.acknowledgeable == seq && heard.at_or_before(segment.seq);
        let acknowledges =
            if segment.text_bytes > 0 { ack.at_or_after(last_ack) } else { ack.after(last_ack) };
        is_in_place
            && acknowledges
            && ack.at_or_before(other_next)
            && other.acknowledgeable == other.next_seq
            && other.window != 0
            && if segment.text_bytes > 0 { other.takes_text_of(segment) } else { other.base != Some(ack - 1) }
            && !self.differs_from(segment)
            && self.unacked.is_one_row()
            && other.unacked.is_one_row()
    }

    /// The end has room for more than this text, and has not asked for other text.
    #[inline(always)]
    fn takes_text_of(&self, segment: &Segment) -> bool {
        self.duplicate_acks == 0 && self.sack().is_empty() && !fills_window(self, segment)
    }

    /// Takes a segment with which this direction [goes on](Remembered::goes_on_with).
    #[inline(always)]
    pub(crate) fn go_on_with(&mut self, other: &mut Remembered, segment: &Segment) -> Judged {
        if self.last_ack != Some(segment.ack) {
            self.last_new_ack_frame = segment.frame;
            self.duplicate_acks = 0;
        }
        let now_ns = segment.time.as_nanos();
        if segment.text_bytes > 0 {
            let end = segment.seq + segment.text_bytes;
            place_in_flight(self, segment, end);
            self.advanced_without_text = false;
            (self.next_seq, self.acknowledgeable) = (Some(end), Some(end));
            (self.next_seq_time_ns, self.next_seq_frame) = (now_ns, segment.frame);
        }
        self.window = segment.window;
        (self.was_heard, self.window_is_of_syn) = (true, false);
        (self.last_ack, self.last_ack_time_ns) = (Some(segment.ack), now_ns);
        self.last_verdicts = Verdicts::NONE;
        self.set_sack(&segment.options.sack);
        let mut judged = Judged::default();
        judged_of(other.unacked.acknowledge(segment.ack), segment, &mut judged);
        if segment.text_bytes > 0 {
            judged.in_flight_bytes = span_in_flight(self, 0);
        }
        judged
    }
}
