//! The reader of capture files: pcap and pcapng, plain or compressed, from a file or a pipe.
//!
//! It has one reused buffer, makes no allocation per packet, and its memory is bounded by the largest
//! record. A damaged file is read up to the damage. What it does not do: seek, read backwards, decrypt,
//! resolve names.

mod buffer;
mod input;
mod kept;
mod options;
mod pcap;
pub(crate) mod pcapng;
mod sniff;
mod time;

use crate::{Damage, DamageKind, Direction, Error, InterfaceId, LinkType};
use buffer::ReadBuffer;
use input::Input;
pub use kept::KeptPiece;
pub use options::Comments;
pub(crate) use options::Options;
use std::io::{self, Read};
pub(crate) use time::TimeUnit;

/// The most bytes of one packet; a record that claims more is damaged. Wireshark has the same limit.
pub const PACKET_BYTES_MAX: u32 = 262_144;

/// The most interfaces of one file that are kept: as many as a 16-bit interface number can tell apart.
const INTERFACES_MAX: usize = 65_536;

/// A packet of a capture file. It borrows the reader's buffer until the next packet is read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// Its number in the file, counted from 1 as in Wireshark.
    pub number: u64,
    /// Where its record starts, in bytes from the start of the (decompressed) file.
    pub offset_bytes: u64,
    /// The interface on which it was captured: an index into [`Reader::interfaces`].
    pub interface: InterfaceId,
    /// With which protocol it begins.
    pub link_type: LinkType,
    /// When it was captured, in nanoseconds since 1970-01-01 UTC. A record without a time has that of the
    /// previous one.
    pub time_ns: u64,
    /// Its direction, if the file gives it.
    pub direction: Option<Direction>,
    /// Its length on the wire, in bytes; never less than `bytes.len()`.
    pub wire_bytes: u32,
    /// Its captured bytes.
    pub bytes: &'a [u8],
    /// Its whole record in the file.
    pub(crate) raw: &'a [u8],
    pub(crate) options: &'a [u8],
    pub(crate) big_endian: bool,
}

impl<'a> Record<'a> {
    /// The comments on the packet (pcapng).
    pub fn comments(&self) -> Comments<'a> {
        Comments::new(self.options, self.big_endian)
    }
}

/// A block of a pcapng file that is not a packet, unchanged: a section header, the description of an
/// interface, names, statistics, secrets, or any other block.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Block<'a> {
    /// Its block type, from the pcapng registry.
    pub kind: u32,
    /// The whole block, from its type to its second length.
    pub bytes: &'a [u8],
    /// Whether the numbers of its section are big-endian.
    pub big_endian: bool,
}

/// One piece of a capture file.
///
/// A file has nothing else: a program may match on both.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// A packet.
    Packet(Record<'a>),
    /// Any other block (pcapng).
    Block(Block<'a>),
}

/// An interface as the file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterfaceDescription {
    /// With which protocol each packet begins.
    pub link_type: LinkType,
    /// Its name; may be empty. At most 256 bytes are kept.
    pub name: String,
    /// A description; may be empty. At most 256 bytes are kept.
    pub description: String,
    /// The most bytes that were captured of a packet; zero: no limit.
    pub snap_bytes: u32,
    pub(crate) unit: TimeUnit,
}

/// Reads a capture from `R`, which need not be buffered.
///
/// ```
/// use synfin_capture::{Format, Interface, LinkType, PacketInfo, Reader, Section, Writer};
/// let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default())?;
/// let tun = writer.add_interface(&Interface::new(LinkType::RAW))?;
/// writer.write_slices(&PacketInfo::new(tun, 1_700_000_000_000_000_001), &[b"E..."])?;
/// let file = writer.into_inner();
///
/// let mut reader = Reader::new(&file[..])?;
/// while let Some(record) = reader.next() {
///     let record = record?;
///     assert_eq!((record.number, record.bytes), (1, &b"E..."[..]));
///     assert_eq!(record.time_ns, 1_700_000_000_000_000_001);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reader<R: Read> {
    buffer: ReadBuffer<Input<R>>,
    format: FormatState,
    interfaces: Vec<InterfaceDescription>,
    comment: String,
    /// Packets returned so far.
    number: u64,
    /// The time of the last packet.
    time_ns: u64,
    /// The length of the record or block that was returned last, which is still in the buffer.
    lent_bytes: usize,
    /// The section header at the start of the file, until it is returned or skipped.
    section_header: Option<pcapng::BufferedBlock>,
    done: bool,
}

