//! The handshake of a connection (RFC 9293 §3.5): whether the SYN or SYN-ACK is owed, why, and since when it is
//! timed.

use crate::build::Plan;
use crate::connection::Connection;
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handshake {
    /// The SYN or SYN-ACK has to go out (again).
    pub(crate) owed: Option<Opening>,
    /// Born by a passive open.
    pub(crate) is_passive: bool,
    /// CLOSE was called before it was complete and has to wait (§3.10.4).
    pub(crate) finish_after: bool,
    /// When the SYN or SYN-ACK left, if it left once; else a time that never comes, because an `Option` would take
    /// twice the room.
    pub(crate) sent_once_at: Instant,
}

impl Default for Handshake {
    fn default() -> Self {
        Handshake { owed: None, is_passive: false, finish_after: false, sent_once_at: Instant::FAR_FUTURE }
    }
}

impl Handshake {
    /// The SYN or SYN-ACK is acknowledged: when it left, if it left once.
    pub(crate) fn take_sending(&mut self) -> Option<Instant> {
        let sent_at = core::mem::replace(&mut self.sent_once_at, Instant::FAR_FUTURE);
        (sent_at != Instant::FAR_FUTURE).then_some(sent_at)
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
            State::SynReceived | State::FinWait1 if !self.sender.syn_acked => {
                (Flags::SYN | Flags::ACK, SendReason::SynAck)
            }
            _ => return None,
        };
        let seq = self.sender.iss;
        if self.sender.nxt == seq {
            self.handshake.sent_once_at = now;
            self.sender.nxt = seq + 1;
        } else {
            // Karn: which of them will be answered?
            self.handshake.sent_once_at = Instant::FAR_FUTURE;
            self.sender.note_resent(now);
        }
        if !self.timers.is_running(Timer::Retransmit) {
            self.restart_retransmit_timer(now);
        }
        Some(Plan::bare(seq, flags, if opening == Opening::TimedOut { SendReason::Timeout } else { why }))
    }

    /// The SYN or SYN-ACK is sent and not acknowledged.
    pub(crate) fn syn_unacked(&self) -> bool {
        !self.sender.syn_acked
    }
}
