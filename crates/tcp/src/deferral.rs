//! Who waits for text before it opens or says a word (`TCP_DEFER_ACCEPT`).
//!
//! A listener whose clients speak first need not be told of one that has said nothing: the third step without text is
//! ignored, and the text opens. When the time is over the SYN-ACK goes again, so that a client without text opens
//! by its answer. RFC 9293 §3.10.7.4 would open at the third step: this is for applications that ask for it.

use crate::connection::Connection;
use crate::handshake::Stage;
use crate::refusal::Refused;
use crate::segment::Segment;
use crate::state::State;
use crate::timers::Timer;
use crate::{Config, Instant, Refusal, SendReason};
use core::time::Duration;

/// How long the third step waits for text to take along (Linux: `TCP_DELACK_MAX`).
const THIRD_STEP_WAIT: Duration = Duration::from_millis(200);

impl Config {
    /// How long third steps without text are ignored: [`Config::defer_accept`], rounded up to whole timeouts of the
    /// SYN-ACK. Zero if they are not.
    ///
    /// ```
    /// use core::time::Duration;
    /// let config = synfin_tcp::Config { defer_accept: Some(Duration::from_secs(2)), ..synfin_tcp::Config::default() };
    /// assert_eq!(config.deferral(), Duration::from_secs(3), "the first timeout is a second, the next one two");
    /// ```
    pub fn deferral(&self) -> Duration {
        self.deferral_in_timeouts().1
    }

    /// How many timeouts that is, and how long they take.
    fn deferral_in_timeouts(&self) -> (u8, Duration) {
        let Some(wanted) = self.defer_accept else { return (0, Duration::ZERO) };
        let least = Duration::from_millis(1);
        let mut timeout = self.rto_initial.max(least);
        let (mut period, mut count) = (timeout, 1);
        while wanted > period && count < u8::MAX {
            count += 1;
            timeout = timeout.saturating_mul(2).min(self.rto_max).max(least);
            period = period.saturating_add(timeout);
        }
        (count, period)
    }
}

impl Connection {
    /// In SYN-RECEIVED by a passive open, and nobody has it yet.
    pub(crate) fn is_half_open(&self) -> bool {
        self.state() == State::SynReceived && self.handshake.is_passive() && !self.handshake.is_early()
    }

    /// An acknowledgment of our SYN that opens, or is put off.
    pub(crate) fn check_deferral(&mut self, segment: &Segment) -> Result<(), Refused> {
        if self.config.defer_accept.is_none() || !self.is_half_open() || segment.len_in_sequence_space() > 0 {
            return Ok(());
        }
        if self.sender.attempts >= self.deferred_timeouts() {
            return Ok(());
        }
        self.handshake.marks.put(Stage::Deferred);
        Err(Refused::silently(Refusal::Deferred))
    }

    /// The third step has come, and the timeout that is due now is not the last of the deferral.
    pub(crate) fn waits_for_text(&self) -> bool {
        self.handshake.marks.has(Stage::Deferred) && self.sender.attempts < self.deferred_timeouts()
    }

    fn deferred_timeouts(&self) -> u8 {
        self.config.deferral_in_timeouts().0
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
