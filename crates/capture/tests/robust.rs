//! No content of a file makes the reader or the decoder panic, loop or use memory without bound.

mod common;
#[path = "common/packets.rs"]
mod packets;

use proptest::prelude::*;
use synfin_capture::{
    Annotator, Decoder, Format, Interface, LinkType, PacketInfo, Piece, Reader, Section, Writer, decode,
};

/// Copies a file to its end, with a comment on each packet, and returns the number of packets.
fn copy_all(file: &[u8]) -> u64 {
    let Ok(mut reader) = Reader::new(file) else { return 0 };
    let mut annotator = Annotator::new(Vec::new(), &reader, &Section::default()).expect("memory");
    let mut packets = 0;
    while let Some(Ok(piece)) = reader.next_piece() {
        match piece {
            Piece::Packet(record) => {
                packets += 1;
                annotator.packet(&record, &["ours"]).expect("memory");
            }
            Piece::Block(block) => annotator.block(&block).expect("memory"),
        }
    }
    packets
}

/// Reads a file to its end and returns the number of packets; a reader that loops would never return.
fn read_all(file: &[u8]) -> u64 {
    let Ok(mut reader) = Reader::new(file) else { return 0 };
    let mut decoder = Decoder::new();
    let mut packets = 0;
    while let Some(Ok(record)) = reader.next() {
        packets += 1;
        let _ = decoder.decode(&record);
        let mut pieces = 0;
        decoder.decode_each(&record, |_| pieces += 1);
        assert!(pieces >= 1 && pieces <= 1 + record.bytes.len(), "a piece takes at least one byte");
        let _ = record.comments().count();
    }
    assert!(reader.next().is_none(), "nothing follows an error");
    assert_eq!(copy_all(file), packets, "a copy has the same packets");
    packets
}

const LINK_TYPES: [u16; 43] = [
    0, 1, 6, 7, 9, 10, 12, 14, 50, 51, 100, 101, 104, 105, 107, 108, 109, 113, 117, 119, 122, 127, 129, 138,
    163, 166, 178, 179, 180, 181, 192, 197, 204, 205, 206, 219, 228, 229, 239, 242, 247, 258, 276,
];

/// Bytes that are likely to be taken for headers.
fn header_like() -> impl Strategy<Value = Vec<u8>> {
    let scrap = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..24),
        Just(vec![0x45, 0, 0, 60, 0, 0, 0x20, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]),
        Just(vec![0x45, 0, 0, 200, 0, 0, 0, 0, 64, 47, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]),
        Just(vec![0x45, 0, 0, 200, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]),
        Just([&[0x60, 0, 0, 0, 0, 99, 44, 64][..], &[7; 32], &[43, 0, 0, 1, 0, 0, 0, 1]].concat()),
        Just(vec![0x12, 0xb5, 0x12, 0xb5, 0, 100, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0]),
        Just(vec![8, 0x68, 8, 0x68, 0, 100, 0, 0, 0x34, 0xff, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0x85]),
        Just(vec![2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 0x81, 0]),
        Just(vec![0xaa, 0xaa, 3, 0, 0, 0, 0x88, 0x64, 0x11, 0, 0, 1, 0, 90, 0, 0x21]),
        Just(vec![3, 4, 0, 0, 0, 8, 5, 0xdc]),
    ];
    prop::collection::vec(scrap, 0..8).prop_map(|scraps| scraps.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_can_be_decoded(packet in header_like(), more in 0u32..2_000, link in 0..LINK_TYPES.len()) {
        let wire_bytes = packet.len() as u32 + more;
        let _ = decode(LinkType(LINK_TYPES[link]), &packet, wire_bytes);
        let _ = decode(LinkType(LINK_TYPES[link]), &packet, more);
    }

    #[test]
    fn any_packets_go_through_one_decoder(packets in prop::collection::vec(header_like(), 0..20)) {
        let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default()).unwrap();
        for (number, packet) in packets.iter().enumerate() {
            let link_type = LinkType(LINK_TYPES[number % LINK_TYPES.len()]);
            let id = writer.add_interface(&Interface::new(link_type)).unwrap();
            writer.write_slices(&PacketInfo::new(id, number as u64), &[packet]).unwrap();
        }
        prop_assert_eq!(read_all(&writer.into_inner()), packets.len() as u64);
    }

    #[test]
    fn any_bytes_after_a_magic_number_are_read_or_refused(
        magic in prop::sample::select(vec![
            &[0x0a, 0x0d, 0x0d, 0x0a][..], &[0xd4, 0xc3, 0xb2, 0xa1], &[0xa1, 0xb2, 0x3c, 0x4d],
            &[0x34, 0xcd, 0xb2, 0xa1], &[0x1f, 0x8b, 8, 0], &[0x28, 0xb5, 0x2f, 0xfd], &[],
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        read_all(&[magic, &rest].concat());
    }
}

/// Every kind of layers, cut anywhere, with bytes changed, and with one kind put into another.
#[test]
fn built_packets_are_decoded_whatever_happens_to_them() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let built = [packets::wrapped(), packets::wrapped_in_wifi()].concat();
    for (_, link_type, packet) in &built {
        for cut in 0..=packet.len() {
            let _ = decode(*link_type, &packet[..cut], packet.len() as u32);
            let _ = decode(*link_type, &packet[..cut], cut as u32);
        }
        let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default()).unwrap();
        let id = writer.add_interface(&Interface::new(*link_type)).unwrap();
        for number in 0..400 {
            let mut changed = packet.clone();
            for _ in 0..1 + random(6) {
                let at = random(changed.len());
                changed[at] = random(256) as u8;
            }
            if random(3) == 0 {
                let (_, _, other) = &built[random(built.len())];
                let at = random(changed.len());
                changed.splice(at.., other.iter().copied());
            }
            changed.truncate(1 + random(changed.len()));
            let wire_bytes = Some((changed.len() + random(3) * random(2_000)) as u32);
            let info = PacketInfo { wire_bytes, ..PacketInfo::new(id, number) };
            writer.write_slices(&info, &[&changed]).unwrap();
        }
        assert_eq!(read_all(&writer.into_inner()), 400);
    }
}

/// Real files with bytes changed, in a fixed pseudo-random order (xorshift).
#[test]
fn damaged_real_files_are_read_to_an_end() {
    let Some(captures) = common::shared("captures") else { return };
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut files: Vec<_> = std::fs::read_dir(&captures)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "pcap" || kind == "pcapng"))
        .collect();
    files.sort();
    for path in files {
        let mut file = std::fs::read(&path).unwrap();
        file.truncate(64 * 1024);
        for _ in 0..30 {
            let mut damaged = file.clone();
            for _ in 0..1 + random(40) {
                let at = random(damaged.len());
                damaged[at] = random(256) as u8;
            }
            damaged.truncate(1 + random(damaged.len()));
            read_all(&damaged);
        }
    }
}
