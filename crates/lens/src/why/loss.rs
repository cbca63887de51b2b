//! What is remembered of a sender's losses; made when it sends something again for the first time.
//!
//! What is *not* here: by what something counts as lost (`overtaken.rs`), and what shows that a recovery was a mistake
//! (`loss/mistakes.rs`).

mod mistakes;

pub(crate) use mistakes::Reported;

use super::afar::Afar;
use super::lost_before::LostBefore;
use super::overtaken::Overtaken;
use super::resent::Resent;
use crate::second_look::{Decided, LoneTail, NewText, SecondLook};
use crate::{Frame, Segment};
use tcp::SendReason;
use wire::Seq;

/// Enough that one odd case does not decide, and few enough that it can be decided otherwise.
const PROBE_VOTES_MAX: i8 = 4;

/// How a recovery began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Began {
    /// By the retransmission timer.
    Timeout,
    /// By duplicate ACKs or SACK.
    Acks,
    /// By a tail-loss probe.
    Probe,
}

/// Counts of retransmissions by cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RetransmissionCounts {
    /// The retransmission timer ran out.
    pub timeout: u32,
    /// Three duplicate ACKs.
    pub fast: u32,
    /// SACK blocks showed the hole, at once or after the time for what is only late.
    pub sack: u32,
    /// The next hole of a recovery, or the rest after a timeout.
    pub recovery: u32,
    /// Tail-loss probes.
    pub probe: u32,
    /// Text of a probe that was too big for the path, in smaller segments: no sign of congestion.
    pub path_mtu: u32,
    /// Of all these: needless, as D-SACK, timestamps or earlier acknowledgments show, or both copies at the receiver.
    pub spurious: u32,
}

impl RetransmissionCounts {
    /// What counted as `first` is `told`; the first need not be a retransmission at all.
    pub(super) fn revise(&mut self, first: SendReason, told: SendReason) {
        if first == told {
            return;
        }
        if let Some(count) = self.of(first) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.of(told) {
            *count += 1;
        }
    }

    /// Where this cause is counted.
    fn of(&mut self, reason: SendReason) -> Option<&mut u32> {
        Some(match reason {
            SendReason::Timeout => &mut self.timeout,
            SendReason::FastRetransmit => &mut self.fast,
            SendReason::SackRecovery | SendReason::ReorderTimeout => &mut self.sack,
            SendReason::TailLossProbe => &mut self.probe,
            SendReason::PathMtu => &mut self.path_mtu,
            SendReason::RecoveryRetransmit | SendReason::AfterTimeout => &mut self.recovery,
            _ => return None,
        })
    }

    /// All of them; `spurious` counts again what one of the others counts.
    pub fn total(&self) -> u32 {
        self.timeout + self.fast + self.sack + self.recovery + self.probe + self.path_mtu
    }
}

/// A sender's losses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loss {
    /// Recovery lasts until this is acknowledged, and how it began.
    recovery: Option<(Seq, Began)>,
    /// What the sender knows, followed where its receiver is; made when something is missing there.
    pub(crate) afar: Option<Box<Afar>>,
    /// What SACK shows to be lost.
    pub(crate) overtaken: Overtaken,
    /// Retransmissions of this recovery, and how many of them were needless.
    episode: (u16, u16),
    /// The frame of its first retransmission, until that is answered: an echo of something older says that the
    /// whole recovery is a mistake (RFC 3522).
    first_of_episode: Option<Frame>,
    /// It was taken back.
    is_undone: bool,
    /// Timeouts since the last progress.
    pub(crate) timeouts_in_a_row: u8,
    /// The most timeouts without progress, and the last of their frames.
    pub(crate) timeouts_in_a_row_max: u8,
    /// The frame of the last timeout.
    timeout_frame: Frame,
    /// That timeout is asked whether it was early.
    may_be_early: bool,
    /// SND.NXT when a probe sent the tail again, until an acknowledgment tells what became of it: none other goes
    /// before (RFC 8985 §7.4.2).
    probe_out: Option<Seq>,
    /// Text up to here was sent before in packets too big for the path, which were lost before they were captured.
    too_big_until: Option<Seq>,
    /// Whether the sender probes its tails: above zero it was seen to, below zero it was seen not to.
    pub(crate) probes_seen: i8,
    /// What was seen of it last, for its host.
    probe_vote: Option<bool>,
    /// Nothing but a timer can have sent its latest retransmission, for its host.
    timer_seen: bool,
    /// Causes that are in question; made by the first.
    second_look: Option<Box<SecondLook>>,
    pub(crate) counts: RetransmissionCounts,
    pub(crate) retransmitted_bytes: u64,
    /// The text of those that were needless.
    pub(crate) needless_bytes: u64,
    pub(crate) first_frames: [Frame; 4],
    resent: Resent,
}

