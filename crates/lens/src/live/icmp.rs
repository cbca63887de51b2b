//! What a connection learns from an ICMP error about one of its segments.

use super::Live;
use crate::icmp::{IcmpEvent, IcmpHeard};
use crate::{Segment, Side};

impl Live {
    /// An ICMP error quotes a segment that `about` has sent.
    ///
    /// Its sender is told, too: what was in flight and too big for the path goes again in smaller packets, for the
    /// path's sake and not because a timer ran out (RFC 1191 §6.5, RFC 8201 §5.4).
    pub(super) fn on_icmp(&mut self, about: Side, segment: &Segment) {
        let heard = self.marks.icmp();
        let Some(error) = segment.icmp else {
            heard.count = heard.count.saturating_add(1);
            return;
        };
        heard.hear(IcmpEvent::of(segment, error, about));
        if error.is_too_big() {
            let half = &mut self.halves[about];
            half.sender
                .sizes
                .on_too_big(segment.frame, half.judged.next_seq.unwrap_or_else(|| segment.end()));
        }
    }

    /// The error that ended the attempt to open: it says that a SYN cannot be delivered, the end that sent it sent
    /// nothing after, and nobody answered (RFC 1122 §4.2.3.9; stacks take soft errors for hard ones as long as the
    /// connection is not open, RFC 5461 §2.3).
    pub(crate) fn ended_by_icmp(&self) -> Option<IcmpEvent> {
        let heard: &IcmpHeard = self.marks.rare.as_ref()?.icmp.as_ref()?;
        let event = heard.kept.iter().rev().find(|event| event.error.is_unreachable())?;
        let is_open = self.marks.syn_ack.iter().any(Option::is_some);
        let opened = self.marks.syn[event.about.index()].is_some();
        let went_on = self.last_frame > event.frame;
        (opened && !is_open && !went_on && event.quotes_syn != Some(false)).then_some(*event)
    }
}
