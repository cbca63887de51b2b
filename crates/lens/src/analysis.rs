//! What the lens says of one segment.

use crate::{
    Completeness, EcnMeaning, EndState, FastOpenWords, Frame, ResetAcceptability, SeenLater, Side, Verdicts,
    Why,
};
use std::ops::{BitOr, BitOrAssign};

/// Everything that the lens says of one segment; a plain value, made without allocating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Analysis {
    /// The connection, counted from 0 as Wireshark counts `tcp.stream`.
    pub stream: u32,
    /// Who sent it.
    pub from: Side,
    /// Wireshark's verdicts.
    pub verdicts: Verdicts,
    /// Sequence number relative to the first: `tcp.seq`.
    pub relative_seq: u32,
    /// Acknowledgment number relative to the other end's first: `tcp.ack`; 0 without ACK.
    pub relative_ack: u32,
    /// The relative sequence number after it: `tcp.nxtseq`.
    pub relative_end: u32,
    /// How much of its connection's life the capture has shown up to it: `tcp.completeness`.
    pub completeness: Completeness,
    /// The window it offers, in bytes after scaling.
    pub window_bytes: u32,
    /// The handshake was not captured: the scale is the least that explains the data.
    pub window_is_inferred: bool,
    /// Bytes in flight after it: `tcp.analysis.bytes_in_flight`.
    pub in_flight_bytes: Option<u32>,
    /// The frame whose end it acknowledges, and the time since: `acks_frame`, `ack_rtt`.
    pub acked: Option<AckedFrame>,
    /// Which duplicate it is, from 1, and the frame that it repeats: `duplicate_ack_num`, `_frame`.
    pub duplicate_ack: Option<(u32, Frame)>,
    /// The time since the frame that it probably repeats, and that frame: `rto`, `rto_frame`.
    pub rto: Option<RepeatedFrame>,
    /// Both ends after it, A first.
    pub ends: [EndState; 2],
    /// Why it was sent.
    pub why: Why,
    /// For a RST: whether it must be obeyed.
    pub reset: Option<ResetAcceptability>,
    /// What AE, CWR and ECE mean on it.
    pub ecn: EcnMeaning,
    /// What it says of Fast Open.
    pub fast_open: FastOpenWords,
    /// What else is remarkable.
    pub notes: Notes,
    /// What its text waited for.
    pub waited: crate::Waited,
    /// The frame of a retransmission that this segment shows to be needless, or of the same packet.
    pub shows_frame: Option<Frame>,
    /// What was seen of it later. A sink that takes the segment at once is told by [`crate::Sink::corrected`].
    pub seen_later: SeenLater,
    /// Nanoseconds since the connection's first segment: `tcp.time_relative`.
    pub since_first_ns: u64,
    /// Nanoseconds since the connection's segment before this one: `tcp.time_delta`, but never negative.
    pub since_previous_ns: u64,
}

impl Analysis {
    /// The end that sent it, after it.
    pub fn sender(&self) -> EndState {
        self.ends[self.from.index()]
    }

    /// The end it goes to, after it.
    pub fn receiver(&self) -> EndState {
        self.ends[self.from.other().index()]
    }
}

/// The segment that an acknowledgment answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AckedFrame {
    /// Its frame.
    pub frame: Frame,
    /// The time from it to the acknowledgment, in nanoseconds.
    pub rtt_ns: u64,
}

/// The segment that a retransmission repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepeatedFrame {
    /// Its frame.
    pub frame: Frame,
    /// The time from it to the retransmission, in nanoseconds.
    pub after_ns: u64,
}

/// A set of remarks on a segment, beyond verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Notes(u32);

