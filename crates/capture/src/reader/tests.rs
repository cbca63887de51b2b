use super::*;
use crate::{Format, Interface, PacketInfo, Section, Writer};
use std::io::Write;

/// A block of this kind with this body, in this byte order.
fn block(big_endian: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let len = (12 + body.len()) as u32;
    let number = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    [&number(kind)[..], &number(len), body, &number(len)].concat()
}

fn words(big_endian: bool, words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| if big_endian { word.to_be_bytes() } else { word.to_le_bytes() }).collect()
}

fn section(big_endian: bool) -> Vec<u8> {
    let version = if big_endian { 0x0001_0000 } else { 0x0000_0001 };
    block(big_endian, 0x0a0d_0d0a, &words(big_endian, &[0x1a2b_3c4d, version, u32::MAX, u32::MAX]))
}

fn interface(big_endian: bool, link_type: u32, options: &[u8]) -> Vec<u8> {
    let link_type = if big_endian { link_type << 16 } else { link_type };
    block(big_endian, 1, &[&words(big_endian, &[link_type, 0])[..], options].concat())
}

fn enhanced(big_endian: bool, interface: u32, units: u64, packet: [u8; 4], options: &[u8]) -> Vec<u8> {
    let start = words(big_endian, &[interface, (units >> 32) as u32, units as u32, 4, 60]);
    block(big_endian, 6, &[&start[..], &packet, options].concat())
}

/// A packet as (number, interface, link type, time, bytes).
type Row = (u64, u32, u16, u64, Vec<u8>);

/// All packets that can be read, and the error that ended reading.
fn read(file: &[u8]) -> (Vec<Row>, Option<Error>) {
    let mut reader = match Reader::new(file) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut rows = Vec::new();
    while let Some(record) = reader.next() {
        match record {
            Ok(record) => rows.push((
                record.number,
                record.interface.0,
                record.link_type.0,
                record.time_ns,
                record.bytes.to_vec(),
            )),
            Err(error) => return (rows, Some(error)),
        }
    }
    (rows, None)
}

fn written(format: Format) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), format, &Section::default()).unwrap();
    let id = writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
    for number in 1..=5u64 {
        let packet = vec![number as u8; number as usize * 7];
        writer.write_slices(&PacketInfo::new(id, number * 1_000_000_000 + 1_000), &[&packet]).unwrap();
    }
    writer.into_inner()
}

#[test]
fn pcap_in_both_byte_orders_and_units_gives_the_same_times() {
    for big_endian in [false, true] {
        for (magic, fraction) in [(0xa1b2_c3d4u32, 7_000), (0xa1b2_3c4d, 7_000_000)] {
            let versions = if big_endian { 0x0002_0004 } else { 0x0004_0002 };
            let mut file = words(big_endian, &[magic, versions, 0, 0, 65_535, 1]);
            file.extend(words(big_endian, &[9, fraction, 2, 60]));
            file.extend([1, 2]);
            let (rows, error) = read(&file);
            assert_eq!(rows, [(1, 0, 1, 9_007_000_000, vec![1, 2])]);
            assert!(error.is_none());
        }
    }
}

#[test]
fn the_kuznetzov_variant_and_old_versions_are_read() {
    let mut file = words(false, &[0xa1b2_cd34, 0x0004_0002, 0, 0, 65_535, 1, 9, 5, 2, 60, 1, 0]);
    file.extend([1, 2]);
    assert_eq!(read(&file).0, [(1, 0, 1, 9_000_005_000, vec![1, 2])]);
    for (version, lengths) in [(0x0002_0002, [60, 2]), (0x0003_0002, [60, 2]), (0x0003_0002, [2, 60])] {
        let mut file = words(false, &[0xa1b2_c3d4, version, 0, 0, 65_535, 1, 9, 5, lengths[0], lengths[1]]);
        file.extend([1, 2]);
        assert_eq!(read(&file).0, [(1, 0, 1, 9_000_005_000, vec![1, 2])], "{version:x}");
    }
    let future = words(false, &[0xa1b2_c3d4, 0x0000_0003, 0, 0, 65_535, 1]);
    assert!(matches!(read(&future).1, Some(Error::Version { major: 3, minor: 0 })));
}

