//! Zeek's view of a connection: `conn_state` and `history`, letter by letter.
//!
//! The originator is the end that opened; upper-case letters are its, lower-case ones the other's.

use crate::analysis::Notes;
use crate::verdicts::Verdicts;
use crate::{Segment, Side};

/// Letters kept. Each is written once per direction, the counted ones at 1, 10, 100 and so on.
const LETTERS_MAX: usize = 32;

/// The history of a connection in Zeek's letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct History {
    letters: [u8; LETTERS_MAX],
    len: u8,
    seen: [u16; 2],
    repeats: [[u16; 3]; 2],
}

/// Zeek's letters that are written once, in the order of their bits.
const ONCE: &[u8; 8] = b"shadfrqi";
/// The letters that count: retransmission, zero window, gap.
const COUNTED: &[u8; 3] = b"twg";

impl History {
    /// Takes note of a segment; `judged` are the verdicts that do not depend on where numbers begin.
    #[inline]
    pub(crate) fn on_segment(&mut self, from: Side, segment: &Segment, judged: Verdicts, notes: Notes) {
        let flags = segment.flags;
        if flags.syn() && (flags.fin() || flags.rst()) {
            self.once(from, 6);
        }
        match (flags.syn(), flags.ack()) {
            (true, true) => self.once(from, 1),
            (true, false) => self.once(from, 0),
            (false, true) if segment.is_pure_ack() => self.once(from, 2),
            _ => {}
        }
        if !judged.is_empty() || !notes.is_empty() {
            self.on_trouble(from, judged, notes);
        }
        if segment.text_bytes > 0 {
            if flags.ack() && !flags.syn() {
                self.once(from, 2);
            }
            self.once(from, 3);
        }
        if flags.fin() {
            self.once(from, 4);
        }
        if flags.rst() {
            self.once(from, 5);
        }
    }

    /// The same for one with neither SYN, FIN nor RST, of which nothing is to be said.
    #[inline]
    pub(crate) fn on_plain(&mut self, from: Side, segment: &Segment) {
        let has_text = segment.text_bytes > 0;
        let bits = u16::from(segment.flags.ack()) << 2 | u16::from(has_text) << 3;
        if self.seen[from.index()] & bits != bits {
            self.on_segment(from, segment, Verdicts::NONE, Notes::NONE);
        }
    }

    /// A value out of it, to have it fetched.
    pub(crate) fn warmth(&self) -> u16 {
        self.seen[0] ^ u16::from(self.len)
    }

    #[inline(never)]
    fn on_trouble(&mut self, from: Side, judged: Verdicts, notes: Notes) {
        let again = judged.contains(Verdicts::RETRANSMISSION) && !notes.is_copy();
        for (index, holds) in [
            (0, again),
            (1, judged.contains(Verdicts::ZERO_WINDOW)),
            (2, judged.contains(Verdicts::ACK_LOST_SEGMENT)),
        ] {
            if holds {
                // a gap is of the direction whose bytes are missing
                self.counted(if index == 2 { from.other() } else { from }, index);
            }
        }
    }

    fn once(&mut self, from: Side, bit: usize) {
        let mask = 1 << bit;
        if self.seen[from.index()] & mask == 0 {
            self.seen[from.index()] |= mask;
            self.write(from, ONCE[bit]);
        }
    }

    fn counted(&mut self, from: Side, index: usize) {
        let count = &mut self.repeats[from.index()][index];
        *count = count.saturating_add(1);
        if is_power_of_ten(*count) {
            self.write(from, COUNTED[index]);
        }
    }

    #[cold]
    fn write(&mut self, from: Side, letter: u8) {
        if let Some(slot) = self.letters.get_mut(usize::from(self.len)) {
            *slot = if from == Side::A { letter.to_ascii_uppercase() } else { letter };
            self.len += 1;
        }
    }

    /// The letters, with `originator` in upper case, and `^` in front when the first packet was not its.
    pub(crate) fn text(&self, originator: Side) -> String {
        let letters = self.letters[..usize::from(self.len)].iter();
        let letters = letters.map(|letter| match originator {
            Side::A => char::from(*letter),
            Side::B if letter.is_ascii_uppercase() => char::from(letter.to_ascii_lowercase()),
            Side::B => char::from(letter.to_ascii_uppercase()),
        });
        let flipped = (originator == Side::B).then_some('^');
        flipped.into_iter().chain(letters).collect()
    }

    fn has(&self, side: Side, bit: usize) -> bool {
        self.seen[side.index()] & (1 << bit) != 0
    }

    /// Zeek's state of the whole connection.
    pub(crate) fn conn_state(&self, originator: Side) -> ConnState {
        let (o, r) = (originator, originator.other());
        let (syn, syn_ack) = (self.has(o, 0), self.has(r, 1));
        let answered = syn_ack || self.has(r, 0);
        let (fin_o, fin_r, rst_o, rst_r) = (self.has(o, 4), self.has(r, 4), self.has(o, 5), self.has(r, 5));
        let open = syn && answered;
        match (open, syn, syn_ack) {
            (true, ..) if rst_o && !rst_r => ConnState::Rsto,
            (true, ..) if rst_r => ConnState::Rstr,
            (true, ..) => match (fin_o, fin_r) {
                (true, true) => ConnState::Sf,
                (true, false) => ConnState::S2,
                (false, true) => ConnState::S3,
                (false, false) => ConnState::S1,
            },
            (_, true, _) if rst_r => ConnState::Rej,
            (_, true, _) if rst_o => ConnState::Rstos0,
            (_, true, _) if fin_o => ConnState::Sh,
            (_, true, _) => ConnState::S0,
            (_, _, true) if rst_r => ConnState::Rstrh,
            (_, _, true) if fin_r && !fin_o && !self.has(o, 2) => ConnState::Shr,
            _ => ConnState::Oth,
        }
    }
}

/// 1, 10, 100 and so on.
fn is_power_of_ten(count: u16) -> bool {
    count > 0 && 10u16.pow(count.ilog10()) == count
}

/// Zeek's `conn_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnState {
    /// A connection attempt without an answer.
    S0,
    /// Established, not closed.
    S1,
    /// Established and closed in both directions.
    Sf,
    /// The attempt was refused.
    Rej,
    /// Established; the originator closed, the responder did not.
    S2,
    /// Established; the responder closed, the originator did not.
    S3,
    /// Established; the originator reset it.
    Rsto,
    /// The responder reset it.
    Rstr,
    /// The originator sent a SYN and then a RST; no SYN,ACK was seen.
    Rstos0,
    /// The responder sent a SYN,ACK and then a RST; no SYN was seen.
    Rstrh,
    /// The originator sent a SYN and then a FIN; no SYN,ACK was seen.
    Sh,
    /// The responder sent a SYN,ACK and then a FIN; no SYN was seen.
    Shr,
    /// No SYN was seen: midstream.
    Oth,
}

impl ConnState {
    /// As it stands in `conn.log`.
    pub const fn name(self) -> &'static str {
        match self {
            ConnState::S0 => "S0",
            ConnState::S1 => "S1",
            ConnState::Sf => "SF",
            ConnState::Rej => "REJ",
            ConnState::S2 => "S2",
            ConnState::S3 => "S3",
            ConnState::Rsto => "RSTO",
            ConnState::Rstr => "RSTR",
            ConnState::Rstos0 => "RSTOS0",
            ConnState::Rstrh => "RSTRH",
            ConnState::Sh => "SH",
            ConnState::Shr => "SHR",
            ConnState::Oth => "OTH",
        }
    }
}
