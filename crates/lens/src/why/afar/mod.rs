//! A sender as its receiver knows it: which acknowledgments have reached it, and what it concludes from them.
//!
//! At the receiver the capture shows each acknowledgment half a round trip before the sender hears it, if it does at all. So
//! what the sender knows is followed here, behind the capture: an acknowledgment counts once an echo (RFC 7323 §3.3), or
//! without timestamps the time, says that it has arrived there; what a later silence shows to be lost never counts. From that
//! follows in which state its congestion control is: after a timeout it sends again what was out, until all of that is
//! acknowledged, or until it finds out that the timeout was a mistake (RFC 3522, RFC 5682, D-SACK); else what goes again
//! because of an acknowledgment is recovery. As Linux does it.
//!
//! What is *not* here: which timer it was, and captures near the sender.

mod ranges;
mod sure;

use super::signs::TIMEOUT_NS_MIN;
use super::{Confidence, Evidence, Scene, Sender, Why};
use crate::Segment;
use crate::verdicts::reports_duplicate;
use ranges::Ranges;
use std::collections::VecDeque;
use tcp::SendReason;
use wire::Seq;
use wire::tcp::{SackBlock, SackBlocks};

/// Acknowledgments that are remembered until the sender has heard them: those of a round trip, if every segment is
/// acknowledged; of more the oldest count as heard.
const ACKS_MAX: usize = 96;
/// An acknowledgment later than the quickest by no more than this can still be on its way.
const LATE_MS: i32 = 12;

/// So often of late new text must have waited, and no more is remembered.
const PACED_MIN: u8 = 4;
const PACED_MAX: u8 = 12;
/// A timer runs out no sooner after what its sender heard: two ticks.
const WAITED_NS_MIN: u64 = 3_000_000;

/// An acknowledgment that is on its way to the sender.
#[derive(Clone, Copy, Debug)]
struct Ack {
    time_ns: u64,
    /// Its timestamp and its echo.
    stamps: Option<[u32; 2]>,
    ack: Seq,
    /// Its blocks, without the one that reports a duplicate.
    blocks: [[Seq; 2]; 3],
    reports_duplicate: bool,
}

/// In which state the sender's congestion control is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum State {
    /// Nothing is known to be lost.
    #[default]
    Open,
    /// Acknowledgments showed a loss; until this is acknowledged.
    Recovery(Seq),
    /// The timer ran out; until this is acknowledged.
    Loss {
        until: Seq,
        /// An acknowledgment of what was sent once shows that the timeout was a mistake (RFC 5682).
        may_be_early: bool,
    },
}

/// What the sender knows.
#[derive(Clone, Debug)]
pub(crate) struct Afar {
    acks: VecDeque<Ack>,
    una: Seq,
    /// That was acknowledged, but not heard of when the timer ran out: it is late, or lost.
    late: Option<(Seq, Ranges)>,
    /// What it knows to have arrived beyond that.
    arrived: Ranges,
    /// What it sent again, beyond that.
    again: Ranges,
    /// What it sent again since all was well, acknowledged or not.
    again_before: Ranges,
    state: State,
    /// The timestamp of the first retransmission since all was well.
    first_again: Option<u32>,
    /// Retransmissions of this episode that no D-SACK reported.
    undo_left: u16,
    /// Timeouts since the last progress.
    timeouts: u8,
    /// Text up to there was sent before, and lost before the capture; and what the sender acknowledged when that was found.
    hidden_until: Option<[Seq; 2]>,
    /// How often it waited with new text, of late: it spreads its window over the round trip.
    paced: u8,
    /// What it had acknowledged with its latest new text.
    answered: Option<Seq>,
    /// The shortest time in which a hole was filled, which is more than from here to the sender and back.
    filled_ns_min: u64,
    /// What it sent again last.
    last: Option<Last>,
    has_sack: bool,
    mss_bytes: u32,
}

/// By what it sent again last, and what it had heard then.
#[derive(Clone, Copy, Debug)]
struct Last {
    by: By,
    echo: Option<u32>,
}

impl Afar {
    pub(crate) fn new(una: Seq) -> Afar {
        Afar {
            acks: VecDeque::new(),
            una,
            late: None,
            arrived: Ranges::default(),
            again: Ranges::default(),
            again_before: Ranges::default(),
            state: State::Open,
            first_again: None,
            undo_left: 0,
            timeouts: 0,
            hidden_until: None,
            paced: 0,
            answered: None,
            filled_ns_min: u64::MAX,
            last: None,
            has_sack: false,
            mss_bytes: 1_460,
        }
    }

