//! The host's secret, and a key for each purpose that needs one.
//!
//! One 32-byte secret is an argument of [`crate::Host::new`]. Each purpose gets its own SipHash key from
//! it, so that one purpose reveals nothing about another (RFC 6528 §3, RFC 6056 §3.3).

use siphasher::sip::{SipHasher13, SipHasher24};

/// What a keyed hash is for. Two purposes never share a key.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Demultiplexing,
    InitialSequence,
    PortOffset,
    Cookie,
    Identification,
    Tables,
    RateLimits,
    FastOpen,
}

/// The 32 bytes that the program gives to a new host.
#[derive(Clone)]
pub(crate) struct Secret([u8; 32]);

impl Secret {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Secret(bytes)
    }

    /// The key of one purpose: SipHash-2-4 of the purpose and one half of the secret, keyed by the other half.
    pub(crate) fn key(&self, purpose: Purpose) -> [u8; 16] {
        let mut master = [0; 16];
        master.copy_from_slice(&self.0[..16]);
        let mut input = [0; 18];
        input[..16].copy_from_slice(&self.0[16..]);
        input[16] = purpose as u8;
        let mut key = [0; 16];
        for (half, out) in key.chunks_exact_mut(8).enumerate() {
            input[17] = half as u8;
            out.copy_from_slice(&SipHasher24::new_with_key(&master).hash(&input).to_le_bytes());
        }
        key
    }
}

/// A hash that an attacker cannot predict: SipHash-2-4, for values that appear on the network.
#[derive(Clone, Copy)]
pub(crate) struct Keyed(SipHasher24);

impl Keyed {
    pub(crate) fn new(secret: &Secret, purpose: Purpose) -> Self {
        Keyed(SipHasher24::new_with_key(&secret.key(purpose)))
    }

    pub(crate) fn hash(&self, bytes: &[u8]) -> u64 {
        self.0.hash(bytes)
    }
}

/// A hash for tables, where an attacker must only be kept from choosing collisions: SipHash-1-3. Also a
/// `BuildHasher`.
#[derive(Clone, Copy)]
pub(crate) struct TableHash(SipHasher13);

impl TableHash {
    pub(crate) fn new(secret: &Secret, purpose: Purpose) -> Self {
        TableHash(SipHasher13::new_with_key(&secret.key(purpose)))
    }

    pub(crate) fn hash(&self, bytes: &[u8]) -> u64 {
        self.0.hash(bytes)
    }
}

impl core::hash::BuildHasher for TableHash {
    type Hasher = SipHasher13;
    fn build_hasher(&self) -> SipHasher13 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_secrets_have_their_own_keys() {
        let (one, two) = (Secret::new([1; 32]), Secret::new([2; 32]));
        assert_ne!(one.key(Purpose::InitialSequence), one.key(Purpose::PortOffset));
        assert_ne!(one.key(Purpose::InitialSequence), two.key(Purpose::InitialSequence));
        assert_eq!(one.key(Purpose::Cookie), Secret::new([1; 32]).key(Purpose::Cookie));
    }
}
