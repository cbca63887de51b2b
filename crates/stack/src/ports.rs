//! Chooses the port of a connection that asks for none (RFC 6056 §3.3.4: double hash).
//!
//! A keyed hash of the other end chooses where to begin, and a small table of counters how far to go from
//! there. So ports towards one peer are reused late, and an attacker who does not see the packets cannot
//! guess the next one. The caller says whether a port is free; the same port may be used towards different
//! peers.

use crate::flow::FlowKey;
use crate::secret::{Keyed, Purpose, Secret};
use core::ops::RangeInclusive;

/// RFC 6056 §3.3.4: ten counters would be enough; with more, peers share a counter less often.
const COUNTERS: usize = 256;

/// Chooses ephemeral ports.
pub(crate) struct Ports {
    range: RangeInclusive<u16>,
    hash: Keyed,
    counters: Box<[u32; COUNTERS]>,
}

impl Ports {
    /// Memory that the counters take.
    pub(crate) fn held_bytes(&self) -> usize {
        size_of::<[u32; COUNTERS]>()
    }

    pub(crate) fn new(secret: &Secret, range: RangeInclusive<u16>) -> Self {
        Ports { range, hash: Keyed::new(secret, Purpose::PortOffset), counters: Box::new([0; COUNTERS]) }
    }

    /// A port for which `is_free` returns true; `None` if there is none in the whole range.
    ///
    /// The port of `towards.local` is ignored.
    pub(crate) fn choose(&mut self, towards: &FlowKey, mut is_free: impl FnMut(u16) -> bool) -> Option<u16> {
        let ends = FlowKey { local_port: 0, ..*towards };
        let mut bytes = [0; 36];
        let len = ends.hashed_bytes(&mut bytes);
        // F and G of RFC 6056 §3.3.4: one half of a keyed hash does not reveal the other.
        let hash = self.hash.hash(&bytes[..len]);
        let offset = hash as u32;
        let counter = &mut self.counters[(hash >> 32) as usize % COUNTERS];
        let count = u32::from(*self.range.end()).checked_sub(u32::from(*self.range.start()))? + 1;
        for _ in 0..count {
            let port = *self.range.start() + (offset.wrapping_add(*counter) % count) as u16;
            *counter = counter.wrapping_add(1);
            if is_free(port) {
                return Some(port);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn towards(remote: &str) -> FlowKey {
        FlowKey::new("10.0.0.1:0".parse().unwrap(), remote.parse().unwrap())
    }

    #[test]
    fn the_whole_range_is_used_before_a_port_comes_again() {
        let mut ports = Ports::new(&Secret::new([5; 32]), 50_000..=50_099);
        let chosen: BTreeSet<_> =
            (0..100).filter_map(|_| ports.choose(&towards("10.0.0.2:80"), |_| true)).collect();
        assert_eq!(chosen.len(), 100);
        assert_eq!((chosen.first(), chosen.last()), (Some(&50_000), Some(&50_099)));
    }

    #[test]
    fn taken_ports_are_skipped_and_an_empty_range_gives_none() {
        let mut ports = Ports::new(&Secret::new([5; 32]), 50_000..=50_003);
        assert_eq!(ports.choose(&towards("10.0.0.2:80"), |port| port == 50_002), Some(50_002));
        assert_eq!(ports.choose(&towards("10.0.0.2:80"), |_| false), None);
        let backwards = RangeInclusive::new(9, 8);
        assert_eq!(
            Ports::new(&Secret::new([5; 32]), backwards).choose(&towards("10.0.0.2:80"), |_| true),
            None
        );
    }

    #[test]
    fn peers_and_secrets_begin_elsewhere() {
        let first = |secret, remote| {
            Ports::new(&Secret::new([secret; 32]), 1..=u16::MAX).choose(&towards(remote), |_| true)
        };
        assert_ne!(first(1, "10.0.0.2:80"), first(2, "10.0.0.2:80"));
        assert_ne!(first(1, "10.0.0.2:80"), first(1, "10.0.0.2:81"));
    }
}
