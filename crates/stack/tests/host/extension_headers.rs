//! Fragments of IPv6 packets whose extension headers are fragmented with them (RFC 8200 §4.5, RFC 5722).

use crate::world::{CLIENT, Pair, text};
use std::net::Ipv6Addr;
use synfin_stack::{Discard, SocketId};
use wire::{checksum, ipv6};

const HOP_BY_HOP: u8 = 0;
const UDP: u8 = 17;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;
/// Options that are all padding.
const PADDING: [u8; 6] = [1, 4, 0, 0, 0, 0];

fn ends() -> (Ipv6Addr, Ipv6Addr) {
    ("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap())
}

/// Options of eight bytes in all, before `next`.
fn options(next: u8, options: [u8; 6]) -> Vec<u8> {
    [&[next, 0][..], &options].concat()
}

fn datagram(text: &[u8]) -> Vec<u8> {
    let len = 8 + text.len() as u16;
    let mut bytes =
        [&1_000u16.to_be_bytes()[..], &53u16.to_be_bytes(), &len.to_be_bytes(), &[0, 0], text].concat();
    let (source, destination) = ends();
    let mut sum = checksum::pseudo_header_v6(source, destination, UDP, u32::from(len));
    sum.add(&bytes);
    bytes[6..8].copy_from_slice(&sum.checksum().to_be_bytes());
    bytes
}

fn packet(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let (source, destination) = ends();
    let payload_bytes = payload.len() as u16;
    let mut bytes = vec![0; ipv6::HEADER_BYTES];
    ipv6::Header { source, destination, payload_bytes, next_header, ..ipv6::Header::default() }
        .emit(&mut bytes);
    bytes.extend(payload);
    bytes
}

/// A fragment of a fragmentable part that begins with `first`.
fn fragment(first: u8, part: &[u8], from: usize, to: usize) -> Vec<u8> {
    let mut bytes = [0; ipv6::Fragment::BYTES];
    let more = to < part.len();
    ipv6::Fragment { identification: 77, offset_bytes: from as u16, more, next_header: first }
        .emit(&mut bytes);
    packet(FRAGMENT, &[&bytes, &part[from..to]].concat())
}

fn server() -> (Pair, SocketId) {
    let mut pair = Pair::new();
    let socket = pair.server().udp_bind("[fd00::2]:53".parse().unwrap()).unwrap();
    (pair, socket)
}

fn arrived(pair: &mut Pair, socket: SocketId) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 70_000];
    let (len, _) = pair.server().udp_recv_from(socket, &mut buffer).ok()?;
    buffer.truncate(len);
    Some(buffer)
}

/// Where the ICMPv6 parameter problem that the server sent points to, and its code.
fn problem(pair: &mut Pair) -> Option<(u8, u32)> {
    pair.settle();
    let (_, sent) = pair.seen.iter().find(|(from, frame)| *from != CLIENT && frame[40] == 4)?;
    Some((sent[41], u32::from_be_bytes(sent[44..48].try_into().unwrap())))
}

#[test]
fn extension_headers_may_be_in_the_fragments() {
    let data = text(40);
    let part = [options(DESTINATION_OPTIONS, PADDING), options(UDP, PADDING), datagram(&data)].concat();
    let cut = |from, to| fragment(DESTINATION_OPTIONS, &part, from, to);
    let end = part.len();
    for order in
        [[(0, 24), (24, 40), (40, end)], [(40, end), (0, 24), (24, 40)], [(24, 40), (40, end), (0, 24)]]
    {
        let (mut pair, socket) = server();
        for (from, to) in order {
            assert_eq!(arrived(&mut pair, socket), None);
            pair.inject(CLIENT, cut(from, to));
            // RFC 8200 §4.5 lets exact duplicates be dropped.
            if pair.server().usage().reassemblies > 0 {
                pair.inject(CLIENT, cut(from, to));
            }
        }
        assert_eq!(arrived(&mut pair, socket).as_ref(), Some(&data), "{order:?}");
        assert_eq!(pair.server().counters().discarded_total(), 0);
        assert_eq!(pair.server().usage().reassemblies, 0);
    }
}

