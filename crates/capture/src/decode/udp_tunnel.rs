//! Tunnels in UDP: VXLAN (RFC 7348) and its generic protocol extension, Geneve (RFC 8926), GTP-U (3GPP TS 29.281 §5),
//! L2TP (RFC 2661, RFC 3931), Teredo (RFC 4380), AYIYA (draft-massar-v6ops-ayiya), CAPWAP data (RFC 5415, RFC 5416),
//! GRE and MPLS in UDP (RFC 8086, RFC 7510). Only their registered ports are recognized.
//!
//! Ports are taken by chance, too: what does not look like the tunnel is told as UDP.

use super::pieces::Pieces;
use super::view::be16;
use super::walk::{Halt, Next, RadioHeader, Walk};
use super::{Layer, NotTcp};
use wire::ip::protocol;
use wire::udp::port;

/// The most extension headers in a packet; GTP-U defines fewer kinds.
const GTP_EXTENSIONS_MAX: usize = 16;

const JUST_UDP: Halt<'static> = Halt::NotTcp(NotTcp::Protocol(protocol::UDP));

impl<'a> Walk<'a> {
    pub(super) fn udp(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(8, Layer::Udp)?;
        let ports = [be16(header, 0), be16(header, 2)];
        let len = usize::from(be16(header, 4));
        if len >= 8 {
            self.view.limit(len - 8);
        }
        // The port of the destination tells more: the other is often chosen at random.
        let tunnel = [ports[1], ports[0]].into_iter().find(|number| is_tunnel(*number));
        match tunnel {
            Some(port::VXLAN | port::VXLAN_LINUX) => self.vxlan(),
            Some(port::VXLAN_GPE) => self.vxlan_gpe(),
            Some(port::GENEVE) => self.geneve(),
            Some(port::GTP_U) => self.gtp_u(),
            Some(port::L2TP) => self.l2tp(),
            Some(port::TEREDO) => self.teredo(),
            Some(port::AYIYA) => self.ayiya(),
            Some(port::CAPWAP_DATA) => self.capwap(),
            Some(port::SFLOW) => self.sflow(),
            Some(port::GRE) => self.gre(),
            Some(port::MPLS) => Ok(self.enter_tunnel(Layer::Mpls, Next::Mpls)),
            Some(port::IPSEC_NAT) => self.ipsec_behind_nat(),
            _ => Err(JUST_UDP),
        }
    }

