//! Raw Ethernet frames against the real kernel: a TAP interface is the cable, its descriptor the far end,
//! a packet socket on the interface the near one. Needs privileges and `/dev/net/tun`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test's way to fail

mod namespace;

use namespace::in_namespace;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;
use synfin_device::{Captured, Direction, Link, PacketSocket, Tun, TunConfig, wait};
use wire::ethernet::{self, MacAddress, ethertype};
use wire::{Checksum, Frame, Medium, Payload, arp, checksum, ipv4, segmentation, udp};

const OURS: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
const HOST: Ipv4Addr = Ipv4Addr::new(10, 91, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 91, 0, 2);

fn cable() -> (Tun, PacketSocket) {
    let config = TunConfig { medium: Medium::Ethernet, ..TunConfig::new("synfin%d") };
    let far = Tun::open(&config.with_host_address("10.91.0.1/24".parse().unwrap())).unwrap();
    let near = PacketSocket::open(far.name()).unwrap();
    assert_eq!((near.capabilities().medium, near.hardware()), (Medium::Ethernet, 1));
    (far, near)
}

/// The next frame whose Ethernet header `wanted` accepts; other frames of the kernel are skipped.
fn next(link: &dyn Link, wanted: impl Fn(&ethernet::Header) -> bool) -> (ethernet::Header, Frame) {
    let mut frames = VecDeque::new();
    for _ in 0..100 {
        if link.receive(&mut frames, 1).unwrap() == 0 {
            wait(&[link.poll_fd().unwrap()], Some(Duration::from_secs(5))).unwrap();
        }
        if let Some(frame) = frames.pop_front() {
            let (header, _) = ethernet::Header::parse(frame.payload.contiguous().unwrap()).unwrap();
            if wanted(&header) {
                return (header, frame);
            }
        }
    }
    panic!("the expected frame did not come");
}

fn next_captured(socket: &PacketSocket, wanted: impl Fn(&ethernet::Header) -> bool) -> Captured {
    for _ in 0..100 {
        let Some(captured) = socket.capture().unwrap() else {
            wait(&[socket.as_fd()], Some(Duration::from_secs(5))).unwrap();
            continue;
        };
        if wanted(&ethernet::Header::parse(&captured.bytes).unwrap().0) {
            return captured;
        }
    }
    panic!("the expected frame did not come");
}

fn send(link: &dyn Link, frame: Frame) {
    assert_eq!(link.transmit(&mut VecDeque::from([frame])).unwrap(), 1);
}

fn arp_request() -> Frame {
    let mut frame = Frame::default();
    let header = ethernet::Header {
        destination: MacAddress::BROADCAST,
        source: OURS,
        ethertype: ethertype::ARP,
        vlan: None,
    };
    header.emit(frame.head.grow(ethernet::HEADER_BYTES));
    let request = arp::Packet {
        operation: arp::Operation::Request,
        sender_mac: OURS,
        sender: FAR,
        target_mac: MacAddress::default(),
        target: HOST,
    };
    request.emit(frame.head.grow(arp::PACKET_BYTES));
    frame
}

/// A datagram to the broadcast address, its checksum left to the link.
fn datagram() -> Frame {
    let mut frame = Frame { payload: Payload::from(bytes::Bytes::from_static(b"hello")), ..Frame::default() };
    let destination = MacAddress::BROADCAST;
    ethernet::Header { destination, source: OURS, ethertype: ethertype::IPV4, vlan: None }
        .emit(frame.head.grow(ethernet::HEADER_BYTES));
    ipv4::Header { source: FAR, destination: HOST, protocol: 17, total_bytes: 33, ..Default::default() }
        .emit(frame.head.grow(ipv4::HEADER_BYTES));
    let checksum = checksum::pseudo_header_v4(FAR, HOST, 17, 13).folded();
    udp::Header { source_port: 9, destination_port: 9, len_bytes: 13, checksum }
        .emit(frame.head.grow(udp::HEADER_BYTES));
    frame.offload.checksum = Checksum::Partial { start: 34, offset: 6 };
    frame
}

#[test]
fn a_station_of_our_own_is_answered_on_the_cable() {
    in_namespace("a_station_of_our_own_is_answered_on_the_cable", || {
        let (far, _near) = cable();
        send(&far, arp_request());
        let (header, reply) = next(&far, |header| header.ethertype == ethertype::ARP);
        let reply = arp::Packet::parse(&reply.to_vec()[14..]).unwrap();
        assert_eq!((reply.operation, reply.sender, reply.target), (arp::Operation::Reply, HOST, FAR));
        assert_eq!((reply.sender_mac, header.destination), (header.source, OURS));
    });
}

#[test]
fn a_packet_socket_sends_whole_frames() {
    in_namespace("a_packet_socket_sends_whole_frames", || {
        let (far, near) = cable();
        send(&near, datagram());
        let (_, frame) = next(&far, |header| header.source == OURS);
        assert_eq!(frame.len(), 14 + 33);
        assert_eq!(segmentation::checksum_is_good(&frame, Medium::Ethernet), Some(true));
        // It does not receive the frames that it has sent itself.
        let mut frames = VecDeque::new();
        near.receive(&mut frames, 64).unwrap();
        let ours = |frame: &Frame| frame.to_vec()[6..12] == OURS.0;
        assert!(!frames.iter().any(ours));
    });
}

#[test]
fn a_checksum_left_to_a_network_card_is_not_held_against_the_sender() {
    in_namespace("a_checksum_left_to_a_network_card_is_not_held_against_the_sender", || {
        let (far, near) = cable();
        send(&far, datagram());
        let (_, frame) = next(&near, |header| header.ethertype == ethertype::IPV4 && header.source == OURS);
        let good = segmentation::checksum_is_good(&frame, Medium::Ethernet);
        assert_eq!((good, frame.offload.checksum), (Some(false), Checksum::Trusted));
    });
}

#[test]
fn a_vlan_tag_stands_where_it_was_on_the_wire() {
    in_namespace("a_vlan_tag_stands_where_it_was_on_the_wire", || {
        let (far, near) = cable();
        let mut plain = datagram();
        segmentation::complete_checksum(&mut plain, Medium::Ethernet);
        let mut tagged = plain.to_vec();
        tagged.splice(12..12, [0x81, 0x00, 0x20, 0x07]);
        send(&far, Frame::from_bytes(tagged.clone().into()));
        let captured = next_captured(&near, |header| header.vlan == Some(7));
        assert_eq!((&captured.bytes[..], captured.wire_bytes), (&tagged[..], tagged.len()));
        assert_eq!(captured.direction, Direction::Received);
    });
}

#[test]
fn a_missing_interface_is_named() {
    let error = PacketSocket::open("synfin-none").unwrap_err();
    assert!(error.to_string().starts_with("there is no network interface synfin-none"), "{error}");
}
