//! Round-trip time and the retransmission timeout (RFC 6298).
//!
//! One segment per round trip is timed on the driver's clock; a segment that was retransmitted is
//! never timed (Karn, RFC 6298 §3), then the timestamp echo tells which transmission was answered
//! (RFC 7323 §4). Times are whole microseconds.

use super::SmoothedRtt;
use crate::{Config, Instant};
use core::time::Duration;

/// The bounds that [`crate::Config`] sets, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RtoBounds {
    pub(crate) min_us: u32,
    pub(crate) max_us: u32,
    /// The least that four times RTTVAR counts.
    pub(crate) variance_min_us: u32,
    /// Added to what was measured or backed off.
    pub(crate) slop_us: u32,
}

impl RtoBounds {
    pub(crate) fn new(config: &Config) -> Self {
        let min_us = micros(config.rto_min);
        let max_us = micros(config.rto_max).max(min_us);
        let (slop_us, variance_min_us) = (micros(config.rto_slop), micros(config.rto_variance_min));
        RtoBounds { min_us, max_us, variance_min_us, slop_us }
    }
}

/// The shortest round trip of the last minutes, so that a path that has become longer is noticed
/// (RFC 8985 §6.2, step 1). In nanoseconds: a quarter of it is compared with how late things come. One of more than
/// four seconds counts as four: to have more patience than a second is of no use.
#[derive(Clone, Copy, Debug)]
struct Shortest {
    now_ns: u32,
    /// The shortest since the last change, which takes over at the next.
    next_ns: u32,
}

impl Shortest {
    const NONE: Shortest = Shortest { now_ns: u32::MAX, next_ns: u32::MAX };
    /// Linux remembers as long (`tcp_min_rtt_wlen`).
    const SECONDS: u16 = 300;
    const NS_MAX: u64 = 4_000_000_000;

    #[inline]
    fn on_sample(&mut self, now: Instant, changed_at_s: &mut u16, rtt_ns: u64) {
        // Fits: bounded below 2^32.
        let rtt_ns = rtt_ns.clamp(1, Self::NS_MAX) as u32;
        let now_s = now.as_secs() as u16;
        if now_s.wrapping_sub(*changed_at_s) >= Self::SECONDS {
            self.now_ns = if *changed_at_s == 0 { self.now_ns } else { self.next_ns };
            self.next_ns = u32::MAX;
            *changed_at_s = now_s;
        }
        self.now_ns = self.now_ns.min(rtt_ns);
        self.next_ns = self.next_ns.min(rtt_ns);
    }
}

/// The estimator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rtt {
    smoothed: SmoothedRtt,
    latest_us: u32,
    shortest: Shortest,
    /// When the shortest of the last minutes was last replaced, in seconds; wraps after 18 hours, which no comparison
    /// spans that matters.
    shortest_changed_at_s: u16,
    /// RTO with back-off: worked out when a measurement or a timeout changes it, because every segment asks.
    rto_us: u32,
    backoff: u8,
    /// The timer has run out since the beginning.
    timed_out: bool,
}

fn micros(duration: Duration) -> u32 {
    // Not `as_micros`, which counts in 128 bits: this is asked for every segment.
    let micros = duration.as_secs().saturating_mul(1_000_000).saturating_add(duration.subsec_micros().into());
    u32::try_from(micros).unwrap_or(u32::MAX)
}

impl Rtt {
    pub(crate) fn new(initial: Duration, bounds: RtoBounds) -> Self {
        Rtt {
            smoothed: SmoothedRtt::default(),
            latest_us: 0,
            shortest: Shortest::NONE,
            shortest_changed_at_s: 0,
            rto_us: micros(initial).min(bounds.max_us),
            backoff: 0,
            timed_out: false,
        }
    }

