//! Ethernet links: ARP and neighbour discovery between two hosts, and with other hosts on the link.

use crate::world::{CLIENT, Fate, Pair, SERVER, link, text};
use std::net::Ipv4Addr;
use std::time::Duration;
use synfin_stack::{Config, Discard, Event, Mac};
use tcp::State;
use wire::arp::{self, Operation};
use wire::ethernet::{Header, ethertype};
use wire::{LinkCapabilities, Medium};

fn pair() -> Pair {
    Pair::with(&Config::default(), LinkCapabilities { medium: Medium::Ethernet, ..link() })
}

fn is_arp(frame: &[u8]) -> bool {
    Header::parse(frame).unwrap().0.ethertype == ethertype::ARP
}

fn arp_frame(packet: arp::Packet, destination: Mac) -> Vec<u8> {
    let mut frame = vec![0; 60];
    Header { destination, source: packet.sender_mac, ethertype: ethertype::ARP, vlan: None }.emit(&mut frame);
    packet.emit(&mut frame[14..]);
    frame
}

#[test]
fn addresses_are_announced_then_found_once() {
    for address in ["10.0.0.2:80", "[fd00::2]:80", "[fe80::2]:80"] {
        let mut pair = pair();
        pair.settle();
        assert_eq!(pair.seen.len(), 6, "three addresses of each host are announced");
        let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
        pair.seen.clear();
        let (client, server) = pair.connect(listener, address);
        let before_syn = pair.seen.len();
        assert!(before_syn >= 5, "question, answer, three steps");
        assert!(pair.client().usage().neighbours >= 1);
        pair.seen.clear();
        let data = text(100_000);
        assert!(pair.send((CLIENT, client), (SERVER, server), &data) == data);
        let macs = |frame: &[u8]| (frame[0..6].to_vec(), frame[6..12].to_vec());
        for (from, frame) in pair.seen.iter().filter(|(_, frame)| !is_arp(frame)) {
            let (to_server, to_client) = (vec![2, 0, 0, 0, 0, 2], vec![2, 0, 0, 0, 0, 1]);
            let expected = if *from == CLIENT { (to_server, to_client) } else { (to_client, to_server) };
            assert_eq!(macs(frame), expected);
        }
        assert_eq!(pair.server().counters().discarded_total(), 0, "{:?}", pair.server().counters());
    }
}

#[test]
fn a_router_gets_the_packets_for_elsewhere() {
    let mut pair = pair();
    pair.settle();
    pair.seen.clear();
    let link = pair.links[CLIENT];
    pair.client().add_route("0.0.0.0/0".parse().unwrap(), Some("10.0.0.2".parse().unwrap()), link);
    let now = pair.now;
    pair.client().tcp_connect(now, None, "192.0.2.1:80".parse().unwrap()).unwrap();
    pair.settle();
    let (_, question) = &pair.seen[0];
    assert_eq!(arp::Packet::parse(&question[14..]).unwrap().target, Ipv4Addr::new(10, 0, 0, 2));
    let (_, syn) = pair.seen.iter().find(|(from, frame)| *from == CLIENT && !is_arp(frame)).unwrap();
    assert_eq!((&syn[0..6], &syn[30..34]), (&[2, 0, 0, 0, 0, 2][..], &[192, 0, 2, 1][..]));
    assert_eq!(pair.server().counters().discarded(Discard::IpNotForUs), 1);
}

#[test]
fn a_neighbour_that_does_not_answer_is_asked_three_times_and_the_connection_learns_it() {
    for address in ["10.0.0.9:80", "[fd00::9]:80"] {
        let mut pair = pair();
        pair.settle();
        pair.seen.clear();
        let now = pair.now;
        let id = pair.client().tcp_connect(now, None, address.parse().unwrap()).unwrap();
        pair.pass_time(Duration::from_millis(2_900));
        let questions = pair.seen.iter().filter(|(from, _)| *from == CLIENT).count();
        assert_eq!(questions, 3);
        pair.pass_time(Duration::from_millis(200));
        let connection = pair.client().tcp(id).unwrap();
        assert_eq!(connection.soft_error(), Some(tcp::Error::HostUnreachable));
        assert_eq!(connection.state(), State::SynSent, "a soft error does not end a connection (MUST-56)");
        assert!(pair.client().counters().discarded(Discard::NeighbourUnresolved) > 0);
        pair.pass_time(Duration::from_secs(400));
        assert_eq!(pair.client().usage().neighbours, 0, "a neighbour that never answered is not remembered");
    }
}

#[test]
fn a_lost_question_is_asked_again_and_the_packets_have_waited() {
    let mut pair = pair();
    pair.settle();
    let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
    let mut losses = 2;
    pair.fate = Box::new(move |_, _| {
        losses -= i32::from(losses > 0);
        if losses > 0 { Fate::Lose } else { Fate::Deliver }
    });
    let now = pair.now;
    pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    pair.pass_time(Duration::from_millis(1_100));
    assert!(pair.server().tcp_accept(listener).is_some());
}

