//! A sender's timestamp clock, read from outside (RFC 7323 §4.1).
//!
//! When the tick is known, a timestamp that comes back says when it was sent, without keeping a list;
//! and with that what the other end had heard when it sent something.

/// Less than this much of the clock gives no useful tick.
const TICKS_MIN: u32 = 20;

/// One end's timestamp clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    first: (u32, u64),
    /// The highest value, and when it was said first.
    last: (u32, u64),
    /// When it was said last.
    repeated_ns: u64,
}

impl Clock {
    /// The end said `value` for the first time.
    pub(crate) fn on_value(&mut self, value: u32, now_ns: u64) {
        if self.first.1 == 0 {
            self.first = (value, now_ns);
        }
        self.last = (value, now_ns);
        self.repeated_ns = now_ns;
    }

    /// It said its highest value again: a slow clock.
    pub(crate) fn on_same_value(&mut self, now_ns: u64) {
        self.repeated_ns = now_ns;
    }

    /// A value out of it, to have it fetched.
    pub(crate) fn warmth(&self) -> u64 {
        self.first.1 ^ self.repeated_ns
    }

    /// How long ago the end said `value`, in nanoseconds, as captured here.
    pub(crate) fn age_ns(&self, value: u32, now_ns: u64) -> Option<u64> {
        let back = self.last.0.wrapping_sub(value);
        if back == 0 {
            return Some(now_ns.saturating_sub(self.repeated_ns));
        }
        let since_last_ns = now_ns.saturating_sub(self.last.1);
        let ticks = self.last.0.wrapping_sub(self.first.0);
        if ticks < TICKS_MIN || back > ticks {
            return None;
        }
        let tick_ns = self.last.1.saturating_sub(self.first.1) / u64::from(ticks);
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
}
