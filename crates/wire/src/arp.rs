//! ARP for IPv4 over Ethernet (RFC 826). What is *not* here: the cache; that is the host's.

use crate::error::{Error, take};
use crate::ethernet::MacAddress;
use core::net::Ipv4Addr;

/// A packet for IPv4 over Ethernet, in bytes.
pub const PACKET_BYTES: usize = 28;

/// What a packet asks or says.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Who has the target's IP address?
    Request,
    /// The sender has it.
    Reply,
}

/// An ARP packet as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Request or reply.
    pub operation: Operation,
    /// The sender's link-layer address.
    pub sender_mac: MacAddress,
    /// The sender's IP address; unspecified in a probe (RFC 5227).
    pub sender: Ipv4Addr,
    /// The target's link-layer address; zeros in a request.
    pub target_mac: MacAddress,
    /// The target's IP address.
    pub target: Ipv4Addr,
}

impl Packet {
    /// Reads a packet; what follows it is padding.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Unsupported`] for other hardware, protocols or operations.
    ///
    /// ```
    /// use synfin_wire::arp::{Operation, Packet};
    /// use synfin_wire::ethernet::MacAddress;
    /// let request = Packet {
    ///     operation: Operation::Request,
    ///     sender_mac: MacAddress([2, 0, 0, 0, 0, 1]),
    ///     sender: [10, 0, 0, 1].into(),
    ///     target_mac: MacAddress::default(),
    ///     target: [10, 0, 0, 2].into(),
    /// };
    /// let mut bytes = [0; 28];
    /// request.emit(&mut bytes);
    /// assert_eq!(Packet::parse(&bytes), Ok(request));
    /// ```
    pub fn parse(packet: &[u8]) -> Result<Packet, Error> {
        let fixed = take::<PACKET_BYTES>(packet, 0)?;
        if fixed[..6] != [0, 1, 8, 0, 6, 4] {
            return Err(Error::Unsupported { what: "the ARP hardware or protocol type" });
        }
        let operation = match fixed[6..8] {
            [0, 1] => Operation::Request,
            [0, 2] => Operation::Reply,
            _ => return Err(Error::Unsupported { what: "the ARP operation" }),
        };
        Ok(Packet {
            operation,
            sender_mac: MacAddress(*take(fixed, 8)?),
            sender: Ipv4Addr::from(*take::<4>(fixed, 14)?),
            target_mac: MacAddress(*take(fixed, 18)?),
            target: Ipv4Addr::from(*take::<4>(fixed, 24)?),
        })
    }

    /// Writes the packet to the start of `into`.
    ///
    /// # Panics
    /// If `into` is shorter than [`PACKET_BYTES`].
    pub fn emit(&self, into: &mut [u8]) {
        into[..6].copy_from_slice(&[0, 1, 8, 0, 6, 4]);
        into[6..8].copy_from_slice(match self.operation {
            Operation::Request => &[0, 1],
            Operation::Reply => &[0, 2],
        });
        into[8..14].copy_from_slice(&self.sender_mac.0);
        into[14..18].copy_from_slice(&self.sender.octets());
        into[18..24].copy_from_slice(&self.target_mac.0);
        into[24..28].copy_from_slice(&self.target.octets());
    }
}
