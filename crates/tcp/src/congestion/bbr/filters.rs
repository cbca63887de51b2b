//! What is remembered for a while: the highest rate of two cycles, the shortest round trip of ten seconds, the largest
//! of some rounds (§ "BBR.max_bw Max Filter", "BBR.min_rtt Min Filter").

use super::probe_rtt::PROBE_RTT_INTERVAL;
use crate::Instant;
use core::time::Duration;

/// BBR.MinRTTFilterLen: longer than the time between two measurements of the round trip, so that the last is still
/// known when the next is made.
const MIN_RTT_FILTER_LEN: Duration = Duration::from_secs(10);

/// BBR.max_bw_filter: the highest rate of the cycle of probing that is under way, and of the last (BBR.MaxBwFilterLen).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MaxBw {
    last: u64,
    current: u64,
}

impl MaxBw {
    /// BBR.max_bw.
    pub(super) fn get(&self) -> u64 {
        self.last.max(self.current)
    }

    pub(super) fn update(&mut self, bytes_per_s: u64) {
        self.current = self.current.max(bytes_per_s);
    }

    /// AdvanceMaxBwFilter. A cycle without samples, because the application was the limit, is no cycle.
    pub(super) fn advance(&mut self) {
        if self.current > 0 {
            (self.last, self.current) = (self.current, 0);
        }
    }
}

/// BBR.min_rtt, and BBR.probe_rtt_min_delay, by which it is renewed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MinRtt {
    /// In nanoseconds, and when it was measured.
    shortest: Option<(u64, Instant)>,
    /// The shortest of the last five seconds, and when it was measured or the round trip was last probed.
    recent: Option<(u64, Instant)>,
    /// From when the first five seconds count.
    began_at: Option<Instant>,
}

impl MinRtt {
    pub(super) fn get_ns(&self) -> Option<u64> {
        self.shortest.map(|(ns, _)| ns)
    }

    /// The smoothed round trip, if nothing better is known (OnInit).
    pub(super) fn begin(&mut self, now: Instant, srtt_us: u32) {
        if self.began_at.is_none() {
            self.began_at = Some(now);
            let ns = u64::from(srtt_us) * 1_000;
            self.shortest.get_or_insert((ns, now));
        }
    }

    /// UpdateMinRTT. Says whether it is time to measure the round trip anew (BBR.probe_rtt_expired).
    pub(super) fn update(&mut self, now: Instant, rtt_ns: Option<u64>) -> bool {
        let began_at = *self.began_at.get_or_insert(now);
        let stamp = self.recent.map_or(began_at, |(_, at)| at);
        let is_expired = now > stamp + PROBE_RTT_INTERVAL;
        if let Some(rtt_ns) = rtt_ns
            && (is_expired || self.recent.is_none_or(|(recent_ns, _)| rtt_ns < recent_ns))
        {
            self.recent = Some((rtt_ns, now));
        }
        let is_old = self.shortest.is_none_or(|(_, at)| now > at + MIN_RTT_FILTER_LEN);
        if let Some((recent_ns, _)) = self.recent
            && (is_old || self.shortest.is_none_or(|(shortest_ns, _)| recent_ns < shortest_ns))
        {
            self.shortest = self.recent;
        }
        is_expired
    }

    /// The round trip was probed: the next time is five seconds from now.
    pub(super) fn on_probed(&mut self, now: Instant) {
        match &mut self.recent {
            Some((_, at)) => *at = now,
            None => self.began_at = Some(now),
        }
    }
}

/// The largest of the last rounds, from the best three candidates (Kathleen Nichols' windowed maximum).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WindowedMax {
    /// The largest first, each with the round it is from; later ones are smaller and newer.
    best: [(u32, u32); 3],
}

impl WindowedMax {
    pub(super) fn get(&self) -> u32 {
        self.best[0].0
    }

    /// A value of this `round`; those older than `rounds_max` rounds are forgotten.
    pub(super) fn update(&mut self, value: u32, round: u32, rounds_max: u32) {
        let age = |(_, from): (u32, u32)| round.wrapping_sub(from);
        let new = (value, round);
        if value >= self.best[0].0 || age(self.best[2]) > rounds_max {
            self.best = [new; 3];
            return;
        }
        if value >= self.best[1].0 {
            self.best[1..].fill(new);
        } else if value >= self.best[2].0 {
            self.best[2] = new;
        }
        if age(self.best[0]) > rounds_max {
            // The next best takes over, and there is room for one that may be the best later.
            self.best = [self.best[1], self.best[2], new];
            if age(self.best[0]) > rounds_max {
                self.best = [self.best[1], self.best[2], new];
            }
        } else if self.best[1].1 == self.best[0].1 && age(self.best[1]) > rounds_max / 4 {
            self.best[1..].fill(new);
        } else if self.best[2].1 == self.best[1].1 && age(self.best[2]) > rounds_max / 2 {
            self.best[2] = new;
        }
    }
}

#[cfg(test)]
mod tests;
