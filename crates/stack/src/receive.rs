//! A frame arrives: the link header, then the IP header, then delivery to the transport.
//!
//! Every packet that is refused is counted by reason, and answered only if an ICMP error is due. Nothing
//! is copied: parsers return offsets into the frame. What is *not* here: what the transports do
//! (`segment.rs`, `udp.rs`, `icmp.rs`), fragments (`reassembly.rs`), neighbours.

use crate::config::HostModel;
use crate::counters::Discard;
use crate::flow::Address;
use crate::host::Host;
use crate::icmp_errors::is_icmp_error;
use crate::interface::{InterfaceId, Mac, is_loopback};
use crate::packet::{Cast, Packet, PacketFacts, first_bytes, flatten};
use crate::reassembly::{Fragment, first_fragment_bytes_min};
use std::net::{IpAddr, Ipv6Addr};
use tcp::Instant;
use wire::ethernet::{self, ethertype};
use wire::ip::protocol;
use wire::ipv6::ProblemKind;
use wire::{Checksum, Frame, Medium, ipv4, ipv6};

/// Loose and strict source routes among IPv4 options (RFC 791 §3.1).
const SOURCE_ROUTES: [u8; 2] = [131, 137];

impl Host {
    /// A frame has arrived on an interface. No content of a frame can harm the host.
    pub fn handle_frame(&mut self, now: Instant, interface: InterfaceId, mut frame: Frame) {
        let now = self.advance(now);
        self.counters.frames_received += 1;
        let Some(link) = self.interfaces.get(interface.index()) else {
            return self.counters.discard(Discard::UnknownInterface);
        };
        match (link.capabilities.medium, link.hardware) {
            (Medium::Ethernet, Some(hardware)) => self.receive_ethernet(now, interface, hardware, &mut frame),
            _ => self.receive_ip(now, &Arrived { interface, ip_at: 0, cast: Cast::Unicast }, &mut frame),
        }
    }

    #[inline(never)]
    fn receive_ethernet(&mut self, now: Instant, interface: InterfaceId, hardware: Mac, frame: &mut Frame) {
        if first_bytes(frame).len() < ETHERNET_BYTES_MAX {
            flatten(frame);
        }
        let Ok((header, ip_at)) = ethernet::Header::parse(first_bytes(frame)) else {
            return self.counters.discard(Discard::EthernetMalformed);
        };
        let cast = match header.destination {
            Mac::BROADCAST => Cast::Broadcast,
            group if group.is_multicast() => Cast::Multicast,
            one if one == hardware => Cast::Unicast,
            _ => return self.counters.discard(Discard::EthernetNotForUs),
        };
        match header.ethertype {
            ethertype::ARP => {
                flatten(frame);
                self.receive_arp(now, interface, frame, ip_at);
            }
            ethertype::IPV4 | ethertype::IPV6 => {
                self.receive_ip(now, &Arrived { interface, ip_at, cast }, frame);
            }
            _ => self.counters.discard(Discard::EthernetUnknownType),
        }
    }

    /// A packet from this host to itself arrives.
    pub(crate) fn receive_loopback(&mut self, now: Instant, mut frame: Frame) {
        let interface = InterfaceId::LOOPBACK;
        self.receive_ip(now, &Arrived { interface, ip_at: 0, cast: Cast::Unicast }, &mut frame);
    }

    fn receive_ip(&mut self, now: Instant, arrived: &Arrived, frame: &mut Frame) {
        if !has_whole_ip_header(first_bytes(frame), arrived.ip_at) {
            flatten(frame);
        }
        let parsed = match first_bytes(frame).get(arrived.ip_at).map(|first| first >> 4) {
            Some(4) => self.read_ipv4(arrived, frame),
            Some(6) => self.read_ipv6(now, arrived, frame),
            _ => Err(Discard::IpMalformed),
        };
        match parsed {
            Ok(Parsed::Whole(facts)) => self.deliver(now, Packet { frame, facts }),
            Ok(Parsed::Fragment(facts, fragment)) => self.receive_fragment(now, frame, facts, fragment),
            Err(why) => self.counters.discard(why),
        }
    }

    #[inline(never)]
    fn receive_fragment(&mut self, now: Instant, frame: &mut Frame, facts: PacketFacts, fragment: Fragment) {
        flatten(frame);
        let packet = Packet { frame, facts };
        let whole = self.reassemble(now, &packet, fragment);
        self.settle_tables();
        let Some((mut frame, facts)) = whole else { return };
        let facts =
            if facts.source.is_v4() { Ok(facts) } else { self.read_reassembled(now, &mut frame, facts) };
        match facts {
            Ok(facts) => self.deliver(now, Packet { frame: &mut frame, facts }),
            Err(why) => self.counters.discard(why),
        }
    }

