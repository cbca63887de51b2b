//! A capture written again with more comments: all that a pcapng file holds stays as it is, block by
//! block, byte by byte, and what we have to say comes after what others have said.
//!
//! Comments of the file's author, names and options of interfaces, time resolutions, the byte order,
//! name tables, statistics, secrets and blocks that we do not know: all of it goes through. Three things
//! change: section headers no longer say how long their section is; the first of them gets a comment; a
//! simple packet, which has no room for comments, becomes an enhanced one if it gets some. Classic pcap
//! has no comments at all, so it becomes pcapng. What it does not do: change packets, or leave any out.

use crate::reader::pcapng::{
    BLOCK_BYTES_MAX, ENHANCED_PACKET, INTERFACE_DESCRIPTION, OPTION_COMMENT, SECTION_HEADER, SIMPLE_PACKET,
    described,
};
use crate::reader::{Comments, Options, TimeUnit, word};
use crate::writer::pcapng::prefix;
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
    form: Form<W>,
}

#[derive(Debug)]
enum Form<W: Write> {
    /// From pcapng: the blocks as they come.
    Copied(Copied<W>),
    /// From classic pcap.
    Converted(Writer<W>),
}

impl<W: Write> Annotator<W> {
    /// Begins to write what `of` has read and is going to read. Of `section`, a file that is pcapng
    /// already takes the comment only, behind those it has; one that is not becomes a file of `section`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new<R: Read>(out: W, of: &Reader<R>, section: &Section<'_>) -> io::Result<Self> {
        let form = if of.is_pcapng() {
            Form::Copied(Copied {
                out,
                note: Some(section.comment.to_owned()).filter(|note| !note.is_empty()),
                clock: None,
                block: Vec::new(),
            })
        } else {
            let mut writer = Writer::new(out, Format::Pcapng, section)?;
            for on in of.interfaces() {
                let (name, description) = (on.name.as_str(), on.description.as_str());
                writer.add_interface(&Interface {
                    name,
                    description,
                    snap_bytes: on.snap_bytes,
                    ..Interface::new(on.link_type)
                })?;
            }
            Form::Converted(writer)
        };
        Ok(Annotator { form })
    }

    /// Writes a packet with these comments behind those that it has. One that it has already is not
    /// added again, and none is added to a packet whose comments fill 16 MiB, the most that readers take.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn packet(&mut self, record: &Record<'_>, comments: &[&str]) -> io::Result<()> {
        match &mut self.form {
            Form::Copied(copied) => copied.packet(record, comments),
            Form::Converted(writer) => {
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

    /// Writes a block that is no packet.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn block(&mut self, block: &Block<'_>) -> io::Result<()> {
        match &mut self.form {
            Form::Copied(copied) => copied.block(block),
            // Classic pcap has none.
            Form::Converted(_) => Ok(()),
        }
    }

    /// What is written into; who writes to it puts more into the file.
    pub fn get_mut(&mut self) -> &mut W {
        match &mut self.form {
            Form::Copied(copied) => &mut copied.out,
            Form::Converted(writer) => writer.get_mut(),
        }
    }

    /// Pushes what `out` has buffered to where it goes.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Copied(copied) => copied.out.flush(),
            Form::Converted(writer) => writer.flush(),
        }
    }

    /// Ends the file and returns what it was written into, not flushed.
    pub fn into_inner(self) -> W {
        match self.form {
            Form::Copied(copied) => copied.out,
            Form::Converted(writer) => writer.into_inner(),
        }
    }
}

/// Blocks, copied.
#[derive(Debug)]
struct Copied<W> {
    out: W,
    /// What is to be said of the file, until it has been said.
    note: Option<String>,
    /// How the section's first interface counts time.
    clock: Option<TimeUnit>,
    /// The block under construction.
    block: Vec<u8>,
}

