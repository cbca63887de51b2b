//! One vocabulary for what a connection did and why.
//!
//! The engine says it while it works, the lens says it of a capture; counters, JSON, the ladder and
//! the tests are readers. Without a reader nothing is built: see [`crate::Connection::set_tracing`].

use crate::congestion::{Growth, ProbeReason, ScalableDoubt};
use crate::ecn::{EcnDoubt, EcnFeedback};
use crate::memory::Memory;
use crate::segment::listed;
use crate::sender::RecoveryPhase;
use crate::state::ROWS;
use crate::{Instant, Refusal, Timer, state};
use wire::Seq;
use wire::tcp::Flags;

/// Why a segment was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendReason {
    /// Opens a connection (§3.5, first step).
    Syn,
    /// Answers a SYN (§3.5, second step).
    SynAck,
    /// Completes the handshake (§3.5, third step).
    HandshakeAck,
    /// Data for the first time.
    NewData,
    /// The FIN, for the first time, with or without data.
    Fin,
    /// New data beyond the congestion window on the first duplicate ACKs (RFC 3042).
    LimitedTransmit,
    /// The retransmission timer ran out (RFC 6298 §5).
    Timeout,
    /// Counted as lost when the retransmission timer ran out for what came before it (RFC 5681 §3.1).
    AfterTimeout,
    /// Three duplicate ACKs (RFC 5681 §3.2).
    FastRetransmit,
    /// The next hole of a recovery, shown by a partial acknowledgment (RFC 6582 §3.2).
    RecoveryRetransmit,
    /// A hole that SACK blocks or RACK's clock show (RFC 6675, RFC 8985).
    SackRecovery,
    /// A hole that had time enough to arrive late, says RACK's timer (RFC 8985 §6.2).
    ReorderTimeout,
    /// It was too big for the path (RFC 1191 §6.5, RFC 8201 §5.4).
    PathMtu,
    /// It was sent into a window that was closed and is open again.
    WindowReopened,
    /// New data in a segment larger than the others: does the path carry it (RFC 4821 §7.5)?
    PathProbe,
    /// New data after a silence of two round trips, to provoke an acknowledgment (RFC 8985 §7).
    TailProbeWithNewData,
    /// The last segment again, to provoke an acknowledgment (RFC 8985 §7).
    TailLossProbe,
    /// Asks whether a closed window has opened (§3.8.6.1).
    ZeroWindowProbe,
    /// Asks whether an idle peer is still there (§3.8.4).
    KeepAlive,
    /// An acknowledgment that waited for company and found none (§3.8.6.3).
    DelayedAck,
    /// The acknowledgment of every second full-sized segment (§3.8.6.3, SHLD-19).
    SecondSegmentAck,
    /// An acknowledgment that should not wait: PSH exchange, first segments, a filled hole.
    ImmediateAck,
    /// A segment arrived out of order; the peer learns what is missing (RFC 5681 §4.2).
    DuplicateAck,
    /// The peer's FIN is acknowledged.
    FinAck,
    /// The receive window grew by enough to be worth telling (§3.8.6.2.2).
    WindowUpdate,
    /// An unacceptable segment is answered with where we stand (§3.10.7.4, first step).
    OutOfWindowAck,
    /// A suspicious SYN, RST or acknowledgment is answered with where we stand (RFC 5961).
    ChallengeAck,
    /// The answer to a keep-alive or window probe.
    ProbeAck,
    /// The network marked something, and its sender should know at once (RFC 9768 §3.2.2.5.1), or has slowed down and waits
    /// (RFC 3168 §6.1.3).
    CongestionEcho,
    /// A reset, and why.
    Reset(ResetReason),
}

