//! A crowded link: strangers that ask, flood and never answer take nothing from the neighbours in use.

use crate::world::{CLIENT, Fate, Pair, SERVER, link, text};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use synfin_stack::{Config, Discard, Mac, SocketId};
use wire::arp::{self, Operation};
use wire::ethernet::{Header, ethertype};
use wire::icmp::neighbor::{Message, Options};
use wire::icmp::v6;
use wire::{LinkCapabilities, Medium};

fn pair() -> Pair {
    let mut pair = Pair::with(&Config::default(), LinkCapabilities { medium: Medium::Ethernet, ..link() });
    pair.settle();
    pair.seen.clear();
    pair
}

fn mac_of(n: u32) -> Mac {
    let [_, a, b, c] = n.to_be_bytes();
    Mac([2, 9, 9, a, b, c])
}

/// Stranger `n` asks who has the server's address.
fn arp_question(n: u32) -> Vec<u8> {
    let sender_mac = mac_of(n);
    let mut frame = vec![0; 60];
    Header { destination: Mac::BROADCAST, source: sender_mac, ethertype: ethertype::ARP, vlan: None }
        .emit(&mut frame);
    arp::Packet {
        operation: Operation::Request,
        sender_mac,
        sender: Ipv4Addr::from_bits(0x0a01_0000 + n),
        target_mac: Mac::default(),
        target: Ipv4Addr::new(10, 0, 0, 2),
    }
    .emit(&mut frame[14..]);
    frame
}

/// The same by neighbour discovery.
fn solicitation(n: u32) -> Vec<u8> {
    let source = Ipv6Addr::from_bits((0xfd00 << 112) + (1 << 32) + u128::from(n));
    let (target, mac) = ("fd00::2".parse().unwrap(), mac_of(n));
    let options = Options { source_link_layer: Some(mac), ..Options::default() };
    let message = v6::Message::Neighbor(Message::Solicitation { target, options });
    let mut frame = vec![0; 54 + message.len_bytes()];
    Header { destination: Mac([2, 0, 0, 0, 0, 2]), source: mac, ethertype: ethertype::IPV6, vlan: None }
        .emit(&mut frame);
    wire::ipv6::Header {
        source,
        destination: target,
        next_header: 58,
        payload_bytes: message.len_bytes() as u16,
        hop_limit: 255,
        ..wire::ipv6::Header::default()
    }
    .emit(&mut frame[14..]);
    message.emit(&mut frame[54..], source, target);
    frame
}

/// The server sends a datagram; what of it arrives at the client's socket.
fn arrives(pair: &mut Pair, from: SocketId, to: SocketId, remote: SocketAddr, bytes: usize) -> bool {
    let now = pair.now;
    pair.server().udp_send_to(now, from, text(bytes).into(), remote).unwrap();
    pair.settle();
    pair.client().udp_recv_from(to, &mut vec![0; 65_536]).is_ok_and(|(len, _)| len == bytes)
}

#[test]
fn a_crowd_that_asks_for_us_does_not_push_out_the_neighbour_in_use() {
    for (peer, question) in [
        ("10.0.0.1:9", arp_question as fn(u32) -> Vec<u8>),
        ("[fd00::1]:9", solicitation as fn(u32) -> Vec<u8>),
    ] {
        let mut pair = pair();
        let remote: SocketAddr = peer.parse().unwrap();
        let at_server = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
        let at_client = pair.client().udp_bind("[::]:9".parse().unwrap()).unwrap();
        assert!(arrives(&mut pair, at_server, at_client, remote, 1));
        for n in 0..1_100 {
            pair.inject(CLIENT, question(n));
        }
        pair.settle();
        assert_eq!(pair.server().usage().neighbours, 1_024);
        pair.seen.clear();
        assert!(arrives(&mut pair, at_server, at_client, remote, 1));
        assert_eq!(pair.seen.len(), 1, "{peer}: the address was still known, so nothing was asked");
        // Strangers keep coming at 1,100 a second, and the neighbour is asked again now and then.
        for n in 0..200 {
            (0..11).for_each(|k| pair.inject(CLIENT, question(2_000 + n * 11 + k)));
            pair.pass_time(Duration::from_millis(10));
            assert!(arrives(&mut pair, at_server, at_client, remote, 1), "{peer}: datagram {n}");
        }
    }
}

