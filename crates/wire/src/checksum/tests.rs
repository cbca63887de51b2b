use super::*;
use alloc::vec::Vec;
use bytes::Bytes;
use proptest::prelude::*;

/// RFC 1071 §4.1, word by word.
fn plain(bytes: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Whether two checksums are equal; one's complement has two zeros, 0 and 0xffff.
fn same(a: u16, b: u16) -> bool {
    a == b || (a.is_multiple_of(0xffff) && b.is_multiple_of(0xffff))
}

#[test]
fn all_ones_do_not_overflow() {
    for len in [0, 1, 63, 64, 65, 1_460, 65_535, 9_000_001] {
        let bytes = alloc::vec![0xff; len];
        assert!(same(of(&bytes), plain(&bytes)), "{len} bytes of ff");
    }
}

#[test]
fn an_intact_packet_sums_to_all_ones() {
    let mut header = [0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 192, 168, 0, 1, 192, 168, 0, 199];
    let checksum = of(&header);
    assert_eq!(checksum, 0xb861);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    let mut sum = Sum::new();
    sum.add(&header);
    assert!(sum.is_intact());
}

#[test]
fn both_pseudo_headers_are_the_bytes_they_stand_for() {
    let source: Ipv6Addr = "fd90::1".parse().unwrap();
    let destination: Ipv6Addr = "fd90::2".parse().unwrap();
    let mut flat = Vec::new();
    flat.extend_from_slice(&source.octets());
    flat.extend_from_slice(&destination.octets());
    flat.extend_from_slice(&70_000u32.to_be_bytes());
    flat.extend_from_slice(&[0, 0, 0, 6]);
    assert_eq!(pseudo_header(source.into(), destination.into(), 6, 70_000).checksum(), plain(&flat));
}

proptest! {
    #[test]
    fn agrees_with_the_plain_sum(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert_eq!(of(&bytes), plain(&bytes));
    }

    #[test]
    fn pieces_of_odd_lengths_make_no_difference(
        bytes in proptest::collection::vec(any::<u8>(), 1..400),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let whole = Bytes::from(bytes.clone());
        let mut payload = Payload::new();
        cuts.windows(2).for_each(|pair| payload.push(whole.slice(pair[0]..pair[1])));
        let mut sum = Sum::new();
        sum.add_payload(&payload);
        prop_assert_eq!(sum.checksum(), plain(&bytes));
    }

    #[test]
    fn an_update_is_a_new_sum(mut bytes in proptest::array::uniform20(any::<u8>()), new in any::<u32>(), at in 0usize..4) {
        let before = of(&bytes);
        let at = at * 4;
        let old = u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        bytes[at..at + 4].copy_from_slice(&new.to_be_bytes());
        prop_assert!(same(updated_u32(before, old, new), of(&bytes)));
    }
}