    fn vxlan(&mut self) -> Result<Next, Halt<'a>> {
        const NETWORK_IDENTIFIER: u8 = 0x08;
        if self.view.take(8, Layer::Vxlan)?[0] & NETWORK_IDENTIFIER == 0 {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Vxlan)));
        }
        Ok(self.enter_tunnel(Layer::Vxlan, Next::Ethernet))
    }

    fn vxlan_gpe(&mut self) -> Result<Next, Halt<'a>> {
        const NEXT_PROTOCOL: u8 = 0x04;
        let header = self.view.take(8, Layer::Vxlan)?;
        let next = match header[0] & NEXT_PROTOCOL {
            0 => Next::Ethernet,
            _ => self.generic_protocol(header[3], Layer::Vxlan)?,
        };
        Ok(self.enter_tunnel(Layer::Vxlan, next))
    }

    fn geneve(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(8, Layer::Geneve)?;
        self.view.take(usize::from(header[0] & 0x3f) * 4, Layer::Geneve)?;
        Ok(self.enter_tunnel(Layer::Geneve, Next::Ethertype(be16(header, 2))))
    }

    fn gtp_u(&mut self) -> Result<Next, Halt<'a>> {
        const VERSION_1_GTP: u8 = 0x30;
        const USER_DATA: u8 = 0xff;
        const ANY_OPTIONAL: u8 = 0x07;
        const EXTENSION: u8 = 0x04;
        let header = self.view.take(8, Layer::GtpU)?;
        if header[0] & 0xf0 != VERSION_1_GTP {
            return Err(JUST_UDP);
        }
        if header[1] != USER_DATA {
            return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::GtpU)));
        }
        self.view.limit(usize::from(be16(header, 2)));
        if header[0] & ANY_OPTIONAL == 0 {
            return Ok(self.enter_tunnel(Layer::GtpU, Next::Ip));
        }
        let optional = self.view.take(4, Layer::GtpU)?;
        let mut extension = if header[0] & EXTENSION == 0 { 0 } else { optional[3] };
        for _ in 0..GTP_EXTENSIONS_MAX {
            if extension == 0 {
                return Ok(self.enter_tunnel(Layer::GtpU, Next::Ip));
            }
            // The last byte of an extension header names the next; its length is in units of 4 bytes.
            let len = usize::from(self.view.peek(1, Layer::GtpU)?[0]) * 4;
            extension = match self.view.take(len, Layer::GtpU)?.last() {
                Some(&next) => next,
                None => return Err(Halt::NotTcp(NotTcp::Malformed(Layer::GtpU))),
            };
        }
        Err(Halt::NotTcp(NotTcp::TooDeep))
    }

    /// Flags and version, then fields that the flags announce, then PPP (RFC 2661 §3.1). Version 3 has a session of
    /// 32 bits instead (RFC 3931 §4.1.2.1).
    fn l2tp(&mut self) -> Result<Next, Halt<'a>> {
        const CONTROL: u16 = 0x8000;
        const LENGTH: u16 = 0x4000;
        const SEQUENCE: u16 = 0x0800;
        const OFFSET: u16 = 0x0200;
        let flags = be16(self.view.take(2, Layer::L2tp)?, 0);
        if flags & CONTROL != 0 {
            return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::L2tp)));
        }
        match flags & 0x000f {
            2 => {}
            3 => {
                self.view.take(6, Layer::L2tp)?;
                return self.l2tp_v3_payload();
            }
            _ => return Err(JUST_UDP),
        }
        if flags & LENGTH != 0 {
            let len = usize::from(be16(self.view.take(2, Layer::L2tp)?, 0));
            let Some(rest) = len.checked_sub(4) else {
                return Err(Halt::NotTcp(NotTcp::Malformed(Layer::L2tp)));
            };
            self.view.limit(rest);
        }
        self.view.take(4, Layer::L2tp)?; // tunnel and session
        if flags & SEQUENCE != 0 {
            self.view.take(4, Layer::L2tp)?;
        }
        if flags & OFFSET != 0 {
            let padding_bytes = usize::from(be16(self.view.take(2, Layer::L2tp)?, 0));
            self.view.take(padding_bytes, Layer::L2tp)?;
        }
        Ok(self.enter_tunnel(Layer::L2tp, Next::Ppp))
    }

    /// Perhaps an authentication header and an origin indication (RFC 4380 §5.1.1), then IPv6.
    fn teredo(&mut self) -> Result<Next, Halt<'a>> {
        const AUTHENTICATION: [u8; 2] = [0, 1];
        const ORIGIN: [u8; 2] = [0, 0];
        if self.view.bytes.starts_with(&AUTHENTICATION) {
            let start = self.view.take(4, Layer::Teredo)?;
            let (client_bytes, value_bytes) = (usize::from(start[2]), usize::from(start[3]));
            self.view.take(client_bytes + value_bytes + 9, Layer::Teredo)?;
        }
        if self.view.bytes.starts_with(&ORIGIN) {
            self.view.take(8, Layer::Teredo)?;
        }
        if self.view.peek(1, Layer::Teredo)?[0] >> 4 != 6 {
            return Err(JUST_UDP);
        }
        Ok(self.enter_tunnel(Layer::Teredo, Next::Ip))
    }

    /// The lengths of identity and signature in the first two bytes, the operation, the IP protocol, the time.
    fn ayiya(&mut self) -> Result<Next, Halt<'a>> {
        const FORWARD: u8 = 1;
        let header = self.view.take(8, Layer::Ayiya)?;
        let identity_bytes = 1_usize << (header[0] >> 4);
        let signature_bytes = usize::from(header[1] >> 4) * 4;
        self.view.take(identity_bytes + signature_bytes, Layer::Ayiya)?;
        if header[2] & 0x0f != FORWARD {
            return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Ayiya)));
        }
        match header[3] {
            protocol::IPV4_IN_IP | protocol::IPV6_IN_IP => Ok(self.enter_tunnel(Layer::Ayiya, Next::Ip)),
            other => Err(Halt::NotTcp(NotTcp::Protocol(other))),
        }
    }

    /// RFC 5415 §4.3: the preamble says whether DTLS encrypts the rest; the header's length is in units of 4 bytes.
    fn capwap(&mut self) -> Result<Next, Halt<'a>> {
        const DTLS: u8 = 1;
        const NATIVE_FRAME: u8 = 0x01;
        const FRAGMENT: u8 = 0x80;
        const KEEP_ALIVE: u8 = 0x08;
        const IEEE_802_11: u8 = 1;
        let start = self.view.peek(8, Layer::Capwap)?;
        if start[0] >> 4 != 0 {
            return Err(JUST_UDP);
        }
        if start[0] & 0x0f == DTLS {
            return Err(Halt::NotTcp(NotTcp::Encrypted(Layer::Capwap)));
        }
        // HLEN 5 bits, RID 5, WBID 5, T, then F L W M K and three reserved
        let header_bytes = usize::from(start[1] >> 3) * 4;
        let binding = start[2] >> 1 & 0x1f;
        let is_native = start[2] & NATIVE_FRAME != 0;
        let flags = start[3];
        if header_bytes < 8 {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Capwap)));
        }
        if flags & KEEP_ALIVE != 0 {
            return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Capwap)));
        }
        let fragment_offset = be16(start, 6) >> 3;
        if flags & FRAGMENT != 0 && fragment_offset != 0 {
            return Err(Halt::NotTcp(NotTcp::LaterFragment(Layer::Capwap)));
        }
        self.view.take(header_bytes, Layer::Capwap)?;
        self.is_part |= flags & FRAGMENT != 0;
        let next = match (is_native, binding) {
            (false, _) => Next::Ethernet,
            (true, IEEE_802_11) => Next::Ieee80211(RadioHeader::PerhapsSwapped),
            (true, _) => return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Capwap))),
        };
        Ok(self.enter_tunnel(Layer::Capwap, next))
    }

    /// Version 5 of sFlow (sflow.org): a datagram with samples, some of which hold the start of a packet.
    fn sflow(&mut self) -> Result<Next, Halt<'a>> {
        const IPV4_AGENT: [u8; 4] = [0, 0, 0, 1];
        let start = self.view.take(8, Layer::Sflow)?;
        if start[..4] != [0, 0, 0, 5] {
            return Err(JUST_UDP);
        }
        let agent_bytes = if start[4..8] == IPV4_AGENT { 4 } else { 16 };
        self.view.take(agent_bytes + 16, Layer::Sflow)?; // agent, sub-agent, sequence, uptime, number of samples
        self.enter_tunnel(Layer::Sflow, Next::Ethernet);
        self.begin_pieces(Pieces::SflowSamples)
    }

    /// RFC 3948 §2: a marker of zeros, then IKE; a byte that keeps the translation alive; else ESP.
    fn ipsec_behind_nat(&mut self) -> Result<Next, Halt<'a>> {
        match self.view.bytes {
            [0, 0, 0, 0, ..] | [_] => Err(JUST_UDP),
            _ => Err(Halt::NotTcp(NotTcp::Encrypted(Layer::Esp))),
        }
    }
}

const fn is_tunnel(number: u16) -> bool {
    matches!(
        number,
        port::VXLAN
            | port::VXLAN_LINUX
            | port::VXLAN_GPE
            | port::GENEVE
            | port::GTP_U
            | port::L2TP
            | port::TEREDO
            | port::AYIYA
            | port::CAPWAP_DATA
            | port::SFLOW
            | port::GRE
            | port::MPLS
            | port::IPSEC_NAT
    )
}
