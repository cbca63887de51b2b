//! The handshake of a connection (RFC 9293 §3.5): whether the SYN or SYN-ACK is owed, why, and since when it is
//! timed.

use crate::build::Plan;
use crate::connection::Connection;
use crate::ecn::Wanted;
use crate::marks::{Mark, Marks};
use crate::state::State;
use crate::timers::Timer;
use crate::{Instant, SendReason};
use wire::tcp::Flags;

/// Why a SYN or SYN-ACK has to go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// The state diagram says so, or the peer asks once more.
    Asked,
    /// The retransmission timer ran out.
    TimedOut,
}

/// What is left of the handshake.
#[derive(Debug, Default)]
pub(crate) struct Handshake {
    /// The SYN or SYN-ACK has to go out (again).
    pub(crate) owed: Option<Opening>,
    pub(crate) marks: Marks<Stage>,
    /// How our SYNs asked for ECN.
    pub(crate) wanted_ecn: Wanted,
}

/// What is true of a handshake or is not.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Born by a passive open.
    Passive = 1,
    /// CLOSE was called before it was complete and has to wait (§3.10.4).
    FinishAfter = 2,
    /// The SYN or SYN-ACK left once.
    SentOnce = 4,
    /// The text of the peer's SYN was taken: the application does not wait for the third step (RFC 7413 §4.2.2).
    Early = 8,
    /// The third step has come without text, and its acknowledgment was not heard: see `deferral.rs`.
    Deferred = 16,
}

impl Mark for Stage {
    fn bit(self) -> u8 {
        self as u8
    }
}

impl Handshake {
    /// Whether the text of the peer's SYN was taken.
    #[inline]
    pub(crate) fn is_early(&self) -> bool {
        self.marks.has(Stage::Early)
    }

    /// Born by a passive open.
    #[inline]
    pub(crate) fn is_passive(&self) -> bool {
        self.marks.has(Stage::Passive)
    }

    /// CLOSE was called before it was complete and has to wait.
    #[inline]
    pub(crate) fn finishes_after(&self) -> bool {
        self.marks.has(Stage::FinishAfter)
    }
}

impl Connection {
    pub(crate) fn owed_handshake(&mut self, now: Instant) -> Option<Plan> {
        let opening = self.handshake.owed?;
        self.open_with(now, opening)
    }

    #[inline(never)]
    fn open_with(&mut self, now: Instant, opening: Opening) -> Option<Plan> {
        self.handshake.owed = None;
        let (flags, why) = match self.state() {
            State::SynSent => (Flags::SYN, SendReason::Syn),
            State::SynReceived | State::FinWait1 if !self.sender.syn_acked() => {
                (Flags::SYN | Flags::ACK, SendReason::SynAck)
            }
            _ => return None,
        };
        let seq = self.sender.iss;
        if self.sender.nxt == seq {
            self.handshake.marks.put(Stage::SentOnce);
            self.sender.nxt = seq + 1;
        } else {
            // Karn: which of them will be answered?
            self.handshake.marks.set(Stage::SentOnce, false);
            self.sender.note_resent(now);
        }
        if !self.timers.is_running(Timer::Retransmit) {
            self.restart_retransmit_timer(now);
        }
        Some(Plan::bare(seq, flags, if opening == Opening::TimedOut { SendReason::Timeout } else { why }))
    }

    /// The SYN or SYN-ACK is acknowledged: when it left, if it left once and nothing after it.
    pub(crate) fn take_sending_of_syn(&mut self) -> Option<Instant> {
        let sent_once = self.handshake.marks.take(Stage::SentOnce);
        let is_last = self.sender.nxt == self.sender.iss + 1 + self.syn_text_bytes();
        (sent_once && is_last).then_some(self.sender.last_sent_at)
    }

    /// The SYN or SYN-ACK is sent and not acknowledged.
    pub(crate) fn syn_unacked(&self) -> bool {
        !self.sender.syn_acked()
    }
}
