//! What a stranger who does not see the packets of others can read or write: nothing that counts.

use crate::world::{CLIENT, Pair};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use wire::tcp::{Flags, Header, OptionLayout};
use wire::{Frame, ipv4};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);

fn packet(source: Ipv4Addr, protocol: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 20 + body.len()];
    let total_bytes = packet.len() as u16;
    ipv4::Header { source, destination: OURS, protocol, total_bytes, ..ipv4::Header::default() }
        .emit(&mut packet);
    packet[20..].copy_from_slice(body);
    packet
}

/// A datagram of one byte, without checksum.
fn udp(source: SocketAddr, port: u16) -> Vec<u8> {
    let ports = [source.port().to_be_bytes(), port.to_be_bytes()].concat();
    packet(v4(source), 17, &[&ports[..], &[0, 9, 0, 0, 7]].concat())
}

/// An ACK with any numbers.
fn ack(source: SocketAddr, port: u16) -> Vec<u8> {
    let header = Header {
        source_port: source.port(),
        destination_port: port,
        flags: Flags::ACK,
        window: 1,
        ..Header::default()
    };
    let mut segment = [0; 60];
    let bytes = header.emit(&mut segment, OptionLayout::default());
    packet(v4(source), 6, &segment[..bytes])
}

fn v4(address: SocketAddr) -> Ipv4Addr {
    match address {
        SocketAddr::V4(v4) => *v4.ip(),
        SocketAddr::V6(_) => panic!("these tests are in IPv4"),
    }
}

/// The packets that leave are counted by whether they go to the stranger.
fn answers_to_stranger(pair: &mut Pair) -> usize {
    let now = pair.now;
    let mut count = 0;
    while let Some((_, frame)) = pair.server().poll_transmit(now) {
        count += usize::from(frame.to_vec()[16..20] == STRANGER.octets());
    }
    count
}

/// The share of 200 periods in which the stranger's own packet is answered after these forged ones.
fn answered(pair: &mut Pair, forged: &[Vec<u8>], own: &[u8]) -> f64 {
    let mut count = 0;
    for _ in 0..200 {
        pair.now += Duration::from_secs(2);
        let (now, link) = (pair.now, pair.links[crate::world::SERVER]);
        pair.server().handle_timeout(now);
        for bytes in forged.iter().map(Vec::as_slice).chain([own]) {
            // The link guarantees checksums: this is not about them.
            let mut frame = Frame::from_bytes(bytes.to_vec().into());
            frame.offload.checksum = wire::Checksum::Trusted;
            pair.server().handle_frame(now, link, frame);
        }
        count += answers_to_stranger(pair);
    }
    count as f64 / 200.0
}

#[test]
fn counting_errors_does_not_tell_an_open_port() {
    // The resolver's answers go to an open port; who finds it can forge one (SAD DNS).
    let resolver: SocketAddr = "10.0.0.53:53".parse().unwrap();
    let mut pair = Pair::new();
    let socket = pair.server().udp_bind("10.0.0.2:50123".parse().unwrap()).unwrap();
    pair.server().udp_connect(socket, Some(resolver)).unwrap();
    let own = udp(SocketAddr::new(STRANGER.into(), 9), 9);
    for forged in [24, 30, 37, 44, 49, 50] {
        let probes = |from: u16| (from..from + forged).map(|port| udp(resolver, port)).collect::<Vec<_>>();
        let with_open = answered(&mut pair, &probes(50_100), &own);
        let without = answered(&mut pair, &probes(51_000), &own);
        let told = (with_open - without).abs();
        assert!(
            told < 0.2,
            "{forged} probes: answered in {with_open} of periods with an open port, {without} without"
        );
    }
}

#[test]
fn counting_resets_does_not_tell_a_connection() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (client, _) = pair.connect(listener, "10.0.0.2:80");
    let connected = pair.client().local_addr(client).unwrap();
    let own = ack(SocketAddr::new(STRANGER.into(), 9), 81);
    for forged in [500, 750, 999, 1_000] {
        let probes = |from: u16| {
            let source = |port| SocketAddr::new(connected.ip(), port);
            (from..from + forged).map(|port| ack(source(port), 80)).collect::<Vec<_>>()
        };
        let with_connection = answered(&mut pair, &probes(connected.port() - 400), &own);
        let without = answered(&mut pair, &probes(10_000), &own);
        let told = (with_connection - without).abs();
        assert!(told < 0.2, "{forged} probes: {with_connection} with a connection, {without} without");
    }
    // The connection is unharmed.
    assert_eq!(pair.hosts[CLIENT].tcp(client).unwrap().state(), tcp::State::Established);
}

#[test]
fn identifications_do_not_tell_how_much_others_are_sent() {
    let mut pair = Pair::new();
    let socket = pair.server().udp_bind("10.0.0.2:53".parse().unwrap()).unwrap();
    let mut identification = |remote: &str| {
        let now = pair.now;
        pair.server().udp_send_to(now, socket, vec![1; 3_000].into(), remote.parse().unwrap()).unwrap();
        let frames: Vec<_> = std::iter::from_fn(|| pair.server().poll_transmit(now)).collect();
        let first = frames[0].1.to_vec();
        u16::from_be_bytes([first[4], first[5]])
    };
    let before = identification("10.0.0.66:9");
    for n in 0..700 {
        identification(&format!("10.0.0.{}:53", 70 + n % 100));
    }
    let step = identification("10.0.0.66:9").wrapping_sub(before);
    assert!((1..=4).contains(&step), "700 packets to others, a step of {step}");
}
