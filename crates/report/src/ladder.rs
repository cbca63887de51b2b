//! The ladder: both ends' states on the sides, the segments between them, time running down.
//!
//! [`Ladder`] is a plain value: names, and steps in the order of time. It is made from a live run, a
//! simulation or a capture ([`Recorder`] makes it from [`tcp::Trace`] values), and nothing here depends
//! on which. [`Ladder::text`] and [`Ladder::svg`] draw the same rows; [`Ladder::story`] says
//! who opened and who closed. The figures of RFC 9293 §3.5 and §3.6 are the model.

mod clocks;
mod fold;
mod label;
mod order;
mod record;
mod remark;
mod rows;
mod story;
mod svg;
mod text;
mod trace_notes;

#[cfg(test)]
mod tests;

pub(crate) use label::Labels;
pub use record::{FrameArrival, Recorder};
pub use remark::{NoteText, Remark};
pub use story::{Story, Who};

use crate::words::Language;
use tcp::state::{Cause, State};
use tcp::{Instant, SegmentFacts, SendReason};
use wire::Seq;

/// One of the two ends, by its place in the picture.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The left end; usually the one that opened.
    Left,
    /// The right end.
    Right,
}

impl Side {
    /// The opposite end.
    pub const fn other(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }

    /// 0 for the left end, 1 for the right one: the index into pairs like [`Ladder::ends`].
    pub const fn index(self) -> usize {
        match self {
            Side::Left => 0,
            Side::Right => 1,
        }
    }
}

/// One end of the connection.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct End {
    /// What to call it: `client`.
    pub name: String,
    /// Address and port: `10.0.0.1:49152`.
    pub address: String,
    /// Its state before the first step, if known.
    pub state: Option<State>,
    /// Its initial sequence number; without it, relative numbers start at its first segment.
    pub isn: Option<Seq>,
}

/// What happened to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arrival {
    /// It was captured on the way; when it arrived is not known.
    Seen,
    /// It arrived.
    Delivered {
        /// When.
        at: Instant,
    },
    /// It never arrived.
    Lost,
    /// It had not arrived when the recording ended.
    InFlight,
    /// It arrived without a departure: a second copy of a frame, or a segment of an earlier connection.
    /// [`Segment::at`] is when it arrived.
    Stray,
}

/// One segment, or one super-segment, between the ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// When it left (or was captured; for [`Arrival::Stray`]: arrived).
    pub at: Instant,
    /// The end that sent it.
    pub from: Side,
    /// Its header fields and its length.
    pub facts: SegmentFacts,
    /// AE, CWR and ECE as a number, where both ends have agreed on AccECN; they are not shown as flags then.
    pub ace: Option<u8>,
    /// Options whose values are shown: AccECN's counters.
    pub options: Option<String>,
    /// What happened to it.
    pub arrival: Arrival,
    /// The index in [`Ladder::steps`] of the step before which it arrived. If `None`, the times decide, and an
    /// arrival comes before a step of the same time.
    pub arrives_before: Option<usize>,
    /// Why it was sent.
    pub why: Option<SendReason>,
    /// Remarks on it: verdicts, candidates, a refusal.
    pub remarks: Vec<Remark>,
    /// The state of the left and of the right end once this segment has been sent and taken; `None`
    /// where nothing is known or nothing changed.
    pub states: [Option<State>; 2],
    /// Its number in a capture.
    pub frame: Option<u64>,
}

/// What kind of note it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteKind {
    /// A call of the application began or returned: `connect returns`.
    Call,
    /// A timer fired.
    Timer,
    /// A sender takes back a reduction of its congestion window.
    Undo,
    /// A sender's search goes on: BBR enters another phase, a probe of the path's MTU has arrived or is lost.
    Phase,
    /// Something went wrong: a reset was seen, a datagram was refused.
    Trouble,
}

/// One step of the ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A segment.
    Segment(Segment),
    /// Something that happened at one end.
    Note {
        /// When.
        at: Instant,
        /// Where.
        side: Side,
        /// What kind.
        kind: NoteKind,
        /// What it says.
        text: NoteText,
        /// The index in [`Ladder::steps`] of the segment whose arrival caused it; it is drawn under that
        /// segment's row.
        cause: Option<usize>,
    },
    /// One end changed its state without a segment.
    Moved {
        /// When.
        at: Instant,
        /// Where.
        side: Side,
        /// The state after.
        to: State,
        /// The cause: `2 MSL timeout`.
        on: Cause,
    },
}

impl Step {
    /// When it happened.
    pub fn at(&self) -> Instant {
        match self {
            Step::Segment(segment) => segment.at,
            Step::Note { at, .. } | Step::Moved { at, .. } => *at,
        }
    }
}

/// Two ends and what passed between them.
///
/// ```
/// use synfin_report::ladder::{Arrival, End, Ladder, Numbers, Options, Segment, Side, Step};
/// use tcp::{Instant, SegmentFacts, SendReason, state::State};
/// use wire::{Seq, tcp::Flags};
///
/// let mut ladder = Ladder::between(
///     End { name: "client".into(), state: Some(State::Closed), ..End::default() },
///     End { name: "server".into(), state: Some(State::Listen), ..End::default() },
/// );
/// ladder.steps.push(Step::Segment(Segment {
///     at: Instant::ZERO,
///     from: Side::Left,
///     facts: SegmentFacts { seq: Seq::new(4225926656), ack: Seq::new(0), flags: Flags::SYN, len_bytes: 0, window_bytes: 65535 },
///     ace: None,
///     options: None,
///     arrival: Arrival::Delivered { at: Instant::from_millis(10) },
///     arrives_before: None,
///     why: Some(SendReason::Syn),
///     remarks: Vec::new(),
///     states: [Some(State::SynSent), Some(State::SynReceived)],
///     frame: None,
/// }));
/// let relative = ladder.text(&Options::default(), &synfin_report::Style::PLAIN);
/// assert!(relative.contains("SYN     Seq=0"));
/// let raw = ladder.text(&Options { numbers: Numbers::Absolute, ..Options::default() }, &synfin_report::Style::PLAIN);
/// assert!(raw.contains("Seq=4225926656"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// The left and the right end.
    pub ends: [End; 2],
    /// What happened, in the order of time.
    pub steps: Vec<Step>,
    /// Sentences that end the picture, after the story, in the language of whoever draws it.
    pub closing: Vec<String>,
}

impl Ladder {
    /// A ladder without steps.
    pub fn between(left: End, right: End) -> Ladder {
        Ladder { ends: [left, right], steps: Vec::new(), closing: Vec::new() }
    }
}

/// How sequence numbers are written.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Numbers {
    /// From the initial sequence number, which is 0.
    #[default]
    Relative,
    /// As they are in the header.
    Absolute,
}

/// Which windows are written.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Windows {
    /// Only closed ones: `Win=0`.
    #[default]
    Closed,
    /// On every segment.
    All,
}

/// What a ladder shows.
///
/// Fields are added in minor versions: write `Options { numbers, ..Options::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// Relative or raw numbers.
    pub numbers: Numbers,
    /// Which windows are written.
    pub windows: Windows,
    /// Runs of more than this many ordinary data and ACK segments become one line; `None` draws all.
    pub fold_over: Option<usize>,
    /// The language of the words beside the arrows and below them.
    pub language: Language,
}
