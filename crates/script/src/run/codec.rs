//! Packets to bytes and back, with live numbers.
//!
//! Inbound packets are built here option by option, because a script may contain packets that no correct
//! stack sends; outbound ones are decoded into the words of the language.

use crate::ast::{AccurateEcn, Counted, Direction, Ecn, IpInfo, TcpOption};
use std::net::{IpAddr, SocketAddr};
use wire::checksum;
use wire::tcp::Flags;
use wire::{Seq, ip};

/// What is written into an inbound packet's IP header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) ip: IpInfo,
}

/// A TCP segment with the numbers in the packet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LiveTcp {
    pub(crate) flags: Flags,
    pub(crate) seq: Seq,
    pub(crate) ack: Seq,
    pub(crate) window: u16,
    pub(crate) urgent: u16,
    pub(crate) options: Vec<TcpOption>,
    pub(crate) text_bytes: u32,
}

/// The packet inside an ICMP message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LiveQuote {
    pub(crate) protocol: u8,
    /// For TCP.
    pub(crate) seq: Seq,
    pub(crate) text_bytes: u32,
}

/// What a packet carries, with the numbers in the packet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LiveBody {
    Tcp(LiveTcp),
    Udp {
        len_bytes: u16,
    },
    Icmp {
        kind: u8,
        code: u8,
        mtu_bytes: u32,
        quoted: Option<LiveQuote>,
    },
    /// Something that no script expects, in words.
    Other(String),
}

/// A packet with its real numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Live {
    pub(crate) direction: Direction,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) tos: u8,
    pub(crate) ttl: u8,
    pub(crate) flow_label: u32,
    pub(crate) body: LiveBody,
}

impl Live {
    pub(crate) fn ip_info(&self) -> IpInfo {
        let ecn = match self.tos & 3 {
            0 => Ecn::NotEct,
            1 => Ecn::Ect1,
            2 => Ecn::Ect0,
            _ => Ecn::Ce,
        };
        let flow_label = self.source.is_ipv6().then_some(self.flow_label);
        IpInfo { ecn: Some(ecn), tos: Some(self.tos), ttl: Some(self.ttl), flow_label }
    }
}

/// The most option bytes that a TCP header holds.
const OPTIONS_BYTES_MAX: usize = 40;

/// The options as bytes.
///
/// # Errors
/// A sentence, if the list does not fit a header.
pub(crate) fn option_bytes(options: &[TcpOption]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for option in options {
        let put = |out: &mut Vec<u8>, kind: u8, payload: &[u8]| {
            out.extend_from_slice(&[kind, payload.len() as u8 + 2]);
            out.extend_from_slice(payload);
        };
        match option {
            TcpOption::Nop => out.push(1),
            TcpOption::Eol => out.push(0),
            TcpOption::Mss(mss) => put(&mut out, 2, &mss.to_be_bytes()),
            TcpOption::WindowScale(shift) => put(&mut out, 3, &[*shift]),
            TcpOption::SackPermitted => put(&mut out, 4, &[]),
            TcpOption::Sack(blocks) => {
                let edges = blocks.iter().flat_map(|(left, right)| [left.to_be_bytes(), right.to_be_bytes()]);
                put(&mut out, 5, &edges.flatten().collect::<Vec<_>>());
            }
            TcpOption::Timestamps { value, echo, .. } => {
                let numbers = [value.unwrap_or(0).to_be_bytes(), echo.unwrap_or(0).to_be_bytes()];
                put(&mut out, 8, numbers.as_flattened());
            }
            TcpOption::FastOpen { cookie, experimental: false } => put(&mut out, 34, cookie),
            TcpOption::FastOpen { cookie, experimental: true } => {
                put(&mut out, 254, &[&[0xf9, 0x89], cookie.as_slice()].concat());
            }
            TcpOption::Md5(digest) => put(&mut out, 19, digest.as_deref().unwrap_or(&[0; 16])),
            TcpOption::AccurateEcn(counters) => {
                let (kind, payload) = accurate_ecn_bytes(counters);
                put(&mut out, kind, &payload);
            }
            TcpOption::Raw { kind, payload } => put(&mut out, *kind, payload),
            TcpOption::Rest => return Err("`...` cannot stand in a packet that is sent".to_owned()),
            TcpOption::Unsupported { text, .. } => return Err(format!("the option `{text}` cannot be sent")),
        }
    }
    if !out.len().is_multiple_of(4) {
        return Err(format!(
            "the options have {} bytes; add `nop`s until they have a multiple of 4",
            out.len()
        ));
    }
    if out.len() > OPTIONS_BYTES_MAX {
        return Err(format!("the options have {} bytes; no more than 40 fit a header", out.len()));
    }
    Ok(out)
}