    /// The receiver acknowledges.
    pub(crate) fn on_ack(&mut self, segment: &Segment) {
        if !segment.flags.ack() || segment.flags.rst() {
            return;
        }
        let is_twice = reports_duplicate(segment);
        let blocks: &SackBlocks = &segment.options.sack;
        let mut news = [[segment.ack; 2]; 3];
        let beyond = blocks.as_slice().iter().skip(usize::from(is_twice));
        for (new, SackBlock { left, right }) in news.iter_mut().zip(beyond) {
            *new = [*left, *right];
        }
        self.has_sack |= !blocks.is_empty();
        if self.acks.len() == ACKS_MAX
            && let Some(oldest) = self.acks.pop_front()
        {
            self.hear(&oldest, None);
        }
        self.acks.push_back(Ack {
            time_ns: segment.time.as_nanos(),
            stamps: segment.options.timestamps.map(|stamps| [stamps.value, stamps.echo]),
            ack: segment.ack,
            blocks: news,
            reports_duplicate: is_twice,
        });
    }

    /// A segment of the sender arrives: what it had heard when it sent this, it has heard. `next` is one past the highest
    /// number that it has sent.
    pub(super) fn on_arrival(&mut self, segment: &Segment, timing: &Timing, next: Seq) {
        let Timing { turn_ns, ahead, mss_bytes, filled_ns, .. } = *timing;
        self.filled_ns_min = self.filled_ns_min.min(filled_ns);
        let turn_ns = turn_ns.min(self.filled_ns_min);
        self.mss_bytes = mss_bytes.max(536);
        let now_ns = segment.time.as_nanos();
        let Some(stamps) = segment.options.timestamps else {
            if let Some((ack, arrived)) = self.late.take_if(|(late, _)| segment.seq.at_or_after(*late)) {
                let blocks = arrived.highest_pieces(ack);
                let ack = Ack { time_ns: now_ns, stamps: None, ack, blocks, reports_duplicate: false };
                self.hear(&ack, Some(next));
            }
            while let Some(ack) = self.acks.front().copied()
                && ack.time_ns + turn_ns - turn_ns / 8 <= now_ns
            {
                self.acks.pop_front();
                self.hear(&ack, Some(next));
            }
            return;
        };
        let at_most = |value: u32, limit: u32| value.wrapping_sub(limit).cast_signed() <= 0;
        while let Some(ack) = self.acks.front().copied() {
            let Some([value, _]) = ack.stamps else { break };
            let in_time = value != stamps.echo || ack.time_ns + turn_ns - turn_ns / 8 <= now_ns;
            if !at_most(value, stamps.echo) || !in_time {
                break;
            }
            self.acks.pop_front();
            self.hear(&ack, Some(next));
        }
        // what would have reached it by then, and had not, is lost
        if let Some(ahead) = ahead {
            let heard_by = stamps.value.wrapping_sub(ahead.wrapping_add(LATE_MS).cast_unsigned());
            while let Some(Ack { stamps: Some([value, _]), .. }) = self.acks.front()
                && at_most(*value, heard_by)
                && !at_most(*value, stamps.echo)
            {
                self.acks.pop_front();
            }
        }
    }

    /// The sender hears an acknowledgment.
    fn hear(&mut self, ack: &Ack, next: Option<Seq>) {
        let advances = ack.ack.after(self.una);
        let until = match self.state {
            State::Open => None,
            State::Recovery(until) | State::Loss { until, .. } => Some(until),
        };
        let mut orig_arrived = false;
        let mut note = |left: Seq, right: Seq, arrived: &Ranges, again: &Ranges| {
            for [left, right] in arrived.gaps(left, right) {
                orig_arrived |= again
                    .gaps(left, right)
                    .any(|[_, end]| until.is_some_and(|until| end.at_or_before(until)));
            }
        };
        if advances {
            note(self.una, ack.ack, &self.arrived, &self.again);
        }
        for [left, right] in ack.blocks {
            if left.before(right) && left.at_or_after(ack.ack) {
                note(left, right, &self.arrived, &self.again);
            }
        }
        for [left, right] in ack.blocks {
            if left.at_or_after(ack.ack) {
                self.arrived.add(left, right);
            }
        }
        if ack.reports_duplicate {
            self.undo_left = self.undo_left.saturating_sub(1);
        }
        if advances {
            self.una = ack.ack;
            self.timeouts = 0;
            self.arrived.forget_before(ack.ack);
            self.again.forget_before(ack.ack);
        }
        let echoes_older = match (ack.stamps, self.first_again) {
            (Some([_, echo]), Some(first)) => echo.wrapping_sub(first).cast_signed() < 0,
            _ => false,
        };
        let is_needless = self.first_again.is_some() && (echoes_older || self.undo_left == 0);
        match self.state {
            State::Loss { .. } if self.has_sack && advances && is_needless => self.open(),
            State::Loss { may_be_early: true, .. } if orig_arrived => self.open(),
            State::Loss { until, .. } | State::Recovery(until) if self.is_over(until) => self.open(),
            State::Recovery(_) if ack.reports_duplicate && self.undo_left == 0 => self.open(),
            _ => {}
        }
        if self.state == State::Open
            && let Some(next) = next
            && self.arrived.bytes() > 3 * self.mss_bytes
        {
            self.state = State::Recovery(next);
        }
    }

