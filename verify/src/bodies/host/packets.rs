//! Packets whose lengths and checksums are right and whose contents are anything: segments, datagrams, errors,
//! whole or in fragments, with and without extension headers; and what neighbours say on Ethernet.

use super::super::feed::Feed;
use bytes::Bytes;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use wire::ethernet::{self, MacAddress, ethertype};
use wire::icmp::neighbor;
use wire::ip::protocol;
use wire::tcp::{Flags, Header, OptionLayout, Options, Timestamps};
use wire::{Checksum, Frame, Medium, Payload, arp, icmp, ipv4, ipv6, segmentation, udp};

/// Our address on Ethernet.
pub(super) const OUR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// What our end numbers its connections from.
pub(super) const OUR_ISS: u32 = 7;

/// One packet before it is cut: from whom to whom, and what IP carries.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    pub(super) transport: Vec<u8>,
}

/// How it is cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Fragments {
    pub(super) identification: u32,
    /// Parts of the fragmentable part, in the order in which they are sent.
    pub(super) parts: Vec<Range<usize>>,
    /// IPv6: an options header in front of the fragment header, and one behind it.
    pub(super) options_before: bool,
    pub(super) options_behind: bool,
}

/// The byte at this place of a text that is known by a number.
pub(super) fn byte(number: u32, place: usize) -> u8 {
    ((number ^ place as u32).wrapping_mul(0x9e37_79b1) >> 24) as u8
}

/// Eight bytes of destination options that mean nothing (RFC 8200 §4.6).
const fn padding(next_header: u8) -> [u8; 8] {
    [next_header, 0, 1, 4, 0, 0, 0, 0]
}

impl Packet {
    /// A packet between a stranger on this link and us.
    pub(super) fn new(is_v4: bool, link: u8, stranger: u8, protocol: u8, transport: Vec<u8>) -> Packet {
        let address = |host: u8| -> IpAddr {
            if is_v4 {
                Ipv4Addr::new(10, link, 0, host).into()
            } else {
                Ipv6Addr::new(0xfd00 + u16::from(link), 0, 0, 0, 0, 0, 0, host.into()).into()
            }
        };
        Packet { source: address(stranger), destination: address(2), protocol, transport }
    }

    /// The IP header for a part of the payload, and the part.
    fn with_header(&self, protocol: u8, payload: &[u8], v4: ipv4::Header) -> Vec<u8> {
        let mut packet = match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let mut header = [0; ipv4::HEADER_BYTES];
                let total_bytes = (header.len() + payload.len()) as u16;
                ipv4::Header { source, destination, protocol, ttl: 64, total_bytes, ..v4 }.emit(&mut header);
                header.to_vec()
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let mut header = [0; ipv6::HEADER_BYTES];
                let payload_bytes = payload.len() as u16;
                ipv6::Header {
                    source,
                    destination,
                    payload_bytes,
                    next_header: protocol,
                    hop_limit: 255,
                    ..ipv6::Header::default()
                }
                .emit(&mut header);
                header.to_vec()
            }
            _ => unreachable!("both ends are of one family"),
        };
        packet.extend(payload);
        packet
    }

    /// The whole packet.
    pub(super) fn whole(&self) -> Vec<u8> {
        self.with_header(self.protocol, &self.transport, ipv4::Header::default())
    }

    /// The same with the right transport checksum.
    pub(super) fn with_checksum(mut self) -> Packet {
        let mut frame = Frame { payload: Payload::from(Bytes::from(self.whole())), ..Frame::default() };
        frame.offload.checksum = Checksum::Trusted;
        segmentation::complete_checksum(&mut frame, Medium::Ip);
        let header_bytes = if self.source.is_ipv4() { ipv4::HEADER_BYTES } else { ipv6::HEADER_BYTES };
        self.transport = frame.to_vec()[header_bytes..].to_vec();
        self
    }

    /// What the fragments are parts of, and the protocol with which it begins.
    pub(super) fn fragmentable(&self, fragments: &Fragments) -> (u8, Vec<u8>) {
        if fragments.options_behind && self.source.is_ipv6() {
            let mut part = padding(self.protocol).to_vec();
            part.extend(&self.transport);
            return (protocol::DESTINATION_OPTIONS, part);
        }
        (self.protocol, self.transport.clone())
    }

    /// The packet in fragments.
    pub(super) fn in_fragments(&self, fragments: &Fragments) -> Vec<Vec<u8>> {
        let (first, whole) = self.fragmentable(fragments);
        let fragment = |part: &Range<usize>| {
            let (more, offset_bytes) = (part.end < whole.len(), part.start as u16);
            let text = &whole[part.clone()];
            if self.source.is_ipv4() {
                let v4 = ipv4::Header {
                    identification: fragments.identification as u16,
                    more_fragments: more,
                    fragment_offset_bytes: offset_bytes,
                    ..ipv4::Header::default()
                };
                return self.with_header(self.protocol, text, v4);
            }
            let mut header = [0; ipv6::Fragment::BYTES];
            let identification = fragments.identification;
            ipv6::Fragment { identification, offset_bytes, more, next_header: first }.emit(&mut header);
            let mut payload = Vec::new();
            if fragments.options_before {
                payload.extend(padding(protocol::FRAGMENT));
            }
            payload.extend(header);
            payload.extend(text);
            let begins =
                if fragments.options_before { protocol::DESTINATION_OPTIONS } else { protocol::FRAGMENT };
            self.with_header(begins, &payload, ipv4::Header::default())
        };
        fragments.parts.iter().map(fragment).collect()
    }
}

