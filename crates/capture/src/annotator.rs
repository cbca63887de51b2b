//! A capture written again with more comments. All that a pcapng file holds is copied unchanged, block by
//! block and byte by byte, and our comments follow those that the file has already.
//!
//! This includes comments of the file's author, names and options of interfaces, time resolutions, the
//! byte order, name tables, statistics, secrets and unknown blocks. Three things change: section headers no
//! longer give the length of their section; the first section header gets a comment; a simple packet block,
//! which has no room for comments, becomes an enhanced packet block if it gets some. Classic pcap has no
//! comments at all, so it becomes pcapng. What it does not do: change packets, or leave any out.

use crate::reader::pcapng::{
    BLOCK_BYTES_MAX, ENHANCED_PACKET, INTERFACE_DESCRIPTION, OPTION_COMMENT, SECTION_HEADER, SIMPLE_PACKET,
    interface_description,
};
use crate::reader::{Comments, Options, TimeUnit, read_u32};
use crate::writer::pcapng::option_text;
use crate::{Block, Format, Interface, PacketInfo, Reader, Record, Section, Writer};
use std::io::{self, Read, Write};

/// Writes a capture again, with comments.
///
/// ```
/// use synfin_capture::{Annotator, Format, Interface, LinkType, PacketInfo, Piece, Reader, Section, Writer};
/// let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default())?;
/// let tun = writer.add_interface(&Interface { name: "tun0", ..Interface::new(LinkType::RAW) })?;
/// writer.write_slices(&PacketInfo { comments: &["mine"], ..PacketInfo::new(tun, 1_000) }, &[b"E"])?;
/// let file = writer.into_inner();
///
/// let mut reader = Reader::new(&file[..])?;
/// let mut annotator = Annotator::new(Vec::new(), &reader, &Section::default())?;
/// while let Some(piece) = reader.next_piece() {
///     match piece? {
///         Piece::Packet(record) => annotator.packet(&record, &["yours"])?,
///         Piece::Block(block) => annotator.block(&block)?,
///     }
/// }
/// let file = annotator.into_inner();
/// let mut reader = Reader::new(&file[..])?;
/// let record = reader.next().expect("a packet")?;
/// assert_eq!(record.comments().collect::<Vec<_>>(), ["mine", "yours"]);
/// assert_eq!(reader.interfaces()[0].name, "tun0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Annotator<W: Write> {
    output: Output<W>,
}

#[derive(Debug)]
enum Output<W: Write> {
    /// From pcapng: blocks are copied.
    Copied(BlockCopier<W>),
    /// From classic pcap: packets are written as pcapng.
    Converted(Writer<W>),
}

impl<W: Write> Annotator<W> {
    /// Starts a copy of the file that `of` reads. If the file is pcapng, only the comment of `section` is
    /// used, and is added after the comments that are there; if it is classic pcap, all of `section` is.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new<R: Read>(out: W, of: &Reader<R>, section: &Section<'_>) -> io::Result<Self> {
        let output = if of.is_pcapng() {
            Output::Copied(BlockCopier {
                out,
                section_comment: Some(section.comment.to_owned()).filter(|comment| !comment.is_empty()),
                time_unit: None,
                block: Vec::new(),
            })
        } else {
            let mut writer = Writer::new(out, Format::Pcapng, section)?;
            for on in of.interfaces() {
                let name = on.name.as_str();
                let description = on.description.as_str();
                writer.add_interface(&Interface {
                    name,
                    description,
                    snap_bytes: on.snap_bytes,
                    ..Interface::new(on.link_type)
                })?;
            }
            Output::Converted(writer)
        };
        Ok(Annotator { output })
    }

    /// Writes a packet with these comments after those that it has. A comment that it has already is not
    /// added again. A packet gets no comment if its block would become longer than 16 MiB, because readers
    /// accept no longer block.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn packet(&mut self, record: &Record<'_>, comments: &[&str]) -> io::Result<()> {
        match &mut self.output {
            Output::Copied(copied) => copied.copy_packet(record, comments),
            Output::Converted(writer) => {
                let info = PacketInfo {
                    interface: record.interface,
                    time_ns: record.time_ns,
                    direction: record.direction,
                    wire_bytes: Some(record.wire_bytes),
                    comments,
                };
                writer.write_slices(&info, &[record.bytes])
            }
        }
    }

    /// Writes a block that is not a packet.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn block(&mut self, block: &Block<'_>) -> io::Result<()> {
        match &mut self.output {
            Output::Copied(copied) => copied.copy_block(block),
            // Classic pcap has no blocks.
            Output::Converted(_) => Ok(()),
        }
    }

    /// The output. What the caller writes to it becomes part of the file.
    pub fn get_mut(&mut self) -> &mut W {
        match &mut self.output {
            Output::Copied(copied) => &mut copied.out,
            Output::Converted(writer) => writer.get_mut(),
        }
    }

    /// Flushes `out`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.output {
            Output::Copied(copied) => copied.out.flush(),
            Output::Converted(writer) => writer.flush(),
        }
    }

    /// Ends the file and returns the output, which is not flushed.
    pub fn into_inner(self) -> W {
        match self.output {
            Output::Copied(copied) => copied.out,
            Output::Converted(writer) => writer.into_inner(),
        }
    }
}

