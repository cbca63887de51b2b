//! The congestion window and its threshold, with the rules that all controllers of losses share: how slow start
//! meets the threshold, what a reduction starts from and where it stops, restart after idle, a smaller path MTU
//! (RFC 5681 §3.1 and §4.1, RFC 9438 §4.6, RFC 1191 §6.5).
//!
//! Not here: by how much a window grows.

use super::validation::Validation;
use super::{Congested, Reduction};
use crate::Instant;

/// An MSS that can be divided by and multiplied with, whatever was said.
pub(super) const fn sane_mss(mss: u32) -> u32 {
    // No packet carries more (RFC 2675 aside, which nobody sends).
    const MSS_MAX: u32 = 65_535;
    if mss == 0 {
        1
    } else if mss > MSS_MAX {
        MSS_MAX
    } else {
        mss
    }
}

/// A share of something, without floating point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) of: u32,
    pub(super) out_of: u32,
}

impl Share {
    /// That share of `bytes`, rounded down.
    pub(super) const fn of_bytes(self, bytes: u32) -> u32 {
        let share = bytes as u64 * self.of as u64 / self.out_of as u64;
        // A share is at most the whole.
        if share > bytes as u64 { bytes } else { share as u32 }
    }
}

/// The window, the threshold, and what both controllers count beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cwnd {
    pub(super) bytes: u32,
    pub(super) ssthresh_bytes: u32,
    /// What avoidance has counted and not turned into growth yet: always less than it takes for the next step.
    pub(super) counted_bytes: u32,
    validation: Validation,
}

impl Cwnd {
    /// No path holds more, and sums of two windows do not wrap.
    pub(super) const BYTES_MAX: u32 = 1 << 30;
    /// RFC 5681 §3.1: the initial ssthresh SHOULD be arbitrarily high.
    pub(super) const SSTHRESH_UNKNOWN: u32 = u32::MAX;

    pub(super) const fn new(initial_window_bytes: u32) -> Self {
        let bytes = match initial_window_bytes {
            0 => 1,
            1..=Self::BYTES_MAX => initial_window_bytes,
            _ => Self::BYTES_MAX,
        };
        Cwnd {
            bytes,
            ssthresh_bytes: Self::SSTHRESH_UNKNOWN,
            counted_bytes: 0,
            validation: Validation::new(),
        }
    }

    pub(super) const fn in_slow_start(&self) -> bool {
        self.bytes < self.ssthresh_bytes
    }

    /// The path's capacity was never met: this is the connection's first slow start.
    pub(super) const fn in_initial_slow_start(&self) -> bool {
        self.ssthresh_bytes == Self::SSTHRESH_UNKNOWN
    }

    pub(super) fn set(&mut self, bytes: u32) {
        self.bytes = bytes.min(Self::BYTES_MAX);
    }

    /// The window as another controller takes it over.
    pub(super) fn taken_over(self, mss: u32) -> Self {
        Cwnd { bytes: self.bytes.max(sane_mss(mss)), counted_bytes: 0, ..self }
    }

    /// One segment can always be sent.
    pub(super) fn raise_to(&mut self, mss: u32) {
        self.bytes = self.bytes.max(mss);
    }

    /// Opens the window in slow start, up to the threshold. Returns the bytes that avoidance may count.
    pub(super) fn open(&mut self, growth_bytes: u32) -> u32 {
        let opened = growth_bytes.min(self.ssthresh_bytes.saturating_sub(self.bytes));
        self.set(self.bytes.saturating_add(opened));
        growth_bytes - opened
    }

    /// What a reduction starts from: FlightSize, because a window that was not filled says nothing (RFC 5681 §3.1);
    /// where the window is not validated also what was delivered lately (RFC 7661 §4.4.1); never more than the
    /// window, so that a reduction cannot raise it.
    pub(super) fn used_bytes(&self, reduction: &Reduction, pipe_ack_bytes: Option<u32>) -> u32 {
        let delivered_bytes = pipe_ack_bytes.unwrap_or(0);
        reduction.in_flight_bytes.max(delivered_bytes).min(self.bytes)
    }

    /// Reduces to `reduced_bytes` or where a reduction stops. RFC 9438 §4.6: ssthresh at two segments; the window
    /// there too after a loss, but at one segment after a mark.
    pub(super) fn reduce(&mut self, reduced_bytes: u32, why: Congested, mss: u32) {
        let window_bytes_min = match why {
            Congested::Lost => 2 * mss,
            Congested::Marked => mss,
        };
        self.ssthresh_bytes = reduced_bytes.max(2 * mss);
        self.bytes = reduced_bytes.max(window_bytes_min).min(self.bytes.max(mss));
        self.counted_bytes = 0;
    }

    /// One segment, as after a timeout (RFC 5681 §3.1: the loss window).
    pub(super) fn collapse(&mut self, mss: u32) {
        self.bytes = mss;
        self.counted_bytes = 0;
    }

    /// The reduction was a mistake: back to what was `before` it, unless the window is larger by now
    /// (RFC 9438 §4.9.2). Says whether it went back.
    pub(super) fn undo(&mut self, before: Self) -> bool {
        let is_smaller = self.bytes < before.bytes;
        if is_smaller {
            *self = before;
        }
        is_smaller
    }

    /// RFC 1191 §6.5: slow start, but it was no congestion: back to where the window was.
    pub(super) fn on_mtu(&mut self, mss: u32) {
        self.ssthresh_bytes = self.ssthresh_bytes.max(self.bytes);
        self.collapse(mss);
    }

    /// RFC 5681 §4.1: the restart window is min(IW, cwnd).
    pub(super) fn restart(&mut self, restart_window_bytes: u32) {
        if restart_window_bytes < self.bytes {
            self.bytes = restart_window_bytes.max(1);
            self.counted_bytes = 0;
        }
    }

    /// Notes whether the window is in use, and lets it decay when it was not for long (RFC 7661 §4.4.3).
    pub(super) fn validate(&mut self, now: Instant, used: bool, initial_window_bytes: u32) {
        for _ in 0..self.validation.periods_passed(now, used) {
            let Some(decayed_bytes) = Validation::decayed(self.bytes, initial_window_bytes.max(1)) else {
                return;
            };
            // What was sustained safely is remembered.
            self.ssthresh_bytes = self.ssthresh_bytes.max(self.bytes / 4 * 3);
            self.bytes = decayed_bytes;
            self.counted_bytes = 0;
        }
    }
}
