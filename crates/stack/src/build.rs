//! Builds frames: adds the headers to what a connection, a UDP socket or the host sends.
//!
//! All headers are written into the frame's head; the payload is borrowed from the send queue. The link's
//! capabilities say who computes the checksum. What is *not* here: the route of a frame.

use crate::flow::{Address, FlowKey};
use wire::checksum::{Sum, pseudo_header_v4, pseudo_header_v6};
use wire::ip::{Ecn, protocol};
use wire::tcp::OptionLayout;
use wire::{Checksum, Frame, Head, LinkCapabilities, Medium, Offload, Payload, TransmitChecksum};
use wire::{ethernet, ipv4, ipv6, udp};

/// How frames for a link are built: what they start with, and who computes the transport checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) medium: Medium,
    pub(crate) checksum: TransmitChecksum,
}

impl Shape {
    /// From the host to itself: the bytes never leave memory.
    pub(crate) const LOOPBACK: Shape = Shape { medium: Medium::Ip, checksum: TransmitChecksum::None };

    pub(crate) fn of(link: &LinkCapabilities) -> Self {
        Shape { medium: link.medium, checksum: link.transmit_checksum }
    }

    /// Bytes in front of the IP header.
    pub(crate) fn link_bytes(self) -> usize {
        if self.medium == Medium::Ethernet { ethernet::HEADER_BYTES } else { 0 }
    }
}

/// The part of an IP header that its sender chooses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) source: Address,
    pub(crate) destination: Address,
    pub(crate) protocol: u8,
    pub(crate) hop_limit: u8,
    /// Differentiated Services and ECN: the byte of the header.
    pub(crate) traffic_class: u8,
}

impl Envelope {
    pub(crate) fn ip_header_bytes(&self) -> usize {
        if self.source.is_v4() { ipv4::HEADER_BYTES } else { ipv6::HEADER_BYTES }
    }

    /// Writes the header of a packet that must not be fragmented; `text_bytes` is all that follows it.
    fn write_header(&self, into: &mut [u8], text_bytes: usize) {
        if self.source.is_v4() {
            ipv4::Header {
                source: self.source.low(),
                destination: self.destination.low(),
                protocol: self.protocol,
                ttl: self.hop_limit,
                dscp: self.traffic_class >> 2,
                ecn: Ecn::from_bits(self.traffic_class),
                // RFC 6864 §4.1: an atomic datagram's identification means nothing.
                dont_fragment: true,
                total_bytes: (ipv4::HEADER_BYTES + text_bytes) as u16,
                ..ipv4::Header::default()
            }
            .emit(into);
        } else {
            self.write_v6_header(into, text_bytes);
        }
    }

    #[inline(never)]
    fn write_v6_header(&self, into: &mut [u8], text_bytes: usize) {
        ipv6::Header {
            source: self.source.whole(),
            destination: self.destination.whole(),
            dscp: self.traffic_class >> 2,
            ecn: Ecn::from_bits(self.traffic_class),
            flow_label: 0,
            payload_bytes: text_bytes as u16,
            next_header: self.protocol,
            hop_limit: self.hop_limit,
        }
        .emit(into);
    }

    pub(crate) fn pseudo_header(&self, transport_bytes: usize) -> Sum {
        pseudo_header(self.source, self.destination, self.protocol, transport_bytes as u32)
    }

    /// A frame with a complete transport packet as its payload, such as an ICMP message.
    pub(crate) fn packet_frame(&self, shape: Shape, packet: Payload) -> Frame {
        let mut head = Head::new();
        head.grow(shape.link_bytes());
        self.write_header(head.grow(self.ip_header_bytes()), packet.len());
        Frame { head, payload: packet, offload: Offload::default() }
    }

    /// A UDP datagram that fits the link.
    pub(crate) fn udp_frame(&self, shape: Shape, mut header: udp::Header, text: Payload) -> Frame {
        let bytes = udp::HEADER_BYTES + text.len();
        header.len_bytes = bytes as u16;
        let mut head = Head::new();
        head.grow(shape.link_bytes());
        self.write_header(head.grow(self.ip_header_bytes()), bytes);
        let transport_at = head.as_slice().len();
        header.emit(head.grow(udp::HEADER_BYTES));
        let mut frame = Frame { head, payload: text, offload: Offload::default() };
        let mut sum = Sum::new();
        sum.add(&frame.head.as_slice()[transport_at..]);
        self.write_checksum(shape, &mut frame, transport_at, udp::CHECKSUM_OFFSET, sum);
        frame
    }

