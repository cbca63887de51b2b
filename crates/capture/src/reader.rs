//! The reader of capture files: pcap and pcapng, plain or packed, from a file or a pipe.
//!
//! One reused buffer, no allocation per packet, memory bounded by the largest record. A damaged file
//! is read up to the damage. What it does not do: seek, read backwards, decrypt, resolve names.

mod chunk;
mod input;
mod options;
mod pcap;
mod pcapng;
mod sniff;
mod time;

use crate::{Damage, DamageKind, Direction, Error, InterfaceId, LinkType};
use chunk::Chunk;
use input::Input;
pub use options::Comments;
use std::io::{self, Read};
use time::TimeUnit;

/// The most bytes of one packet; a record that claims more is damage. Wireshark draws the same line.
pub const PACKET_BYTES_MAX: u32 = 262_144;

/// The most interfaces of one file that are kept: what a 16-bit interface number could name.
const INTERFACES_MAX: usize = 65_536;

/// A packet of a capture file. It borrows the reader's buffer until the next is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// Its number in the file, counted from 1 as Wireshark does.
    pub number: u64,
    /// Where its record starts, in bytes from the start of the (unpacked) file.
    pub offset_bytes: u64,
    /// Where it was captured: an index into [`Reader::interfaces`].
    pub interface: InterfaceId,
    /// What the first of its bytes is.
    pub link_type: LinkType,
    /// When, in nanoseconds since 1970-01-01 UTC. For a record without a time, that of the one before.
    pub time_ns: u64,
    /// Which way it went, if the file says so.
    pub direction: Option<Direction>,
    /// How long it was on the wire, in bytes; never less than `bytes.len()`.
    pub wire_bytes: u32,
    /// What was captured of it.
    pub bytes: &'a [u8],
    options: &'a [u8],
    big_endian: bool,
}

impl<'a> Record<'a> {
    /// The comments on the packet (pcapng).
    pub fn comments(&self) -> Comments<'a> {
        Comments::new(self.options, self.big_endian)
    }
}

/// An interface as the file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapturedOn {
    /// What the first byte of each packet is.
    pub link_type: LinkType,
    /// Its name, or nothing. At most 256 bytes are kept.
    pub name: String,
    /// A description, or nothing. At most 256 bytes are kept.
    pub description: String,
    /// The most bytes of a packet that were kept; zero: no limit.
    pub snap_bytes: u32,
    unit: TimeUnit,
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
    chunk: Chunk<Input<R>>,
    format: Format,
    interfaces: Vec<CapturedOn>,
    comment: String,
    /// Packets returned so far.
    number: u64,
    /// The time of the last packet.
    time_ns: u64,
    /// The length of the record that is lent out, still in the buffer.
    lent_bytes: usize,
    done: bool,
}

/// How the rest of the file is to be read.
#[derive(Debug)]
enum Format {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Section),
}

/// A record found in the buffer, by positions.
#[derive(Clone, Copy, Debug)]
struct Found {
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

/// What stopped the search for a record.
#[derive(Debug)]
enum Stop {
    /// The file ends, as it should.
    End,
    Io(io::Error),
    Damage(DamageKind),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

impl<R: Read> Reader<R> {
    /// Looks at the beginning of `input`, unpacks it if it is packed, and reads the file's header.
    ///
    /// # Errors
    /// Those of `input`, and all the ways in which a file is not a capture that we read.
    pub fn new(input: R) -> Result<Self, Error> {
        let mut chunk = Chunk::new(Input::new(input).map_err(Error::Io)?);
        let kind = kind(&mut chunk)?;
        let mut interfaces = Vec::new();
        let format = match kind {
            sniff::Kind::Pcap(variant) => {
                let (pcap, interface) = pcap::Pcap::open(&mut chunk, variant)?;
                interfaces.push(interface);
                Format::Pcap(pcap)
            }
            sniff::Kind::Pcapng => Format::Pcapng(pcapng::Section::default()),
        };
        let mut reader = Reader {
            chunk,
            format,
            interfaces,
            comment: String::new(),
            number: 0,
            time_ns: 0,
            lent_bytes: 0,
            done: false,
        };
        if matches!(kind, sniff::Kind::Pcapng) {
            reader.first_section()?;
        }
        Ok(reader)
    }

