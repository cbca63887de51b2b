//! The options of a segment, as values (RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 7413).
//!
//! [`Options`] holds what synfin understands; [`RawOptions`] walks every option of a header, for readers
//! that show the others too. Unknown options are skipped (MUST-6), an impossible length
//! ends the list (MUST-7). What is *not* here: when an option may be sent; that is the connection's.

use crate::Seq;

/// The Timestamps option (RFC 7323 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub value: u32,
    /// TSecr: the clock value being echoed; valid only with ACK.
    pub echo: u32,
}

/// One SACK block: bytes `left` up to, not including, `right` have arrived (RFC 2018 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SackBlock {
    /// First sequence number of the block.
    pub left: Seq,
    /// The sequence number after its last.
    pub right: Seq,
}

/// Up to four SACK blocks, in the order in which they stand in the option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SackBlocks {
    len: u8,
    blocks: [SackBlock; 4],
}

impl SackBlocks {
    /// Adds a block; returns whether there was room.
    pub fn push(&mut self, block: SackBlock) -> bool {
        let Some(slot) = self.blocks.get_mut(usize::from(self.len)) else { return false };
        *slot = block;
        self.len += 1;
        true
    }

    /// The blocks.
    pub fn as_slice(&self) -> &[SackBlock] {
        &self.blocks[..usize::from(self.len)]
    }

    /// Whether there are no blocks.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Keeps the first `count` blocks.
    pub fn truncate(&mut self, count: usize) {
        while usize::from(self.len) > count {
            self.len -= 1;
            self.blocks[usize::from(self.len)] = SackBlock::default();
        }
    }
}

/// A Fast Open cookie or request (RFC 7413 §4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FastOpenCookie {
    len: u8,
    bytes: [u8; 16],
    /// Carried in the experimental option 254 with magic 0xF989 instead of option 34.
    pub experimental: bool,
}

impl FastOpenCookie {
    /// A cookie of 4 to 16 bytes, or an empty one, which is a request; `None` for another length.
    pub fn new(cookie: &[u8]) -> Option<Self> {
        if !(cookie.is_empty() || (4..=16).contains(&cookie.len())) {
            return None;
        }
        let mut out = FastOpenCookie { len: cookie.len() as u8, ..Default::default() };
        out.bytes[..cookie.len()].copy_from_slice(cookie);
        Some(out)
    }

    /// The same cookie, carried in the experimental option 254.
    #[must_use]
    pub const fn as_experiment(mut self) -> Self {
        self.experimental = true;
        self
    }

    /// The cookie; empty for a request.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The AccECN option (RFC 9768 §3.2.3): up to three counters of 24 bits.
///
/// ```
/// use synfin_wire::tcp::AccurateEcn;
/// let option = AccurateEcn::with_e0b_first(&[1_461, 0]);
/// assert_eq!((option.e0b(), option.ceb(), option.e1b()), (Some(1_461), Some(0), None));
/// assert_eq!(option.len_bytes(), 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccurateEcn {
    order: AccurateEcnOrder,
    fields: u8,
    bytes: [u8; 9],
}

/// In which order the counters stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AccurateEcnOrder {
    /// AccECN0, kind 172: ECT(0), CE, ECT(1).
    E0bFirst,
    /// AccECN1, kind 174: ECT(1), CE, ECT(0).
    E1bFirst,
}

impl AccurateEcn {
    /// AccECN0: how many bytes arrived with ECT(0), with CE, and with ECT(1), modulo 2^24; the last may be left out.
    /// More than three are ignored.
    pub fn with_e0b_first(counters: &[u32]) -> Self {
        AccurateEcn::new(AccurateEcnOrder::E0bFirst, counters)
    }

    /// AccECN1: how many bytes arrived with ECT(1), with CE, and with ECT(0), modulo 2^24; the last may be left out.
    /// More than three are ignored.
    pub fn with_e1b_first(counters: &[u32]) -> Self {
        AccurateEcn::new(AccurateEcnOrder::E1bFirst, counters)
    }

    fn new(order: AccurateEcnOrder, counters: &[u32]) -> Self {
        let mut bytes = [0; 9];
        for (field, counter) in bytes.chunks_exact_mut(3).zip(counters) {
            field.copy_from_slice(&counter.to_be_bytes()[1..]);
        }
        AccurateEcn { order, fields: counters.len().min(3) as u8, bytes }
    }

    /// Reads the option: whole fields count, whatever its length (RFC 9768 §3.2.3).
    fn read(order: AccurateEcnOrder, data: &[u8]) -> Self {
        let fields = (data.len() / 3).min(3);
        let mut bytes = [0; 9];
        bytes[..fields * 3].copy_from_slice(&data[..fields * 3]);
        AccurateEcn { order, fields: fields as u8, bytes }
    }

    fn field(&self, at: usize) -> Option<u32> {
        let field = self.bytes[..usize::from(self.fields) * 3].chunks_exact(3).nth(at)?;
        Some(u32::from_be_bytes([0, field[0], field[1], field[2]]))
    }

