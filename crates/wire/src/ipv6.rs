//! The IPv6 header (RFC 8200 §3).
//!
//! [`Header`] is the value of the fixed header; [`walk`] skips the extension headers that follow it, up to
//! the transport. Of extension headers only the fragment header is ever written ([`Fragment::emit`]).
//! What is *not* here: reassembly and routing; those are the host's.

mod extension;
#[cfg(test)]
mod tests;

pub use extension::{Fragment, Problem, ProblemKind, Upper, walk};

use crate::error::{Error, take};
use crate::ip::Ecn;
use core::net::Ipv6Addr;

/// The fixed header, in bytes.
pub const HEADER_BYTES: usize = 40;

/// The fixed IPv6 header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// The sender's address.
    pub source: Ipv6Addr,
    /// The address that the packet is sent to.
    pub destination: Ipv6Addr,
    /// Differentiated services codepoint, six bits.
    pub dscp: u8,
    /// Explicit congestion notification.
    pub ecn: Ecn,
    /// Flow label, 20 bits (RFC 6437).
    pub flow_label: u32,
    /// How many bytes follow this header, extension headers included.
    pub payload_bytes: u16,
    /// Which header follows this one; see [`protocol`](crate::ip::protocol).
    pub next_header: u8,
    /// How many routers the packet may still cross.
    pub hop_limit: u8,
}

impl Header {
    /// Reads the fixed header at the start of a packet; what follows starts [`HEADER_BYTES`] in.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Version`].
    ///
    /// ```
    /// use synfin_wire::ipv6::Header;
    /// let mut packet = [0; 40];
    /// Header { hop_limit: 7, ..Header::default() }.emit(&mut packet);
    /// assert_eq!(Header::parse(&packet)?.hop_limit, 7);
    /// # Ok::<(), synfin_wire::Error>(())
    /// ```
    #[inline]
    pub fn parse(packet: &[u8]) -> Result<Header, Error> {
        let fixed = take::<HEADER_BYTES>(packet, 0)?;
        if fixed[0] >> 4 != 6 {
            return Err(Error::Version { found: fixed[0] >> 4 });
        }
        let word = u32::from_be_bytes([fixed[0], fixed[1], fixed[2], fixed[3]]);
        let traffic_class = (word >> 20) as u8;
        Ok(Header {
            source: address(fixed, 8),
            destination: address(fixed, 24),
            dscp: traffic_class >> 2,
            ecn: Ecn::from_bits(traffic_class),
            flow_label: word & 0xf_ffff,
            payload_bytes: u16::from_be_bytes([fixed[4], fixed[5]]),
            next_header: fixed[6],
            hop_limit: fixed[7],
        })
    }

    /// How many bytes follow the fixed header, without what a link added after them.
    /// `available_bytes` counts from the start of the fixed header.
    ///
    /// # Errors
    /// [`Error::Length`] if the packet's length is more than `available_bytes`.
    pub fn text_bytes(&self, available_bytes: usize) -> Result<usize, Error> {
        let claimed_bytes = HEADER_BYTES + usize::from(self.payload_bytes);
        if claimed_bytes > available_bytes {
            return Err(Error::Length { claimed_bytes, available_bytes });
        }
        Ok(usize::from(self.payload_bytes))
    }

    /// Writes the header to the start of `into`.
    ///
    /// # Panics
    /// If `into` is shorter than [`HEADER_BYTES`].
    pub fn emit(&self, into: &mut [u8]) {
        let into = &mut into[..HEADER_BYTES];
        let traffic_class = u32::from((self.dscp << 2) | self.ecn.bits());
        let word = 6 << 28 | traffic_class << 20 | (self.flow_label & 0xf_ffff);
        into[0..4].copy_from_slice(&word.to_be_bytes());
        into[4..6].copy_from_slice(&self.payload_bytes.to_be_bytes());
        into[6] = self.next_header;
        into[7] = self.hop_limit;
        into[8..24].copy_from_slice(&self.source.octets());
        into[24..40].copy_from_slice(&self.destination.octets());
    }
}

impl Default for Header {
    /// Unspecified addresses, a hop limit of 64, nothing following.
    fn default() -> Self {
        Header {
            source: Ipv6Addr::UNSPECIFIED,
            destination: Ipv6Addr::UNSPECIFIED,
            dscp: 0,
            ecn: Ecn::NotCapable,
            flow_label: 0,
            payload_bytes: 0,
            next_header: crate::ip::protocol::NO_NEXT_HEADER,
            hop_limit: 64,
        }
    }
}

fn address(fixed: &[u8; HEADER_BYTES], at: usize) -> Ipv6Addr {
    let mut octets = [0; 16];
    octets.copy_from_slice(&fixed[at..at + 16]);
    Ipv6Addr::from(octets)
}
