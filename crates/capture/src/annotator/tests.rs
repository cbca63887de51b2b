use super::*;
use crate::{InterfaceDescription, LinkType, Piece};
use proptest::prelude::*;

/// Copies the file with this comment on each packet.
fn annotated(file: &[u8], comment: &str) -> Vec<u8> {
    let section = Section { application: "synfin", comment: "noted", ..Section::default() };
    let mut reader = Reader::new(file).expect("a capture");
    let mut annotator = Annotator::new(Vec::new(), &reader, &section).expect("memory");
    while let Some(piece) = reader.next_piece() {
        match piece.expect("undamaged") {
            Piece::Packet(record) => annotator.packet(&record, &[comment]),
            Piece::Block(block) => annotator.block(&block),
        }
        .expect("memory");
    }
    annotator.into_inner()
}

#[derive(Debug, PartialEq, Eq)]
struct Packet {
    number: u64,
    interface: u32,
    link_type: LinkType,
    time_ns: u64,
    wire_bytes: u32,
    direction: Option<crate::Direction>,
    bytes: Vec<u8>,
    comments: Vec<String>,
}

fn packets(file: &[u8]) -> (Vec<Packet>, Vec<InterfaceDescription>, String) {
    let mut reader = Reader::new(file).expect("a capture");
    let mut packets = Vec::new();
    while let Some(record) = reader.next() {
        let record = record.expect("undamaged");
        packets.push(Packet {
            number: record.number,
            interface: record.interface.0,
            link_type: record.link_type,
            time_ns: record.time_ns,
            wire_bytes: record.wire_bytes,
            direction: record.direction,
            bytes: record.bytes.to_vec(),
            comments: record.comments().map(String::from).collect(),
        });
    }
    (packets, reader.interfaces().to_vec(), reader.comment().to_owned())
}

/// The blocks of a file in this byte order.
fn blocks(file: &[u8], big_endian: bool) -> Vec<(u32, Vec<u8>)> {
    let mut at = 0;
    let mut blocks = Vec::new();
    while at < file.len() {
        let len = read_u32(file, at + 4, big_endian) as usize;
        assert_eq!(len % 4, 0);
        assert_eq!(
            read_u32(file, at + len - 4, big_endian) as usize,
            len,
            "both lengths of a block are the same"
        );
        blocks.push((read_u32(file, at, big_endian), file[at..at + len].to_vec()));
        at += len;
    }
    blocks
}

fn block(big_endian: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let len = u32_bytes(12 + body.len() as u32, big_endian);
    [&u32_bytes(kind, big_endian)[..], &len, body, &len].concat()
}

fn numbers(big_endian: bool, numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| u32_bytes(*number, big_endian)).collect()
}

fn options(big_endian: bool, list: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    list.iter().for_each(|(code, value)| append_option(&mut bytes, big_endian, *code, value));
    if !list.is_empty() {
        append_option(&mut bytes, big_endian, 0, &[]);
    }
    bytes
}