listed! {
    /// Why a reset was sent.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum ResetReason {
        /// Nobody listens there (§3.10.7.1).
        ClosedPort,
        /// An acknowledgment of something never sent, before the connection was synchronized (§3.5.2).
        UnacceptableAck,
        /// The application threw the connection away (§3.10.5).
        Aborted,
        /// The application closed with data unread (§3.6.1, SHLD-3).
        UnreadData,
        /// Data arrived after the application had closed both directions (§3.6.1, SHLD-3).
        DataAfterClose,
        /// The retransmission limit or the user timeout was exceeded.
        GaveUp,
        /// The host had no memory for it any more.
        OutOfMemory,
    }
}

impl SendReason {
    /// All of them but resets, which are [`SendReason::Reset`] of each of [`ResetReason::ALL`].
    pub const ALL_BUT_RESETS: [SendReason; 29] = [
        SendReason::Syn,
        SendReason::SynAck,
        SendReason::HandshakeAck,
        SendReason::NewData,
        SendReason::Fin,
        SendReason::LimitedTransmit,
        SendReason::Timeout,
        SendReason::AfterTimeout,
        SendReason::FastRetransmit,
        SendReason::RecoveryRetransmit,
        SendReason::SackRecovery,
        SendReason::ReorderTimeout,
        SendReason::PathMtu,
        SendReason::WindowReopened,
        SendReason::PathProbe,
        SendReason::TailProbeWithNewData,
        SendReason::TailLossProbe,
        SendReason::ZeroWindowProbe,
        SendReason::KeepAlive,
        SendReason::DelayedAck,
        SendReason::SecondSegmentAck,
        SendReason::ImmediateAck,
        SendReason::DuplicateAck,
        SendReason::FinAck,
        SendReason::WindowUpdate,
        SendReason::OutOfWindowAck,
        SendReason::ChallengeAck,
        SendReason::ProbeAck,
        SendReason::CongestionEcho,
    ];

