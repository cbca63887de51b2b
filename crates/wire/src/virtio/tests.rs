use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..14)) {
        let _ = Header::parse(&bytes);
    }

    #[test]
    fn what_is_emitted_reads_back_as_it_was(
        numbers in any::<[u16; 4]>(), gso in 0usize..3, checksum in 0usize..3, gso_ecn in any::<bool>(), long in any::<bool>(),
    ) {
        let [header_bytes, segment_bytes, start, offset] = numbers;
        let header = Header {
            gso: [Gso::None, Gso::TcpV4, Gso::TcpV6][gso],
            checksum: [Checksum::Complete, Checksum::Trusted, Checksum::Partial { start, offset }][checksum],
            gso_ecn, header_bytes, segment_bytes,
        };
        let mut bytes = [0xff; HEADER_MERGEABLE_BYTES];
        let len = if long { HEADER_MERGEABLE_BYTES } else { HEADER_BYTES };
        header.emit(&mut bytes[..len]);
        prop_assert_eq!(Header::parse(&bytes[..len]), Ok(header));
    }
}

#[test]
fn udp_super_segments_are_refused() {
    for gso in [3, 5, 2] {
        assert!(Header::parse(&[0, gso, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }
}
