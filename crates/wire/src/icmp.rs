//! ICMP for both versions of IP, and what an error message quotes.
//!
//! [`v4`] is RFC 792 with RFC 1191's next-hop MTU, [`v6`] is RFC 4443, [`neighbor`] is RFC 4861. What is
//! *not* here: whether an error may be believed (RFC 5927) or sent (rate limits); that is the host's.

mod names;
pub mod neighbor;
#[cfg(test)]
mod tests;
pub mod v4;
pub mod v6;

pub use names::{v4_error_name, v6_error_name};

use crate::Seq;
use crate::error::{Error, take};
use crate::{ipv4, ipv6};
use core::net::IpAddr;

/// Identifier, sequence number and data of an echo request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Chosen by the requester, the same for a series of requests.
    pub identifier: u16,
    /// Chosen by the requester, another for each request.
    pub sequence: u16,
    /// The reply returns it unchanged.
    pub data: &'a [u8],
}

/// The start of the packet that an ICMP error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// The sender of the packet: one of our addresses, if the error is genuine.
    pub source: IpAddr,
    /// The address that the packet was sent to.
    pub destination: IpAddr,
    /// Its transport protocol.
    pub protocol: u8,
    /// The start of its transport header: at least eight bytes from most senders.
    pub text: &'a [u8],
}

impl<'a> Quoted<'a> {
    /// Reads the packet quoted in an error message, IPv4 or IPv6. It may end anywhere after its IP headers.
    ///
    /// # Errors
    /// Those of the IP headers; [`Error::Unsupported`] for a fragment that is not the first, which has no
    /// transport header.
    pub fn parse(packet: &'a [u8]) -> Result<Quoted<'a>, Error> {
        const NOT_FIRST_FRAGMENT: Error =
            Error::Unsupported { what: "a quotation that is not of a first fragment" };
        if packet.first().is_some_and(|first| first >> 4 == 6) {
            let header = ipv6::Header::parse(packet)?;
            let upper = ipv6::walk(packet)?;
            if upper.fragment.is_some_and(|fragment| fragment.offset_bytes != 0) {
                return Err(NOT_FIRST_FRAGMENT);
            }
            return Ok(Quoted {
                source: header.source.into(),
                destination: header.destination.into(),
                protocol: upper.protocol,
                text: packet.get(upper.offset_bytes..).unwrap_or_default(),
            });
        }
        let (header, header_bytes) = ipv4::Header::parse(packet)?;
        if header.fragment_offset_bytes != 0 {
            return Err(NOT_FIRST_FRAGMENT);
        }
        Ok(Quoted {
            source: header.source.into(),
            destination: header.destination.into(),
            protocol: header.protocol,
            text: packet.get(header_bytes..).unwrap_or_default(),
        })
    }

    /// Source and destination port, which TCP and UDP have in the same place.
    pub fn ports(&self) -> Option<(u16, u16)> {
        let [a, b, c, d] = *take::<4>(self.text, 0).ok()?;
        Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }

    /// The sequence number of a quoted TCP segment: what RFC 5927 §4 checks against the window.
    pub fn tcp_seq(&self) -> Option<Seq> {
        take::<4>(self.text, 4).ok().map(|bytes| Seq::new(u32::from_be_bytes(*bytes)))
    }
}

/// Type, code, checksum and the four bytes whose meaning depends on the type.
pub(crate) struct Start {
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) word: [u8; 4],
}

impl Start {
    pub(crate) const BYTES: usize = 8;

    pub(crate) fn parse(message: &[u8]) -> Result<Start, Error> {
        let [kind, code, _, _, a, b, c, d] = *take::<8>(message, 0)?;
        Ok(Start { kind, code, word: [a, b, c, d] })
    }

    pub(crate) fn emit(&self, into: &mut [u8]) {
        into[..4].copy_from_slice(&[self.kind, self.code, 0, 0]);
        into[4..8].copy_from_slice(&self.word);
    }

    pub(crate) fn echo<'a>(&self, message: &'a [u8]) -> Echo<'a> {
        let [a, b, c, d] = self.word;
        Echo {
            identifier: u16::from_be_bytes([a, b]),
            sequence: u16::from_be_bytes([c, d]),
            data: &message[Start::BYTES..],
        }
    }
}

pub(crate) fn echo_word(echo: &Echo<'_>) -> [u8; 4] {
    let [a, b] = echo.identifier.to_be_bytes();
    let [c, d] = echo.sequence.to_be_bytes();
    [a, b, c, d]
}
