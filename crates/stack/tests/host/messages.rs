//! ICMP: ping, errors in both directions, path MTU; which messages are believed.

use crate::world::{CLIENT, Pair, SERVER, link, text};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use synfin_stack::{Config, Discard, Event};
use tcp::ReadError;
use wire::icmp::{Echo, v4, v6};
use wire::{ipv4, ipv6};

fn packet_v4(source: Ipv4Addr, destination: Ipv4Addr, message: &v4::Message<'_>) -> Vec<u8> {
    let mut packet = vec![0; ipv4::HEADER_BYTES + message.len_bytes()];
    let total_bytes = packet.len() as u16;
    ipv4::Header { source, destination, protocol: 1, total_bytes, ..ipv4::Header::default() }
        .emit(&mut packet);
    message.emit(&mut packet[ipv4::HEADER_BYTES..]);
    packet
}

fn packet_v6(source: Ipv6Addr, destination: Ipv6Addr, message: &v6::Message<'_>) -> Vec<u8> {
    let mut packet = vec![0; ipv6::HEADER_BYTES + message.len_bytes()];
    let payload_bytes = message.len_bytes() as u16;
    ipv6::Header { source, destination, next_header: 58, payload_bytes, ..ipv6::Header::default() }
        .emit(&mut packet);
    message.emit(&mut packet[ipv6::HEADER_BYTES..], source, destination);
    packet
}

const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 254);
const PEER_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x254);

#[test]
fn pings_are_answered_small_and_large() {
    for len in [0, 56, 5_000] {
        let data = text(len);
        let echo = Echo { identifier: 7, sequence: 9, data: &data };
        let mut pair = Pair::with(&Config::default(), wire::LinkCapabilities { mtu_bytes: 9_000, ..link() });
        pair.inject(CLIENT, packet_v4(PEER, Ipv4Addr::new(10, 0, 0, 2), &v4::Message::EchoRequest(echo)));
        pair.inject(CLIENT, packet_v6(PEER_V6, "fd00::2".parse().unwrap(), &v6::Message::EchoRequest(echo)));
        pair.settle();
        let answers: Vec<_> = pair.seen.iter().map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(v4::Message::parse(&answers[0][20..]), Ok(v4::Message::EchoReply(echo)));
        assert_eq!(answers[0][12..20], [10, 0, 0, 2, 10, 0, 0, 1]);
        assert_eq!(v6::Message::parse(&answers[1][40..]), Ok(v6::Message::EchoReply(echo)));
        assert_eq!(pair.server().counters().echo_replies_sent, 2);
    }
}

#[test]
fn broadcasts_multicasts_and_strange_sources_are_not_answered() {
    let echo = Echo { identifier: 7, sequence: 9, data: &[] };
    let request = v4::Message::EchoRequest(echo);
    let ours = Ipv4Addr::new(10, 0, 0, 2);
    for (source, destination, why) in [
        (PEER, Ipv4Addr::new(10, 0, 0, 255), Discard::IcmpIgnored),
        (PEER, Ipv4Addr::BROADCAST, Discard::IcmpIgnored),
        (PEER, Ipv4Addr::new(224, 0, 0, 1), Discard::IcmpIgnored),
        (Ipv4Addr::BROADCAST, ours, Discard::IpBadSource),
        (Ipv4Addr::new(10, 0, 0, 255), ours, Discard::IpBadSource),
        (Ipv4Addr::new(224, 0, 0, 1), ours, Discard::IpBadSource),
        (Ipv4Addr::UNSPECIFIED, ours, Discard::IpBadSource),
        (Ipv4Addr::LOCALHOST, ours, Discard::IpBadSource),
        (PEER, Ipv4Addr::LOCALHOST, Discard::IpBadSource),
        (ours, ours, Discard::IpSourceIsOurs),
        (PEER, Ipv4Addr::new(10, 0, 0, 3), Discard::IpNotForUs),
    ] {
        let mut pair = Pair::new();
        pair.inject(CLIENT, packet_v4(source, destination, &request));
        pair.settle();
        assert!(pair.seen.is_empty(), "{source} -> {destination}");
        assert_eq!(pair.server().counters().discarded(why), 1, "{source} -> {destination}");
    }
    let mut pair = Pair::new();
    let mapped = Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped();
    pair.inject(CLIENT, packet_v6(mapped, "fd00::2".parse().unwrap(), &v6::Message::EchoRequest(echo)));
    assert_eq!(pair.server().counters().discarded(Discard::IpBadSource), 1);
}

