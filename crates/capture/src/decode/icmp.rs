//! ICMP errors (RFC 792, RFC 4443 §3) and what they quote, with the length that RFC 4884 §4 adds. A
//! redirect quotes a packet, too, but is not an error, because the router forwarded that packet.

use super::view::{be16, be32};
use super::walk::{Halt, Next, Walk};
use super::{IcmpError, Layer, NotTcp};

const ICMP: u8 = 1;

const UNREACHABLE: u8 = 3;
const SOURCE_QUENCH: u8 = 4;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;
const FRAGMENTATION_NEEDED: u8 = 4;

const V6_UNREACHABLE: u8 = 1;
const V6_TOO_BIG: u8 = 2;
const V6_PARAMETER_PROBLEM: u8 = 4;

impl<'a> Walk<'a> {
    pub(super) fn icmp(&mut self, protocol: u8) -> Result<Next, Halt<'a>> {
        let Some(ip) = self.ip.filter(|_| self.quote.is_none()) else {
            return Err(Halt::NotTcp(NotTcp::Protocol(protocol)));
        };
        let header = self.view.peek(8, Layer::Icmp)?;
        let (kind, code) = (header[0], header[1]);
        let (is_error, mtu_bytes, quoted_bytes) = if protocol == ICMP {
            let is_error = matches!(kind, UNREACHABLE | SOURCE_QUENCH | TIME_EXCEEDED | PARAMETER_PROBLEM);
            let too_big = kind == UNREACHABLE && code == FRAGMENTATION_NEEDED;
            let mtu_bytes = u32::from(be16(header, 6));
            let extended = matches!(kind, UNREACHABLE | TIME_EXCEEDED | PARAMETER_PROBLEM);
            // RFC 1191 §4: routers that do not support it leave the field zero.
            let mtu_bytes = (too_big && mtu_bytes != 0).then_some(mtu_bytes);
            (is_error, mtu_bytes, if extended { usize::from(header[5]) * 4 } else { 0 })
        } else {
            let is_error = (V6_UNREACHABLE..=V6_PARAMETER_PROBLEM).contains(&kind);
            let extended = matches!(kind, V6_UNREACHABLE | 3);
            let mtu_bytes = (kind == V6_TOO_BIG).then(|| be32(header, 4));
            (is_error, mtu_bytes, if extended { usize::from(header[4]) * 8 } else { 0 })
        };
        if !is_error {
            return Err(Halt::NotTcp(NotTcp::Protocol(protocol)));
        }
        self.view.take(8, Layer::Icmp)?;
        if quoted_bytes != 0 {
            self.view.limit(quoted_bytes);
        }
        self.quote = Some(IcmpError { from: ip.src, to: ip.dst, kind, code, mtu_bytes });
        Ok(Next::Ip)
    }
}
