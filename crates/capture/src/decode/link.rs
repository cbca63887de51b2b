//! Link layers: Ethernet with VLAN tags, LLC/SNAP, FDDI, loopback, Linux cooked, NFLOG.
//!
//! The layouts are those of the LINKTYPE_ pages at tcpdump.org, IEEE 802.1Q and 802.2, and RFC 1042.

use super::view::{be16, be32};
use super::walk::{Halt, Next, Walk};
use super::{Layer, NotTcp};
use crate::{Direction, LinkType};

/// The smallest Ethertype. A smaller number in this field is the length of an IEEE 802.3 frame.
const ETHERTYPE_MIN: u16 = 0x0600;

/// Attributes of a netfilter log message.
const NFULA_PACKET_HDR: u16 = 1;
const NFULA_PAYLOAD: u16 = 9;
/// Linux defines about 20 attributes, each at most once in a message.
const NFLOG_ATTRIBUTES_MAX: usize = 64;
/// The high byte of a netlink attribute's kind, without its two flags.
const NLA_TYPE_HIGH: u8 = 0x3f;

impl<'a> Walk<'a> {
    /// Removes the link layer.
    pub(super) fn link(&mut self, link_type: LinkType) -> Result<Next, Halt<'a>> {
        match link_type {
            LinkType::ETHERNET => Ok(Next::Ethernet),
            LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
                Ok(Next::Ip)
            }
            LinkType::NULL | LinkType::LOOP => self.loopback(),
            LinkType::LINUX_SLL => self.linux_cooked(),
            LinkType::LINUX_SLL2 => self.linux_cooked_v2(),
            LinkType::PPP | LinkType::PPP_HDLC => Ok(Next::HdlcOrPpp),
            LinkType::PPP_WITH_DIRECTION => {
                let sent = self.view.take(1, Layer::Ppp)?[0] != 0;
                let direction = if sent { Direction::Outbound } else { Direction::Inbound };
                self.direction = self.direction.or(Some(direction));
                Ok(Next::HdlcOrPpp)
            }
            LinkType::PPP_ETHER => Ok(Next::Pppoe),
            LinkType::CISCO_HDLC => Ok(Next::CiscoHdlc),
            LinkType::NFLOG => self.nflog(),
            LinkType::FDDI => self.fddi(),
            other => Err(Halt::NotTcp(NotTcp::LinkType(other))),
        }
    }

    pub(super) fn ethernet(&mut self) -> Result<Next, Halt<'a>> {
        let ethertype = be16(self.view.take(14, Layer::Ethernet)?, 12);
        Ok(self.type_or_length(ethertype))
    }

    pub(super) fn ethertype(&mut self, ethertype: u16) -> Result<Next, Halt<'a>> {
        match ethertype {
            0x0800 | 0x86dd => Ok(Next::Ip),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                let tag = self.view.take(4, Layer::Vlan)?;
                self.vlans.push(be16(tag, 0) & 0x0fff);
                let inner = be16(tag, 2);
                Ok(self.type_or_length(inner))
            }
            0x8847 | 0x8848 => Ok(Next::Mpls),
            0x8864 => Ok(Next::Pppoe),
            0x880b => Ok(Next::Ppp),
            0x6558 => Ok(Next::Ethernet),
            other => Err(Halt::NotTcp(NotTcp::Ethertype(other))),
        }
    }

    fn type_or_length(&mut self, ethertype: u16) -> Next {
        if ethertype >= ETHERTYPE_MIN {
            return Next::Ethertype(ethertype);
        }
        self.view.limit(usize::from(ethertype));
        Next::Llc
    }

    /// IEEE 802.2, and the SNAP header that gives an Ethertype.
    pub(super) fn llc(&mut self) -> Result<Next, Halt<'a>> {
        const SAP_IP: u8 = 0x06;
        const SAP_SNAP: u8 = 0xaa;
        const UNNUMBERED_INFORMATION: u8 = 0x03;
        let header = self.view.take(3, Layer::Llc)?;
        match (header[0], header[2]) {
            (SAP_IP, UNNUMBERED_INFORMATION) => Ok(Next::Ip),
            (SAP_SNAP, UNNUMBERED_INFORMATION) => {
                let snap = self.view.take(5, Layer::Llc)?;
                match snap[..3] {
                    [0, 0, 0] | [0, 0, 0xf8] => Ok(Next::Ethertype(be16(snap, 3))),
                    _ => Err(Halt::NotTcp(NotTcp::Llc(SAP_SNAP))),
                }
            }
            (sap, _) => Err(Halt::NotTcp(NotTcp::Llc(sap))),
        }
    }

    /// Frame control and two addresses. Asynchronous and synchronous LLC frames carry data.
    fn fddi(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(13, Layer::Fddi)?;
        if header[0] & 0x70 != 0x50 {
            return Err(Halt::NotTcp(NotTcp::Llc(0)));
        }
        Ok(Next::Llc)
    }

    /// The address family of the capturing system, in its byte order: 2 is IPv4 everywhere.
    fn loopback(&mut self) -> Result<Next, Halt<'a>> {
        let family = be32(self.view.take(4, Layer::Loopback)?, 0);
        let family = if family > 0xffff { family.swap_bytes() } else { family };
        match family {
            // IPv6: Linux, Windows, BSD/OS and NetBSD, FreeBSD, macOS
            2 | 10 | 23 | 24 | 28 | 30 => Ok(Next::Ip),
            _ => Err(Halt::NotTcp(NotTcp::Malformed(Layer::Loopback))),
        }
    }

    fn linux_cooked(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(16, Layer::LinuxCooked)?;
        self.packet_type(be16(header, 0));
        Ok(cooked_protocol(be16(header, 14)))
    }

    fn linux_cooked_v2(&mut self) -> Result<Next, Halt<'a>> {
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
    fn nflog(&mut self) -> Result<Next, Halt<'a>> {
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
}

/// Linux marks IEEE 802.2 frames with a number that is not an Ethertype.
fn cooked_protocol(protocol: u16) -> Next {
    const LINUX_802_2: u16 = 4;
    if protocol == LINUX_802_2 { Next::Llc } else { Next::Ethertype(protocol) }
}