/// Kind 172 begins with e0b, kind 174 with e1b; each counter has three bytes.
fn accurate_ecn_bytes(option: &AccurateEcn) -> (u8, Vec<u8>) {
    let kind = if option.counters.first().is_some_and(|(name, _)| name == "e1b") { 174 } else { 172 };
    let bytes = option.counters.iter().flat_map(|(_, value)| value.to_be_bytes().into_iter().skip(1));
    (kind, bytes.collect())
}

fn accurate_ecn_of(kind: u8, payload: &[u8]) -> AccurateEcn {
    let order = if kind == 172 { ["e0b", "ceb", "e1b"] } else { ["e1b", "ceb", "e0b"] };
    let counters = payload.chunks_exact(3).zip(order).map(|(bytes, name)| {
        (name.to_owned(), bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
    });
    AccurateEcn { counters: counters.collect() }
}

/// The options of a header, one by one; a broken one ends the list.
pub(crate) fn options_of(mut bytes: &[u8]) -> Vec<TcpOption> {
    let mut out = Vec::new();
    while let Some((&kind, rest)) = bytes.split_first() {
        if kind < 2 {
            out.push(if kind == 0 { TcpOption::Eol } else { TcpOption::Nop });
            bytes = rest;
            continue;
        }
        let len = rest.first().map_or(0, |len| usize::from(*len));
        let Some(payload) = bytes.get(2..len) else {
            out.push(TcpOption::Raw { kind, payload: rest.to_vec() });
            break;
        };
        out.push(option_of(kind, payload));
        bytes = &bytes[len..];
    }
    out
}

fn option_of(kind: u8, payload: &[u8]) -> TcpOption {
    let word =
        |at: usize| payload.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    match (kind, payload) {
        (2, [high, low]) => TcpOption::Mss(u16::from_be_bytes([*high, *low])),
        (3, [shift]) => TcpOption::WindowScale(*shift),
        (4, []) => TcpOption::SackPermitted,
        (5, blocks) if blocks.len().is_multiple_of(8) => {
            TcpOption::Sack((0..blocks.len() / 8).map(|i| (word(i * 8), word(i * 8 + 4))).collect())
        }
        (8, bytes) if bytes.len() == 8 => TcpOption::Timestamps {
            value: Some(word(0)),
            echo: Some(word(4)),
            echo_counted: Counted::FromInitial,
        },
        (19, digest) if digest.len() == 16 => TcpOption::Md5(Some(digest.to_vec())),
        (34, cookie) => TcpOption::FastOpen { cookie: cookie.to_vec(), experimental: false },
        (254, [0xf9, 0x89, cookie @ ..]) => {
            TcpOption::FastOpen { cookie: cookie.to_vec(), experimental: true }
        }
        (172 | 174, counters) => TcpOption::AccurateEcn(accurate_ecn_of(kind, counters)),
        _ => TcpOption::Raw { kind, payload: payload.to_vec() },
    }
}

/// A whole IP packet with this segment; its text is zeros.
///
/// # Errors
/// As [`option_bytes`], or that the packet is larger than IP allows.
pub(crate) fn tcp_packet(envelope: &Envelope, tcp: &LiveTcp) -> Result<Vec<u8>, String> {
    let options = option_bytes(&tcp.options)?;
    let mut segment = Vec::with_capacity(20 + options.len() + tcp.text_bytes as usize);
    segment.extend_from_slice(&envelope.source.port().to_be_bytes());
    segment.extend_from_slice(&envelope.destination.port().to_be_bytes());
    segment.extend_from_slice(&tcp.seq.number().to_be_bytes());
    segment.extend_from_slice(&tcp.ack.number().to_be_bytes());
    let words = (20 + options.len() as u16) / 4;
    segment.extend_from_slice(&(words << 12 | tcp.flags.bits()).to_be_bytes());
    segment.extend_from_slice(&tcp.window.to_be_bytes());
    segment.extend_from_slice(&[0, 0]);
    segment.extend_from_slice(&tcp.urgent.to_be_bytes());
    segment.extend_from_slice(&options);
    let len = segment.len() + tcp.text_bytes as usize;
    if len > usize::from(u16::MAX) - 40 {
        return Err(format!("a segment of {len} bytes does not fit an IP packet"));
    }
    segment.resize(len, 0);
    fill_checksum(envelope, ip::protocol::TCP, &mut segment, 16);
    Ok(ip_packet(envelope, ip::protocol::TCP, &segment))
}

/// A whole IP packet with a datagram of zeros.
pub(crate) fn udp_packet(envelope: &Envelope, len_bytes: u16) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend_from_slice(&envelope.source.port().to_be_bytes());
    datagram.extend_from_slice(&envelope.destination.port().to_be_bytes());
    datagram.extend_from_slice(&len_bytes.saturating_add(8).to_be_bytes());
    datagram.extend_from_slice(&[0, 0]);
    datagram.resize(8 + usize::from(len_bytes), 0);
    fill_checksum(envelope, ip::protocol::UDP, &mut datagram, 6);
    ip_packet(envelope, ip::protocol::UDP, &datagram)
}

