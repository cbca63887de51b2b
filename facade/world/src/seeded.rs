//! TLS that draws the same numbers from the same seed. It keeps no secret, and is for simulated worlds alone.
//!
//! All chance of rustls is in its `CryptoProvider`: random bytes, the keys of an exchange, and signatures. Those of
//! Ed25519 draw nothing, so a server that shall do the same twice has a certificate with such a key.

use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, GetRandomFailed, SecureRandom, SharedSecret, SupportedKxGroup, ring,
};
use rustls::{Error, NamedGroup, PeerMisbehaved};
use std::sync::{Mutex, PoisonError};
use x25519_dalek::{PublicKey, StaticSecret};

/// A provider for one host of one run. It stays in memory, as rustls wants it.
pub fn provider(seed: u64) -> CryptoProvider {
    let dice: &'static Dice = Box::leak(Box::new(Dice(Mutex::new(seed))));
    let x25519: &'static X25519 = Box::leak(Box::new(X25519(dice)));
    CryptoProvider { kx_groups: vec![x25519], secure_random: dice, ..ring::default_provider() }
}

/// Numbers from a seed (SplitMix64).
#[derive(Debug)]
struct Dice(Mutex<u64>);

impl Dice {
    fn throw(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl SecureRandom for Dice {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        for bytes in buffer.chunks_mut(8) {
            bytes.copy_from_slice(&self.throw().to_le_bytes()[..bytes.len()]);
        }
        Ok(())
    }
}

/// X25519 (RFC 7748) with keys from the dice.
#[derive(Debug)]
struct X25519(&'static Dice);

impl SupportedKxGroup for X25519 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut secret = [0; 32];
        self.0.fill(&mut secret)?;
        let secret = StaticSecret::from(secret);
        Ok(Box::new(Exchange { public: PublicKey::from(&secret), secret }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

struct Exchange {
    secret: StaticSecret,
    public: PublicKey,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer = <[u8; 32]>::try_from(peer).map_err(|_| PeerMisbehaved::InvalidKeyShare)?;
        Ok(SharedSecret::from(&self.secret.diffie_hellman(&PublicKey::from(peer)).to_bytes()[..]))
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}
