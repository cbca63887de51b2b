//! No frame harms the host: arbitrary bytes, mutated packets, refused fragments.

use crate::world::{CLIENT, Pair, SERVER, link, text};
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::time::Duration;
use synfin_stack::{Config, Discard, SocketId};
use wire::{Checksum, Frame, Head, LinkCapabilities, Medium, Offload, Payload, ipv4};

/// A pair with a listener, an open connection, sockets and unread data.
fn alive(medium: Medium) -> (Pair, SocketId) {
    let mut pair = Pair::with(&Config::default(), LinkCapabilities { medium, ..link() });
    let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
    pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    let now = pair.now;
    pair.client().tcp_write(now, client, b"unread").unwrap();
    pair.server().tcp_write(now, server, &text(3_000)).unwrap();
    pair.settle();
    (pair, client)
}

/// Packets that hosts really send, as a base for mutations.
fn material(medium: Medium) -> Vec<Vec<u8>> {
    let (mut pair, client) = alive(medium);
    let asker = pair.client().udp_bind("[::]:0".parse().unwrap()).unwrap();
    for remote in ["10.0.0.2:53", "[fd00::2]:53", "10.0.0.2:54", "[fd00::2]:54"] {
        let now = pair.now;
        pair.client().udp_send_to(now, asker, text(2_000).into(), remote.parse().unwrap()).unwrap();
    }
    let listener = pair.server().tcp_listen("[fd00::2]:81".parse().unwrap(), 8).unwrap();
    let (v6, _) = pair.connect(listener, "[fd00::2]:81");
    let now = pair.now;
    pair.client().tcp_write(now, v6, &text(3_000)).unwrap();
    pair.close((CLIENT, v6));
    pair.close((CLIENT, client));
    pair.seen.into_iter().map(|(_, frame)| frame).collect()
}

fn offload() -> impl Strategy<Value = Offload> {
    let checksum = prop_oneof![
        Just(Checksum::Complete),
        Just(Checksum::Trusted),
        (any::<u16>(), any::<u16>()).prop_map(|(start, offset)| Checksum::Partial { start, offset }),
    ];
    (prop_oneof![Just(0u16), any::<u16>()], checksum)
        .prop_map(|(segment_bytes, checksum)| Offload { segment_bytes, checksum })
}

/// Bytes as a frame, cut into a head and pieces anywhere.
fn frame(bytes: &[u8], head_bytes: usize, cut: usize, offload: Offload) -> Frame {
    let head_bytes = head_bytes.min(bytes.len()).min(wire::frame::HEAD_BYTES_MAX);
    let mut head = Head::new();
    head.grow(head_bytes).copy_from_slice(&bytes[..head_bytes]);
    let rest = &bytes[head_bytes..];
    let (one, two) = rest.split_at(cut.min(rest.len()));
    let mut payload = Payload::new();
    payload.push(one.to_vec().into());
    payload.push(two.to_vec().into());
    Frame { head, payload, offload }
}

fn survive(pair: &mut Pair, frames: Vec<Frame>) {
    for frame in frames {
        let (now, link) = (pair.now, pair.links[SERVER]);
        pair.server().handle_frame(now, link, frame);
        // Answers are not delivered; what matters is that they come to an end.
        for _ in 0..10_000 {
            if pair.server().poll_transmit(now).is_none() {
                break;
            }
        }
        assert!(pair.server().poll_transmit(now).is_none(), "it never stops sending");
        while pair.server().poll_event().is_some() {}
        pair.now += Duration::from_millis(7);
        let now = pair.now;
        pair.server().handle_timeout(now);
    }
    assert!(pair.server().usage().connections < 64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_do_no_harm(
        ethernet in any::<bool>(),
        frames in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..200), offload(), 0usize..150), 1..20),
    ) {
        let medium = if ethernet { Medium::Ethernet } else { Medium::Ip };
        let (mut pair, _) = alive(medium);
        let frames = frames.into_iter().map(|(bytes, offload, cut)| frame(&bytes, cut % 3 * 30, cut, offload));
        survive(&mut pair, frames.collect());
    }

    #[test]
    fn mutated_packets_do_no_harm(
        ethernet in any::<bool>(),
        picks in proptest::collection::vec(
            (any::<prop::sample::Index>(), offload(), 0usize..150, 0usize..150,
             proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
             prop::option::of(any::<prop::sample::Index>())), 1..30),
    ) {
        let medium = if ethernet { Medium::Ethernet } else { Medium::Ip };
        let material = material(medium);
        let (mut pair, _) = alive(medium);
        let frames = picks.into_iter().map(|(pick, offload, head, cut, changes, truncate)| {
            let mut bytes = pick.get(&material).clone();
            for (at, value) in changes {
                let at = at.index(bytes.len().min(80));
                bytes[at] = value;
            }
            if let Some(at) = truncate {
                bytes.truncate(at.index(bytes.len()));
            }
            frame(&bytes, head, cut, offload)
        });
        survive(&mut pair, frames.collect());
    }
}

