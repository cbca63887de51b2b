//! What is remembered of a sender's losses; made when it sends something again for the first time.

use super::lost_before::LostBefore;
use super::overtaken::Overtaken;
use crate::Frame;
use crate::second_look::{Decided, LoneTail, NewText, SecondLook};
use crate::verdicts::Delivery;
use tcp::SendReason;
use wire::Seq;
use wire::tcp::SackBlocks;

/// Retransmissions remembered, to tell later which of them were needless. A D-SACK comes a round trip
/// after the retransmission, when it has not been pushed out by so many others.
const REMEMBERED: usize = 16;

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
    /// Of all these: needless, as D-SACK, timestamps or earlier acknowledgments show.
    pub spurious: u32,
}

impl RetransmissionCounts {
    /// All of them; `spurious` counts again what one of the others counts.
    pub fn total(&self) -> u32 {
        self.timeout + self.fast + self.sack + self.recovery + self.probe + self.path_mtu
    }
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    seq: Seq,
    end: Seq,
    frame: Frame,
    time_ns: u64,
    reason: SendReason,
    tsval: Option<u32>,
    needless: Needless,
}

/// Whether a retransmission is known to be needless, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needless {
    NotKnown,
    /// By an echo, or because it had been acknowledged: a D-SACK may follow, which says nothing new.
    Known,
    ByDsack,
}