/// A segment to one of our ports, whose text says which sequence number each byte has.
pub(super) fn segment(feed: &mut Feed<'_>) -> Vec<u8> {
    let flags = Flags::from_bits(match feed.u8() {
        0..=59 => Flags::SYN.bits(),
        60..=179 => Flags::ACK.bits(),
        any => u16::from(any & 0x3f),
    });
    let bits = feed.u8();
    let stamps = Timestamps { value: feed.u32(), echo: feed.u32() };
    let options = Options {
        mss: flags.syn().then(|| feed.u16()),
        window_scale: flags.syn().then_some(7),
        sack_permitted: flags.syn(),
        timestamps: (bits & 7 == 0).then_some(stamps),
        ..Options::default()
    };
    let seq = wire::Seq::new(feed.offset()) + u32::from(!flags.syn()) + u32::from(bits >> 3);
    let header = Header {
        source_port: 1_000 + u16::from(feed.u8() % 8),
        destination_port: if feed.u8() & 7 == 0 { feed.u16() } else { 80 },
        seq,
        ack: wire::Seq::new(OUR_ISS + 1) + feed.offset(),
        flags,
        window: feed.u16(),
        urgent: 0,
        options,
    };
    let mut out = vec![0; header.len_bytes(OptionLayout::Linux)];
    header.emit(&mut out, OptionLayout::Linux);
    let text_bytes = usize::from(feed.u16() % 1_200) * usize::from(feed.u8() & 1);
    let from = seq + u32::from(flags.syn());
    out.extend((0..text_bytes).map(|at| byte((from + at as u32).number(), 0)));
    out
}

/// A datagram for port 53 that begins with its number, and whose text follows from it.
pub(super) fn datagram(number: u32, text_bytes: usize) -> Vec<u8> {
    let mut out = vec![0; udp::HEADER_BYTES];
    let len_bytes = (udp::HEADER_BYTES + 4 + text_bytes) as u16;
    udp::Header { source_port: 5_353, destination_port: 53, len_bytes, checksum: 0 }.emit(&mut out);
    out.extend(number.to_be_bytes());
    out.extend((0..text_bytes).map(|place| byte(number, place)));
    out
}