/// The first bytes of a packet that the stack sent, as an ICMP message quotes them.
pub(crate) fn quotation(sent: &Envelope, quoted: &LiveQuote) -> Vec<u8> {
    let mut text = Vec::new();
    text.extend_from_slice(&sent.source.port().to_be_bytes());
    text.extend_from_slice(&sent.destination.port().to_be_bytes());
    if quoted.protocol == ip::protocol::UDP {
        let len = u16::try_from(quoted.text_bytes + 8).unwrap_or(u16::MAX);
        text.extend_from_slice(&len.to_be_bytes());
        text.extend_from_slice(&[0, 0]);
    } else {
        text.extend_from_slice(&quoted.seq.number().to_be_bytes());
        text.extend_from_slice(&[0; 12]);
        text[12] = 5 << 4;
    }
    let header_bytes = if quoted.protocol == ip::protocol::UDP { 8 } else { 20 };
    let mut packet = ip_packet(sent, quoted.protocol, &text);
    // The lengths are those of the packet that was sent, not of the piece quoted.
    let total = header_bytes + u16::try_from(quoted.text_bytes).unwrap_or(u16::MAX - header_bytes);
    if sent.source.is_ipv4() {
        packet[2..4].copy_from_slice(&(total + 20).to_be_bytes());
        packet[10..12].copy_from_slice(&[0, 0]);
        let sum = checksum::of(&packet[..20]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    } else {
        packet[4..6].copy_from_slice(&total.to_be_bytes());
    }
    packet
}

/// A whole IP packet with an ICMP message.
pub(crate) fn icmp_packet(envelope: &Envelope, kind: u8, code: u8, rest: u32, quoted: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, code, 0, 0];
    message.extend_from_slice(&rest.to_be_bytes());
    message.extend_from_slice(quoted);
    if envelope.source.is_ipv4() {
        let sum = checksum::of(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        ip_packet(envelope, ip::protocol::ICMP, &message)
    } else {
        fill_checksum(envelope, ip::protocol::ICMPV6, &mut message, 2);
        ip_packet(envelope, ip::protocol::ICMPV6, &message)
    }
}

fn fill_checksum(envelope: &Envelope, protocol: u8, text: &mut [u8], at: usize) {
    let (source, destination) = (envelope.source.ip(), envelope.destination.ip());
    let mut sum = checksum::pseudo_header(source, destination, protocol, text.len() as u32);
    sum.add(text);
    text[at..at + 2].copy_from_slice(&sum.checksum().to_be_bytes());
}

/// The time to live of a peer that is a few hops away.
const PEER_TTL: u8 = 255;

fn ip_packet(envelope: &Envelope, protocol: u8, text: &[u8]) -> Vec<u8> {
    let ecn = match envelope.ip.ecn {
        Some(Ecn::Ect0 | Ecn::EctAny) => 2,
        Some(Ecn::Ect1) => 1,
        Some(Ecn::Ce) => 3,
        Some(Ecn::NotEct) | None => 0,
    };
    let tos = envelope.ip.tos.unwrap_or(0) | ecn;
    let ttl = envelope.ip.ttl.unwrap_or(PEER_TTL);
    let mut packet = Vec::with_capacity(40 + text.len());
    match (envelope.source.ip(), envelope.destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            packet.extend_from_slice(&[0x45, tos]);
            packet.extend_from_slice(&(text.len() as u16 + 20).to_be_bytes());
            packet.extend_from_slice(&[0, 0, 0x40, 0, ttl, protocol, 0, 0]);
            packet.extend_from_slice(&source.octets());
            packet.extend_from_slice(&destination.octets());
            let sum = checksum::of(&packet);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        (source, destination) => {
            let label = envelope.ip.flow_label.unwrap_or(0);
            packet.extend_from_slice(&(6 << 28 | u32::from(tos) << 20 | label).to_be_bytes());
            packet.extend_from_slice(&(text.len() as u16).to_be_bytes());
            packet.extend_from_slice(&[protocol, ttl]);
            for address in [source, destination] {
                let IpAddr::V6(address) = address else { continue };
                packet.extend_from_slice(&address.octets());
            }
        }
    }
    packet.extend_from_slice(text);
    packet
}

/// Decodes a packet.
pub(crate) fn live_of(direction: Direction, packet: &[u8]) -> Live {
    let mut live = Live {
        direction,
        source: SocketAddr::from(([0, 0, 0, 0], 0)),
        destination: SocketAddr::from(([0, 0, 0, 0], 0)),
        tos: 0,
        ttl: 0,
        flow_label: 0,
        body: LiveBody::Other("a packet that cannot be read".to_owned()),
    };
    let (protocol, text) = match packet.first().map(|byte| byte >> 4) {
        Some(4) => {
            let Ok((header, header_bytes)) = wire::ipv4::Header::parse(packet) else { return live };
            (live.source, live.destination) = ends(header.source.into(), header.destination.into());
            (live.tos, live.ttl) = (header.dscp << 2 | header.ecn.bits(), header.ttl);
            (header.protocol, packet.get(header_bytes..usize::from(header.total_bytes)).unwrap_or_default())
        }
        Some(6) => {
            let Ok(header) = wire::ipv6::Header::parse(packet) else { return live };
            (live.source, live.destination) = ends(header.source.into(), header.destination.into());
            (live.tos, live.ttl) = (header.dscp << 2 | header.ecn.bits(), header.hop_limit);
            live.flow_label = header.flow_label;
            (header.next_header, packet.get(wire::ipv6::HEADER_BYTES..).unwrap_or_default())
        }
        _ => return live,
    };
    live.body = match protocol {
        ip::protocol::TCP | ip::protocol::UDP if text.len() >= 8 => {
            live.source.set_port(u16::from_be_bytes([text[0], text[1]]));
            live.destination.set_port(u16::from_be_bytes([text[2], text[3]]));
            if protocol == ip::protocol::TCP {
                tcp_of(text)
            } else {
                LiveBody::Udp { len_bytes: u16::from_be_bytes([text[4], text[5]]).saturating_sub(8) }
            }
        }
        ip::protocol::ICMP | ip::protocol::ICMPV6 if text.len() >= 8 => LiveBody::Icmp {
            kind: text[0],
            code: text[1],
            mtu_bytes: u32::from_be_bytes([text[4], text[5], text[6], text[7]]),
            quoted: quote_of(&text[8..]),
        },
        other => LiveBody::Other(format!("a packet of IP protocol {other}")),
    };
    live
}

fn ends(source: IpAddr, destination: IpAddr) -> (SocketAddr, SocketAddr) {
    (SocketAddr::new(source, 0), SocketAddr::new(destination, 0))
}

fn tcp_of(segment: &[u8]) -> LiveBody {
    let Ok(header) = wire::tcp::Header::parse_fixed(segment) else {
        return LiveBody::Other("a TCP segment that cannot be read".to_owned());
    };
    let header_bytes = usize::from(segment[12] >> 4) * 4;
    LiveBody::Tcp(LiveTcp {
        flags: header.flags,
        seq: header.seq,
        ack: header.ack,
        window: header.window,
        urgent: header.urgent,
        options: options_of(segment.get(20..header_bytes).unwrap_or_default()),
        text_bytes: segment.len().saturating_sub(header_bytes) as u32,
    })
}

fn quote_of(quoted: &[u8]) -> Option<LiveQuote> {
    let (protocol, text, total) = match quoted.first()? >> 4 {
        4 => {
            let header_bytes = usize::from(quoted[0] & 15) * 4;
            let total = usize::from(u16::from_be_bytes([*quoted.get(2)?, *quoted.get(3)?]));
            (*quoted.get(9)?, quoted.get(header_bytes..)?, total.saturating_sub(header_bytes))
        }
        6 => {
            let total = usize::from(u16::from_be_bytes([*quoted.get(4)?, *quoted.get(5)?]));
            (*quoted.get(6)?, quoted.get(40..)?, total)
        }
        _ => return None,
    };
    let seq = text.get(4..8).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    let header_bytes = match protocol {
        ip::protocol::UDP => 8,
        _ => text.get(12).map_or(20, |offset| usize::from(offset >> 4) * 4),
    };
    Some(LiveQuote { protocol, seq: Seq::new(seq), text_bytes: total.saturating_sub(header_bytes) as u32 })
}

#[cfg(test)]
mod tests;
