//! Identifications of the packets that we fragment (RFC 6864, RFC 7739).
//!
//! A receiver puts fragments together by identification, so it must not be used again soon between the same
//! ends. One counter for the host would tell a stranger to whom we fragment how much we fragment to others;
//! random numbers would repeat too soon in IPv4's 16 bits. So the ends choose a counter among many and an offset
//! to it by keyed hash (RFC 7739 §5.3), and a counter moves by a drawn step: even ends that share one see
//! little of each other.

use crate::build::Envelope;
use crate::secret::{Keyed, Purpose, Secret};

/// As many counters as Linux has at least.
const COUNTERS: usize = 2_048;
/// A step is drawn from 1 to this: 16 bits last for 26,000 packets between the same ends.
const STEP_MAX: u32 = 4;

/// Chooses identifications.
pub(crate) struct Identifications {
    keyed: Keyed,
    /// Allocated when the first packet is fragmented.
    counters: Vec<u32>,
}

impl Identifications {
    pub(crate) fn new(secret: &Secret) -> Self {
        Identifications { keyed: Keyed::new(secret, Purpose::Identification), counters: Vec::new() }
    }

    /// Memory that the counters take.
    pub(crate) fn held_bytes(&self) -> usize {
        self.counters.capacity() * size_of::<u32>()
    }

    /// The identification of the next packet between these ends. IPv4 takes its low 16 bits.
    pub(crate) fn next(&mut self, envelope: &Envelope) -> u32 {
        let mut ends = [0; 33];
        ends[..16].copy_from_slice(&envelope.source.whole().octets());
        ends[16..32].copy_from_slice(&envelope.destination.whole().octets());
        ends[32] = envelope.protocol;
        let hash = self.keyed.hash(&ends);
        let (offset, chosen) = (hash as u32, (hash >> 32) as usize % COUNTERS);
        if self.counters.is_empty() {
            self.counters = vec![0; COUNTERS];
        }
        let counter = &mut self.counters[chosen];
        // Of another length than the ends, so no input is used twice.
        let drawn = self.keyed.hash(&[&counter.to_be_bytes()[..], &(chosen as u32).to_be_bytes()].concat());
        *counter = counter.wrapping_add(1 + drawn as u32 % STEP_MAX);
        offset.wrapping_add(*counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::net::Ipv4Addr;

    fn to(n: u32) -> Envelope {
        Envelope {
            source: Ipv4Addr::new(10, 0, 0, 2).into(),
            destination: Ipv4Addr::from_bits(0x0a01_0000 + n).into(),
            protocol: 17,
            hop_limit: 64,
            traffic_class: 0,
        }
    }

    #[test]
    fn the_same_ends_get_16_bits_again_only_after_thousands() {
        let mut identifications = Identifications::new(&Secret::new([5; 32]));
        let mut seen = HashSet::new();
        assert!((0..16_384).all(|_| seen.insert(identifications.next(&to(1)) as u16)));
    }

    #[test]
    fn what_others_get_says_nothing() {
        let mut quiet = Identifications::new(&Secret::new([5; 32]));
        let mut busy = Identifications::new(&Secret::new([5; 32]));
        assert_eq!(quiet.next(&to(1)), busy.next(&to(1)));
        for n in 2..100 {
            busy.next(&to(n));
        }
        assert_eq!(quiet.next(&to(1)), busy.next(&to(1)), "98 packets to others, and no step more");
    }

    #[test]
    fn neighbours_in_number_are_no_neighbours_in_identification() {
        let mut identifications = Identifications::new(&Secret::new([5; 32]));
        let first: Vec<u32> = (0..100).map(|n| identifications.next(&to(n))).collect();
        assert!(first.windows(2).all(|pair| pair[0].abs_diff(pair[1]) > 1_000), "{first:?}");
    }
}
