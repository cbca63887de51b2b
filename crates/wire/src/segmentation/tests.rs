use super::*;
use crate::checksum;
use crate::tcp::{OptionLayout, Options, Timestamps};
use crate::{Seq, virtio};
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use proptest::prelude::*;

/// A frame as a host writes it: headers in the head, the payload in pieces.
fn frame(v6: bool, flags: Flags, text: &[&[u8]], segment_bytes: u16, medium: Medium) -> Frame {
    let mut frame = Frame::default();
    text.iter().for_each(|piece| frame.payload.push(Bytes::copy_from_slice(piece)));
    let text_bytes = frame.payload.len();
    if medium == Medium::Ethernet {
        let ethertype = if v6 { ethernet::ethertype::IPV6 } else { ethernet::ethertype::IPV4 };
        ethernet::Header { ethertype, ..Default::default() }.emit(frame.head.grow(ethernet::HEADER_BYTES));
    }
    let header = tcp::Header {
        source_port: 1025,
        destination_port: 80,
        seq: Seq::new(u32::MAX - 2_000),
        flags,
        options: Options { timestamps: Some(Timestamps { value: 1, echo: 2 }), ..Options::default() },
        ..tcp::Header::default()
    };
    let tcp_bytes = header.len_bytes(OptionLayout::Linux);
    if v6 {
        let (source, destination) = (Ipv6Addr::new(0xfd90, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::LOCALHOST);
        let payload_bytes = (tcp_bytes + text_bytes) as u16;
        ipv6::Header { source, destination, payload_bytes, next_header: 6, ..Default::default() }
            .emit(frame.head.grow(ipv6::HEADER_BYTES));
    } else {
        let (source, destination) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let total_bytes = (20 + tcp_bytes + text_bytes) as u16;
        ipv4::Header {
            source,
            destination,
            total_bytes,
            protocol: 6,
            identification: 0xffff,
            dont_fragment: true,
            ..Default::default()
        }
        .emit(frame.head.grow(ipv4::HEADER_BYTES));
    }
    header.emit(frame.head.grow(tcp_bytes), OptionLayout::Linux);
    let layout = Layout::of(frame.head.as_slice(), medium).unwrap();
    write_checksum(&mut frame, &layout, TransmitChecksum::Partial);
    frame.offload.segment_bytes = segment_bytes;
    frame
}

fn check_with_etherparse(frame: &Frame, medium: Medium) {
    let bytes = frame.to_vec();
    let packet = match medium {
        Medium::Ip => etherparse::SlicedPacket::from_ip(&bytes),
        Medium::Ethernet => etherparse::SlicedPacket::from_ethernet(&bytes),
    }
    .unwrap();
    let Some(etherparse::TransportSlice::Tcp(tcp)) = packet.transport else { panic!("no TCP") };
    let expected = match packet.net {
        Some(etherparse::NetSlice::Ipv4(ip)) => {
            let header = ip.header();
            assert_eq!(header.to_header().calc_header_checksum(), header.header_checksum());
            tcp.calc_checksum_ipv4(header.source(), header.destination()).unwrap()
        }
        Some(etherparse::NetSlice::Ipv6(ip)) => {
            let header = ip.header();
            tcp.calc_checksum_ipv6(header.source(), header.destination()).unwrap()
        }
        _ => panic!("no IP"),
    };
    assert_eq!(tcp.checksum(), expected);
}

fn tcp_of(frame: &Frame, medium: Medium) -> (Layout, tcp::Header) {
    let layout = Layout::of(frame.head.as_slice(), medium).unwrap();
    (layout, tcp::Header::parse(&frame.head.as_slice()[layout.transport_at..]).unwrap().0)
}

proptest! {
    #[test]
    fn pieces_are_whole_segments_that_add_up(
        v6 in any::<bool>(), ethernet in any::<bool>(), contiguous in any::<bool>(), segment_bytes in 1u16..3_000,
        text in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..1_500), 0..6),
    ) {
        let medium = if ethernet { Medium::Ethernet } else { Medium::Ip };
        let text: Vec<&[u8]> = text.iter().map(|piece| &piece[..]).collect();
        let flat = text.concat();
        let flags = Flags::ACK | Flags::PSH | Flags::FIN | Flags::CWR;
        let mut whole = frame(v6, flags, &text, segment_bytes, medium);
        if contiguous {
            whole = Frame { offload: whole.offload, ..Frame::from_bytes(whole.to_vec().into()) };
        }
        let pieces: Vec<Frame> = cut(whole, medium, TransmitChecksum::Full).collect();
        prop_assert_eq!(pieces.len(), flat.len().div_ceil(usize::from(segment_bytes)).max(1));
        let mut at = 0;
        for (number, piece) in pieces.iter().enumerate() {
            prop_assert_eq!(piece.offload, Offload::default());
            check_with_etherparse(piece, medium);
            prop_assert_eq!(checksum_is_good(piece, medium), Some(true));
            let (layout, header) = tcp_of(piece, medium);
            prop_assert_eq!(header.seq, Seq::new(u32::MAX - 2_000) + at as u32);
            let (first, last) = (number == 0, number + 1 == pieces.len());
            prop_assert_eq!(header.flags.fin() && header.flags.psh(), last);
            prop_assert_eq!(header.flags.fin() || header.flags.psh(), last);
            prop_assert_eq!(header.flags.contains(Flags::CWR), first);
            prop_assert!(header.flags.ack());
            if !v6 {
                let (ip, _) = ipv4::Header::parse(&piece.head.as_slice()[layout.ip_at..]).unwrap();
                prop_assert_eq!(ip.identification, 0xffffu16.wrapping_add(number as u16));
                prop_assert!(ip.dont_fragment);
            }
            prop_assert_eq!(&piece.payload.to_vec()[..], &flat[at..at + piece.payload.len()]);
            at += piece.payload.len();
        }
        prop_assert_eq!(at, flat.len());
    }

    #[test]
    fn any_bytes_at_all_are_cut_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..120), first in prop_oneof![Just(0x45u8), Just(0x60), any::<u8>()],
        segment_bytes in 0u16..50, ethernet in any::<bool>(),
    ) {
        let medium = if ethernet { Medium::Ethernet } else { Medium::Ip };
        let mut bytes = bytes;
        if let Some(slot) = bytes.get_mut(if ethernet { 14 } else { 0 }) {
            *slot = first;
        }
        if let Some(slot) = bytes.get_mut(9) {
            *slot = 6;
        }
        let mut frame = Frame::from_bytes(bytes.into());
        frame.offload = Offload { segment_bytes, checksum: Checksum::Partial { start: 3, offset: 900 } };
        prop_assert!(cut(frame.clone(), medium, TransmitChecksum::Full).count() <= 120);
        complete_checksum(&mut frame, medium);
        let _ = checksum_is_good(&frame, medium);
    }
}

