//! By what arrivals from afar are measured: how long their sender had waited, by its own clock.
//!
//! Its timestamps count milliseconds, as the echoes in them do. The least by which they were ahead is what the way of an
//! acknowledgment takes; what they are ahead more than that, the sender had waited. So what is late on its way to the
//! capture does not count.

use super::super::signs::TIMEOUT_NS_MIN;
use super::super::{Scene, Sender};
use crate::Segment;
use crate::limits::MSS_BYTES_DEFAULT;

/// No sender's timer runs out sooner than this after it did before.
const SOON_MS: u32 = 150;

/// What arrivals are measured by.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::why) struct Timing {
    /// From here to the sender and back.
    pub(in crate::why) turn_ns: u64,
    /// The sender's clock less the echo, at the least; if both count milliseconds.
    pub(in crate::why) ahead: Option<i32>,
    pub(in crate::why) mss_bytes: u32,
    /// What it holds was acknowledged here.
    pub(super) is_acknowledged: bool,
    /// How long the hole was open that this fills.
    pub(super) filled_ns: u64,
    /// Its timeout.
    pub(in crate::why) rto_ns: u64,
    /// Since it had sent anything that was captured.
    pub(in crate::why) quiet_ns: u64,
    /// The same in milliseconds, by its own clock.
    pub(super) idle_ms: u32,
    /// Packets that it sent since, and that were not captured.
    pub(in crate::why) missing: u16,
}

impl Timing {
    pub(in crate::why) fn of(scene: &Scene<'_>, from: &Sender, to: &Sender) -> Timing {
        Timing {
            is_acknowledged: scene.other.last_ack.is_some_and(|ack| scene.segment.seq.before(ack)),
            filled_ns: scene
                .prior
                .hole_since_ns
                .map_or(u64::MAX, |since_ns| scene.segment.time.as_nanos().saturating_sub(since_ns)),
            rto_ns: from.rto_ns() + scene.turn_ns,
            missing: from.ids.missing_in_blackout(scene.segment).unwrap_or(0),
            ..Timing::of_next(scene.segment, scene.turn_ns, scene.mss_bytes, from, to)
        }
    }

    /// The same for text that continues the stream, as far as it matters there.
    #[inline]
    pub(in crate::why) fn of_next(
        segment: &Segment,
        turn_ns: u64,
        mss_bytes: u32,
        from: &Sender,
        to: &Sender,
    ) -> Timing {
        let here = || to.clock.latest().and_then(|(value, ns)| to.clock.counts_ms(value, ns)).unwrap_or(true);
        let ahead = segment.options.timestamps.and_then(|stamps| {
            let there = from.clock.counts_ms(stamps.value, segment.time.as_nanos()).unwrap_or(false);
            (there && here() && from.ahead_min != i32::MAX).then_some(from.ahead_min)
        });
        Timing {
            turn_ns,
            ahead,
            filled_ns: u64::MAX,
            mss_bytes: from.largest_text_bytes.min(mss_bytes).max(MSS_BYTES_DEFAULT),
            quiet_ns: segment.time.as_nanos().saturating_sub(from.last_ns),
            idle_ms: from.clock.highest().zip(segment.options.timestamps).map_or(0, |(last, stamps)| {
                stamps.value.wrapping_sub(last).cast_signed().max(0).cast_unsigned()
            }),
            ..Timing::default()
        }
    }

    /// How long the sender had waited after what it heard last, by its own clock; else how long it was quiet.
    pub(in crate::why) fn waited_ns(&self, segment: &Segment) -> u64 {
        let Some((stamps, ahead)) = segment.options.timestamps.zip(self.ahead) else { return self.quiet_ns };
        let waited_ms = stamps.value.wrapping_sub(stamps.echo).cast_signed().wrapping_sub(ahead);
        u64::from(waited_ms.max(0).cast_unsigned()) * 1_000_000
    }

    /// A hole was open that it fills.
    pub(super) fn fills_hole(&self) -> bool {
        self.filled_ns != u64::MAX
    }

    /// It had sent nothing for as long as no sender's timer takes, by the capture's clock and by its own.
    pub(in crate::why) fn is_quiet(&self) -> bool {
        self.quiet_ns >= TIMEOUT_NS_MIN && u64::from(self.idle_ms) * 1_000_000 >= TIMEOUT_NS_MIN
    }

    /// How long it had waited, in hundredths of its timeout.
    pub(in crate::why) fn waited_percent(&self, segment: &Segment) -> u64 {
        self.waited_ns(segment).saturating_mul(100) / self.rto_ns.max(1)
    }

    /// It was silent for so short a time that no retransmission timer has run out since it sent the one before.
    pub(super) fn is_soon(&self) -> bool {
        self.idle_ms < SOON_MS
    }

    /// How many timeouts it had by then: each takes twice as long as the one before.
    pub(super) fn timeouts(&self, segment: &Segment) -> u8 {
        let fifths = 6 * (self.waited_ns(segment) / self.rto_ns.max(1).div_ceil(10) + 10) / 10;
        (fifths / 5).max(1).ilog2().clamp(1, 8) as u8
    }
}