impl Loss {
    pub(crate) fn recovery(&self) -> Option<Began> {
        self.recovery.map(|(_, began)| began)
    }

    pub(crate) fn begin(&mut self, until: Seq, began: Began) {
        if began == Began::Timeout {
            // only a timeout out of nothing, or one after another, is asked whether it was early (RFC 5682 §2.1)
            self.may_be_early = self.recovery().is_none_or(|before| before != Began::Acks);
        }
        // a probe alone reduces nothing: what is undone later begins behind it
        if self.recovery().is_none_or(|before| before == Began::Probe) {
            self.episode = (0, 0);
            (self.first_of_episode, self.is_undone) = (None, false);
        }
        self.recovery = Some((until, began));
    }

    /// Something lost is being sent again, and will be when everything before `ack` is acknowledged. A probe alone
    /// says nothing of loss.
    pub(crate) fn is_recovering_beyond(&self, ack: Seq) -> bool {
        self.recovery.is_some_and(|(until, began)| began != Began::Probe && ack.before(until))
    }

    /// Text up to here was sent before in packets too big for the path, which were lost before they were captured.
    pub(super) fn was_too_big_until(&self) -> Option<Seq> {
        self.too_big_until
    }

    /// What was sent before goes again, and is captured for the first time.
    pub(super) fn on_lost_before(&mut self, lost: &LostBefore, segment: &Segment) {
        match lost.why.reason {
            SendReason::PathMtu => {
                self.counts.path_mtu += 1;
                self.too_big_until = Some(lost.until);
            }
            SendReason::TailLossProbe => {
                self.counts.probe += 1;
                self.on_probe(segment.end());
                self.begin(lost.until, Began::Probe);
            }
            _ => {
                self.counts.timeout += 1;
                self.on_timeout(segment.frame);
                self.begin(lost.until, Began::Timeout);
            }
        }
        self.push(segment, lost.why.reason);
    }

    /// Acknowledgments say more than how far they go: SACK blocks were seen, or something was sent again.
    pub(crate) fn is_watching(&self) -> bool {
        self.overtaken.is_watching()
    }

