//! Comparison with Wireshark: it reads what we write, and decodes packets as we do.

mod common;
#[path = "common/packets.rs"]
mod packets;
#[path = "wireshark/tools.rs"]
mod tools;

use bytes::Bytes;
use packets::{amsdu, radiotap, segment, wifi, wrapped, wrapped_in_wifi};
use std::fs::File;
use synfin_capture::{
    Checksums, Decoded, Decoder, Direction, Finish, Format, Interface, LinkType, PacketInfo, Reader, Section,
    SuperSegments, Writer,
};
use wire::{Checksum, Frame, Offload};

fn left_to_the_link(payload_bytes: usize, segment_bytes: u16) -> Frame {
    let mut frame = Frame::from_bytes(Bytes::from(segment(payload_bytes)));
    frame.offload = Offload { segment_bytes, checksum: Checksum::Trusted };
    frame
}

#[test]
fn wireshark_shows_names_times_directions_and_comments() {
    if !tools::has_program("tshark") {
        return;
    }
    let section = Section { hardware: "memory", os: "none", application: "synfin", comment: "two ends" };
    let mut writer = Writer::new(Vec::new(), Format::Pcapng, &section).unwrap();
    let left = writer.add_interface(&Interface { name: "client", ..Interface::new(LinkType::RAW) }).unwrap();
    let right =
        writer.add_interface(&Interface { name: "server", ..Interface::new(LinkType::ETHERNET) }).unwrap();
    let frame = left_to_the_link(5, 0);
    let out = PacketInfo {
        direction: Some(Direction::Outbound),
        comments: &["first: \u{e9}", "second"],
        ..PacketInfo::new(left, 1_700_000_000_123_456_789)
    };
    writer.write_frame(&out, &frame, Finish::default()).unwrap();
    let arrival = PacketInfo {
        direction: Some(Direction::Inbound),
        ..PacketInfo::new(right, 1_700_000_000_123_456_790)
    };
    let mut ethernet = vec![0; 12];
    ethernet.extend([8, 0]);
    ethernet.extend(segment(5));
    let as_it_is = Finish { checksums: Checksums::AsTheyAre, ..Finish::default() };
    writer.write_frame(&arrival, &Frame::from_bytes(ethernet.into()), as_it_is).unwrap();
    let file = tools::write_file("names.pcapng", &writer.into_inner());
    let fields = [
        "frame.interface_name",
        "frame.time_epoch",
        "frame.packet_flags_direction",
        "frame.comment",
        "tcp.checksum.status",
        "tcp.len",
    ];
    let lines = tools::tshark(&file, "", &fields);
    assert_eq!(lines[0], "client|1700000000.123456789|0x00000002|first: \u{e9},second|1|5");
    assert_eq!(lines[1], "server|1700000000.123456790|0x00000001||0|5");
}

#[test]
fn every_format_has_the_right_time_and_length() {
    if !tools::has_program("tshark") {
        return;
    }
    for (format, time) in [
        (Format::Pcapng, "1700000000.123456789"),
        (Format::PcapNanoseconds, "1700000000.123456789"),
        (Format::PcapMicroseconds, "1700000000.123456000"),
    ] {
        let mut writer = Writer::new(Vec::new(), format, &Section::default()).unwrap();
        let id = writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
        let info = PacketInfo { wire_bytes: Some(45), ..PacketInfo::new(id, 1_700_000_000_123_456_789) };
        writer.write_slices(&info, &[&segment(5)[..30], &segment(5)[30..40]]).unwrap();
        let file = tools::write_file("format.cap", &writer.into_inner());
        let lines = tools::tshark(&file, "", &["frame.time_epoch", "frame.cap_len", "frame.len", "tcp.len"]);
        assert_eq!(lines, [format!("{time}|40|45|5")], "{format:?}");
    }
}

