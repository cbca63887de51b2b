//! Link layers: which one a packet begins with; Ethernet and its tags; LLC and SNAP.
//!
//! The layouts are those of the LINKTYPE_ pages at tcpdump.org, IEEE 802.1Q, 802.1ad, 802.1ah, 802.1BR and 802.2, RFC
//! 1042, RFC 6325 (TRILL). Headers that a capture adds are in `captured.rs`, links other than Ethernet in
//! `other_links.rs` and `wifi.rs`.

use super::view::be16;
use super::walk::{Halt, Next, RadioHeader, Walk};
use super::{Layer, NotTcp};
use crate::{Direction, LinkType};
use wire::ethernet::{ethertype, sap};

/// The smallest Ethertype. A smaller number in this field is the length of an IEEE 802.3 frame.
const ETHERTYPE_MIN: u16 = 0x0600;

impl<'a> Walk<'a> {
    /// Removes the link layer.
    pub(super) fn link(&mut self, link_type: LinkType) -> Result<Next, Halt<'a>> {
        match link_type {
            LinkType::ETHERNET => Ok(Next::Ethernet),
            LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
                Ok(Next::Ip)
            }
            LinkType::NULL | LinkType::LOOP => self.loopback(),
            LinkType::ENC => self.enc(),
            LinkType::LINUX_SLL => self.linux_cooked(),
            LinkType::LINUX_SLL2 => self.linux_cooked_v2(),
            LinkType::PPP | LinkType::PPP_HDLC => Ok(Next::HdlcOrPpp),
            LinkType::PPP_WITH_DIRECTION | LinkType::PPP_PPPD => {
                self.direction_byte(Layer::Ppp)?;
                Ok(Next::HdlcOrPpp)
            }
            LinkType::PPP_ETHER => Ok(Next::Pppoe),
            LinkType::CISCO_HDLC => Ok(Next::CiscoHdlc),
            LinkType::CISCO_HDLC_WITH_DIRECTION => {
                self.direction_byte(Layer::CiscoHdlc)?;
                Ok(Next::CiscoHdlc)
            }
            LinkType::FRAME_RELAY => Ok(Next::FrameRelay),
            LinkType::FRAME_RELAY_WITH_DIRECTION => {
                self.direction_byte(Layer::FrameRelay)?;
                Ok(Next::FrameRelay)
            }
            LinkType::MPLS => Ok(Next::Mpls),
            LinkType::NFLOG => self.nflog(),
            LinkType::PFLOG => self.pflog(),
            LinkType::PKTAP => self.pktap(),
            LinkType::ERF => self.erf(),
            LinkType::JUNIPER_ETHER => self.juniper(Next::Ethernet),
            LinkType::JUNIPER_PPP => self.juniper(Next::Ppp),
            LinkType::JUNIPER_FRAME_RELAY => self.juniper(Next::FrameRelay),
            LinkType::JUNIPER_CISCO_HDLC => self.juniper(Next::CiscoHdlc),
            LinkType::FDDI => self.fddi(),
            LinkType::TOKEN_RING => self.token_ring(),
            LinkType::ATM_LLC => Ok(Next::Llc),
            LinkType::IP_OVER_FIBRE_CHANNEL => self.ip_over_fibre_channel(),
            LinkType::IP_OVER_FIREWIRE => self.ip_over_firewire(),
            LinkType::ARCNET => self.arcnet(0),
            LinkType::ARCNET_LINUX => self.arcnet(2),
            LinkType::IP_OVER_INFINIBAND => self.ip_over_infiniband(),
            LinkType::INFINIBAND => self.infiniband(),
            LinkType::IEEE802_11 => Ok(Next::Ieee80211(RadioHeader::Plain)),
            LinkType::IEEE802_11_RADIOTAP => self.radiotap(),
            LinkType::PPI => self.ppi(),
            LinkType::IEEE802_11_PRISM => self.prism(),
            LinkType::IEEE802_11_AVS => self.avs(),
            other => Err(Halt::NotTcp(NotTcp::LinkType(other))),
        }
    }

    /// A byte that is zero for what was received.
    fn direction_byte(&mut self, layer: Layer) -> Result<(), Halt<'a>> {
        let sent = self.view.take(1, layer)?[0] != 0;
        let direction = if sent { Direction::Outbound } else { Direction::Inbound };
        self.direction = self.direction.or(Some(direction));
        Ok(())
    }

    pub(super) fn ethernet(&mut self) -> Result<Next, Halt<'a>> {
        let ethertype = be16(self.view.take(14, Layer::Ethernet)?, 12);
        Ok(self.type_or_length(ethertype))
    }

    pub(super) fn ethertype(&mut self, ethertype: u16) -> Result<Next, Halt<'a>> {
        match ethertype {
            ethertype::IPV4 | ethertype::IPV6 => Ok(Next::Ip),
            ethertype::VLAN
            | ethertype::PROVIDER_VLAN
            | ethertype::OLD_PROVIDER_VLAN
            | ethertype::OLD_PROVIDER_VLAN_2 => {
                let tag = self.view.take(4, Layer::Vlan)?;
                self.vlans.push(be16(tag, 0) & 0x0fff);
                let inner = be16(tag, 2);
                Ok(self.type_or_length(inner))
            }
            ethertype::MPLS | ethertype::MPLS_UPSTREAM => Ok(Next::Mpls),
            ethertype::PPPOE_SESSION => Ok(Next::Pppoe),
            ethertype::PPP => Ok(Next::Ppp),
            ethertype::BRIDGED => Ok(Next::Ethernet),
            ethertype::NSH => Ok(Next::Nsh),
            ethertype::SERVICE_TAG => self.mac_in_mac(Layer::ServiceTag, 4),
            ethertype::FABRIC_PATH => self.mac_in_mac(Layer::FabricPath, 2),
            ethertype::TRILL => self.trill(),
            ethertype::PORT_TAG => self.tag(Layer::PortTag, 6),
            ethertype::CISCO_META_DATA => self.tag(Layer::CiscoMetaData, 6),
            ethertype::HSR => self.tag(Layer::Hsr, 4),
            ethertype::MACSEC => self.macsec(),
            other => Err(Halt::NotTcp(NotTcp::Ethertype(other))),
        }
    }

    /// A tag of this many bytes, then an Ethertype.
    fn tag(&mut self, layer: Layer, tag_bytes: usize) -> Result<Next, Halt<'a>> {
        let ethertype = be16(self.view.take(tag_bytes + 2, layer)?, tag_bytes);
        Ok(self.type_or_length(ethertype))
    }

    /// A header of this many bytes, then the whole frame of a customer, with addresses of its own.
    fn mac_in_mac(&mut self, layer: Layer, header_bytes: usize) -> Result<Next, Halt<'a>> {
        self.view.take(header_bytes, layer)?;
        Ok(self.enter_tunnel(layer, Next::Ethernet))
    }

    /// Version, the length of options in units of 4 bytes, hops; two nicknames; options; the frame (RFC 6325 §3).
    fn trill(&mut self) -> Result<Next, Halt<'a>> {
        let start = self.view.take(6, Layer::Trill)?;
        let options_bytes = usize::from(be16(start, 0) >> 6 & 0x1f) * 4;
        self.mac_in_mac(Layer::Trill, options_bytes)
    }

    /// IEEE 802.1AE §9.3: a frame that is only authenticated can be read.
    fn macsec(&mut self) -> Result<Next, Halt<'a>> {
        const CHANNEL_IDENTIFIER: u8 = 0x20;
        const ENCRYPTED_OR_CHANGED: u8 = 0x0c;
        const CHECK_BYTES: usize = 16;
        let control = self.view.peek(1, Layer::Macsec)?[0];
        if control & ENCRYPTED_OR_CHANGED != 0 {
            return Err(Halt::NotTcp(NotTcp::Encrypted(Layer::Macsec)));
        }
        self.view.limit(self.view.wire_bytes.saturating_sub(CHECK_BYTES));
        self.tag(Layer::Macsec, if control & CHANNEL_IDENTIFIER != 0 { 14 } else { 6 })
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
        const UNNUMBERED_INFORMATION: u8 = 0x03;
        let header = self.view.take(3, Layer::Llc)?;
        match (header[0], header[2]) {
            (sap::IP, UNNUMBERED_INFORMATION) => Ok(Next::Ip),
            (sap::SNAP, UNNUMBERED_INFORMATION) => {
                let snap = self.view.take(5, Layer::Llc)?;
                match snap[..3] {
                    [0, 0, 0] | [0, 0, 0xf8] => Ok(Next::Ethertype(be16(snap, 3))),
                    _ => Err(Halt::NotTcp(NotTcp::Llc(sap::SNAP))),
                }
            }
            (other, _) => Err(Halt::NotTcp(NotTcp::Llc(other))),
        }
    }
}