    /// Nothing of it is going on, and new text that continues the stream changes nothing but what its sender has heard
    /// of, far from here.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        let asks_nothing = self.second_look.as_ref().is_none_or(|second_look| !second_look.is_watching());
        self.recovery.is_none()
            && self.too_big_until.is_none()
            && asks_nothing
            && self.afar.as_ref().is_none_or(|afar| afar.hides_nothing())
    }

    /// A probe may go: what became of the last one is known.
    pub(crate) fn may_probe(&self) -> bool {
        self.probe_out.is_none()
    }

    /// The tail was sent again to probe it; `next` is SND.NXT.
    pub(crate) fn on_probe(&mut self, next: Seq) {
        self.probe_out = Some(next);
    }

    pub(crate) fn on_progress(&mut self, ack: Seq) {
        self.timeouts_in_a_row = 0;
        self.overtaken.on_progress(ack);
        self.probe_out = self.probe_out.filter(|end| !ack.after(*end));
        if let Some((_, began)) = self.recovery.filter(|(until, _)| ack.at_or_after(*until)) {
            self.recovery = None;
            if began != Began::Probe {
                self.overtaken.on_recovered();
            }
        }
    }

    pub(crate) fn on_timeout(&mut self, frame: Frame) {
        (self.probe_out, self.timeout_frame) = (None, frame);
        self.timeouts_in_a_row = self.timeouts_in_a_row.saturating_add(1);
        self.timeouts_in_a_row_max = self.timeouts_in_a_row_max.max(self.timeouts_in_a_row);
    }

    /// What was seen of its probes since this was asked.
    pub(crate) fn take_probe_vote(&mut self) -> Option<bool> {
        self.probe_vote.take()
    }

    /// Nothing but a timer can have sent this.
    pub(super) fn on_timer_seen(&mut self) {
        self.timer_seen = true;
    }

    /// Whether that was seen since this was asked.
    pub(crate) fn take_timer_seen(&mut self) -> bool {
        std::mem::take(&mut self.timer_seen)
    }

    /// A lone tail was sent again: what comes later tells whether that was a probe.
    pub(super) fn on_lone_tail(&mut self, tail: LoneTail) {
        self.second_look.get_or_insert_default().ask(tail);
    }

    /// The text at `seq` goes again: what that shows of the sending before it.
    pub(super) fn on_again(&mut self, seq: Seq, now_ns: u64) {
        let Some(second_look) = &mut self.second_look else { return };
        if let Some(was_probe) = second_look.on_again(seq, now_ns) {
            self.on_probe_seen(was_probe);
        }
    }

    /// Something new goes: what that shows of the tail that went again before.
    #[inline]
    pub(super) fn on_new_text(&mut self, text: impl FnOnce() -> NewText) {
        if let Some(second_look) = &mut self.second_look
            && second_look.is_watching()
        {
            let text = text();
            match second_look.on_new_text(&text) {
                Some(was_probe) if text.is_near => self.on_probe_seen(was_probe),
                Some(was_probe) => self.vote(was_probe),
                None => {}
            }
        }
    }

    /// A tail was probed, it seems, or was not.
    fn vote(&mut self, was_probed: bool) {
        self.probe_vote = Some(was_probed);
        let vote = if was_probed { 1 } else { -1 };
        self.probes_seen = (self.probes_seen + vote).clamp(-PROBE_VOTES_MAX, PROBE_VOTES_MAX);
    }

    /// A tail was probed, or was not though it should have been: what is told next follows, and what is in question.
    pub(crate) fn on_probe_seen(&mut self, was_probed: bool) {
        self.vote(was_probed);
        if let Some(second_look) = &mut self.second_look
            && (self.probes_seen > 0) == was_probed
        {
            second_look.on_habit(was_probed);
        }
    }

    /// The retransmission in `frame` is told with another cause than the `first` one.
    pub(super) fn on_revised(&mut self, frame: Frame, first: SendReason, told: SendReason) {
        self.counts.revise(first, told);
        if first != told {
            self.resent.correct(frame, told);
            if let Some(second_look) = &mut self.second_look {
                second_look.on_revised(frame, told);
            }
        }
    }

    /// Something that was told is decided anew, and was not taken yet.
    pub(crate) fn has_decided(&self) -> bool {
        self.second_look.as_ref().is_some_and(|second_look| second_look.has_decided())
    }

    /// What was decided anew, once; the counts follow.
    pub(crate) fn take_decided(&mut self) -> impl Iterator<Item = Decided> {
        let decided = self.second_look.as_mut().map(|second_look| second_look.take_decided());
        let (counts, resent) = (&mut self.counts, &mut self.resent);
        let (row, row_max) = (&mut self.timeouts_in_a_row, &mut self.timeouts_in_a_row_max);
        decided.into_iter().flatten().inspect(|decided| {
            counts.revise(decided.was, decided.now);
            let more = decided.more_in_a_row();
            // fewer than were counted leave the longest row as it is, unless this is the longest
            let is_longest = *row == *row_max;
            *row = (i16::from(*row) + more).clamp(0, i16::from(u8::MAX)) as u8;
            *row_max = if is_longest { *row } else { (*row_max).max(*row) };
            resent.correct(decided.frame, decided.now);
        })
    }

    /// Remembers a retransmission.
    pub(crate) fn push(&mut self, segment: &Segment, why: SendReason) {
        if let Some(slot) = self.first_frames.iter_mut().find(|slot| **slot == 0) {
            *slot = segment.frame;
        }
        self.retransmitted_bytes += u64::from(segment.text_bytes);
        let is_probe = why == SendReason::TailLossProbe;
        self.resent.push(segment, why);
        if is_probe {
            return;
        }
        if self.episode == (0, 0) {
            self.first_of_episode = Some(segment.frame);
        }
        self.episode.0 = self.episode.0.saturating_add(1);
    }

    /// Whether this frame is one of the latest retransmissions.
    pub(crate) fn has_resent_in(&self, frame: Frame) -> bool {
        self.resent.has(frame)
    }

    /// Why the retransmission in `frame` was sent, if it is one of the latest.
    pub(crate) fn reason_of(&self, frame: Frame) -> Option<SendReason> {
        self.resent.reason_of(frame)
    }

    /// Whether this frame is a retransmission since the last timeout.
    pub(crate) fn has_resent_since_timeout(&self, frame: Frame) -> bool {
        frame >= self.timeout_frame && self.resent.has(frame)
    }

    /// Whether an acknowledgment with this echo can answer the retransmission in `frame`.
    pub(crate) fn may_echo(&self, frame: Frame, echo: u32) -> bool {
        self.resent.may_echo(frame, echo)
    }
}
