use super::*;
use crate::checksum;
use crate::ethernet::MacAddress;
use crate::ip::protocol;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};
use neighbor::{Options, Prefix};
use proptest::prelude::*;

const A: Ipv6Addr = Ipv6Addr::new(0xfd90, 0, 0, 0, 0, 0, 0, 1);
const B: Ipv6Addr = Ipv6Addr::new(0xfd90, 0, 0, 0, 0, 0, 0, 2);

fn quoted_v4(flags_and_offset: u16) -> Vec<u8> {
    let mut packet = alloc::vec![0; 28];
    let header = ipv4::Header {
        source: Ipv4Addr::new(10, 0, 0, 1),
        destination: Ipv4Addr::new(10, 0, 0, 2),
        protocol: protocol::TCP,
        fragment_offset_bytes: flags_and_offset,
        ..ipv4::Header::default()
    };
    header.emit(&mut packet);
    packet[20..28].copy_from_slice(&[4, 1, 0, 80, 1, 2, 3, 4]);
    packet
}

#[test]
fn every_v4_message_reads_back_with_a_good_checksum() {
    let quote = quoted_v4(0);
    let echo = Echo { identifier: 0x1234, sequence: 9, data: b"odd" };
    for message in [
        v4::Message::EchoRequest(echo),
        v4::Message::EchoReply(echo),
        v4::Message::Unreachable {
            code: v4::unreachable::FRAGMENTATION_NEEDED,
            mtu_bytes: 1400,
            quoted: &quote,
        },
        v4::Message::TimeExceeded { code: 1, quoted: &quote },
        v4::Message::ParameterProblem { code: 0, pointer: 9, quoted: &quote },
        v4::Message::Other { kind: 4, code: 0 },
    ] {
        let mut bytes = alloc::vec![0xaa; message.len_bytes()];
        message.emit(&mut bytes);
        assert_eq!(v4::Message::parse(&bytes), Ok(message));
        assert_eq!(checksum::of(&bytes), 0);
        let theirs = etherparse::Icmpv4Header::from_slice(&bytes).unwrap();
        assert_eq!(theirs.0.icmp_type.calc_checksum(theirs.1), theirs.0.checksum);
    }
}

#[test]
fn every_v6_message_reads_back_with_a_good_checksum() {
    let quote = [0x60; 50];
    let echo = Echo { identifier: 0x1234, sequence: 9, data: b"odd" };
    let mut options =
        Options { mtu_bytes: Some(1500), source_link_layer: Some(MacAddress([2; 6])), ..Options::default() };
    options.prefixes[0] =
        Some(Prefix { address: A, bits: 64, on_link: true, autonomous: false, valid_s: 60, preferred_s: 30 });
    let target = Options { target_link_layer: Some(MacAddress([3; 6])), ..Options::default() };
    for message in [
        v6::Message::EchoRequest(echo),
        v6::Message::EchoReply(echo),
        v6::Message::Unreachable { code: v6::unreachable::PORT, quoted: &quote },
        v6::Message::PacketTooBig { mtu_bytes: 1280, quoted: &quote },
        v6::Message::TimeExceeded { code: 1, quoted: &quote },
        v6::Message::ParameterProblem { code: 1, pointer: 40, quoted: &quote },
        v6::Message::Neighbor(neighbor::Message::RouterSolicitation { options }),
        v6::Message::Neighbor(neighbor::Message::RouterAdvertisement {
            hop_limit: 64,
            managed: true,
            other_configuration: false,
            lifetime_s: 1800,
            reachable_ms: 5,
            retransmit_ms: 6,
            options,
        }),
        v6::Message::Neighbor(neighbor::Message::Solicitation { target: B, options }),
        v6::Message::Neighbor(neighbor::Message::Advertisement {
            router: false,
            solicited: true,
            overrides: true,
            target: B,
            options: target,
        }),
        v6::Message::Other { kind: 200, code: 3 },
    ] {
        let mut bytes = alloc::vec![0xaa; message.len_bytes()];
        message.emit(&mut bytes, A, B);
        assert_eq!(v6::Message::parse(&bytes), Ok(message));
        assert!(v6::checksum_is_good(&bytes, A, B));
        let theirs = etherparse::Icmpv6Slice::from_slice(&bytes).unwrap();
        assert!(theirs.is_checksum_valid(A.octets(), B.octets()));
    }
}

/// RFC 4861 §4.6: nodes must drop a message with an option of length zero.
#[test]
fn a_neighbor_option_of_length_zero_is_refused() {
    let mut bytes = [0; 32];
    bytes[0] = 135;
    bytes[24] = 1;
    assert_eq!(v6::Message::parse(&bytes), Err(Error::Length { claimed_bytes: 0, available_bytes: 8 }));
}

#[test]
fn a_quotation_gives_ports_and_sequence_number() {
    let packet = quoted_v4(0);
    let quoted = Quoted::parse(&packet).unwrap();
    assert_eq!((quoted.ports(), quoted.tcp_seq()), (Some((1025, 80)), Some(Seq::new(0x0102_0304))));
    assert_eq!(quoted.source, IpAddr::from([10, 0, 0, 1]));
    assert!(Quoted::parse(&quoted_v4(8)).is_err(), "a later fragment has no ports");
    let cut = Quoted::parse(&packet[..22]).unwrap();
    assert_eq!((cut.ports(), cut.tcp_seq()), (None, None));
}

proptest! {
    #[test]
    fn parsing_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), kind in 130u8..138) {
        let _ = (v4::Message::parse(&bytes), v6::Message::parse(&bytes), Quoted::parse(&bytes));
        if let Some(first) = bytes.first_mut() {
            *first = kind;
            let _ = v6::Message::parse(&bytes);
        }
    }
}
