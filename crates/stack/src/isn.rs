//! Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 §5.4).
//!
//! Both come from a keyed hash of the two ends: an attacker who does not see the packets cannot predict
//! them, and a new incarnation of the same pair of ends continues above the old one.

use crate::config::IsnPolicy;
use crate::flow::FlowKey;
use crate::secret::{Keyed, Purpose, Secret};
use tcp::Instant;
use wire::Seq;

/// The sequence clock ticks every 4 µs (RFC 6528 §3).
const TICK_NS: u64 = 4_000;

/// Chooses where connections start counting.
pub(crate) struct Isn {
    policy: IsnPolicy,
    hash: Keyed,
}

impl Isn {
    pub(crate) fn new(secret: &Secret, policy: IsnPolicy) -> Self {
        Isn { policy, hash: Keyed::new(secret, Purpose::InitialSequence) }
    }

    /// Where a connection between these ends starts counting, and what is added to its timestamp clock.
    ///
    /// ISN = M + F(localip, localport, remoteip, remoteport, secretkey). One half of a keyed hash does not
    /// reveal the other, so one hash is enough for both.
    pub(crate) fn choose(&self, now: Instant, key: &FlowKey) -> Start {
        match self.policy {
            // Where sequence numbers must be the same each time, timestamps must be so too.
            IsnPolicy::Fixed(sequence) => Start { sequence, timestamp_offset: 0 },
            IsnPolicy::Rfc6528 => {
                let mut bytes = [0; 36];
                let len = key.hashed_bytes(&mut bytes);
                let hash = self.hash.hash(&bytes[..len]);
                let clock = (now.as_nanos() / TICK_NS) as u32;
                Start {
                    sequence: Seq::new(clock.wrapping_add(hash as u32)),
                    timestamp_offset: (hash >> 32) as u32,
                }
            }
        }
    }
}

/// Where a connection starts counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// The initial sequence number.
    pub(crate) sequence: Seq,
    /// Added to the timestamp clock.
    pub(crate) timestamp_offset: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn key(remote: &str) -> FlowKey {
        FlowKey::new("10.0.0.1:80".parse().unwrap(), remote.parse().unwrap())
    }

    #[test]
    fn the_clock_ticks_every_four_microseconds() {
        let isn = Isn::new(&Secret::new([7; 32]), IsnPolicy::Rfc6528);
        let early = isn.choose(Instant::ZERO, &key("10.0.0.2:99")).sequence;
        let late = isn.choose(Instant::ZERO + Duration::from_secs(1), &key("10.0.0.2:99")).sequence;
        assert_eq!(late.bytes_since(early), 250_000);
    }

    #[test]
    fn ends_and_secrets_have_their_own_space() {
        let isn = Isn::new(&Secret::new([7; 32]), IsnPolicy::Rfc6528);
        let other = Isn::new(&Secret::new([8; 32]), IsnPolicy::Rfc6528);
        let first = isn.choose(Instant::ZERO, &key("10.0.0.2:99"));
        let second = isn.choose(Instant::ZERO, &key("10.0.0.2:100"));
        assert_ne!(first.sequence, second.sequence);
        assert_ne!(first.timestamp_offset, second.timestamp_offset);
        assert_ne!(first.timestamp_offset, first.sequence.number());
        assert_ne!(first, other.choose(Instant::ZERO, &key("10.0.0.2:99")));
    }

    #[test]
    fn a_fixed_number_is_used_as_it_is() {
        let isn = Isn::new(&Secret::new([7; 32]), IsnPolicy::Fixed(Seq::new(5)));
        let start = isn.choose(Instant::from_millis(9), &key("10.0.0.2:99"));
        assert_eq!(start, Start { sequence: Seq::new(5), timestamp_offset: 0 });
    }
}
