//! Finding link addresses on Ethernet: ARP (RFC 826, a small part of RFC 5227) and neighbour discovery
//! (RFC 4861).
//!
//! Solicitations, answers and announcements as packets; the cache and its states are in `neighbour.rs`.
//! What is *not* here: address configuration and duplicate address detection; addresses come from the
//! program.

use crate::build::Envelope;
use crate::cidr::Cidr;
use crate::connect::is_link_local;
use crate::counters::Discard;
use crate::flow::Address;
use crate::host::Host;
use crate::interface::{InterfaceId, Mac};
use crate::neighbour::{Claim, ClaimKind, Demand, Due, Unresolved};
use crate::packet::{Packet, first_bytes};
use crate::route::Hop;
use bytes::Bytes;
use std::net::{IpAddr, Ipv6Addr};
use tcp::Instant;
use wire::arp::{self, Operation};
use wire::ethernet::{self, ethertype};
use wire::icmp::neighbor::{self, Message};
use wire::icmp::v6;
use wire::ip::protocol;
use wire::{Frame, Head, Medium, Offload, Payload};

/// ff02::1, all nodes on the link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Neighbour discovery messages have this hop limit; a router would have lowered it, so that they must come
/// from the link itself (RFC 4861 §7.1).
const NEIGHBOUR_HOP_LIMIT: u8 = 255;

/// ff02::1:ff00:0/104 and the last 24 bits of the address (RFC 4291 §2.7.1).
fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., high, low] = address.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | (high & 0xff), low)
}

/// Writes the Ethernet header into the space that was left for it.
fn address_frame(frame: &mut Frame, source: Mac, destination: Mac, ethertype: u16) {
    let header = ethernet::Header { destination, source, ethertype, vlan: None };
    header.emit(&mut frame.head.as_mut_slice()[..ethernet::HEADER_BYTES]);
}

fn ethertype_of(address: Address) -> u16 {
    if address.is_v4() { ethertype::IPV4 } else { ethertype::IPV6 }
}

impl Host {
    fn hardware(&self, interface: InterfaceId) -> Option<Mac> {
        let interface = self.interfaces.get(interface.index())?;
        interface.hardware.filter(|_| interface.capabilities.medium == Medium::Ethernet)
    }

    pub(crate) fn is_ours_on(&self, interface: InterfaceId, ip: IpAddr) -> bool {
        let interface = self.interfaces.get(interface.index());
        interface.is_some_and(|interface| interface.addresses.iter().any(|cidr| cidr.address() == ip))
    }

    /// Writes the link address of the next hop into a frame, or lets the frame wait while we ask for it.
    pub(crate) fn resolve(
        &mut self,
        now: Instant,
        hop: Hop,
        mut frame: Frame,
        demand: Demand,
    ) -> Option<(InterfaceId, Frame)> {
        let hardware = self.hardware(hop.interface)?;
        let group = match hop.neighbour {
            IpAddr::V4(v4) if v4.is_multicast() => Some(Mac::of_ipv4_multicast(v4)),
            IpAddr::V6(v6) if v6.is_multicast() => Some(Mac::of_ipv6_multicast(v6)),
            ip if self.addresses.is_broadcast(ip.into()) => Some(Mac::BROADCAST),
            _ => None,
        };
        let neighbour = Address::from(hop.neighbour);
        let mac = match group {
            Some(mac) => mac,
            None => {
                let key = (hop.interface, neighbour);
                match self.neighbours.resolve(now, key, (frame, demand), &self.config) {
                    Ok((mac, back)) => {
                        frame = back;
                        mac
                    }
                    Err(Unresolved::Waiting { solicit, dropped }) => {
                        self.settle_tables();
                        (0..dropped).for_each(|_| self.counters.discard(Discard::NeighbourUnresolved));
                        if solicit {
                            self.solicit(hop.interface, neighbour, None);
                        }
                        return None;
                    }
                    Err(Unresolved::TableFull) => {
                        self.counters.discard(Discard::NeighbourTableFull);
                        return None;
                    }
                }
            }
        };
        address_frame(&mut frame, hardware, mac, ethertype_of(neighbour));
        Some((hop.interface, frame))
    }

