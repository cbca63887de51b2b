//! Packets that may be larger than the path MTU: datagrams and answers, fragmented if necessary
//! (RFC 791 §2.3, RFC 8200 §4.5).
//!
//! TCP does not use this: its segments fit the path. A packet that fits is sent with "do not fragment", so
//! that routers tell us of a smaller MTU (RFC 1191); fragments that we make ourselves are sent without it.

use crate::build::Envelope;
use crate::error::Error;
use crate::flow::FlowKey;
use crate::host::Host;
use crate::limits::PACKET_BYTES_MAX;
use crate::neighbour::Demand;
use crate::route::Hop;
use bytes::Bytes;
use std::net::IpAddr;
use tcp::Instant;
use wire::ip::protocol;
use wire::{Frame, Head, Offload, Payload, ipv4, ipv6, udp};

impl Host {
    /// Sends a UDP datagram between these ends.
    pub(crate) fn send_datagram(
        &mut self,
        now: Instant,
        key: FlowKey,
        hop: Hop,
        hop_limit: u8,
        data: Bytes,
    ) -> Result<(), Error> {
        let envelope = Envelope {
            source: key.local,
            destination: key.remote,
            protocol: protocol::UDP,
            hop_limit,
            traffic_class: 0,
        };
        let bytes = udp::HEADER_BYTES + data.len();
        // RFC 768: the length field covers header and data; IPv4's total length the IP header too.
        let bytes_max =
            if key.is_v4() { PACKET_BYTES_MAX - envelope.ip_header_bytes() } else { PACKET_BYTES_MAX };
        if bytes > bytes_max {
            return Err(Error::MessageTooLong);
        }
        let mut header = udp::Header {
            source_port: key.local_port,
            destination_port: key.remote_port,
            len_bytes: bytes as u16,
            checksum: 0,
        };
        if self.fits_path(now, &envelope, hop, bytes) {
            if self.outbox.len(hop.interface) >= self.config.outbox_frames_max {
                return Err(Error::WouldBlock);
            }
            let frame = envelope.udp_frame(self.shape(hop.interface), header, Payload::from(data));
            self.enqueue_frame(now, hop, frame, Demand::Socket);
            return Ok(());
        }
        let mut packet = vec![0; udp::HEADER_BYTES];
        header.emit(&mut packet);
        packet.extend_from_slice(&data);
        let mut sum = envelope.pseudo_header(bytes);
        sum.add(&packet);
        header.checksum = udp::checksum_field(sum.checksum());
        header.emit(&mut packet[..udp::HEADER_BYTES]);
        self.send_fragments(now, envelope, hop, &Bytes::from(packet), Demand::Socket)
    }

    /// Sends an answer of the host itself, such as an ICMP message, to this next hop.
    pub(crate) fn send_packet(
        &mut self,
        now: Instant,
        hop: Hop,
        envelope: Envelope,
        packet: Bytes,
    ) -> Result<(), Error> {
        if !self.fits_path(now, &envelope, hop, packet.len()) {
            return self.send_fragments(now, envelope, hop, &packet, Demand::Answer);
        }
        let frame = envelope.packet_frame(self.shape(hop.interface), Payload::from(packet));
        self.enqueue_frame(now, hop, frame, Demand::Answer);
        Ok(())
    }

    fn fits_path(&self, now: Instant, envelope: &Envelope, hop: Hop, transport_bytes: usize) -> bool {
        envelope.ip_header_bytes() + transport_bytes <= self.mtu_bytes_for(now, envelope, hop)
    }

    /// The MTU of the path for this protocol: what came back for datagrams is for UDP alone.
    fn mtu_bytes_for(&self, now: Instant, envelope: &Envelope, hop: Hop) -> usize {
        let confirmed = self.path_to(now, envelope.destination, hop).mtu_bytes;
        let of_udp = match envelope.protocol {
            protocol::UDP => self.udp_path_mtus.find(now, envelope.destination, self.config.path_mtu_age),
            _ => None,
        };
        of_udp.map_or(confirmed, |mtu_bytes| mtu_bytes.min(confirmed)) as usize
    }

    fn send_fragments(
        &mut self,
        now: Instant,
        envelope: Envelope,
        hop: Hop,
        packet: &Bytes,
        demand: Demand,
    ) -> Result<(), Error> {
        let mtu_bytes = self.mtu_bytes_for(now, &envelope, hop);
        let extension = if envelope.source.is_v4() { 0 } else { ipv6::Fragment::BYTES };
        let room = mtu_bytes.saturating_sub(envelope.ip_header_bytes() + extension) & !7;
        if room == 0 || packet.len() > PACKET_BYTES_MAX {
            return Err(Error::MessageTooLong);
        }
        if self.outbox.len(hop.interface) + packet.len().div_ceil(room) > self.config.outbox_frames_max {
            return Err(Error::WouldBlock);
        }
        let identification = self.identifications.next(&envelope);
        for offset in (0..packet.len()).step_by(room) {
            let text = packet.slice(offset..packet.len().min(offset + room));
            let more = offset + text.len() < packet.len();
            let mut head = Head::new();
            head.grow(self.shape(hop.interface).link_bytes());
            write_fragment_headers(
                &mut head,
                &envelope,
                &OurFragment { identification, offset, more, bytes: text.len() },
            );
            let frame = Frame { head, payload: Payload::from(text), offload: Offload::default() };
            self.enqueue_frame(now, hop, frame, demand);
        }
        Ok(())
    }
}

/// One fragment that we send.
struct OurFragment {
    identification: u32,
    offset: usize,
    more: bool,
    bytes: usize,
}

fn write_fragment_headers(head: &mut Head, envelope: &Envelope, fragment: &OurFragment) {
    let OurFragment { identification, offset, more, bytes } = *fragment;
    match (envelope.source.ip(), envelope.destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => ipv4::Header {
            source,
            destination,
            protocol: envelope.protocol,
            ttl: envelope.hop_limit,
            identification: identification as u16,
            more_fragments: more,
            fragment_offset_bytes: offset as u16,
            total_bytes: (ipv4::HEADER_BYTES + bytes) as u16,
            ..ipv4::Header::default()
        }
        .emit(head.grow(ipv4::HEADER_BYTES)),
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            ipv6::Header {
                source,
                destination,
                payload_bytes: (ipv6::Fragment::BYTES + bytes) as u16,
                next_header: protocol::FRAGMENT,
                hop_limit: envelope.hop_limit,
                ..ipv6::Header::default()
            }
            .emit(head.grow(ipv6::HEADER_BYTES));
            let offset_bytes = offset as u16;
            ipv6::Fragment { identification, offset_bytes, more, next_header: envelope.protocol }
                .emit(head.grow(ipv6::Fragment::BYTES));
        }
        _ => {}
    }
}
