//! The Internet checksum (RFC 1071), its incremental update (RFC 1624), and the pseudo-headers that TCP,
//! UDP and ICMPv6 add to it (RFC 9293 §3.1, RFC 8200 §8.1).
//!
//! The sum is the same in every byte order, so it is taken in the machine's own, 32 bytes at a time,
//! and byte-swapped once at the end. What is *not* here: who computes a checksum; [`Offload`](crate::Offload)
//! says that.

use crate::Payload;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A running one's complement sum over pieces of any length, in order.
///
/// ```
/// use synfin_wire::checksum::Sum;
/// // RFC 1071 §3: the sum of these bytes is ddf2.
/// let mut sum = Sum::new();
/// sum.add(&[0x00, 0x01, 0xf2]);
/// sum.add(&[0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
/// assert_eq!(sum.folded(), 0xddf2);
/// assert_eq!(sum.checksum(), !0xddf2);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// Sum of 16-bit words in the machine's byte order; kept below 2^48 by folding at each `add`.
    words: u64,
    /// An odd number of bytes has been added: the next piece starts in the low half of a word.
    odd: bool,
}

impl Sum {
    /// The sum of nothing.
    pub const fn new() -> Self {
        Sum { words: 0, odd: false }
    }

    /// Adds the next bytes of the packet. After an odd number of bytes, the two bytes of each word are
    /// swapped (RFC 1071 §2 (B)).
    pub fn add(&mut self, bytes: &[u8]) {
        let sum = native_sum(bytes);
        self.words += u64::from(if self.odd { sum.swap_bytes() } else { sum });
        self.odd ^= bytes.len() % 2 == 1;
    }

    /// Adds all pieces of a payload.
    pub fn add_payload(&mut self, payload: &Payload) {
        payload.pieces().for_each(|piece| self.add(piece));
    }

    /// Adds a 16-bit word. Only after an even number of bytes.
    pub fn add_u16(&mut self, word: u16) {
        debug_assert!(!self.odd, "a word must start on a word boundary");
        self.words += u64::from(word.to_be());
    }

    /// Adds a 32-bit word. Only after an even number of bytes.
    pub fn add_u32(&mut self, word: u32) {
        debug_assert!(!self.odd, "a word must start on a word boundary");
        self.words += u64::from(word.to_be());
    }

    /// Adds 32-bit words. Only after an even number of bytes.
    pub(crate) fn add_words(&mut self, words: &[u32]) {
        words.iter().for_each(|word| self.add_u32(*word));
    }

    /// Adds what another sum has counted. Only after an even number of bytes.
    pub fn add_sum(&mut self, other: Sum) {
        debug_assert!(!self.odd, "a sum must start on a word boundary");
        self.words += other.words;
        self.odd = other.odd;
    }

    /// The sum folded to 16 bits, not complemented: what a partial checksum field holds.
    pub fn folded(&self) -> u16 {
        u16::from_be(fold(self.words))
    }

    /// The complement of the sum: what a checksum field holds.
    pub fn checksum(&self) -> u16 {
        !self.folded()
    }

    /// Whether a sum that includes the checksum field shows an intact packet.
    pub fn is_intact(&self) -> bool {
        self.folded() == 0xffff
    }
}

/// The checksum of one slice whose checksum field is zero: the value for that field.
///
/// ```
/// assert_eq!(synfin_wire::checksum::of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
/// ```
pub fn of(bytes: &[u8]) -> u16 {
    !u16::from_be(native_sum(bytes))
}

/// The checksum of a header that is given as 32-bit words; `words.rs` says why.
pub(crate) fn of_words<const COUNT: usize>(words: &[u32; COUNT]) -> u16 {
    !fold(words.iter().copied().map(u64::from).sum())
}

/// The sum of the pseudo-header between two addresses of one family; `transport_bytes` is the length of
/// transport header and text together.
///
/// # Panics
/// If the addresses are of different families.
///
/// ```
/// use synfin_wire::checksum::pseudo_header;
/// let sum = pseudo_header("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap(), 6, 20);
/// assert_eq!(sum.folded(), 0x0a00 + 1 + 0x0a00 + 2 + 6 + 20);
/// ```
pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, transport_bytes: u32) -> Sum {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            pseudo_header_v4(source, destination, protocol, transport_bytes)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            pseudo_header_v6(source, destination, protocol, transport_bytes)
        }
        _ => panic!("a packet has two addresses of one family"),
    }
}

/// The sum of the IPv4 pseudo-header (RFC 9293 §3.1).
pub fn pseudo_header_v4(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, transport_bytes: u32) -> Sum {
    let mut sum = Sum::new();
    sum.add_u32(source.to_bits());
    sum.add_u32(destination.to_bits());
    sum.add_u16(u16::from(protocol));
    sum.add_u32(transport_bytes);
    sum
}

