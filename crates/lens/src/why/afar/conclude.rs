//! What is concluded from what the sender knows: by a timer or by an acknowledgment, after a timeout or not, and whether
//! text is new.

use super::super::signs::TIMEOUT_NS_MIN;
use super::super::{Confidence, Evidence, Why};
use super::{Afar, By, SEGMENTS_FOR_LOSS, State, Timing, sure};
use crate::Segment;
use tcp::SendReason;
use wire::Seq;

/// So often of late new text must have waited, and no more is remembered.
const PACED_MIN: u8 = 4;
const PACED_MAX: u8 = 12;
/// A timer runs out no sooner after what its sender heard: two ticks.
const WAITED_NS_MIN: u64 = 3_000_000;

/// A probe comes no later than this, in hundredths of the timeout.
const PROBE_PERCENT_MAX: u64 = 160;

impl Afar {
    /// New text: whether the sender had waited with it, though it had heard what allows it.
    pub(in crate::why) fn on_new(&mut self, segment: &Segment, timing: &Timing, next: Seq) {
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
    pub(in crate::why) fn revise(&self, first: Why, segment: &Segment, timing: &Timing) -> Why {
        let why = self.by_state(self.by_clock(first, segment, timing), segment);
        Why { confidence: sure::confidence(&first, &why, timing.ahead.is_some()), ..why }
    }

    fn by_clock(&self, why: Why, segment: &Segment, timing: &Timing) -> Why {
        let reason = match timing.ahead {
            Some(_) => self.with_clock(segment, timing, why.reason),
            None => self.without_clock(segment, timing, why.reason),
        };
        match reason {
            Some(reason) if reason != why.reason => {
                let revised = Why { reason, confidence: Confidence::LIKELY, candidates: [None; 2], ..why };
                revised.or(why.reason).by(Evidence::TIMESTAMPS | Evidence::TIMING)
            }
            _ => why,
        }
    }

    fn is_after_timeout(&self, segment: &Segment) -> bool {
        matches!(self.state, State::Loss { .. }) || self.is_beyond_newreno(segment)
    }

    /// What goes again because of an acknowledgment, goes after a timeout or not.
    fn by_state(&self, why: Why, segment: &Segment) -> Why {
        let is_after_timeout = self.is_after_timeout(segment);
        let is_by_acks = By::of(why.reason) == By::Acks;
        match self.state {
            _ if !is_by_acks => why,
            _ if is_after_timeout && why.reason != SendReason::AfterTimeout => {
                let after = Why { reason: SendReason::AfterTimeout, confidence: Confidence::LIKELY, ..why };
                Why { candidates: [None; 2], ..after }.or(why.reason).or(SendReason::Timeout)
            }
            _ if !is_after_timeout && why.reason == SendReason::AfterTimeout => {
                let reason = self.recovery();
                let recovery = Why { reason, confidence: Confidence::LIKELY, candidates: [None; 2], ..why };
                recovery.or(SendReason::AfterTimeout).by(Evidence::TIMING)
            }
            _ => why,
        }
    }

    /// Text that is captured for the first time while the sender sends again what was lost with it.
    pub(in crate::why) fn why_hidden(&mut self, segment: &Segment, first: &Why, next: Seq) -> Option<Why> {
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

    /// Where no clock tells how long the sender had waited.
    fn without_clock(&self, segment: &Segment, timing: &Timing, reason: SendReason) -> Option<SendReason> {
        let is_in_loss = matches!(self.state, State::Loss { .. });
        let is_repeated = timing.is_acknowledged && self.again_before.touches(segment.seq, segment.end());
        if is_repeated && !is_in_loss && segment.options.timestamps.is_none() {
            return Some(SendReason::Timeout); // twice, and both times it was not known that it had arrived
        }
        // whoever fills a hole so soon has heard of it
        let fills_soon = timing.fills_hole() && timing.quiet_ns < TIMEOUT_NS_MIN && !timing.is_acknowledged;
        (fills_soon && self.has_sack && reason == SendReason::Timeout).then(|| self.recovery())
    }

    /// Which timer sent it, or that none did, by the sender's own clock: how long it had waited since it heard something.
    fn with_clock(&self, segment: &Segment, timing: &Timing, reason: SendReason) -> Option<SendReason> {
        let waited_ns = timing.waited_ns(segment);
        let has_waited = waited_ns >= WAITED_NS_MIN;
        let is_first = segment.seq.at_or_before(self.una);
        let is_asked = self.has_sack && !timing.is_acknowledged && self.arrived.bytes() > 0;
        match By::of(reason) {
            By::Timeout if !timing.is_soon() => None,
            By::Timeout if self.is_after_timeout(segment) => Some(SendReason::AfterTimeout),
            By::Timeout if is_asked && has_waited => Some(SendReason::ReorderTimeout),
            By::Timeout => is_asked.then(|| self.recovery()),
            By::Probe if is_first && timing.waited_percent(segment) >= PROBE_PERCENT_MAX => {
                Some(SendReason::Timeout)
            }
            By::Probe => None,
            _ if is_first && waited_ns >= TIMEOUT_NS_MIN.max(timing.turn_ns / 2) => Some(SendReason::Timeout),
            By::ReorderTimer => (!has_waited).then(|| self.recovery()),
            By::Acks if has_waited && reason != SendReason::AfterTimeout => {
                self.is_by_reorder_timer(segment, timing).then_some(SendReason::ReorderTimeout)
            }
            By::Acks | By::Router => None,
        }
    }

    /// So little has arrived behind the hole that it could only be late, and the sender had said nothing for a while; or the
    /// timer has just sent another one.
    fn is_by_reorder_timer(&self, segment: &Segment, timing: &Timing) -> bool {
        let is_little = self.arrived.bytes() <= SEGMENTS_FOR_LOSS * self.mss_bytes;
        let echo = segment.options.timestamps.map(|stamps| stamps.echo);
        let is_same = self.last.is_some_and(|last| last.echo == echo && last.by == By::ReorderTimer);
        // who has something to say all the while waits for room in the window
        let was_silent = u64::from(timing.idle_ms) * 1_000_000 >= WAITED_NS_MIN;
        self.has_sack && is_little && self.paced < PACED_MIN && (is_same || was_silent)
    }

    fn recovery(&self) -> SendReason {
        if self.has_sack { SendReason::SackRecovery } else { SendReason::RecoveryRetransmit }
    }
}