    /// An IPv6 packet has been put together. Without its fragment header it is the original packet, and is read like
    /// one that arrived whole: extension headers may have been in the fragments (RFC 8200 §4.5).
    fn read_reassembled(
        &mut self,
        now: Instant,
        frame: &mut Frame,
        facts: PacketFacts,
    ) -> Result<PacketFacts, Discard> {
        let mut packet = frame.to_vec();
        packet.drain(facts.transport_at - ipv6::Fragment::BYTES..facts.transport_at);
        let payload_bytes = packet.len() - ipv6::HEADER_BYTES;
        let payload_bytes = u16::try_from(payload_bytes).map_err(|_| Discard::FragmentLength)?;
        packet[4..6].copy_from_slice(&payload_bytes.to_be_bytes());
        packet[facts.named_at] = facts.protocol;
        *frame = Frame::from_bytes(packet.into());
        let arrived = Arrived { interface: facts.arrival, ip_at: 0, cast: facts.cast };
        match self.read_ipv6(now, &arrived, frame)? {
            Parsed::Whole(facts) => Ok(facts),
            // A fragment of fragments: no sender makes it.
            Parsed::Fragment(..) => Err(Discard::IpMalformed),
        }
    }

    /// Delivers a whole packet to its transport.
    #[inline]
    fn deliver(&mut self, now: Instant, packet: Packet<'_>) {
        if packet.protocol == protocol::TCP {
            self.receive_tcp(now, packet);
        } else {
            self.deliver_other(now, packet);
        }
    }

    #[inline(never)]
    fn deliver_other(&mut self, now: Instant, packet: Packet<'_>) {
        if self.addresses.sees_foreign() && !self.is_for_us_or_a_gate(&packet) {
            return self.counters.discard(Discard::IpNotForUs);
        }
        match packet.protocol {
            protocol::UDP => self.receive_udp(now, packet),
            protocol::ICMP if packet.source.is_v4() => {
                flatten(packet.frame);
                self.receive_icmp_v4(now, &packet);
            }
            protocol::ICMPV6 if !packet.source.is_v4() => {
                flatten(packet.frame);
                self.receive_icmp_v6(now, &packet);
            }
            protocol::NO_NEXT_HEADER => {}
            _ => {
                self.counters.discard(Discard::UnknownProtocol);
                self.send_protocol_unreachable(now, &packet);
            }
        }
    }

    /// Whether a packet that is not TCP is for one of our addresses or for a gate. Errors may be about connections that
    /// outlived their gate: what they quote tells. Neighbours say nothing about themselves to foreign addresses.
    fn is_for_us_or_a_gate(&mut self, packet: &Packet<'_>) -> bool {
        if packet.cast != Cast::Unicast || self.addresses.takes(packet.destination) {
            return true;
        }
        let kind = packet.transport().first();
        match packet.protocol {
            protocol::ICMP | protocol::ICMPV6 if is_icmp_error(packet) => true,
            protocol::ICMPV6 if kind.is_none_or(|kind| NEIGHBOUR_MESSAGES.contains(kind)) => false,
            _ => self.speaks_for(packet.destination),
        }
    }

    /// Reads an IPv4 header (RFC 791, RFC 1122 §3.2.1) and checks that the packet is complete and for us.
    #[inline]
    fn read_ipv4(&mut self, arrived: &Arrived, frame: &Frame) -> Result<Parsed, Discard> {
        let bytes = &first_bytes(frame)[arrived.ip_at..];
        let (header, header_bytes) = ipv4::Header::parse(bytes).map_err(|_| Discard::IpMalformed)?;
        let available = frame.len() - arrived.ip_at;
        let text_bytes = match header.total_bytes {
            // A super-segment that is too large for the field; the link guarantees its length.
            0 if frame.offload.segment_bytes > 0 => available - header_bytes,
            _ => header.text_bytes(header_bytes, available).map_err(|_| Discard::IpMalformed)?,
        };
        if !arrived.is_internal() && !ipv4::checksum_is_good(&bytes[..header_bytes]) {
            return Err(Discard::IpHeaderChecksum);
        }
        if header_bytes > ipv4::HEADER_BYTES && has_source_route(&bytes[ipv4::HEADER_BYTES..header_bytes]) {
            return Err(Discard::IpSourceRoute);
        }
        let (source, destination) = (Address::from(header.source), Address::from(header.destination));
        let transport_at = arrived.ip_at + header_bytes;
        let facts = PacketFacts {
            arrival: arrived.interface,
            source,
            destination,
            cast: self.check_addresses(arrived, source, destination)?,
            protocol: header.protocol,
            hop_limit: header.ttl,
            ecn: header.ecn,
            ip_at: arrived.ip_at,
            transport_at,
            end_at: transport_at + text_bytes,
            named_at: 9,
        };
        if !header.is_fragment() {
            return Ok(Parsed::Whole(facts));
        }
        let fragment = Fragment {
            identification: u32::from(header.identification),
            offset_bytes: usize::from(header.fragment_offset_bytes),
            more: header.more_fragments,
            first_bytes_min: first_fragment_bytes_min(header.protocol),
        };
        Ok(Parsed::Fragment(facts, fragment))
    }