#[test]
fn pcapng_sections_of_both_byte_orders_follow_one_another() {
    let nanoseconds = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
    let mut file = section(false);
    file.extend(interface(false, 1, &nanoseconds));
    file.extend(interface(false, 113, &[]));
    file.extend(block(false, 0x0bad_cafe, &[0; 40])); // unknown: skipped
    file.extend(enhanced(false, 1, 3_000_000, [1; 4], &[]));
    file.extend(enhanced(false, 0, 3_000_000, [2; 4], &[2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0]));
    file.extend(section(true));
    // if_tsoffset: one second.
    file.extend(interface(true, 101, &[0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1]));
    file.extend(enhanced(true, 0, 3_000_000, [3; 4], &[]));
    file.extend(block(true, 3, &[&words(true, &[4])[..], &[4; 4]].concat()));
    file.extend(block(true, 2, &[&words(true, &[0, 0, 5_000_000, 4, 4])[..], &[5; 4]].concat()));
    let (rows, error) = read(&file);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        rows,
        [
            (1, 1, 113, 3_000_000_000, vec![1; 4]),
            (2, 0, 1, 3_000_000, vec![2; 4]),
            (3, 2, 101, 4_000_000_000, vec![3; 4]),
            (4, 2, 101, 4_000_000_000, vec![4; 4]), // it has no time, so it gets that of the previous packet
            (5, 2, 101, 6_000_000_000, vec![5; 4]),
        ]
    );
    let mut reader = Reader::new(&file[..]).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().direction, None);
    assert_eq!(reader.next().unwrap().unwrap().direction, Some(Direction::Outbound));
}

#[test]
fn the_reader_returns_what_the_writer_wrote() {
    let section = Section { comment: "whole", ..Section::default() };
    let mut writer = Writer::new(Vec::new(), Format::Pcapng, &section).unwrap();
    let described = Interface { name: "tun0", description: "a tunnel", ..Interface::new(LinkType::RAW) };
    let id = writer.add_interface(&described).unwrap();
    let info = PacketInfo {
        direction: Some(Direction::Inbound),
        wire_bytes: Some(1_500),
        comments: &["one", "two"],
        ..PacketInfo::new(id, 1_700_000_000_123_456_789)
    };
    writer.write_slices(&info, &[b"abc"]).unwrap();
    let file = writer.into_inner();
    let mut reader = Reader::new(&file[..]).unwrap();
    let record = reader.next().unwrap().unwrap();
    assert_eq!((record.bytes, record.wire_bytes), (&b"abc"[..], 1_500));
    assert_eq!((record.time_ns, record.direction), (1_700_000_000_123_456_789, Some(Direction::Inbound)));
    assert_eq!(record.comments().collect::<Vec<_>>(), ["one", "two"]);
    assert!(reader.next().is_none());
    assert_eq!((reader.interfaces()[0].name.as_str(), reader.comment()), ("tun0", "whole"));
    assert_eq!((reader.packets(), reader.bytes_read()), (1, file.len() as u64));
}

#[test]
fn a_file_cut_anywhere_is_read_up_to_the_cut() {
    for format in [Format::Pcapng, Format::PcapMicroseconds] {
        let file = written(format);
        let (all, _) = read(&file);
        assert_eq!(all.len(), 5);
        let mut clean_ends = 0;
        for cut in 4..file.len() {
            let (rows, error) = read(&file[..cut]);
            assert_eq!(rows, all[..rows.len()], "cut at {cut}");
            match error {
                None => clean_ends += 1,
                Some(Error::Damaged(damage)) => {
                    assert!(matches!(damage.what, DamageKind::CutShort { .. }), "{damage:?}");
                    assert!(damage.record == 0 || damage.record == rows.len() as u64 + 1);
                    assert!(damage.offset_bytes < cut as u64);
                }
                Some(other) => panic!("cut at {cut}: {other:?}"),
            }
        }
        // After the header (and the interface), and after each packet except the last.
        assert_eq!(clean_ends, if format == Format::Pcapng { 6 } else { 5 });
    }
}

