//! Whether the congestion window was the limit: only a window that is used may grow (RFC 9438 §4.1,
//! RFC 7661 §1).
//!
//! Judged over the last round trip, and before an acknowledgment opens the window: what follows the first of a
//! batch of acknowledgments would look unused otherwise.

use wire::Seq;

/// The largest flight of this round trip and of the one before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    round_end: Seq,
    largest_bytes: u32,
    largest_before: u32,
    was_limited: bool,
    was_limited_before: bool,
}

impl Usage {
    pub(crate) fn new(next: Seq) -> Self {
        Usage {
            round_end: next,
            largest_bytes: 0,
            largest_before: 0,
            was_limited: false,
            was_limited_before: false,
        }
    }

    /// So much is in flight after a transmission.
    #[inline]
    pub(crate) fn on_sent(&mut self, in_flight_bytes: u32) {
        self.largest_bytes = self.largest_bytes.max(in_flight_bytes);
    }

    /// There was more to send than the window allows.
    #[inline]
    pub(crate) fn on_limited(&mut self) {
        self.was_limited = true;
    }

    /// Everything before `una` is acknowledged, `nxt` is next to be sent.
    pub(crate) fn on_acked(&mut self, una: Seq, nxt: Seq) {
        if una.at_or_after(self.round_end) {
            self.round_end = nxt;
            self.largest_before = core::mem::take(&mut self.largest_bytes);
            self.was_limited_before = core::mem::take(&mut self.was_limited);
        }
    }

    /// Whether the window was the limit: in slow start half of it in use is enough, because it doubles.
    pub(crate) fn is_window_limited(&self, cwnd_bytes: u32, mss: u32, is_slow_start: bool) -> bool {
        let largest = self.largest_bytes.max(self.largest_before);
        let used = if is_slow_start { cwnd_bytes / 2 } else { cwnd_bytes.saturating_sub(mss) };
        self.was_limited || self.was_limited_before || largest >= used
    }
}

#[cfg(test)]
mod tests;
