//! Slow start: standard (RFC 5681 §3.1 with the byte counting of RFC 3465) and HyStart++ (RFC 9406).
//!
//! HyStart++ watches the least round-trip time of each round. When it rises, the queue is filling: the window then
//! grows by a quarter only, for five rounds at most, and slow start resumes if the rise was jitter. It is a predicate
//! and a divisor; the window is the controller's.

use super::Acked;

/// By how much an acknowledgment opens the window in standard slow start.
pub(super) fn standard_growth_bytes(acked: &Acked) -> u32 {
    acked.bytes.min(acked.growth_bytes_max)
}

/// Whether to remain in slow start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Go on, fast or slowly.
    Stay,
    /// Round trips stayed long: the window is large enough.
    Leave,
}

/// What HyStart++ knows of one slow start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HyStart {
    last_round_min_rtt_ns: u64,
    current_round_min_rtt_ns: u64,
    /// The round-trip time at which slow start became conservative; infinite while it is not.
    css_baseline_min_rtt_ns: u64,
    samples: u8,
    css_rounds: u8,
    /// Bytes that were divided and left over: acknowledgments of a few bytes count too.
    remainder_bytes: u8,
}

impl HyStart {
    // RFC 9406 §4.3, in its words.
    const MIN_RTT_THRESH_NS: u64 = 4_000_000;
    const MAX_RTT_THRESH_NS: u64 = 16_000_000;
    const MIN_RTT_DIVISOR: u64 = 8;
    const N_RTT_SAMPLE: u8 = 8;
    const CSS_GROWTH_DIVISOR: u32 = 4;
    const CSS_ROUNDS: u8 = 5;
    /// Segments by which one acknowledgment may open the window when the sender does not pace.
    const L_UNPACED: u32 = 8;
    const INFINITE: u64 = u64::MAX;

    pub(super) const fn new() -> Self {
        HyStart {
            last_round_min_rtt_ns: Self::INFINITE,
            current_round_min_rtt_ns: Self::INFINITE,
            css_baseline_min_rtt_ns: Self::INFINITE,
            samples: 0,
            css_rounds: 0,
            remainder_bytes: 0,
        }
    }

    /// Conservative slow start (CSS).
    pub(super) const fn is_conservative(&self) -> bool {
        self.css_baseline_min_rtt_ns != Self::INFINITE
    }

    /// The limit L: pacing takes care of bursts (RFC 9406 §4.3).
    pub(super) fn limited_growth_bytes(acked: &Acked, mss: u32) -> u32 {
        let bytes = standard_growth_bytes(acked);
        if acked.paced { bytes } else { bytes.min(Self::L_UNPACED * mss) }
    }

    /// By how much an acknowledgment opens the window.
    pub(super) fn growth_bytes(&mut self, acked: &Acked, mss: u32) -> u32 {
        let bytes = Self::limited_growth_bytes(acked, mss);
        if !self.is_conservative() {
            return bytes;
        }
        let bytes = bytes.saturating_add(u32::from(self.remainder_bytes));
        self.remainder_bytes = (bytes % Self::CSS_GROWTH_DIVISOR) as u8;
        bytes / Self::CSS_GROWTH_DIVISOR
    }

    /// The round-trip time of an acknowledgment, and whether it ended a round.
    pub(super) fn on_acked(&mut self, rtt_ns: Option<u64>, round_ended: bool) -> Verdict {
        if let Some(rtt_ns) = rtt_ns {
            self.current_round_min_rtt_ns = self.current_round_min_rtt_ns.min(rtt_ns);
            self.samples = self.samples.saturating_add(1);
            self.judge();
        }
        if round_ended { self.next_round() } else { Verdict::Stay }
    }

    fn judge(&mut self) {
        if self.samples < Self::N_RTT_SAMPLE {
            return;
        }
        if self.is_conservative() {
            if self.current_round_min_rtt_ns < self.css_baseline_min_rtt_ns {
                self.css_baseline_min_rtt_ns = Self::INFINITE;
                self.css_rounds = 0;
            }
            return;
        }
        if self.last_round_min_rtt_ns == Self::INFINITE {
            return;
        }
        let threshold_ns = (self.last_round_min_rtt_ns / Self::MIN_RTT_DIVISOR)
            .clamp(Self::MIN_RTT_THRESH_NS, Self::MAX_RTT_THRESH_NS);
        if self.current_round_min_rtt_ns >= self.last_round_min_rtt_ns.saturating_add(threshold_ns) {
            self.css_baseline_min_rtt_ns = self.current_round_min_rtt_ns;
        }
    }

    fn next_round(&mut self) -> Verdict {
        self.last_round_min_rtt_ns = self.current_round_min_rtt_ns;
        self.current_round_min_rtt_ns = Self::INFINITE;
        self.samples = 0;
        if self.is_conservative() {
            // The round in which it became conservative counts, though it is a part of one.
            self.css_rounds += 1;
            if self.css_rounds >= Self::CSS_ROUNDS {
                return Verdict::Leave;
            }
        }
        Verdict::Stay
    }
}

#[cfg(test)]
mod tests;
