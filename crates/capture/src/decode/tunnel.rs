//! Tunnels: GRE (RFC 2784, RFC 2890, PPTP's of RFC 2637, ERSPAN), and those in UDP: VXLAN (RFC 7348),
//! Geneve (RFC 8926), GTP-U (3GPP TS 29.281 §5). Only their registered ports are recognized.

use super::view::be16;
use super::walk::{Halt, Next, Walk};
use super::{Layer, NotTcp};

const UDP: u8 = 17;
const VXLAN_PORT: u16 = 4789;
const GENEVE_PORT: u16 = 6081;
const GTP_U_PORT: u16 = 2152;

/// The most extension headers in a packet; GTP-U defines fewer kinds.
const GTP_EXTENSIONS_MAX: usize = 16;

impl<'a> Walk<'a> {
    pub(super) fn gre(&mut self) -> Result<Next, Halt<'a>> {
        const CHECKSUM: u16 = 0x8000;
        const ROUTING: u16 = 0x4000;
        const KEY: u16 = 0x2000;
        const SEQUENCE: u16 = 0x1000;
        const ACKNOWLEDGMENT: u16 = 0x0080;
        const ERSPAN_II: u16 = 0x88be;
        const ERSPAN_III: u16 = 0x22eb;

        let header = self.view.take(4, Layer::Gre)?;
        let flags = be16(header, 0);
        let protocol = be16(header, 2);
        let version = flags & 7;
        if flags & ROUTING != 0 || version > 1 {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Gre)));
        }
        let present = if version == 0 { CHECKSUM | KEY | SEQUENCE } else { KEY | SEQUENCE | ACKNOWLEDGMENT };
        self.view.take((flags & present).count_ones() as usize * 4, Layer::Gre)?;
        let next = match protocol {
            ERSPAN_II => {
                // Type I has no header; type II has one, and GRE then has a sequence number.
                let header_bytes = if flags & SEQUENCE == 0 { 0 } else { 8 };
                self.view.take(header_bytes, Layer::Gre)?;
                Next::Ethernet
            }
            ERSPAN_III => {
                const SUBHEADER: u8 = 1;
                let optional = self.view.take(12, Layer::Gre)?[11] & SUBHEADER != 0;
                self.view.take(if optional { 8 } else { 0 }, Layer::Gre)?;
                Next::Ethernet
            }
            ethertype => Next::Ethertype(ethertype),
        };
        Ok(self.enter_tunnel(next))
    }

    pub(super) fn udp(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(8, Layer::Udp)?;
        let ports = [be16(header, 0), be16(header, 2)];
        let len = usize::from(be16(header, 4));
        if len >= 8 {
            self.view.limit(len - 8);
        }
        let next = if ports.contains(&VXLAN_PORT) {
            self.vxlan()?
        } else if ports.contains(&GENEVE_PORT) {
            self.geneve()?
        } else if ports.contains(&GTP_U_PORT) {
            self.gtp_u()?
        } else {
            return Err(Halt::NotTcp(NotTcp::Protocol(UDP)));
        };
        Ok(self.enter_tunnel(next))
    }

    fn vxlan(&mut self) -> Result<Next, Halt<'a>> {
        const NETWORK_IDENTIFIER: u8 = 0x08;
        if self.view.take(8, Layer::Vxlan)?[0] & NETWORK_IDENTIFIER == 0 {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Vxlan)));
        }
        Ok(Next::Ethernet)
    }

    fn geneve(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(8, Layer::Geneve)?;
        self.view.take(usize::from(header[0] & 0x3f) * 4, Layer::Geneve)?;
        Ok(Next::Ethertype(be16(header, 2)))
    }

    fn gtp_u(&mut self) -> Result<Next, Halt<'a>> {
        const VERSION_1_GTP: u8 = 0x30;
        const USER_DATA: u8 = 0xff;
        const ANY_OPTIONAL: u8 = 0x07;
        const EXTENSION: u8 = 0x04;
        let header = self.view.take(8, Layer::GtpU)?;
        if header[0] & 0xf0 != VERSION_1_GTP || header[1] != USER_DATA {
            return Err(Halt::NotTcp(NotTcp::Protocol(UDP)));
        }
        self.view.limit(usize::from(be16(header, 2)));
        if header[0] & ANY_OPTIONAL == 0 {
            return Ok(Next::Ip);
        }
        let optional = self.view.take(4, Layer::GtpU)?;
        let mut extension = if header[0] & EXTENSION == 0 { 0 } else { optional[3] };
        for _ in 0..GTP_EXTENSIONS_MAX {
            if extension == 0 {
                return Ok(Next::Ip);
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
}