#[test]
fn padding_after_a_packet_is_not_text() {
    let whole = frame(false, Flags::ACK, &[b"abc"], 0, Medium::Ip);
    let mut bytes = whole.to_vec();
    bytes.extend_from_slice(&[0xaa; 9]);
    let mut padded = Frame { offload: whole.offload, ..Frame::from_bytes(bytes.into()) };
    complete_checksum(&mut padded, Medium::Ip);
    assert_eq!(padded.payload.to_vec(), b"abc");
    check_with_etherparse(&padded, Medium::Ip);
}

#[test]
fn a_partial_checksum_stays_partial_for_a_link_that_completes_it() {
    let whole = frame(true, Flags::ACK, &[&[7; 100]], 40, Medium::Ip);
    let pieces: Vec<Frame> = cut(whole, Medium::Ip, TransmitChecksum::Partial).collect();
    assert_eq!(pieces.len(), 3);
    for mut piece in pieces {
        assert_eq!(piece.offload.checksum, Checksum::Partial { start: 40, offset: 16 });
        assert_eq!(checksum_is_good(&piece, Medium::Ip), Some(false));
        complete_checksum(&mut piece, Medium::Ip);
        assert_eq!(checksum_is_good(&piece, Medium::Ip), Some(true));
    }
}

#[test]
fn a_udp_checksum_of_zero_is_sent_as_ones() {
    // Ports and length chosen so that the sum is all ones.
    let (source, destination) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    let mut head = Head::new();
    ipv4::Header { source, destination, protocol: 17, total_bytes: 28, ..Default::default() }
        .emit(head.grow(20));
    let mut sum = checksum::pseudo_header(IpAddr::V4(source), IpAddr::V4(destination), 17, 8);
    sum.add_u16(8);
    let header = udp::Header { source_port: !sum.folded(), len_bytes: 8, ..Default::default() };
    header.emit(head.grow(8));
    let mut frame = Frame { head, ..Frame::default() };
    frame.offload.checksum = Checksum::Trusted;
    complete_checksum(&mut frame, Medium::Ip);
    assert_eq!(udp::Header::parse(&frame.head.as_slice()[20..]).unwrap().checksum, 0xffff);
}

#[test]
fn the_virtio_header_says_what_the_frame_needs() {
    for (v6, gso, start) in [(false, virtio::Gso::TcpV4, 20), (true, virtio::Gso::TcpV6, 40)] {
        let whole = frame(v6, Flags::ACK | Flags::CWR, &[&[7; 3_000]], 1_000, Medium::Ip);
        let header = virtio::Header::for_frame(&whole, Medium::Ip);
        assert_eq!(header.checksum, Checksum::Partial { start, offset: 16 });
        assert_eq!((header.gso, header.gso_ecn, header.segment_bytes), (gso, true, 1_000));
        assert_eq!(header.header_bytes, start + 32);
        assert_eq!(header.offload(), whole.offload);
    }
    let small = frame(false, Flags::ACK, &[&[7; 1_000]], 1_000, Medium::Ip);
    assert_eq!(virtio::Header::for_frame(&small, Medium::Ip).gso, virtio::Gso::None);
}
