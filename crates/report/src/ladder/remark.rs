//! What stands beside a segment and in a line of its own, as values: [`crate::words`] has the sentences of each language.

use lens::{EcnMeaning, FastOpenWords, Frame, IcmpError, Notes, Verdicts};
use std::net::SocketAddr;
use tcp::state::State;
use tcp::{Growth, ProbeReason, Refusal, SendReason, UndoSign};

/// A remark on a segment, besides the reason why it was sent.
///
/// ```
/// use synfin_report::ladder::Remark;
/// use synfin_report::words::{self, Language};
/// assert_eq!(words::remark(&Remark::SecondCopy, Language::English), "a second copy");
/// assert_eq!(words::remark(&Remark::SecondCopy, Language::Chinese), "第二份副本");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// The same frame arrived before.
    SecondCopy,
    /// Nothing at the receiver has taken or refused it.
    ThrownAway,
    /// The receiver refused it.
    Refused(Refusal),
    /// What its flags say of ECN.
    Ecn(EcnMeaning),
    /// What it says of Fast Open.
    FastOpen(FastOpenWords),
    /// A packet of this size, which is larger than others: a probe of the path's MTU leaves.
    PacketOf {
        /// Its size in bytes.
        bytes: u32,
    },
    /// A captured probe of the path's MTU.
    PathProbe {
        /// Its size in bytes.
        bytes: u32,
    },
    /// It carries again what a lost probe of the path's MTU carried.
    LostPathProbe {
        /// The probe's size in bytes.
        bytes: u32,
    },
    /// A later frame shows its cause.
    SeenLater {
        /// That frame.
        frame: Frame,
    },
    /// A later frame shows that it was needless.
    Needless {
        /// That frame.
        frame: Frame,
    },
    /// The timeout that it implies.
    After {
        /// In nanoseconds.
        ns: u64,
    },
    /// It may have been sent for another reason.
    Or([Option<SendReason>; 2]),
    /// A later segment came before it.
    Overtaken,
    /// The radio of a link sent an earlier frame again.
    RadioAgain {
        /// That frame.
        first: Frame,
    },
    /// It is an earlier frame, captured again.
    CapturedTwice {
        /// That frame.
        first: Frame,
    },
    /// A reset inside the window whose number is not the next one.
    InexactReset,
    /// A reset outside the window.
    ResetOutside,
    /// One of the lens's notes.
    Note(Notes),
    /// Nothing shows that an end has left a state.
    MayStillBeIn {
        /// The end.
        end: String,
        /// The state.
        state: State,
    },
    /// Wireshark's verdicts.
    Verdicts(Verdicts),
    /// In somebody's own words, which are shown as they are.
    Said(String),
}

/// What a line of its own says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteText {
    /// A reduction of the congestion window is taken back.
    Undone(UndoSign),
    /// BBR enters another phase of its search.
    Probing {
        /// The phase.
        growth: Growth,
        /// Why.
        why: ProbeReason,
    },
    /// A probe of the path's MTU has arrived.
    PathProbeArrived {
        /// Its size in bytes.
        bytes: u32,
    },
    /// A probe of the path's MTU is lost.
    PathProbeLost {
        /// Its size in bytes.
        bytes: u32,
    },
    /// Large packets vanish.
    BlackHole {
        /// The size in bytes from here on.
        bytes: u32,
    },
    /// Steps beyond the bound of a recording.
    LeftOut {
        /// How many.
        steps: u64,
    },
    /// An ICMP error came.
    Icmp {
        /// What it says, and who.
        error: IcmpError,
        /// The relative sequence number of the segment that it quotes.
        seq: u32,
        /// Who had sent that segment.
        of: SocketAddr,
    },
    /// In a program's own words: `connect returns`. Those of the demo's and the laboratory's programs are known in every
    /// language; others are shown as they are.
    Said(String),
}

impl From<&str> for NoteText {
    fn from(said: &str) -> NoteText {
        NoteText::Said(said.to_owned())
    }
}

impl From<String> for NoteText {
    fn from(said: String) -> NoteText {
        NoteText::Said(said)
    }
}