#[test]
fn syns_to_broadcast_and_multicast_are_discarded_in_silence() {
    let mut pair = Pair::new();
    pair.server().tcp_listen("0.0.0.0:80".parse().unwrap(), 8).unwrap();
    let now = pair.now;
    pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
    let (_, syn) = pair.client().poll_transmit(now).unwrap();
    for destination in [Ipv4Addr::BROADCAST, Ipv4Addr::new(10, 0, 0, 255), Ipv4Addr::new(224, 0, 0, 1)] {
        let mut syn = syn.to_vec();
        syn[16..20].copy_from_slice(&destination.octets());
        let mut frame = wire::Frame::from_bytes(syn.into());
        let mut bytes = frame.to_vec();
        bytes[10..12].copy_from_slice(&[0, 0]);
        let checksum = wire::checksum::of(&bytes[..20]);
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
        frame = wire::Frame::from_bytes(bytes.into());
        frame.offload.checksum = wire::Checksum::Trusted;
        let link = pair.links[SERVER];
        pair.server().handle_frame(now, link, frame);
    }
    assert_eq!(pair.server().counters().discarded(Discard::TcpNotUnicast), 3);
    assert_eq!(pair.server().usage().half_open, 0);
    assert!(pair.server().poll_transmit(now).is_none());
}

#[test]
fn errors_about_unknown_protocols_are_sent_within_the_limit() {
    let config = Config {
        icmp_errors_per_second: synfin_stack::Rate { per_second: 10, burst: 5 },
        ..Config::default()
    };
    let mut pair = Pair::with(&config, link());
    for _ in 0..8 {
        let mut packet = vec![0; 40];
        let header = ipv4::Header {
            source: PEER,
            destination: Ipv4Addr::new(10, 0, 0, 2),
            protocol: 132,
            total_bytes: 40,
            ..ipv4::Header::default()
        };
        header.emit(&mut packet);
        pair.inject(CLIENT, packet);
    }
    pair.settle();
    // How many a period allows is drawn anew each time, from half of the burst on.
    let sent = pair.seen.len();
    assert!((3..=5).contains(&sent), "{sent}");
    let message = v4::Message::parse(&pair.seen[0].1[20..]).unwrap();
    assert!(matches!(message, v4::Message::Unreachable { code: 2, quoted, .. } if quoted.len() == 40));
    assert_eq!(pair.server().counters().discarded(Discard::IcmpErrorLimited), 8 - sent as u64);
    pair.pass_time(Duration::from_secs(1));
    pair.seen.clear();
    let mut packet = vec![0; 48];
    let header = ipv6::Header {
        source: PEER_V6,
        destination: "fd00::2".parse().unwrap(),
        payload_bytes: 8,
        next_header: 132,
        ..ipv6::Header::default()
    };
    header.emit(&mut packet);
    pair.inject(CLIENT, packet);
    pair.settle();
    let message = v6::Message::parse(&pair.seen[0].1[40..]).unwrap();
    assert!(matches!(message, v6::Message::ParameterProblem { code: 1, pointer: 6, .. }));
}

/// Connects, lets the server write, and returns both ids and the first packet that the server sends.
fn last_data_packet(
    pair: &mut Pair,
    address: &str,
) -> (synfin_stack::SocketId, synfin_stack::SocketId, Vec<u8>) {
    let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
    let (client, server) = pair.connect(listener, address);
    let now = pair.now;
    pair.server().tcp_write(now, server, &text(20_000)).unwrap();
    let (_, frame) = pair.server().poll_transmit(now).expect("data");
    assert_eq!(frame.len(), 1_500);
    (client, server, frame.to_vec())
}