#[test]
fn super_segments_have_good_checksums_whole_and_cut() {
    if !tools::has_program("tshark") {
        return;
    }
    for (super_segments, lengths) in
        [(SuperSegments::Whole, &["3000"][..]), (SuperSegments::Cut, &["1460", "1460", "80"])]
    {
        let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default()).unwrap();
        let id = writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
        let finish = Finish { super_segments, ..Finish::default() };
        writer.write_frame(&PacketInfo::new(id, 1), &left_to_the_link(3_000, 1_460), finish).unwrap();
        let file = tools::write_file("super.pcapng", &writer.into_inner());
        let lines = tools::tshark(&file, "tcp.checksum.status == 1 && !_ws.malformed", &["tcp.len"]);
        assert_eq!(lines, lengths);
    }
}

/// The fields that are compared.
const FIELDS: [&str; 11] = [
    "frame.number",
    "frame.time_epoch",
    "frame.len",
    "ip.src",
    "ipv6.src",
    "ip.ttl",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.len",
    "tcp.hdr_len",
    "frame.protocols",
];

/// What we decode of the packets that hold TCP, as tshark would print it. Quotations are left out.
fn lines_of(file: &std::path::Path) -> Vec<String> {
    let file = File::open(file).expect("the file can be opened");
    let mut reader = Reader::new(file).expect("a capture");
    let mut decoder = Decoder::new();
    let mut lines = Vec::new();
    while let Some(Ok(record)) = reader.next() {
        let number = record.number;
        let time = record.time_ns;
        let length = record.wire_bytes;
        let Ok(Decoded::Tcp(segment)) = decoder.decode(&record) else { continue };
        let src = segment.ip.src;
        let (v4, v6, ttl) = if src.is_ipv4() {
            (src.to_string(), String::new(), segment.ip.ttl.to_string())
        } else {
            (String::new(), src.to_string(), String::new())
        };
        lines.push(format!(
            "{number}|{time}|{length}|{v4}|{v6}|{ttl}|{}|{}|{}|{}",
            segment.src_port(),
            segment.dst_port(),
            segment.payload_wire_bytes(),
            segment.header_bytes(),
        ));
    }
    lines
}

/// What tshark prints of these packets, for the innermost IP header.
fn lines_of_tshark(file: &std::path::Path) -> Vec<String> {
    let mut lines = Vec::new();
    for line in tools::tshark(file, "tcp && !icmp && !icmpv6", &FIELDS) {
        let mut fields: Vec<&str> = line.split('|').collect();
        let protocols = fields.pop().expect("the last field");
        let is_ipv6 = protocols.split(':').rfind(|name| matches!(*name, "ip" | "ipv6")) == Some("ipv6");
        (if is_ipv6 { &[3, 5][..] } else { &[4] }).iter().for_each(|&other| fields[other] = "");
        for field in &mut fields {
            *field = field.rsplit(',').next().unwrap_or_default();
        }
        // tshark shows a negative time as one 2^64 units later, we as one 2^64 nanoseconds later.
        let time = fields[1].replace('.', "").parse::<u128>().expect("a time with nine digits") as u64;
        let time = time.to_string();
        fields[1] = &time;
        lines.push(fields.join("|"));
    }
    lines
}

#[test]
fn tshark_decodes_every_packet_of_the_collection_as_we_do() {
    let Some(captures) = common::shared("captures") else { return };
    if !tools::has_program("tshark") {
        return;
    }
    let index = std::fs::read_to_string(captures.join("INDEX.tsv")).unwrap();
    for line in index.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let damaged = !fields[9].is_empty(); // tshark exits with an error there
        if damaged || fields[0].ends_with(".snoop") {
            continue;
        }
        let file = captures.join(fields[0]);
        let (ours, theirs) = (lines_of(&file), lines_of_tshark(&file));
        assert_eq!(ours.len(), theirs.len(), "{}", fields[0]);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{}", fields[0]);
        }
    }
}

