//! Headers that a capture, not a network, puts in front of a packet: loopback, Linux cooked, the logs of packet filters,
//! macOS's PKTAP, Juniper's routers, Endace's cards. Layouts: the LINKTYPE_ pages at tcpdump.org, Endace's ERF
//! specification.

use super::view::{be16, be32, le32};
use super::walk::{Halt, Next, Walk};
use super::{Layer, NotTcp};
use crate::{Direction, LinkType};

/// Attributes of a netfilter log message.
const NFULA_PACKET_HDR: u16 = 1;
const NFULA_PAYLOAD: u16 = 9;
/// Linux defines about 20 attributes, each at most once in a message.
const NFLOG_ATTRIBUTES_MAX: usize = 64;
/// The high byte of a netlink attribute's kind, without its two flags.
const NLA_TYPE_HIGH: u8 = 0x3f;
/// The extension headers of an ERF record; cards write one or two.
const ERF_EXTENSIONS_MAX: usize = 16;

impl<'a> Walk<'a> {
    /// The address family of the capturing system, in its byte order: 2 is IPv4 everywhere.
    pub(super) fn loopback(&mut self) -> Result<Next, Halt<'a>> {
        let family = be32(self.view.take(4, Layer::Loopback)?, 0);
        address_family(family, Layer::Loopback)
    }

    pub(super) fn linux_cooked(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(16, Layer::LinuxCooked)?;
        self.packet_type(be16(header, 0));
        Ok(cooked_protocol(be16(header, 14)))
    }

    pub(super) fn linux_cooked_v2(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(20, Layer::LinuxCooked)?;
        self.packet_type(u16::from(header[10]));
        Ok(cooked_protocol(be16(header, 0)))
    }

    /// The packet type of a Linux socket: to us, broadcast, multicast, to others, from us.
    fn packet_type(&mut self, packet_type: u16) {
        let direction = match packet_type {
            0..=2 => Some(Direction::Inbound),
            4 => Some(Direction::Outbound),
            _ => None,
        };
        self.direction = self.direction.or(direction);
    }

    /// Address family, version, resource, then attributes in the byte order of the capturing host.
    pub(super) fn nflog(&mut self) -> Result<Next, Halt<'a>> {
        const LOCAL_IN: u8 = 1;
        const LOCAL_OUT: u8 = 3;
        let family = self.view.take(4, Layer::Nflog)?[0];
        for _ in 0..NFLOG_ATTRIBUTES_MAX {
            let header = self.view.take(4, Layer::Nflog)?;
            // A kind is between 1 and 255, apart from its flags, so the byte that is zero is the high one.
            let (len, kind) = if header[2] & NLA_TYPE_HIGH == 0 {
                (be16(header, 0), be16(header, 2))
            } else {
                let little = |at| u16::from_le_bytes([header[at], header[at + 1]]);
                (little(0), little(2))
            };
            let Some(len) = usize::from(len).checked_sub(4) else {
                return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Nflog)));
            };
            if kind & 0x7fff == NFULA_PAYLOAD {
                self.view.limit(len);
                return match family {
                    2 | 10 => Ok(Next::Ip),
                    _ => Err(Halt::NotTcp(NotTcp::Malformed(Layer::Nflog))),
                };
            }
            let padded = len.next_multiple_of(4).min(self.view.wire_bytes);
            let value = self.view.take(padded, Layer::Nflog)?;
            if kind & 0x7fff == NFULA_PACKET_HDR {
                let direction = match value.get(2) {
                    Some(&LOCAL_IN) => Some(Direction::Inbound),
                    Some(&LOCAL_OUT) => Some(Direction::Outbound),
                    _ => None,
                };
                self.direction = self.direction.or(direction);
            }
        }
        Err(Halt::NotTcp(NotTcp::Malformed(Layer::Nflog)))
    }
    /// OpenBSD's IPsec interface: address family, SPI, flags; what follows was decrypted.
    pub(super) fn enc(&mut self) -> Result<Next, Halt<'a>> {
        let family = be32(self.view.take(12, Layer::Loopback)?, 0);
        address_family(family, Layer::Loopback)
    }

    /// The log of OpenBSD's packet filter: its length, which is padded to a multiple of 4, and the address family.
    pub(super) fn pflog(&mut self) -> Result<Next, Halt<'a>> {
        let start = self.view.peek(4, Layer::Pflog)?;
        let (len, family) = (usize::from(start[0]), u32::from(start[1]));
        if len < 4 {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Pflog)));
        }
        self.view.take(len.next_multiple_of(4), Layer::Pflog)?;
        address_family(family, Layer::Pflog)
    }

    /// Apple's PKTAP: its length, a number, the link type of the packet, the name of an interface, flags.
    pub(super) fn pktap(&mut self) -> Result<Next, Halt<'a>> {
        const FLAGS_AT: usize = 36;
        const INBOUND: u32 = 1;
        const OUTBOUND: u32 = 2;
        let malformed = Halt::NotTcp(NotTcp::Malformed(Layer::Pktap));
        let start = self.view.peek(12, Layer::Pktap)?;
        let (len, link_type) = (le32(start, 0) as usize, le32(start, 8));
        if len < 12 {
            return Err(malformed);
        }
        let header = self.view.take(len, Layer::Pktap)?;
        let flags = header.get(FLAGS_AT..).filter(|rest| rest.len() >= 4).map_or(0, |rest| le32(rest, 0));
        let direction = match flags & (INBOUND | OUTBOUND) {
            INBOUND => Some(Direction::Inbound),
            OUTBOUND => Some(Direction::Outbound),
            _ => None,
        };
        self.direction = self.direction.or(direction);
        match u16::try_from(link_type).map(LinkType) {
            Ok(LinkType::PKTAP) | Err(_) => Err(malformed),
            Ok(other) => self.link(other),
        }
    }

    /// A magic number, flags, perhaps extensions; then the link's header, unless the flags say that there is none:
    /// then a number says what the packet is.
    pub(super) fn juniper(&mut self, link: Next) -> Result<Next, Halt<'a>> {
        const MAGIC: &[u8] = b"MGC";
        const WITH_EXTENSIONS: u8 = 0x80;
        const WITHOUT_LINK: u8 = 0x02;
        const RECEIVED: u8 = 0x01;
        let start = self.view.take(4, Layer::Juniper)?;
        if &start[..3] != MAGIC {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Juniper)));
        }
        let direction = if start[3] & RECEIVED != 0 { Direction::Inbound } else { Direction::Outbound };
        self.direction = self.direction.or(Some(direction));
        if start[3] & WITH_EXTENSIONS != 0 {
            let len = usize::from(be16(self.view.take(2, Layer::Juniper)?, 0));
            self.view.take(len, Layer::Juniper)?;
        }
        if start[3] & WITHOUT_LINK == 0 {
            return Ok(link);
        }
        match le32(self.view.take(4, Layer::Juniper)?, 0) {
            2 | 6 => Ok(Next::Ip),
            3..=5 | 7 | 8 => Ok(Next::Mpls),
            200 => Ok(Next::Ppp),
            202 | 203 => Ok(Next::Llc),
            204 => Ok(Next::Ethernet),
            207 => Ok(Next::FrameRelay),
            208 => Ok(Next::CiscoHdlc),
            _ => Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Juniper))),
        }
    }

    /// A time, a kind, flags, lengths; perhaps extension headers, whose first bit says that another follows; then the
    /// packet, before which Ethernet has two bytes of alignment.
    pub(super) fn erf(&mut self) -> Result<Next, Halt<'a>> {
        const WITH_EXTENSION: u8 = 0x80;
        let header = self.view.take(16, Layer::Erf)?;
        let wire_bytes = usize::from(be16(header, 14));
        let mut more = header[8] & WITH_EXTENSION != 0;
        for _ in 0..ERF_EXTENSIONS_MAX {
            if !more {
                break;
            }
            more = self.view.take(8, Layer::Erf)?[0] & WITH_EXTENSION != 0;
        }
        let next = match header[8] & !WITH_EXTENSION {
            1 | 5 | 10 | 17 => Next::HdlcOrPpp,
            2 | 11 | 16 | 20 => {
                self.view.take(2, Layer::Erf)?;
                Next::Ethernet
            }
            21 => Next::Infiniband,
            22 | 23 => Next::Ip,
            _ => return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Erf))),
        };
        // the record's own length counts its headers and padding, the packet's does not
        self.view.limit(wire_bytes.max(1));
        self.view.wire_bytes = wire_bytes.max(self.view.bytes.len());
        Ok(next)
    }
}

/// A number of the capturing system for an address family, in its byte order.
fn address_family<'a>(family: u32, layer: Layer) -> Result<Next, Halt<'a>> {
    let family = if family > 0xffff { family.swap_bytes() } else { family };
    match family {
        // IPv6: Linux, Windows, BSD/OS and NetBSD, FreeBSD, macOS
        2 | 10 | 23 | 24 | 28 | 30 => Ok(Next::Ip),
        _ => Err(Halt::NotTcp(NotTcp::Malformed(layer))),
    }
}

/// Linux marks IEEE 802.2 frames with a number that is not an Ethertype.
fn cooked_protocol(protocol: u16) -> Next {
    const LINUX_802_2: u16 = 4;
    if protocol == LINUX_802_2 { Next::Llc } else { Next::Ethertype(protocol) }
}