    /// Reads an IPv6 header and its extension headers (RFC 8200) and checks that the packet is complete and
    /// for us.
    #[inline(never)]
    fn read_ipv6(&mut self, now: Instant, arrived: &Arrived, frame: &mut Frame) -> Result<Parsed, Discard> {
        let header =
            ipv6::Header::parse(&first_bytes(frame)[arrived.ip_at..]).map_err(|_| Discard::IpMalformed)?;
        if !matches!(header.next_header, protocol::TCP | protocol::UDP | protocol::ICMPV6) {
            // Extension headers and transport header must be in one piece.
            flatten(frame);
        }
        let bytes = &first_bytes(frame)[arrived.ip_at..];
        let available = frame.len() - arrived.ip_at;
        let text_bytes = match header.payload_bytes {
            0 if frame.offload.segment_bytes > 0 => available - ipv6::HEADER_BYTES,
            _ => header.text_bytes(available).map_err(|_| Discard::IpMalformed)?,
        };
        let end_bytes = ipv6::HEADER_BYTES + text_bytes;
        let upper = ipv6::walk(&bytes[..end_bytes.min(bytes.len())]).map_err(|_| Discard::IpMalformed)?;
        let (source, destination) = (address_v6(header.source)?, address_v6(header.destination)?);
        let facts = PacketFacts {
            arrival: arrived.interface,
            source,
            destination,
            cast: self.check_addresses(arrived, source, destination)?,
            protocol: upper.protocol,
            hop_limit: header.hop_limit,
            ecn: header.ecn,
            ip_at: arrived.ip_at,
            transport_at: arrived.ip_at + upper.offset_bytes,
            end_at: arrived.ip_at + end_bytes,
            named_at: upper.named_at_bytes,
        };
        // RFC 6946: an atomic fragment is a whole packet, even if other fragments have its identification.
        let fragment = upper.fragment.filter(|fragment| !fragment.is_atomic());
        // What stands behind the fragment header is looked at when the packet is whole.
        let looked_at = if fragment.is_some() { upper.fragment_at_bytes } else { upper.offset_bytes };
        if let Some(problem) = upper.problem.filter(|problem| (problem.pointer as usize) < looked_at) {
            if problem.kind != ProblemKind::OptionSilently {
                self.send_extension_problem(now, &Packet { frame, facts }, problem);
            }
            return Err(Discard::Ipv6Extension);
        }
        let Some(fragment) = fragment else { return Ok(Parsed::Whole(facts)) };
        let part_at = upper.fragment_at_bytes + ipv6::Fragment::BYTES;
        let headers_bytes = upper.offset_bytes - part_at;
        let facts = PacketFacts {
            protocol: fragment.next_header,
            transport_at: arrived.ip_at + part_at,
            named_at: upper.fragment_named_at_bytes,
            ..facts
        };
        let fragment = Fragment {
            identification: fragment.identification,
            offset_bytes: usize::from(fragment.offset_bytes),
            more: fragment.more,
            first_bytes_min: headers_bytes + first_fragment_bytes_min(upper.protocol),
        };
        Ok(Parsed::Fragment(facts, fragment))
    }

    /// Checks that this source may send to this destination (RFC 1122 §3.2.1.3, RFC 4291 §2.5, MUST-63).
    #[inline]
    fn check_addresses(
        &mut self,
        arrived: &Arrived,
        source: Address,
        destination: Address,
    ) -> Result<Cast, Discard> {
        if self.addresses.have_passed(arrived.interface, source, destination) && !arrived.is_internal() {
            return Ok(arrived.cast);
        }
        self.check_new_addresses(arrived, source, destination)
    }

