//! The summary of one connection: who opened, how it lived, who closed, and the numbers.

mod build;
pub(crate) mod text;

use crate::ecn::Marked;
use crate::ends::{ResetAcceptability, Steps};
use crate::fast_open::FastOpen;
use crate::live::{Offered, Seen, Stuck, Tally};
use crate::metrics::{Again, Distribution, KeepAlives, LimitedTime, OwnLimit, TurnTimes};
use crate::verdicts::{Completeness, Verdicts};
use crate::why::{PathProbes, RetransmissionCounts};
use crate::zeek::{ConnState, History};
use crate::{Frame, IcmpEvent, Notes, Side};
use std::net::SocketAddr;
use tcp::state::State;
use tcp::{EcnFeedback, Instant, ResetReason};

/// Everything that the lens says of one connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Connection {
    /// Its number, counted from 0 as Wireshark counts `tcp.stream`.
    pub stream: u32,
    /// The addresses and ports of the ends: A, who sent the first captured packet, and B.
    pub addresses: [SocketAddr; 2],
    /// The first frame.
    pub first_frame: Frame,
    /// The last frame.
    pub last_frame: Frame,
    /// The time of the first frame.
    pub first_time: Instant,
    /// The last frame of the connection that had these addresses and ports before, unless both ends had
    /// forgotten it by then.
    pub previous_end: Option<Instant>,
    /// The time of the last frame.
    pub last_time: Instant,
    /// Wireshark's completeness.
    pub completeness: Completeness,
    /// Who opened it.
    pub opened: Opened,
    /// The handshake, step by step.
    pub handshake: Handshake,
    /// The close, step by step.
    pub close: Close,
    /// The rows that each end took, in order, with the segments that made them.
    pub steps: [Steps; 2],
    /// The state of each end after the last frame.
    pub states: [State; 2],
    /// The other state that an end may be in, where nothing confirms the last arrival.
    pub states_or_else: [Option<State>; 2],
    /// The time from the SYN to the end of the handshake: Wireshark's iRTT, in nanoseconds.
    pub initial_rtt_ns: Option<u64>,
    /// The numbers of each direction, A's first.
    pub directions: [Direction; 2],
    /// What is the capture's doing, not the connection's.
    pub faults: Faults,
    /// Zeek's `conn_state`.
    pub zeek_state: ConnState,
    pub(crate) history: History,
    /// ICMP errors that quote segments of it.
    pub icmp_errors: u32,
    /// The first of them and the latest: at most 4.
    pub icmp: Vec<IcmpEvent>,
    /// The one of them that ended the attempt to open: a SYN could not be delivered, and nothing came after.
    pub ended_by_icmp: Option<IcmpEvent>,
    /// It was summed up before the capture ended, to keep memory bounded.
    pub was_evicted: bool,
    /// How long it is known that nothing more came: the last time that the capture showed when it was summed up.
    pub watched_until: Instant,
    /// How both ends took turns.
    pub turns: TurnTimes,
    /// The opener used its port before, and its SYN has an older timestamp than the last one then: in TIME-WAIT it is
    /// ignored (RFC 6191).
    pub has_older_stamp: bool,
}

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Opened {
    /// This end sent the SYN.
    By(Side),
    /// Both sent a SYN before they had the other's (RFC 9293 §3.5, figure 7).
    Simultaneously,
    /// The SYN was not captured; the SYN,ACK shows that this end opened.
    ByInferred(Side),
    /// The handshake was not captured.
    Unknown,
}

/// A frame and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moment {
    /// The frame.
    pub frame: Frame,
    /// Its time.
    pub time: Instant,
}

/// The three steps, and what did not go by the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Handshake {
    /// The first SYN.
    pub syn: Option<Moment>,
    /// The first SYN,ACK.
    pub syn_ack: Option<Moment>,
    /// The acknowledgment that completes it.
    pub ack: Option<Moment>,
    /// Both ends sent a SYN without ACK: a simultaneous open or a split handshake.
    pub second_syn: Option<Moment>,
    /// A SYN and a lone acknowledgment instead of a SYN,ACK, or SYNs one after the other.
    pub is_split: bool,
    /// SYNs and SYN,ACKs sent again, by the end that sent them.
    pub again: [Seen; 2],
    /// What each end offered.
    pub offered: [Offered; 2],
    /// The SYN was answered by a reset.
    pub refused: Option<Moment>,
    /// What both ends agreed on about ECN; `None` where their SYN and SYN,ACK were not captured.
    pub ecn: Option<EcnFeedback>,
    /// How the text of the SYN fared, if it had some (RFC 7413).
    pub fast_open: Option<FastOpen>,
}

