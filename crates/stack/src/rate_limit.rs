//! Limits how often something is done: a token bucket (RFC 4443 §2.4 (f)).

use crate::config::Rate;
use tcp::Instant;

/// At most [`Rate::burst`] at once, and at most [`Rate::per_second`] on average.
pub(crate) struct RateLimit {
    rate: Rate,
    /// In billionths of a token, so that rate per second times nanoseconds needs no rounding.
    level: u64,
    filled: Instant,
}

const TOKEN: u64 = 1_000_000_000;

impl RateLimit {
    pub(crate) fn new(rate: Rate) -> Self {
        RateLimit { rate, level: u64::from(rate.burst) * TOKEN, filled: Instant::ZERO }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed_ns = u64::try_from(now.since(self.filled).as_nanos()).unwrap_or(u64::MAX);
        let filled = passed_ns.saturating_mul(u64::from(self.rate.per_second));
        self.level = self.level.saturating_add(filled).min(u64::from(self.rate.burst) * TOKEN);
        self.filled = now;
        let taken = self.level.checked_sub(TOKEN);
        self.level = taken.unwrap_or(self.level);
        taken.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn a_burst_then_a_steady_rate() {
        let mut limit = RateLimit::new(Rate { per_second: 10, burst: 3 });
        let start = Instant::from_millis(70_000);
        assert_eq!((0..10).filter(|_| limit.take(start)).count(), 3);
        assert!(!limit.take(start + Duration::from_millis(99)));
        assert!(limit.take(start + Duration::from_millis(100)));
        let later = (0..1_000).filter(|n| limit.take(start + Duration::from_millis(100 + n * 10))).count();
        assert!((98..=100).contains(&later), "ten seconds at ten a second: {later}");
    }
}
