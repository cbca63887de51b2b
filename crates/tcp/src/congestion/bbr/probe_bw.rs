//! ProbeBW: down, cruise, refill, up, and down again: a little slower, as fast, and a little faster than data is delivered
//! (§ "ProbeBW").

use super::losses::is_too_high;
use super::{Bbr, Gain, Measured, NO_BOUND, ProbeReason, State};
use crate::Instant;
use crate::sender::PathSample;
use core::time::Duration;
use wire::Seq;

/// BBR waits no longer than this and a second more until it probes again: long enough for Reno at 25 Mbit/s and 30 ms.
const PROBE_WAIT_MIN: Duration = Duration::from_secs(2);
/// Nor longer than it would take Reno to grow by what the path holds, up to so many rounds.
const RENO_ROUNDS_MAX: u32 = 63;
/// The slope of the long-term bound doubles each round, up to this power.
const SLOPE_POWER_MAX: u8 = 30;

/// What the acknowledgments mean for the probe (BBR.ack_phase).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckPhase {
    /// Nothing: there is no probe.
    Init,
    /// What is sent refills the pipe.
    Refilling,
    /// The probe leaves.
    ProbeStarting,
    /// They answer the probe.
    ProbeFeedback,
    /// The probe is over, and they still answer it.
    ProbeStopping,
}

/// Where the cycle stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cycle {
    pub(super) ack_phase: AckPhase,
    /// What is acknowledged, or lost, left while probing.
    pub(super) is_bw_probe_sample: bool,
    /// The last probe went too high: the next stops early.
    pub(super) prev_probe_too_high: bool,
    /// The last probe stopped early, as a precaution.
    pub(super) prev_probe_precautionary: bool,
    /// BBR.probe_up_acked_per_inc, BBR.bw_probe_up_acked, BBR.bw_probe_up_rounds: how the long-term bound grows.
    acked_per_inc: u32,
    acked_bytes: u32,
    up_rounds: u8,
    /// BBR.rounds_since_probe_up.
    pub(super) rounds_since_probe_up: u32,
    /// BBR.bw_probe_wait, from BBR.cycle_stamp on.
    pub(super) wait: Duration,
    began_at: Instant,
    /// The state of what stands for chance.
    dice: u64,
}

impl Cycle {
    pub(super) fn new(seed: Seq) -> Self {
        Cycle {
            ack_phase: AckPhase::Init,
            is_bw_probe_sample: false,
            prev_probe_too_high: false,
            prev_probe_precautionary: false,
            acked_per_inc: NO_BOUND,
            acked_bytes: 0,
            up_rounds: 0,
            rounds_since_probe_up: 0,
            wait: Duration::ZERO,
            began_at: Instant::ZERO,
            dice: u64::from(seed.offset_from(Seq::new(0)).cast_unsigned()),
        }
    }

    /// A round trip has passed.
    pub(super) fn count_round(&mut self) {
        self.rounds_since_probe_up = self.rounds_since_probe_up.saturating_add(1);
    }

    /// The next 32 bits that stand for chance: the upper half of a linear congruential sequence (Knuth's multiplier).
    fn roll(&mut self) -> u32 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 32) as u32
    }

    /// PickProbeWait: flows that share a path must not probe in step.
    pub(super) fn pick_wait(&mut self) {
        self.rounds_since_probe_up = self.roll() & 1;
        // Up to a second, in steps of a quarter of a nanosecond.
        let part_ns = (u64::from(self.roll()) * 1_000_000_000) >> 32;
        self.wait = PROBE_WAIT_MIN + Duration::from_nanos(part_ns);
    }

    fn has_waited(&self, now: Instant) -> bool {
        now > self.began_at + self.wait
    }

    /// RaiseInflightLongtermSlope.
    fn raise_slope(&mut self, cwnd_bytes: u32, mss: u32) {
        self.acked_per_inc = (cwnd_bytes >> self.up_rounds).max(mss);
        self.up_rounds = (self.up_rounds + 1).min(SLOPE_POWER_MAX);
    }
}

impl Bbr {
    /// StartProbeBW_DOWN.
    pub(super) fn start_probe_bw_down(&mut self, why: ProbeReason) {
        self.signals.reset();
        self.cycle.acked_per_inc = NO_BOUND;
        self.cycle.pick_wait();
        self.cycle.began_at = self.c.now;
        self.cycle.ack_phase = AckPhase::ProbeStopping;
        self.rounds.restart(self.c.delivered);
        self.enter(State::ProbeBwDown, why);
    }

    /// StartProbeBW_CRUISE.
    pub(super) fn start_probe_bw_cruise(&mut self, why: ProbeReason) {
        self.enter(State::ProbeBwCruise, why);
    }

    /// StartProbeBW_REFILL.
    pub(super) fn start_probe_bw_refill(&mut self, why: ProbeReason) {
        self.bounds.reset_shortterm();
        (self.cycle.up_rounds, self.cycle.acked_bytes) = (0, 0);
        self.cycle.prev_probe_precautionary = false;
        self.cycle.ack_phase = AckPhase::Refilling;
        self.rounds.restart(self.c.delivered);
        self.enter(State::ProbeBwRefill, why);
    }

