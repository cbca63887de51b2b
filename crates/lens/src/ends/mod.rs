//! The states of both ends, by the transition table of the engine (RFC 9293 §3.3.2).
//!
//! Each captured segment is turned into what its sender must have done to send it and what its
//! receiver does when it arrives; both move machines over the same rows. A capture sees one point of
//! the path, so an arrival is assumed and remembered until the receiver's own segments confirm it; a
//! segment that was sent before the arrival takes the assumption back ("crossed"), and it is made
//! again after it. What is *not* here: sequence verdicts, and why a segment was sent.

mod arrive;
mod end;
mod send;
mod steps;

#[cfg(test)]
mod tests;

pub(crate) use end::End;
pub use steps::{Moves, Origin, Step, Steps};

use crate::Segment;
use crate::live::Before;
use tcp::state::State;
use wire::Seq;
use wire::tcp::Flags;

/// One of the two ends of a connection: the sender of its first captured packet, or the other.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Side {
    /// The end that sent the first captured packet.
    A,
    /// The other end.
    B,
}

impl Side {
    /// Both, A first.
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    /// The opposite end.
    #[must_use]
    pub const fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }

    /// 0 for A, 1 for B.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The state of one end after a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndState {
    /// The likeliest state.
    pub state: State,
    /// The state it is in if what was captured has not arrived, or was refused.
    pub or_else: Option<State>,
    /// The handshake was not captured: the first state was assumed.
    pub is_inferred: bool,
    /// The rows that this end took because of the segment.
    pub moves: Moves,
}

/// Whether a reset may end the connection that it names (RFC 9293 §3.10.7, RFC 5961 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetAcceptability {
    /// Its sequence number is exactly the next expected: it must be obeyed.
    Exact,
    /// In the window but not exact: to be answered by a challenge ACK, obeyed by older stacks.
    InWindow,
    /// Outside the window, or it does not acknowledge the SYN: to be ignored.
    Outside,
    /// One direction alone does not show it.
    Unknown,
}

/// Things that the states show about a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Observed {
    /// The sender had not received the other's last SYN, FIN or RST when it sent this.
    pub(crate) crossed: bool,
    /// A RST and whether it is acceptable.
    pub(crate) reset: Option<ResetAcceptability>,
    /// Text beyond a FIN that its sender had sent before.
    pub(crate) text_after_fin: bool,
    /// A SYN inside a synchronized connection: to be answered by a challenge ACK (RFC 5961 §4).
    pub(crate) syn_in_synchronized: bool,
    /// The receiver answers with a RST: the acknowledgment is of nothing it sent (§3.5.2).
    pub(crate) unacceptable_ack: bool,
    /// The sender is in a state in which the table has no way to send this.
    pub(crate) no_row: bool,
    /// A RST answered a SYN.
    pub(crate) refused: bool,
    /// The receiver went on after a RST that came earlier: it was ignored.
    pub(crate) reset_ignored: bool,
}

/// The numbers by which an arrival is judged, kept to judge it again in the same way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    /// The next number that the receiver expects, as far as the capture shows.
    pub(crate) expected: Option<Seq>,
    /// The receiver's last acknowledgment; `None` if it never sent one.
    pub(crate) acknowledged: Option<Seq>,
    /// The receiver's window in bytes.
    pub(crate) window_bytes: u32,
    /// All text up to the segment's end is captured.
    pub(crate) is_contiguous: bool,
    /// A SYN with the number that the sender's SYN had before: sent again, not suspicious.
    pub(crate) is_same_syn: bool,
}

/// What a segment did to both ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turn {
    pub(crate) observed: Observed,
    /// The rows that its sender took, and its receiver.
    pub(crate) sender: Moves,
    pub(crate) receiver: Moves,
}

/// The facts of a segment by which ends move; packed, because every connection keeps the last of them for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub(crate) struct Facts {
    pub(crate) seq: Seq,
    pub(crate) end: Seq,
    pub(crate) ack: Seq,
    pub(crate) flags: Flags,
    pub(crate) frame: crate::Frame,
    pub(crate) time_ns: u64,
}

impl Facts {
    fn of(segment: &Segment) -> Facts {
        Facts {
            seq: segment.seq,
            end: segment.end(),
            ack: segment.ack,
            flags: segment.flags,
            frame: segment.frame,
            time_ns: segment.time.as_nanos(),
        }
    }

    fn acks(&self, number: Seq) -> bool {
        self.flags.ack() && self.ack.at_or_after(number)
    }
}

/// Moves both ends for a segment that `sender` sent. Nearly every segment moves nothing ([`Before::is_moving`]): it need
/// not be brought here.
#[inline(never)]
pub(crate) fn take(sender: &mut End, receiver: &mut End, segment: &Segment, before: &Before) -> Turn {
    let facts = Facts::of(segment);
    let mut turn = Turn::default();
    let taken_back = sender.take_back(&facts, before, &mut turn);
    sender.send(receiver, &facts, before, &mut turn);
    sender.arrive_again(&taken_back, &mut turn.sender);
    receiver.arrive(&facts, &before.numbers, &mut turn.receiver, &mut turn.observed);
    turn
}