/// Copies the blocks of a pcapng file.
#[derive(Debug)]
struct BlockCopier<W> {
    out: W,
    /// The comment on the file, until it is written.
    section_comment: Option<String>,
    /// The time unit of the section's first interface, once it is described.
    time_unit: Option<TimeUnit>,
    /// The block under construction.
    block: Vec<u8>,
}

impl<W: Write> BlockCopier<W> {
    fn copy_packet(&mut self, record: &Record<'_>, comments: &[&str]) -> io::Result<()> {
        let is_new = |comment: &&str| !comment.is_empty() && !contains_comment(record.comments(), comment);
        if !comments.iter().any(is_new) {
            return self.out.write_all(record.raw);
        }
        let big_endian = record.big_endian;
        self.block.clear();
        if read_u32(record.raw, 0, big_endian) == SIMPLE_PACKET {
            self.begin_enhanced_packet(record);
        } else {
            let options_start = record.raw.len() - 4 - record.options.len();
            self.block.extend_from_slice(&record.raw[..options_start]);
            self.block.extend_from_slice(Options::new(record.options, big_endian).raw());
        }
        for comment in comments.iter().copied().filter(|comment| is_new(comment)) {
            append_option(&mut self.block, big_endian, OPTION_COMMENT, option_text(comment));
        }
        self.end_block(record.raw, big_endian)
    }

    /// Starts an enhanced packet block from a simple packet block, up to the options. Its interface is the
    /// first one of the section; its time is that of the previous packet.
    fn begin_enhanced_packet(&mut self, record: &Record<'_>) {
        let units = self.time_unit.unwrap_or(TimeUnit::MICROSECONDS).units(record.time_ns);
        let captured = record.bytes.len() as u32;
        let upper = (units >> 32) as u32;
        for number in [ENHANCED_PACKET, 0, 0, upper, units as u32, captured, record.wire_bytes] {
            self.block.extend(u32_bytes(number, record.big_endian));
        }
        self.block.extend_from_slice(record.bytes);
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    fn copy_block(&mut self, block: &Block<'_>) -> io::Result<()> {
        match block.kind {
            SECTION_HEADER => return self.copy_section_header(block),
            INTERFACE_DESCRIPTION if self.time_unit.is_none() => {
                self.time_unit = Some(interface_description(block.bytes, block.big_endian).unit);
            }
            _ => {}
        }
        self.out.write_all(block.bytes)
    }

    /// Writes a section header without the section's length, because added comments change it.
    fn copy_section_header(&mut self, header: &Block<'_>) -> io::Result<()> {
        const LENGTH: std::ops::Range<usize> = 16..24;
        self.time_unit = None;
        let bytes = header.bytes;
        let big_endian = header.big_endian;
        let mut whole = bytes.to_vec();
        whole[LENGTH].fill(0xff);
        let options = &bytes[LENGTH.end..bytes.len() - 4];
        let section_comment = self
            .section_comment
            .take()
            .filter(|comment| !contains_comment(Comments::new(options, big_endian), comment));
        let Some(section_comment) = section_comment else { return self.out.write_all(&whole) };
        self.block.clear();
        self.block.extend_from_slice(&whole[..LENGTH.end]);
        self.block.extend_from_slice(Options::new(options, big_endian).raw());
        append_option(&mut self.block, big_endian, OPTION_COMMENT, option_text(&section_comment));
        self.end_block(&whole, big_endian)
    }

    /// Ends the block and writes it, or writes `unchanged` if the block is longer than readers accept.
    fn end_block(&mut self, unchanged: &[u8], big_endian: bool) -> io::Result<()> {
        append_option(&mut self.block, big_endian, 0, &[]);
        let len = self.block.len() as u64 + 4;
        let Some(len) = u32::try_from(len).ok().filter(|&len| len <= BLOCK_BYTES_MAX) else {
            return self.out.write_all(unchanged);
        };
        self.block[4..8].copy_from_slice(&u32_bytes(len, big_endian));
        self.block.extend(u32_bytes(len, big_endian));
        self.out.write_all(&self.block)
    }
}

fn contains_comment(mut comments: Comments<'_>, comment: &str) -> bool {
    comments.any(|there| there == comment)
}

fn u32_bytes(number: u32, big_endian: bool) -> [u8; 4] {
    if big_endian { number.to_be_bytes() } else { number.to_le_bytes() }
}

/// `value` is at most 65,535 bytes long.
fn append_option(block: &mut Vec<u8>, big_endian: bool, code: u16, value: &[u8]) {
    let len = value.len() as u16;
    for number in [code, len] {
        block.extend(if big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
    }
    block.extend_from_slice(value);
    block.resize(block.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests;
