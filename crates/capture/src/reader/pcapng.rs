//! pcapng: sections of blocks (draft-ietf-opsawg-pcapng). Section headers, interface descriptions and
//! the three kinds of packet blocks are read; all others are skipped by their length.

use super::options::Options;
use super::pcap::end_or_cut_short;
use super::time::TimeUnit;
use super::{
    FormatState, FoundPacket, INTERFACES_MAX, InterfaceDescription, OtherBlocks, PACKET_BYTES_MAX, Reader,
    Stop, read_u16, read_u32,
};
use crate::{Damage, DamageKind, Direction, Error, LinkType};
use std::io::Read;

pub(crate) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub(crate) const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET_OBSOLETE: u32 = 2;
pub(crate) const SIMPLE_PACKET: u32 = 3;
pub(crate) const ENHANCED_PACKET: u32 = 6;
const SYSTEMD_JOURNAL: u32 = 9;

/// The smallest block: its kind, its length, and its length again.
const BLOCK_BYTES_MIN: u32 = 12;

/// The smallest block of each kind that is read: [`BLOCK_BYTES_MIN`] and the fixed fields of the kind.
const SECTION_HEADER_BYTES_MIN: u32 = BLOCK_BYTES_MIN + 16;
const INTERFACE_DESCRIPTION_BYTES_MIN: u32 = BLOCK_BYTES_MIN + 8;
const TIMED_PACKET_BYTES_MIN: u32 = BLOCK_BYTES_MIN + 20;
const SIMPLE_PACKET_BYTES_MIN: u32 = BLOCK_BYTES_MIN + 4;

const BYTE_ORDER_MARK: u32 = 0x1a2b_3c4d;

pub(crate) const OPTION_COMMENT: u16 = 1;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_DESCRIPTION_TEXT: u16 = 3;
const INTERFACE_TIME_RESOLUTION: u16 = 9;
const INTERFACE_TIME_OFFSET: u16 = 14;
const PACKET_FLAGS: u16 = 2;

/// The longest block that is kept in memory, as in Wireshark: enough for a packet with many long comments.
pub(crate) const BLOCK_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// The most bytes that are kept of the name or description of an interface: enough for real ones, and few
/// enough for 65,536 interfaces.
const NAME_BYTES_MAX: usize = 256;

/// The most bytes that are kept of the comment on a section: as many as one option holds.
const COMMENT_BYTES_MAX: usize = 65_535;

/// The current section.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SectionState {
    big_endian: bool,
    /// The index of the section's interface 0 in the list of the whole file.
    first_interface: usize,
}

/// A block that is completely in the buffer; its length is zero if it was skipped.
#[derive(Clone, Copy, Debug)]
pub(super) struct BufferedBlock {
    pub(super) kind: u32,
    pub(super) len: usize,
    pub(super) big_endian: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the section header at the start of a pcapng file.
    pub(super) fn read_first_section(&mut self) -> Result<(), Error> {
        let header = self.read_block(OtherBlocks::Skipped).and_then(|block| {
            self.handle_section(block)?;
            self.lent_bytes = block.len;
            self.section_header = Some(block);
            Ok(())
        });
        header.map_err(|stop| match stop {
            Stop::Io(error) => super::input_error(error, self.buffer.input().is_compressed(), 0, 0),
            Stop::Damage(what) => Error::Damaged(Damage { record: 0, offset_bytes: 0, what }),
            Stop::End | Stop::Block(_) => Error::Empty,
        })
    }

    /// Finds the next packet, and reads the section headers and interface descriptions before it.
    pub(super) fn find_packet(&mut self, others: OtherBlocks) -> Result<FoundPacket, Stop> {
        loop {
            let block = self.read_block(others)?;
            match block.kind {
                ENHANCED_PACKET => return self.enhanced_packet(block),
                SIMPLE_PACKET => return self.simple_packet(block),
                PACKET_OBSOLETE => return self.obsolete_packet(block),
                SECTION_HEADER => self.handle_section(block)?,
                INTERFACE_DESCRIPTION => self.handle_interface(block)?,
                SYSTEMD_JOURNAL => self.number += 1, // a packet to Wireshark, so it has a number
                _ => {}
            }
            if others == OtherBlocks::Lent && block.len > 0 {
                return Err(Stop::Block(block));
            }
            self.buffer.advance(block.len);
        }
    }

    fn section(&mut self) -> &mut SectionState {
        match &mut self.format {
            FormatState::Pcapng(section) => section,
            FormatState::Pcap(_) => unreachable!("blocks are read from pcapng files only"),
        }
    }