#[test]
fn what_is_being_asked_for_stays_while_strangers_flood() {
    for (peer, question) in [
        ("10.0.0.1:9", arp_question as fn(u32) -> Vec<u8>),
        ("[fd00::1]:9", solicitation as fn(u32) -> Vec<u8>),
    ] {
        let mut pair = pair();
        let at_server = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
        let at_client = pair.client().udp_bind("[::]:9".parse().unwrap()).unwrap();
        let now = pair.now;
        pair.server().udp_send_to(now, at_server, text(1).into(), peer.parse().unwrap()).unwrap();
        // Before the answer comes, more strangers ask than the cache has places.
        for n in 0..3_000 {
            pair.inject(CLIENT, question(n));
        }
        pair.settle();
        assert!(pair.client().udp_recv_from(at_client, &mut [0; 9]).is_ok(), "{peer}");
    }
}

#[test]
fn answers_to_forged_packets_of_the_link_push_out_nobody() {
    // Each ping has another forged source on the link, which we ask for, and which never answers.
    let mut pair = pair();
    let at_server = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
    let at_client = pair.client().udp_bind("[::]:9".parse().unwrap()).unwrap();
    let remote: SocketAddr = "10.0.0.1:9".parse().unwrap();
    assert!(arrives(&mut pair, at_server, at_client, remote, 1));
    let link = pair.links[SERVER];
    pair.server().add_route("10.1.0.0/16".parse().unwrap(), None, link);
    pair.fate = Box::new(|_, _| Fate::Lose);
    for n in 0..3_000u32 {
        let echo = wire::icmp::Echo { identifier: 1, sequence: 1, data: &[0; 1_000] };
        let message = wire::icmp::v4::Message::EchoRequest(echo);
        let mut frame = vec![0; 34 + message.len_bytes()];
        Header {
            destination: Mac([2, 0, 0, 0, 0, 2]),
            source: mac_of(n),
            ethertype: ethertype::IPV4,
            vlan: None,
        }
        .emit(&mut frame);
        wire::ipv4::Header {
            source: Ipv4Addr::from_bits(0x0a01_0000 + n),
            destination: Ipv4Addr::new(10, 0, 0, 2),
            protocol: 1,
            total_bytes: (20 + message.len_bytes()) as u16,
            ..wire::ipv4::Header::default()
        }
        .emit(&mut frame[14..]);
        message.emit(&mut frame[34..]);
        pair.inject(CLIENT, frame);
        if n % 500 == 0 {
            pair.settle();
            pair.now += Duration::from_millis(100);
        }
    }
    pair.settle();
    pair.fate = Box::new(|_, _| Fate::Deliver);
    pair.seen.clear();
    assert!(arrives(&mut pair, at_server, at_client, remote, 1));
    assert_eq!(pair.seen.len(), 1, "the address was still known");
}

#[test]
fn the_first_large_datagram_to_a_neighbour_arrives_whole() {
    for remote in ["10.0.0.1:9", "[fd00::1]:9"] {
        for bytes in [20_000, 65_507] {
            let mut pair = pair();
            let at_server = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
            let at_client = pair.client().udp_bind("[::]:9".parse().unwrap()).unwrap();
            assert!(arrives(&mut pair, at_server, at_client, remote.parse().unwrap(), bytes), "{bytes}");
            assert_eq!(pair.server().counters().discarded(Discard::NeighbourUnresolved), 0);
        }
    }
}

#[test]
fn what_waits_for_neighbours_that_never_answer_is_bounded_over_all() {
    let mut pair = pair();
    let at_server = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
    let now = pair.now;
    for n in 3..100 {
        let remote = format!("10.0.0.{n}:9").parse().unwrap();
        pair.server().udp_send_to(now, at_server, text(60_000).into(), remote).unwrap();
    }
    // 97 datagrams of 60,000 bytes, of which 4 MiB may wait.
    let dropped = pair.server().counters().discarded(Discard::NeighbourUnresolved);
    assert!(dropped * 1_480 > 97 * 60_000 - (4 << 20), "{dropped} fragments were dropped");
    pair.pass_time(Duration::from_secs(4));
    assert_eq!(pair.server().usage().neighbours, 0);
}