    /// StartProbeBW_UP.
    fn start_probe_bw_up(&mut self, rs: &PathSample) {
        self.cycle.is_bw_probe_sample = true;
        self.cycle.ack_phase = AckPhase::ProbeStarting;
        self.rounds.restart(self.c.delivered);
        self.full_pipe.restart(rs.bytes_per_s);
        self.enter(State::ProbeBwUp, ProbeReason::Refilled);
        self.cycle.raise_slope(self.cwnd_bytes, self.c.mss);
    }

    /// UpdateProbeBWCyclePhase.
    pub(super) fn update_probe_bw(&mut self, measured: &Measured) {
        let rs = &measured.sample;
        if !self.full_pipe.is_reached() || self.adapt_long_term_model(measured) {
            return;
        }
        match self.state {
            State::ProbeBwDown | State::ProbeBwCruise => {
                if let Some(why) = self.is_time_to_probe() {
                    self.start_probe_bw_refill(why);
                } else if self.state == State::ProbeBwDown && self.is_time_to_cruise() {
                    self.start_probe_bw_cruise(ProbeReason::Drained);
                }
            }
            State::ProbeBwRefill if self.rounds.is_start() => self.start_probe_bw_up(rs),
            State::ProbeBwUp => {
                if let Some(why) = self.is_time_to_go_down(measured) {
                    self.cycle.prev_probe_too_high = false;
                    self.start_probe_bw_down(why);
                }
            }
            _ => {}
        }
    }

    /// IsTimeToProbeBW, with IsRenoCoexistenceProbeTime.
    fn is_time_to_probe(&self) -> Option<ProbeReason> {
        if self.cycle.has_waited(self.c.now) {
            return Some(ProbeReason::Waited);
        }
        // Reno grows by a segment a round.
        let reno_rounds = (self.target_in_flight_bytes() / self.c.mss).min(RENO_ROUNDS_MAX);
        (self.cycle.rounds_since_probe_up >= reno_rounds).then_some(ProbeReason::RenoRounds)
    }

    /// IsTimeToCruise.
    fn is_time_to_cruise(&self) -> bool {
        self.c.in_flight_bytes <= self.in_flight_with_headroom()
            && self.c.in_flight_bytes <= self.in_flight_for(self.max_bw.get(), Gain::ONE)
    }

    /// IsTimeToGoDown.
    fn is_time_to_go_down(&mut self, measured: &Measured) -> Option<ProbeReason> {
        let rs = &measured.sample;
        let longterm = self.bounds.inflight_longterm;
        // What was in flight before the acknowledgment, and a window lets out whole segments: closer it does not come.
        let reached = self.c.in_flight_bytes.saturating_add(measured.bytes).saturating_add(self.c.mss - 1);
        if self.cycle.prev_probe_too_high && reached >= longterm {
            self.cycle.prev_probe_precautionary = true;
            return Some(ProbeReason::Precaution);
        }
        if self.is_cwnd_limited() && self.cwnd_bytes >= longterm {
            // The bound is the limit of the rate: there is no plateau to be seen.
            self.full_pipe.restart(rs.bytes_per_s);
            return None;
        }
        self.full_pipe.is_now().then_some(ProbeReason::FullPipe)
    }

    /// AdaptLongTermModel: follows the probe through its acknowledgments and moves the long-term bound up. Says whether it
    /// changed the phase.
    fn adapt_long_term_model(&mut self, measured: &Measured) -> bool {
        let rs = &measured.sample;
        if self.cycle.ack_phase == AckPhase::ProbeStarting && self.rounds.is_start() {
            self.cycle.ack_phase = AckPhase::ProbeFeedback;
        }
        if self.cycle.ack_phase == AckPhase::ProbeStopping && self.rounds.is_start() {
            self.cycle.is_bw_probe_sample = false;
            self.cycle.ack_phase = AckPhase::Init;
            if self.state.is_probe_bw() && !rs.is_app_limited {
                self.max_bw.advance();
            }
            let did_no_harm = self.cycle.prev_probe_precautionary && !self.cycle.prev_probe_too_high;
            if self.state.is_probe_bw() && did_no_harm {
                self.start_probe_bw_refill(ProbeReason::DidNoHarm);
                return true;
            }
        }
        if is_too_high(rs, self.c.has_sack) || self.bounds.inflight_longterm == NO_BOUND {
            return false;
        }
        self.bounds.inflight_longterm = self.bounds.inflight_longterm.max(rs.sent_in_flight_bytes);
        if self.state == State::ProbeBwUp {
            self.raise_long_term_bound(measured.bytes);
        }
        false
    }

    /// ProbeInflightLongtermUpward.
    fn raise_long_term_bound(&mut self, newly_acked: u32) {
        if !self.is_cwnd_limited() || self.cwnd_bytes < self.bounds.inflight_longterm {
            return;
        }
        let mss = self.c.mss;
        let per_inc = self.cycle.acked_per_inc.max(1);
        let acked = self.cycle.acked_bytes.saturating_add(newly_acked);
        let longterm = self.bounds.inflight_longterm.saturating_add((acked / per_inc).saturating_mul(mss));
        self.bounds.inflight_longterm = longterm.min(NO_BOUND - 1);
        self.cycle.acked_bytes = acked % per_inc;
        if self.rounds.is_start() {
            self.cycle.raise_slope(self.cwnd_bytes, mss);
        }
    }
}
