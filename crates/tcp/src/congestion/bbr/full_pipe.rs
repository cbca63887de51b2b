//! Whether the pipe is full: the delivery rate has stopped growing although more is sent
//! (§ "Exiting Acceleration Based on Bandwidth Plateau").

use super::gain::Gain;
use crate::sender::PathSample;

/// By how much the rate has to grow in a round to be growing.
const GROWTH: Gain = Gain::percent(125);
/// Rounds without that much growth that make a plateau: fewer may be a receive window that is about to grow.
const ROUNDS: u8 = 3;

/// The full-pipe estimator.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FullPipe {
    /// BBR.full_bw: the rate that is to be exceeded.
    full_bw: u64,
    /// BBR.full_bw_count.
    count: u8,
    /// BBR.full_bw_now: since the search began last.
    is_now: bool,
    /// BBR.full_bw_reached: ever.
    is_reached: bool,
}

impl FullPipe {
    /// BBR.full_bw_now.
    pub(super) fn is_now(&self) -> bool {
        self.is_now
    }

    /// BBR.full_bw_reached.
    pub(super) fn is_reached(&self) -> bool {
        self.is_reached
    }

    /// BBR.full_bw_count.
    #[cfg(test)]
    pub(super) fn count(&self) -> u8 {
        self.count
    }

    /// ResetFullBW; the search begins at this rate.
    pub(super) fn restart(&mut self, full_bw: u64) {
        *self = FullPipe { full_bw, is_reached: self.is_reached, ..FullPipe::default() };
    }

    /// The rate is not the sign: losses are.
    pub(super) fn set_full(&mut self) {
        (self.is_now, self.is_reached) = (true, true);
    }

    /// It was no sign after all.
    pub(super) fn forget(&mut self) {
        self.is_reached = false;
    }

    /// CheckFullBWReached. A round whose rate could not be measured says nothing, which is also why a handshake cannot
    /// fill the pipe.
    pub(super) fn check(&mut self, is_round_start: bool, rs: &PathSample) {
        if self.is_now || !is_round_start || rs.is_app_limited || rs.bytes_per_s == 0 {
            return;
        }
        if rs.bytes_per_s >= GROWTH.of_rate(self.full_bw) {
            self.restart(rs.bytes_per_s);
            return;
        }
        self.count += 1;
        if self.count >= ROUNDS {
            self.set_full();
        }
    }
}
