//! Floods of fragments: a stranger has a share of the table, and honest datagrams arrive.

use crate::world::{CLIENT, Pair, SERVER, link, text};
use bytes::Bytes;
use std::net::Ipv4Addr;
use std::time::Duration;
use synfin_stack::{Config, Discard, MemoryBudget, MemoryLevel, SocketId};
use wire::ipv4;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const HONEST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

fn fragment(source: Ipv4Addr, identification: u16, offset: usize, more: bool, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 20 + body.len()];
    ipv4::Header {
        source,
        destination: OURS,
        protocol: 17,
        identification,
        more_fragments: more,
        fragment_offset_bytes: offset as u16,
        total_bytes: packet.len() as u16,
        ..ipv4::Header::default()
    }
    .emit(&mut packet);
    packet[20..].copy_from_slice(body);
    packet
}

/// A datagram without checksum to port 53.
fn datagram(text_bytes: usize) -> Vec<u8> {
    let mut bytes = [&9u16.to_be_bytes()[..], &53u16.to_be_bytes()].concat();
    bytes.extend(((8 + text_bytes) as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(text(text_bytes));
    bytes
}

/// Sends 100 honest datagrams of three fragments, 2 ms between these; in each gap `flood` injects what it likes.
fn honest_among(pair: &mut Pair, socket: SocketId, mut flood: impl FnMut(&mut Pair)) -> usize {
    let bytes = datagram(4_000);
    let mut arrived = 0;
    for identification in 0..100 {
        for (n, body) in bytes.chunks(1_480).enumerate() {
            pair.inject(CLIENT, fragment(HONEST, identification, n * 1_480, n < 2, body));
            flood(pair);
            pair.now += Duration::from_millis(2);
            let now = pair.now;
            pair.server().handle_timeout(now);
        }
        arrived += usize::from(pair.server().udp_recv_from(socket, &mut [0; 5_000]).is_ok());
    }
    arrived
}

#[test]
fn one_stranger_does_not_starve_honest_senders_at_any_rate() {
    for bytes in [8, 1_400] {
        let mut pair = Pair::new();
        let socket = pair.server().udp_bind("10.0.0.2:53".parse().unwrap()).unwrap();
        let mut sent = 0u16;
        let arrived = honest_among(&mut pair, socket, |pair| {
            for _ in 0..600 {
                sent = sent.wrapping_add(1);
                pair.inject(CLIENT, fragment(Ipv4Addr::new(10, 0, 0, 66), sent, 0, true, &vec![7; bytes]));
            }
        });
        assert_eq!(arrived, 100, "300,000 fragments of {bytes} bytes a second");
        assert!(pair.server().usage().reassemblies <= 64);
        assert!(pair.server().counters().discarded(Discard::FragmentBound) > 170_000);
    }
}

#[test]
fn forged_sources_must_send_more_than_the_table_holds_while_a_datagram_arrives() {
    let mut pair = Pair::new();
    let socket = pair.server().udp_bind("10.0.0.2:53".parse().unwrap()).unwrap();
    let mut sent = 0;
    let arrived = honest_among(&mut pair, socket, |pair| {
        for _ in 0..300 {
            sent += 1;
            pair.inject(CLIENT, fragment(Ipv4Addr::from_bits(0x0b00_0000 + sent), 1, 0, true, &[0; 8]));
        }
    });
    assert_eq!(arrived, 100, "150,000 fragments a second, each from another source");
    assert!(pair.server().usage().reassemblies > 3_000);
}

#[test]
fn a_source_has_a_share_of_the_bytes() {
    let mut pair = Pair::new();
    for identification in 0..60 {
        for n in 0..40 {
            let source = Ipv4Addr::new(10, 0, 0, 66);
            pair.inject(CLIENT, fragment(source, identification, 1_480 * (n + 1), true, &[7; 1_480]));
        }
    }
    // 60 datagrams of 59,200 bytes in 40 pieces each, of which a mebibyte stays.
    let held = pair.server().usage().reassemblies;
    assert!((14..=17).contains(&held), "{held}");
    assert_eq!(pair.server().counters().discarded(Discard::FragmentBound), 60 - held as u64);
}

#[test]
fn datagrams_that_are_complete_leave_nothing_behind_an_incomplete_one() {
    let config = Config { reassembly_datagrams_max: 2, ..Config::default() };
    let mut pair = Pair::with(&config, link());
    let socket = pair.server().udp_bind("10.0.0.2:53".parse().unwrap()).unwrap();
    pair.inject(CLIENT, fragment(HONEST, 60_000, 0, true, &[0; 8]));
    let bytes = datagram(24);
    for identification in 0..1_000 {
        pair.inject(CLIENT, fragment(HONEST, identification, 16, false, &bytes[16..]));
        pair.inject(CLIENT, fragment(HONEST, identification, 0, true, &bytes[..16]));
        assert!(pair.server().udp_recv_from(socket, &mut [0; 99]).is_ok());
    }
    assert_eq!(pair.server().usage().reassemblies, 1);
    assert_eq!(pair.server().counters().discarded(Discard::FragmentBound), 0);
    pair.pass_time(Duration::from_secs(31));
    assert_eq!(pair.server().poll_timeout(), None);
}

#[test]
fn a_first_fragment_does_not_hold_the_buffer_that_it_came_in() {
    let mut pair = Pair::new();
    // The link has padded the packet, or its buffer is a large one of the driver's.
    let mut frame = fragment(HONEST, 1, 0, true, &[7; 8]);
    frame.resize(60_000, 0);
    let buffer = Bytes::from(frame);
    let (now, link) = (pair.now, pair.links[SERVER]);
    pair.server().handle_frame(now, link, wire::Frame::from_bytes(buffer.clone()));
    assert_eq!(pair.server().usage().reassemblies, 1);
    assert!(buffer.is_unique(), "eight bytes are held, not 60,000");
    // The error at the end quotes the fragment all the same.
    pair.seen.clear();
    pair.pass_time(Duration::from_secs(31));
    let (_, error) = &pair.seen[0];
    let message = wire::icmp::v4::Message::parse(&error[20..]).unwrap();
    let quoted = &buffer[..28];
    assert_eq!(message, wire::icmp::v4::Message::TimeExceeded { code: 1, quoted });
}

#[test]
fn fragments_count_at_once_although_no_connection_comes_or_goes() {
    let budget = MemoryBudget::of(300_000);
    let config = Config { memory: budget, ..Config::default() };
    let mut pair = Pair::of(&Config::default(), &config, link());
    for source in 0..2_000u16 {
        let [a, b] = source.to_be_bytes();
        pair.inject(CLIENT, fragment(Ipv4Addr::new(10, 9, a, b), source, 8, true, &[7; 400]));
        let usage = pair.server().usage();
        assert!(usage.held_bytes <= budget.max_bytes / 20 * 21, "{usage:?}");
    }
    assert_eq!(pair.server().usage().memory, MemoryLevel::Full);
    assert!(pair.server().counters().discarded(Discard::MemoryFull) > 0);
    pair.now += Duration::from_secs(31);
    let now = pair.now;
    pair.server().handle_timeout(now);
    assert_eq!(pair.server().usage().memory, MemoryLevel::Calm, "they are forgotten");
}
