//! Why an arriving segment is refused, as a value: it feeds the reply, the counter, the trace and
//! the lens's sentence.

use crate::SendReason;
use crate::segment::listed;
use wire::Seq;

listed! {
    /// Why a segment, or the rest of it, was not taken.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Refusal {
        /// No byte of it lies in the receive window (§3.10.7.4, first step).
        OutOfWindow,
        /// Its timestamp is older than one already seen (RFC 7323 §5, PAWS).
        OldTimestamp,
        /// Timestamps were agreed upon and it has none (RFC 7323 §3.2).
        MissingTimestamp,
        /// A RST in the window but not exactly at RCV.NXT (RFC 5961 §3.2).
        InexactReset,
        /// A RST in TIME-WAIT (RFC 1337 §3).
        ResetInTimeWait,
        /// A RST that acknowledges nothing of ours, in SYN-SENT (§3.10.7.3).
        UnprovenReset,
        /// A SYN on a synchronized connection (RFC 5961 §4.2).
        UnexpectedSyn,
        /// It has no ACK bit (§3.10.7.4, fifth step).
        NoAck,
        /// It acknowledges what we have not sent.
        AckOfUnsent,
        /// It acknowledges what was acknowledged long ago (RFC 5961 §5.2).
        AckTooOld,
        /// It neither opens nor answers, in SYN-SENT (§3.10.7.3).
        NoSyn,
        /// The window moved right in the meantime and what is new in it does not fit.
        NoRoom,
        /// Text after the peer's FIN (§3.10.7.4, seventh step).
        TextAfterFin,
        /// Text for an application that has closed both directions (§3.6.1).
        TextAfterClose,
        /// The third step without text, while a listener waits for text (`TCP_DEFER_ACCEPT`).
        Deferred,
        /// There is no such connection.
        NoConnection,
    }
}

impl Refusal {
    /// A few words for people, fit to stand beside the segment.
    pub const fn sentence(self) -> &'static str {
        match self {
            Refusal::OutOfWindow => "outside the receive window",
            Refusal::OldTimestamp => "timestamp older than one already seen (PAWS)",
            Refusal::MissingTimestamp => "no timestamp although agreed upon",
            Refusal::InexactReset => "RST not exactly at RCV.NXT: perhaps forged",
            Refusal::ResetInTimeWait => "RST in TIME-WAIT",
            Refusal::UnprovenReset => "RST that does not acknowledge our SYN",
            Refusal::UnexpectedSyn => "SYN on a synchronized connection",
            Refusal::NoAck => "no ACK",
            Refusal::AckOfUnsent => "acknowledges what was never sent",
            Refusal::AckTooOld => "acknowledges what was acknowledged long ago",
            Refusal::NoSyn => "no SYN while one is awaited",
            Refusal::NoRoom => "no room for more pieces out of order",
            Refusal::TextAfterFin => "text after the FIN",
            Refusal::TextAfterClose => "text for an application that is gone",
            Refusal::Deferred => "the third step without the text that the listener waits for",
            Refusal::NoConnection => "no such connection",
        }
    }
}

/// What to answer to a refused segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// An acknowledgment of where we stand.
    Ack(SendReason),
    /// The SYN-ACK again: the peer repeats its SYN.
    SynAck,
    /// `<SEQ=seq><CTL=RST>`.
    Reset {
        /// Its sequence number.
        seq: Seq,
    },
}

/// A refusal and its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) why: Refusal,
    pub(crate) reply: Option<Reply>,
}

impl Refused {
    pub(crate) const fn silently(why: Refusal) -> Self {
        Refused { why, reply: None }
    }

    pub(crate) const fn with_ack(why: Refusal, reason: SendReason) -> Self {
        Refused { why, reply: Some(Reply::Ack(reason)) }
    }
}
