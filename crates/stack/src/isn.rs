//! Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 §5.4).
//!
//! Both are a keyed hash of the two ends: nobody off the path can predict them, and a new incarnation
//! of the same pair of ends continues above the old one.

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
    sequence: Keyed,
    timestamp: Keyed,
}

impl Isn {
    pub(crate) fn new(secret: &Secret, policy: IsnPolicy) -> Self {
        Isn {
            policy,
            sequence: Keyed::new(secret, Purpose::InitialSequence),
            timestamp: Keyed::new(secret, Purpose::TimestampOffset),
        }
    }

    /// ISN = M + F(localip, localport, remoteip, remoteport, secretkey).
    pub(crate) fn sequence(&self, now: Instant, key: &FlowKey) -> Seq {
        match self.policy {
            IsnPolicy::Fixed(seq) => seq,
            IsnPolicy::Rfc6528 => {
                let clock = (now.as_nanos() / TICK_NS) as u32;
                Seq::new(clock.wrapping_add(hash(&self.sequence, key)))
            }
        }
    }

    /// What is added to the timestamp clock of this pair of ends; zero where digits must repeat.
    pub(crate) fn timestamp_offset(&self, key: &FlowKey) -> u32 {
        match self.policy {
            IsnPolicy::Fixed(_) => 0,
            IsnPolicy::Rfc6528 => hash(&self.timestamp, key),
        }
    }
}

fn hash(keyed: &Keyed, key: &FlowKey) -> u32 {
    let mut bytes = [0; 36];
    let len = key.hashed_bytes(&mut bytes);
    keyed.hash(&bytes[..len]) as u32
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
        let early = isn.sequence(Instant::ZERO, &key("10.0.0.2:99"));
        let late = isn.sequence(Instant::ZERO + Duration::from_secs(1), &key("10.0.0.2:99"));
        assert_eq!(late.bytes_since(early), 250_000);
    }

    #[test]
    fn ends_and_secrets_have_their_own_space() {
        let isn = Isn::new(&Secret::new([7; 32]), IsnPolicy::Rfc6528);
        let other = Isn::new(&Secret::new([8; 32]), IsnPolicy::Rfc6528);
        let (a, b) = (key("10.0.0.2:99"), key("10.0.0.2:100"));
        assert_ne!(isn.sequence(Instant::ZERO, &a), isn.sequence(Instant::ZERO, &b));
        assert_ne!(isn.sequence(Instant::ZERO, &a), other.sequence(Instant::ZERO, &a));
        assert_ne!(isn.timestamp_offset(&a), isn.timestamp_offset(&b));
        assert_ne!(isn.timestamp_offset(&a), isn.sequence(Instant::ZERO, &a).number());
    }

    #[test]
    fn a_fixed_number_is_used_as_it_is() {
        let isn = Isn::new(&Secret::new([7; 32]), IsnPolicy::Fixed(Seq::new(5)));
        assert_eq!(isn.sequence(Instant::from_millis(9), &key("10.0.0.2:99")), Seq::new(5));
    }
}