    /// A connection's retransmissions have reached R1, so the path to `remote` is in doubt (RFC 9293 §3.8.3,
    /// MUST-20, negative advice).
    pub(crate) fn doubt_path(&mut self, now: Instant, remote: Address) {
        self.path_mtus.forget(remote);
        self.udp_path_mtus.forget(remote);
        if let Some(hop) = self.routes.find(remote.ip()) {
            let key = (hop.interface, Address::from(hop.neighbour));
            self.neighbours.doubt(now, key, &self.config);
        }
    }

    /// Asks for the link address of a neighbour: everybody on the link, or only `mac`, which had it last.
    fn solicit(&mut self, interface: InterfaceId, neighbour: Address, mac: Option<Mac>) {
        let Some(hardware) = self.hardware(interface) else { return };
        let hop = Hop { interface, neighbour: neighbour.ip() };
        let Some(source) = self.source_for(neighbour.ip(), hop) else { return };
        match (neighbour.ip(), source) {
            (IpAddr::V4(target), IpAddr::V4(sender)) => {
                let operation = Operation::Request;
                let target_mac = Mac::default();
                let packet = arp::Packet { operation, sender_mac: hardware, sender, target_mac, target };
                self.send_arp(interface, &packet, mac.unwrap_or(Mac::BROADCAST));
            }
            (IpAddr::V6(target), IpAddr::V6(source)) => {
                let options =
                    neighbor::Options { source_link_layer: Some(hardware), ..neighbor::Options::default() };
                let destination = if mac.is_some() { target } else { solicited_node(target) };
                let message = Message::Solicitation { target, options };
                self.send_neighbour_message(interface, (source, destination), mac, message);
            }
            _ => {}
        }
    }

    fn send_arp(&mut self, interface: InterfaceId, packet: &arp::Packet, destination: Mac) {
        let mut bytes = vec![0; arp::PACKET_BYTES];
        packet.emit(&mut bytes);
        let mut head = Head::new();
        head.grow(ethernet::HEADER_BYTES);
        let payload = Payload::from(Bytes::from(bytes));
        let mut frame = Frame { head, payload, offload: Offload::default() };
        address_frame(&mut frame, packet.sender_mac, destination, ethertype::ARP);
        self.push_to_outbox((interface, frame));
    }

    fn send_neighbour_message(
        &mut self,
        interface: InterfaceId,
        (source, destination): (Ipv6Addr, Ipv6Addr),
        mac: Option<Mac>,
        message: Message,
    ) {
        let Some(hardware) = self.hardware(interface) else { return };
        let message = v6::Message::Neighbor(message);
        let mut bytes = vec![0; message.len_bytes()];
        message.emit(&mut bytes, source, destination);
        let envelope = Envelope {
            source: IpAddr::V6(source).into(),
            destination: IpAddr::V6(destination).into(),
            protocol: protocol::ICMPV6,
            hop_limit: NEIGHBOUR_HOP_LIMIT,
            traffic_class: 0,
        };
        let mut frame = envelope.packet_frame(self.shape(interface), Payload::from(Bytes::from(bytes)));
        if let Some(mac) = mac {
            address_frame(&mut frame, hardware, mac, ethertype::IPV6);
            return self.push_to_outbox((interface, frame));
        }
        // To a group, or to a host that asked and whose link address may have to be found first.
        let hop = Hop { interface, neighbour: destination.into() };
        if let Some(out) = self.resolve(self.now, hop, frame, Demand::Answer) {
            self.push_to_outbox(out);
        }
    }