    /// Reads the next block into the buffer, or skips it if it is not needed.
    fn read_block(&mut self, others: OtherBlocks) -> Result<BufferedBlock, Stop> {
        if !self.buffer.fill_to(BLOCK_BYTES_MIN as usize)? {
            return Err(end_or_cut_short(&self.buffer, BLOCK_BYTES_MIN as usize));
        }
        let mut big_endian = self.section().big_endian;
        let start = self.buffer.bytes();
        let kind = read_u32(start, 0, big_endian);
        if kind == SECTION_HEADER {
            big_endian = match read_u32(start, 8, false) {
                BYTE_ORDER_MARK => false,
                mark if mark.swap_bytes() == BYTE_ORDER_MARK => true,
                found => return Err(Stop::Damage(DamageKind::ByteOrderMark { found })),
            };
        }
        let bytes = read_u32(start, 4, big_endian);
        let (least, kept) = match kind {
            SECTION_HEADER => (SECTION_HEADER_BYTES_MIN, true),
            INTERFACE_DESCRIPTION => (INTERFACE_DESCRIPTION_BYTES_MIN, true),
            PACKET_OBSOLETE | ENHANCED_PACKET => (TIMED_PACKET_BYTES_MIN, true),
            SIMPLE_PACKET => (SIMPLE_PACKET_BYTES_MIN, true),
            _ => (BLOCK_BYTES_MIN, others == OtherBlocks::Lent && bytes <= BLOCK_BYTES_MAX),
        };
        if bytes < least || !bytes.is_multiple_of(4) || (kept && bytes > BLOCK_BYTES_MAX) {
            return Err(Stop::Damage(DamageKind::BlockLength { kind, bytes }));
        }
        if !kept {
            self.skip_block(bytes, big_endian)?;
            return Ok(BufferedBlock { kind, len: 0, big_endian });
        }
        let len = bytes as usize;
        if !self.buffer.fill_to(len)? {
            return Err(end_or_cut_short(&self.buffer, len));
        }
        check_block_lengths(bytes, read_u32(self.buffer.bytes(), len - 4, big_endian))?;
        Ok(BufferedBlock { kind, len, big_endian })
    }

    fn skip_block(&mut self, bytes: u32, big_endian: bool) -> Result<(), Stop> {
        let start = self.buffer.offset();
        if !self.buffer.skip(u64::from(bytes) - 4)? || !self.buffer.fill_to(4)? {
            let have_bytes = self.buffer.offset() - start + self.buffer.bytes().len() as u64;
            return Err(Stop::Damage(DamageKind::CutShort { have_bytes, need_bytes: u64::from(bytes) }));
        }
        check_block_lengths(bytes, read_u32(self.buffer.bytes(), 0, big_endian))?;
        self.buffer.advance(4);
        Ok(())
    }

    fn handle_section(&mut self, block: BufferedBlock) -> Result<(), Stop> {
        let bytes = &self.buffer.bytes()[..block.len];
        let major = read_u16(bytes, 12, block.big_endian);
        if major != 1 {
            return Err(Stop::Damage(DamageKind::SectionVersion { major }));
        }
        let mut options = Options::new(&bytes[24..block.len - 4], block.big_endian);
        let comment = options.find(|&(code, _)| code == OPTION_COMMENT);
        if let Some((_, text)) = comment {
            self.comment = text_prefix(text, COMMENT_BYTES_MAX);
        }
        let first_interface = self.interfaces.len();
        *self.section() = SectionState { big_endian: block.big_endian, first_interface };
        Ok(())
    }

    fn handle_interface(&mut self, block: BufferedBlock) -> Result<(), Stop> {
        if self.interfaces.len() >= INTERFACES_MAX {
            return Err(Stop::Damage(DamageKind::TooManyInterfaces));
        }
        let interface = interface_description(&self.buffer.bytes()[..block.len], block.big_endian);
        self.interfaces.push(interface);
        Ok(())
    }

    /// §4.3: interface, time, lengths, packet, options.
    fn enhanced_packet(&mut self, block: BufferedBlock) -> Result<FoundPacket, Stop> {
        let interface = read_u32(self.buffer.bytes(), 8, block.big_endian);
        self.timed_packet(block, interface)
    }

    /// Appendix A: as the enhanced packet, but with an interface of 16 bits and a drop counter.
    fn obsolete_packet(&mut self, block: BufferedBlock) -> Result<FoundPacket, Stop> {
        let interface = u32::from(read_u16(self.buffer.bytes(), 8, block.big_endian));
        self.timed_packet(block, interface)
    }

