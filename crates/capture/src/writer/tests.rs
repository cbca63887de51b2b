use super::*;
use crate::Direction;

#[test]
fn a_pcap_record_is_laid_out_as_the_format_says() {
    let mut writer = Writer::new(Vec::new(), Format::PcapNanoseconds, &Section::default()).unwrap();
    let id = writer.add_interface(&Interface::new(LinkType::ETHERNET)).unwrap();
    let info = PacketInfo { wire_bytes: Some(99), ..PacketInfo::new(id, 5_000_000_007) };
    writer.write_slices(&info, &[b"ab", b"", b"c"]).unwrap();
    let file = writer.into_inner();
    assert_eq!(file[..4], [0x4d, 0x3c, 0xb2, 0xa1]);
    assert_eq!(file[20..24], [1, 0, 0, 0]);
    assert_eq!(file[24..], [5, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 99, 0, 0, 0, b'a', b'b', b'c']);
}

#[test]
fn every_pcapng_block_has_its_length_at_both_ends() {
    let section = Section { hardware: "h", os: "os", application: "synfin", comment: "cut: \u{e9}" };
    let mut writer = Writer::new(Vec::new(), Format::Pcapng, &section).unwrap();
    let id = writer.add_interface(&Interface { name: "tun0", ..Interface::new(LinkType::RAW) }).unwrap();
    for comments in [&[][..], &["one", "two, and longer"]] {
        let info =
            PacketInfo { direction: Some(Direction::Inbound), comments, ..PacketInfo::new(id, u64::MAX) };
        writer.write_slices(&info, &[&[1, 2, 3, 4, 5]]).unwrap();
    }
    let file = writer.into_inner();
    let mut at = 0;
    let mut kinds = Vec::new();
    while at < file.len() {
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let len = word(at + 4) as usize;
        assert_eq!(len % 4, 0);
        assert_eq!(word(at + len - 4) as usize, len);
        kinds.push(word(at));
        at += len;
    }
    assert_eq!(kinds, [0x0a0d_0d0a, 1, 6, 6]);
}

#[test]
fn what_a_format_cannot_hold_is_refused_with_advice() {
    let mut writer = Writer::new(Vec::new(), Format::PcapMicroseconds, &Section::default()).unwrap();
    let nowhere = writer.write_slices(&PacketInfo::new(InterfaceId(0), 0), &[]).unwrap_err();
    assert!(nowhere.to_string().contains("never added"));
    let id = writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
    writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
    let second = writer.add_interface(&Interface::new(LinkType::ETHERNET)).unwrap_err();
    assert!(second.to_string().contains("write pcapng"), "{second}");
    let late = writer.write_slices(&PacketInfo::new(id, u64::MAX), &[]).unwrap_err();
    assert!(late.to_string().contains("2106"), "{late}");
}

#[test]
fn a_comment_longer_than_an_option_is_cut_between_characters() {
    let long = "\u{e9}".repeat(40_000);
    let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default()).unwrap();
    let id = writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
    let before = writer.out.len();
    let info = PacketInfo { comments: &[&long], ..PacketInfo::new(id, 0) };
    writer.write_slices(&info, &[]).unwrap();
    let option_len = u16::from_le_bytes([writer.out[before + 30], writer.out[before + 31]]);
    assert_eq!(option_len, 65_534);
}