    /// EE0B: bytes that arrived with ECT(0), modulo 2^24.
    pub fn e0b(&self) -> Option<u32> {
        self.field(if self.order == AccurateEcnOrder::E0bFirst { 0 } else { 2 })
    }

    /// ECEB: bytes that arrived with CE, modulo 2^24.
    pub fn ceb(&self) -> Option<u32> {
        self.field(1)
    }

    /// EE1B: bytes that arrived with ECT(1), modulo 2^24.
    pub fn e1b(&self) -> Option<u32> {
        self.field(if self.order == AccurateEcnOrder::E1bFirst { 0 } else { 2 })
    }

    /// How long the option is, with kind and length: 2, 5, 8 or 11 bytes.
    pub fn len_bytes(&self) -> u8 {
        2 + 3 * self.fields
    }

    /// Kind and data.
    pub(crate) fn parts(&self) -> (u8, &[u8]) {
        let kind = match self.order {
            AccurateEcnOrder::E0bFirst => kind::ACCURATE_ECN_0,
            AccurateEcnOrder::E1bFirst => kind::ACCURATE_ECN_1,
        };
        (kind, &self.bytes[..usize::from(self.fields) * 3])
    }
}

/// The options of a segment that synfin understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// Maximum Segment Size in bytes (RFC 9293 §3.7.1).
    pub mss: Option<u16>,
    /// Window Scale shift count as sent, not yet limited to 14 (RFC 7323 §2).
    pub window_scale: Option<u8>,
    /// SACK-Permitted (RFC 2018 §2).
    pub sack_permitted: bool,
    /// Timestamps (RFC 7323 §3).
    pub timestamps: Option<Timestamps>,
    /// SACK (RFC 2018 §3); a D-SACK block comes first (RFC 2883 §4).
    pub sack: SackBlocks,
    /// TCP Fast Open (RFC 7413).
    pub fast_open: Option<FastOpenCookie>,
    /// AccECN (RFC 9768 §3.2.3).
    pub accurate_ecn: Option<AccurateEcn>,
}

/// Option kinds (IANA, "TCP Option Kind Numbers").
pub mod kind {
    /// End of the list.
    pub const END: u8 = 0;
    /// No operation: padding.
    pub const NOP: u8 = 1;
    /// Maximum Segment Size.
    pub const MSS: u8 = 2;
    /// Window Scale.
    pub const WINDOW_SCALE: u8 = 3;
    /// SACK-Permitted.
    pub const SACK_PERMITTED: u8 = 4;
    /// SACK.
    pub const SACK: u8 = 5;
    /// Timestamps.
    pub const TIMESTAMPS: u8 = 8;
    /// MD5 signature (RFC 2385).
    pub const MD5: u8 = 19;
    /// User timeout (RFC 5482).
    pub const USER_TIMEOUT: u8 = 28;
    /// TCP authentication option (RFC 5925).
    pub const AUTHENTICATION: u8 = 29;
    /// Multipath TCP (RFC 8684).
    pub const MULTIPATH: u8 = 30;
    /// Fast Open cookie (RFC 7413).
    pub const FAST_OPEN: u8 = 34;
    /// Encryption negotiation (RFC 8547).
    pub const ENCRYPTION: u8 = 69;
    /// Accurate ECN, order 0 (RFC 9768 §3.2.3).
    pub const ACCURATE_ECN_0: u8 = 172;
    /// Accurate ECN, order 1 (RFC 9768 §3.2.3).
    pub const ACCURATE_ECN_1: u8 = 174;
    /// Experiment 1 (RFC 4727); shared by magic numbers (RFC 6994).
    pub const EXPERIMENT_1: u8 = 253;
    /// Experiment 2 (RFC 4727); Fast Open used it with magic 0xF989.
    pub const EXPERIMENT_2: u8 = 254;
}

/// The experiment identifier of Fast Open before it had a kind (RFC 7413 appendix, RFC 6994).
pub(crate) const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

/// One option as it stands in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawOption<'a> {
    /// The option's kind; see [`kind`].
    pub kind: u8,
    /// What follows kind and length; empty for END and NOP, which have no length.
    pub data: &'a [u8],
}

/// An option with an impossible length: less than 2, or past the end of the header (MUST-7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MalformedOption {
    /// The option's kind.
    pub kind: u8,
    /// Its length field, or `None` when the header ends before it.
    pub len_bytes: Option<u8>,
    /// Where it starts, in bytes from the start of the options.
    pub offset_bytes: usize,
}

/// Walks every option of a header in order, known or not.
///
/// The walk ends after END, after the last byte, or after one `Err` for a malformed option.
///
/// ```
/// use synfin_wire::tcp::{RawOptions, kind};
/// let kinds: Vec<u8> = RawOptions::new(&[1, 1, 30, 4, 0, 0, 0]).map(|o| o.unwrap().kind).collect();
/// assert_eq!(kinds, [kind::NOP, kind::NOP, kind::MULTIPATH, kind::END]);
/// ```
#[derive(Clone, Debug)]
pub struct RawOptions<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> RawOptions<'a> {
    /// The options in these bytes, which start after the fixed 20 bytes of the header.
    pub const fn new(options: &'a [u8]) -> Self {
        RawOptions { bytes: options, at: 0 }
    }

    /// The options of a whole segment, up to its data offset or the end of the bytes.
    pub fn of_segment(segment: &'a [u8]) -> Self {
        let header_bytes = segment.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4);
        RawOptions::new(segment.get(20..header_bytes.min(segment.len())).unwrap_or_default())
    }
}