impl<W: Write> Copied<W> {
    fn packet(&mut self, record: &Record<'_>, comments: &[&str]) -> io::Result<()> {
        let is_new = |comment: &&str| !comment.is_empty() && !has(record.comments(), comment);
        if !comments.iter().any(is_new) {
            return self.out.write_all(record.raw);
        }
        let big = record.big_endian;
        self.block.clear();
        if word(record.raw, 0, big) == SIMPLE_PACKET {
            self.enhance(record);
        } else {
            let options_start = record.raw.len() - 4 - record.options.len();
            self.block.extend_from_slice(&record.raw[..options_start]);
            self.block.extend_from_slice(Options::new(record.options, big).raw());
        }
        for comment in comments.iter().copied().filter(|comment| is_new(comment)) {
            option(&mut self.block, big, OPTION_COMMENT, prefix(comment));
        }
        self.end(record.raw, big)
    }

    /// The simple packet as an enhanced one, up to its options. It is of its section's first interface,
    /// and of the time of the packet before it.
    fn enhance(&mut self, record: &Record<'_>) {
        let units = self.clock.unwrap_or(TimeUnit::MICROSECONDS).units(record.time_ns);
        let (captured, upper) = (record.bytes.len() as u32, (units >> 32) as u32);
        for number in [ENHANCED_PACKET, 0, 0, upper, units as u32, captured, record.wire_bytes] {
            self.block.extend(in_order(number, record.big_endian));
        }
        self.block.extend_from_slice(record.bytes);
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    fn block(&mut self, block: &Block<'_>) -> io::Result<()> {
        match block.kind {
            SECTION_HEADER => return self.section(block),
            INTERFACE_DESCRIPTION if self.clock.is_none() => {
                self.clock = Some(described(block.bytes, block.big_endian).unit);
            }
            _ => {}
        }
        self.out.write_all(block.bytes)
    }

    /// The section header without the section's length, which will be another.
    fn section(&mut self, header: &Block<'_>) -> io::Result<()> {
        const LENGTH: std::ops::Range<usize> = 16..24;
        self.clock = None;
        let (bytes, big) = (header.bytes, header.big_endian);
        let mut whole = bytes.to_vec();
        whole[LENGTH].fill(0xff);
        let options = &bytes[LENGTH.end..bytes.len() - 4];
        let note = self.note.take().filter(|note| !has(Comments::new(options, big), note));
        let Some(note) = note else { return self.out.write_all(&whole) };
        self.block.clear();
        self.block.extend_from_slice(&whole[..LENGTH.end]);
        self.block.extend_from_slice(Options::new(options, big).raw());
        option(&mut self.block, big, OPTION_COMMENT, prefix(&note));
        self.end(&whole, big)
    }

    /// Ends the block and writes it; or `unchanged`, if it has become longer than readers take.
    fn end(&mut self, unchanged: &[u8], big: bool) -> io::Result<()> {
        option(&mut self.block, big, 0, &[]);
        let len = self.block.len() as u64 + 4;
        let Some(len) = u32::try_from(len).ok().filter(|&len| len <= BLOCK_BYTES_MAX) else {
            return self.out.write_all(unchanged);
        };
        self.block[4..8].copy_from_slice(&in_order(len, big));
        self.block.extend(in_order(len, big));
        self.out.write_all(&self.block)
    }
}

fn has(mut comments: Comments<'_>, comment: &str) -> bool {
    comments.any(|there| there == comment)
}

fn in_order(number: u32, big: bool) -> [u8; 4] {
    if big { number.to_be_bytes() } else { number.to_le_bytes() }
}

/// `value` is at most 65,535 bytes long.
fn option(block: &mut Vec<u8>, big: bool, code: u16, value: &[u8]) {
    let len = value.len() as u16;
    for number in [code, len] {
        block.extend(if big { number.to_be_bytes() } else { number.to_le_bytes() });
    }
    block.extend_from_slice(value);
    block.resize(block.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests;
