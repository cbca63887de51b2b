//! From what was captured in a world to what the lens says of it, by way of a capture file as the command line
//! writes and reads it.

use capture::{Decoder, Finish, Format, Interface, LinkType, PacketInfo, Reader, Section, Writer};
use lens::{Kept, Lens};
use synfin_sim::Captured;

/// What was captured, as a capture file.
pub(crate) fn file(seen: &[Captured<'_>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default()).expect("memory takes it");
    let interface = writer.add_interface(&Interface::new(LinkType::RAW)).expect("memory takes it");
    for captured in seen {
        let info = PacketInfo::new(interface, captured.at.as_nanos());
        writer.write_frame(&info, captured.frame, Finish::default()).expect("memory takes it");
    }
    writer.into_inner()
}

/// What the lens says of `seen`, kept as `kept` wants it.
pub(crate) fn explained(seen: &[Captured<'_>], mut kept: Kept) -> Kept {
    let (file, mut lens) = (file(seen), Lens::new(lens::Config::default()));
    let (mut reader, mut decoder) = (Reader::new(&file[..]).expect("a capture file"), Decoder::new());
    while let Some(record) = reader.next() {
        let record = record.expect("an undamaged file");
        let decoded = decoder.decode(&record).expect("nothing but TCP crosses these links");
        lens.take(&lens::Segment::of_packet(&record, &decoded).expect("a whole segment"), &mut kept);
    }
    lens.finish(&mut kept);
    kept
}