    /// Announces an address of ours on the link (RFC 5227 §3, RFC 4861 §7.2.6).
    pub(crate) fn announce(&mut self, interface: InterfaceId, address: IpAddr) {
        let Some(hardware) = self.hardware(interface) else { return };
        match address {
            IpAddr::V4(address) => {
                let packet = arp::Packet {
                    operation: Operation::Request,
                    sender_mac: hardware,
                    sender: address,
                    target_mac: Mac::default(),
                    target: address,
                };
                self.send_arp(interface, &packet, Mac::BROADCAST);
            }
            IpAddr::V6(target) => self.advertise(interface, target, None),
        }
    }

    /// Advertises an address of ours: to the host that solicited it, or to all hosts on the link.
    fn advertise(
        &mut self,
        interface: InterfaceId,
        target: Ipv6Addr,
        requester: Option<(Ipv6Addr, Option<Mac>)>,
    ) {
        let target_link_layer = self.hardware(interface);
        let options = neighbor::Options { target_link_layer, ..neighbor::Options::default() };
        let solicited = requester.is_some();
        let message = Message::Advertisement { router: false, solicited, overrides: true, target, options };
        let (destination, mac) = requester.unwrap_or((ALL_NODES, None));
        self.send_neighbour_message(interface, (target, destination), mac, message);
    }

    /// An ARP packet arrives in a contiguous frame (RFC 826, packet reception).
    pub(crate) fn receive_arp(&mut self, now: Instant, interface: InterfaceId, frame: &Frame, ip_at: usize) {
        let packet = arp::Packet::parse(first_bytes(frame).get(ip_at..).unwrap_or_default());
        let Ok(packet) = packet else { return self.counters.discard(Discard::ArpMalformed) };
        let arp::Packet { operation, sender_mac, sender, target, .. } = packet;
        if sender_mac.is_multicast() || sender.is_multicast() || sender.is_broadcast() {
            return self.counters.discard(Discard::ArpMalformed);
        }
        if self.is_ours_on(interface, sender.into()) {
            // Another host uses our address: announce that it is ours (RFC 5227 §2.4, defence).
            self.counters.discard(Discard::NeighbourInvalid);
            if operation == Operation::Request && sender == target && self.echo_limit.take(now) {
                self.announce(interface, sender.into());
            }
            return;
        }
        let for_us = self.is_ours_on(interface, target.into());
        if !sender.is_unspecified() {
            let key = (interface, sender.into());
            let kind = if for_us && operation == Operation::Reply {
                ClaimKind::Solicited
            } else {
                ClaimKind::Unsolicited
            };
            let remember = for_us && operation == Operation::Request;
            self.learn(now, Claim { key, mac: sender_mac, kind, remember });
        }
        let Some(hardware) = self.hardware(interface).filter(|_| for_us && operation == Operation::Request)
        else {
            return;
        };
        let reply = arp::Packet {
            operation: Operation::Reply,
            sender_mac: hardware,
            sender: target,
            target_mac: sender_mac,
            target: sender,
        };
        self.send_arp(interface, &reply, sender_mac);
    }

    fn learn(&mut self, now: Instant, claim: Claim) {
        let (interface, address) = claim.key;
        let Some(hardware) = self.hardware(interface) else { return };
        for mut frame in self.neighbours.learn(now, claim, &self.config) {
            address_frame(&mut frame, hardware, claim.mac, ethertype_of(address));
            self.push_to_outbox((interface, frame));
        }
    }