    /// The interfaces described so far; pcapng may add more at any time.
    pub fn interfaces(&self) -> &[CapturedOn] {
        &self.interfaces
    }

    /// The comment on the capture as a whole, or nothing (pcapng).
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// How many bytes were taken from the input so far, packed ones if it is packed: for progress bars.
    pub fn bytes_read(&self) -> u64 {
        self.chunk.input().bytes_read()
    }

    /// How many packets were returned so far.
    pub fn packets(&self) -> u64 {
        self.number
    }

    /// The next packet, or nothing at the end of the file. After an error there is nothing more.
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
        self.chunk.advance(self.lent_bytes);
        self.lent_bytes = 0;
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.find(&mut self.chunk),
            Format::Pcapng(_) => self.find_in_blocks(),
        };
        match found {
            Ok(found) => Some(Ok(self.lend(found))),
            Err(stop) => self.stop(stop).map(Err),
        }
    }

    #[inline]
    fn lend(&mut self, found: Found) -> Record<'_> {
        self.number += 1;
        self.time_ns = found.time_ns;
        self.lent_bytes = found.record_bytes;
        let bytes = self.chunk.bytes();
        let packet = &bytes[found.packet.0..found.packet.1];
        Record {
            number: self.number,
            offset_bytes: self.chunk.offset(),
            interface: InterfaceId(found.interface),
            link_type: found.link_type,
            time_ns: found.time_ns,
            direction: found.direction,
            wire_bytes: found.wire_bytes.max(packet.len() as u32),
            bytes: packet,
            options: &bytes[found.options.0..found.options.1],
            big_endian: found.big_endian,
        }
    }

    #[cold]
    fn stop(&mut self, stop: Stop) -> Option<Error> {
        self.done = true;
        let (record, offset_bytes) = (self.number + 1, self.chunk.offset());
        match stop {
            Stop::End => None,
            Stop::Io(error) => Some(failed(error, self.chunk.input().is_compressed(), record, offset_bytes)),
            Stop::Damage(what) => Some(Error::Damaged(Damage { record, offset_bytes, what })),
        }
    }
}

/// What the file is; more is read only if its first bytes do not say, so that a pipe is not waited for.
fn kind<R: Read>(chunk: &mut Chunk<Input<R>>) -> Result<sniff::Kind, Error> {
    for enough_bytes in [4, sniff::SNIFF_BYTES] {
        if let Err(error) = chunk.need(enough_bytes) {
            return Err(failed(error, chunk.input().is_compressed(), 0, 0));
        }
        match sniff::sniff(chunk.bytes()) {
            Err(Error::NotACapture { .. }) if enough_bytes == 4 => {}
            sniffed => return sniffed,
        }
    }
    sniff::sniff(chunk.bytes())
}

/// An error of the input; an unpacker that chokes means that the file is damaged.
fn failed(error: io::Error, compressed: bool, record: u64, offset_bytes: u64) -> Error {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    if compressed && matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) {
        let what = DamageKind::Compression(error.to_string());
        return Error::Damaged(Damage { record, offset_bytes, what });
    }
    Error::Io(error)
}

/// Reads a number where the caller has made sure that there is one.
#[inline]
fn word(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    let word = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
}

/// Reads a number of 16 bits where the caller has made sure that there is one.
#[inline]
fn half(bytes: &[u8], at: usize, big_endian: bool) -> u16 {
    let half = [bytes[at], bytes[at + 1]];
    if big_endian { u16::from_be_bytes(half) } else { u16::from_le_bytes(half) }
}

#[cfg(test)]
mod tests;
