//! Standard slow start and additive increase (RFC 5681 §3.1), counted in bytes (RFC 3465).

use super::cwnd::{Cwnd, Share, sane_mss};
use super::rounds::Rounds;
use super::validation::Validation;
use super::{Acked, Congested, Controller, Growth, Reduction, slow_start};
use crate::Instant;
use alloc::boxed::Box;

/// The classic controller: twice the window each round trip up to ssthresh, then one segment more.
#[derive(Clone, Debug)]
pub(crate) struct NewReno {
    cwnd: Cwnd,
    rounds: Option<Box<Rounds>>,
}

impl NewReno {
    /// RFC 5681 equation (4).
    const BETA_LOSS: Share = Share { of: 1, out_of: 2 };
    /// RFC 8511 §3: a mark says less than a loss, because it comes before the queue is full.
    const BETA_MARK: Share = Share { of: 4, out_of: 5 };

    pub(super) fn new(initial_window_bytes: u32) -> Self {
        NewReno::with(Cwnd::new(initial_window_bytes))
    }

    /// Takes over from another controller.
    pub(super) fn with(cwnd: Cwnd) -> Self {
        NewReno { cwnd, rounds: None }
    }

    pub(super) fn cwnd(&self) -> Cwnd {
        self.cwnd
    }

    #[cfg(test)]
    pub(super) fn owns_heap(&self) -> bool {
        self.rounds.is_some()
    }

    fn grow(&mut self, acked: &Acked, mss: u32) {
        let counted_bytes = if self.cwnd.in_slow_start() {
            self.cwnd.open(slow_start::standard_growth_bytes(acked))
        } else {
            acked.bytes
        };
        // RFC 3465 §2.1: one segment for each window of acknowledged bytes, and one at a time.
        let counted_bytes = self.cwnd.counted_bytes.saturating_add(counted_bytes);
        if counted_bytes < self.cwnd.bytes {
            self.cwnd.counted_bytes = counted_bytes;
            return;
        }
        self.cwnd.counted_bytes = (counted_bytes - self.cwnd.bytes).min(self.cwnd.bytes);
        self.cwnd.set(self.cwnd.bytes + mss);
    }
}

impl Controller for NewReno {
    fn cwnd_bytes(&self) -> u32 {
        self.cwnd.bytes
    }

    fn ssthresh_bytes(&self) -> u32 {
        self.cwnd.ssthresh_bytes
    }

    fn on_acked(&mut self, acked: &Acked) {
        let mss = sane_mss(acked.mss);
        self.cwnd.raise_to(mss);
        if acked.recovering {
            return;
        }
        if acked.cwnd_limited {
            self.grow(acked, mss);
        }
        if self.rounds.is_none() {
            self.rounds = Rounds::begin(acked, self.cwnd.bytes).map(Box::new);
        }
        let validated = self.rounds.as_mut().is_some_and(|rounds| {
            rounds.on_acked(acked);
            rounds.validates(acked.now, self.cwnd.bytes)
        });
        self.cwnd.validate(acked.now, acked.cwnd_limited || validated, Validation::initial_window_bytes(mss));
    }

    fn on_congestion(&mut self, reduction: &Reduction) {
        let pipe_ack_bytes =
            self.rounds.as_ref().and_then(|rounds| rounds.pipe_ack_bytes(reduction, self.cwnd.bytes));
        let beta = match reduction.why {
            // RFC 8511 §4 does not recommend its factor in slow start.
            Congested::Marked if !self.cwnd.in_slow_start() => Self::BETA_MARK,
            Congested::Marked | Congested::Lost => Self::BETA_LOSS,
        };
        let reduced_bytes = beta.of_bytes(self.cwnd.used_bytes(reduction, pipe_ack_bytes));
        self.cwnd.reduce(reduced_bytes, reduction.why, sane_mss(reduction.mss));
        if let Some(rounds) = &mut self.rounds {
            rounds.on_congestion(reduction.now);
        }
    }

    fn on_timeout(&mut self, reduction: &Reduction, again: bool) {
        if !again {
            self.on_congestion(reduction);
        }
        self.cwnd.collapse(sane_mss(reduction.mss));
    }

    fn on_undo(&mut self, before: &Self, _now: Instant) {
        self.cwnd.undo(before.cwnd);
    }

    fn on_idle(&mut self, _now: Instant, initial_window_bytes: u32) {
        self.cwnd.restart(initial_window_bytes);
    }

    fn on_resumed(&mut self, now: Instant, initial_window_bytes: u32) {
        self.cwnd.validate(now, false, initial_window_bytes);
    }

    fn on_quiet(&mut self, _now: Instant) {
        self.rounds = None;
    }

    fn on_mtu(&mut self, mss: u32) {
        self.cwnd.on_mtu(sane_mss(mss));
    }

    fn explain(&self) -> Growth {
        if self.cwnd.in_slow_start() { Growth::SlowStart } else { Growth::Linear }
    }
}

#[cfg(test)]
mod tests;