/// One end's FIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fin {
    /// When it was sent first.
    pub sent: Moment,
    /// When it was acknowledged.
    pub acked: Option<Moment>,
    /// The times that it was sent again.
    pub again: Seen,
}

/// A reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reset {
    /// Who sent it.
    pub by: Side,
    /// When.
    pub at: Moment,
    /// Why, most likely.
    pub reason: ResetReason,
    /// Whether the other end must obey it.
    pub acceptability: ResetAcceptability,
    /// The connection was open.
    pub was_synchronized: bool,
    /// Text of its sender that was never acknowledged, in bytes.
    pub in_flight_bytes: u32,
    /// Text of the other end that its sender had not acknowledged, in bytes.
    pub other_in_flight_bytes: u32,
    /// Its time to live, and that of its sender's other packets, where both are known.
    pub ttl: Option<[u8; 2]>,
    /// It has no acknowledgment, and its number from what it answers (RFC 9293 §3.5.2).
    pub is_bare: bool,
    /// And its sender has said nothing else: nobody there knows the connection.
    pub is_of_nobody: bool,
    /// The frame with which its sender goes on afterwards as if nothing were, 0 for none.
    pub goes_on_frame: Frame,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Close {
    /// Who closed or reset first.
    pub first: Option<Side>,
    /// Each end's FIN.
    pub fins: [Option<Fin>; 2],
    /// Both FINs were under way at once (RFC 9293 §3.6, figure 13).
    pub is_simultaneous: bool,
    /// For how long only one direction was closed, in nanoseconds.
    pub half_closed_ns: Option<u64>,
    /// Text that went the other way in that time.
    pub half_closed_with_data: bool,
    /// The reset that counts.
    pub reset: Option<Reset>,
    /// Resets by each end.
    pub resets: [Seen; 2],
}

/// Marks of the capture itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Faults {
    /// Only this direction was captured.
    pub only: Option<Side>,
    /// The same packets captured twice.
    pub twice: Seen,
    /// Of these: before and behind a router.
    pub across_router: Seen,
    /// Packets that the radio of a link sent again (IEEE 802.11).
    pub link_retries: Seen,
    /// Segments larger than the MSS: cut or joined by a network card.
    pub super_segments: Seen,
    /// Acknowledgments of what was never captured.
    pub missing: Seen,
    /// The bytes of text that are known to be missing.
    pub missing_bytes: u64,
    /// Segments that were captured after their own acknowledgment.
    pub late: Seen,
    /// The longest time after it, in nanoseconds.
    pub late_ns_max: u64,
    /// Whose segments these are.
    pub late_side: Option<Side>,
    /// Records whose time goes back.
    pub records_reordered: Seen,
}