    /// A short word for filters, JSON and counters.
    pub const fn name(self) -> &'static str {
        match self {
            SendReason::Syn => "syn",
            SendReason::SynAck => "syn-ack",
            SendReason::HandshakeAck => "handshake-ack",
            SendReason::NewData => "new-data",
            SendReason::Fin => "fin",
            SendReason::LimitedTransmit => "limited-transmit",
            SendReason::Timeout => "rto",
            SendReason::AfterTimeout => "after-rto",
            SendReason::ReorderTimeout => "reorder-timeout",
            SendReason::PathMtu => "path-mtu",
            SendReason::WindowReopened => "window-reopened",
            SendReason::FastRetransmit => "fast-retransmit",
            SendReason::RecoveryRetransmit => "recovery",
            SendReason::SackRecovery => "sack-recovery",
            SendReason::PathProbe => "path-probe",
            SendReason::TailProbeWithNewData => "tail-probe-new-data",
            SendReason::TailLossProbe => "tail-loss-probe",
            SendReason::ZeroWindowProbe => "zero-window-probe",
            SendReason::KeepAlive => "keep-alive",
            SendReason::DelayedAck => "delayed-ack",
            SendReason::SecondSegmentAck => "second-segment-ack",
            SendReason::ImmediateAck => "immediate-ack",
            SendReason::DuplicateAck => "duplicate-ack",
            SendReason::FinAck => "fin-ack",
            SendReason::WindowUpdate => "window-update",
            SendReason::OutOfWindowAck => "out-of-window-ack",
            SendReason::ChallengeAck => "challenge-ack",
            SendReason::ProbeAck => "probe-ack",
            SendReason::CongestionEcho => "congestion-echo",
            SendReason::Reset(reason) => match reason {
                ResetReason::ClosedPort => "rst-closed-port",
                ResetReason::UnacceptableAck => "rst-unacceptable-ack",
                ResetReason::Aborted => "rst-aborted",
                ResetReason::UnreadData => "rst-unread-data",
                ResetReason::DataAfterClose => "rst-data-after-close",
                ResetReason::GaveUp => "rst-gave-up",
                ResetReason::OutOfMemory => "rst-out-of-memory",
            },
        }
    }

    /// A few words for people, fit to stand beside the segment.
    pub const fn sentence(self) -> &'static str {
        match self {
            SendReason::Syn => "asks to open",
            SendReason::SynAck => "agrees and asks back",
            SendReason::HandshakeAck => "completes the handshake",
            SendReason::NewData => "new data",
            SendReason::Fin => "has no more to send",
            SendReason::LimitedTransmit => "new data on a duplicate ACK (limited transmit)",
            SendReason::Timeout => "retransmission: the timer ran out",
            SendReason::AfterTimeout => "retransmission: counted as lost at the timeout",
            SendReason::ReorderTimeout => "retransmission: too late to be only reordered",
            SendReason::PathMtu => "retransmission: it was too big for the path",
            SendReason::WindowReopened => "again: the window has opened",
            SendReason::FastRetransmit => "fast retransmit: three duplicate ACKs",
            SendReason::RecoveryRetransmit => "retransmission: a partial ACK shows the next hole",
            SendReason::SackRecovery => "retransmission: SACK shows a hole",
            SendReason::PathProbe => "new data as a probe of a larger path MTU",
            SendReason::TailProbeWithNewData => "new data as a probe of the tail",
            SendReason::TailLossProbe => "tail loss probe",
            SendReason::ZeroWindowProbe => "probes the closed window",
            SendReason::KeepAlive => "keep-alive probe",
            SendReason::DelayedAck => "delayed ACK",
            SendReason::SecondSegmentAck => "ACK of every second segment",
            SendReason::ImmediateAck => "ACK at once",
            SendReason::DuplicateAck => "duplicate ACK: something is missing",
            SendReason::FinAck => "acknowledges the FIN",
            SendReason::WindowUpdate => "window update",
            SendReason::OutOfWindowAck => "answers an unacceptable segment",
            SendReason::ChallengeAck => "challenge ACK",
            SendReason::ProbeAck => "answers a probe",
            SendReason::CongestionEcho => "tells of a mark at once",
            SendReason::Reset(reason) => match reason {
                ResetReason::ClosedPort => "reset: no such connection here",
                ResetReason::UnacceptableAck => "reset: acknowledges what was never sent",
                ResetReason::Aborted => "reset: the application aborted",
                ResetReason::UnreadData => "reset: closed with data unread",
                ResetReason::DataAfterClose => "reset: data for an application that is gone",
                ResetReason::GaveUp => "reset: gave up",
                ResetReason::OutOfMemory => "reset: no memory left for it",
            },
        }
    }

    /// Whether the segment carries again what was sent before.
    pub const fn is_retransmission(self) -> bool {
        matches!(
            self,
            SendReason::Timeout
                | SendReason::FastRetransmit
                | SendReason::RecoveryRetransmit
                | SendReason::SackRecovery
                | SendReason::AfterTimeout
                | SendReason::ReorderTimeout
                | SendReason::PathMtu
                | SendReason::WindowReopened
                | SendReason::TailLossProbe
        )
    }
}

/// The facts of one segment, as a trace keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFacts {
    /// Sequence number.
    pub seq: Seq,
    /// Acknowledgment number; meaningful with ACK.
    pub ack: Seq,
    /// Control bits.
    pub flags: Flags,
    /// Bytes of text.
    pub len_bytes: u32,
    /// The window it offers, after scaling, in bytes.
    pub window_bytes: u32,
}

/// The sign by which a loss was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossSign {
    /// The retransmission timer.
    Timeout,
    /// Three duplicate acknowledgments.
    DuplicateAcks,
    /// A partial acknowledgment during recovery.
    PartialAck,
    /// Something sent later has arrived (RFC 8985 §6).
    Rack,
    /// Something sent later has arrived, and the time for what is only late is over (RFC 8985 §6).
    ReorderTimer,
    /// It is too big for the path (RFC 1191); no sign of congestion.
    PathMtu,
    /// The peer's window was closed when it left; no sign of congestion.
    WindowReopened,
}

