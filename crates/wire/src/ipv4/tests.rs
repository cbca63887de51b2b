use super::*;
use proptest::prelude::*;

prop_compose! {
    fn any_header()(
        addresses in any::<(u32, u32)>(), protocol in any::<u8>(), ttl in any::<u8>(), dscp in 0u8..64, ecn in 0u8..4,
        identification in any::<u16>(), dont_fragment in any::<bool>(), more_fragments in any::<bool>(),
        offset in 0u16..8192, total_bytes in 20u16..,
    ) -> Header {
        Header {
            source: addresses.0.into(),
            destination: addresses.1.into(),
            protocol, ttl, dscp, identification, dont_fragment, more_fragments, total_bytes,
            ecn: Ecn::from_bits(ecn),
            fragment_offset_bytes: offset * 8,
        }
    }
}

#[test]
fn options_are_stepped_over_and_short_headers_refused() {
    let mut packet = [0; 24];
    Header::default().emit(&mut packet);
    assert!(matches!(Header::parse(&packet), Ok((_, 20))));
    packet[0] = 0x46;
    assert!(matches!(Header::parse(&packet), Ok((_, 24))));
    assert_eq!(Header::parse(&packet[..23]), Err(Error::Truncated { needed_bytes: 24, available_bytes: 23 }));
    packet[0] = 0x44;
    assert_eq!(Header::parse(&packet), Err(Error::HeaderLength { found_bytes: 16 }));
    packet[0] = 0x65;
    assert_eq!(Header::parse(&packet), Err(Error::Version { found: 6 }));
}

#[test]
fn the_total_length_must_fit_the_packet() {
    let header = Header { total_bytes: 40, ..Header::default() };
    assert_eq!(header.text_bytes(20, 60), Ok(20), "padding after the packet does not count");
    assert!(header.text_bytes(20, 39).is_err());
    assert!(header.text_bytes(44, 60).is_err());
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
        if let Ok((header, header_bytes)) = Header::parse(&bytes) {
            let _ = header.text_bytes(header_bytes, bytes.len());
        }
    }

    #[test]
    fn what_is_emitted_reads_back_as_it_was(header in any_header(), flip in 0usize..160) {
        let mut bytes = [0; HEADER_BYTES];
        header.emit(&mut bytes);
        prop_assert_eq!(Header::parse(&bytes), Ok((header, HEADER_BYTES)));
        prop_assert!(checksum_is_good(&bytes));
        bytes[flip / 8] ^= 1 << (flip % 8);
        prop_assert!(!checksum_is_good(&bytes));
    }

    #[test]
    fn etherparse_reads_what_we_emit(header in any_header()) {
        let mut bytes = [0; HEADER_BYTES];
        header.emit(&mut bytes);
        let (theirs, _) = etherparse::Ipv4Header::from_slice(&bytes).unwrap();
        prop_assert_eq!(theirs.calc_header_checksum(), theirs.header_checksum);
        prop_assert_eq!(Ipv4Addr::from(theirs.source), header.source);
        prop_assert_eq!(theirs.fragment_offset.byte_offset(), header.fragment_offset_bytes);
        prop_assert_eq!((theirs.dont_fragment, theirs.more_fragments), (header.dont_fragment, header.more_fragments));
        prop_assert_eq!((theirs.dscp.value(), theirs.ecn.value()), (header.dscp, header.ecn.bits()));
        prop_assert_eq!((theirs.total_len, theirs.identification), (header.total_bytes, header.identification));
        prop_assert_eq!((theirs.time_to_live, theirs.protocol.0), (header.ttl, header.protocol));
    }
}
