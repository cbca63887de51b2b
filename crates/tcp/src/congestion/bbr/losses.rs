//! What losses and marks say (§ "Updating the Model Upon Packet Loss"): the signals of a round, and whether a probe has put
//! too much in flight.

use super::round::is_at_or_past;
use super::{Bbr, ProbeReason, State, bounds};
use crate::sender::{LostRun, PathSample};
use wire::Seq;

/// BBR.LossThresh is 2 %: this many times what was lost must not exceed what was in flight.
const LOSS_THRESH_INVERSE: u64 = 50;

/// A round that lost more than so many times BBR.LossThresh counts even if it began well: few losses among few segments come
/// to that by chance in hardly any round, a queue that overflows at once.
const SUDDEN: u64 = 3;

/// Whether the sender repairs losses, and how it noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recovery {
    None,
    /// Since so much was delivered.
    Fast(u32),
    Timeout,
}

/// The latest delivery, and the losses of a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signals {
    /// BBR.bw_latest: the highest of this round.
    bw_latest: u64,
    /// BBR.inflight_latest: the most that was delivered within a sample of this round.
    inflight_latest: u32,
    /// BBR.loss_round_delivered: when something is acknowledged that left after this, the round of losses is over.
    loss_round_delivered: u32,
    /// BBR.loss_round_start: the latest acknowledgment ended one.
    is_loss_round_start: bool,
    /// BBR.is_loss_in_round.
    is_loss_in_round: bool,
    /// A sample of this round lost no more than BBR.LossThresh.
    is_tolerable: bool,
    /// The network marked something in this round, or the timer ran out: that is no single loss.
    is_grave: bool,
    /// Separate ranges that were lost in this round, and where the last ended.
    ranges: u32,
    last_lost_end: Option<Seq>,
    recovery: Recovery,
}

impl Signals {
    pub(super) fn new(delivered: u32) -> Self {
        Signals {
            bw_latest: 0,
            inflight_latest: 0,
            loss_round_delivered: delivered,
            is_loss_round_start: false,
            is_loss_in_round: false,
            is_tolerable: false,
            is_grave: false,
            ranges: 0,
            last_lost_end: None,
            recovery: Recovery::None,
        }
    }

    /// BBR.bw_latest and BBR.inflight_latest.
    pub(super) fn latest(&self) -> (u64, u32) {
        (self.bw_latest, self.inflight_latest)
    }

    /// Whether the round that `last` ends lowers the short-term bounds: something was marked, the timer ran out, or more was lost than
    /// BBR.LossThresh allows.
    ///
    /// The draft lowers them in every round with a loss (§ "When not Probing for Bandwidth"), to what was delivered at best.
    /// That is less than the bound even if the path delivers all but a little of what is sent, because the sender itself
    /// stays below the bound: by BBR.PacingMarginPercent, by the gain of ProbeBW_DOWN, by whole quanta within
    /// BBR.inflight_shortterm. Nothing raises it until ProbeBW_REFILL, so single losses compound over up to 63 rounds
    /// and the goal of tolerating 1 % (§ "Design Considerations for Choosing Constant Parameters") is missed. Here a round
    /// counts as the draft counts probes, against BBR.LossThresh, and like BBR.bw_latest by the best of its samples: a path
    /// that delivers what is sent is no evidence for less. One that has become slower loses more than that in each sample,
    /// from its second round on, and in its first if it is much slower. At 100 Mbit/s, 20 ms and 0.1 % (1 %) random loss
    /// this gives 93.5 (89) % of the link instead of 89 (77).
    pub(super) fn lowers_bounds(&self, last: &PathSample) -> bool {
        let is_sudden =
            u64::from(last.lost_bytes) * LOSS_THRESH_INVERSE > SUDDEN * u64::from(last.sent_in_flight_bytes);
        self.is_loss_in_round && (self.is_grave || is_sudden || !self.is_tolerable)
    }