    /// A measurement (RFC 6298 §2.2, §2.3); ends any back-off (§5.7 with a fresh sample).
    pub(crate) fn on_sample(&mut self, rtt_us: u32, bounds: RtoBounds) {
        let rtt_us = rtt_us.max(1);
        self.latest_us = rtt_us;
        self.smoothed.on_sample(rtt_us);
        self.backoff = 0;
        self.rto_us = self.doubled_us(0, bounds);
    }

    /// RTO as the measurements want it, without back-off and slop; `None` before the first.
    fn base_rto_us(&self, bounds: RtoBounds) -> Option<u32> {
        let rto_us = self.smoothed.rto_us(bounds.variance_min_us)?;
        Some(rto_us.clamp(bounds.min_us, bounds.max_us))
    }

    /// The timer ran out: wait twice as long (RFC 6298 §5.5).
    pub(crate) fn back_off(&mut self, bounds: RtoBounds) {
        self.backoff = self.backoff.saturating_add(1);
        let without_slop_us = self.rto_us.saturating_sub(self.slop_us(bounds));
        self.timed_out = true;
        self.rto_us = without_slop_us.saturating_mul(2).saturating_add(bounds.slop_us).min(bounds.max_us);
    }

    /// The timer ran out: wait as long again.
    pub(crate) fn repeat(&mut self, bounds: RtoBounds) {
        let without_slop_us = self.rto_us.saturating_sub(self.slop_us(bounds));
        self.timed_out = true;
        self.rto_us = without_slop_us.saturating_add(bounds.slop_us).min(bounds.max_us);
    }

    /// What RTO has of slop in it: the first, which nothing was measured for, has none.
    fn slop_us(&self, bounds: RtoBounds) -> u32 {
        if self.srtt_us().is_none() && !self.timed_out { 0 } else { bounds.slop_us }
    }

    /// The handshake lost its SYN: RFC 6298 §5.7 wants 3 s for the data that follows.
    pub(crate) fn on_lost_syn(&mut self, bounds: RtoBounds) {
        if self.srtt_us().is_none() {
            let rto_us = 3_000_000.clamp(bounds.min_us, bounds.max_us);
            self.rto_us = rto_us.saturating_add(self.slop_us(bounds)).min(bounds.max_us);
        } else {
            self.rto_us = self.doubled_us(0, bounds);
        }
        self.backoff = 0;
    }

    /// Other bounds hold from now on.
    pub(crate) fn on_bounds(&mut self, bounds: RtoBounds) {
        if self.srtt_us().is_some() && self.backoff == 0 {
            self.rto_us = self.doubled_us(0, bounds);
        }
        self.rto_us = self.rto_us.min(bounds.max_us);
    }

    /// The retransmission timeout with back-off, in microseconds.
    pub(crate) fn rto_us(&self) -> u32 {
        self.rto_us
    }

    /// RTO without back-off, doubled so many times, in microseconds.
    pub(crate) fn doubled_us(&self, times: u8, bounds: RtoBounds) -> u32 {
        let unmeasured = || self.rto_us.saturating_sub(self.slop_us(bounds)) >> self.backoff.min(16);
        let base_us = self.base_rto_us(bounds).unwrap_or_else(unmeasured);
        let doubled_us = (u64::from(base_us) << times.min(16)) + u64::from(self.slop_us(bounds));
        u32::try_from(doubled_us).unwrap_or(u32::MAX).min(bounds.max_us)
    }

    pub(crate) fn srtt_us(&self) -> Option<u32> {
        self.smoothed.srtt_us()
    }

    pub(crate) fn rttvar_us(&self) -> u32 {
        self.smoothed.rttvar_us()
    }

    /// The shortest of the last minutes, in nanoseconds.
    pub(crate) fn min_ns(&self) -> Option<u64> {
        (self.shortest.now_ns != u32::MAX).then_some(self.shortest.now_ns.into())
    }

    /// A round trip took so long: every acknowledgment of what was sent once says one.
    #[inline]
    pub(crate) fn on_shortest(&mut self, now: Instant, rtt_ns: u64) {
        self.shortest.on_sample(now, &mut self.shortest_changed_at_s, rtt_ns);
    }