/// A packet from the network to us.
pub(super) fn any(feed: &mut Feed<'_>, link: u8) -> Packet {
    let bits = feed.u8();
    let is_v4 = bits & 1 == 0;
    let protocol = match feed.u8() {
        0..=199 => protocol::TCP,
        200..=219 => protocol::UDP,
        220..=244 if is_v4 => protocol::ICMP,
        220..=244 => protocol::ICMPV6,
        other => other,
    };
    let transport = if protocol == protocol::TCP { segment(feed) } else { feed.bytes(60).to_vec() };
    let packet = Packet::new(is_v4, link, 3 + feed.u8() % 4, protocol, transport);
    if bits & 0xf0 == 0 { packet } else { packet.with_checksum() }
}

/// A frame for our address on Ethernet.
pub(super) fn on_ethernet(ethertype: u16, destination: [u8; 6], payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; ethernet::HEADER_BYTES];
    let source = MacAddress([2, 0, 0, 0, 0, 9]);
    ethernet::Header { destination: MacAddress(destination), source, ethertype, vlan: None }.emit(&mut frame);
    frame.extend(payload);
    frame
}

/// A neighbour asks for us or for another, or answers; whether we are asked.
pub(super) fn arp(feed: &mut Feed<'_>) -> (Vec<u8>, bool) {
    let bits = feed.u8();
    let stranger = Ipv4Addr::new(10, 1, feed.u8() & 1, 3 + feed.u8() % 64);
    let target = if bits & 6 == 0 { stranger } else { Ipv4Addr::new(10, 1, 0, 2) };
    let packet = arp::Packet {
        operation: if bits & 1 == 0 { arp::Operation::Request } else { arp::Operation::Reply },
        sender_mac: MacAddress([2, 0, 0, 0, 1, feed.u8()]),
        sender: if bits & 0xf0 == 0 { Ipv4Addr::UNSPECIFIED } else { stranger },
        target_mac: if bits & 8 == 0 { MacAddress::default() } else { MacAddress(OUR_MAC) },
        target,
    };
    let mut bytes = [0; arp::PACKET_BYTES];
    packet.emit(&mut bytes);
    let asks = packet.operation == arp::Operation::Request && target != stranger;
    (on_ethernet(ethertype::ARP, [0xff; 6], &bytes), asks)
}

/// A neighbour solicits us or advertises itself (RFC 4861 §4.3, §4.4); whether we are asked.
pub(super) fn neighbour(feed: &mut Feed<'_>) -> (Vec<u8>, bool) {
    let bits = feed.u8();
    let stranger = Ipv6Addr::new(0xfd01, 0, 0, 0, 0, 0, 0, 3 + u16::from(feed.u8() % 64));
    let us = Ipv6Addr::new(0xfd01, 0, 0, 0, 0, 0, 0, 2);
    let link_layer = (bits & 2 == 0).then_some(MacAddress([2, 0, 0, 0, 2, feed.u8()]));
    let message = if bits & 1 == 0 {
        let options = neighbor::Options { source_link_layer: link_layer, ..neighbor::Options::default() };
        neighbor::Message::Solicitation { target: us, options }
    } else {
        let options = neighbor::Options { target_link_layer: link_layer, ..neighbor::Options::default() };
        neighbor::Message::Advertisement {
            router: bits & 4 != 0,
            solicited: bits & 8 != 0,
            overrides: bits & 16 != 0,
            target: stranger,
            options,
        }
    };
    let message = icmp::v6::Message::Neighbor(message);
    let mut body = vec![0; message.len_bytes()];
    message.emit(&mut body, stranger, us);
    let packet = Packet {
        source: stranger.into(),
        destination: us.into(),
        protocol: protocol::ICMPV6,
        transport: body,
    };
    // Without its address it has to be asked for first.
    let asks = bits & 1 == 0 && link_layer.is_some();
    (on_ethernet(ethertype::IPV6, OUR_MAC, &packet.whole()), asks)
}