#[test]
fn headers_before_the_fragment_header_stay() {
    let data = text(40);
    let part = datagram(&data);
    let (mut pair, socket) = server();
    for (from, to) in [(0, 24), (24, part.len())] {
        let whole = fragment(UDP, &part, from, to);
        let payload = [options(FRAGMENT, PADDING), whole[ipv6::HEADER_BYTES..].to_vec()].concat();
        pair.inject(CLIENT, packet(HOP_BY_HOP, &payload));
    }
    assert_eq!(arrived(&mut pair, socket), Some(data));
}

#[test]
fn overlaps_are_refused_wherever_the_headers_are() {
    // By eight bytes, by which the first fragment seems shorter if its extension header is not counted.
    let part = [options(UDP, PADDING), datagram(&text(40))].concat();
    for [first, second] in [[(0, 24), (16, 56)], [(16, 56), (0, 24)]] {
        let (mut pair, socket) = server();
        for (from, to) in [first, second, (24, 56), (0, 24)] {
            pair.inject(CLIENT, fragment(DESTINATION_OPTIONS, &part, from, to));
        }
        assert_eq!(arrived(&mut pair, socket), None);
        assert_eq!(pair.server().counters().reassembled, 0);
        assert!(pair.server().counters().discarded(Discard::FragmentOverlap) >= 2);
        assert_eq!(problem(&mut pair), None, "no message: its source may be forged");
    }
}

#[test]
fn the_first_fragment_has_all_headers() {
    let part = [options(UDP, PADDING), datagram(&text(40))].concat();
    let (mut pair, socket) = server();
    pair.inject(CLIENT, fragment(DESTINATION_OPTIONS, &part, 0, 8));
    pair.inject(CLIENT, fragment(DESTINATION_OPTIONS, &part, 8, part.len()));
    assert_eq!(arrived(&mut pair, socket), None);
    assert_eq!(pair.server().counters().discarded(Discard::FragmentTiny), 1);
    assert_eq!(pair.server().counters().reassembled, 0);
}

#[test]
fn what_is_behind_the_fragment_header_is_looked_at_when_it_is_whole() {
    // An option that must be known, two bytes into its header, behind other options.
    let part =
        [options(DESTINATION_OPTIONS, PADDING), options(UDP, [0x80, 4, 0, 0, 0, 0]), datagram(&text(40))]
            .concat();
    let (mut pair, socket) = server();
    pair.inject(CLIENT, fragment(DESTINATION_OPTIONS, &part, 0, 24));
    assert_eq!(problem(&mut pair), None);
    pair.inject(CLIENT, fragment(DESTINATION_OPTIONS, &part, 24, part.len()));
    assert_eq!(problem(&mut pair), Some((2, 40 + 8 + 2)), "where it stands in the original packet");
    assert_eq!(arrived(&mut pair, socket), None);
    assert_eq!(pair.server().counters().discarded(Discard::Ipv6Extension), 1);
}

#[test]
fn fragments_of_a_fragment_go_nowhere() {
    let inner = fragment(UDP, &datagram(&text(40)), 0, 24);
    let part = inner[ipv6::HEADER_BYTES..].to_vec();
    let (mut pair, socket) = server();
    for (from, to) in [(16, part.len()), (0, 16)] {
        pair.inject(CLIENT, fragment(FRAGMENT, &part, from, to));
    }
    assert_eq!(arrived(&mut pair, socket), None);
    assert_eq!(pair.server().counters().discarded(Discard::IpMalformed), 1);
    assert_eq!(pair.server().usage().reassemblies, 0);
}

#[test]
fn a_whole_packet_is_as_long_as_its_length_field_can_say() {
    for (text_bytes, fits) in [(65_519, true), (65_520, false)] {
        let data = text(text_bytes);
        let part = [options(UDP, PADDING), datagram(&data)].concat();
        let (mut pair, socket) = server();
        for (from, to) in [(0, 32_768), (32_768, part.len())] {
            pair.inject(CLIENT, fragment(DESTINATION_OPTIONS, &part, from, to));
        }
        assert_eq!(arrived(&mut pair, socket), fits.then_some(data));
        let pointer = (!fits).then_some((0, 42));
        assert_eq!(problem(&mut pair), pointer, "at the offset");
    }
}