    /// New text: whether the sender had waited with it, though it had heard what allows it.
    pub(super) fn on_new(&mut self, segment: &Segment, timing: &Timing, next: Seq) {
        if let State::Loss { until, may_be_early: true } = &mut self.state
            && segment.seq.after(next)
        {
            // what goes on behind all that was out shows where that ended (RFC 5682 §2.1, step 2)
            *until = until.earliest(segment.seq);
        }
        // a talk in turns has other pauses
        let is_turn = self.answered.replace(segment.ack) != Some(segment.ack);
        if is_turn || timing.ahead.is_none() || timing.idle_ms < 2 {
            return;
        }
        let has_waited = timing.waited_ns(segment) >= WAITED_NS_MIN;
        self.paced = if has_waited { (self.paced + 2).min(PACED_MAX) } else { self.paced.saturating_sub(1) };
    }

    /// What goes again because of an acknowledgment, after a timeout or not.
    pub(super) fn revise(&self, first: Why, segment: &Segment, timing: &Timing) -> Why {
        let why = self.by_state(self.by_clock(first, segment, timing));
        Why { confidence: sure::confidence(&first, &why, timing.ahead.is_some()), ..why }
    }

    fn by_clock(&self, why: Why, segment: &Segment, timing: &Timing) -> Why {
        match self.timer(segment, timing, why.reason) {
            Some(reason) if reason != why.reason => {
                let revised = Why { reason, confidence: Confidence::LIKELY, candidates: [None; 2], ..why };
                revised.or(why.reason).by(Evidence::TIMESTAMPS | Evidence::TIMING)
            }
            _ => why,
        }
    }

    /// What goes again because of an acknowledgment, goes after a timeout or not.
    fn by_state(&self, why: Why) -> Why {
        let is_by_acks = By::of(why.reason) == By::Acks;
        match self.state {
            _ if !is_by_acks => why,
            State::Loss { .. } if why.reason != SendReason::AfterTimeout => {
                let after = Why { reason: SendReason::AfterTimeout, confidence: Confidence::LIKELY, ..why };
                Why { candidates: [None; 2], ..after }.or(why.reason).or(SendReason::Timeout)
            }
            State::Open | State::Recovery(_) if why.reason == SendReason::AfterTimeout => {
                let reason = self.recovery();
                let recovery = Why { reason, confidence: Confidence::LIKELY, candidates: [None; 2], ..why };
                recovery.or(SendReason::AfterTimeout).by(Evidence::TIMING)
            }
            _ => why,
        }
    }

    /// Text that is captured for the first time while the sender sends again what was lost with it.
    pub(super) fn why_hidden(&mut self, segment: &Segment, first: &Why, next: Seq) -> Option<Why> {
        let [until, ack] = self.hidden_until?;
        let is_asked = matches!(first.reason, SendReason::NewData | SendReason::Fin);
        // what goes on behind all that was out shows where that ended
        let is_beyond =
            segment.seq.after(next) && matches!(self.state, State::Loss { may_be_early: true, .. });
        // and a talk that goes on asks for other text
        if !is_asked || is_beyond || segment.seq.at_or_after(until) || segment.ack.after(ack) {
            self.hidden_until = None;
            return None;
        }
        let reason = match self.state {
            State::Loss { .. } => SendReason::AfterTimeout,
            _ if self.has_sack => SendReason::SackRecovery,
            _ => SendReason::RecoveryRetransmit,
        };
        self.again.add(segment.seq, segment.end());
        Some(Why::new(reason, Confidence::LOW).or(first.reason).by(Evidence::IP_ID))
    }