/// The format of the file, with what its reader has to remember.
#[derive(Debug)]
enum FormatState {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::SectionState),
}

/// A packet record in the buffer; ranges are positions in the buffer.
#[derive(Clone, Copy, Debug)]
struct FoundPacket {
    record_bytes: usize,
    packet: (usize, usize),
    options: (usize, usize),
    big_endian: bool,
    interface: u32,
    link_type: LinkType,
    time_ns: u64,
    direction: Option<Direction>,
    wire_bytes: u32,
}

/// What happens to blocks that are not packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OtherBlocks {
    Skipped,
    Lent,
}

/// What stopped the search for a record.
#[derive(Debug)]
enum Stop {
    /// The file ends between records.
    End,
    Io(io::Error),
    Damage(DamageKind),
    /// A block that is not a packet is in the buffer; only with [`OtherBlocks::Lent`].
    Block(pcapng::BufferedBlock),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

impl<R: Read> Reader<R> {
    /// Looks at the beginning of `input`, decompresses it if it is compressed, and reads the file header.
    ///
    /// # Errors
    /// Those of `input`, and an [`Error`] that says why if the file is not a capture that can be read.
    pub fn new(input: R) -> Result<Self, Error> {
        let mut buffer = ReadBuffer::new(Input::new(input).map_err(Error::Io)?);
        let kind = sniff_kind(&mut buffer)?;
        let mut interfaces = Vec::new();
        let format = match kind {
            sniff::FileKind::Pcap(variant) => {
                let (pcap, interface) = pcap::Pcap::open(&mut buffer, variant)?;
                interfaces.push(interface);
                FormatState::Pcap(pcap)
            }
            sniff::FileKind::Pcapng => FormatState::Pcapng(pcapng::SectionState::default()),
        };
        let mut reader = Reader {
            buffer,
            format,
            interfaces,
            comment: String::new(),
            number: 0,
            time_ns: 0,
            lent_bytes: 0,
            section_header: None,
            done: false,
        };
        if matches!(kind, sniff::FileKind::Pcapng) {
            reader.read_first_section()?;
        }
        Ok(reader)
    }

    /// Whether the file is pcapng, which has blocks and comments.
    pub fn is_pcapng(&self) -> bool {
        matches!(self.format, FormatState::Pcapng(_))
    }

    /// The interfaces described so far; pcapng may add more at any time.
    pub fn interfaces(&self) -> &[InterfaceDescription] {
        &self.interfaces
    }

    /// The comment on the capture as a whole, or nothing (pcapng).
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// How many bytes were taken from the input so far, packed ones if it is packed: for progress bars.
    pub fn bytes_read(&self) -> u64 {
        self.buffer.input().bytes_read()
    }

    /// How many packets were returned so far.
    pub fn packets(&self) -> u64 {
        self.number
    }

    /// The next packet, or `None` at the end of the file and after an error.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the file is damaged or cut short, [`Error::Io`] if the input failed.
    // A lending iterator: the record borrows the buffer, so `Iterator` cannot be implemented.
    #[expect(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> Option<Result<Record<'_>, Error>> {
        if self.done {
            return None;
        }
        self.buffer.advance(self.lent_bytes);
        self.lent_bytes = 0;
        let found = match &mut self.format {
            FormatState::Pcap(pcap) => pcap.find_record(&mut self.buffer),
            FormatState::Pcapng(_) => self.find_packet(OtherBlocks::Skipped),
        };
        match found {
            Ok(found) => Some(Ok(self.lend_record(found))),
            Err(stop) => self.stop_reading(stop).map(Err),
        }
    }

