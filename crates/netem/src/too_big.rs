//! What the router before a narrow place says to the sender of a packet that does not fit (RFC 1191 §4, RFC 8201).

use crate::headers::packet_at;
use std::net::{Ipv4Addr, Ipv6Addr};
use wire::icmp::{v4, v6};
use wire::ip::protocol;
use wire::{Frame, Medium, Payload, ethernet, ipv4, ipv6};

/// A narrower place on the path than the link's MTU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathMtu {
    /// The largest packet that goes through, in bytes.
    pub mtu_bytes: u32,
    /// What the sender of a larger one hears.
    pub answer: TooBigAnswer,
}

/// What the sender of a packet that is too big hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TooBigAnswer {
    /// ICMP says so (RFC 1191, RFC 8201).
    Icmp,
    /// Nothing: a black hole (RFC 2923).
    Silence,
}

/// The router's own addresses, of the ranges kept for documentation.
const ROUTER_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// The whole ICMPv6 error fits the smallest IPv6 MTU (RFC 4443 §2.4 (c)).
const QUOTE_V6_BYTES_MAX: usize = 1_280 - 40 - 8;

/// Whether the packet, or each segment of a super-segment, is larger than this.
pub(crate) fn is_too_big(frame: &Frame, medium: Medium, mtu_bytes: u32) -> bool {
    let Some(packet_at) = packet_at(frame, medium) else { return false };
    let head = frame.head.as_slice().len();
    let text = match usize::from(frame.offload.segment_bytes) {
        0 => frame.payload.len(),
        segment_bytes => frame.payload.len().min(segment_bytes),
    };
    (head + text - packet_at) as u64 > u64::from(mtu_bytes)
}

/// The ICMP error for this packet; `None` if nobody may be told.
pub(crate) fn answer(frame: &Frame, medium: Medium, mtu_bytes: u32) -> Option<Frame> {
    let bytes = frame.to_vec();
    let packet_at = packet_at(frame, medium)?;
    let packet = bytes.get(packet_at..)?;
    let mut out = Frame::default();
    if medium == Medium::Ethernet {
        // The router is the next station on the way: the answer comes from the address that the packet was sent to.
        let (asked, _) = ethernet::Header::parse(&bytes).ok()?;
        let header = ethernet::Header { source: asked.destination, destination: asked.source, ..asked };
        header.emit(out.head.grow(ethernet::HEADER_BYTES));
    }
    match packet.first()? >> 4 {
        4 => answer_v4(packet, mtu_bytes, &mut out)?,
        6 => answer_v6(packet, mtu_bytes, &mut out)?,
        _ => return None,
    }
    Some(out)
}

fn answer_v4(packet: &[u8], mtu_bytes: u32, out: &mut Frame) -> Option<()> {
    let (header, _) = ipv4::Header::parse(packet).ok()?;
    let quoted = packet.get(..packet.len().min(v4::QUOTE_BYTES_MAX))?;
    let mtu_bytes = u16::try_from(mtu_bytes).unwrap_or(u16::MAX);
    let code = v4::unreachable::FRAGMENTATION_NEEDED;
    let message = v4::Message::Unreachable { code, mtu_bytes, quoted };
    let mut text = vec![0; message.len_bytes()];
    message.emit(&mut text);
    out.payload = Payload::from(bytes::Bytes::from(text));
    ipv4::Header {
        source: ROUTER_V4,
        destination: header.source,
        protocol: protocol::ICMP,
        ttl: 64,
        total_bytes: (ipv4::HEADER_BYTES + out.payload.len()) as u16,
        ..ipv4::Header::default()
    }
    .emit(out.head.grow(ipv4::HEADER_BYTES));
    Some(())
}

fn answer_v6(packet: &[u8], mtu_bytes: u32, out: &mut Frame) -> Option<()> {
    let header = ipv6::Header::parse(packet).ok()?;
    let quoted = packet.get(..packet.len().min(QUOTE_V6_BYTES_MAX))?;
    let message = v6::Message::PacketTooBig { mtu_bytes, quoted };
    let mut text = vec![0; message.len_bytes()];
    message.emit(&mut text, ROUTER_V6, header.source);
    out.payload = Payload::from(bytes::Bytes::from(text));
    ipv6::Header {
        source: ROUTER_V6,
        destination: header.source,
        payload_bytes: out.payload.len() as u16,
        next_header: protocol::ICMPV6,
        hop_limit: 64,
        ..header
    }
    .emit(out.head.grow(ipv6::HEADER_BYTES));
    Some(())
}
