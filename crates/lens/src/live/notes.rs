//! What is remarkable about a segment beyond the verdicts: by its header, its windows, the states and its copies.

use super::{Before, Half, Live};
use crate::ends::Observed;
use crate::limits::{UNSCALED_BYTES_MAX, WINDOW_BYTES_MAX, WINDOW_LOSS_BYTES};
use crate::why::Twice;
use crate::{Frame, Notes, Segment, Whole};
use wire::Seq;

/// No window scale is larger (RFC 7323 §2.3).
const SCALE_MAX: u8 = 14;

impl Live {
    /// Remarks that the header alone gives, beside the handshake and the clock.
    #[inline]
    pub(super) fn notes_of_header(&self, segment: &Segment, before: &Before) -> Notes {
        let (flags, options) = (segment.flags, &segment.options);
        let is_plain = segment.time.as_nanos() >= before.previous_ns
            && segment.ecn != 3
            && flags.ack()
            && segment.urgent == 0
            && segment.whole == Whole::Yes
            && segment.repeats == 0
            && segment.text_bytes <= before.mss_bytes;
        if is_plain && !flags.syn() && options.mss.is_none() {
            return Notes::NONE; // nearly always
        }
        let mut notes = Notes::NONE;
        notes.set(Notes::RECORD_REORDERED, segment.time.as_nanos() < before.previous_ns);
        notes.set(Notes::ECN_CONGESTION, segment.ecn == 3);
        notes.set(Notes::ACK_FIELD_WITHOUT_ACK, !flags.ack() && segment.ack != Seq::new(0));
        notes.set(Notes::URGENT_WITHOUT_URG, !flags.urg() && segment.urgent != 0);
        notes.set(Notes::OPTIONS_CUT, segment.whole == Whole::OptionsCut);
        notes.set(Notes::LINK_RETRY, segment.repeats != 0);
        if flags.syn() {
            notes.set(Notes::SYN_WITHOUT_MSS, options.mss.is_none() && segment.whole == Whole::Yes);
            notes.set(Notes::SCALE_TOO_LARGE, options.window_scale.is_some_and(|shift| shift > SCALE_MAX));
        } else {
            notes.set(Notes::MSS_WITHOUT_SYN, options.mss.is_some());
        }
        notes.set(Notes::SUPER_SEGMENT, segment.text_bytes > before.mss_bytes);
        notes
    }
}

impl Half {
    /// Promises taken back, and SACK blocks of what cannot be. `edge` is where the window ended before the segment.
    #[inline]
    pub(super) fn notes_of_windows(&self, other: &Half, segment: &Segment, edge: Option<Seq>) -> Notes {
        let mut notes = Notes::NONE;
        if let (Some(edge), Some(now)) = (edge, self.window_edge())
            && !segment.flags.rst()
        {
            // rounding to the scale may lose less than one unit
            let unit_bytes = (1 << self.judged.scale.shift()).max(WINDOW_LOSS_BYTES);
            let shrank = (now + unit_bytes).before(edge) && edge.bytes_since(now) < WINDOW_BYTES_MAX;
            // what was overtaken on the way says what held before
            let is_old = shrank && self.sender.has_said_later(segment);
            notes.set(Notes::WINDOW_SHRANK, shrank && !is_old);
        }
        if let Some(next) = other.judged.next_seq
            && !segment.options.sack.is_empty()
        {
            let most = self.traffic.window_bytes_max.max(UNSCALED_BYTES_MAX);
            let impossible = segment
                .options
                .sack
                .as_slice()
                .iter()
                .any(|block| block.right.at_or_before(block.left) || block.right.after(next + most));
            notes.set(Notes::SACK_OF_UNSENT, impossible);
        }
        notes
    }
}

/// What the states show.
pub(super) fn of_states(observed: &Observed) -> Notes {
    let mut notes = Notes::NONE;
    notes.set(Notes::CROSSED, observed.crossed);
    notes.set(Notes::TEXT_AFTER_FIN, observed.text_after_fin);
    notes.set(Notes::SYN_IN_SYNCHRONIZED, observed.syn_in_synchronized);
    notes.set(Notes::NO_ROW, observed.no_row);
    notes.set(Notes::UNACCEPTABLE_ACK, observed.unacceptable_ack);
    notes.set(Notes::REFUSED, observed.refused);
    notes.set(Notes::RESET_IGNORED, observed.reset_ignored);
    notes
}

/// The same packet again, and the retransmission that it shows to be needless.
pub(super) fn of_repetition(twice: Option<Twice>, shows: Option<Frame>) -> Notes {
    let mut notes = Notes::NONE;
    notes.set(Notes::CAPTURED_TWICE, twice.is_some_and(|twice| !twice.by_link));
    notes.set(Notes::ACROSS_ROUTER, twice.is_some_and(|twice| twice.across_router));
    notes.set(Notes::SHOWS_SPURIOUS, shows.is_some());
    notes
}