#[test]
fn tshark_decodes_each_kind_of_layers_as_we_do() {
    if !tools::has_program("tshark") {
        return;
    }
    let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default()).unwrap();
    let wrapped = [wrapped(), wrapped_in_wifi()].concat();
    for (number, (_, link_type, packet)) in wrapped.iter().enumerate() {
        let id = writer.add_interface(&Interface::new(*link_type)).unwrap();
        writer.write_slices(&PacketInfo::new(id, 1 + number as u64), &[packet]).unwrap();
    }
    let file = tools::write_file("wrapped.pcapng", &writer.into_inner());
    let (ours, theirs) = (lines_of(&file), lines_of_tshark(&file));
    let mut wrong = Vec::new();
    for (number, (name, link_type, _)) in wrapped.iter().enumerate() {
        let start = format!("{}|", number + 1);
        let of = |lines: &[String]| lines.iter().find(|line| line.starts_with(&start)).cloned();
        let (ours, theirs) = (of(&ours), of(&theirs));
        if ours.is_none() {
            wrong.push(format!("{name} is not decoded; tshark: {theirs:?}"));
        }
        // Wireshark does not count the direction byte in the length, but the file does.
        let theirs = match *link_type {
            // ... nor the header of the record, which is in the file as well.
            LinkType::ERF => theirs.map(|line| line.replace("|59|", "|77|")),
            LinkType::PPP_WITH_DIRECTION => theirs.map(|line| line.replace("|49|", "|50|")),
            _ => theirs,
        };
        if ours != theirs {
            wrong.push(format!("{name} ({link_type}): {ours:?}, tshark: {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The packet in IP fragments with this many payload bytes each.
fn fragments(packet: &[u8], payload_bytes: usize) -> Vec<Vec<u8>> {
    let (header, payload) = packet.split_at(20);
    let pieces: Vec<&[u8]> = payload.chunks(payload_bytes).collect();
    let mut fragments = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let mut header = header.to_vec();
        let more = if number + 1 < pieces.len() { 0x2000 } else { 0 };
        let place = (number * payload_bytes / 8) as u16 | more;
        header[2..4].copy_from_slice(&(20 + piece.len() as u16).to_be_bytes());
        header[6..8].copy_from_slice(&place.to_be_bytes());
        header[10..12].fill(0);
        let sum = wire::checksum::of(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        fragments.push([&header, *piece].concat());
    }
    fragments
}

/// An IPv6 packet with the TCP segment of `packet`, in fragments with this many payload bytes each.
fn fragments_v6(packet: &[u8], payload_bytes: usize) -> Vec<Vec<u8>> {
    let pieces: Vec<&[u8]> = packet[20..].chunks(payload_bytes).collect();
    let mut fragments = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let more = u16::from(number + 1 < pieces.len());
        let place = (number * payload_bytes) as u16 | more;
        let mut fragment = vec![0x60, 0, 0, 0, 0, 8 + piece.len() as u8, 44, 64];
        fragment.extend([0xfd; 16]);
        fragment.extend([0xfc; 16]);
        fragment.extend([6, 0, (place >> 8) as u8, place as u8, 1, 2, 3, 4]);
        fragments.push([&fragment, *piece].concat());
    }
    fragments
}

#[test]
fn fragments_become_the_same_segment_in_the_same_frame() {
    if !tools::has_program("tshark") {
        return;
    }
    let mut pieces = fragments(&segment(100), 48);
    pieces.swap(0, 2);
    pieces.extend(fragments_v6(&segment(100), 48));
    pieces.push(segment(1)); // a packet that is not fragmented, after them
    let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default()).unwrap();
    let id = writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
    for (number, piece) in pieces.iter().enumerate() {
        writer.write_slices(&PacketInfo::new(id, number as u64), &[piece]).unwrap();
    }
    let file = tools::write_file("fragments.pcapng", &writer.into_inner());
    assert_eq!(lines_of(&file), lines_of_tshark(&file));
    assert_eq!(lines_of(&file).len(), 3);
}

/// A segment for every result of a packet, as `frame|port|sequence number|payload`.
fn each_of(file: &std::path::Path) -> Vec<String> {
    let mut reader = Reader::new(File::open(file).expect("a file")).expect("a capture");
    let mut decoder = Decoder::new();
    let mut lines = Vec::new();
    while let Some(Ok(record)) = reader.next() {
        decoder.decode_each(&record, |found| {
            let Ok(Decoded::Tcp(segment)) = found else { return };
            let seq = u32::from_be_bytes([segment.tcp[4], segment.tcp[5], segment.tcp[6], segment.tcp[7]]);
            let (port, bytes) = (segment.src_port(), segment.payload_wire_bytes());
            lines.push(format!("{}|{port}|{seq}|{bytes}", record.number));
        });
    }
    lines
}

/// The same of tshark, which writes the segments of one frame side by side.
fn each_of_tshark(file: &std::path::Path) -> Vec<String> {
    let fields = ["frame.number", "tcp.srcport", "tcp.seq_raw", "tcp.len"];
    let mut lines = Vec::new();
    for line in tools::tshark(file, "tcp", &fields) {
        let fields: Vec<Vec<&str>> = line.split('|').map(|field| field.split(',').collect()).collect();
        for ((port, seq), len) in fields[1].iter().zip(&fields[2]).zip(&fields[3]) {
            lines.push(format!("{}|{port}|{seq}|{len}", fields[0][0]));
        }
    }
    lines
}

#[test]
fn tshark_finds_the_same_segments_in_aggregates_and_retries() {
    if !tools::has_program("tshark") {
        return;
    }
    let snap = |payload_bytes: usize, port: u8| {
        let mut packet = segment(payload_bytes);
        packet[21] = port;
        [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &packet].concat()
    };
    let three = amsdu(&[snap(5, 1), snap(6, 2), snap(7, 3)]);
    let retry = wifi(0x0a, Some(5), &snap(9, 4));
    let frames = [
        radiotap(0x10, true, &[&wifi(2, Some(0x85), &three)[..], &[1, 2, 3, 4]].concat()),
        radiotap(0, true, &wifi(2, Some(5), &snap(9, 4))),
        radiotap(0, true, &retry),
        radiotap(0, true, &wifi(0x42, Some(5), &[7; 60])),
    ];
    let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default()).unwrap();
    let id = writer.add_interface(&Interface::new(LinkType::IEEE802_11_RADIOTAP)).unwrap();
    for (number, frame) in frames.iter().enumerate() {
        writer.write_slices(&PacketInfo::new(id, number as u64), &[frame]).unwrap();
    }
    let file = tools::write_file("aggregates.pcapng", &writer.into_inner());
    let ours = each_of(&file);
    assert_eq!(ours, each_of_tshark(&file));
    assert_eq!(ours.len(), 5);
}

#[test]
fn tshark_finds_the_same_quotations_in_icmp_errors() {
    if !tools::has_program("tshark") {
        return;
    }
    let mut v4 = segment(0)[..20].to_vec();
    v4[3] = 56;
    v4[9] = 1;
    v4.extend([3, 4, 0, 0, 0, 0, 5, 0xdc]);
    v4.extend(&segment(9)[..28]);
    let mut v6 = vec![0x60, 0, 0, 0, 0, 68, 58, 64];
    v6.extend([0xfd; 32]);
    v6.extend([2, 0, 0, 0, 0, 0, 5, 0]);
    v6.extend([0x60, 0, 0, 0, 5, 0, 6, 64]);
    v6.extend([0xfd; 32]);
    v6.extend(&segment(9)[20..40]);
    let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default()).unwrap();
    let id = writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
    for packet in [&v4, &v6] {
        writer.write_slices(&PacketInfo::new(id, 1), &[packet]).unwrap();
    }
    let file = writer.into_inner();
    let mut reader = Reader::new(&file[..]).unwrap();
    let mut decoder = Decoder::new();
    let mut ours = Vec::new();
    while let Some(record) = reader.next() {
        let Ok(Decoded::Quoted { error, segment }) = decoder.decode(&record.unwrap()) else { panic!() };
        let mtu = error.mtu_bytes.unwrap();
        ours.push(format!("{}|{}|{mtu}", segment.src_port(), segment.dst_port()));
    }
    let file = tools::write_file("quoted.pcapng", &file);
    let mut theirs = tools::tshark(&file, "tcp", &["tcp.srcport", "tcp.dstport", "icmp.mtu", "icmpv6.mtu"]);
    for line in &mut theirs {
        *line = line.replace("||", "|").trim_end_matches('|').to_owned();
    }
    assert_eq!(ours, theirs);
}
