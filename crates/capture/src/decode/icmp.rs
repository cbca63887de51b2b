//! ICMP errors (RFC 792, RFC 4443 §3) and what they quote, with the length that RFC 4884 §4 adds. A
//! redirect quotes a packet, too, but is not an error, because the router forwarded that packet.

use super::walk::{Halt, Next, Walk};
use super::{IcmpError, Layer, NotTcp};
use wire::icmp::{v4, v6};
use wire::ip::protocol;

/// The start of every message, up to the quotation.
const HEADER_BYTES: usize = 8;

impl<'a> Walk<'a> {
    pub(super) fn icmp(&mut self, protocol: u8) -> Result<Next, Halt<'a>> {
        let Some(ip) = self.ip.filter(|_| self.quote.is_none()) else {
            return Err(Halt::NotTcp(NotTcp::Protocol(protocol)));
        };
        let header = self.view.peek(HEADER_BYTES, Layer::Icmp)?;
        let (kind, code) = (header[0], header[1]);
        let is_v4 = protocol == protocol::ICMP;
        let name =
            if is_v4 { wire::icmp::v4_error_name(kind, code) } else { wire::icmp::v6_error_name(kind, code) };
        if name.is_none() {
            return Err(Halt::NotTcp(NotTcp::Protocol(protocol)));
        }
        let (mtu_bytes, quoted_bytes) = if is_v4 {
            // RFC 1191 §4: routers that do not support it leave the field zero.
            let mtu_bytes = match v4::Message::parse(header) {
                Ok(v4::Message::Unreachable {
                    code: v4::unreachable::FRAGMENTATION_NEEDED,
                    mtu_bytes,
                    ..
                }) => Some(u32::from(mtu_bytes)).filter(|bytes| *bytes != 0),
                _ => None,
            };
            let is_extended = kind != SOURCE_QUENCH;
            (mtu_bytes, if is_extended { usize::from(header[5]) * 4 } else { 0 })
        } else {
            match v6::Message::parse(header) {
                Ok(v6::Message::PacketTooBig { mtu_bytes, .. }) => (Some(mtu_bytes), 0),
                Ok(v6::Message::ParameterProblem { .. }) => (None, 0),
                _ => (None, usize::from(header[4]) * 8),
            }
        };
        self.view.take(HEADER_BYTES, Layer::Icmp)?;
        if quoted_bytes != 0 {
            self.view.limit(quoted_bytes);
        }
        self.quote = Some(IcmpError { from: ip.src, to: ip.dst, kind, code, mtu_bytes });
        Ok(Next::Ip)
    }
}

/// The one error without a length field (RFC 4884 §4); RFC 6633 has retired it.
const SOURCE_QUENCH: u8 = 4;