#[test]
fn a_smaller_path_is_learned_by_this_connection_and_the_next() {
    for (address, mtu_bytes) in [("10.0.0.2:80", 1_400), ("[fd00::2]:80", 1_380)] {
        let mut pair = Pair::new();
        let (client, server, packet) = last_data_packet(&mut pair, address);
        let quoted = &packet[..100];
        let message = if address.starts_with('[') {
            let message = v6::Message::PacketTooBig { mtu_bytes: u32::from(mtu_bytes), quoted };
            packet_v6(ROUTER_V6, "fd00::2".parse().unwrap(), &message)
        } else {
            let message = v4::Message::Unreachable { code: 4, mtu_bytes, quoted };
            packet_v4(ROUTER, Ipv4Addr::new(10, 0, 0, 2), &message)
        };
        pair.inject(CLIENT, message);
        assert_eq!(pair.server().counters().icmp_errors_delivered, 1);
        assert_eq!(pair.server().tcp(server).unwrap().path().mtu_bytes, u32::from(mtu_bytes));
        assert_eq!(pair.server().usage().path_mtus, 1);
        pair.seen.clear();
        pair.settle();
        let mut got = 0;
        for _ in 0..50 {
            while let Ok(count @ 1..) = {
                let now = pair.now;
                pair.client().tcp_read(now, client, &mut [0; 30_000])
            } {
                got += count;
            }
            pair.pass_time(Duration::from_millis(100));
        }
        assert_eq!(got, 20_000);
        let largest =
            pair.seen.iter().filter(|(from, _)| *from == SERVER).map(|(_, frame)| frame.len()).max();
        assert!(largest.unwrap() <= usize::from(mtu_bytes) || largest == Some(1_500), "{largest:?}");
        let now = pair.now;
        let port = pair.client().tcp_listen("[::]:81".parse().unwrap(), 8).unwrap();
        let remote = if address.starts_with('[') { "[fd00::1]:81" } else { "10.0.0.1:81" };
        let next = pair.server().tcp_connect(now, None, remote.parse().unwrap()).unwrap();
        assert_eq!(pair.server().tcp(next).unwrap().path().mtu_bytes, u32::from(mtu_bytes), "from the start");
        assert!(pair.client().tcp_accept(port).is_none());
        pair.pass_time(Duration::from_secs(601));
        assert_eq!(pair.server().usage().path_mtus, 0, "forgotten after ten minutes");
    }
}

#[test]
fn a_router_that_names_no_mtu_means_the_next_plateau_and_there_is_a_minimum() {
    for (reported, used) in [(0, 1_492), (100, 552)] {
        let mut pair = Pair::new();
        let (_, server, packet) = last_data_packet(&mut pair, "10.0.0.2:80");
        let message = v4::Message::Unreachable { code: 4, mtu_bytes: reported, quoted: &packet[..28] };
        pair.inject(CLIENT, packet_v4(ROUTER, Ipv4Addr::new(10, 0, 0, 2), &message));
        assert_eq!(pair.server().tcp(server).unwrap().path().mtu_bytes, used);
    }
}