/// The sum of the IPv6 pseudo-header (RFC 8200 §8.1).
pub fn pseudo_header_v6(source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, transport_bytes: u32) -> Sum {
    let mut sum = Sum::new();
    sum.add(&source.octets());
    sum.add(&destination.octets());
    sum.add_u16(u16::from(protocol));
    sum.add_u32(transport_bytes);
    sum
}

/// The checksum after a 16-bit word that it covers changed from `old` to `new` (RFC 1624, equation 3).
///
/// ```
/// // RFC 1624 §4's example: HC = dd2f, m = 5555, m' = 3285 gives 0000.
/// assert_eq!(synfin_wire::checksum::updated(0xdd2f, 0x5555, 0x3285), 0x0000);
/// ```
pub const fn updated(checksum: u16, old: u16, new: u16) -> u16 {
    let mut sum = (!checksum) as u32 + (!old) as u32 + new as u32;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    !(sum as u16)
}

/// The checksum after a 32-bit word that it covers changed, such as an address or a sequence number.
pub const fn updated_u32(checksum: u16, old: u32, new: u32) -> u16 {
    let high = updated(checksum, (old >> 16) as u16, (new >> 16) as u16);
    updated(high, old as u16, new as u16)
}

const fn fold(words: u64) -> u16 {
    let sum = (words & 0xffff_ffff) + (words >> 32);
    let sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

/// Bytes that one pass of the inner loop sums: eight lanes of four bytes, so that it becomes vector code.
const BLOCK_BYTES: usize = 32;
/// Blocks before the lanes are emptied: a lane of 32 bits holds the sum of this many 16-bit halves.
const BLOCKS_MAX: usize = 1 << 16;

/// The one's complement sum of the 16-bit words in `bytes`, in the machine's byte order; an odd last byte
/// counts as the first half of a word.
fn native_sum(bytes: &[u8]) -> u16 {
    if bytes.len() <= SHORT_BYTES_MAX {
        // Nearly all headers have one of these two lengths; the compiler unrolls a loop of constant length.
        return fold(match bytes.len() {
            20 => sum_of_quads::<20>(bytes),
            32 => sum_of_quads::<32>(bytes),
            _ => short_sum(bytes),
        });
    }
    let mut words = 0u64;
    for chunk in bytes.chunks(BLOCK_BYTES * BLOCKS_MAX) {
        let (blocks, rest) = chunk.as_chunks::<BLOCK_BYTES>();
        if !blocks.is_empty() {
            words += sum_of_blocks(blocks);
        }
        words = u64::from(fold(words + short_sum(rest)));
    }
    words as u16
}

/// Headers are at most this long; for them the lanes cost more time than they save.
const SHORT_BYTES_MAX: usize = 64;

/// The sum of `BYTES` bytes; `BYTES` is a multiple of four.
fn sum_of_quads<const BYTES: usize>(bytes: &[u8]) -> u64 {
    let quad = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    let mut words = 0;
    for at in (0..BYTES).step_by(4) {
        words += u64::from(u32::from_ne_bytes(quad(at)));
    }
    words
}

fn short_sum(bytes: &[u8]) -> u64 {
    let (quads, rest) = bytes.as_chunks::<4>();
    let mut words = quads.iter().map(|&quad| u64::from(u32::from_ne_bytes(quad))).sum::<u64>();
    let (pairs, rest) = rest.as_chunks::<2>();
    words += pairs.iter().map(|&pair| u64::from(u16::from_ne_bytes(pair))).sum::<u64>();
    if let [last] = rest {
        words += u64::from(u16::from_ne_bytes([*last, 0]));
    }
    words
}

/// For each lane: the wrapping sum of its 32-bit words, then the sum of their high halves.
type Lanes = [[u32; BLOCK_BYTES / 4]; 2];

/// The sum of the blocks as 16-bit words. In each lane, the sum of the low halves is the sum of the words
/// minus the shifted sum of the high halves.
fn sum_of_blocks(blocks: &[[u8; BLOCK_BYTES]]) -> u64 {
    let [whole, high] = sum_of_lanes(blocks);
    let lanes = whole.iter().zip(&high);
    lanes.map(|(whole, high)| u64::from(whole.wrapping_sub(high << 16)) + u64::from(*high)).sum()
}

/// Takes three vector operations per vector of bytes; widening each half would take more. Not inlined:
/// when the compiler sees how the lanes are added up, it distributes them badly over vectors, and the sum
/// takes twice the time.
#[inline(never)]
fn sum_of_lanes(blocks: &[[u8; BLOCK_BYTES]]) -> Lanes {
    let [mut whole, mut high] = Lanes::default();
    for block in blocks {
        for ((word, whole), high) in block.as_chunks::<4>().0.iter().zip(&mut whole).zip(&mut high) {
            let word = u32::from_ne_bytes(*word);
            *whole = whole.wrapping_add(word);
            // Cannot overflow: at most 2^16 blocks, each of which adds at most 2^16 - 1.
            *high += word >> 16;
        }
    }
    [whole, high]
}

#[cfg(test)]
mod tests;