    /// The latest acknowledgment ended a round of losses.
    pub(super) fn is_round_start(&self) -> bool {
        self.is_loss_round_start
    }

    /// UpdateLatestDeliverySignals.
    pub(super) fn update_latest(&mut self, rs: &PathSample, delivered: u32, has_sack: bool) {
        self.bw_latest = self.bw_latest.max(rs.bytes_per_s);
        self.inflight_latest = self.inflight_latest.max(rs.delivered_bytes);
        self.is_tolerable |= is_tolerable(rs, has_sack);
        self.is_loss_round_start = is_at_or_past(rs.prior_delivered, self.loss_round_delivered);
        if self.is_loss_round_start {
            self.loss_round_delivered = delivered;
        }
    }

    /// The bounds are adapted: a new round.
    pub(super) fn end_round(&mut self) {
        (self.is_loss_in_round, self.is_grave) = (false, false);
    }

    /// AdvanceLatestDeliverySignals.
    pub(super) fn advance_latest(&mut self, rs: &PathSample, has_sack: bool) {
        if self.is_loss_round_start {
            self.is_tolerable = is_tolerable(rs, has_sack);
            (self.bw_latest, self.inflight_latest) = (rs.bytes_per_s, rs.delivered_bytes);
            self.ranges = 0;
        }
    }

    /// ResetCongestionSignals.
    pub(super) fn reset(&mut self) {
        (self.is_loss_in_round, self.bw_latest, self.inflight_latest) = (false, 0, 0);
        (self.is_tolerable, self.is_grave) = (false, false);
    }

    /// It was no loss after all.
    pub(super) fn forget_loss(&mut self) {
        self.is_loss_in_round = false;
    }

    pub(super) fn enter_recovery(&mut self, delivered: u32) {
        if self.recovery == Recovery::None {
            self.recovery = Recovery::Fast(delivered);
        }
    }

    /// The timer ran out.
    pub(super) fn leave_fast_recovery(&mut self) {
        (self.recovery, self.is_grave) = (Recovery::Timeout, true);
    }

    pub(super) fn leave_recovery(&mut self) {
        self.recovery = Recovery::None;
    }

    /// InLossRecovery.
    pub(super) fn is_recovering(&self) -> bool {
        self.recovery != Recovery::None
    }

    /// Lost ranges that make a full pipe in Startup, once a whole round trip of fast recovery has passed
    /// (§ "Exiting Startup Based on Packet Loss").
    pub(super) fn is_startup_full(&self, rs: &PathSample, has_sack: bool) -> bool {
        const FULL_LOSS_COUNT: u32 = 6;
        let Recovery::Fast(since) = self.recovery else { return false };
        if !has_sack {
            return self.ranges > 0;
        }
        let has_passed = is_at_or_past(rs.prior_delivered, since);
        self.is_loss_round_start && has_passed && self.ranges >= FULL_LOSS_COUNT && is_too_high(rs, has_sack)
    }
}

/// IsInflightTooHigh.
pub(super) fn is_too_high(rs: &PathSample, has_sack: bool) -> bool {
    let is_above_thresh = u64::from(rs.lost_bytes) * LOSS_THRESH_INVERSE > u64::from(rs.sent_in_flight_bytes);
    is_above_thresh || (rs.lost_bytes > 0 && !has_sack)
}

/// Whether a rate was measured, and with no more losses than BBR.LossThresh.
fn is_tolerable(rs: &PathSample, has_sack: bool) -> bool {
    rs.bytes_per_s > 0 && !is_too_high(rs, has_sack)
}

/// InflightAtLoss: at which volume in flight, within the burst of `size` bytes, losses crossed BBR.LossThresh.
pub(super) fn in_flight_at_loss(sent_in_flight_bytes: u32, lost_bytes: u32, size: u32) -> u32 {
    let before = sent_in_flight_bytes.saturating_sub(size);
    let lost_before = lost_bytes.saturating_sub(size);
    // (before / 50 - lost_before) / (1 - 1 / 50), in whole bytes.
    let above = u64::from(before).saturating_sub(u64::from(lost_before) * LOSS_THRESH_INVERSE);
    let lost_prefix = above / (LOSS_THRESH_INVERSE - 1);
    before.saturating_add(u32::try_from(lost_prefix).unwrap_or(u32::MAX))
}

