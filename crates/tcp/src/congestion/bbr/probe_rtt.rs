//! ProbeRTT: half of what the path holds for 200 ms, so that the round trip can be seen without a queue (§ "ProbeRTT").

use super::probe_bw::AckPhase;
use super::{Bbr, ProbeReason, State};
use crate::Instant;
use core::time::Duration;

/// BBR.ProbeRTTInterval. Flows that share a path meet in it, so it is the same for all.
pub(super) const PROBE_RTT_INTERVAL: Duration = Duration::from_secs(5);
/// BBR.ProbeRTTDuration.
const PROBE_RTT_DURATION: Duration = Duration::from_millis(200);

/// How far it has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProbeRtt {
    /// BBR.probe_rtt_done_stamp: set once little enough is in flight.
    done_at: Option<Instant>,
    /// BBR.probe_rtt_round_done.
    round_done: bool,
}

impl Bbr {
    /// CheckProbeRTT.
    pub(super) fn check_probe_rtt(&mut self, is_expired: bool) {
        if self.state != State::ProbeRtt && is_expired && !self.is_idle_restart {
            self.enter(State::ProbeRtt, ProbeReason::RttIsOld);
            self.save_cwnd();
            self.probe_rtt = ProbeRtt::default();
            self.cycle.ack_phase = AckPhase::ProbeStopping;
            self.rounds.restart(self.c.delivered);
        }
        if self.state == State::ProbeRtt {
            self.handle_probe_rtt();
        }
    }

    /// HandleProbeRTT.
    fn handle_probe_rtt(&mut self) {
        if self.probe_rtt.done_at.is_none() {
            if self.c.in_flight_bytes <= self.probe_rtt_cwnd() {
                self.probe_rtt =
                    ProbeRtt { done_at: Some(self.c.now + PROBE_RTT_DURATION), round_done: false };
                self.rounds.restart(self.c.delivered);
            }
            return;
        }
        self.probe_rtt.round_done |= self.rounds.is_start();
        if self.probe_rtt.round_done {
            self.check_probe_rtt_done();
        }
    }

    /// CheckProbeRTTDone.
    pub(super) fn check_probe_rtt_done(&mut self) {
        if self.probe_rtt.done_at.is_none_or(|done_at| self.c.now <= done_at) {
            return;
        }
        self.min_rtt.on_probed(self.c.now);
        self.restore_cwnd();
        // ExitProbeRTT.
        self.bounds.reset_shortterm();
        if self.full_pipe.is_reached() {
            self.start_probe_bw_down(ProbeReason::RttMeasured);
            self.start_probe_bw_cruise(ProbeReason::RttMeasured);
        } else {
            self.enter_startup(ProbeReason::RttMeasured);
        }
    }
}