    /// A neighbour discovery message arrives; its checksum has been verified (RFC 4861 §6.1, §7.1).
    pub(crate) fn receive_neighbour_message(&mut self, now: Instant, packet: &Packet<'_>, message: &Message) {
        let IpAddr::V6(source) = packet.source.ip() else { return };
        let interface = packet.arrival;
        if packet.hop_limit != NEIGHBOUR_HOP_LIMIT || self.hardware(interface).is_none() {
            return self.counters.discard(Discard::NeighbourInvalid);
        }
        let learn =
            |host: &mut Host, address: Ipv6Addr, mac: Option<Mac>, kind: ClaimKind, remember: bool| {
                if let Some(mac) = mac.filter(|mac| !mac.is_multicast() && !address.is_unspecified()) {
                    let key = (interface, IpAddr::V6(address).into());
                    host.learn(now, Claim { key, mac, kind, remember });
                }
            };
        match *message {
            Message::Solicitation { target, options } => {
                if target.is_multicast() || (source.is_unspecified() && options.source_link_layer.is_some()) {
                    return self.counters.discard(Discard::NeighbourInvalid);
                }
                if !self.is_ours_on(interface, target.into()) {
                    return self.counters.discard(Discard::IcmpIgnored);
                }
                learn(self, source, options.source_link_layer, ClaimKind::Unsolicited, true);
                let requester = (!source.is_unspecified()).then_some((source, options.source_link_layer));
                self.advertise(interface, target, requester);
            }
            Message::Advertisement { solicited, overrides, target, options, .. } => {
                if target.is_multicast() || self.is_ours_on(interface, target.into()) {
                    return self.counters.discard(Discard::NeighbourInvalid);
                }
                let kind = match (solicited, overrides) {
                    (true, true) => ClaimKind::Solicited,
                    (true, false) => ClaimKind::SolicitedNoOverride,
                    (false, true) => ClaimKind::Unsolicited,
                    (false, false) => ClaimKind::UnsolicitedNoOverride,
                };
                learn(self, target, options.target_link_layer, kind, false);
            }
            Message::RouterAdvertisement { lifetime_s, options, .. } => {
                if !self.config.accept_router_advertisements || !is_link_local(source) {
                    return self.counters.discard(Discard::IcmpIgnored);
                }
                learn(self, source, options.source_link_layer, ClaimKind::Unsolicited, true);
                self.follow_router(interface, source, lifetime_s);
            }
            // A solicitation of routers is not for a host.
            _ => self.counters.discard(Discard::IcmpIgnored),
        }
    }

    /// Adds a default route by a router that advertises itself, or removes it if the lifetime is zero
    /// (RFC 4861 §6.3.4). The route does not expire, because the program decides about addresses and links.
    fn follow_router(&mut self, interface: InterfaceId, router: Ipv6Addr, lifetime_s: u16) {
        let Some(default_route) = Cidr::new(Ipv6Addr::UNSPECIFIED.into(), 0) else { return };
        let via = Some(IpAddr::V6(router));
        if lifetime_s == 0 {
            self.routes.remove(|route| {
                route.destination == default_route && route.via == via && route.interface == interface
            });
            self.retry_held_connections();
        } else if !self.routes.iter().any(|route| route.destination == default_route) {
            self.add_route(default_route, via, interface);
        }
    }

    /// Asks again for link addresses, or gives up and reports that to the sockets whose packets waited.
    pub(crate) fn expire_neighbours(&mut self, now: Instant) {
        while let Some(due) = self.neighbours.expire(now, &self.config) {
            match due {
                Due::Solicit((interface, address), mac) => self.solicit(interface, address, mac),
                Due::Unreachable(pending) => {
                    for frame in pending {
                        self.counters.discard(Discard::NeighbourUnresolved);
                        self.report_unreachable(now, &frame);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solicited_node_addresses_keep_the_last_24_bits() {
        let address: Ipv6Addr = "fe80::2aa:ff:fe28:9c5a".parse().unwrap();
        // RFC 4291 §2.7.1's example is 4037::01:800:200e:8c6c -> ff02::1:ff0e:8c6c.
        assert_eq!(solicited_node("4037::1:800:200e:8c6c".parse().unwrap()).to_string(), "ff02::1:ff0e:8c6c");
        assert_eq!(solicited_node(address).to_string(), "ff02::1:ff28:9c5a");
    }
}