/// The numbers of one direction.
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub struct Direction {
    /// Frames, with duplicates.
    pub packets: u32,
    /// Segments with text.
    pub text_segments: u32,
    /// Bytes of text, with retransmissions.
    pub text_bytes: u64,
    /// Bytes of text in sequence space: what the application sent, as far as captured.
    pub unique_bytes: u64,
    /// Bytes on the wire.
    pub frame_bytes: u64,
    /// Bytes of IP packets.
    pub ip_bytes: u64,
    /// The smallest MTU of the path that ICMP errors told this end, in bytes.
    pub told_mtu_bytes: Option<u32>,
    /// Unique bytes a second from the first text to the last acknowledgment or frame.
    pub goodput_bytes_per_s: Option<u64>,
    /// From text to its acknowledgment, as seen at the capture point.
    pub rtt: Option<Distribution>,
    /// From a timestamp to its echo.
    pub timestamp_rtt: Option<Distribution>,
    /// The most bytes in flight.
    pub in_flight_bytes_max: u32,
    /// The largest window that this end offered, in bytes.
    pub window_bytes_max: u32,
    /// The smallest window that this end offered, in bytes.
    pub window_bytes_min: u32,
    /// The windows' scale was inferred: the handshake is missing.
    pub window_is_inferred: bool,
    /// How long this end's window was zero, in nanoseconds.
    pub zero_window_ns: u64,
    /// The longest of these times, in nanoseconds.
    pub zero_window_ns_max: u64,
    /// How often it closed, and the frames.
    pub zero_window: Seen,
    /// It was still closed when the capture, or the connection, ended.
    pub zero_window_at_end: bool,
    /// Retransmissions by cause.
    pub retransmissions: RetransmissionCounts,
    /// The first frames of retransmissions, 0 for none.
    pub retransmission_frames: [Frame; 4],
    /// Text that was sent again, in bytes.
    pub retransmitted_bytes: u64,
    /// Segments overtaken on the way.
    pub reordered: Seen,
    /// Challenge ACKs.
    pub challenge_acks: Seen,
    /// The longest row of timeouts of one segment.
    pub stuck: Stuck,
    /// An acknowledgment moved by the size of a large segment: such segments get through.
    pub large_was_acked: bool,
    /// The most timeouts without progress.
    pub timeouts_in_a_row_max: u8,
    /// Small segments that waited for a delayed acknowledgment.
    pub nagle_waits: Seen,
    /// How long they waited in all, in nanoseconds.
    pub nagle_wait_ns: u64,
    /// The longest time between two texts, in nanoseconds.
    pub idle_ns_max: u64,
    /// From the first to the last text, in nanoseconds.
    pub sending_ns: u64,
    /// The largest text of one segment, in bytes.
    pub text_bytes_max: u32,
    /// What the sender waited for.
    pub limited: LimitedTime,
    /// What shows that the sender limited itself.
    pub own_limit: OwnLimit,
    /// What is known of marks on its packets (ECN).
    pub marked: Marked,
    /// Probes of a larger path MTU (RFC 4821).
    pub path_probes: PathProbes,
    /// When this end was heard last, in nanoseconds since 1970; 0 for never.
    pub last_ns: u64,
    /// Segments of the MSS with text: what a network card makes of super-segments.
    pub data_segments: u32,
    /// What was sent again, in three numbers.
    pub again: Again,
    /// Its keep-alives.
    pub keep_alives: KeepAlives,
    /// Its retransmission timeout at the end as its round trips imply it, in nanoseconds.
    pub rto_ns: u64,
    pub(crate) seen: Tally,
}

impl Direction {
    /// How many segments of this direction have this verdict, and where.
    pub fn verdict(&self, verdict: Verdicts) -> Seen {
        self.seen.verdict(verdict)
    }

    /// Nothing was remarkable of any segment of this direction.
    pub(crate) fn has_no_notes(&self) -> bool {
        self.seen.is_empty()
    }

    /// How many segments of this direction have this note, and where.
    pub fn note(&self, note: Notes) -> Seen {
        self.seen.note(note)
    }
}

impl Connection {
    /// Nobody answered its SYN as far as captured: it is not known to have opened.
    pub fn was_never_opened(&self) -> bool {
        let answered = self.handshake.syn_ack.is_some() || self.handshake.ack.is_some();
        let Opened::By(opener) = self.opened else { return false };
        !answered
            && self.sent_by(opener.other()).packets == 0
            && self.handshake.again[opener.index()].count + 1 >= self.sent_by(opener).packets
    }

    /// How long it was captured, in nanoseconds.
    pub fn duration_ns(&self) -> u64 {
        self.last_time.as_nanos().saturating_sub(self.first_time.as_nanos())
    }

    /// The end that opened, A if that is not known.
    pub fn originator(&self) -> Side {
        match self.opened {
            Opened::By(side) | Opened::ByInferred(side) => side,
            Opened::Simultaneously | Opened::Unknown => Side::A,
        }
    }

    /// Its Community ID, version 1.
    pub fn community_id(&self) -> String {
        crate::community_id(self.addresses[0], self.addresses[1])
    }

    /// Zeek's `history`: a letter for each kind of segment, upper case for the originator's.
    pub fn zeek_history(&self) -> String {
        self.history.text(self.originator())
    }

    /// The address and port of an end.
    pub fn address(&self, side: Side) -> SocketAddr {
        self.addresses[side.index()]
    }

    /// The direction of what this end sent.
    pub fn sent_by(&self, side: Side) -> &Direction {
        &self.directions[side.index()]
    }
}
