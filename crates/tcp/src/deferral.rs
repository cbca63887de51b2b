//! Who waits for text before it opens or says a word (`TCP_DEFER_ACCEPT`).
//!
//! A listener whose clients speak first need not be told of one that has said nothing: the third step without text is
//! ignored, and the text opens. When the time is over the SYN-ACK goes again, so that a client without text opens
//! by its answer. RFC 9293 §3.10.7.4 would open at the third step: this is for applications that ask for it.

use crate::connection::Connection;
use crate::refusal::Refused;
use crate::segment::Segment;
use crate::state::State;
use crate::timers::Timer;
use crate::{Instant, Refusal, SendReason};
use core::time::Duration;

/// How long the third step waits for text to take along (Linux: `TCP_DELACK_MAX`).
const THIRD_STEP_WAIT: Duration = Duration::from_millis(200);

impl Connection {
    /// In SYN-RECEIVED by a passive open, and nobody has it yet.
    pub(crate) fn is_half_open(&self) -> bool {
        self.state() == State::SynReceived && self.handshake.is_passive && !self.handshake.is_early
    }

    /// An acknowledgment of our SYN that opens, or is put off.
    pub(crate) fn check_deferral(&mut self, segment: &Segment) -> Result<(), Refused> {
        if self.config.defer_accept.is_none() || !self.is_half_open() || segment.len_in_sequence_space() > 0 {
            return Ok(());
        }
        if self.sender.attempts >= self.deferred_timeouts() {
            return Ok(());
        }
        self.handshake.is_deferred = true;
        Err(Refused::silently(Refusal::Deferred))
    }

    /// The third step has come, and the timeout that is due now is not the last of the deferral.
    pub(crate) fn waits_for_text(&self) -> bool {
        self.handshake.is_deferred && self.sender.attempts < self.deferred_timeouts()
    }

    /// How many timeouts of the SYN-ACK the deferral lasts.
    fn deferred_timeouts(&self) -> u8 {
        let Some(wanted) = self.config.defer_accept else { return 0 };
        let mut timeout = self.config.rto_initial.max(Duration::from_millis(1));
        let (mut period, mut count) = (timeout, 1);
        while wanted > period && count < u8::MAX {
            count += 1;
            timeout = timeout.saturating_mul(2).min(self.config.rto_max.max(self.config.rto_initial));
            period = period.saturating_add(timeout.max(Duration::from_millis(1)));
        }
        count
    }

    /// The third step is owed, or waits for text that it can take along.
    pub(crate) fn owe_third_step(&mut self, now: Instant) {
        if self.config.defer_accept.is_some() && !self.sender.has_text() {
            self.arm(Timer::DelayedAck, now + THIRD_STEP_WAIT);
        } else {
            self.receiver.acks.owe(SendReason::HandshakeAck);
        }
    }
}
