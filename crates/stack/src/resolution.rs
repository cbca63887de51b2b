//! Finding link addresses on Ethernet: ARP (RFC 826, RFC 5227 in small) and neighbour discovery
//! (RFC 4861).
//!
//! Questions, answers and announcements as packets; the cache and its states are in `neighbour.rs`. What
//! is *not* here: address configuration and duplicate address detection; addresses come from the program.

use crate::cidr::Cidr;
use crate::connect::is_link_local;
use crate::counters::Discard;
use crate::emit::Envelope;
use crate::flow::Address;
use crate::host::Host;
use crate::interface::{InterfaceId, Mac};
use crate::neighbour::{Due, Sign, Told, Waits};
use crate::packet::{Packet, start};
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
/// Neighbour discovery is believed only from the link itself (RFC 4861 §7.1).
const HOP_LIMIT: u8 = 255;

/// ff02::1:ff00:0/104 and the last 24 bits of the address (RFC 4291 §2.7.1).
fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., high, low] = address.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | (high & 0xff), low)
}

/// Writes the Ethernet header into the room left for it.
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

    fn is_ours_on(&self, interface: InterfaceId, ip: IpAddr) -> bool {
        let interface = self.interfaces.get(interface.index());
        interface.is_some_and(|interface| interface.addresses.iter().any(|cidr| cidr.address() == ip))
    }

    /// Gives a frame its link address, or lets it wait while we ask for it.
    pub(crate) fn resolve(
        &mut self,
        now: Instant,
        hop: Hop,
        mut frame: Frame,
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
            None => match self.neighbours.resolve(now, (hop.interface, neighbour), frame, &self.config) {
                Ok((mac, back)) => {
                    frame = back;
                    mac
                }
                Err(Waits { ask, dropped }) => {
                    (0..dropped).for_each(|_| self.counters.discard(Discard::NeighbourUnresolved));
                    if ask {
                        self.ask(hop.interface, neighbour, None);
                    }
                    return None;
                }
            },
        };
        address_frame(&mut frame, hardware, mac, ethertype_of(neighbour));
        Some((hop.interface, frame))
    }

    /// A connection's retransmissions have reached R1: the way to `remote` is in doubt (RFC 9293 §3.8.3,
    /// MUST-20, negative advice).
    pub(crate) fn doubt_path(&mut self, now: Instant, remote: Address) {
        self.path_mtus.forget(remote);
        if let Some(hop) = self.routes.find(remote.ip()) {
            let name = (hop.interface, Address::from(hop.neighbour));
            self.neighbours.doubt(now, name, &self.config);
        }
    }

    /// Asks for a neighbour: everybody, or the one who had the address last.
    fn ask(&mut self, interface: InterfaceId, neighbour: Address, mac: Option<Mac>) {
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
        self.push_out((interface, frame));
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
            hop_limit: HOP_LIMIT,
            traffic_class: 0,
        };
        let mut frame = envelope.wrap(self.shape(interface), Payload::from(Bytes::from(bytes)));
        if let Some(mac) = mac {
            address_frame(&mut frame, hardware, mac, ethertype::IPV6);
            return self.push_out((interface, frame));
        }
        // To a group, or to somebody whose link address may have to be found first.
        let hop = Hop { interface, neighbour: destination.into() };
        if let Some(out) = self.resolve(self.now, hop, frame) {
            self.push_out(out);
        }
    }

    /// Tells the link about an address of ours (RFC 5227 §3, RFC 4861 §7.2.6).
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

    /// Answers a solicitation, or without one tells everybody.
    fn advertise(
        &mut self,
        interface: InterfaceId,
        target: Ipv6Addr,
        asker: Option<(Ipv6Addr, Option<Mac>)>,
    ) {
        let target_link_layer = self.hardware(interface);
        let options = neighbor::Options { target_link_layer, ..neighbor::Options::default() };
        let solicited = asker.is_some();
        let message = Message::Advertisement { router: false, solicited, overrides: true, target, options };
        let (destination, mac) = asker.unwrap_or((ALL_NODES, None));
        self.send_neighbour_message(interface, (target, destination), mac, message);
    }

    /// An ARP packet arrives in a contiguous frame (RFC 826, packet reception).
    pub(crate) fn receive_arp(&mut self, now: Instant, interface: InterfaceId, frame: &Frame, ip_at: usize) {
        let packet = arp::Packet::parse(start(frame).get(ip_at..).unwrap_or_default());
        let Ok(packet) = packet else { return self.counters.discard(Discard::ArpMalformed) };
        let arp::Packet { operation, sender_mac, sender, target, .. } = packet;
        if sender_mac.is_multicast() || sender.is_multicast() || sender.is_broadcast() {
            return self.counters.discard(Discard::ArpMalformed);
        }
        if self.is_ours_on(interface, sender.into()) {
            // Somebody else uses our address: say whose it is (RFC 5227 §2.4, defence).
            self.counters.discard(Discard::NeighbourInvalid);
            if operation == Operation::Request && sender == target && self.echo_limit.take(now) {
                self.announce(interface, sender.into());
            }
            return;
        }
        let for_us = self.is_ours_on(interface, target.into());
        if !sender.is_unspecified() {
            let name = (interface, sender.into());
            let sign = if for_us && operation == Operation::Reply { Sign::Answer } else { Sign::Hearsay };
            let remember = for_us && operation == Operation::Request;
            self.learn(now, Told { name, mac: sender_mac, sign, remember });
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

    fn learn(&mut self, now: Instant, told: Told) {
        let (interface, address) = told.name;
        let Some(hardware) = self.hardware(interface) else { return };
        for mut frame in self.neighbours.learn(now, told, &self.config) {
            address_frame(&mut frame, hardware, told.mac, ethertype_of(address));
            self.push_out((interface, frame));
        }
    }

    /// A neighbour discovery message arrives, its checksum verified (RFC 4861 §6.1, §7.1).
    pub(crate) fn receive_neighbour_message(&mut self, now: Instant, packet: &Packet<'_>, message: &Message) {
        let (IpAddr::V6(source), interface) = (packet.source.ip(), packet.arrival) else { return };
        if packet.hop_limit != HOP_LIMIT || self.hardware(interface).is_none() {
            return self.counters.discard(Discard::NeighbourInvalid);
        }
        let told = |host: &mut Host, address: Ipv6Addr, mac: Option<Mac>, sign: Sign, remember: bool| {
            if let Some(mac) = mac.filter(|mac| !mac.is_multicast() && !address.is_unspecified()) {
                let name = (interface, IpAddr::V6(address).into());
                host.learn(now, Told { name, mac, sign, remember });
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
                told(self, source, options.source_link_layer, Sign::Hearsay, true);
                let asker = (!source.is_unspecified()).then_some((source, options.source_link_layer));
                self.advertise(interface, target, asker);
            }
            Message::Advertisement { solicited, overrides, target, options, .. } => {
                if target.is_multicast() || self.is_ours_on(interface, target.into()) {
                    return self.counters.discard(Discard::NeighbourInvalid);
                }
                let sign = match (solicited, overrides) {
                    (true, true) => Sign::Answer,
                    (true, false) => Sign::WeakAnswer,
                    (false, true) => Sign::Hearsay,
                    (false, false) => Sign::WeakHearsay,
                };
                told(self, target, options.target_link_layer, sign, false);
            }
            Message::RouterAdvertisement { lifetime_s, options, .. } => {
                if !self.config.accept_router_advertisements || !is_link_local(source) {
                    return self.counters.discard(Discard::IcmpIgnored);
                }
                told(self, source, options.source_link_layer, Sign::Hearsay, true);
                self.follow_router(interface, source, lifetime_s);
            }
            // A solicitation of routers is not for a host.
            _ => self.counters.discard(Discard::IcmpIgnored),
        }
    }

    /// A router offers itself, or with a lifetime of zero withdraws (RFC 4861 §6.3.4). It is followed until
    /// it withdraws: addresses come from the program, and with them the knowledge that a link is gone.
    fn follow_router(&mut self, interface: InterfaceId, router: Ipv6Addr, lifetime_s: u16) {
        let Some(everywhere) = Cidr::new(Ipv6Addr::UNSPECIFIED.into(), 0) else { return };
        let via = Some(IpAddr::V6(router));
        if lifetime_s == 0 {
            self.routes.remove(|route| {
                route.destination == everywhere && route.via == via && route.interface == interface
            });
        } else if !self.routes.iter().any(|route| route.destination == everywhere) {
            self.add_route(everywhere, via, interface);
        }
    }

    /// Asks again, or gives up and tells whoever waited.
    pub(crate) fn expire_neighbours(&mut self, now: Instant) {
        while let Some(due) = self.neighbours.expire(now, &self.config) {
            match due {
                Due::Ask((interface, address), mac) => self.ask(interface, address, mac),
                Due::Lost(pending) => {
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
