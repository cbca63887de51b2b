//! The controls: pacing rate, quantum and window (§ "Updating Control Parameters").

use super::{Bbr, Gain, NO_BOUND, Rate, State};
use crate::congestion::cwnd::Cwnd;

/// BBR.PacingMarginPercent: a little slower than the path, so that queues drain.
const PACING_MARGIN: Gain = Gain::percent(99);
/// How long a round trip is assumed to take before one was measured.
const RTT_US_UNKNOWN: u64 = 1_000;
/// Quanta that host and peer may hold: one in the queue below, one being cut, one not yet acknowledged (§ "TCP Offload
/// Budget").
const OFFLOAD_QUANTA: u32 = 3;

impl Bbr {
    /// InitPacingRate: the initial window within a round trip, or the window that was taken over.
    pub(super) fn initial_pacing_rate(&self) -> u64 {
        let rtt_us = self.c.srtt_us.map_or(RTT_US_UNKNOWN, |srtt_us| u64::from(srtt_us.max(1)));
        let nominal = u64::from(self.cwnd_bytes) * 1_000_000 / rtt_us;
        State::Startup.pacing_gain().of_rate(nominal).max(1)
    }

    /// SetPacingRateWithGain.
    pub(super) fn set_pacing_rate(&mut self, gain: Gain) {
        let rate = PACING_MARGIN.of_rate(gain.of_rate(self.bw));
        let current = if self.pacing_rate == 0 { self.initial_pacing_rate() } else { self.pacing_rate };
        if rate > 0 && (self.full_pipe.is_reached() || rate > current) {
            self.pacing_rate = rate;
        }
    }

    /// C.send_quantum, which is the pacer's burst.
    pub(super) fn send_quantum_bytes(&self) -> u32 {
        let rate = if self.pacing_rate == 0 { self.initial_pacing_rate() } else { self.pacing_rate };
        Rate::bytes_per_s(rate).burst_bytes(self.c.mss)
    }

    /// QuantizationBudget.
    fn with_quanta(&self, in_flight_bytes: u32) -> u32 {
        let offload_budget = OFFLOAD_QUANTA * self.send_quantum_bytes();
        let bytes = in_flight_bytes.max(offload_budget).max(self.min_pipe_cwnd_bytes());
        if self.state == State::ProbeBwUp { bytes.saturating_add(2 * self.c.mss) } else { bytes }
    }

    /// Inflight.
    pub(super) fn in_flight_for(&self, bw: u64, gain: Gain) -> u32 {
        self.with_quanta(self.bdp_of(bw, gain))
    }

    /// UpdateMaxInflight.
    pub(super) fn max_in_flight(&self) -> u32 {
        let bytes = self.bdp_of(self.bw, self.state.cwnd_gain());
        self.with_quanta(bytes.saturating_add(self.aggregation.extra_bytes()))
    }

    /// SetCwnd.
    pub(super) fn set_cwnd(&mut self, newly_acked: u32) {
        let max_in_flight = self.max_in_flight();
        let grown = self.cwnd_bytes.saturating_add(newly_acked).min(Cwnd::BYTES_MAX);
        if self.full_pipe.is_reached() {
            self.cwnd_bytes = grown.min(max_in_flight);
        } else if self.cwnd_bytes < max_in_flight || self.delivered_at_first < self.initial_cwnd_bytes {
            self.cwnd_bytes = grown;
        }
        self.cwnd_bytes = self.cwnd_bytes.max(self.min_pipe_cwnd_bytes());
        if self.state == State::ProbeRtt {
            self.cwnd_bytes = self.cwnd_bytes.min(self.probe_rtt_cwnd());
        }
        self.bound_cwnd();
    }

    /// A window that is restored outside of an acknowledgment's turn is bounded at once.
    pub(super) fn bound_restored_cwnd(&mut self) {
        if self.full_pipe.is_reached() {
            self.cwnd_bytes = self.cwnd_bytes.min(self.max_in_flight());
        }
        if self.state == State::ProbeRtt {
            self.cwnd_bytes = self.cwnd_bytes.min(self.probe_rtt_cwnd());
        }
        self.bound_cwnd();
    }

    /// BoundCwndForModel.
    fn bound_cwnd(&mut self) {
        let cap = match self.state {
            State::ProbeBwDown | State::ProbeBwRefill | State::ProbeBwUp => self.bounds.inflight_longterm,
            State::ProbeRtt | State::ProbeBwCruise => self.in_flight_with_headroom(),
            State::Startup | State::Drain => NO_BOUND,
        };
        let cap = cap.min(self.bounds.inflight_shortterm).max(self.min_pipe_cwnd_bytes());
        self.cwnd_bytes = self.cwnd_bytes.min(cap);
    }

    /// ProbeRTTCwnd.
    pub(super) fn probe_rtt_cwnd(&self) -> u32 {
        self.bdp_of(self.bw, State::ProbeRtt.cwnd_gain()).max(self.min_pipe_cwnd_bytes())
    }

    /// SaveCwnd: the last window that neither a recovery nor ProbeRTT has made smaller.
    pub(super) fn save_cwnd(&mut self) {
        let is_modulated = self.signals.is_recovering() || self.state == State::ProbeRtt;
        let least = if is_modulated { self.prior_cwnd_bytes } else { 0 };
        self.prior_cwnd_bytes = self.cwnd_bytes.max(least);
    }

    /// RestoreCwnd.
    pub(super) fn restore_cwnd(&mut self) {
        self.cwnd_bytes = self.cwnd_bytes.max(self.prior_cwnd_bytes);
    }
}