impl<'a> Iterator for RawOptions<'a> {
    type Item = Result<RawOption<'a>, MalformedOption>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let kind = *self.bytes.get(start)?;
        if kind <= kind::NOP {
            self.at = if kind == kind::END { self.bytes.len() } else { start + 1 };
            return Some(Ok(RawOption { kind, data: &[] }));
        }
        let len = self.bytes.get(start + 1).copied();
        let data =
            len.filter(|&len| len >= 2).and_then(|len| self.bytes.get(start + 2..start + usize::from(len)));
        match data {
            Some(data) => {
                self.at = start + 2 + data.len();
                Some(Ok(RawOption { kind, data }))
            }
            None => {
                self.at = self.bytes.len();
                Some(Err(MalformedOption { kind, len_bytes: len, offset_bytes: start }))
            }
        }
    }
}

impl Options {
    /// The timestamps, if there is no other option, as in nearly every segment; `None` if there is another.
    pub(crate) fn only_timestamps(&self) -> Option<Option<Timestamps>> {
        let others = self.mss.is_some()
            || self.window_scale.is_some()
            || self.sack_permitted
            || !self.sack.is_empty()
            || self.fast_open.is_some()
            || self.accurate_ecn.is_some();
        (!others).then_some(self.timestamps)
    }

    /// Reads the options in these bytes, which start after the fixed 20 bytes of the header.
    ///
    /// Never fails: unknown options, and known options of a wrong length, are skipped (MUST-6); a
    /// malformed option ends the list (MUST-7). If an option is there twice, the last one counts.
    ///
    /// ```
    /// use synfin_wire::tcp::Options;
    /// assert_eq!(Options::parse(&[2, 4, 0x05, 0xb4]).mss, Some(1460));
    /// assert_eq!(Options::parse(&[2, 0, 0x05, 0xb4]), Options::default());
    /// ```
    pub fn parse(bytes: &[u8]) -> Options {
        let mut options = Options::default();
        options.read(bytes);
        options
    }

    /// Like [`parse`](Options::parse), into options that are still empty.
    #[inline]
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        // Nearly every segment of an open connection: NOP, NOP, Timestamps and nothing else.
        if let &[1, 1, 8, 10, ref data @ ..] = bytes
            && let &[a, b, c, d, e, f, g, h] = data
        {
            self.timestamps = Some(Timestamps {
                value: u32::from_be_bytes([a, b, c, d]),
                echo: u32::from_be_bytes([e, f, g, h]),
            });
        } else if !bytes.is_empty() {
            self.read_all(bytes);
        }
    }

    #[inline(never)]
    fn read_all(&mut self, bytes: &[u8]) {
        for option in RawOptions::new(bytes).map_while(Result::ok) {
            self.read_option(option);
        }
    }

    fn read_option(&mut self, option: RawOption<'_>) {
        match (option.kind, option.data) {
            (kind::MSS, &[a, b]) => self.mss = Some(u16::from_be_bytes([a, b])),
            (kind::WINDOW_SCALE, &[shift]) => self.window_scale = Some(shift),
            (kind::SACK_PERMITTED, &[]) => self.sack_permitted = true,
            (kind::TIMESTAMPS, &[a, b, c, d, e, f, g, h]) => {
                self.timestamps = Some(Timestamps {
                    value: u32::from_be_bytes([a, b, c, d]),
                    echo: u32::from_be_bytes([e, f, g, h]),
                });
            }
            (kind::SACK, blocks) if !blocks.is_empty() && blocks.len().is_multiple_of(8) => {
                self.sack = SackBlocks::default();
                for block in blocks.chunks_exact(8) {
                    self.sack.push(SackBlock {
                        left: Seq::new(u32::from_be_bytes([block[0], block[1], block[2], block[3]])),
                        right: Seq::new(u32::from_be_bytes([block[4], block[5], block[6], block[7]])),
                    });
                }
            }
            (kind::ACCURATE_ECN_0, data) => {
                self.accurate_ecn = Some(AccurateEcn::read(AccurateEcnOrder::E0bFirst, data));
            }
            (kind::ACCURATE_ECN_1, data) => {
                self.accurate_ecn = Some(AccurateEcn::read(AccurateEcnOrder::E1bFirst, data));
            }
            (kind::FAST_OPEN, cookie) => {
                self.fast_open = FastOpenCookie::new(cookie).or(self.fast_open);
            }
            (kind::EXPERIMENT_2, &[a, b, ref cookie @ ..]) if [a, b] == FAST_OPEN_MAGIC => {
                self.fast_open =
                    FastOpenCookie::new(cookie).map(FastOpenCookie::as_experiment).or(self.fast_open);
            }
            _ => {}
        }
    }
}
