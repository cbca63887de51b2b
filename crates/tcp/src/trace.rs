//! One vocabulary for what a connection did and why.
//!
//! The engine says it while it works, the lens says it of a capture; counters, JSON, the ladder and
//! the tests are readers. Without a reader nothing is built: see [`crate::Connection::set_tracing`].

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
    /// Three duplicate ACKs (RFC 5681 §3.2).
    FastRetransmit,
    /// The next hole of a recovery, shown by a partial acknowledgment (RFC 6582 §3.2).
    RecoveryRetransmit,
    /// A hole that SACK blocks or RACK's clock show (RFC 6675, RFC 8985).
    SackRecovery,
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
    /// A reset, and why.
    Reset(ResetReason),
}

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
}

impl SendReason {
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
            SendReason::FastRetransmit => "fast-retransmit",
            SendReason::RecoveryRetransmit => "recovery",
            SendReason::SackRecovery => "sack-recovery",
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
            SendReason::Reset(reason) => match reason {
                ResetReason::ClosedPort => "rst-closed-port",
                ResetReason::UnacceptableAck => "rst-unacceptable-ack",
                ResetReason::Aborted => "rst-aborted",
                ResetReason::UnreadData => "rst-unread-data",
                ResetReason::DataAfterClose => "rst-data-after-close",
                ResetReason::GaveUp => "rst-gave-up",
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
            SendReason::FastRetransmit => "fast retransmit: three duplicate ACKs",
            SendReason::RecoveryRetransmit => "retransmission: a partial ACK shows the next hole",
            SendReason::SackRecovery => "retransmission: SACK shows a hole",
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
            SendReason::Reset(reason) => match reason {
                ResetReason::ClosedPort => "reset: no such connection here",
                ResetReason::UnacceptableAck => "reset: acknowledges what was never sent",
                ResetReason::Aborted => "reset: the application aborted",
                ResetReason::UnreadData => "reset: closed with data unread",
                ResetReason::DataAfterClose => "reset: data for an application that is gone",
                ResetReason::GaveUp => "reset: gave up",
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
    },
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
    /// The path carries smaller packets than believed (RFC 1191, RFC 8201).
    PathMtu {
        /// The new MTU in bytes.
        mtu_bytes: u16,
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
