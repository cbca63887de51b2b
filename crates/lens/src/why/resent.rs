//! What a sender sent again, to tell later which of it was needless (RFC 2883, RFC 3522) and what an acknowledgment can
//! answer.

use crate::{Frame, Segment};
use std::collections::VecDeque;
use tcp::SendReason;
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
    time_ns: u64,
    /// Why, as far as it is known by now. A probe of the tail begins no recovery.
    reason: SendReason,
    /// Its timestamp, until everything before its end is acknowledged.
    tsval: Option<u32>,
    needless: Known,
}

/// Whether a retransmission is known to be needless, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    No,
    /// By an echo, or because it had been acknowledged: a D-SACK may follow, which says nothing new.
    Yes,
    ByDsack,
}

impl Sent {
    fn as_needless(&self) -> Needless {
        let is_probe = self.reason == SendReason::TailLossProbe;
        Needless { frame: self.frame, bytes: self.end.bytes_since(self.seq), is_probe }
    }

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
    /// A segment was sent again.
    pub(super) fn push(&mut self, segment: &Segment, reason: SendReason) {
        if self.sent.len() == REMEMBERED {
            self.pop();
        }
        let tsval = segment.options.timestamps.map(|stamps| stamps.value);
        self.stamped += usize::from(tsval.is_some());
        let (seq, end, frame) = (segment.seq, segment.end(), segment.frame);
        let time_ns = segment.time.as_nanos();
        self.sent.push_back(Sent { seq, end, frame, time_ns, reason, tsval, needless: Known::No });
    }

    fn pop(&mut self) {
        let oldest = self.sent.pop_front();
        self.stamped -= usize::from(oldest.is_some_and(|sent| sent.tsval.is_some()));
    }

    fn of(&self, frame: Frame) -> Option<&Sent> {
        let place = self.sent.binary_search_by_key(&frame, |sent| sent.frame).ok()?;
        self.sent.get(place)
    }

    /// Why the retransmission in `frame` was sent, if it is one of them.
    pub(super) fn reason_of(&self, frame: Frame) -> Option<SendReason> {
        self.of(frame).map(|sent| sent.reason)
    }

    /// The one in `frame` was sent for another reason.
    pub(super) fn correct(&mut self, frame: Frame, reason: SendReason) {
        if let Ok(place) = self.sent.binary_search_by_key(&frame, |sent| sent.frame) {
            self.sent[place].reason = reason;
        }
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

    /// `block` arrived twice: the retransmission that this shows to be needless. Of several it is the one that arrived last:
    /// the latest that was sent before `sent_before_ns`, for there was time enough to answer it, or the latest of all.
    pub(super) fn on_duplicate(&mut self, block: &SackBlock, sent_before_ns: u64) -> Option<Needless> {
        let holds = |sent: &Sent| sent.seq.at_or_before(block.left) && sent.end.at_or_after(block.right);
        let open = self.sent.iter_mut().filter(|sent| sent.needless != Known::ByDsack && holds(sent));
        let latest = open.max_by_key(|sent| (sent.time_ns <= sent_before_ns, sent.time_ns))?;
        match std::mem::replace(&mut latest.needless, Known::ByDsack) {
            Known::No => Some(latest.as_needless()),
            Known::Yes | Known::ByDsack => None,
        }
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
        let sent = self.sent.iter_mut().find(|sent| sent.needless == Known::No && shows(sent))?;
        sent.needless = Known::Yes;
        Some(sent.as_needless())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::tcp::{Options, Timestamps};

    fn segment(frame: Frame, seq: u32, tsval: u32) -> Segment {
        let timestamps = Some(Timestamps { value: tsval, echo: 0 });
        let options = Options { timestamps, ..Options::default() };
        Segment { frame, seq: Seq::new(seq), text_bytes: 100, options, ..Segment::default() }
    }

    #[test]
    fn an_older_echo_shows_that_the_original_had_arrived_once_until_it_is_acknowledged() {
        let mut resent = Resent::default();
        resent.push(&segment(7, 0, 50), SendReason::Timeout);
        resent.push(&segment(8, 100, 60), SendReason::TailLossProbe);
        assert!(resent.may_echo(7, 50) && !resent.may_echo(7, 49), "an answer is not older");
        let at = Seq::new;
        assert_eq!(resent.is_answered_too_soon(7, at(0), 49), None, "not answered yet");
        assert_eq!(resent.is_answered_too_soon(7, at(100), 49), Some(true));
        let needless = resent.on_progress(at(100), at(200), Some(55)).expect("the probe was");
        assert_eq!((needless.frame, needless.bytes, needless.is_probe), (8, 100, true));
        assert_eq!(resent.on_progress(at(0), at(200), Some(1)), None, "both were answered");
        assert!(resent.may_echo(7, 1), "nothing is known of it any more");
        let block = SackBlock { left: at(0), right: at(100) };
        assert_eq!(resent.on_duplicate(&block, u64::MAX).map(|needless| needless.frame), Some(7));
        assert_eq!(resent.on_duplicate(&block, u64::MAX), None, "it is told once");
    }

    #[test]
    fn they_are_bounded() {
        let mut resent = Resent::default();
        for frame in 1..1_000 {
            resent.push(&segment(frame, 100 * frame, frame), SendReason::Timeout);
        }
        assert_eq!((resent.sent.len(), resent.stamped), (REMEMBERED, REMEMBERED));
        assert!(resent.has(999) && !resent.has(1));
        assert_eq!(resent.on_progress(Seq::new(0), Seq::new(200_000), None), None);
        assert_eq!(resent.stamped, 0);
    }

    fn resent(texts: &[(u32, u32)]) -> Resent {
        let mut resent = Resent::default();
        for (frame, (seq, tsval)) in (1..).zip(texts) {
            resent.push(&segment(frame, *seq, *tsval), SendReason::Timeout);
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
        assert_eq!(twice.on_duplicate(&block, u64::MAX), None);
        // and another one is one more
        assert_eq!(twice.on_duplicate(&block, u64::MAX).map(|needless| needless.frame), Some(1));
    }
}
