//! When the next burst may leave, so that a window is spread over its round trip.
//!
//! The rate is the controller's, or follows from window and round-trip time as Linux has it: twice the window a
//! round trip while it doubles, 1.2 times later. A burst is what a millisecond of that rate carries, at least
//! two segments, at most 64 KB: super-segments shrink with the rate. Below a round trip of
//! [`SRTT_US_MIN`] a window is not worth spreading. L4S senders pace always, exactly and in smaller bursts.
//!
//! Time in which nothing could leave is made up for, within bounds: half a millisecond of it because clocks are coarse,
//! and what two segments take, because an acknowledgment may be lost and the next one stands for both. Where it was the
//! pacer for which the text waited, all of the time after that is the driver's delay, on a machine that is busy with
//! other programs: up to ten milliseconds of it are made up for, since the path has stood idle meanwhile. Otherwise a
//! controller that goes by measured rates would take a busy machine for a slow path.

use crate::Instant;

/// Round trips shorter than this are not paced: timers and the kernel's scheduler cost more than bursts do.
pub(crate) const SRTT_US_MIN: u32 = 1_500;
/// The largest burst: what one super-segment can carry.
const BURST_BYTES_MAX: u64 = 65_535;
const NS_PER_S: u64 = 1_000_000_000;

/// The clock of the next burst.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pacer {
    /// When what has been sent is paid for.
    next_at: Instant,
    /// What may still leave with the burst that has begun.
    left_bytes: u32,
    /// What is left of the driver's delay to make up for, in nanoseconds of the rate.
    late_ns: u32,
    /// When the burst began.
    began_at: Instant,
    /// Somebody waits for `next_at`.
    is_awaited: bool,
}

/// How much may leave at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grain {
    /// What a burst carries, in nanoseconds of the rate.
    burst_ns: u64,
    /// And at least so many segments.
    segments_min: u32,
    /// How much silence is made up for whatever its reason, in nanoseconds of the rate.
    silence_ns_max: u64,
    /// What is made up for after a longer silence, in segments.
    reserve_segments: u32,
    /// By how much a driver that is late may catch up, in nanoseconds of the rate.
    late_ns_max: u32,
}

impl Grain {
    const USUAL: &Grain = &Grain {
        burst_ns: 1_000_000,
        segments_min: 2,
        silence_ns_max: 500_000,
        // What an acknowledgment stands for as a rule (RFC 9293 §3.8.6.3, SHLD-19): without this much in reserve the
        // loss of one would slow the sender for half a round trip, because it catches up by a fifth of its rate only.
        reserve_segments: 2,
        // Some slices of a busy processor's time.
        late_ns_max: 10_000_000,
    };

    /// RFC 9331 §4.3, item 7: a burst of an L4S sender is expected to take 250 us at most.
    const FINE: &Grain = &Grain {
        burst_ns: 250_000,
        segments_min: 1,
        silence_ns_max: 250_000,
        reserve_segments: 1,
        late_ns_max: 250_000,
    };
}

/// How fast to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    bytes_per_s: u64,
    grain: &'static Grain,
}

impl Rate {
    pub(crate) fn bytes_per_s(bytes_per_s: u64) -> Self {
        Rate { bytes_per_s: bytes_per_s.max(1), grain: Grain::USUAL }
    }

    /// The same rate in bursts that hardly queue.
    pub(crate) fn in_small_bursts(self) -> Self {
        Rate { grain: Grain::FINE, ..self }
    }

    /// What spreads a window: `gain_percent` of it each round trip.
    pub(crate) fn of_window(window_bytes: u32, srtt_us: u32, gain_percent: u32) -> Self {
        Rate::bytes_per_s(
            u64::from(window_bytes) * u64::from(gain_percent) * 10_000 / u64::from(srtt_us.max(1)),
        )
    }

    pub(crate) fn get(self) -> u64 {
        self.bytes_per_s
    }

    /// What leaves at once.
    pub(crate) fn burst_bytes(self, mss: u32) -> u32 {
        let &Grain { burst_ns, segments_min, .. } = self.grain;
        let burst = (self.bytes_per_s / (NS_PER_S / burst_ns)).min(BURST_BYTES_MAX) as u32;
        (burst - burst % mss.max(1)).max(segments_min * mss)
    }

    /// How much silence is made up for.
    fn reserve_ns(self, silence_ns: u64, mss: u32) -> u64 {
        let &Grain { silence_ns_max, reserve_segments, .. } = self.grain;
        if silence_ns <= silence_ns_max {
            return silence_ns;
        }
        silence_ns.min(self.nanos_for(reserve_segments * mss).max(silence_ns_max))
    }

    fn nanos_for(self, bytes: u32) -> u64 {
        u64::from(bytes) * NS_PER_S / self.bytes_per_s
    }
}

impl Pacer {
    /// For a flight that begins now: earlier silence earns nothing.
    pub(crate) fn new(now: Instant) -> Self {
        Pacer { next_at: now, ..Pacer::default() }
    }

    /// Whether something may leave now, and how much; else when. What left at a slower rate is forgiven as far as
    /// it would hold back more than a burst of this one.
    pub(crate) fn may(&mut self, now: Instant, rate: Rate, mss: u32) -> Result<u32, Instant> {
        if self.begins_anew(now) {
            if self.is_awaited {
                self.is_awaited = false;
                self.late_ns = now.nanos_since(self.next_at).min(rate.grain.late_ns_max.into()) as u32;
            }
            return Ok(rate.burst_bytes(mss));
        }
        if self.left_bytes > 0 {
            return Ok(self.left_bytes);
        }
        self.is_awaited = true;
        self.next_at = self.next_at.min(now.plus_nanos(rate.nanos_for(rate.burst_bytes(mss))));
        Err(self.next_at)
    }

    /// When what has left is paid for.
    pub(crate) fn paid_at(&self) -> Instant {
        self.next_at
    }

    /// Whether what has left keeps the path busy beyond `now`.
    pub(crate) fn holds_back(&self, now: Instant) -> bool {
        self.next_at > now && self.left_bytes == 0
    }

    /// Whether what leaves now begins a burst. What the last one did not use up is forfeited, but not at once: a
    /// burst that leaves in small pieces may be paid for by earlier silence for a while.
    fn begins_anew(&self, now: Instant) -> bool {
        self.next_at <= now && (self.left_bytes == 0 || self.began_at != now)
    }

    /// `bytes` left.
    pub(crate) fn on_sent(&mut self, now: Instant, bytes: u32, rate: Rate, mss: u32) {
        if self.begins_anew(now) {
            (self.left_bytes, self.began_at) = (rate.burst_bytes(mss), now);
        }
        self.left_bytes = self.left_bytes.saturating_sub(bytes);
        let (silence_ns, cost_ns) = (now.nanos_since(self.next_at), rate.nanos_for(bytes));
        let reserve_ns = rate.reserve_ns(silence_ns, mss).max(silence_ns.min(self.late_ns.into()));
        let from = self.next_at.max(Instant::from_nanos(now.as_nanos() - reserve_ns));
        self.next_at = from.plus_nanos(cost_ns);
        self.late_ns = self.late_ns.saturating_sub(u32::try_from(cost_ns).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests;
