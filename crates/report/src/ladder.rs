//! The ladder: both ends' states on the sides, the segments between them, time running down.
//!
//! [`Ladder`] is a plain value: names, and steps in the order of time. A live run, a simulation and a
//! capture all fill it ([`Recorder`] does so from [`tcp::Trace`] values), and nothing here can tell
//! which one it was. [`Ladder::text`] and [`Ladder::svg`] draw the same rows; [`Ladder::story`] says
//! who opened and who closed. The figures of RFC 9293 §3.5 and §3.6 are the model.

mod fold;
mod label;
mod record;
mod rows;
mod story;
mod svg;
mod text;

#[cfg(test)]
mod tests;

pub use record::Recorder;
pub use story::Story;

use tcp::state::State;
use tcp::{Instant, SegmentFacts, SendReason};
use wire::Seq;

/// One of the two ends, by where it stands in the picture.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The left end; by custom the one that opened.
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

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arrival {
    /// It was seen on the way, by a capture; when it arrived is not known.
    Seen,
    /// It arrived then.
    Delivered {
        /// When.
        at: Instant,
    },
    /// It never arrived.
    Lost,
    /// It had not arrived when the recording ended.
    InFlight,
    /// The network delivered it, but nobody sent it now: a second copy, or one of an earlier connection.
    Stray,
}

/// One segment, or one super-segment, between the ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// When it left (or was captured; for [`Arrival::Stray`]: arrived).
    pub at: Instant,
    /// Who sent it.
    pub from: Side,
    /// What it says.
    pub facts: SegmentFacts,
    /// What became of it.
    pub arrival: Arrival,
    /// Why it was sent.
    pub why: Option<SendReason>,
    /// More to say about it: verdicts, candidates, a refusal.
    pub remarks: Vec<String>,
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
        /// In words.
        text: String,
    },
    /// One end moved without a segment.
    Moved {
        /// When.
        at: Instant,
        /// Where.
        side: Side,
        /// The state after.
        to: State,
        /// What moved it: `2 MSL timeout`.
        on: String,
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
///     arrival: Arrival::Delivered { at: Instant::from_millis(10) },
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
}

impl Ladder {
    /// A ladder without steps.
    pub fn between(left: End, right: End) -> Ladder {
        Ladder { ends: [left, right], steps: Vec::new() }
    }
}

/// How sequence numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Numbers {
    /// From the initial sequence number, which is 0.
    #[default]
    Relative,
    /// As they stand in the header.
    Absolute,
}

/// Which windows are written.
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
}
