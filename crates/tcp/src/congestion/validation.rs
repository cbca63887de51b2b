//! Whether the window is in use, and what becomes of one that is not (RFC 7661).
//!
//! pipeACK is what was delivered within a recent round trip. A window of which less than half was used is not
//! validated: it does not grow (the sender says so with every acknowledgment), it decays after five minutes, and
//! a loss reduces from what was delivered lately if that is more than what is in flight at that moment.
//!
//! Not here: R of RFC 7661 §4.4.1 (bytes sent again), because PRR bounds what a recovery sends.

use crate::Instant;
use core::time::Duration;

/// Since when the window has not been in use. Four bytes: an idle connection keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validation {
    /// The last second at which it was; 0: nothing was acknowledged yet.
    used_at_s: u32,
}

impl Validation {
    /// RFC 7661 §4.4: the non-validated period SHOULD NOT exceed five minutes.
    const PERIOD_S: u32 = 300;

    pub(super) const fn new() -> Self {
        Validation { used_at_s: 0 }
    }

    /// How many non-validated periods have passed that were not reported before.
    pub(super) fn periods_passed(&mut self, now: Instant, used: bool) -> u32 {
        let now_s = u32::try_from(now.as_secs()).unwrap_or(u32::MAX).max(1);
        if used || self.used_at_s == 0 {
            self.used_at_s = now_s;
            return 0;
        }
        let periods = now_s.saturating_sub(self.used_at_s) / Self::PERIOD_S;
        self.used_at_s += periods * Self::PERIOD_S;
        periods
    }

    /// RFC 7661 §4.4.3: half of it, or the initial window; `None`: it is no larger than that.
    pub(super) fn decayed(cwnd_bytes: u32, initial_window_bytes: u32) -> Option<u32> {
        (cwnd_bytes > initial_window_bytes).then(|| (cwnd_bytes / 2).max(initial_window_bytes))
    }

    /// The initial window of RFC 6928 §2, where only the MSS is known.
    pub(super) fn initial_window_bytes(mss: u32) -> u32 {
        (10 * mss).min((2 * mss).max(14_600))
    }
}

/// pipeACK: the most that was delivered within one round trip of late (RFC 7661 §4.2), in two buckets of half
/// a sampling period each.
#[derive(Clone, Copy, Debug)]
pub(super) struct PipeAck {
    previous_bytes: u32,
    current_bytes: u32,
    /// When the current bucket began.
    since: Instant,
    /// How long a bucket lasts.
    bucket: Duration,
}

impl PipeAck {
    // RFC 7661 §4.2: the sampling period is max(3 RTT, 1 s). A bucket is half of it.
    const PERIOD_RTTS: u32 = 3;
    const BUCKET_MIN: Duration = Duration::from_millis(500);

    pub(super) const fn new(now: Instant) -> Self {
        PipeAck { previous_bytes: 0, current_bytes: 0, since: now, bucket: Self::BUCKET_MIN }
    }

    /// So many bytes were delivered within the round trip that ends now.
    pub(super) fn on_round(&mut self, now: Instant, delivered_bytes: u32, srtt_us: u32) {
        let age = now.since(self.since);
        if age >= self.bucket * 2 {
            *self = PipeAck { bucket: self.bucket, ..PipeAck::new(now) };
        } else if age >= self.bucket {
            self.previous_bytes = self.current_bytes;
            self.current_bytes = 0;
            // Not now: a late round must not keep the previous bucket for longer than the period.
            self.since += self.bucket;
        }
        let rtts = Duration::from_micros(u64::from(srtt_us)) * Self::PERIOD_RTTS;
        self.bucket = (rtts / 2).max(Self::BUCKET_MIN);
        self.current_bytes = self.current_bytes.max(delivered_bytes);
    }

    /// Everything measured so far is void: a reduction changes what it was compared with.
    pub(super) fn forget(&mut self, now: Instant) {
        *self = PipeAck::new(now);
    }

    /// The value, if anything was measured within the sampling period.
    pub(super) fn bytes(&self, now: Instant) -> Option<u32> {
        let age = now.since(self.since);
        let bytes = if age < self.bucket {
            self.current_bytes.max(self.previous_bytes)
        } else if age < self.bucket * 2 {
            self.current_bytes
        } else {
            0
        };
        (bytes > 0).then_some(bytes)
    }

    /// RFC 7661 §4.3: at least half of the window was used, or nothing is known yet.
    pub(super) fn validates(&self, now: Instant, cwnd_bytes: u32) -> bool {
        self.bytes(now).is_none_or(|bytes| bytes >= cwnd_bytes / 2)
    }
}

#[cfg(test)]
mod tests;