impl Bbr {
    /// OnEnterFastRecovery, and the first half of OnEnterRTO. What an episode began with is saved once: a second sign of
    /// the same episode finds bounds that the first has lowered.
    pub(super) fn enter_recovery(&mut self) {
        self.save_cwnd();
        if !self.signals.is_recovering() {
            self.save_state_upon_loss();
        }
        self.signals.enter_recovery(self.c.delivered);
    }

    /// NoteLoss.
    pub(super) fn note_loss(&mut self) {
        if !self.signals.is_loss_in_round {
            self.signals.loss_round_delivered = self.c.delivered;
            if !self.signals.is_recovering() {
                self.save_cwnd();
                self.save_state_upon_loss();
            }
        }
        self.signals.is_loss_in_round = true;
    }

    /// HandleLostPacket.
    pub(crate) fn on_lost(&mut self, lost: &LostRun) {
        self.note_loss();
        if self.signals.last_lost_end.replace(lost.end) != Some(lost.start) {
            self.signals.ranges = self.signals.ranges.saturating_add(1);
        }
        if !self.cycle.is_bw_probe_sample {
            return;
        }
        let mut rs = PathSample {
            sent_in_flight_bytes: lost.stamp.in_flight_bytes,
            lost_bytes: lost.lost_bytes,
            is_app_limited: lost.stamp.is_app_limited,
            ..PathSample::default()
        };
        if is_too_high(&rs, self.c.has_sack) {
            let size = lost.end.bytes_since(lost.start);
            rs.sent_in_flight_bytes = in_flight_at_loss(rs.sent_in_flight_bytes, rs.lost_bytes, size);
            self.handle_inflight_too_high(&rs, ProbeReason::HighLoss);
        }
    }

    /// The network marked something (§ "ECN" asks for a response, and leaves it open): a queue is forming. It ends what
    /// makes one; elsewhere the round counts as one with losses.
    pub(super) fn on_marked(&mut self) {
        self.signals.is_grave = true;
        if self.state == State::Startup {
            self.leave_startup(ProbeReason::Marked);
        } else if self.cycle.is_bw_probe_sample {
            let rs = PathSample {
                sent_in_flight_bytes: self.c.in_flight_bytes,
                is_app_limited: self.c.is_app_limited,
                ..PathSample::default()
            };
            self.handle_inflight_too_high(&rs, ProbeReason::Marked);
        }
    }

    /// HandleInflightTooHigh.
    ///
    /// In the draft losses leave BBR.Beta of TargetInflight at least, here all of it: four of 166 segments are above
    /// BBR.LossThresh, and are lost by chance in one probe of seven where 1 % is lost. They say that a probe has put too
    /// much in flight, and not that the path holds less than its rate and its round trip say; when the rate falls,
    /// TargetInflight follows. At 3 % random loss this is the difference between a sixth of the link and half of it. A mark
    /// comes by no chance.
    fn handle_inflight_too_high(&mut self, rs: &PathSample, why: ProbeReason) {
        self.cycle.prev_probe_too_high = true;
        self.cycle.is_bw_probe_sample = false;
        if !rs.is_app_limited {
            let target = self.target_in_flight_bytes();
            let least = if why == ProbeReason::Marked { bounds::BETA.of_bytes(target) } else { target };
            self.bounds.inflight_longterm = rs.sent_in_flight_bytes.max(least);
        }
        if self.state == State::ProbeBwUp {
            self.undo.note(State::ProbeBwUp);
            self.start_probe_bw_down(why);
        }
    }
}

#[cfg(test)]
mod tests;