#[test]
fn gzip_and_zstd_files_are_decompressed_and_may_be_concatenated() {
    let file = written(Format::Pcapng);
    let (all, _) = read(&file);
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd =
        |bytes: &[u8]| ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest);
    let (first, second) = file.split_at(200);
    assert_eq!(read(&gzip(&file)).0, all);
    assert_eq!(read(&[gzip(first), gzip(second)].concat()).0, all);
    assert_eq!(read(&zstd(&file)).0, all);
    let skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
    let (rows, error) = read(&[&skippable[..], &zstd(first), &skippable, &zstd(second)].concat());
    assert_eq!(rows, all);
    assert!(error.is_none());
}

#[test]
fn compressed_files_that_are_cut_give_what_can_be_decompressed() {
    let mut writer = Writer::new(Vec::new(), Format::PcapNanoseconds, &Section::default()).unwrap();
    let id = writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
    let mut noise = 1u32;
    for number in 0..20_000 {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        writer.write_slices(&PacketInfo::new(id, number), &[&noise.to_le_bytes()]).unwrap();
    }
    let file = writer.into_inner();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&file).unwrap();
    let gzip = encoder.finish().unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(&file[..], ruzstd::encoding::CompressionLevel::Fastest);
    for packed in [gzip, zstd] {
        let (rows, error) = read(&packed[..packed.len() / 10 * 9]);
        let Some(Error::Damaged(damage)) = error else { panic!("{error:?}") };
        assert!(matches!(damage.what, DamageKind::Compression(_)), "{damage}");
        assert!((10_000..20_000).contains(&rows.len()), "{damage}");
        assert_eq!(damage.record, rows.len() as u64 + 1);
    }
}

#[test]
fn each_kind_of_damage_is_named() {
    let start = [section(false), interface(false, 1, &[]), enhanced(false, 0, 1, [1; 4], &[])].concat();
    let with = |more: &[u8]| read(&[&start[..], more].concat());
    let mut wrong_end = enhanced(false, 0, 1, [1; 4], &[]);
    *wrong_end.last_mut().unwrap() = 9;
    let mut grown = enhanced(false, 0, 1, [1; 4], &[]);
    grown[20] = 99;
    let mut version = section(false);
    version[12] = 2;
    let mut order = section(false);
    order[8] = 0;
    let cases: [(&[u8], &str); 7] = [
        (&enhanced(false, 1, 1, [1; 4], &[]), "interface 1, but its section describes only 1"),
        (&wrong_end, "at its end"),
        (&grown, "99 bytes does not fit into its block of 36"),
        (&version, "pcapng version 2"),
        (&order, "byte order mark"),
        (&[6, 0, 0, 0, 31, 0, 0, 0, 0, 0, 0, 0], "claims to have 31 bytes"),
        (&[6, 0, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0, 0], "which is impossible"),
    ];
    for (more, words) in cases {
        let (rows, error) = with(more);
        let error = error.expect("there is damage").to_string();
        assert_eq!(rows.len(), 1);
        assert!(error.contains(words) && error.contains("at packet 2 (at byte 84)"), "{error}");
    }
}

/// The reader must not wait for more bytes than the record needs: a pipe may not have more yet.
#[test]
fn a_packet_is_returned_as_soon_as_its_last_byte_is_read() {
    struct Pipe<'a>(&'a [u8]);
    impl Read for Pipe<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "the reader reads more than it needs");
            out[0] = self.0[0];
            self.0 = &self.0[1..];
            Ok(1)
        }
    }
    for format in [Format::Pcapng, Format::PcapMicroseconds] {
        let file = written(format);
        let mut reader = Reader::new(Pipe(&file)).unwrap();
        for _ in 0..5 {
            reader.next().unwrap().unwrap();
        }
        assert_eq!(reader.bytes_read(), file.len() as u64);
    }
}
