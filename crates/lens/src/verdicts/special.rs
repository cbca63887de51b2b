//! Verdicts that options and the handshake give: Fast Open, D-SACK, window scaling.

use super::{Remembered, Scale, Verdicts};
use crate::{Segment, Whole};

/// Fast Open (RFC 7413) and D-SACK (RFC 2883) verdicts of `segment`; call it before it is judged. `fast_open_asked`
/// remembers that a SYN had both a cookie and text, whatever the SYN that is sent again has.
pub(crate) fn special_verdicts(
    other: &Remembered,
    segment: &Segment,
    fast_open_asked: &mut bool,
) -> Verdicts {
    let mut verdicts = Verdicts::NONE;
    if segment.flags.syn() {
        if !segment.flags.ack() {
            if segment.options.fast_open.is_some_and(|cookie| !cookie.as_slice().is_empty()) {
                verdicts |= Verdicts::TFO_SYN;
                *fast_open_asked |= segment.text_bytes > 0;
            }
        } else if other.base.is_some_and(|base| segment.ack.bytes_since(base) > 1) {
            verdicts |= Verdicts::TFO_ACK;
        } else if *fast_open_asked {
            verdicts |= Verdicts::TFO_IGNORED;
        }
    }
    if reports_duplicate(segment) {
        verdicts |= Verdicts::DSACK;
    }
    verdicts
}

/// Its first SACK block reports what arrived twice (RFC 2883 §4).
pub(crate) fn reports_duplicate(segment: &Segment) -> bool {
    let blocks = segment.options.sack.as_slice();
    blocks.first().is_some_and(|first| {
        let inside_second = blocks.get(1).is_some_and(|second| {
            first.left.at_or_after(second.left) && first.right.at_or_before(second.right)
        });
        first.right.at_or_before(segment.ack) || inside_second
    })
}

/// Learns the window scales from a SYN (RFC 7323 §2.2); call it after the segment is judged.
#[inline]
pub(crate) fn note_handshake_options(sent: &mut Remembered, other: &mut Remembered, segment: &Segment) {
    if !segment.flags.syn() {
        return;
    }
    if let Some(shift) = segment.options.window_scale {
        sent.scale = Scale::announced(shift);
    }
    if segment.whole == Whole::OptionsCut {
        return; // what is absent may have been cut off
    }
    if sent.scale == Scale::Unknown {
        sent.scale = Scale::NotUsed;
        other.scale = Scale::NotUsed;
    } else if segment.flags.ack() && other.scale == Scale::NotUsed {
        sent.scale = Scale::NotUsed;
    }
}
