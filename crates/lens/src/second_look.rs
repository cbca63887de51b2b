//! Second looks: a cause that was told, and what came later shows another one.
//!
//! A lone tail that goes again after a silence was sent by the retransmission timer or as a probe, and both wait equally
//! long. The next silence tells them apart: behind a timeout it takes twice as long (RFC 6298 §5.5), behind a probe the
//! timer begins anew (RFC 8985 §7.3). So does what its sender does with other tails. Few causes are in question at a time,
//! and those are remembered here until something decides.
//!
//! What is *not* here: the first answer, which is `why`'s, and what shows that a retransmission was needless, which is
//! `why::Loss`'s; both are told as a [`Correction`].

#[cfg(test)]
mod tests;

use crate::why::RetransmissionCounts;
use crate::{Analysis, Confidence, Evidence, Frame, Notes, Side};
use tcp::SendReason;
use wire::Seq;

/// Causes of one direction that are in question at a time. More tails than these are rarely lost before one of them is
/// decided, and a capture that asks more often loses the oldest.
const QUESTIONS_MAX: usize = 4;

/// What a later segment shows of one that was told before.
///
/// [`crate::Sink::corrected`] takes it, behind the segment that shows it. A frame gets another cause at most once, and is
/// found to be needless at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Correction {
    /// The connection.
    pub stream: u32,
    /// The end that sent the frame.
    pub from: Side,
    /// The frame that was told before.
    pub frame: Frame,
    /// The frame that shows it.
    pub at_frame: Frame,
    /// What was told.
    pub was: SendReason,
    /// What is known now; the same as before where it only was needless.
    pub now: SendReason,
    /// How sure that is.
    pub confidence: Confidence,
    /// What it rests on.
    pub evidence: Evidence,
    /// For a timeout: the timeout that it implies, in nanoseconds.
    pub implied_rto_ns: Option<u64>,
    /// The retransmission was needless: the original had arrived (RFC 3522, RFC 2883).
    pub is_needless: bool,
}

impl Correction {
    /// The cause is another one.
    pub fn has_other_cause(&self) -> bool {
        self.was != self.now
    }

    /// Puts it into what was said of the frame.
    pub fn apply(&self, said: &mut Analysis) {
        if self.is_needless {
            said.notes |= Notes::NEEDLESS;
            said.seen_later.needless = self.at_frame;
        }
        if self.has_other_cause() {
            let why = &mut said.why;
            (why.reason, why.confidence) = (self.now, self.confidence);
            why.evidence |= self.evidence;
            why.candidates = [Some(self.was), None];
            why.implied_rto_ns = self.implied_rto_ns;
            said.seen_later.cause = self.at_frame;
        }
    }
}

/// The frames that showed more of a segment after it was told; 0 for none. They are set by [`Correction::apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SeenLater {
    /// Shows the cause that it has now.
    pub cause: Frame,
    /// Shows that it was needless.
    pub needless: Frame,
}

/// A lone tail that went again: by a timer, or as a probe?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoneTail {
    pub(crate) frame: Frame,
    pub(crate) seq: Seq,
    pub(crate) time_ns: u64,
    /// How long its sender had waited.
    pub(crate) waited_ns: u64,
    /// The retransmission timeout as far as it was known then.
    pub(crate) rto_ns: u64,
    pub(crate) told: SendReason,
}

impl LoneTail {
    /// Its sender waited as long as for the retransmission timer.
    fn fits_timeout(&self) -> bool {
        self.waited_ns + self.waited_ns / 4 >= self.rto_ns
    }

    /// What the next sending of the same text shows, `since_ns` later: whether this one was a probe.
    fn was_probe(&self, since_ns: u64) -> Option<bool> {
        match since_ns.saturating_mul(10) / self.waited_ns.max(1) {
            ..14 => Some(true),
            18..=21 if self.fits_timeout() => Some(false),
            _ => None,
        }
    }
}

