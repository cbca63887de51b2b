//! What hosts were seen to do, over all their connections: a system behaves alike in each of them.
//!
//! Only what a connection alone does not tell soon enough, and what a few bytes for each host hold.

use crate::why::Ticks;
use std::collections::HashMap;
use std::net::IpAddr;

/// Hosts remembered; what others do is not known.
const HOSTS_MAX: usize = 4_096;
/// Enough that one odd case does not decide, and few enough that it can be decided otherwise.
const VOTES_MAX: i8 = 4;

/// What hosts do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habits {
    /// Whether a host probes the tails of its flights (RFC 8985 §7): above zero it was seen to, below zero not to.
    probes: HashMap<IpAddr, i8>,
    /// When the timers of a host run out.
    ticks: HashMap<IpAddr, Ticks>,
}

impl Habits {
    /// A tail of `host` was probed, or was not though it should have been.
    pub(crate) fn on_tail(&mut self, host: IpAddr, was_probed: bool) {
        if self.probes.len() >= HOSTS_MAX && !self.probes.contains_key(&host) {
            return;
        }
        let votes = self.probes.entry(host).or_default();
        // a probe seen proves it; one that did not come may have had a reason
        *votes = if was_probed { VOTES_MAX } else { (*votes - 1).max(-VOTES_MAX) };
    }

    /// A timer of `host` ran out, as seen near it.
    pub(crate) fn on_timer(&mut self, host: IpAddr, now_ns: u64) {
        if self.ticks.len() < HOSTS_MAX || self.ticks.contains_key(&host) {
            self.ticks.entry(host).or_default().on_timer(now_ns);
        }
    }

    /// Whether a timer of `host` can have run out now; `None` where that is not known.
    pub(crate) fn is_at_tick(&self, host: IpAddr, now_ns: u64) -> Option<bool> {
        self.ticks.get(&host)?.may_run_out(now_ns)
    }

    /// Above zero where it was seen to probe, below zero where it was seen not to, twice at least.
    pub(crate) fn probes(&self, host: IpAddr) -> i8 {
        if self.probes.is_empty() { 0 } else { self.probes.get(&host).map_or(0, |votes| votes / 2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_are_bounded_and_the_votes_too() {
        let mut habits = Habits::default();
        let host = |n: u32| IpAddr::from(n.to_be_bytes());
        for _ in 0..100 {
            habits.on_tail(host(1), false);
        }
        assert_eq!(habits.probes(host(1)), -VOTES_MAX / 2);
        for n in 0..10_000 {
            habits.on_tail(host(n), true);
        }
        assert_eq!((habits.probes.len(), habits.probes(host(9_999))), (HOSTS_MAX, 0));
    }
}