#[test]
fn strangers_on_the_link_change_nothing_that_we_have_not_asked() {
    let mut pair = pair();
    pair.settle();
    let stranger = Mac([2, 0, 0, 0, 0, 0x66]);
    let ours = Ipv4Addr::new(10, 0, 0, 2);
    // A gratuitous announcement of a host to which we do not send is not remembered.
    let gratuitous = arp::Packet {
        operation: Operation::Request,
        sender_mac: stranger,
        sender: Ipv4Addr::new(10, 0, 0, 66),
        target_mac: Mac::default(),
        target: Ipv4Addr::new(10, 0, 0, 66),
    };
    pair.inject(CLIENT, arp_frame(gratuitous, Mac::BROADCAST));
    assert_eq!(pair.server().usage().neighbours, 0);
    // Another host claims our address: we announce that it is ours, and remember nothing.
    pair.seen.clear();
    let claim = arp::Packet { sender: ours, target: ours, ..gratuitous };
    pair.inject(CLIENT, arp_frame(claim, Mac::BROADCAST));
    pair.settle();
    assert_eq!(pair.seen.len(), 1);
    assert_eq!(arp::Packet::parse(&pair.seen[0].1[14..]).unwrap().sender_mac, Mac([2, 0, 0, 0, 0, 2]));
    assert_eq!(pair.server().usage().neighbours, 0);
    // A probe from the unspecified address is answered, and its sender is not remembered.
    pair.seen.clear();
    let probe = arp::Packet { sender: Ipv4Addr::UNSPECIFIED, target: ours, ..gratuitous };
    pair.inject(CLIENT, arp_frame(probe, Mac::BROADCAST));
    pair.settle();
    assert_eq!((pair.seen.len(), pair.server().usage().neighbours), (1, 0));
    // A frame for another station is not for us.
    let question = arp::Packet { target: ours, ..gratuitous };
    pair.inject(CLIENT, arp_frame(question, Mac([2, 0, 0, 0, 0, 9])));
    assert_eq!(pair.server().counters().discarded(Discard::EthernetNotForUs), 1);
    // A host that asks for our address is about to send to us, so it is remembered.
    pair.inject(CLIENT, arp_frame(question, Mac::BROADCAST));
    assert_eq!(pair.server().usage().neighbours, 1);
}

#[test]
fn a_router_is_followed_only_when_asked_to() {
    use wire::icmp::neighbor::{Message, Options};
    use wire::icmp::v6;
    for follow in [false, true] {
        let config = Config { accept_router_advertisements: follow, ..Config::default() };
        let mut pair = Pair::with(&config, LinkCapabilities { medium: Medium::Ethernet, ..link() });
        pair.settle();
        let advertise = |pair: &mut Pair, lifetime_s: u16, hop_limit: u8| {
            let (source, destination) = ("fe80::77".parse().unwrap(), "ff02::1".parse().unwrap());
            let options =
                Options { source_link_layer: Some(Mac([2, 0, 0, 0, 0, 0x77])), ..Options::default() };
            let message = v6::Message::Neighbor(Message::RouterAdvertisement {
                hop_limit: 64,
                managed: false,
                other_configuration: false,
                lifetime_s,
                reachable_ms: 0,
                retransmit_ms: 0,
                options,
            });
            let mut frame = vec![0; 54 + message.len_bytes()];
            let mac = Mac::of_ipv6_multicast(destination);
            let source_mac = Mac([2, 0, 0, 0, 0, 0x77]);
            Header { destination: mac, source: source_mac, ethertype: ethertype::IPV6, vlan: None }
                .emit(&mut frame);
            let payload_bytes = message.len_bytes() as u16;
            wire::ipv6::Header {
                source,
                destination,
                next_header: 58,
                payload_bytes,
                hop_limit,
                ..Default::default()
            }
            .emit(&mut frame[14..]);
            message.emit(&mut frame[54..], source, destination);
            pair.inject(SERVER, frame);
        };
        let now = pair.now;
        let far = "[2001:db8::1]:80".parse().unwrap();
        advertise(&mut pair, 1_800, 64);
        assert!(pair.client().tcp_connect(now, None, far).is_err(), "not from the link itself");
        advertise(&mut pair, 1_800, 255);
        assert_eq!(pair.client().tcp_connect(now, None, far).is_ok(), follow);
        advertise(&mut pair, 0, 255);
        assert!(pair.client().tcp_connect(now, None, far).is_err(), "withdrawn");
    }
}

#[test]
fn a_connection_that_is_not_heard_asks_for_its_neighbour_again() {
    // RFC 9293 §3.8.3, MUST-20: at R1 the path is in doubt, long before the neighbour becomes stale.
    let mut pair = pair();
    pair.settle();
    let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
    let (client, _) = pair.connect(listener, "10.0.0.2:80");
    pair.fate = Box::new(|_, frame| if is_arp(frame) { Fate::Deliver } else { Fate::Lose });
    let now = pair.now;
    pair.client().tcp_write(now, client, b"into the void").unwrap();
    pair.seen.clear();
    pair.pass_time(Duration::from_millis(1_000));
    assert!(!pair.events[CLIENT].contains(&(client, Event::PathDoubted)));
    pair.pass_time(Duration::from_secs(15));
    assert!(pair.events[CLIENT].contains(&(client, Event::PathDoubted)), "SHLD-9");
    let question = pair.seen.iter().find(|(from, frame)| *from == CLIENT && is_arp(frame));
    let (_, question) = question.expect("the neighbour is asked again");
    assert_eq!(arp::Packet::parse(&question[14..]).unwrap().target, Ipv4Addr::new(10, 0, 0, 2));
}