#[test]
fn a_message_that_quotes_nothing_in_flight_is_not_believed() {
    let mut pair = Pair::new();
    let (_, server, packet) = last_data_packet(&mut pair, "10.0.0.2:80");
    let mut guessed = packet.clone();
    guessed[24] ^= 0x40; // the sequence number, far off
    let message = v4::Message::Unreachable { code: 4, mtu_bytes: 600, quoted: &guessed[..28] };
    pair.inject(CLIENT, packet_v4(ROUTER, Ipv4Addr::new(10, 0, 0, 2), &message));
    assert_eq!(pair.server().tcp(server).unwrap().path().mtu_bytes, 1_500);
    assert_eq!(pair.server().usage().path_mtus, 0);
    let mut other_port = packet.clone();
    other_port[23] ^= 1;
    let message = v4::Message::Unreachable { code: 3, mtu_bytes: 0, quoted: &other_port[..28] };
    pair.inject(CLIENT, packet_v4(ROUTER, Ipv4Addr::new(10, 0, 0, 2), &message));
    assert_eq!(pair.server().counters().discarded(Discard::IcmpUnmatched), 1);
    // A hard error does not end an established connection (RFC 5927 §5.2).
    let message = v4::Message::Unreachable { code: 3, mtu_bytes: 0, quoted: &packet[..28] };
    pair.inject(CLIENT, packet_v4(ROUTER, Ipv4Addr::new(10, 0, 0, 2), &message));
    assert_eq!(pair.server().tcp(server).unwrap().state(), tcp::State::Established);
    // Source quench is ignored (MUST-55).
    let before = pair.server().counters().discarded(Discard::IcmpIgnored);
    pair.inject(
        CLIENT,
        packet_v4(ROUTER, Ipv4Addr::new(10, 0, 0, 2), &v4::Message::Other { kind: 4, code: 0 }),
    );
    assert_eq!(pair.server().counters().discarded(Discard::IcmpIgnored), before + 1);
}

#[test]
fn a_hard_error_ends_an_attempt_to_connect_and_a_soft_one_does_not() {
    for (code, error) in
        [(3, Some(tcp::Error::PortUnreachable)), (13, Some(tcp::Error::Prohibited)), (1, None)]
    {
        let mut pair = Pair::new();
        let now = pair.now;
        let id = pair.client().tcp_connect(now, None, "10.0.0.2:80".parse().unwrap()).unwrap();
        let (_, syn) = pair.client().poll_transmit(now).unwrap();
        let syn = syn.to_vec();
        let message = v4::Message::Unreachable { code, mtu_bytes: 0, quoted: &syn[..28] };
        pair.inject(SERVER, packet_v4(ROUTER, PEER, &message));
        let read = pair.client().tcp_read(now, id, &mut [0]);
        while let Some(event) = pair.client().poll_event() {
            pair.events[CLIENT].push(event);
        }
        match error {
            Some(error) => {
                assert_eq!(read, Err(ReadError::Failed(error)));
                assert!(pair.events[CLIENT].contains(&(id, Event::Failed(error))));
            }
            None => {
                assert_eq!(pair.client().tcp(id).unwrap().soft_error(), Some(tcp::Error::HostUnreachable));
            }
        }
    }
}

/// Says to the server that a datagram from it with these ports and this length was too big.
fn too_big(pair: &mut Pair, ports: (u16, u16), text_bytes: u16, mtu_bytes: u16) {
    for is_v6 in [false, true] {
        let mut udp = [0; 8];
        udp[..2].copy_from_slice(&ports.0.to_be_bytes());
        udp[2..4].copy_from_slice(&ports.1.to_be_bytes());
        udp[4..6].copy_from_slice(&(8 + text_bytes).to_be_bytes());
        if is_v6 {
            let header = ipv6::Header {
                source: "fd00::2".parse().unwrap(),
                destination: PEER_V6,
                payload_bytes: 8 + text_bytes,
                next_header: 17,
                ..ipv6::Header::default()
            };
            let mut quoted = vec![0; 40];
            header.emit(&mut quoted);
            quoted.extend(udp);
            let message = v6::Message::PacketTooBig { mtu_bytes: u32::from(mtu_bytes), quoted: &quoted };
            pair.inject(CLIENT, packet_v6(ROUTER_V6, "fd00::2".parse().unwrap(), &message));
        } else {
            let header = ipv4::Header {
                source: Ipv4Addr::new(10, 0, 0, 2),
                destination: PEER,
                protocol: 17,
                total_bytes: 28 + text_bytes,
                ..ipv4::Header::default()
            };
            let mut quoted = vec![0; 20];
            header.emit(&mut quoted);
            quoted.extend(udp);
            let message = v4::Message::Unreachable { code: 4, mtu_bytes, quoted: &quoted };
            pair.inject(CLIENT, packet_v4(ROUTER, Ipv4Addr::new(10, 0, 0, 2), &message));
        }
    }
}

