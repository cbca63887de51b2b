//! Classic pcap: one header, then records, in the byte order and unit that the magic number gives.

use super::chunk::Chunk;
use super::sniff::Variant;
use super::time::TimeUnit;
use super::{CapturedOn, Found, PACKET_BYTES_MAX, Stop, half, word};
use crate::{Damage, DamageKind, Error, LinkType};
use std::io::Read;

const HEADER_BYTES: usize = 24;

/// The fields of the file header that are needed to read records.
#[derive(Debug)]
pub(super) struct Pcap {
    variant: Variant,
    lengths: Lengths,
    link_type: LinkType,
}

/// In which order a record gives its two lengths. Before version 2.3 the length on the wire came first,
/// and some writers of version 2.3 still did so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    WireFirst,
    LargerIsWire,
}

impl Pcap {
    /// Reads the file header.
    pub(super) fn open<R: Read>(chunk: &mut Chunk<R>, variant: Variant) -> Result<(Self, CapturedOn), Error> {
        if !chunk.need(HEADER_BYTES).map_err(Error::Io)? {
            let have = chunk.bytes().len();
            let what = DamageKind::CutShort { have_bytes: have as u64, need_bytes: HEADER_BYTES as u64 };
            return Err(Error::Damaged(Damage { record: 0, offset_bytes: 0, what }));
        }
        let header = chunk.bytes();
        let big = variant.big_endian;
        let (major, minor) = (half(header, 4, big), half(header, 6, big));
        let lengths = match (major, minor) {
            (2, 0..=2) => Lengths::WireFirst,
            (2, 3) => Lengths::LargerIsWire,
            (2, _) => Lengths::CapturedFirst,
            _ => return Err(Error::Version { major, minor }),
        };
        // The upper 16 bits describe a frame check sequence after each packet. It does not matter here,
        // because the IP header has the packet's length.
        let link_type = LinkType(word(header, 20, big) as u16);
        let snap_bytes = word(header, 16, big);
        chunk.advance(HEADER_BYTES);
        let interface = CapturedOn {
            link_type,
            name: String::new(),
            description: String::new(),
            snap_bytes,
            unit: TimeUnit::MICROSECONDS,
        };
        Ok((Pcap { variant, lengths, link_type }, interface))
    }

    /// Finds the next record and reads all of it into the buffer.
    #[inline]
    pub(super) fn find<R: Read>(&self, chunk: &mut Chunk<R>) -> Result<Found, Stop> {
        let Variant { big_endian, unit_ns, record_header_bytes } = self.variant;
        if !chunk.need(record_header_bytes)? {
            return Err(cut_short(chunk, record_header_bytes));
        }
        let header = chunk.bytes();
        let header = &header[..record_header_bytes.max(16)];
        let seconds = u64::from(word(header, 0, big_endian));
        let fraction = u64::from(word(header, 4, big_endian));
        let (mut captured, mut wire_bytes) = (word(header, 8, big_endian), word(header, 12, big_endian));
        if self.lengths != Lengths::CapturedFirst {
            (captured, wire_bytes) = self.lengths.sort(captured, wire_bytes);
        }
        if captured > PACKET_BYTES_MAX {
            return Err(Stop::Damage(DamageKind::PacketTooLong { bytes: captured }));
        }
        let record_bytes = record_header_bytes + captured as usize;
        if !chunk.need(record_bytes)? {
            return Err(cut_short(chunk, record_bytes));
        }
        Ok(Found {
            record_bytes,
            packet: (record_header_bytes, record_bytes),
            options: (0, 0),
            big_endian,
            interface: 0,
            link_type: self.link_type,
            time_ns: seconds * 1_000_000_000 + fraction * u64::from(unit_ns),
            direction: None,
            wire_bytes,
        })
    }
}

impl Lengths {
    /// The captured length and the length on the wire.
    fn sort(self, first: u32, second: u32) -> (u32, u32) {
        match self {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::LargerIsWire => (first.min(second), first.max(second)),
        }
    }
}

/// The file ends here, either between records or in the middle of one.
#[cold]
pub(super) fn cut_short<R: Read>(chunk: &Chunk<R>, need_bytes: usize) -> Stop {
    match chunk.bytes().len() as u64 {
        0 => Stop::End,
        have_bytes => Stop::Damage(DamageKind::CutShort { have_bytes, need_bytes: need_bytes as u64 }),
    }
}
