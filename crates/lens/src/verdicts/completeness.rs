//! How much of a connection's life the capture holds: Wireshark's `tcp.completeness` (4.4).
//!
//! Six bits, one per kind of segment seen in either direction; not a judgement on the connection.

use crate::Segment;
use std::fmt;

/// Which kinds of segments were seen, as Wireshark's number.
///
/// ```
/// use synfin_lens::Completeness;
/// assert_eq!(Completeness::from_bits(31).name(), "Complete, WITH_DATA");
/// assert_eq!(Completeness::from_bits(31).letters(), "·FDASS");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Completeness(u8);

impl Completeness {
    /// A SYN.
    pub const SYN: u8 = 1;
    /// A SYN,ACK.
    pub const SYN_ACK: u8 = 2;
    /// An ACK without text.
    pub const ACK: u8 = 4;
    /// Text.
    pub const DATA: u8 = 8;
    /// A FIN with ACK.
    pub const FIN: u8 = 16;
    /// A RST.
    pub const RST: u8 = 32;

    /// The value with these bits.
    pub const fn from_bits(bits: u8) -> Self {
        Completeness(bits & 63)
    }

    /// Wireshark's number.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether any of these bits is set.
    pub const fn has(self, bits: u8) -> bool {
        self.0 & bits != 0
    }

    /// Wireshark's text.
    pub const fn name(self) -> &'static str {
        match self.0 {
            1 => "Incomplete, SYN_SENT",
            3 => "Incomplete, CLIENT_ESTABLISHED",
            7 => "Incomplete, ESTABLISHED",
            15 => "Incomplete, DATA",
            31 | 47 | 63 => "Complete, WITH_DATA",
            23 | 39 | 55 => "Complete, NO_DATA",
            _ => "Incomplete",
        }
    }

    /// Wireshark's `tcp.completeness.str`: `RFDASS`, a dot for each kind that is missing.
    pub fn letters(self) -> String {
        [(32, 'R'), (16, 'F'), (8, 'D'), (4, 'A'), (2, 'S'), (1, 'S')]
            .map(|(bit, letter)| if self.0 & bit != 0 { letter } else { '·' })
            .iter()
            .collect()
    }

    /// The same for a segment with ACK and neither SYN, FIN nor RST.
    #[inline(always)]
    pub(crate) fn note_plain(&mut self, segment: &Segment) {
        self.0 |= if segment.text_bytes == 0 { Self::ACK } else { Self::DATA };
    }

    /// A SYN counts only when nothing showed its number before: not after its own SYN,ACK. Text counts
    /// with ACK, and in such a SYN (Fast Open).
    #[inline]
    pub(crate) fn note(&mut self, segment: &Segment, number_was_known: bool) {
        let flags = segment.flags;
        let kind = if segment.text_bytes == 0 { Self::ACK } else { Self::DATA };
        let mut bits = self.0;
        match (flags.syn(), flags.ack()) {
            (true, false) if !number_was_known => bits |= Self::SYN | (kind & Self::DATA),
            (true, true) => bits |= Self::SYN_ACK,
            (false, true) => bits |= kind,
            _ => {}
        }
        if flags.fin() && flags.ack() {
            bits |= Self::FIN;
        }
        if flags.rst() {
            bits |= Self::RST;
        }
        self.0 = bits;
    }
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}