    /// Writes the transport checksum, or leaves it to the link; `header` is the sum of the transport header.
    fn write_checksum(
        &self,
        shape: Shape,
        frame: &mut Frame,
        transport_at: usize,
        offset: usize,
        header: Sum,
    ) {
        let transport_bytes = frame.len() - transport_at;
        let (value, checksum) = match shape.checksum {
            TransmitChecksum::None => (0, Checksum::Trusted),
            TransmitChecksum::Partial => {
                let start = transport_at as u16;
                let folded = self.pseudo_header(transport_bytes).folded();
                (folded, Checksum::Partial { start, offset: offset as u16 })
            }
            TransmitChecksum::Full => {
                let mut sum = self.pseudo_header(transport_bytes);
                sum.add_sum(header);
                sum.add_payload(&frame.payload);
                let value = sum.checksum();
                let is_udp = self.protocol == protocol::UDP;
                (if is_udp { udp::checksum_field(value) } else { value }, Checksum::Complete)
            }
        };
        frame.offload.checksum = checksum;
        let field = transport_at + offset..transport_at + offset + 2;
        frame.head.as_mut_slice()[field].copy_from_slice(&value.to_be_bytes());
    }
}

/// The sum of the pseudo-header between two addresses of one family.
pub(crate) fn pseudo_header(
    source: Address,
    destination: Address,
    protocol: u8,
    transport_bytes: u32,
) -> Sum {
    if source.is_v4() {
        pseudo_header_v4(source.low(), destination.low(), protocol, transport_bytes)
    } else {
        pseudo_header_v6(source.whole(), destination.whole(), protocol, transport_bytes)
    }
}

/// A segment to be put into a frame.
pub(crate) struct Outgoing<'a> {
    /// The TCP header; [`tcp_frame`] fills in its ports.
    pub(crate) header: &'a mut wire::tcp::Header,
    pub(crate) payload: Payload,
    pub(crate) segment_bytes: u16,
    pub(crate) hop_limit: u8,
    /// The upper six bits count.
    pub(crate) traffic_class: u8,
    pub(crate) ecn: Ecn,
    pub(crate) layout: OptionLayout,
}

/// Turns an empty frame into a segment or super-segment between these ends.
pub(crate) fn tcp_frame(frame: &mut Frame, shape: Shape, key: &FlowKey, outgoing: Outgoing<'_>) {
    let Outgoing { header, payload, segment_bytes, hop_limit, traffic_class, ecn, layout } = outgoing;
    let traffic_class = traffic_class & !3 | ecn.bits();
    header.source_port = key.local_port;
    header.destination_port = key.remote_port;
    let (source, destination) = (key.local, key.remote);
    let envelope = Envelope { source, destination, protocol: protocol::TCP, hop_limit, traffic_class };
    let head = &mut frame.head;
    let ip_at = shape.link_bytes();
    let transport_at = ip_at + envelope.ip_header_bytes();
    head.grow(transport_at);
    let sum = header.append_to(head, layout);
    let transport_bytes = head.as_slice().len() - transport_at + payload.len();
    envelope.write_header(&mut head.as_mut_slice()[ip_at..transport_at], transport_bytes);
    let is_super = segment_bytes > 0 && payload.len() > usize::from(segment_bytes);
    let shape = match shape.checksum {
        // Cutting computes the checksum of each piece, so the super-segment needs none.
        TransmitChecksum::Full if is_super => Shape { checksum: TransmitChecksum::Partial, ..shape },
        _ => shape,
    };
    frame.offload.segment_bytes = if is_super { segment_bytes } else { 0 };
    frame.payload = payload;
    envelope.write_checksum(shape, frame, transport_at, wire::tcp::CHECKSUM_OFFSET, sum);
}
