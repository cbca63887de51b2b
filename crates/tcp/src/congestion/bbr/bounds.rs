//! How much the path is believed to bear (§ "Updating the Model Upon Packet Loss"): the short-term bounds follow what was
//! delivered in rounds with losses, the long-term bound what was in flight when a probe went too far.

use super::gain::Gain;
use super::{Bbr, NO_BOUND};
use crate::sender::PathSample;

/// BBR.Beta: a round with losses lowers the short-term bounds by no more.
pub(super) const BETA: Gain = Gain::percent(70);
/// BBR.Headroom: the part of the long-term bound that is left to others.
const HEADROOM: Gain = Gain::percent(15);

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// BBR.bw_shortterm.
    pub(super) bw_shortterm: u64,
    /// BBR.inflight_shortterm.
    pub(super) inflight_shortterm: u32,
    /// BBR.inflight_longterm.
    pub(super) inflight_longterm: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { bw_shortterm: u64::MAX, inflight_shortterm: NO_BOUND, inflight_longterm: NO_BOUND }
    }
}

impl Bounds {
    /// ResetShortTermModel.
    pub(super) fn reset_shortterm(&mut self) {
        (self.bw_shortterm, self.inflight_shortterm) = (u64::MAX, NO_BOUND);
    }
}

impl Bbr {
    /// AdaptLowerBoundsFromCongestion: once a round, unless the sender itself is the cause, or so little was lost that it is
    /// no evidence ([`super::losses::Signals::lowers_bounds`]).
    pub(super) fn adapt_lower_bounds(&mut self, rs: &PathSample) {
        if self.state.is_probing() || !self.signals.lowers_bounds(rs) {
            return;
        }
        let (latest_bw, latest_in_flight) = self.signals.latest();
        let Bounds { bw_shortterm, inflight_shortterm, .. } = &mut self.bounds;
        // InitLowerBounds.
        if *bw_shortterm == u64::MAX {
            *bw_shortterm = self.max_bw.get();
        }
        if *inflight_shortterm == NO_BOUND {
            *inflight_shortterm = self.cwnd_bytes;
        }
        // LossLowerBounds.
        *bw_shortterm = latest_bw.max(BETA.of_rate(*bw_shortterm));
        *inflight_shortterm = latest_in_flight.max(BETA.of_bytes(*inflight_shortterm));
    }

    /// BoundBWForModel.
    pub(super) fn bound_bw(&mut self) {
        self.bw = self.max_bw.get().min(self.bounds.bw_shortterm);
    }

    /// InflightWithHeadroom.
    pub(super) fn in_flight_with_headroom(&self) -> u32 {
        let longterm = self.bounds.inflight_longterm;
        if longterm == NO_BOUND {
            return NO_BOUND;
        }
        let headroom = HEADROOM.of_bytes(longterm).max(self.c.mss);
        longterm.saturating_sub(headroom).max(self.min_pipe_cwnd_bytes())
    }
}
