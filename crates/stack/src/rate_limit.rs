//! Limits how often something is done for all peers together (RFC 4443 §2.4 (f)).
//!
//! Time is cut into periods, and each period has an allowance of its own, drawn from the host's secret. A
//! limit that strangers share tells them about each other: who sends as many packets as are answered, with
//! forged sources, sees by whether its own packet is answered whether one of the others was for something
//! that exists (CVE-2020-25705, CVE-2016-5696). They cannot tell that from a different allowance, and what they
//! learn of one period says nothing about the next.

use crate::config::Rate;
use crate::secret::{Keyed, Purpose, Secret};
use tcp::Instant;

/// What is limited. Each has allowances of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limited {
    Resets,
    IcmpErrors,
    EchoReplies,
}

/// At most [`Rate::burst`] in a period, which is as long as [`Rate::per_second`] takes for as many.
pub(crate) struct RateLimit {
    rate: Rate,
    keyed: Keyed,
    limited: Limited,
    period: u64,
    left: u32,
}

const SECOND_NS: u64 = 1_000_000_000;

impl RateLimit {
    pub(crate) fn new(rate: Rate, secret: &Secret, limited: Limited) -> Self {
        let mut limit =
            RateLimit { rate, keyed: Keyed::new(secret, Purpose::RateLimits), limited, period: 0, left: 0 };
        limit.left = limit.allowance(0);
        limit
    }

    /// Which period it is; with a rate of zero there is only one.
    fn period(&self, now: Instant) -> u64 {
        let burst = u64::from(self.rate.burst.max(1));
        let length_ns = (burst * SECOND_NS).checked_div(u64::from(self.rate.per_second));
        length_ns.map_or(0, |length_ns| now.as_nanos() / length_ns.max(1))
    }

    /// From half of the burst to all of it. The sum of two draws: an allowance at either end would be a proof,
    /// so these are rare.
    fn allowance(&self, period: u64) -> u32 {
        let least = self.rate.burst.div_ceil(2);
        let spread = self.rate.burst - least;
        let mut input = [0; 9];
        input[..8].copy_from_slice(&period.to_be_bytes());
        input[8] = self.limited as u8;
        let drawn = self.keyed.hash(&input);
        let one = drawn as u32 % (spread / 2 + 1);
        let other = (drawn >> 32) as u32 % (spread - spread / 2 + 1);
        least + one + other
    }

    /// Takes one of what the present period allows, if something is left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let period = self.period(now);
        if period != self.period {
            self.period = period;
            self.left = self.allowance(period);
        }
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn limit(per_second: u32, burst: u32) -> RateLimit {
        RateLimit::new(Rate { per_second, burst }, &Secret::new([3; 32]), Limited::IcmpErrors)
    }

    #[test]
    fn each_period_allows_from_half_of_the_burst_to_all_of_it() {
        let mut limit = limit(100, 50);
        let start = Instant::from_millis(70_000);
        let mut allowed = [0; 51];
        for period in 0..2_000 {
            let now = start + Duration::from_millis(500) * period;
            let taken = (0..100).filter(|n| limit.take(now + Duration::from_millis(n * 4))).count();
            allowed[taken] += 1;
        }
        assert_eq!(allowed[..25].iter().sum::<u32>(), 0);
        assert!(allowed[25..].iter().all(|count| *count < 250), "no allowance is likely: {allowed:?}");
        assert!(allowed[25] < 40 && allowed[50] < 40, "the ends are rare: {allowed:?}");
        assert!(allowed[26..50].iter().all(|count| *count > 0), "all in between are drawn: {allowed:?}");
    }

    #[test]
    fn the_rate_is_kept_on_average() {
        let mut limit = limit(1_000, 20);
        let taken = (0..100_000).filter(|n| limit.take(Instant::from_millis(*n / 10))).count();
        assert!((7_000..=8_000).contains(&taken), "ten seconds at 1,000 a second at most: {taken}");
    }

    #[test]
    fn nothing_or_once_and_never_again() {
        assert!(!limit(0, 0).take(Instant::from_millis(5)));
        assert!(!limit(7, 0).take(Instant::from_millis(5)));
        let mut once = limit(0, 1);
        assert!(once.take(Instant::from_millis(5)));
        assert!((0..99).all(|n| !once.take(Instant::from_millis(n * 1_000_000))));
    }

    #[test]
    fn hosts_and_limits_draw_their_own() {
        let rate = Rate { per_second: 100, burst: 1_000 };
        let draw = |secret: u8, limited| {
            let limit = RateLimit::new(rate, &Secret::new([secret; 32]), limited);
            [1, 2, 3].map(|period| limit.allowance(period))
        };
        let first = draw(1, Limited::Resets);
        assert_eq!(first, draw(1, Limited::Resets), "the same secret, the same host");
        assert!(first[0] != first[1] && first[1] != first[2]);
        assert_ne!(first, draw(2, Limited::Resets));
        assert_ne!(first, draw(1, Limited::EchoReplies));
    }
}