impl LossSign {
    /// A word for JSON and tables: `rack`.
    pub const fn name(self) -> &'static str {
        match self {
            LossSign::Timeout => "timeout",
            LossSign::DuplicateAcks => "duplicate-acks",
            LossSign::PartialAck => "partial-ack",
            LossSign::Rack => "rack",
            LossSign::ReorderTimer => "reorder-timer",
            LossSign::PathMtu => "path-mtu",
            LossSign::WindowReopened => "window-reopened",
        }
    }

    /// Whether it says that the network is too full.
    pub const fn is_congestion(self) -> bool {
        !matches!(self, LossSign::PathMtu | LossSign::WindowReopened)
    }
}

listed! {
    /// The sign by which a reduction of the congestion window turned out to be a mistake.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum UndoSign {
        /// The acknowledgment echoes the first transmission, not the second (Eifel, RFC 3522).
        Timestamp,
        /// Every retransmission arrived twice (RFC 3708).
        Duplicates,
        /// What had been sent once arrived after the timeout (F-RTO, RFC 5682).
        EarlyTimeout,
    }
}

impl UndoSign {
    /// A word for JSON and tables: `timestamp`.
    pub const fn name(self) -> &'static str {
        match self {
            UndoSign::Timestamp => "timestamp",
            UndoSign::Duplicates => "duplicates",
            UndoSign::EarlyTimeout => "early-timeout",
        }
    }

    /// A few words for people: what happens, and why.
    pub const fn sentence(self) -> &'static str {
        match self {
            UndoSign::Timestamp => "window restored: the first copy had arrived (timestamp echo)",
            UndoSign::Duplicates => "window restored: nothing was lost (D-SACK)",
            UndoSign::EarlyTimeout => "window restored: the timeout was early (F-RTO)",
        }
    }
}

/// What became of a probe of the path's MTU (RFC 4821 §7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathProbe {
    /// It leaves.
    Sent,
    /// It was acknowledged: the path carries packets of this size.
    Arrived,
    /// It was lost, and nothing else with it; or a router says that it was too big.
    Lost,
}

impl PathProbe {
    /// A word for JSON and tables: `arrived`.
    pub const fn name(self) -> &'static str {
        match self {
            PathProbe::Sent => "sent",
            PathProbe::Arrived => "arrived",
            PathProbe::Lost => "lost",
        }
    }
}