    /// The same for addresses other than those that passed last.
    #[inline(never)]
    fn check_new_addresses(
        &mut self,
        arrived: &Arrived,
        source: Address,
        destination: Address,
    ) -> Result<Cast, Discard> {
        let cast = match destination.ip() {
            ip if ip.is_multicast() => Cast::Multicast,
            _ if self.addresses.takes(destination) => arrived.cast,
            _ if self.addresses.is_broadcast(destination) => Cast::Broadcast,
            // For a gate, or for a connection that came through one; the transports know.
            _ if self.addresses.sees_foreign() && !destination.is_unspecified() => arrived.cast,
            _ => return Err(Discard::IpNotForUs),
        };
        if arrived.is_internal() {
            return Ok(cast);
        }
        if is_loopback(destination) {
            return Err(Discard::IpBadSource);
        }
        if !self.is_reached_by(arrived.interface, destination) {
            return Err(Discard::IpOtherInterface);
        }
        let unspecified = match source.ip() {
            // A host that has no address yet sends from the unspecified one: DHCP, duplicate address detection.
            IpAddr::V4(v4) => v4.is_unspecified() && cast == Cast::Unicast,
            IpAddr::V6(v6) => v6.is_unspecified() && cast != Cast::Multicast,
        };
        if unspecified
            || source.ip().is_multicast()
            || self.addresses.is_broadcast(source)
            || is_loopback(source)
        {
            return Err(Discard::IpBadSource);
        }
        if self.addresses.are_ours(source) {
            return Err(Discard::IpSourceIsOurs);
        }
        let is_for_us_alone = cast == Cast::Unicast && arrived.cast == Cast::Unicast;
        if is_for_us_alone && may_be_answered(source) {
            self.addresses.remember_passed(arrived.interface, source, destination);
        }
        Ok(cast)
    }

    /// Whether packets for this address of ours may arrive on this interface ([`HostModel`]).
    fn is_reached_by(&mut self, interface: InterfaceId, destination: Address) -> bool {
        self.config.host_model == HostModel::Weak
            || self.addresses.take_any()
            || !self.addresses.are_ours(destination)
            || destination.is_multicast()
            || self.addresses.is_broadcast(destination)
            || self.is_ours_on(interface, destination.ip())
    }
}

/// Solicitations, advertisements and redirects (RFC 4861 §4).
const NEIGHBOUR_MESSAGES: core::ops::RangeInclusive<u8> = 133..=137;

/// The largest Ethernet header, with three tags.
const ETHERNET_BYTES_MAX: usize = ethernet::HEADER_BYTES + 12;

/// Whether the IP header is in the first piece of a frame, judged by the header's first byte.
fn has_whole_ip_header(start: &[u8], ip_at: usize) -> bool {
    let header_bytes = match start.get(ip_at) {
        Some(first) if first >> 4 == 4 => usize::from(first & 15) * 4,
        Some(first) if first >> 4 == 6 => ipv6::HEADER_BYTES,
        _ => return false,
    };
    start.len() >= ip_at + header_bytes
}

/// What a packet turned out to be.
enum Parsed {
    Whole(PacketFacts),
    Fragment(PacketFacts, Fragment),
}

/// How a packet arrived.
struct Arrived {
    interface: InterfaceId,
    ip_at: usize,
    cast: Cast,
}

impl Arrived {
    fn is_internal(&self) -> bool {
        self.interface == InterfaceId::LOOPBACK
    }
}

/// Whether the link guarantees the transport checksum, or has left it to be filled in.
pub(crate) fn is_trusted(frame: &Frame) -> bool {
    frame.offload.checksum != Checksum::Complete
}

/// IPv4-mapped addresses must not appear on a link: in our tables they stand for IPv4 addresses.
fn address_v6(ip: Ipv6Addr) -> Result<Address, Discard> {
    let address = Address::from(IpAddr::V6(ip));
    if address.is_v4() { Err(Discard::IpBadSource) } else { Ok(address) }
}

/// Whether IPv4 options contain a source route. Stops at the end of the list or at a malformed option.
fn has_source_route(options: &[u8]) -> bool {
    let mut rest = options;
    while let [kind, ..] = *rest {
        let len = match (kind, rest.get(1)) {
            (0, _) => return false,
            (1, _) => 1,
            (kind, _) if SOURCE_ROUTES.contains(&kind) => return true,
            (_, Some(len)) if *len >= 2 => usize::from(*len),
            _ => return false,
        };
        rest = rest.get(len..).unwrap_or_default();
    }
    false
}

/// Whether an answer may be sent to this address: it must belong to one host.
pub(crate) fn may_be_answered(address: Address) -> bool {
    !address.is_multicast() && !address.is_unspecified() && !address.is_broadcast()
}