/// A file that uses all that pcapng offers.
fn rich(big_endian: bool) -> Vec<u8> {
    let version = if big_endian { 0x0001_0000 } else { 0x0000_0001 };
    let link = |link_type: u32| if big_endian { link_type << 16 } else { link_type };
    let header = [
        numbers(big_endian, &[0x1a2b_3c4d, version, 0, 4_711]),
        options(
            big_endian,
            &[(1, b"our lab"), (2, b"a box"), (3, b"an OS"), (4, b"dumpcap"), (1, b"second line")],
        ),
    ];
    let first = [
        numbers(big_endian, &[link(1), 96]),
        options(
            big_endian,
            &[(2, b"eth7"), (3, b"the uplink"), (9, &[9]), (11, b"\0tcp"), (15, b"hw"), (2988, b"new")],
        ),
    ];
    // Units of 2^-20 s, counted from one second after 1970.
    let offset = if big_endian { 1_i64.to_be_bytes() } else { 1_i64.to_le_bytes() };
    let second = [numbers(big_endian, &[link(101), 0]), options(big_endian, &[(9, &[0x94]), (14, &offset)])];
    let flags = u32_bytes(1, big_endian);
    let packet = [
        numbers(big_endian, &[0, 0, 3_000_000, 5, 60]),
        b"abcde\0\0\0".to_vec(),
        options(big_endian, &[(1, b"look here"), (2, &flags), (1, b"and here"), (4, &[7; 8])]),
    ];
    let other = [numbers(big_endian, &[1, 0, 1 << 20, 4, 4]), b"wxyz".to_vec()];
    let old = if big_endian { [0, 1, 0xff, 0xff] } else { [1, 0, 0xff, 0xff] };
    let obsolete = [old.to_vec(), numbers(big_endian, &[0, 2 << 20, 4, 4]), b"ijkl".to_vec()];
    let mut file = block(big_endian, SECTION_HEADER, &header.concat());
    for (kind, body) in [
        (INTERFACE_DESCRIPTION, first.concat()),
        (4, numbers(big_endian, &[0])),               // names
        (10, numbers(big_endian, &[0x544c_534b, 0])), // secrets
        (INTERFACE_DESCRIPTION, second.concat()),
        (ENHANCED_PACKET, packet.concat()),
        (0x0bad, numbers(big_endian, &[32_473, 9, 9])), // a private block
        (ENHANCED_PACKET, other.concat()),
        (2, obsolete.concat()),
        (SIMPLE_PACKET, [numbers(big_endian, &[7]), b"fghijkl\0".to_vec()].concat()),
        (5, numbers(big_endian, &[0, 1, 2])), // statistics
    ] {
        file.extend(block(big_endian, kind, &body));
    }
    file
}

#[test]
fn all_that_a_file_holds_is_kept_and_our_comments_come_last() {
    for big_endian in [false, true] {
        let file = rich(big_endian);
        let copy = annotated(&file, "ours");
        let (before, interfaces, _) = packets(&file);
        let (after, interfaces_after, comment) = packets(&copy);
        assert_eq!(before.len(), 4);
        assert_eq!(before[0].comments, ["look here", "and here"]);
        for (before, mut after) in before.into_iter().zip(after) {
            assert_eq!(after.comments.pop().as_deref(), Some("ours"));
            assert_eq!(before, after, "big-endian: {big_endian}");
        }
        assert_eq!(interfaces, interfaces_after);
        assert_eq!(comment, "our lab");
        let (before, after) = (blocks(&file, big_endian), blocks(&copy, big_endian));
        assert_eq!(before.len(), after.len());
        for ((kind, before), (kind_after, after)) in before.iter().zip(&after) {
            match *kind {
                SECTION_HEADER => {
                    assert_eq!(after[16..24], [0xff; 8], "the length of the section is not known");
                    let options = Options::new(&after[24..after.len() - 4], big_endian);
                    let texts: Vec<_> = options.map(|(_, text)| text).collect();
                    let theirs: [&[u8]; 5] = [b"our lab", b"a box", b"an OS", b"dumpcap", b"second line"];
                    assert_eq!(texts, [&theirs[..], &[b"noted"]].concat());
                }
                SIMPLE_PACKET => assert_eq!(*kind_after, ENHANCED_PACKET),
                ENHANCED_PACKET | 2 => {
                    assert_eq!(kind, kind_after);
                    let start = if before.len() > 40 { 36 } else { 32 };
                    let list = |bytes: &[u8]| -> Vec<(u16, Vec<u8>)> {
                        let list = Options::new(&bytes[start..bytes.len() - 4], big_endian);
                        list.map(|(code, value)| (code, value.to_vec())).collect()
                    };
                    assert_eq!(list(after), [list(before), vec![(1, b"ours".to_vec())]].concat());
                }
                _ => assert_eq!((kind, before), (kind_after, after)),
            }
        }
    }
}