    fn timed_packet(&mut self, block: BufferedBlock, interface: u32) -> Result<FoundPacket, Stop> {
        let big_endian = block.big_endian;
        let (id, link_type, unit) =
            self.interface_at(interface).map(|(id, on)| (id, on.link_type, on.unit))?;
        let bytes = &self.buffer.bytes()[..block.len];
        let units =
            u64::from(read_u32(bytes, 12, big_endian)) << 32 | u64::from(read_u32(bytes, 16, big_endian));
        let captured = read_u32(bytes, 20, big_endian);
        let packet_end = check_packet_fits(block, 28, captured)?;
        let options = ((28 + captured as usize).next_multiple_of(4), block.len - 4);
        let direction =
            if options.0 < options.1 { direction(&bytes[options.0..options.1], big_endian) } else { None };
        Ok(FoundPacket {
            record_bytes: block.len,
            packet: (28, packet_end),
            options,
            big_endian,
            interface: id,
            link_type,
            time_ns: unit.nanoseconds(units),
            direction,
            wire_bytes: read_u32(bytes, 24, big_endian),
        })
    }

    /// §4.4: the length on the wire and the packet. The interface is the section's first; there is no time.
    fn simple_packet(&mut self, block: BufferedBlock) -> Result<FoundPacket, Stop> {
        let wire_bytes = read_u32(self.buffer.bytes(), 8, block.big_endian);
        let time_ns = self.time_ns;
        let (interface, on) = self.interface_at(0)?;
        let snap_bytes = if on.snap_bytes == 0 { u32::MAX } else { on.snap_bytes };
        let packet_end = check_packet_fits(block, 12, wire_bytes.min(snap_bytes))?;
        Ok(FoundPacket {
            record_bytes: block.len,
            packet: (12, packet_end),
            options: (0, 0),
            big_endian: block.big_endian,
            interface,
            link_type: on.link_type,
            time_ns,
            direction: None,
            wire_bytes,
        })
    }

    /// The interface with this number in the section, after its number in the file.
    fn interface_at(&mut self, interface: u32) -> Result<(u32, &InterfaceDescription), Stop> {
        let first = self.section().first_interface;
        let id = first.saturating_add(interface as usize);
        let known = (self.interfaces.len() - first) as u32;
        match self.interfaces.get(id) {
            Some(on) => Ok((id as u32, on)),
            None => Err(Stop::Damage(DamageKind::UnknownInterface { interface, known })),
        }
    }
}

/// The interface that an interface description block describes.
pub(crate) fn interface_description(block: &[u8], big_endian: bool) -> InterfaceDescription {
    let mut interface = InterfaceDescription {
        link_type: LinkType(read_u16(block, 8, big_endian)),
        name: String::new(),
        description: String::new(),
        snap_bytes: read_u32(block, 12, big_endian),
        unit: TimeUnit::MICROSECONDS,
    };
    let mut resolution = 6;
    let mut offset_seconds = 0;
    for (code, value) in Options::new(&block[16..block.len() - 4], big_endian) {
        match (code, value) {
            (INTERFACE_NAME, text) => interface.name = text_prefix(text, NAME_BYTES_MAX),
            (INTERFACE_DESCRIPTION_TEXT, text) => {
                interface.description = text_prefix(text, NAME_BYTES_MAX);
            }
            (INTERFACE_TIME_RESOLUTION, &[unit]) => resolution = unit,
            (INTERFACE_TIME_OFFSET, value) => {
                if let Ok(value) = value.try_into() {
                    offset_seconds =
                        if big_endian { i64::from_be_bytes(value) } else { i64::from_le_bytes(value) };
                }
            }
            _ => {}
        }
    }
    interface.unit = TimeUnit::new(resolution, offset_seconds);
    interface
}

fn check_block_lengths(first_bytes: u32, last_bytes: u32) -> Result<(), Stop> {
    if first_bytes == last_bytes {
        return Ok(());
    }
    Err(Stop::Damage(DamageKind::BlockEnds { first_bytes, last_bytes }))
}

/// Where a packet that starts at `start` ends, if the block has room for it.
fn check_packet_fits(block: BufferedBlock, start: usize, captured: u32) -> Result<usize, Stop> {
    if captured > PACKET_BYTES_MAX {
        return Err(Stop::Damage(DamageKind::PacketTooLong { bytes: captured }));
    }
    let end = start + captured as usize;
    if end > block.len - 4 {
        let block_bytes = block.len as u32;
        return Err(Stop::Damage(DamageKind::PacketOutgrowsBlock { packet_bytes: captured, block_bytes }));
    }
    Ok(end)
}

/// The lowest two bits of `epb_flags`.
fn direction(options: &[u8], big_endian: bool) -> Option<Direction> {
    let (_, flags) =
        Options::new(options, big_endian).find(|&(code, value)| code == PACKET_FLAGS && value.len() == 4)?;
    match read_u32(flags, 0, big_endian) & 3 {
        1 => Some(Direction::Inbound),
        2 => Some(Direction::Outbound),
        _ => None,
    }
}

fn text_prefix(text: &[u8], bytes_max: usize) -> String {
    String::from_utf8_lossy(&text[..text.len().min(bytes_max)]).into_owned()
}