#[test]
fn frames_in_pieces_are_read_as_well_as_whole_ones() {
    for medium in [Medium::Ip, Medium::Ethernet] {
        for (head, cut) in [(0, 0), (0, 3), (20, 0), (20, 7), (34, 100), (54, 0), (1, 1), (134, 9)] {
            let mut pair = Pair::with(&Config::default(), LinkCapabilities { medium, ..link() });
            pair.settle();
            let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
            let (client, server) = pair.connect(listener, "10.0.0.2:80");
            let now = pair.now;
            pair.client().tcp_write(now, client, b"in pieces").unwrap();
            let (_, sent) = pair.client().poll_transmit(now).unwrap();
            let link = pair.links[SERVER];
            pair.server().handle_frame(now, link, frame(&sent.to_vec(), head, cut, sent.offload));
            let mut buffer = [0; 20];
            assert_eq!(pair.server().tcp_read(now, server, &mut buffer), Ok(9), "{medium:?} {head} {cut}");
            assert_eq!(&buffer[..9], b"in pieces");
        }
    }
}

#[test]
fn bad_checksums_and_lengths_are_counted() {
    let (mut pair, _) = alive(Medium::Ip);
    let good = pair.seen.last().unwrap().1.clone();
    let (_, frame) =
        pair.seen.iter().find(|(from, frame)| *from == CLIENT && frame.len() > 52).unwrap().clone();
    let mut cases = Vec::new();
    let mut change = |why: Discard, edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = frame.clone();
        edit(&mut bytes);
        cases.push((why, bytes));
    };
    change(Discard::IpHeaderChecksum, &|bytes| bytes[8] ^= 1);
    change(Discard::IpMalformed, &|bytes| bytes.truncate(30));
    change(Discard::IpMalformed, &|bytes| bytes[0] = 0x44);
    change(Discard::IpMalformed, &|bytes| bytes[0] = 0x95);
    change(Discard::IpMalformed, &|bytes| bytes.clear());
    change(Discard::TcpChecksum, &|bytes| *bytes.last_mut().unwrap() ^= 1);
    change(Discard::TcpMalformed, &|bytes| bytes[32] = 0x10);
    for (why, bytes) in cases {
        let before = pair.server().counters().discarded(why);
        pair.inject(CLIENT, bytes);
        assert_eq!(pair.server().counters().discarded(why), before + 1, "{why:?}");
    }
    let mut routed = vec![0; 24 + good.len() - 20];
    routed[..20].copy_from_slice(&frame[..20]);
    routed[0] = 0x46;
    routed[20..24].copy_from_slice(&[131, 4, 4, 0]);
    let len = routed.len() as u16;
    routed[2..4].copy_from_slice(&len.to_be_bytes());
    routed[10..12].copy_from_slice(&[0, 0]);
    let checksum = wire::checksum::of(&routed[..24]);
    routed[10..12].copy_from_slice(&checksum.to_be_bytes());
    pair.inject(CLIENT, routed);
    assert_eq!(pair.server().counters().discarded(Discard::IpSourceRoute), 1);
}

fn fragment(identification: u16, offset: u16, more: bool, protocol: u8, text: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 20 + text.len()];
    let header = ipv4::Header {
        source: Ipv4Addr::new(10, 0, 0, 1),
        destination: Ipv4Addr::new(10, 0, 0, 2),
        protocol,
        identification,
        more_fragments: more,
        fragment_offset_bytes: offset,
        total_bytes: packet.len() as u16,
        ..ipv4::Header::default()
    };
    header.emit(&mut packet);
    packet[20..].copy_from_slice(text);
    packet
}

