//! Ethernet II frames and their VLAN tags (RFC 894, IEEE 802.1Q).

use crate::error::{Error, take};
use core::fmt;

/// The header without a VLAN tag, in bytes: what [`Header::emit`] writes.
pub const HEADER_BYTES: usize = 14;
/// The most VLAN tags that are skipped: one of the customer, one of the provider, and one to spare.
const TAGS_MAX: usize = 3;

/// What an Ethernet frame carries.
pub mod ethertype {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// ARP.
    pub const ARP: u16 = 0x0806;
    /// A VLAN tag (802.1Q).
    pub const VLAN: u16 = 0x8100;
    /// A provider's VLAN tag (802.1ad).
    pub const PROVIDER_VLAN: u16 = 0x88a8;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
}

/// A 48-bit link-layer address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// Every station on the link.
    pub const BROADCAST: MacAddress = MacAddress([0xff; 6]);

    /// Whether it names a group of stations, broadcast included.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// The group address for an IPv6 multicast address (RFC 2464 §7).
    pub const fn of_ipv6_multicast(address: core::net::Ipv6Addr) -> MacAddress {
        let [.., a, b, c, d] = address.octets();
        MacAddress([0x33, 0x33, a, b, c, d])
    }

    /// The group address for an IPv4 multicast address (RFC 1112 §6.4).
    pub const fn of_ipv4_multicast(address: core::net::Ipv4Addr) -> MacAddress {
        let [_, b, c, d] = address.octets();
        MacAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d])
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An Ethernet header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Header {
    /// The address that the frame is sent to.
    pub destination: MacAddress,
    /// The sender's address.
    pub source: MacAddress,
    /// What it carries, after all VLAN tags; see [`ethertype`]. Below 1,536 it is a length (802.3).
    pub ethertype: u16,
    /// The VLAN of the innermost tag, 12 bits.
    pub vlan: Option<u16>,
}

impl Header {
    /// Reads the header at the start of a frame; returns it with its length in bytes, tags included.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::TooManyHeaders`] for more than three VLAN tags.
    ///
    /// ```
    /// use synfin_wire::ethernet::{Header, ethertype};
    /// let header = Header { ethertype: ethertype::IPV4, ..Header::default() };
    /// let mut frame = [0; 14];
    /// header.emit(&mut frame);
    /// assert_eq!(Header::parse(&frame), Ok((header, 14)));
    /// ```
    pub fn parse(frame: &[u8]) -> Result<(Header, usize), Error> {
        let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5] = *take::<12>(frame, 0)?;
        let mut header = Header {
            destination: MacAddress([d0, d1, d2, d3, d4, d5]),
            source: MacAddress([s0, s1, s2, s3, s4, s5]),
            ethertype: u16::from_be_bytes(*take(frame, 12)?),
            vlan: None,
        };
        let mut header_bytes = HEADER_BYTES;
        for _ in 0..TAGS_MAX {
            if !is_tag(header.ethertype) {
                return Ok((header, header_bytes));
            }
            let [t0, t1, e0, e1] = *take::<4>(frame, header_bytes)?;
            header.vlan = Some(u16::from_be_bytes([t0, t1]) & 0x0fff);
            header.ethertype = u16::from_be_bytes([e0, e1]);
            header_bytes += 4;
        }
        if is_tag(header.ethertype) { Err(Error::TooManyHeaders) } else { Ok((header, header_bytes)) }
    }

    /// Writes the header, without VLAN tag, to the start of `into`.
    ///
    /// # Panics
    /// If `into` is shorter than [`HEADER_BYTES`].
    pub fn emit(&self, into: &mut [u8]) {
        into[0..6].copy_from_slice(&self.destination.0);
        into[6..12].copy_from_slice(&self.source.0);
        into[12..14].copy_from_slice(&self.ethertype.to_be_bytes());
    }
}

const fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, ethertype::VLAN | ethertype::PROVIDER_VLAN)
}