macro_rules! notes {
    ($($bit:literal $constant:ident $name:literal $doc:literal;)+) => {
        impl Notes {
            $(#[doc = $doc] pub const $constant: Notes = Notes(1 << $bit);)+
        }
        const TABLE: &[(Notes, &str, &str)] = &[$((Notes::$constant, $name, $doc)),+];
    };
}

notes! {
    0 CAPTURED_TWICE "captured-twice" "The same packet as an earlier frame: captured twice, sent once.";
    1 ACROSS_ROUTER "across-router" "Captured before and behind a router: the hop count differs.";
    2 SUPER_SEGMENT "super-segment" "Larger than the MSS: cut, or joined, by the network card (offload).";
    3 RECORD_REORDERED "record-reordered" "Its time is before that of the record before it.";
    4 CROSSED "crossed" "Sent before the other end's last SYN, FIN or RST had arrived.";
    5 TEXT_AFTER_FIN "text-after-fin" "Text beyond its sender's own FIN (RFC 9293 §3.10.4).";
    6 SYN_IN_SYNCHRONIZED "syn-in-synchronized" "A SYN inside an open connection: challenged, not obeyed (RFC 5961 §4).";
    7 NO_ROW "no-row" "The state diagram has no way to send this from where the sender is.";
    8 UNACCEPTABLE_ACK "unacceptable-ack" "Acknowledges what was never sent: answered by a RST (RFC 9293 §3.5.2).";
    9 REFUSED "refused" "Refuses the connection.";
    10 RESET_IGNORED "reset-ignored" "Its sender goes on after a RST that came to it: it ignored the RST.";
    11 SHOWS_SPURIOUS "shows-spurious" "Shows that a retransmission was needless.";
    12 SYN_WITHOUT_MSS "syn-without-mss" "A SYN without the MSS option: the other end has to assume the default (RFC 9293 §3.7.1).";
    13 MSS_WITHOUT_SYN "mss-without-syn" "An MSS option outside a SYN (RFC 9293 §3.7.1).";
    14 SCALE_TOO_LARGE "scale-too-large" "A window scale beyond 14 (RFC 7323 §2.3).";
    15 ACK_FIELD_WITHOUT_ACK "ack-field-without-ack" "The acknowledgment field is not zero and the ACK flag is not set.";
    16 URGENT_WITHOUT_URG "urgent-without-urg" "The urgent pointer is not zero and the URG flag is not set.";
    17 OPTIONS_CUT "options-cut" "The options were not captured whole.";
    18 HALF_OPEN "half-open" "One end does not know the connection any more (RFC 9293 §3.5.1).";
    19 SACK_OF_UNSENT "sack-of-unsent" "A SACK block beyond everything sent (RFC 2018 §3).";
    20 ECN_CONGESTION "ecn-congestion" "Marked on the way: congestion experienced (RFC 3168 §5).";
    21 WINDOW_SHRANK "window-shrank" "Its right window edge moved back (RFC 9293 §3.8.6, SHLD-14).";
    22 QUOTED "quoted-in-icmp" "An ICMP error quotes it: it comes back, it is not sent here.";
    23 LINK_RETRY "link-retry" "The radio of a link sent the same packet again (IEEE 802.11): TCP sent it once.";
    24 SHOWS_CAUSE "shows-cause" "Shows another cause of an earlier segment than the one that was told.";
    25 NEEDLESS "needless" "It was needless, as a later segment shows: what it repeats had arrived.";
}

impl Notes {
    /// None.
    pub const NONE: Notes = Notes(0);

    /// Whether all of `other` are in it.
    pub const fn contains(self, other: Notes) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in it.
    pub const fn intersects(self, other: Notes) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The segment is a copy of an earlier one, by the capture's doing or a radio's: TCP sent it once.
    pub const fn is_copy(self) -> bool {
        self.0 & (Notes::CAPTURED_TWICE.0 | Notes::LINK_RETRY.0) != 0
    }

    /// The set as bits, by the order of the names.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Notes> {
        TABLE.iter().map(|row| row.0)
    }

    /// The single notes in it.
    pub fn iter(self) -> impl Iterator<Item = Notes> {
        TABLE.iter().map(|row| row.0).filter(move |note| self.contains(*note))
    }

    /// The names, for filters and JSON.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        TABLE.iter().filter(move |row| self.contains(row.0)).map(|row| row.1)
    }

    /// A sentence for each.
    pub fn sentences(self) -> impl Iterator<Item = &'static str> {
        TABLE.iter().filter(move |row| self.contains(row.0)).map(|row| row.2)
    }

    pub(crate) fn set(&mut self, note: Notes, holds: impl Into<bool>) {
        if holds.into() {
            self.0 |= note.0;
        }
    }
}

impl BitOr for Notes {
    type Output = Notes;
    fn bitor(self, other: Notes) -> Notes {
        Notes(self.0 | other.0)
    }
}

impl BitOrAssign for Notes {
    fn bitor_assign(&mut self, other: Notes) {
        self.0 |= other.0;
    }
}
