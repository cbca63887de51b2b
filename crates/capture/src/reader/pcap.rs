//! Classic pcap: one header, then records, in the byte order and unit that the magic number gives.

use super::buffer::ReadBuffer;
use super::sniff::Variant;
use super::time::TimeUnit;
use super::{FoundPacket, InterfaceDescription, PACKET_BYTES_MAX, Stop, read_u16, read_u32};
use crate::{Damage, DamageKind, Error, LinkType};
use std::io::Read;

const HEADER_BYTES: usize = 24;

/// The fields of the file header that are needed to read records.
#[derive(Debug)]
pub(super) struct Pcap {
    variant: Variant,
    length_order: LengthOrder,
    link_type: LinkType,
}

/// In which order a record gives its two lengths. Before version 2.3 the length on the wire came first,
/// and some writers of version 2.3 still did so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LengthOrder {
    CapturedFirst,
    WireFirst,
    LargerIsWire,
}

impl Pcap {
    /// Reads the file header.
    pub(super) fn open<R: Read>(
        buffer: &mut ReadBuffer<R>,
        variant: Variant,
    ) -> Result<(Self, InterfaceDescription), Error> {
        if !buffer.fill_to(HEADER_BYTES).map_err(Error::Io)? {
            let have = buffer.bytes().len();
            let what = DamageKind::CutShort { have_bytes: have as u64, need_bytes: HEADER_BYTES as u64 };
            return Err(Error::Damaged(Damage { record: 0, offset_bytes: 0, what }));
        }
        let header = buffer.bytes();
        let big_endian = variant.big_endian;
        let (major, minor) = (read_u16(header, 4, big_endian), read_u16(header, 6, big_endian));
        let length_order = match (major, minor) {
            (2, 0..=2) => LengthOrder::WireFirst,
            (2, 3) => LengthOrder::LargerIsWire,
            (2, _) => LengthOrder::CapturedFirst,
            _ => return Err(Error::Version { major, minor }),
        };
        // The upper 16 bits describe a frame check sequence after each packet. It does not matter here,
        // because the IP header has the packet's length.
        let link_type = LinkType(read_u32(header, 20, big_endian) as u16);
        let snap_bytes = read_u32(header, 16, big_endian);
        buffer.advance(HEADER_BYTES);
        let interface = InterfaceDescription {
            link_type,
            name: String::new(),
            description: String::new(),
            snap_bytes,
            unit: TimeUnit::MICROSECONDS,
        };
        Ok((Pcap { variant, length_order, link_type }, interface))
    }

    /// Finds the next record and reads all of it into the buffer.
    #[inline]
    pub(super) fn find_record<R: Read>(&self, buffer: &mut ReadBuffer<R>) -> Result<FoundPacket, Stop> {
        let Variant { big_endian, unit_ns, record_header_bytes } = self.variant;
        if !buffer.fill_to(record_header_bytes)? {
            return Err(end_or_cut_short(buffer, record_header_bytes));
        }
        let Some(header) = buffer.bytes().first_chunk::<16>() else {
            return Err(end_or_cut_short(buffer, record_header_bytes));
        };
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(header.as_chunks::<4>().0) {
            *word = if big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
        }
        let [seconds, fraction, mut captured, mut wire_bytes] = words;
        if self.length_order != LengthOrder::CapturedFirst {
            (captured, wire_bytes) = self.length_order.captured_and_wire(captured, wire_bytes);
        }
        if captured > PACKET_BYTES_MAX {
            return Err(Stop::Damage(DamageKind::PacketTooLong { bytes: captured }));
        }
        let record_bytes = record_header_bytes + captured as usize;
        if !buffer.fill_to(record_bytes)? {
            return Err(end_or_cut_short(buffer, record_bytes));
        }
        Ok(FoundPacket {
            record_bytes,
            packet: (record_header_bytes, record_bytes),
            options: (0, 0),
            big_endian,
            interface: 0,
            link_type: self.link_type,
            time_ns: u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * u64::from(unit_ns),
            direction: None,
            wire_bytes,
        })
    }
}

impl LengthOrder {
    /// The captured length and the length on the wire.
    fn captured_and_wire(self, first: u32, second: u32) -> (u32, u32) {
        match self {
            LengthOrder::CapturedFirst => (first, second),
            LengthOrder::WireFirst => (second, first),
            LengthOrder::LargerIsWire => (first.min(second), first.max(second)),
        }
    }
}

/// The file ends here, either between records or in the middle of one.
#[cold]
pub(super) fn end_or_cut_short<R: Read>(buffer: &ReadBuffer<R>, need_bytes: usize) -> Stop {
    match buffer.bytes().len() as u64 {
        0 => Stop::End,
        have_bytes => Stop::Damage(DamageKind::CutShort { have_bytes, need_bytes: need_bytes as u64 }),
    }
}