#[test]
fn blocks_that_get_no_comment_are_unchanged() {
    let file = rich(true);
    let copy = annotated(&file, "");
    let (before, after) = (blocks(&file, true), blocks(&copy, true));
    assert_eq!(before[1..], after[1..]);
}

#[test]
fn a_second_copy_adds_nothing() {
    let once = annotated(&rich(false), "ours");
    assert_eq!(annotated(&once, "ours"), once);
}

#[test]
fn a_packet_whose_comments_fill_a_block_is_unchanged() {
    let mut file = rich(false);
    let long = [b'x'; 65_532];
    let many: Vec<(u16, &[u8])> = std::iter::repeat_n((1, &long[..]), 254).collect();
    let body = [numbers(false, &[0, 0, 1, 4, 4]), b"full".to_vec(), options(false, &many)].concat();
    file.extend(block(false, ENHANCED_PACKET, &body));
    let ours = "y".repeat(65_535);
    let (after, ..) = packets(&annotated(&file, &ours));
    assert_eq!(after[4].comments.len(), 255, "there is room for this comment");
    let (again, ..) = packets(&annotated(&annotated(&file, &ours), &"z".repeat(65_535)));
    assert_eq!(again[4].comments.len(), 255, "there is no room for another");
    assert_eq!(again[0].comments.len(), 4);
}

#[test]
fn classic_pcap_becomes_pcapng() {
    let mut writer = Writer::new(Vec::new(), Format::PcapMicroseconds, &Section::default()).expect("memory");
    let on = Interface { snap_bytes: 77, ..Interface::new(LinkType::RAW) };
    let id = writer.add_interface(&on).expect("memory");
    let info = PacketInfo { wire_bytes: Some(1_500), ..PacketInfo::new(id, 5_000_007_000) };
    writer.write_slices(&info, &[b"abc"]).expect("memory");
    let file = writer.into_inner();
    let (after, interfaces, comment) = packets(&annotated(&file, "ours"));
    assert_eq!(
        (after[0].time_ns, after[0].wire_bytes, &after[0].bytes[..]),
        (5_000_007_000, 1_500, &b"abc"[..])
    );
    assert_eq!(after[0].comments, ["ours"]);
    assert_eq!((interfaces[0].snap_bytes, interfaces[0].link_type, &*comment), (77, LinkType::RAW, "noted"));
}

#[test]
fn sections_of_different_byte_orders_are_copied() {
    let file = [rich(false), rich(true)].concat();
    let (before, ..) = packets(&file);
    let (after, _, comment) = packets(&annotated(&file, "ours"));
    assert_eq!(before.len(), 8);
    for (before, mut after) in before.into_iter().zip(after) {
        assert_eq!(after.comments.pop().as_deref(), Some("ours"));
        assert_eq!(before, after);
    }
    assert_eq!(comment, "our lab");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Damage only ends the copy: everything before it is copied whole.
    #[test]
    fn any_file_is_copied_up_to_its_damage(
        big_endian in any::<bool>(),
        at in 0_usize..700,
        value in any::<u8>(),
        cut in 0_usize..700,
    ) {
        let mut file = rich(big_endian);
        let len = file.len();
        file[at % len] = value;
        file.truncate(len - cut % len);
        let Ok(mut reader) = Reader::new(&file[..]) else { return Ok(()) };
        let mut annotator = Annotator::new(Vec::new(), &reader, &Section::default()).expect("memory");
        let mut copied = 0;
        while let Some(Ok(piece)) = reader.next_piece() {
            match piece {
                Piece::Packet(record) => {
                    copied += 1;
                    annotator.packet(&record, &["ours"])
                }
                Piece::Block(block) => annotator.block(&block),
            }.expect("memory");
        }
        let copy = annotator.into_inner();
        let mut again = Reader::new(&copy[..]).expect("we write what we read");
        let mut read = 0;
        while let Some(record) = again.next() {
            let record = record.expect("we write what we read");
            let last = record.comments().last();
            prop_assert_eq!(last.as_deref(), Some("ours"));
            read += 1;
        }
        prop_assert_eq!(read, copied);
    }
}
