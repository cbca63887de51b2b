use super::*;
use crate::ip::protocol::{AUTHENTICATION, DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ROUTING, TCP};
use alloc::vec::Vec;
use proptest::prelude::*;

/// A packet with these extension headers after the fixed one.
fn packet(first: u8, extensions: &[&[u8]]) -> Vec<u8> {
    let mut out = alloc::vec![0; HEADER_BYTES];
    Header { next_header: first, ..Header::default() }.emit(&mut out);
    extensions.iter().for_each(|extension| out.extend_from_slice(extension));
    out
}

#[test]
fn the_walk_steps_over_every_known_header() {
    let mut fragment = [0; 8];
    Fragment { identification: 7, offset_bytes: 0, more: true, next_header: DESTINATION_OPTIONS }
        .emit(&mut fragment);
    let bytes = packet(
        HOP_BY_HOP,
        &[
            &[ROUTING, 0, 5, 2, 0, 0, 1, 0],
            &[AUTHENTICATION, 0, 0, 0, 0, 0, 0, 0],
            &[FRAGMENT, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &fragment,
            &[TCP, 0, 1, 4, 0, 0, 0, 0],
            b"tcp",
        ],
    );
    let upper = walk(&bytes).unwrap();
    assert_eq!((upper.protocol, &bytes[upper.offset_bytes..]), (TCP, &b"tcp"[..]));
    assert_eq!(bytes[upper.named_at_bytes], TCP);
    assert_eq!(upper.problem, None);
    assert!(upper.fragment.is_some_and(|fragment| fragment.more && !fragment.is_atomic()));
}

#[test]
fn nothing_is_read_after_a_later_fragment_header() {
    let mut fragment = [0; 8];
    Fragment { identification: 7, offset_bytes: 1_280, more: false, next_header: HOP_BY_HOP }
        .emit(&mut fragment);
    let bytes = packet(FRAGMENT, &[&fragment, &[0xff; 20]]);
    let upper = walk(&bytes).unwrap();
    assert_eq!((upper.protocol, upper.offset_bytes), (HOP_BY_HOP, 48));
    assert_eq!(upper.fragment.unwrap().offset_bytes, 1_280);
}

#[test]
fn what_must_be_complained_about_is_said_with_its_place() {
    let cases: [(u8, &[&[u8]], ProblemKind, u32); 5] = [
        (ROUTING, &[&[TCP, 0, 9, 1, 0, 0, 0, 0]], ProblemKind::RoutingType, 42),
        (
            DESTINATION_OPTIONS,
            &[&[HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0], &[TCP, 0, 1, 4, 0, 0, 0, 0]],
            ProblemKind::NextHeader,
            40,
        ),
        (HOP_BY_HOP, &[&[TCP, 0, 0, 0x41, 2, 0, 0, 0]], ProblemKind::OptionSilently, 43),
        (HOP_BY_HOP, &[&[TCP, 0, 0x81, 0, 1, 2, 0, 0]], ProblemKind::Option, 42),
        (DESTINATION_OPTIONS, &[&[TCP, 0, 1, 0, 0xc2, 2, 0, 0]], ProblemKind::OptionUnlessMulticast, 44),
    ];
    for (first, extensions, kind, pointer) in cases {
        let upper = walk(&packet(first, extensions)).unwrap();
        assert_eq!(upper.problem, Some(Problem { kind, pointer }));
    }
}

#[test]
fn a_chain_without_end_is_refused() {
    let link = [DESTINATION_OPTIONS, 0, 1, 4, 0, 0, 0, 0];
    assert_eq!(walk(&packet(DESTINATION_OPTIONS, &[&link[..]; 40])), Err(Error::TooManyHeaders));
    assert!(matches!(
        walk(&packet(DESTINATION_OPTIONS, &[&[TCP, 1, 1, 4, 0, 0, 0, 0]])),
        Err(Error::Truncated { .. })
    ));
}

prop_compose! {
    fn any_header()(
        addresses in any::<(u128, u128)>(), next_header in any::<u8>(), hop_limit in any::<u8>(), dscp in 0u8..64,
        ecn in 0u8..4, flow_label in 0u32..1 << 20, payload_bytes in any::<u16>(),
    ) -> Header {
        Header {
            source: addresses.0.into(),
            destination: addresses.1.into(),
            next_header, hop_limit, dscp, flow_label, payload_bytes,
            ecn: Ecn::from_bits(ecn),
        }
    }
}

proptest! {
    #[test]
    fn walking_never_panics(
        mut bytes in proptest::collection::vec(prop_oneof![Just(0u8), Just(43), Just(44), Just(51), Just(60), any::<u8>()], 40..200),
    ) {
        bytes[0] = 0x60;
        let _ = Header::parse(&bytes);
        if let Ok(upper) = walk(&bytes) {
            prop_assert!(upper.offset_bytes <= bytes.len());
        }
    }

    #[test]
    fn what_is_emitted_reads_back_as_it_was(header in any_header()) {
        let mut bytes = [0; HEADER_BYTES];
        header.emit(&mut bytes);
        prop_assert_eq!(Header::parse(&bytes), Ok(header));
        let (theirs, _) = etherparse::Ipv6Header::from_slice(&bytes).unwrap();
        prop_assert_eq!(Ipv6Addr::from(theirs.source), header.source);
        prop_assert_eq!(Ipv6Addr::from(theirs.destination), header.destination);
        prop_assert_eq!(theirs.traffic_class, header.dscp << 2 | header.ecn.bits());
        prop_assert_eq!((theirs.flow_label.value(), theirs.payload_length), (header.flow_label, header.payload_bytes));
        prop_assert_eq!((theirs.next_header.0, theirs.hop_limit), (header.next_header, header.hop_limit));
    }
}
