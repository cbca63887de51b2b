//! What the router before a narrow place says to the sender of a packet that does not fit (RFC 1191 §4, RFC 8201).

use std::net::{Ipv4Addr, Ipv6Addr};
use wire::icmp::{v4, v6};
use wire::ip::protocol;
use wire::{Frame, Payload, ipv4, ipv6};

/// The router's own addresses, of the ranges kept for documentation.
const ROUTER_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// The whole ICMPv6 error fits the smallest IPv6 MTU (RFC 4443 §2.4 (c)).
const QUOTE_V6_BYTES_MAX: usize = 1_280 - 40 - 8;

/// The ICMP error for this packet; `None` if nobody may be told.
pub(crate) fn answer(frame: &Frame, mtu_bytes: u32) -> Option<Frame> {
    let packet = frame.to_vec();
    match packet.first()? >> 4 {
        4 => {
            let (header, _) = ipv4::Header::parse(&packet).ok()?;
            let quoted = packet.get(..packet.len().min(v4::QUOTE_BYTES_MAX))?;
            let mtu_bytes = u16::try_from(mtu_bytes).unwrap_or(u16::MAX);
            let code = v4::unreachable::FRAGMENTATION_NEEDED;
            let message = v4::Message::Unreachable { code, mtu_bytes, quoted };
            let mut text = vec![0; message.len_bytes()];
            message.emit(&mut text);
            let mut out = Frame { payload: Payload::from(bytes::Bytes::from(text)), ..Frame::default() };
            ipv4::Header {
                source: ROUTER_V4,
                destination: header.source,
                protocol: protocol::ICMP,
                ttl: 64,
                total_bytes: (ipv4::HEADER_BYTES + out.payload.len()) as u16,
                ..ipv4::Header::default()
            }
            .emit(out.head.grow(ipv4::HEADER_BYTES));
            Some(out)
        }
        6 => {
            let header = ipv6::Header::parse(&packet).ok()?;
            let quoted = packet.get(..packet.len().min(QUOTE_V6_BYTES_MAX))?;
            let message = v6::Message::PacketTooBig { mtu_bytes, quoted };
            let mut text = vec![0; message.len_bytes()];
            message.emit(&mut text, ROUTER_V6, header.source);
            let mut out = Frame { payload: Payload::from(bytes::Bytes::from(text)), ..Frame::default() };
            ipv6::Header {
                source: ROUTER_V6,
                destination: header.source,
                payload_bytes: out.payload.len() as u16,
                next_header: protocol::ICMPV6,
                hop_limit: 64,
                ..header
            }
            .emit(out.head.grow(ipv6::HEADER_BYTES));
            Some(out)
        }
        _ => None,
    }
}
