//! Tunnels that have an IP protocol of their own, or Ethertypes in GRE: GRE (RFC 2784, RFC 2890, PPTP's of RFC 2637),
//! ERSPAN (draft-foschiano-erspan), WCCP (draft-param-wccp-v2rev1 §4), NSH (RFC 8300), L2TP v3 (RFC 3931).
//!
//! Those in UDP are in `udp_tunnel.rs`.

use super::view::be16;
use super::walk::{Halt, Next, Walk};
use super::{Layer, NotTcp};
use wire::ethernet::ethertype;
use wire::ip::protocol;

impl<'a> Walk<'a> {
    pub(super) fn gre(&mut self) -> Result<Next, Halt<'a>> {
        const CHECKSUM: u16 = 0x8000;
        const ROUTING: u16 = 0x4000;
        const KEY: u16 = 0x2000;
        const SEQUENCE: u16 = 0x1000;
        const ACKNOWLEDGMENT: u16 = 0x0080;

        let header = self.view.take(4, Layer::Gre)?;
        let flags = be16(header, 0);
        let protocol = be16(header, 2);
        let version = flags & 7;
        if flags & ROUTING != 0 || version > 1 {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Gre)));
        }
        let present = if version == 0 { CHECKSUM | KEY | SEQUENCE } else { KEY | SEQUENCE | ACKNOWLEDGMENT };
        self.view.take((flags & present).count_ones() as usize * 4, Layer::Gre)?;
        match protocol {
            ethertype::ERSPAN => {
                // Type I has no header; type II has one, and GRE then has a sequence number.
                let header_bytes = if flags & SEQUENCE == 0 { 0 } else { 8 };
                self.view.take(header_bytes, Layer::Erspan)?;
                Ok(self.enter_tunnel(Layer::Erspan, Next::Ethernet))
            }
            ethertype::ERSPAN_III => self.erspan_iii(),
            ethertype::WCCP => self.wccp(),
            // PPTP confirms packets with messages that carry nothing (RFC 2637 §4.1).
            ethertype::PPP if version == 1 && flags & SEQUENCE == 0 => {
                Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Gre)))
            }
            // Zero: a keep-alive, as routers send it.
            0 => Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Gre))),
            ethertype => Ok(self.enter_tunnel(Layer::Gre, Next::Ethertype(ethertype))),
        }
    }

    /// The header of type III has 12 bytes, and says whether the frame is Ethernet or IP, and whether 8 more follow.
    fn erspan_iii(&mut self) -> Result<Next, Halt<'a>> {
        const SUBHEADER: u8 = 1;
        const IP_FRAME: u8 = 2;
        let header = self.view.take(12, Layer::Erspan)?;
        let optional_bytes = if header[11] & SUBHEADER != 0 { 8 } else { 0 };
        self.view.take(optional_bytes, Layer::Erspan)?;
        let frame_type = header[10] >> 2 & 0x1f;
        let next = if frame_type == IP_FRAME { Next::Ip } else { Next::Ethernet };
        Ok(self.enter_tunnel(Layer::Erspan, next))
    }

    /// A packet that a router redirects to a cache. WCCP v2 puts a header of 4 bytes before it, v1 none; the first
    /// nibble of an IP packet is 4 or 6, and no such header begins so.
    fn wccp(&mut self) -> Result<Next, Halt<'a>> {
        if !matches!(self.view.peek(1, Layer::Gre)?[0] >> 4, 4 | 6) {
            self.view.take(4, Layer::Gre)?;
        }
        Ok(self.enter_tunnel(Layer::Gre, Next::Ip))
    }

    /// The network service header: its length in units of 4 bytes, and the number of what follows.
    pub(super) fn nsh(&mut self) -> Result<Next, Halt<'a>> {
        let start = self.view.peek(8, Layer::Nsh)?;
        let len = usize::from(start[1] & 0x3f) * 4;
        if len < 8 {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Nsh)));
        }
        self.view.take(len, Layer::Nsh)?;
        let next = self.generic_protocol(start[3], Layer::Nsh)?;
        Ok(self.enter_tunnel(Layer::Nsh, next))
    }

    /// What follows NSH and VXLAN-GPE, which share their numbers.
    pub(super) fn generic_protocol(&self, number: u8, layer: Layer) -> Result<Next, Halt<'a>> {
        match number {
            1 | 2 => Ok(Next::Ip),
            3 => Ok(Next::Ethernet),
            4 if layer == Layer::Vxlan => Ok(Next::Nsh),
            5 => Ok(Next::Mpls),
            _ => Err(Halt::NotTcp(NotTcp::LinkManagement(layer))),
        }
    }

    /// L2TP v3 directly in IP: a session, whose zero stands for the control channel, and perhaps a cookie.
    pub(super) fn l2tp_in_ip(&mut self) -> Result<Next, Halt<'a>> {
        let session = self.view.take(4, Layer::L2tp)?;
        if session == [0; 4] {
            return Err(Halt::NotTcp(NotTcp::Protocol(protocol::L2TP)));
        }
        self.l2tp_v3_payload()
    }

    /// No field says whether a cookie (0, 4 or 8 bytes) and the default sublayer (4 bytes) are there, nor what the
    /// session carries: both ends know (RFC 3931 §4.1). So the first place at which an Ethernet frame or a PPP frame
    /// with IP in it begins is taken.
    pub(super) fn l2tp_v3_payload(&mut self) -> Result<Next, Halt<'a>> {
        for skipped in [0, 4, 8, 12] {
            let Some(rest) = self.view.bytes.get(skipped..) else { break };
            let next = match rest {
                [0xff, 3, 0, 0x21 | 0x57, version, ..] if matches!(version >> 4, 4 | 6) => Next::Ppp,
                _ if begins_ethernet_with_ip(rest) => Next::Ethernet,
                _ => continue,
            };
            self.view.take(skipped, Layer::L2tp)?;
            return Ok(self.enter_tunnel(Layer::L2tp, next));
        }
        Err(Halt::NotTcp(NotTcp::Protocol(protocol::L2TP)))
    }
}

/// Two addresses, perhaps a tag, then IP.
fn begins_ethernet_with_ip(bytes: &[u8]) -> bool {
    let at = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map(|two| u16::from_be_bytes(*two));
    let (ethertype, ip_at) = match at(12) {
        Some(ethertype::VLAN | ethertype::PROVIDER_VLAN) => (at(16), 18),
        other => (other, 14),
    };
    let version = bytes.get(ip_at).map(|first| first >> 4);
    matches!((ethertype, version), (Some(ethertype::IPV4), Some(4)) | (Some(ethertype::IPV6), Some(6)))
}
