use super::super::walk::Walk;
use super::*;
use crate::decode::Ip;

fn ip(version: u8, id: u32) -> Ip {
    let address: IpAddr = if version == 4 { "10.0.0.1" } else { "2001:db8::1" }.parse().unwrap();
    Ip {
        src: address,
        dst: address,
        ttl: 64,
        traffic_class: 0,
        dont_fragment: false,
        id: Some(id),
        flow_label: 0,
        total_bytes: 0,
    }
}

fn fragment(ip: Ip, offset_bytes: u32, more: bool, data: &[u8]) -> IpFragment<'_> {
    IpFragment { walk: Walk::new(data, 0), ip, key_protocol: 6, protocol: 6, offset_bytes, more, data }
}

/// The payload that these fragments (offset, more, bytes) make in this order.
fn reassembled(version: u8, fragments: &[(u32, bool, &[u8])]) -> Option<Vec<u8>> {
    let mut reassembly = Reassembly::default();
    let mut whole = None;
    for &(offset, more, data) in fragments {
        let complete = reassembly.add(&fragment(ip(version, 1), offset, more, data), 0);
        whole = complete.map(|protocol| reassembly.completed_packet(protocol).data.to_vec()).or(whole);
    }
    whole
}

#[test]
fn fragments_in_any_order_and_repeated_make_the_packet() {
    let a = (0, true, &[1; 8][..]);
    let b = (8, true, &[2; 8][..]);
    let c = (16, false, &[3; 3][..]);
    let all = [&[1; 8][..], &[2; 8], &[3; 3]].concat();
    for version in [4, 6] {
        for order in [[a, b, c], [c, b, a], [b, a, c], [c, a, b]] {
            assert_eq!(reassembled(version, &order), Some(all.clone()));
        }
        assert_eq!(reassembled(version, &[a, c, a, b]), Some(all.clone()));
        assert_eq!(reassembled(version, &[a, b]), None);
    }
}

#[test]
fn an_overlap_keeps_the_first_bytes_in_ipv4_and_discards_ipv6() {
    let fragments = [(8, true, &[2; 8][..]), (0, true, &[1; 16]), (16, false, &[3; 3])];
    assert_eq!(reassembled(4, &fragments), Some([&[1; 8][..], &[2; 8], &[3; 3]].concat()));
    assert_eq!(reassembled(6, &fragments), None);
    assert_eq!(reassembled(6, &[(0, true, &[1; 8]), (0, true, &[9; 8]), (8, false, &[3; 3])]), None);
}

#[test]
fn packets_are_kept_apart_and_dropped_after_a_minute() {
    let mut reassembly = Reassembly::default();
    assert!(reassembly.add(&fragment(ip(4, 1), 0, true, &[1; 8]), 0).is_none());
    assert!(reassembly.add(&fragment(ip(4, 2), 8, false, &[2; 8]), 0).is_none());
    assert_eq!(reassembly.packets.len(), 2);
    assert!(reassembly.add(&fragment(ip(4, 1), 8, false, &[2; 8]), WAIT_NS + 1).is_none());
    assert_eq!(reassembly.packets.len(), 1);
}

#[test]
fn memory_is_bounded_and_impossible_fragments_are_refused() {
    let mut reassembly = Reassembly::default();
    for id in 0..10_000 {
        assert!(reassembly.add(&fragment(ip(4, id), 65_520, true, &[1; 8]), 0).is_none());
        assert!(reassembly.packets.len() <= PACKETS_MAX);
    }
    let bytes: usize = reassembly.packets.iter().map(|packet| packet.data.len()).sum();
    assert!(bytes <= BYTES_MAX);
    let mut reassembly = Reassembly::default();
    for (offset, more, data) in [(65_528, false, &[0; 16][..]), (0, true, &[0; 7]), (8, false, &[])] {
        assert!(reassembly.add(&fragment(ip(4, 1), offset, more, data), 0).is_none());
    }
    assert!(reassembly.packets.is_empty());
}
