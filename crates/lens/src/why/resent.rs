//! What a sender sent again, to tell later which of it was needless (RFC 2883, RFC 3522) and what an acknowledgment can
//! answer.

use crate::{Frame, Segment};
use std::collections::VecDeque;
use wire::Seq;
use wire::tcp::SackBlock;

/// Retransmissions remembered: as many as a sender has on their way at once where a tenth of a large window is lost.
/// A D-SACK comes a round trip after the retransmission, when it has not been pushed out by so many others.
const REMEMBERED: usize = 128;

/// One transmission of what had been sent before.
#[derive(Clone, Copy, Debug)]
struct Sent {
    seq: Seq,
    end: Seq,
    frame: Frame,
    /// Its timestamp, until everything before its end is acknowledged.
    tsval: Option<u32>,
    /// It probed the tail: no recovery had begun by it.
    is_probe: bool,
    is_needless: bool,
    /// A D-SACK told of it.
    is_reported: bool,
}

impl Sent {
    /// `echo` is older than it.
    fn is_younger_than(&self, echo: u32) -> bool {
        self.tsval.is_some_and(|tsval| echo.wrapping_sub(tsval).cast_signed() < 0)
    }
}

/// A retransmission that turned out to be needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needless {
    pub(super) frame: Frame,
    pub(super) bytes: u32,
    /// It probed the tail.
    pub(super) is_probe: bool,
}

/// The latest retransmissions, in the order of sending.
#[derive(Clone, Debug, Default)]
pub(super) struct Resent {
    sent: VecDeque<Sent>,
    /// How many of them still have their timestamp: mostly none, and then an acknowledgment looks at nothing.
    stamped: usize,
}

impl Resent {
    /// A segment was sent again, to probe the tail or for another reason.
    pub(super) fn push(&mut self, segment: &Segment, is_probe: bool) {
        if self.sent.len() == REMEMBERED {
            self.pop();
        }
        let tsval = segment.options.timestamps.map(|stamps| stamps.value);
        self.stamped += usize::from(tsval.is_some());
        let (seq, end, frame) = (segment.seq, segment.end(), segment.frame);
        let (is_needless, is_reported) = (false, false);
        self.sent.push_back(Sent { seq, end, frame, tsval, is_probe, is_needless, is_reported });
    }

    fn pop(&mut self) {
        let oldest = self.sent.pop_front();
        self.stamped -= usize::from(oldest.is_some_and(|sent| sent.tsval.is_some()));
    }

    fn of(&self, frame: Frame) -> Option<&Sent> {
        let place = self.sent.binary_search_by_key(&frame, |sent| sent.frame).ok()?;
        self.sent.get(place)
    }

    /// Whether this frame is one of them.
    pub(super) fn has(&self, frame: Frame) -> bool {
        self.of(frame).is_some()
    }

    /// Whether an acknowledgment with this echo can answer the retransmission in `frame`: not if it echoes something
    /// older.
    pub(super) fn may_echo(&self, frame: Frame, echo: u32) -> bool {
        self.of(frame).is_none_or(|sent| !sent.is_younger_than(echo))
    }

    /// Whether an acknowledgment up to `ack` answers the retransmission in `frame`, and if so, whether the echo shows that
    /// it answers what was sent before.
    pub(super) fn is_answered_too_soon(&self, frame: Frame, ack: Seq, echo: u32) -> Option<bool> {
        let sent = self.of(frame).filter(|sent| sent.seq.before(ack))?;
        Some(sent.is_younger_than(echo))
    }

    /// `block` arrived twice: the retransmission that this shows to be needless.
    pub(super) fn on_duplicate(&mut self, block: &SackBlock) -> Option<Needless> {
        let is_of = |sent: &Sent| {
            !sent.is_reported && sent.seq.at_or_before(block.left) && sent.end.at_or_after(block.right)
        };
        // what is known already is told of once more, and shows no other
        let known = self.sent.iter_mut().find(|sent| sent.is_needless && is_of(sent));
        if let Some(known) = known {
            known.is_reported = true;
            return None;
        }
        let shown = self.mark(is_of)?;
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.frame == shown.frame) {
            sent.is_reported = true;
        }
        Some(shown)
    }

    /// What lies between `una` and `ack` is acknowledged by a segment with this echo: when that is older than the
    /// retransmission of what comes first, the original had arrived. Of what lies behind, the echo says nothing: an
    /// acknowledgment of several segments echoes the first (RFC 7323 §4.3).
    pub(super) fn on_progress(&mut self, una: Seq, ack: Seq, echo: Option<u32>) -> Option<Needless> {
        if self.stamped == 0 {
            return None;
        }
        let is_first = |sent: &Sent| sent.seq.at_or_before(una) && sent.end.after(una);
        let shown = echo.and_then(|echo| {
            self.mark(|sent| is_first(sent) && sent.end.at_or_before(ack) && sent.is_younger_than(echo))
        });
        let answered = self.sent.iter_mut().filter(|sent| sent.tsval.is_some() && sent.end.at_or_before(ack));
        for sent in answered {
            sent.tsval = None;
            self.stamped -= 1;
        }
        shown
    }

    /// The retransmission in `frame` is needless: its bytes were acknowledged before.
    pub(super) fn on_acknowledged(&mut self, frame: Frame) -> Option<Needless> {
        self.mark(|sent| sent.frame == frame)
    }

    /// The first that `shows` names, and that is not known to be needless yet.
    fn mark(&mut self, shows: impl Fn(&Sent) -> bool) -> Option<Needless> {
        let sent = self.sent.iter_mut().find(|sent| !sent.is_needless && shows(sent))?;
        sent.is_needless = true;
        Some(Needless { frame: sent.frame, bytes: sent.end.bytes_since(sent.seq), is_probe: sent.is_probe })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::tcp::Timestamps;

    fn resent(texts: &[(u32, u32)]) -> Resent {
        let mut resent = Resent::default();
        for (frame, (seq, stamp)) in texts.iter().enumerate() {
            let mut segment = Segment { frame: 1 + frame as Frame, ..Segment::default() };
            (segment.seq, segment.text_bytes) = (Seq::new(*seq), 100);
            segment.options.timestamps = Some(Timestamps { value: *stamp, echo: 0 });
            resent.push(&segment, false);
        }
        resent
    }

    #[test]
    fn an_echo_speaks_of_the_first_that_is_acknowledged() {
        // both arrive, and one acknowledgment of both echoes the first
        let mut both = resent(&[(1_000, 50), (1_100, 51)]);
        assert_eq!(both.on_progress(Seq::new(1_000), Seq::new(1_200), Some(50)), None);
        // the original of the first arrives
        let mut late = resent(&[(1_000, 50), (1_100, 51)]);
        let shown = late.on_progress(Seq::new(1_000), Seq::new(1_200), Some(20));
        assert_eq!(shown.map(|needless| needless.frame), Some(1));
    }

    #[test]
    fn what_is_known_to_be_needless_is_not_counted_again_by_its_d_sack() {
        let mut twice = resent(&[(1_000, 50), (1_000, 60)]);
        assert!(twice.on_acknowledged(2).is_some());
        let block = SackBlock { left: Seq::new(1_000), right: Seq::new(1_100) };
        assert_eq!(twice.on_duplicate(&block), None);
        // and another one is one more
        assert_eq!(twice.on_duplicate(&block).map(|needless| needless.frame), Some(1));
    }
}
