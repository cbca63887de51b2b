//! The TCP header as a value, read and written (RFC 9293 §3.1).

use super::layout::OptionBytes;
use super::options::{Options, Timestamps, kind};
use super::{Flags, OptionLayout};
use crate::checksum::Sum;
use crate::error::{Error, take};
use crate::{Head, Seq, words};

/// The header without options, in bytes.
pub const HEADER_BYTES_MIN: usize = 20;
/// The header with the most options, in bytes.
pub const HEADER_BYTES_MAX: usize = 60;
/// Where the checksum field is, in bytes from the start of the header.
pub const CHECKSUM_OFFSET: usize = 16;

/// A TCP header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Header {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number of the first byte, or of the SYN.
    pub seq: Seq,
    /// Acknowledgment number; meaningful only with [`Flags::ACK`].
    pub ack: Seq,
    /// Control bits.
    pub flags: Flags,
    /// Window as it stands in the header, not scaled.
    pub window: u16,
    /// Urgent pointer; meaningful only with [`Flags::URG`].
    pub urgent: u16,
    /// Options.
    pub options: Options,
}

// It is cleared for each segment that arrives or leaves: what makes it larger costs all of them.
const _: () = assert!(size_of::<Header>() <= 104);

impl Header {
    /// Reads the header at the start of a segment; returns it with its length in bytes, which is
    /// where the text starts. The checksum is not verified.
    ///
    /// # Errors
    /// [`Error::Truncated`] if the segment ends before its header does, [`Error::HeaderLength`] if
    /// the data offset is less than five words.
    ///
    /// ```
    /// use synfin_wire::tcp::{Flags, Header, OptionLayout};
    /// let syn = Header { source_port: 1025, destination_port: 80, flags: Flags::SYN, ..Header::default() };
    /// let mut bytes = [0; 60];
    /// let len = syn.emit(&mut bytes, OptionLayout::Linux);
    /// assert_eq!(Header::parse(&bytes[..len]), Ok((syn, 20)));
    /// ```
    pub fn parse(segment: &[u8]) -> Result<(Header, usize), Error> {
        let mut header = Header::default();
        let header_bytes = header.read(segment)?;
        Ok((header, header_bytes))
    }

    /// Like [`parse`](Header::parse), but in place, into a header that is still empty
    /// ([`Header::default`]): it is too large to be moved, or cleared twice, for each segment. Returns its length
    /// in bytes. After an error the value is unspecified.
    ///
    /// # Errors
    /// As [`parse`](Header::parse).
    #[inline]
    pub fn read(&mut self, segment: &[u8]) -> Result<usize, Error> {
        let fixed = take::<HEADER_BYTES_MIN>(segment, 0)?;
        let header_bytes = usize::from(fixed[12] >> 4) * 4;
        if header_bytes < HEADER_BYTES_MIN {
            return Err(Error::HeaderLength { found_bytes: header_bytes });
        }
        let options = segment
            .get(HEADER_BYTES_MIN..header_bytes)
            .ok_or(Error::Truncated { needed_bytes: header_bytes, available_bytes: segment.len() })?;
        debug_assert_eq!(self.options, Options::default(), "it is empty");
        self.read_fixed(fixed);
        self.options.read(options);
        Ok(header_bytes)
    }

    /// Reads the fixed 20 bytes alone, for segments that a capture or an ICMP error cut short after them.
    pub fn parse_fixed(segment: &[u8]) -> Result<Header, Error> {
        let fixed = take::<HEADER_BYTES_MIN>(segment, 0)?;
        let mut header = Header::default();
        header.read_fixed(fixed);
        Ok(header)
    }

    /// Reads all but the options.
    #[inline]
    fn read_fixed(&mut self, fixed: &[u8; HEADER_BYTES_MIN]) {
        let u16_at = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let u32_at = |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        self.source_port = u16_at(0);
        self.destination_port = u16_at(2);
        self.seq = Seq::new(u32_at(4));
        self.ack = Seq::new(u32_at(8));
        self.flags = Flags::from_bits(u16_at(12));
        self.window = u16_at(14);
        self.urgent = u16_at(18);
    }

    /// The length of the header in bytes as [`emit`](Header::emit) writes it: 20 to 60, a multiple of 4.
    pub fn len_bytes(&self, layout: OptionLayout) -> usize {
        match self.options.only_timestamps() {
            Some(None) => HEADER_BYTES_MIN,
            Some(Some(_)) => HEADER_BYTES_MIN + 12,
            None => HEADER_BYTES_MIN + OptionBytes::new(&self.options, layout).as_slice().len(),
        }
    }

    /// Writes the header to the start of `into`, with a checksum of zero; returns its length in bytes.
    ///
    /// Options that do not fit into 40 bytes are left out: first the Fast Open cookie, then SACK
    /// blocks from the last.
    ///
    /// # Panics
    /// If `into` is shorter than [`len_bytes`](Header::len_bytes); 60 bytes are always enough.
    pub fn emit(&self, into: &mut [u8], layout: OptionLayout) -> usize {
        let mut head = Head::new();
        self.append_to(&mut head, layout);
        into[..head.as_slice().len()].copy_from_slice(head.as_slice());
        head.as_slice().len()
    }

    /// Appends the header to a frame's head, written as [`emit`](Header::emit) does, and returns its sum. The
    /// sum is computed from the values, because reading back what has just been written is slow.
    ///
    /// # Panics
    /// If the frame's head has no room for it.
    #[inline]
    pub fn append_to(&self, head: &mut Head, layout: OptionLayout) -> Sum {
        let mut sum = Sum::new();
        let into = match self.options.only_timestamps() {
            Some(None) => head.grow(HEADER_BYTES_MIN),
            Some(Some(timestamps)) => {
                let into = head.grow(HEADER_BYTES_MIN + 12);
                let words = timestamp_words(timestamps);
                words::put(&words, &mut into[HEADER_BYTES_MIN..]);
                sum.add_words(&words);
                into
            }
            None => self.append_options(head, layout, &mut sum),
        };
        let words = self.fixed_words(into.len());
        words::put(&words, into);
        sum.add_words(&words);
        sum
    }

    /// Makes room for the header and writes its options.
    #[inline(never)]
    fn append_options<'a>(&self, head: &'a mut Head, layout: OptionLayout, sum: &mut Sum) -> &'a mut [u8] {
        let option_bytes = OptionBytes::new(&self.options, layout);
        let into = head.grow(HEADER_BYTES_MIN + option_bytes.as_slice().len());
        into[HEADER_BYTES_MIN..].copy_from_slice(option_bytes.as_slice());
        sum.add(option_bytes.as_slice());
        into
    }

    /// The first five words (RFC 9293 §3.1, figure 1), with a checksum of zero.
    fn fixed_words(&self, header_bytes: usize) -> [u32; 5] {
        let offset_and_flags = ((header_bytes as u32 / 4) << 12) | u32::from(self.flags.bits());
        [
            (u32::from(self.source_port) << 16) | u32::from(self.destination_port),
            self.seq.number(),
            self.ack.number(),
            (offset_and_flags << 16) | u32::from(self.window),
            u32::from(self.urgent),
        ]
    }
}

/// The options of nearly every segment: NOP, NOP, Timestamps.
fn timestamp_words(timestamps: Timestamps) -> [u32; 3] {
    [u32::from_be_bytes([kind::NOP, kind::NOP, kind::TIMESTAMPS, 10]), timestamps.value, timestamps.echo]
}