#[test]
fn a_datagram_that_was_never_sent_was_not_too_big() {
    let mut pair = Pair::new();
    let socket = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
    too_big(&mut pair, (53, 9), 1_400, 1_300);
    let now = pair.now;
    for remote in ["10.0.0.1:9", "[fd00::1]:9"] {
        // Small ones fit every path, so no router says anything about them.
        pair.server().udp_send_to(now, socket, text(500).into(), remote.parse().unwrap()).unwrap();
        pair.server().udp_send_to(now, socket, text(1_400).into(), remote.parse().unwrap()).unwrap();
    }
    pair.settle();
    for (ports, text_bytes) in [((53, 9), 500), ((53, 9), 1_401), ((53, 8), 1_400), ((54, 9), 1_400)] {
        too_big(&mut pair, ports, text_bytes, 1_300);
    }
    pair.pass_time(Duration::from_secs(11));
    too_big(&mut pair, (53, 9), 1_400, 1_300);
    assert_eq!(pair.server().usage().path_mtus, 0, "no message came for what was sent, or in time");
    assert_eq!(pair.server().counters().discarded(Discard::IcmpUnmatched), 12);
}

#[test]
fn a_datagram_that_was_too_big_makes_smaller_ones_and_changes_nothing_for_connections() {
    for (remote, port) in [("10.0.0.1", "10.0.0.1:80"), ("fd00::1", "[fd00::1]:80")] {
        let mut pair = Pair::new();
        let socket = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
        let remote = std::net::SocketAddr::new(remote.parse().unwrap(), 9);
        let frames = |pair: &mut Pair| {
            let now = pair.now;
            pair.server().udp_send_to(now, socket, text(1_400).into(), remote).unwrap();
            std::iter::from_fn(|| pair.server().poll_transmit(now)).count()
        };
        assert_eq!(frames(&mut pair), 1);
        too_big(&mut pair, (53, 9), 1_400, 1_300);
        assert_eq!(pair.server().counters().icmp_errors_delivered, 1);
        assert_eq!(frames(&mut pair), 2, "fragments of the size that the path takes");
        let now = pair.now;
        let id = pair.server().tcp_connect(now, None, port.parse().unwrap()).unwrap();
        assert_eq!(pair.server().tcp(id).unwrap().path().mtu_bytes, 1_500);
        pair.pass_time(Duration::from_secs(601));
        assert_eq!(pair.server().usage().path_mtus, 0, "forgotten after ten minutes");
        assert_eq!(frames(&mut pair), 1);
    }
}

#[test]
fn what_a_connection_has_confirmed_serves_datagrams_too() {
    let mut pair = Pair::new();
    let (_, _, packet) = last_data_packet(&mut pair, "10.0.0.2:80");
    let message = v4::Message::Unreachable { code: 4, mtu_bytes: 1_300, quoted: &packet[..28] };
    pair.inject(CLIENT, packet_v4(ROUTER, Ipv4Addr::new(10, 0, 0, 2), &message));
    let socket = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
    let now = pair.now;
    while pair.server().poll_transmit(now).is_some() {}
    pair.server().udp_send_to(now, socket, text(1_400).into(), "10.0.0.1:9".parse().unwrap()).unwrap();
    assert_eq!(std::iter::from_fn(|| pair.server().poll_transmit(now)).count(), 2);
}

