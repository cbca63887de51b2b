//! Every parser: any bytes are a value or an error; a value that is written and read again is the same.

use super::feed::Feed;
use capture::{Annotator, Decoder, LinkType, Piece, Reader, Section};
use script::Span;
use script::ast::{Script, What};
use wire::tcp::{Header, OptionLayout, RawOptions};
use wire::{arp, ethernet, icmp, ipv4, ipv6, udp, virtio};

/// TCP headers and options.
pub(super) fn wire_tcp(bytes: &[u8]) {
    let _ = Header::parse_fixed(bytes);
    assert!(RawOptions::new(bytes).count() <= bytes.len(), "every option takes at least a byte");
    let Ok((header, header_bytes)) = Header::parse(bytes) else { return };
    assert!((20..=60).contains(&header_bytes) && header_bytes <= bytes.len());
    for layout in [OptionLayout::Linux, OptionLayout::default()] {
        let mut into = [0; 60];
        let len = header.emit(&mut into, layout);
        assert!(len == header.len_bytes(layout) && len % 4 == 0);
        let (again, read) = Header::parse(&into[..len]).expect("what we write can be read");
        assert_eq!(read, len);
        let fixed = |header: &Header| Header { options: wire::tcp::Options::default(), ..*header };
        assert_eq!(fixed(&again), fixed(&header));
        // What does not fit is left out, never changed.
        let (was, is) = (&header.options, &again.options);
        assert!(
            (is.mss, is.window_scale, is.sack_permitted) == (was.mss, was.window_scale, was.sack_permitted)
        );
        assert!(is.timestamps == was.timestamps && was.sack.as_slice().starts_with(is.sack.as_slice()));
    }
}

/// IPv4 and IPv6 with extension headers, UDP.
pub(super) fn wire_ip(bytes: &[u8]) {
    if let Ok((header, header_bytes)) = ipv4::Header::parse(bytes) {
        assert!((20..=60).contains(&header_bytes) && header_bytes <= bytes.len());
        let text = header.text_bytes(header_bytes, bytes.len());
        assert!(text.is_ok_and(|text| header_bytes + text <= bytes.len()) || text.is_err());
        let _ = ipv4::checksum_is_good(&bytes[..header_bytes]);
        let mut into = [0; ipv4::HEADER_BYTES];
        header.emit(&mut into);
        assert!(ipv4::checksum_is_good(&into));
    }
    if let Ok(header) = ipv6::Header::parse(bytes) {
        let text = header.text_bytes(bytes.len());
        assert!(text.is_ok_and(|text| ipv6::HEADER_BYTES + text <= bytes.len()) || text.is_err());
        let mut into = [0; ipv6::HEADER_BYTES];
        header.emit(&mut into);
        assert_eq!(ipv6::Header::parse(&into), Ok(header));
    }
    if let Ok(upper) = ipv6::walk(bytes) {
        assert!(upper.offset_bytes <= bytes.len() && upper.named_at_bytes <= bytes.len());
    }
    if let Ok(header) = udp::Header::parse(bytes) {
        let _ = header.text_bytes(bytes.len());
    }
}

/// ICMP of both versions, neighbour discovery, and what errors quote.
pub(super) fn wire_icmp(bytes: &[u8]) {
    if let Ok(message) = icmp::v4::Message::parse(bytes) {
        let mut into = vec![0; message.len_bytes()];
        message.emit(&mut into);
        assert_eq!(icmp::v4::Message::parse(&into), Ok(message));
    }
    let (a, b) = ([1; 16].into(), [2; 16].into());
    if let Ok(message) = icmp::v6::Message::parse(bytes) {
        let mut into = vec![0; message.len_bytes()];
        message.emit(&mut into, a, b);
        assert!(icmp::v6::checksum_is_good(&into, a, b));
        let _ = icmp::v6::Message::parse(&into).expect("what we write can be read");
    }
    if let Ok(quoted) = icmp::Quoted::parse(bytes) {
        let _ = (quoted.ports(), quoted.tcp_seq());
    }
    let _ = icmp::neighbor::Options::parse(bytes);
}

/// Ethernet, ARP, the offload header of virtio.
pub(super) fn wire_link(bytes: &[u8]) {
    if let Ok((_, at)) = ethernet::Header::parse(bytes) {
        assert!(at <= bytes.len());
    }
    if let Ok(packet) = arp::Packet::parse(bytes) {
        let mut into = [0; arp::PACKET_BYTES];
        packet.emit(&mut into);
        assert_eq!(arp::Packet::parse(&into), Ok(packet));
    }
    if let Ok(header) = virtio::Header::parse(bytes) {
        let _ = header.offload();
    }
}

/// Capture files of every format, their packets taken apart; and the files written again.
pub(super) fn capture_file(bytes: &[u8]) {
    capture_copy(bytes);
    let Ok(mut reader) = Reader::new(bytes) else { return };
    let mut decoder = Decoder::new();
    for _ in 0..100_000 {
        let Some(Ok(record)) = reader.next() else { return };
        let _ = decoder.decode(&record);
        let mut pieces = 0;
        decoder.decode_each(&record, |_| pieces += 1);
        assert!(pieces <= 1 + record.bytes.len(), "a piece takes at least one byte");
        let _ = record.comments().count();
    }
}

/// With a comment on each packet: the copy has all packets.
fn capture_copy(bytes: &[u8]) {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    let annotator = Annotator::new(Vec::new(), &reader, &Section::default());
    let mut annotator = annotator.expect("memory takes everything");
    let mut packets = 0;
    for _ in 0..100_000 {
        let Some(Ok(piece)) = reader.next_piece() else { break };
        let written = match piece {
            Piece::Block(block) => annotator.block(&block),
            Piece::Packet(record) => {
                packets += 1;
                annotator.packet(&record, &["ours"])
            }
        };
        written.expect("memory takes everything");
    }
    let copy = annotator.into_inner();
    let mut again = Reader::new(&copy[..]).expect("what we write can be read");
    for _ in 0..packets {
        let record = again.next().expect("no packet is missing").expect("what we write can be read");
        assert!(record.comments().any(|comment| comment == "ours"));
    }
    assert!(again.next().is_none());
}

/// One packet of any link type.
pub(super) fn decode_packet(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let link_type = LinkType(feed.u16());
    let more = u32::from(feed.u16());
    let packet = feed.rest();
    // Wi-Fi bare and behind radiotap, Juniper, InfiniBand, PKTAP: most numbers are of no link type
    for link_type in [
        link_type,
        LinkType(1),
        LinkType(101),
        LinkType(105),
        LinkType(127),
        LinkType(178),
        LinkType(247),
        LinkType(258),
    ] {
        let _ = capture::decode(link_type, packet, packet.len() as u32 + more);
    }
}

/// Scripts: what can be read is printed, and read again it means the same.
pub(super) fn script_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match script::parse("fuzz.pkt", text) {
        Ok(script) => {
            let printed = script.to_string();
            let again = script::parse("printed.pkt", &printed);
            let again = again.unwrap_or_else(|wrong| panic!("what we print can be read: {wrong}\n{printed}"));
            assert_eq!(again.to_string(), printed);
            assert_eq!(without_places(again), without_places(script), "{printed}");
        }
        Err(diagnostic) => assert!(!diagnostic.to_string().is_empty()),
    }
}

/// The same script, wherever its parts stood in the text.
fn without_places(mut script: Script) -> Script {
    script.options.iter_mut().for_each(|line| line.span = Span::default());
    for event in &mut script.events {
        event.span = Span::default();
        if let What::Call(call) = &mut event.what {
            call.spans.fill(Span::default());
        }
    }
    script
}