#[test]
fn impossible_fragments_are_refused() {
    let refusals = |fragments: &[Vec<u8>], why: Discard| {
        let mut pair = Pair::new();
        fragments.iter().for_each(|fragment| pair.inject(CLIENT, fragment.clone()));
        assert_eq!(pair.server().counters().reassembled, 0);
        let counted = pair.server().counters().discarded(why);
        assert!(counted > 0, "{why:?}: {:?}", pair.server().counters());
        counted
    };
    let text = [7; 64];
    // RFC 1858: a first fragment without the whole TCP header, and one that would rewrite its flags.
    refusals(&[fragment(1, 0, true, 6, &text[..16])], Discard::FragmentTiny);
    refusals(&[fragment(1, 8, false, 6, &text)], Discard::FragmentTiny);
    refusals(&[fragment(1, 0, true, 17, &[])], Discard::FragmentTiny);
    // RFC 5722: after an overlap the datagram is refused, and its later fragments too.
    let overlap = [
        fragment(2, 0, true, 17, &text),
        fragment(2, 56, true, 17, &text),
        fragment(2, 64, false, 17, &text),
    ];
    assert_eq!(refusals(&overlap, Discard::FragmentOverlap), 2);
    // Lengths that contradict each other or the protocol.
    refusals(&[fragment(3, 0, true, 17, &text[..63])], Discard::FragmentLength);
    refusals(&[fragment(3, 65_528, false, 17, &text)], Discard::FragmentLength);
    refusals(
        &[fragment(4, 64, false, 17, &text), fragment(4, 128, true, 17, &text)],
        Discard::FragmentLength,
    );
}

/// What two fragments with these ECN fields make: the field of the whole packet, as its answer quotes it, or nothing.
fn together(first: u8, second: u8) -> Option<u8> {
    let mut pair = Pair::new();
    // To a port where nobody listens: the error quotes the packet.
    let text = [[0, 9, 0, 9, 0, 72, 0, 0].as_slice(), &[7; 64]].concat();
    for (ecn, fragment) in
        [(first, fragment(7, 0, true, 17, &text[..64])), (second, fragment(7, 64, false, 17, &text[64..]))]
    {
        let mut fragment = fragment;
        fragment[1] |= ecn;
        fragment[10..12].copy_from_slice(&[0, 0]);
        let checksum = wire::checksum::of(&fragment[..20]);
        fragment[10..12].copy_from_slice(&checksum.to_be_bytes());
        pair.seen.clear();
        pair.inject(CLIENT, fragment);
    }
    pair.settle();
    let refused = pair.server().counters().discarded(Discard::FragmentEcn);
    let quoted = pair.seen.iter().find_map(|(from, packet)| (*from == SERVER).then(|| packet[29] & 3));
    assert_eq!(refused == 0, quoted.is_some(), "{first} {second}");
    quoted
}

#[test]
fn a_mark_on_one_fragment_is_a_mark_on_all() {
    // RFC 3168 §5.3: 0 not capable, 1 and 2 capable, 3 marked.
    for capable in [1, 2] {
        assert_eq!(together(3, capable), Some(3));
        assert_eq!(together(capable, 3), Some(3));
        assert_eq!(together(capable, 0), Some(0), "the less that is claimed, the better");
        assert_eq!(together(0, capable), Some(0));
        assert_eq!(together(capable, capable), Some(capable));
    }
    assert_eq!((together(0, 0), together(3, 3)), (Some(0), Some(3)));
    assert_eq!((together(3, 0), together(0, 3)), (None, None), "nobody could have set the mark");
}

#[test]
fn refused_datagrams_take_no_room() {
    // The texts would take 80,000 bytes, what refuses later fragments takes less.
    let config = Config { reassembly_bytes_max: 60_000, ..Config::default() };
    let mut pair = Pair::with(&config, link());
    for n in 0..50 {
        pair.inject(CLIENT, fragment(n, 0, true, 17, &[7; 800]));
        pair.inject(CLIENT, fragment(n, 792, true, 17, &[7; 800]));
    }
    assert_eq!(pair.server().counters().discarded(Discard::FragmentOverlap), 50);
    assert_eq!(pair.server().counters().discarded(Discard::FragmentBound), 0);
}

#[test]
fn fragments_are_bounded_in_bytes_and_number() {
    let config = Config { reassembly_bytes_max: 20_000, reassembly_datagrams_max: 8, ..Config::default() };
    let mut pair = Pair::with(&config, link());
    for n in 0..100 {
        pair.inject(CLIENT, fragment(n, 0, true, 17, &[7; 800]));
        assert!(pair.server().usage().reassemblies <= 8);
    }
    assert_eq!(pair.server().counters().discarded(Discard::FragmentBound), 92);
    for n in 0..200 {
        pair.inject(CLIENT, fragment(5_000, n * 8, true, 17, &[7; 8]));
    }
    assert!(pair.server().counters().discarded(Discard::FragmentBound) > 92);
    pair.pass_time(Duration::from_secs(31));
    assert_eq!(pair.server().usage().reassemblies, 0);
    assert_eq!(pair.server().poll_timeout(), None);
}
