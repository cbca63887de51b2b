//! What is remembered of a sender's losses; made when it sends something again for the first time.

use super::lost_before::LostBefore;
use super::overtaken::Overtaken;
use super::resent::{Needless, Resent};
use crate::live::Before;
use crate::verdicts::{Delivery, reports_duplicate};
use crate::{Frame, Segment};
use tcp::SendReason;
use wire::Seq;
use wire::tcp::SackBlocks;

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
    /// All of them; `spurious` counts again what one of the others counts.
    pub fn total(&self) -> u32 {
        self.timeout + self.fast + self.sack + self.recovery + self.probe + self.path_mtu
    }
}

/// What an acknowledgment says of what was sent again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported<'a> {
    /// What had been acknowledged before.
    una: Seq,
    ack: Seq,
    /// SND.NXT of the sender.
    next: Seq,
    blocks: &'a SackBlocks,
    echo: Option<u32>,
    /// It acknowledges more than the one before.
    advances: bool,
    /// Its first block reports what arrived twice.
    is_duplicate: bool,
    /// It says what the one before it said.
    repeats_without_news: bool,
}

impl Reported<'_> {
    /// By an acknowledgment; `before` is what was known before it, `next` is SND.NXT of the sender.
    pub(crate) fn by<'a>(acknowledgment: &'a Segment, before: &Before, next: Option<Seq>) -> Reported<'a> {
        let advances = before.is_advanced_by(acknowledgment);
        let blocks = &acknowledgment.options.sack;
        Reported {
            una: before.last_ack.unwrap_or(acknowledgment.ack),
            ack: acknowledgment.ack,
            next: next.unwrap_or(acknowledgment.ack),
            blocks,
            echo: acknowledgment.options.timestamps.map(|stamps| stamps.echo),
            advances,
            is_duplicate: reports_duplicate(acknowledgment),
            repeats_without_news: !advances && acknowledgment.is_pure_ack() && blocks.is_empty(),
        }
    }
}

/// A sender's losses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loss {
    /// Recovery lasts until this is acknowledged, and how it began.
    recovery: Option<(Seq, Began)>,
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
    /// How long before a lone tail was sent again, as a probe it seems.
    probe_gap_ns: Option<u64>,
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

    /// What was sent before the timeout, and not again, has arrived: not all was lost, the timeout was early
    /// (RFC 5682 §2.1, step 3).
    pub(crate) fn on_delivery(&mut self, delivery: &Delivery) {
        let is_asked =
            self.recovery() == Some(Began::Timeout) && self.may_be_early && !self.overtaken.is_exact;
        if is_asked && delivery.fresh.is_some_and(|fresh| fresh.frame < self.timeout_frame) {
            self.undo();
        }
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

    /// A probe may go: what became of the last one is known.
    pub(crate) fn may_probe(&self) -> bool {
        self.probe_out.is_none()
    }

    /// The tail was sent again to probe it; `next` is SND.NXT.
    pub(crate) fn on_probe(&mut self, next: Seq) {
        self.probe_out = Some(next);
    }

    /// An acknowledgment repeats the one before it, or reports a duplicate: of a probe that was not needed.
    fn on_repeated(&mut self, ack: Seq) {
        self.probe_out = self.probe_out.filter(|end| ack.before(*end));
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

    /// A lone tail was sent again after so long; the next timeout tells whether that was a probe.
    pub(super) fn on_lone_tail(&mut self, gap_ns: u64) {
        self.probe_gap_ns = Some(gap_ns);
    }

    /// And again after so long: behind a timeout it takes twice as long, behind a probe no longer.
    pub(super) fn on_tail_again(&mut self, gap_ns: u64) {
        if let Some(first_ns) = self.probe_gap_ns.take() {
            match gap_ns * 10 / first_ns.max(1) {
                ..14 => self.on_probe_seen(true),
                19..=20 => self.on_probe_seen(false),
                _ => {}
            }
        }
    }

    /// A tail was probed, or was not though it should have been.
    pub(crate) fn on_probe_seen(&mut self, was_probed: bool) {
        self.probe_vote = Some(was_probed);
        let vote = if was_probed { 1 } else { -1 };
        self.probes_seen = (self.probes_seen + vote).clamp(-PROBE_VOTES_MAX, PROBE_VOTES_MAX);
    }

    /// Remembers a retransmission.
    pub(crate) fn push(&mut self, segment: &Segment, why: SendReason) {
        if let Some(slot) = self.first_frames.iter_mut().find(|slot| **slot == 0) {
            *slot = segment.frame;
        }
        self.retransmitted_bytes += u64::from(segment.text_bytes);
        let is_probe = why == SendReason::TailLossProbe;
        self.resent.push(segment, is_probe);
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

    /// Whether an acknowledgment with this echo can answer the retransmission in `frame`.
    pub(crate) fn may_echo(&self, frame: Frame, echo: u32) -> bool {
        self.resent.may_echo(frame, echo)
    }

    /// The reduction of this recovery was a mistake, and its sender knows.
    fn undo(&mut self) {
        (self.recovery, self.is_undone) = (None, true);
        self.overtaken.on_undone();
    }

    /// What an acknowledgment says of what was sent again: the frame of a retransmission that was needless.
    pub(crate) fn hear_of_mistakes(&mut self, reported: &Reported<'_>) -> Option<Frame> {
        let by_echo = if reported.advances { self.on_echo(reported) } else { None };
        let by_dsack = if reported.is_duplicate { self.on_dsack(reported) } else { None };
        if reported.is_duplicate || reported.repeats_without_news {
            self.on_repeated(reported.ack);
        }
        by_dsack.or(by_echo)
    }

    /// The first block of a D-SACK: the retransmission that it shows to be needless, if remembered.
    fn on_dsack(&mut self, reported: &Reported<'_>) -> Option<Frame> {
        let needless = self.resent.on_duplicate(reported.blocks.as_slice().first()?)?;
        if !needless.is_probe {
            if !self.is_undone {
                self.overtaken.on_needless(reported.ack, reported.next);
            }
            self.episode.1 = self.episode.1.saturating_add(1);
            if self.episode.1 >= self.episode.0 {
                self.undo();
                self.overtaken.on_reordering();
            }
        }
        Some(self.count(needless))
    }

    /// It echoes something: when that is older than the first retransmission of the recovery, which it answers, the whole
    /// recovery is a mistake (RFC 3522).
    fn on_echo(&mut self, reported: &Reported<'_>) -> Option<Frame> {
        let ack = reported.ack;
        if let (Some(first), Some(echo)) = (self.first_of_episode, reported.echo)
            && let Some(is_mistake) = self.resent.is_answered_too_soon(first, ack, echo)
        {
            self.first_of_episode = None;
            if is_mistake {
                self.overtaken.on_mistake(ack, reported.next);
                self.undo();
                self.overtaken.on_reordering();
            }
        }
        let needless = self.resent.on_progress(reported.una, ack, reported.echo)?;
        Some(self.count(needless))
    }

    /// `frame` itself is needless: its bytes were acknowledged before.
    pub(crate) fn mark_frame(&mut self, frame: Frame) {
        if let Some(needless) = self.resent.on_acknowledged(frame) {
            self.count(needless);
        }
    }

    fn count(&mut self, needless: Needless) -> Frame {
        if needless.is_probe {
            // the tail had arrived: what is measured from here on is no answer to the probe
            self.recovery = self.recovery.filter(|(_, began)| *began != Began::Probe);
        }
        self.counts.spurious += 1;
        self.needless_bytes += u64::from(needless.bytes);
        needless.frame
    }
}