/// A cause that is decided, until it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) frame: Frame,
    pub(crate) was: SendReason,
    pub(crate) now: SendReason,
    pub(crate) implied_rto_ns: Option<u64>,
    /// The same text, sent once more, shows it.
    pub(crate) is_same_text: bool,
}

impl Decided {
    /// How many more timeouts in a row there were before the segment that shows it.
    pub(crate) fn more_in_a_row(&self) -> i16 {
        let timeouts = |reason| i16::from(self.is_same_text && reason == SendReason::Timeout);
        timeouts(self.now) - timeouts(self.was)
    }
}

/// The causes of one direction that are in question, and those that were decided just now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SecondLook {
    tails: [Option<LoneTail>; QUESTIONS_MAX],
    /// Where the next one goes: the oldest.
    next: u8,
    decided: [Option<Decided>; QUESTIONS_MAX],
}

impl SecondLook {
    /// A lone tail went again, and what was told of it is in question.
    pub(crate) fn ask(&mut self, tail: LoneTail) {
        self.tails[usize::from(self.next)] = Some(tail);
        self.next = (self.next + 1) % QUESTIONS_MAX as u8;
    }

    /// The text at `seq` goes once more, with no answer in between: whether the one before was a probe, if that shows.
    pub(crate) fn on_again(&mut self, seq: Seq, now_ns: u64) -> Option<bool> {
        let latest = self.tails.iter_mut().filter(|tail| tail.is_some_and(|tail| tail.seq == seq));
        let place = latest.max_by_key(|tail| tail.map(|tail| tail.frame))?;
        let tail = place.take()?;
        let was_probe = tail.was_probe(now_ns.saturating_sub(tail.time_ns))?;
        self.decide(tail, was_probe, true);
        Some(was_probe)
    }

    /// Its sender is known to probe its tails, or not to: so it was with those that are in question.
    pub(crate) fn on_habit(&mut self, probes: bool) {
        for at in 0..QUESTIONS_MAX {
            let fits = |tail: &LoneTail| probes || tail.fits_timeout();
            if let Some(tail) = self.tails[at].take_if(|tail| fits(tail)) {
                self.decide(tail, probes, false);
            }
        }
    }

    fn decide(&mut self, tail: LoneTail, was_probe: bool, is_same_text: bool) {
        let now = if was_probe { SendReason::TailLossProbe } else { SendReason::Timeout };
        if now == tail.told {
            return;
        }
        let decided = Decided {
            frame: tail.frame,
            was: tail.told,
            now,
            implied_rto_ns: (!was_probe).then_some(tail.waited_ns),
            is_same_text,
        };
        // as many as tails, each of which is decided once
        if let Some(place) = self.decided.iter_mut().find(|place| place.is_none()) {
            *place = Some(decided);
        }
    }

    /// Something was decided, and not told yet.
    pub(crate) fn has_decided(&self) -> bool {
        self.decided.iter().any(Option::is_some)
    }

    /// What was decided, once.
    pub(crate) fn take_decided(&mut self) -> impl Iterator<Item = Decided> {
        std::mem::take(&mut self.decided).into_iter().flatten()
    }
}

impl RetransmissionCounts {
    /// One that was counted with one cause has another.
    pub(crate) fn recount(&mut self, was: SendReason, now: SendReason) {
        if let Some(count) = self.of_mut(was) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.of_mut(now) {
            *count = count.saturating_add(1);
        }
    }

    fn of_mut(&mut self, reason: SendReason) -> Option<&mut u32> {
        Some(match reason {
            SendReason::Timeout => &mut self.timeout,
            SendReason::FastRetransmit => &mut self.fast,
            SendReason::SackRecovery | SendReason::ReorderTimeout => &mut self.sack,
            SendReason::TailLossProbe => &mut self.probe,
            SendReason::PathMtu => &mut self.path_mtu,
            SendReason::AfterTimeout | SendReason::RecoveryRetransmit => &mut self.recovery,
            _ => return None,
        })
    }
}
