//! Startup and Drain: twice the rate each round until the pipe is full, then half of it until the queue is gone
//! (§ "Startup", "Drain").

use super::{Bbr, Gain, ProbeReason, State};
use crate::sender::PathSample;

/// After so many rounds Drain ends even if more is in flight than the model says the path holds.
const DRAIN_ROUNDS_MAX: u32 = 3;

impl Bbr {
    /// EnterStartup.
    pub(super) fn enter_startup(&mut self, why: ProbeReason) {
        self.enter(State::Startup, why);
    }

    /// CheckStartupDone.
    pub(super) fn check_startup_done(&mut self, rs: &PathSample) {
        if self.state != State::Startup {
            return;
        }
        if self.full_pipe.is_reached() {
            self.enter_drain(ProbeReason::FullPipe);
        } else if self.signals.is_startup_full(rs, self.c.has_sack) {
            self.leave_startup(ProbeReason::HighLoss);
        }
    }

    /// Losses or marks say that the pipe is full (CheckStartupHighLoss).
    pub(super) fn leave_startup(&mut self, why: ProbeReason) {
        self.undo.note(State::Startup);
        self.full_pipe.set_full();
        let (_, latest_in_flight) = self.signals.latest();
        self.bounds.inflight_longterm = self.bdp_bytes().max(latest_in_flight);
        self.enter_drain(why);
    }

    fn enter_drain(&mut self, why: ProbeReason) {
        self.drain_start_round = self.rounds.count();
        self.enter(State::Drain, why);
    }

    /// CheckDrainDone.
    pub(super) fn check_drain_done(&mut self) {
        if self.state != State::Drain {
            return;
        }
        if self.c.in_flight_bytes <= self.in_flight_for(self.bw, Gain::ONE) {
            self.start_probe_bw_down(ProbeReason::Drained);
        } else if self.rounds.count().wrapping_sub(self.drain_start_round) > DRAIN_ROUNDS_MAX {
            self.start_probe_bw_down(ProbeReason::TookTooLong);
        }
    }
}