#[test]
fn an_error_reaches_a_connected_socket_only_after_it_has_sent() {
    let mut pair = Pair::new();
    let socket = pair.server().udp_bind("10.0.0.2:53".parse().unwrap()).unwrap();
    pair.server().udp_connect(socket, Some("10.0.0.1:9".parse().unwrap())).unwrap();
    let refused = |pair: &mut Pair| {
        let mut quoted = vec![0; 28];
        ipv4::Header {
            source: Ipv4Addr::new(10, 0, 0, 2),
            destination: PEER,
            protocol: 17,
            total_bytes: 29,
            ..ipv4::Header::default()
        }
        .emit(&mut quoted);
        quoted[20..26].copy_from_slice(&[0, 53, 0, 9, 0, 9]);
        let message = v4::Message::Unreachable { code: 3, mtu_bytes: 0, quoted: &quoted };
        pair.inject(CLIENT, packet_v4(PEER, Ipv4Addr::new(10, 0, 0, 2), &message));
        pair.server().udp_take_error(socket)
    };
    assert_eq!(refused(&mut pair), None);
    let now = pair.now;
    pair.server().udp_send(now, socket, vec![7].into()).unwrap();
    assert_eq!(refused(&mut pair), Some(synfin_stack::Error::Icmp(tcp::Error::PortUnreachable)));
}

#[test]
fn an_open_connection_tries_a_larger_mtu_again_after_ten_minutes() {
    for (address, mtu_bytes) in [("10.0.0.2:80", 1_400), ("[fd00::2]:80", 1_380)] {
        let mut pair = Pair::new();
        let (client, server, packet) = last_data_packet(&mut pair, address);
        // The router in the middle says so each time that a packet is too big for it, and drops it.
        let too_big = |packet: &[u8], mtu_bytes: u16| {
            if address.starts_with('[') {
                let message =
                    v6::Message::PacketTooBig { mtu_bytes: mtu_bytes.into(), quoted: &packet[..100] };
                packet_v6(ROUTER_V6, "fd00::2".parse().unwrap(), &message)
            } else {
                let message = v4::Message::Unreachable { code: 4, mtu_bytes, quoted: &packet[..100] };
                packet_v4(ROUTER, Ipv4Addr::new(10, 0, 0, 2), &message)
            }
        };
        pair.inject(CLIENT, too_big(&packet, mtu_bytes));
        let read_all = |pair: &mut Pair| {
            for _ in 0..50 {
                let now = pair.now;
                while matches!(pair.client().tcp_read(now, client, &mut [0; 30_000]), Ok(1..)) {}
                pair.pass_time(Duration::from_millis(100));
            }
        };
        read_all(&mut pair);
        let largest_of = |pair: &mut Pair| {
            pair.seen.clear();
            let now = pair.now;
            pair.server().tcp_write(now, server, &text(60_000)).unwrap();
            pair.settle();
            read_all(pair);
            let sent =
                pair.seen.iter().filter(|(from, _)| *from == SERVER).max_by_key(|(_, frame)| frame.len());
            sent.unwrap().1.clone()
        };
        assert_eq!(largest_of(&mut pair).len(), usize::from(mtu_bytes));
        pair.pass_time(Duration::from_secs(601));
        let large = largest_of(&mut pair);
        assert_eq!(large.len(), 1_500, "the path may have become larger");
        assert_eq!(pair.server().tcp(server).unwrap().unacknowledged_bytes(), 0);
        assert_eq!(pair.server().tcp(server).unwrap().path().mtu_bytes, 1_500, "and it has");
        // A message that says otherwise is believed only if that does not arrive any more (RFC 5927 §7.2).
        let now = pair.now;
        pair.server().tcp_write(now, server, &text(1_400)).unwrap();
        let (_, frame) = pair.server().poll_transmit(now).unwrap();
        pair.inject(CLIENT, too_big(&frame.to_vec(), mtu_bytes));
        assert_eq!(pair.server().tcp(server).unwrap().path().mtu_bytes, 1_500);
        for _ in 0..2 {
            let now = pair.now;
            while pair.server().poll_transmit(now).is_some() {}
            pair.now += Duration::from_secs(1);
            let now = pair.now;
            pair.server().handle_timeout(now);
        }
        assert_eq!(pair.server().tcp(server).unwrap().path().mtu_bytes, u32::from(mtu_bytes));
    }
}
