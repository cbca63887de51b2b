//! A sender's timestamp clock, read from outside (RFC 7323 §4.1).
//!
//! When the tick is known, a timestamp that comes back says when it was sent, without keeping a list;
//! and with that what the other end had heard when it sent something.

use crate::nanos::Nanos;

/// Less than this much of the clock gives no useful tick.
const TICKS_MIN: u32 = 20;

/// One end's timestamp clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    read: Option<Read>,
}

/// What it showed, and when.
#[derive(Clone, Debug)]
struct Read {
    first_ns: Nanos,
    first_value: u32,
    /// The highest value.
    value: u32,
    /// When that was said first.
    value_ns: u64,
    /// When it was said last.
    repeated_ns: u64,
}

impl Clock {
    /// The end said `value`; what is older than the highest was overtaken, and says nothing new.
    #[inline]
    pub(crate) fn on_value(&mut self, value: u32, now_ns: u64) {
        let Some(read) = &mut self.read else {
            let (first_ns, first_value) = (Nanos::of(now_ns), value);
            self.read = Some(Read { first_ns, first_value, value, value_ns: now_ns, repeated_ns: now_ns });
            return;
        };
        match value.wrapping_sub(read.value).cast_signed() {
            ..0 => {}
            0 => read.repeated_ns = now_ns,
            1.. => (read.value, read.value_ns, read.repeated_ns) = (value, now_ns, now_ns),
        }
    }

    /// The highest value that it showed.
    #[inline]
    pub(crate) fn highest(&self) -> Option<u32> {
        self.read.as_ref().map(|read| read.value)
    }

    /// The highest value that it showed, and when it did first.
    pub(crate) fn latest(&self) -> Option<(u32, u64)> {
        self.read.as_ref().map(|read| (read.value, read.value_ns))
    }

    /// A value out of it, to have it fetched.
    pub(crate) fn warmth(&self) -> u64 {
        self.read.as_ref().map_or(0, |read| read.first_ns.ns() ^ read.repeated_ns)
    }

    /// Whether it counts milliseconds, when it shows `value` now: what is late on its way makes it seem to be slower.
    /// `None` while it has not shown enough.
    pub(crate) fn counts_ms(&self, value: u32, now_ns: u64) -> Option<bool> {
        let read = self.read.as_ref()?;
        let ticks = value.wrapping_sub(read.first_value);
        if !(TICKS_MIN..=u32::MAX / 2).contains(&ticks) {
            return None;
        }
        let tick_ns = now_ns.saturating_sub(read.first_ns.ns()) / u64::from(ticks);
        let before = u64::from(read.value.wrapping_sub(read.first_value));
        let usual_ns =
            read.value_ns.saturating_sub(read.first_ns.ns()).checked_div(before).unwrap_or(tick_ns);
        Some((800_000..=2_500_000).contains(&tick_ns.min(usual_ns)))
    }

    /// How long ago the end said `value`, in nanoseconds, as captured here.
    #[inline]
    pub(crate) fn age_ns(&self, value: u32, now_ns: u64) -> Option<u64> {
        let read = self.read.as_ref()?;
        let back = read.value.wrapping_sub(value);
        if back == 0 {
            return Some(now_ns.saturating_sub(read.repeated_ns));
        }
        let since_last_ns = now_ns.saturating_sub(read.value_ns);
        let ticks = read.value.wrapping_sub(read.first_value);
        if ticks < TICKS_MIN || back > ticks {
            return None;
        }
        let tick_ns = read.value_ns.saturating_sub(read.first_ns.ns()) / u64::from(ticks);
        Some(since_last_ns.saturating_add(tick_ns.saturating_mul(u64::from(back))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_an_echo_follows_from_the_tick() {
        let mut clock = Clock::default();
        for ms in (1_000..=2_000).step_by(10) {
            clock.on_value(7_000 + ms as u32, ms * 1_000_000);
        }
        assert_eq!(clock.age_ns(9_000, 2_005_000_000), Some(5_000_000));
        assert_eq!(clock.age_ns(8_700, 2_005_000_000), Some(305_000_000));
        assert_eq!(clock.age_ns(3, 2_005_000_000), None, "older than the clock is known");
    }

    #[test]
    fn a_capture_may_begin_at_time_zero_and_a_clock_at_value_zero() {
        let mut clock = Clock::default();
        assert_eq!((clock.highest(), clock.age_ns(0, 5)), (None, None), "nothing was said yet");
        for ms in 0..=100 {
            clock.on_value(ms as u32, ms * 1_000_000);
        }
        clock.on_value(100, 150_000_000);
        clock.on_value(7, 160_000_000);
        assert_eq!(clock.highest(), Some(100));
        assert_eq!(clock.age_ns(100, 160_000_000), Some(10_000_000), "it was repeated");
        assert_eq!(clock.age_ns(50, 160_000_000), Some(110_000_000));
    }
}