    /// The next piece of the file: a packet, or a pcapng block of another kind, such as the section header
    /// at the start of the file. It serves to copy a file; [`Reader::next`] returns only the packets.
    /// Blocks of more than 16 MiB that are not packets are skipped.
    ///
    /// # Errors
    /// As [`Reader::next`].
    ///
    /// ```
    /// use synfin_capture::{Format, Piece, Reader, Section, Writer};
    /// let file = Writer::new(Vec::new(), Format::Pcapng, &Section::default())?.into_inner();
    /// let mut reader = Reader::new(&file[..])?;
    /// let Some(Ok(Piece::Block(header))) = reader.next_piece() else { panic!("a section header") };
    /// assert_eq!(header.bytes, file);
    /// assert!(reader.next_piece().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_piece(&mut self) -> Option<Result<Piece<'_>, Error>> {
        if self.done {
            return None;
        }
        if let Some(header) = self.section_header.take().filter(|_| self.buffer.offset() == 0) {
            return Some(Ok(Piece::Block(self.lend_block(header))));
        }
        self.buffer.advance(self.lent_bytes);
        self.lent_bytes = 0;
        let found = match &mut self.format {
            FormatState::Pcap(pcap) => pcap.find_record(&mut self.buffer),
            FormatState::Pcapng(_) => self.find_packet(OtherBlocks::Lent),
        };
        match found {
            Ok(found) => Some(Ok(Piece::Packet(self.lend_record(found)))),
            Err(Stop::Block(block)) => Some(Ok(Piece::Block(self.lend_block(block)))),
            Err(stop) => self.stop_reading(stop).map(Err),
        }
    }

    #[inline]
    fn lend_record(&mut self, found: FoundPacket) -> Record<'_> {
        self.number += 1;
        self.time_ns = found.time_ns;
        self.lent_bytes = found.record_bytes;
        let bytes = self.buffer.bytes();
        let packet = &bytes[found.packet.0..found.packet.1];
        Record {
            number: self.number,
            offset_bytes: self.buffer.offset(),
            interface: InterfaceId(found.interface),
            link_type: found.link_type,
            time_ns: found.time_ns,
            direction: found.direction,
            wire_bytes: found.wire_bytes.max(packet.len() as u32),
            bytes: packet,
            raw: &bytes[..found.record_bytes],
            options: &bytes[found.options.0..found.options.1],
            big_endian: found.big_endian,
        }
    }

    fn lend_block(&mut self, block: pcapng::BufferedBlock) -> Block<'_> {
        self.lent_bytes = block.len;
        let bytes = &self.buffer.bytes()[..block.len];
        Block { kind: block.kind, bytes, big_endian: block.big_endian }
    }

    #[cold]
    fn stop_reading(&mut self, stop: Stop) -> Option<Error> {
        self.done = true;
        let record = self.number + 1;
        let offset_bytes = self.buffer.offset();
        match stop {
            Stop::End => None,
            Stop::Io(error) => {
                Some(input_error(error, self.buffer.input().is_compressed(), record, offset_bytes))
            }
            Stop::Damage(what) => Some(Error::Damaged(Damage { record, offset_bytes, what })),
            Stop::Block(_) => unreachable!("blocks are lent by `next_piece` alone"),
        }
    }
}

/// The kind of the file. More than 4 bytes are read only if these do not decide, so that the reader does
/// not wait for a pipe longer than necessary.
fn sniff_kind<R: Read>(buffer: &mut ReadBuffer<Input<R>>) -> Result<sniff::FileKind, Error> {
    for enough_bytes in [4, sniff::SNIFF_BYTES] {
        if let Err(error) = buffer.fill_to(enough_bytes) {
            return Err(input_error(error, buffer.input().is_compressed(), 0, 0));
        }
        match sniff::sniff(buffer.bytes()) {
            Err(Error::NotACapture { .. }) if enough_bytes == 4 => {}
            sniffed => return sniffed,
        }
    }
    sniff::sniff(buffer.bytes())
}

/// An error of the input. An error of the decompressor means that the file is damaged.
fn input_error(error: io::Error, compressed: bool, record: u64, offset_bytes: u64) -> Error {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    if compressed && matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) {
        let what = DamageKind::Compression(error.to_string());
        return Error::Damaged(Damage { record, offset_bytes, what });
    }
    Error::Io(error)
}

/// A number of 32 bits at `at`. The caller has checked that `bytes` is long enough.
#[inline]
pub(crate) fn read_u32(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    let number = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    if big_endian { u32::from_be_bytes(number) } else { u32::from_le_bytes(number) }
}

/// A number of 16 bits at `at`. The caller has checked that `bytes` is long enough.
#[inline]
fn read_u16(bytes: &[u8], at: usize, big_endian: bool) -> u16 {
    let number = [bytes[at], bytes[at + 1]];
    if big_endian { u16::from_be_bytes(number) } else { u16::from_le_bytes(number) }
}

#[cfg(test)]
mod tests;
