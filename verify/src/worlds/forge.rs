//! Frames that no host sent: segments, ICMP errors and fragments, in whose name one likes.

use bytes::Bytes;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use wire::ethernet::{MacAddress, ethertype};
use wire::icmp::{neighbor, v4, v6};
use wire::ip::protocol;
use wire::ipv6::Fragment;
use wire::tcp::{Header, OptionLayout};
use wire::{Checksum, Frame, Medium, Payload, arp, ethernet, ipv4, ipv6, segmentation};

/// Where in an IPv6 header the hop limit is.
const HOP_LIMIT_AT: usize = 7;

/// A segment from one end to another, its checksum right.
pub(crate) fn segment(from: SocketAddr, to: SocketAddr, header: Header, text: &[u8]) -> Frame {
    let header = Header { source_port: from.port(), destination_port: to.port(), ..header };
    let tcp_bytes = header.len_bytes(OptionLayout::Linux);
    let payload = Payload::from(Bytes::copy_from_slice(text));
    let mut frame = Frame { payload, ..Frame::default() };
    ip_header(&mut frame, from.ip(), to.ip(), protocol::TCP, tcp_bytes + text.len());
    header.emit(frame.head.grow(tcp_bytes), OptionLayout::Linux);
    frame.offload.checksum = Checksum::Trusted;
    segmentation::complete_checksum(&mut frame, Medium::Ip);
    frame.offload.checksum = Checksum::Complete;
    frame
}

/// A packet of any protocol.
pub(crate) fn packet(from: IpAddr, to: IpAddr, protocol: u8, text: &[u8]) -> Frame {
    let payload = Payload::from(Bytes::copy_from_slice(text));
    let mut frame = Frame { payload, ..Frame::default() };
    ip_header(&mut frame, from, to, protocol, text.len());
    frame
}

/// An ARP packet to everybody on the link, as a whole frame.
pub(crate) fn arp(packet: arp::Packet) -> Frame {
    let mut bytes = vec![0; ethernet::HEADER_BYTES + arp::PACKET_BYTES];
    let (destination, source) = (MacAddress::BROADCAST, packet.sender_mac);
    ethernet::Header { destination, source, ethertype: ethertype::ARP, vlan: None }.emit(&mut bytes);
    packet.emit(&mut bytes[ethernet::HEADER_BYTES..]);
    Frame::from_bytes(Bytes::from(bytes))
}

/// A message of neighbour discovery, from a neighbour: its hop limit says so.
pub(crate) fn neighbour(from: Ipv6Addr, to: Ipv6Addr, message: neighbor::Message) -> Frame {
    let message = v6::Message::Neighbor(message);
    let mut text = vec![0; message.len_bytes()];
    message.emit(&mut text, from, to);
    let mut frame = packet(from.into(), to.into(), protocol::ICMPV6, &text);
    frame.head.as_mut_slice()[HOP_LIMIT_AT] = 255;
    frame
}

fn ip_header(frame: &mut Frame, from: IpAddr, to: IpAddr, protocol: u8, text_bytes: usize) {
    match (from, to) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => ipv4::Header {
            source,
            destination,
            protocol,
            ttl: 64,
            total_bytes: (ipv4::HEADER_BYTES + text_bytes) as u16,
            ..ipv4::Header::default()
        }
        .emit(frame.head.grow(ipv4::HEADER_BYTES)),
        (IpAddr::V6(source), IpAddr::V6(destination)) => ipv6::Header {
            source,
            destination,
            next_header: protocol,
            payload_bytes: text_bytes as u16,
            ..ipv6::Header::default()
        }
        .emit(frame.head.grow(ipv6::HEADER_BYTES)),
        _ => panic!("a packet from {from} to {to} is of no family"),
    }
}

/// What an ICMP error complains of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Complaint {
    TooBig { mtu_bytes: u32 },
    Unreachable { code: u8 },
    TimeExceeded,
    ParameterProblem { pointer: u8 },
}

/// An ICMP error of `router` to the end `quoted_from`, which quotes a segment of it with this number.
pub(crate) fn icmp_error(
    router: IpAddr,
    quoted_from: SocketAddr,
    quoted_to: SocketAddr,
    header: Header,
    complaint: Complaint,
) -> Frame {
    let quote = segment(quoted_from, quoted_to, header, &[]).to_vec();
    icmp_quoting(router, quoted_from.ip(), &quote, complaint)
}

/// The same with any bytes for a quote.
pub(crate) fn icmp_quoting(router: IpAddr, to: IpAddr, quoted: &[u8], complaint: Complaint) -> Frame {
    match (router, to) {
        (IpAddr::V4(_), IpAddr::V4(_)) => {
            let message = match complaint {
                Complaint::TooBig { mtu_bytes } => {
                    let code = v4::unreachable::FRAGMENTATION_NEEDED;
                    v4::Message::Unreachable { code, mtu_bytes: mtu_bytes as u16, quoted }
                }
                Complaint::Unreachable { code } => v4::Message::Unreachable { code, mtu_bytes: 0, quoted },
                Complaint::TimeExceeded => v4::Message::TimeExceeded { code: 0, quoted },
                Complaint::ParameterProblem { pointer } => {
                    v4::Message::ParameterProblem { code: 0, pointer, quoted }
                }
            };
            let mut text = vec![0; message.len_bytes()];
            message.emit(&mut text);
            packet(router, to, protocol::ICMP, &text)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let message = match complaint {
                Complaint::TooBig { mtu_bytes } => v6::Message::PacketTooBig { mtu_bytes, quoted },
                Complaint::Unreachable { code } => v6::Message::Unreachable { code, quoted },
                Complaint::TimeExceeded => v6::Message::TimeExceeded { code: 0, quoted },
                Complaint::ParameterProblem { pointer } => {
                    v6::Message::ParameterProblem { code: 1, pointer: u32::from(pointer), quoted }
                }
            };
            let mut text = vec![0; message.len_bytes()];
            message.emit(&mut text, source, destination);
            packet(router, to, protocol::ICMPV6, &text)
        }
        _ => panic!("{router} and {to} are of two families"),
    }
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) identification: u32,
    pub(crate) offset_bytes: u16,
    pub(crate) more: bool,
}

/// A fragment of a packet of the protocol `of`.
pub(crate) fn fragment(from: IpAddr, to: IpAddr, of: u8, place: Place, text: &[u8]) -> Frame {
    match (from, to) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let payload = Payload::from(Bytes::copy_from_slice(text));
            let mut frame = Frame { payload, ..Frame::default() };
            ipv4::Header {
                source,
                destination,
                protocol: of,
                ttl: 64,
                identification: place.identification as u16,
                more_fragments: place.more,
                fragment_offset_bytes: place.offset_bytes & !7,
                total_bytes: (ipv4::HEADER_BYTES + text.len()) as u16,
                ..ipv4::Header::default()
            }
            .emit(frame.head.grow(ipv4::HEADER_BYTES));
            frame
        }
        _ => {
            let mut whole = vec![0; Fragment::BYTES];
            Fragment {
                identification: place.identification,
                offset_bytes: place.offset_bytes & !7,
                more: place.more,
                next_header: of,
            }
            .emit(&mut whole);
            whole.extend_from_slice(text);
            packet(from, to, protocol::FRAGMENT, &whole)
        }
    }
}