    pub(crate) fn latest_us(&self) -> Option<u32> {
        (self.latest_us != 0).then_some(self.latest_us)
    }

    pub(crate) fn backoff(&self) -> u8 {
        self.backoff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: RtoBounds = RtoBounds { min_us: 1_000, max_us: 60_000_000, variance_min_us: 0, slop_us: 0 };

    #[test]
    fn first_sample_sets_rto_to_three_times_itself() {
        let mut rtt = Rtt::new(Duration::from_secs(1), BOUNDS);
        assert_eq!(rtt.rto_us(), 1_000_000);
        rtt.on_sample(100_000, BOUNDS);
        assert_eq!((rtt.srtt_us(), rtt.rttvar_us(), rtt.rto_us()), (Some(100_000), 50_000, 300_000));
        rtt.on_sample(180_000, BOUNDS);
        assert_eq!((rtt.srtt_us(), rtt.rttvar_us()), (Some(110_000), 57_500));
        assert_eq!(rtt.rto_us(), 110_000 + 4 * 57_500);
    }

    #[test]
    fn back_off_doubles_up_to_the_bound_and_a_sample_ends_it() {
        let mut rtt = Rtt::new(Duration::from_secs(1), BOUNDS);
        let seen: alloc::vec::Vec<u32> = (0..8)
            .map(|_| {
                rtt.back_off(BOUNDS);
                rtt.rto_us() / 1_000_000
            })
            .collect();
        assert_eq!(seen, [2, 4, 8, 16, 32, 60, 60, 60]);
        rtt.on_sample(10_000, BOUNDS);
        assert_eq!(rtt.rto_us(), 30_000);
    }

    #[test]
    fn slop_and_the_least_variance_are_added_to_what_was_measured() {
        let bounds = RtoBounds { variance_min_us: 200_000, slop_us: 50_000, ..BOUNDS };
        let mut rtt = Rtt::new(Duration::from_secs(1), bounds);
        assert_eq!(rtt.rto_us(), 1_000_000, "nothing was measured and nothing ran out");
        rtt.repeat(bounds);
        assert_eq!(rtt.rto_us(), 1_050_000);
        rtt.on_sample(10_000, bounds);
        assert_eq!(rtt.rto_us(), 260_000);
        rtt.back_off(bounds);
        assert_eq!(rtt.rto_us(), 470_000, "the slop does not double");
    }

    #[test]
    fn a_steady_path_converges_to_the_lower_bound() {
        let mut rtt = Rtt::new(Duration::from_secs(1), BOUNDS);
        for _ in 0..200 {
            rtt.on_sample(20_000, BOUNDS);
        }
        assert!((19_900..=20_100).contains(&rtt.srtt_us().unwrap_or(0)));
        assert!(rtt.rto_us() < 21_000, "{}", rtt.rto_us());
    }

    #[test]
    fn the_shortest_is_of_the_last_minutes_and_bounded() {
        let at = |seconds: u64| Instant::from_millis(seconds * 1_000);
        let mut rtt = Rtt::new(Duration::from_secs(1), BOUNDS);
        assert_eq!(rtt.min_ns(), None);
        rtt.on_shortest(at(1_000), 20_000_000);
        rtt.on_shortest(at(1_001), 10_000_000);
        rtt.on_shortest(at(1_002), 30_000_000);
        assert_eq!(rtt.min_ns(), Some(10_000_000));
        // The path has become longer.
        for second in 1_003..1_700 {
            rtt.on_shortest(at(second), 50_000_000);
        }
        assert_eq!(rtt.min_ns(), Some(50_000_000));
        let mut far = Rtt::new(Duration::from_secs(1), BOUNDS);
        far.on_shortest(at(1), u64::MAX);
        assert_eq!(far.min_ns(), Some(4_000_000_000));
        far.on_shortest(at(2), 0);
        assert_eq!(far.min_ns(), Some(1), "not nothing");
    }
}