    /// Which timer sent it, or that none did, by the sender's own clock: how long it had waited since it heard something.
    fn timer(&self, segment: &Segment, timing: &Timing, reason: SendReason) -> Option<SendReason> {
        let waited_ns = timing.waited_ns(segment);
        if timing.ahead.is_none() {
            // whoever fills a hole so soon has heard of it
            let is_early = timing.quiet_ns < TIMEOUT_NS_MIN && !timing.is_acknowledged;
            if timing.is_acknowledged
                && self.again_before.touches(segment.seq, segment.end())
                && !matches!(self.state, State::Loss { .. })
                && segment.options.timestamps.is_none()
            {
                return Some(SendReason::Timeout); // twice, and both times it was not known that it had arrived
            }
            let is_asked = self.has_sack && reason == SendReason::Timeout;
            return (is_early && is_asked && timing.filled_ns != u64::MAX).then(|| self.recovery());
        }
        let parts = waited_ns.saturating_mul(20) / timing.rto_ns.max(1);
        let is_timeout =
            segment.seq.at_or_before(self.una) && waited_ns >= TIMEOUT_NS_MIN.max(timing.turn_ns / 2);
        let is_in_loss = matches!(self.state, State::Loss { .. });
        match By::of(reason) {
            By::Timeout if is_in_loss && timing.idle_ms < 150 => Some(SendReason::AfterTimeout),
            By::Timeout
                if !timing.is_acknowledged
                    && self.has_sack
                    && timing.idle_ms < 150
                    && self.arrived.bytes() > 0 =>
            {
                let has_waited = waited_ns >= WAITED_NS_MIN;
                Some(if has_waited { SendReason::ReorderTimeout } else { self.recovery() })
            }
            By::Probe if parts >= 32 && segment.seq.at_or_before(self.una) => Some(SendReason::Timeout),
            By::Acks | By::ReorderTimer if is_timeout => Some(SendReason::Timeout),
            By::ReorderTimer if waited_ns < WAITED_NS_MIN => Some(self.recovery()),
            By::Acks
                if waited_ns >= WAITED_NS_MIN
                    && reason != SendReason::AfterTimeout
                    && self.arrived.bytes() <= 3 * self.mss_bytes
                    && self.has_sack
                    && self.paced < PACED_MIN =>
            {
                let echo = segment.options.timestamps.map(|stamps| stamps.echo);
                let same = self.last.filter(|last| last.echo == echo);
                match same {
                    Some(Last { by: By::ReorderTimer, .. }) => Some(SendReason::ReorderTimeout),
                    // it had something to say all the while: the window let it go
                    _ if timing.idle_ms < 3 => None,
                    _ => Some(SendReason::ReorderTimeout),
                }
            }
            _ => None,
        }
    }

    fn recovery(&self) -> SendReason {
        if self.has_sack { SendReason::SackRecovery } else { SendReason::RecoveryRetransmit }
    }

    fn is_over(&self, until: Seq) -> bool {
        if self.has_sack { self.una.at_or_after(until) } else { self.una.after(until) }
    }

    fn open(&mut self) {
        (self.state, self.first_again, self.undo_left) = (State::Open, None, 0);
    }

    /// The first that goes again because of acknowledgments: what is missing before it was sent before it.
    fn enter_recovery(&mut self, segment: &Segment, timing: &Timing, next: Seq) {
        let until = next + u32::from(timing.missing) * self.mss_bytes;
        if timing.missing > 0 {
            self.hidden_until = Some([until, segment.ack]);
        }
        self.state = State::Recovery(until);
    }

    /// The sender sent this again, by its timer or not; what was out then ended at `next`.
    pub(super) fn on_again(&mut self, segment: &Segment, by: By, next: Seq, timing: &Timing) {
        let is_new_episode = self.state == State::Open;
        match by {
            By::Timeout => {
                let timeouts = timing.timeouts(segment);
                let may_be_early = is_new_episode || self.timeouts > 0 || timeouts > 1;
                self.timeouts = self.timeouts.saturating_add(timeouts);
                let hidden = timing.missing.saturating_sub(u16::from(timeouts - 1));
                let next = next + u32::from(hidden) * self.mss_bytes;
                self.hidden_until = (hidden > 0).then_some([next, segment.ack]);
                // what its timer sends again is the first that it does not know to have arrived
                if segment.seq.before(self.una) {
                    self.late = Some((self.una, std::mem::take(&mut self.arrived)));
                    self.una = segment.seq;
                }
                let is_begun =
                    is_new_episode || self.timeouts == 1 && matches!(self.state, State::Loss { .. });
                if is_begun {
                    (self.first_again, self.undo_left) = (None, 0);
                }
                self.state = State::Loss { until: next, may_be_early };
            }
            By::Acks | By::ReorderTimer if is_new_episode => {
                (self.first_again, self.undo_left) = (None, 0);
                self.enter_recovery(segment, timing, next);
            }
            By::Acks | By::ReorderTimer if self.first_again.is_none() && self.undo_left == 0 => {
                self.enter_recovery(segment, timing, next);
            }
            By::Acks | By::ReorderTimer => {}
            By::Probe => {
                self.again.add(segment.seq, segment.end());
                return;
            }
        }
        if self.first_again.is_none() {
            self.first_again = segment.options.timestamps.map(|stamps| stamps.value);
        }
        let lost_before = if by == By::Timeout { timing.timeouts(segment) - 1 } else { 0 };
        self.undo_left = self.undo_left.saturating_add(1 + u16::from(lost_before));
        self.last = Some(Last { by, echo: segment.options.timestamps.map(|stamps| stamps.echo) });
        self.again.add(segment.seq, segment.end());
        if is_new_episode && by != By::Timeout {
            self.again_before.clear();
        }
        self.again_before.add(segment.seq, segment.end());
    }
}

