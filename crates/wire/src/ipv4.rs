//! The IPv4 header (RFC 791 §3.1): fragments, lengths, checksum, DSCP and ECN.
//!
//! [`Header`] is the value. Options are skipped when reading and never written: no synfin host uses
//! them. What is *not* here: reassembly and routing; those are the host's.

use crate::checksum;
use crate::error::{Error, take};
use crate::ip::Ecn;
use crate::words;
use core::net::Ipv4Addr;

/// The header without options, in bytes: what [`Header::emit`] writes.
pub const HEADER_BYTES: usize = 20;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// An IPv4 header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// The sender's address.
    pub source: Ipv4Addr,
    /// The address that the packet is sent to.
    pub destination: Ipv4Addr,
    /// What follows the header; see [`protocol`](crate::ip::protocol).
    pub protocol: u8,
    /// How many routers the packet may still cross.
    pub ttl: u8,
    /// Differentiated services codepoint, six bits.
    pub dscp: u8,
    /// Explicit congestion notification.
    pub ecn: Ecn,
    /// The same in all fragments of one packet (RFC 6864).
    pub identification: u16,
    /// Routers must not fragment the packet.
    pub dont_fragment: bool,
    /// Not the last fragment.
    pub more_fragments: bool,
    /// Where this fragment's data belongs, in bytes: a multiple of 8, below 65,536.
    pub fragment_offset_bytes: u16,
    /// Header and data together, in bytes. Captures of super-segments may hold 0 here.
    pub total_bytes: u16,
}

impl Header {
    /// Reads the header at the start of a packet; returns it with its length in bytes, options included.
    ///
    /// Checks the header alone: [`text_bytes`](Header::text_bytes) says whether all data is there,
    /// [`checksum_is_good`] whether the checksum is right.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Version`], [`Error::HeaderLength`].
    ///
    /// ```
    /// use synfin_wire::ipv4::Header;
    /// let packet = [0x45, 0, 0, 20, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    /// let (header, header_bytes) = Header::parse(&packet)?;
    /// assert!(header.dont_fragment);
    /// assert_eq!(header.text_bytes(header_bytes, packet.len()), Ok(0));
    /// # Ok::<(), synfin_wire::Error>(())
    /// ```
    #[inline]
    pub fn parse(packet: &[u8]) -> Result<(Header, usize), Error> {
        let fixed = take::<HEADER_BYTES>(packet, 0)?;
        if fixed[0] >> 4 != 4 {
            return Err(Error::Version { found: fixed[0] >> 4 });
        }
        let header_bytes = usize::from(fixed[0] & 0x0f) * 4;
        if header_bytes < HEADER_BYTES {
            return Err(Error::HeaderLength { found_bytes: header_bytes });
        }
        if header_bytes > packet.len() {
            return Err(Error::Truncated { needed_bytes: header_bytes, available_bytes: packet.len() });
        }
        let fragment = u16::from_be_bytes([fixed[6], fixed[7]]);
        let header = Header {
            source: Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]),
            destination: Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]),
            protocol: fixed[9],
            ttl: fixed[8],
            dscp: fixed[1] >> 2,
            ecn: Ecn::from_bits(fixed[1]),
            identification: u16::from_be_bytes([fixed[4], fixed[5]]),
            dont_fragment: fragment & DONT_FRAGMENT != 0,
            more_fragments: fragment & MORE_FRAGMENTS != 0,
            fragment_offset_bytes: (fragment & FRAGMENT_OFFSET) << 3,
            total_bytes: u16::from_be_bytes([fixed[2], fixed[3]]),
        };
        Ok((header, header_bytes))
    }

    /// How many bytes of data follow the header, without what a link added after them (Ethernet
    /// padding). `available_bytes` counts from the start of the header.
    ///
    /// # Errors
    /// [`Error::Length`] if the total length is less than the header's or more than `available_bytes`.
    pub fn text_bytes(&self, header_bytes: usize, available_bytes: usize) -> Result<usize, Error> {
        let claimed_bytes = usize::from(self.total_bytes);
        if claimed_bytes < header_bytes || claimed_bytes > available_bytes {
            return Err(Error::Length { claimed_bytes, available_bytes });
        }
        Ok(claimed_bytes - header_bytes)
    }

    /// Whether the packet is a piece of a larger one.
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset_bytes != 0
    }

    /// Writes the header, without options and with its checksum, to the start of `into`.
    ///
    /// # Panics
    /// If `into` is shorter than [`HEADER_BYTES`].
    pub fn emit(&self, into: &mut [u8]) {
        let fragment = (self.fragment_offset_bytes >> 3)
            | if self.dont_fragment { DONT_FRAGMENT } else { 0 }
            | if self.more_fragments { MORE_FRAGMENTS } else { 0 };
        let mut words = [
            u32::from_be_bytes([0x45, (self.dscp << 2) | self.ecn.bits(), 0, 0])
                | u32::from(self.total_bytes),
            (u32::from(self.identification) << 16) | u32::from(fragment),
            u32::from_be_bytes([self.ttl, self.protocol, 0, 0]),
            self.source.to_bits(),
            self.destination.to_bits(),
        ];
        words[2] |= u32::from(checksum::of_words(&words));
        words::put(&words, &mut into[..HEADER_BYTES]);
    }
}

impl Default for Header {
    /// Unspecified addresses, a TTL of 64, nothing else set.
    fn default() -> Self {
        Header {
            source: Ipv4Addr::UNSPECIFIED,
            destination: Ipv4Addr::UNSPECIFIED,
            protocol: 0,
            ttl: 64,
            dscp: 0,
            ecn: Ecn::NotCapable,
            identification: 0,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset_bytes: 0,
            total_bytes: HEADER_BYTES as u16,
        }
    }
}

/// Whether the checksum of this header, options included, is right.
pub fn checksum_is_good(header: &[u8]) -> bool {
    checksum::of(header) == 0
}

#[cfg(test)]
mod tests;