/// What a connection did, one thing at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trace {
    /// A segment (or super-segment) was handed to the driver.
    Sent {
        /// What it says.
        segment: SegmentFacts,
        /// Why it was sent.
        why: SendReason,
    },
    /// An arriving segment passed all checks.
    Taken {
        /// What it says.
        segment: SegmentFacts,
    },
    /// An arriving segment was refused, wholly or from some step on.
    Refused {
        /// What it says.
        segment: SegmentFacts,
        /// Why.
        why: Refusal,
    },
    /// The connection moved along a row of [`state::ROWS`].
    StateChanged {
        /// The row's index.
        row: u8,
    },
    /// A timer was set.
    TimerArmed {
        /// Which.
        timer: Timer,
        /// When it will fire.
        due: Instant,
    },
    /// A timer fired.
    TimerFired {
        /// Which.
        timer: Timer,
    },
    /// The round-trip time was measured (RFC 6298 §2).
    RttSample {
        /// The measurement in microseconds.
        rtt_us: u32,
        /// The smoothed value after it.
        srtt_us: u32,
        /// The retransmission timeout after it.
        rto_us: u32,
    },
    /// The congestion window or the slow-start threshold changed.
    Congestion {
        /// Congestion window in bytes.
        cwnd_bytes: u32,
        /// Slow-start threshold in bytes.
        ssthresh_bytes: u32,
        /// By which rule the window grows.
        growth: Growth,
    },
    /// BBR moves to another phase of its search.
    Probing {
        /// Which.
        growth: Growth,
        /// Why.
        why: ProbeReason,
    },
    /// CUBIC takes the place of Prague.
    NotScalable {
        /// Why.
        doubt: ScalableDoubt,
    },
    /// Recovery moves to another phase.
    Phase {
        /// Which.
        phase: RecoveryPhase,
        /// What counted as lost, if that is why.
        sign: Option<LossSign>,
    },
    /// A reduction of the congestion window was a mistake and is taken back.
    Undone {
        /// What showed it.
        sign: UndoSign,
    },
    /// The path was seen to reorder.
    Reordering,
    /// The pacer holds back what the windows would let out.
    PacingWait {
        /// Until then.
        until: Instant,
    },
    /// There is no more to send while the window has room: measured rates say little of the network.
    AppLimited,
    /// The peer's window changed, in bytes.
    SendWindow {
        /// The window after scaling.
        window_bytes: u32,
    },
    /// A segment is deemed lost.
    Loss {
        /// Its first byte.
        seq: Seq,
        /// The sign.
        sign: LossSign,
    },
    /// The host's memory has become scarce, or ample again.
    Memory {
        /// What there is now.
        memory: Memory,
    },
    /// Text that had arrived out of order was dropped, because memory is scarce.
    Pruned {
        /// How much.
        bytes: u32,
    },
    /// Both ends have agreed on ECN (RFC 3168 §6.1.1, RFC 9768 §3.1).
    EcnAgreed {
        /// How marks are told.
        feedback: EcnFeedback,
    },
    /// What is sent is not ECN-capable any more.
    EcnDoubted {
        /// Why.
        doubt: EcnDoubt,
    },
    /// The peer tells that the network marked what we sent.
    Marks {
        /// How many packets; with classic feedback 1 stands for some.
        packets: u32,
    },
    /// The path carries smaller packets than believed (RFC 1191, RFC 8201), or larger ones (RFC 4821).
    PathMtu {
        /// The new MTU in bytes.
        mtu_bytes: u16,
    },
    /// A probe of the path's MTU.
    PathProbe {
        /// The size of its packet in bytes.
        mtu_bytes: u32,
        /// What became of it.
        what: PathProbe,
    },
    /// Large packets seem to vanish without a word (RFC 4821 §7.7): smaller ones are sent.
    BlackHole {
        /// How large packets are from here on, in bytes.
        mtu_bytes: u32,
    },
}

impl Trace {
    /// The row of a [`Trace::StateChanged`].
    pub fn row(&self) -> Option<&'static state::Row> {
        match self {
            Trace::StateChanged { row } => ROWS.get(usize::from(*row)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_reasons_holds_each() {
        use SendReason as R;
        for reason in SendReason::ALL_BUT_RESETS {
            // A reason that is added does not compile here; it belongs in the list, too.
            match reason {
                R::Syn | R::SynAck | R::HandshakeAck | R::NewData | R::Fin | R::LimitedTransmit => {}
                R::Timeout | R::AfterTimeout | R::FastRetransmit | R::RecoveryRetransmit => {}
                R::SackRecovery | R::ReorderTimeout | R::PathMtu | R::WindowReopened | R::PathProbe => {}
                R::TailProbeWithNewData | R::TailLossProbe | R::ZeroWindowProbe | R::KeepAlive => {}
                R::DelayedAck | R::SecondSegmentAck | R::ImmediateAck | R::DuplicateAck | R::FinAck => {}
                R::WindowUpdate | R::OutOfWindowAck | R::ChallengeAck | R::ProbeAck => {}
                R::CongestionEcho => {}
                R::Reset(_) => panic!("resets are listed by their reasons"),
            }
        }
        let mut names = SendReason::ALL_BUT_RESETS.map(SendReason::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "each once: {names:?}");
    }
}