/// By what a sender sends again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Timeout,
    Acks,
    ReorderTimer,
    Probe,
}

impl By {
    pub(super) fn of(reason: SendReason) -> By {
        match reason {
            SendReason::Timeout => By::Timeout,
            SendReason::TailLossProbe => By::Probe,
            SendReason::ReorderTimeout => By::ReorderTimer,
            _ => By::Acks,
        }
    }
}

/// What arrivals are measured by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timing {
    /// From here to the sender and back.
    pub(super) turn_ns: u64,
    /// The sender's clock less the echo, at the least; if both count milliseconds.
    pub(super) ahead: Option<i32>,
    pub(super) mss_bytes: u32,
    /// What it holds was acknowledged here.
    is_acknowledged: bool,
    /// How long the hole was open that this fills.
    filled_ns: u64,
    /// Its timeout.
    pub(super) rto_ns: u64,
    /// Since it had sent anything that was captured.
    pub(super) quiet_ns: u64,
    /// The same in milliseconds, by its own clock.
    idle_ms: u32,
    /// Packets that it sent since, and that were not captured.
    pub(super) missing: u16,
}

impl Timing {
    pub(super) fn of(scene: &Scene<'_>, from: &Sender, to: &Sender) -> Timing {
        let here = || to.clock.latest().and_then(|(value, ns)| to.clock.counts_ms(value, ns)).unwrap_or(true);
        let ahead = scene.segment.options.timestamps.and_then(|stamps| {
            let there = from.clock.counts_ms(stamps.value, scene.segment.time.as_nanos()).unwrap_or(false);
            (there && here() && from.ahead_min != i32::MAX).then_some(from.ahead_min)
        });
        Timing {
            turn_ns: scene.turn_ns,
            ahead,
            is_acknowledged: scene.other.last_ack.is_some_and(|ack| scene.segment.seq.before(ack)),
            filled_ns: scene
                .prior
                .hole_since_ns
                .map_or(u64::MAX, |since_ns| scene.segment.time.as_nanos().saturating_sub(since_ns)),
            mss_bytes: scene.mss_bytes,
            rto_ns: from.rto_ns() + scene.turn_ns,
            quiet_ns: scene.segment.time.as_nanos().saturating_sub(from.last_ns),
            idle_ms: from
                .clock
                .highest()
                .zip(scene.segment.options.timestamps)
                .map_or(0, |(last, stamps)| {
                    stamps.value.wrapping_sub(last).cast_signed().max(0).cast_unsigned()
                }),
            missing: from.ids.missing_in_blackout(scene.segment).unwrap_or(0),
        }
    }

    /// How long the sender had waited after what it heard last, by its own clock; else how long it was quiet.
    pub(super) fn waited_ns(&self, segment: &Segment) -> u64 {
        let Some((stamps, ahead)) = segment.options.timestamps.zip(self.ahead) else { return self.quiet_ns };
        let waited_ms = stamps.value.wrapping_sub(stamps.echo).cast_signed().wrapping_sub(ahead);
        u64::from(waited_ms.max(0).cast_unsigned()) * 1_000_000
    }

    /// How long it had waited, in hundredths of its timeout.
    pub(super) fn waited_percent(&self, segment: &Segment) -> u64 {
        self.waited_ns(segment).saturating_mul(100) / self.rto_ns.max(1)
    }

    /// How many timeouts it had by then: each takes twice as long as the one before.
    fn timeouts(&self, segment: &Segment) -> u8 {
        let fifths = 6 * (self.waited_ns(segment) / self.rto_ns.max(1).div_ceil(10) + 10) / 10;
        (fifths / 5).max(1).ilog2().clamp(1, 8) as u8
    }
}