impl Default for Sent {
    fn default() -> Self {
        Sent {
            seq: Seq::default(),
            end: Seq::default(),
            frame: 0,
            time_ns: 0,
            reason: SendReason::NewData,
            tsval: None,
            needless: Needless::NotKnown,
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
    /// Causes that are in question; made by the first.
    second_look: Option<Box<SecondLook>>,
    pub(crate) counts: RetransmissionCounts,
    pub(crate) retransmitted_bytes: u64,
    /// The text of those that were needless.
    pub(crate) needless_bytes: u64,
    pub(crate) first_frames: [Frame; 4],
    sent: [Sent; REMEMBERED],
    sent_next: u8,
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
            self.first_of_episode = None;
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
    pub(super) fn on_lost_before(&mut self, lost: &LostBefore, segment: &crate::Segment) {
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
    pub(crate) fn on_repeated(&mut self, ack: Seq) {
        self.probe_out = self.probe_out.filter(|end| ack.before(*end));
    }

    pub(crate) fn on_progress(&mut self, ack: Seq) {
        self.timeouts_in_a_row = 0;
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
            && let Some(was_probe) = second_look.on_new_text(&text())
        {
            self.on_probe_seen(was_probe);
        }
    }

    /// A tail was probed, or was not though it should have been.
    pub(crate) fn on_probe_seen(&mut self, was_probed: bool) {
        self.probe_vote = Some(was_probed);
        let vote = if was_probed { 1 } else { -1 };
        self.probes_seen = (self.probes_seen + vote).clamp(-PROBE_VOTES_MAX, PROBE_VOTES_MAX);
        if let Some(second_look) = &mut self.second_look
            && (self.probes_seen > 0) == was_probed
        {
            second_look.on_habit(was_probed);
        }
    }

    /// Something that was told is decided anew, and was not taken yet.
    pub(crate) fn has_decided(&self) -> bool {
        self.second_look.as_ref().is_some_and(|second_look| second_look.has_decided())
    }

    /// What was decided anew, once; the counts follow.
    pub(crate) fn take_decided(&mut self) -> impl Iterator<Item = Decided> {
        let decided = self.second_look.as_mut().map(|second_look| second_look.take_decided());
        let (counts, sent) = (&mut self.counts, &mut self.sent);
        let (row, row_max) = (&mut self.timeouts_in_a_row, &mut self.timeouts_in_a_row_max);
        decided.into_iter().flatten().inspect(|decided| {
            counts.recount(decided.was, decided.now);
            let more = decided.more_in_a_row();
            // fewer than were counted leave the longest row as it is, unless this is the longest
            let is_longest = *row == *row_max;
            *row = (i16::from(*row) + more).clamp(0, i16::from(u8::MAX)) as u8;
            *row_max = if is_longest { *row } else { (*row_max).max(*row) };
            if let Some(sent) = sent.iter_mut().find(|sent| sent.frame == decided.frame) {
                sent.reason = decided.now;
            }
        })
    }

    /// Remembers a retransmission.
    pub(crate) fn push(&mut self, segment: &crate::Segment, reason: SendReason) {
        if let Some(slot) = self.first_frames.iter_mut().find(|slot| **slot == 0) {
            *slot = segment.frame;
        }
        self.retransmitted_bytes += u64::from(segment.text_bytes);
        self.sent[usize::from(self.sent_next)] = Sent {
            seq: segment.seq,
            end: segment.end(),
            frame: segment.frame,
            time_ns: segment.time.as_nanos(),
            reason,
            tsval: segment.options.timestamps.map(|stamps| stamps.value),
            needless: Needless::NotKnown,
        };
        self.sent_next = (self.sent_next + 1) % REMEMBERED as u8;
        if self.episode == (0, 0) {
            self.first_of_episode = Some(segment.frame);
        }
        self.episode.0 = self.episode.0.saturating_add(1);
    }

    /// Whether this frame is one of the latest retransmissions.
    pub(crate) fn has_resent_in(&self, frame: Frame) -> bool {
        self.sent.iter().any(|sent| sent.frame == frame)
    }

    /// Why the retransmission in `frame` was sent, if it is one of the latest.
    pub(crate) fn reason_of(&self, frame: Frame) -> Option<SendReason> {
        self.sent.iter().find(|sent| sent.frame == frame).map(|sent| sent.reason)
    }

    /// Whether an acknowledgment with this echo can answer the retransmission in `frame`: not if it echoes
    /// something older.
    pub(crate) fn may_echo(&self, frame: Frame, echo: u32) -> bool {
        let tsval = self.sent.iter().find(|sent| sent.frame == frame).and_then(|sent| sent.tsval);
        tsval.is_none_or(|tsval| echo.wrapping_sub(tsval).cast_signed() >= 0)
    }

    /// The reduction of this recovery was a mistake, and its sender knows.
    fn undo(&mut self) {
        self.recovery = None;
        self.overtaken.on_undone();
    }

    /// The first block of a D-SACK: the retransmission that it shows to be needless, if remembered.
    ///
    /// What arrives last of several is needless: the latest, or the latest that can have been answered within `rtt_ns`, the
    /// shortest round trip from here.
    pub(crate) fn on_dsack(&mut self, now_ns: u64, rtt_ns: u64, blocks: &SackBlocks) -> Option<Frame> {
        let twice = blocks.as_slice().first()?;
        let can_be = |sent: &Sent| sent.seq.at_or_before(twice.left) && sent.end.at_or_after(twice.right);
        let is_answered = |sent: &Sent| sent.time_ns.saturating_add(rtt_ns) <= now_ns;
        let open = |sent: &&mut Sent| sent.frame != 0 && sent.needless != Needless::ByDsack && can_be(sent);
        let latest =
            self.sent.iter_mut().filter(open).max_by_key(|sent| (is_answered(sent), sent.time_ns))?;
        let was_known = std::mem::replace(&mut latest.needless, Needless::ByDsack) == Needless::Known;
        let shown = (!was_known).then_some((latest.frame, latest.end.bytes_since(latest.seq)));
        let shown = shown.map(|(frame, text_bytes)| self.count_needless(frame, text_bytes));
        if shown.is_some() {
            self.overtaken.on_needless(now_ns);
            self.episode.1 = self.episode.1.saturating_add(1);
            if self.episode.1 >= self.episode.0 {
                self.undo();
            }
        }
        shown
    }

    /// An acknowledgment up to `ack` that echoes `echo`: when the echo is older than a retransmission
    /// that it covers, the original had arrived (RFC 3522).
    pub(crate) fn on_echo(&mut self, now_ns: u64, ack: Seq, echo: u32) -> Option<Frame> {
        let is_older =
            |sent: &Sent| sent.tsval.is_some_and(|tsval| echo.wrapping_sub(tsval).cast_signed() < 0);
        let first = self.first_of_episode;
        let answered = self.sent.iter().find(|sent| first == Some(sent.frame) && sent.seq.before(ack));
        if let Some(answered) = answered {
            let is_mistake = is_older(answered);
            self.first_of_episode = None;
            if is_mistake {
                self.overtaken.on_needless(now_ns);
                self.undo();
            }
        }
        self.mark(|sent| sent.end.at_or_before(ack) && is_older(sent))
    }

    fn mark(&mut self, shows: impl Fn(&Sent) -> bool) -> Option<Frame> {
        let is_open = |sent: &Sent| sent.frame != 0 && sent.needless == Needless::NotKnown;
        let sent = self.sent.iter_mut().find(|sent| is_open(sent) && shows(sent))?;
        sent.needless = Needless::Known;
        let (frame, text_bytes) = (sent.frame, sent.end.bytes_since(sent.seq));
        Some(self.count_needless(frame, text_bytes))
    }

    fn count_needless(&mut self, frame: Frame, text_bytes: u32) -> Frame {
        self.counts.spurious += 1;
        self.needless_bytes += u64::from(text_bytes);
        if let Some(second_look) = &mut self.second_look {
            second_look.on_needless(frame);
        }
        frame
    }

    /// `frame` itself is needless: its bytes were acknowledged before.
    pub(crate) fn mark_frame(&mut self, frame: Frame) {
        self.mark(|sent| sent.frame == frame);
    }

    /// Retransmissions up to `ack` can no longer be shown to be needless by timestamps.
    pub(crate) fn forget_echoes(&mut self, ack: Seq) {
        for sent in self.sent.iter_mut().filter(|sent| sent.end.at_or_before(ack)) {
            sent.tsval = None;
        }
    }
}
