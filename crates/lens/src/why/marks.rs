//! What counts as lost of what was sent, and by what, in the order of sending: so a few marks say it of everything.

use crate::Frame;
use std::collections::VecDeque;
use tcp::SendReason;

/// Marks that are remembered. A new one is made when what shows the loss changes, and what they say is used within
/// a round trip or two.
const MARKS: usize = 64;

/// When a segment was sent last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sending {
    pub(crate) time_ns: u64,
    pub(crate) frame: Frame,
}

/// By what something counts as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// An acknowledgment.
    Ack,
    /// The timer for what may only be late.
    ReorderTimer,
    /// The retransmission timer, which ran out for something before it.
    Timeout,
}

impl Shown {
    pub(crate) fn reason(self) -> SendReason {
        match self {
            Shown::Ack => SendReason::SackRecovery,
            Shown::ReorderTimer => SendReason::ReorderTimeout,
            Shown::Timeout => SendReason::AfterTimeout,
        }
    }
}

/// What was sent at or before a time, in a frame before this one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overdue {
    until_ns: u64,
    before: Frame,
}

impl Overdue {
    #[inline]
    pub(crate) const fn new(until_ns: u64, before: Frame) -> Overdue {
        Overdue { until_ns, before }
    }

    #[inline]
    pub(crate) fn covers(&self, sending: Sending) -> bool {
        sending.time_ns <= self.until_ns && sending.frame < self.before
    }
}

/// What was sent at or before a time, in a frame before this one, counts as lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) until_ns: u64,
    pub(super) before: Frame,
    pub(super) shown: Shown,
    /// An acknowledgment and the timer came so close to each other that it could be either.
    pub(super) is_close: bool,
}

impl Mark {
    fn covers(&self, sending: Sending) -> bool {
        Overdue::new(self.until_ns, self.before).covers(sending)
    }
}

/// In the order in which they were made; each covers what those before it do.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(VecDeque<Mark>);

impl Marks {
    /// Something more counts as lost.
    pub(super) fn push(&mut self, mut mark: Mark) {
        if let Some(last) = self.0.back_mut() {
            if mark.until_ns <= last.until_ns && mark.before <= last.before {
                return;
            }
            mark.until_ns = mark.until_ns.max(last.until_ns);
            mark.before = mark.before.max(last.before);
            if last.shown == mark.shown && last.is_close == mark.is_close {
                *last = mark;
                return;
            }
        }
        if self.0.len() == MARKS {
            self.0.pop_front();
        }
        self.0.push_back(mark);
    }

    /// What showed first that this sending is lost.
    pub(super) fn first_over(&self, sending: Sending) -> Option<&Mark> {
        self.0.get(self.0.partition_point(|mark| !mark.covers(sending)))
    }

    /// All that counts as lost: the last mark covers what the others do.
    pub(super) fn overdue(&self) -> Option<Overdue> {
        self.0.back().map(|mark| Overdue::new(mark.until_ns, mark.before))
    }

    /// Nothing counts as lost.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The sender has no timer for what may only be late.
    pub(super) fn forget_reorder_timer(&mut self) {
        self.0.retain(|mark| mark.shown != Shown::ReorderTimer);
    }

    /// What that timer seemed to show of this sending an acknowledgment did that came just then.
    pub(super) fn blame_acknowledgment(&mut self, sending: Sending) {
        let seeming = self.0.iter_mut().filter(|mark| mark.covers(sending));
        for mark in seeming.filter(|mark| mark.shown == Shown::ReorderTimer) {
            (mark.shown, mark.is_close) = (Shown::Ack, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(until_ns: u64, before: Frame, shown: Shown) -> Mark {
        Mark { until_ns, before, shown, is_close: false }
    }

    fn sent(time_ns: u64, frame: Frame) -> Sending {
        Sending { time_ns, frame }
    }

    #[test]
    fn the_first_mark_over_a_sending_says_what_showed_its_loss() {
        let mut marks = Marks::default();
        marks.push(mark(100, 10, Shown::Ack));
        marks.push(mark(200, 20, Shown::ReorderTimer));
        marks.push(mark(150, 12, Shown::Timeout));
        let shown = |marks: &Marks, sending| marks.first_over(sending).map(|mark| mark.shown);
        assert_eq!(shown(&marks, sent(90, 5)), Some(Shown::Ack));
        assert_eq!(shown(&marks, sent(90, 15)), Some(Shown::ReorderTimer), "in a later frame");
        assert_eq!(
            shown(&marks, sent(140, 11)),
            Some(Shown::ReorderTimer),
            "what is known is not shown again"
        );
        assert_eq!(shown(&marks, sent(201, 11)), None);
        assert!(marks.overdue().is_some_and(|all| all.covers(sent(200, 19)) && !all.covers(sent(200, 20))));
        marks.blame_acknowledgment(sent(140, 11));
        assert_eq!(shown(&marks, sent(140, 11)), Some(Shown::Ack));
    }

    #[test]
    fn the_marks_are_bounded() {
        let mut marks = Marks::default();
        for n in 0..1_000 {
            marks.push(mark(n, n as Frame, if n % 2 == 0 { Shown::Ack } else { Shown::Timeout }));
        }
        assert_eq!(marks.0.len(), MARKS);
    }
}
