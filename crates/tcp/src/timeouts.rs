//! A timer fires: what each does, and how they are set.
//!
//! RFC 6298 §5 (retransmission), RFC 9293 §3.8.3 (R1, R2), §3.8.4 (keep-alive), §3.8.6.1 (persist),
//! §3.10.8 (user and TIME-WAIT timeouts). What a timeout does to the flight is `sender/recovery.rs`'s.

use crate::connection::Connection;
use crate::connection::Fact;
use crate::handshake::Opening;
use crate::segment::{Error, Event};
use crate::sender;
use crate::sender::RtoBounds;
use crate::state::{Cause, State};
use crate::timers::Timer;
use crate::trace::Trace;
use crate::{Instant, SendReason, SynRetry};
use core::time::Duration;

impl Connection {
    /// Time has passed: does what has come due. Early and repeated calls do no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        // Each timer fires at most once a call, whatever it sets anew.
        for _ in Timer::ALL {
            let Some(timer) = self.timers.expire_one(now) else { break };
            self.trace(|| Trace::TimerFired { timer });
            self.on_timer(now, timer);
        }
    }

    fn on_timer(&mut self, now: Instant, timer: Timer) {
        match timer {
            Timer::Retransmit => self.on_retransmit_timer(now),
            Timer::Reorder => {
                let (sender, mut lent) = self.sending(now);
                sender.on_reorder_timer(&mut lent);
            }
            Timer::Probe => {
                let (sender, mut lent) = self.sending(now);
                sender.on_probe_timer(&mut lent);
            }
            // Whoever polls for segments finds them; whoever gets a reset finds that this does not run.
            Timer::Pace | Timer::Challenge => {}
            Timer::Persist => self.on_persist_timer(now),
            Timer::DelayedAck => self.receiver.acks.owe(SendReason::DelayedAck),
            Timer::KeepAlive => self.on_keep_alive_timer(now),
            Timer::User => self.give_up(now, Cause::UserTimeout),
            Timer::Linger if self.state() == State::TimeWait => {
                self.take(now, Cause::TimeWaitTimeout);
            }
            Timer::Linger => self.judge_orphan(now),
            Timer::Cork => self.sender.marks.put(sender::Fact::SendSmall),
        }
    }

    fn on_retransmit_timer(&mut self, now: Instant) {
        if self.sender.una == self.sender.nxt {
            return;
        }
        if self.has_tried_enough(now) {
            self.give_up(now, Cause::GaveUp);
            return;
        }
        self.sender.count_attempt(now);
        self.doubt_path();
        let bounds = RtoBounds::new(&self.config);
        if self.is_linear_syn() {
            self.sender.rtt.repeat(bounds);
        } else {
            self.sender.rtt.back_off(bounds);
        }
        if self.syn_unacked() {
            // With a FIN behind the SYN-ACK, too: it may be lost together with it.
            self.repeat_opening(now);
        }
        self.doubt_path_mtu(now);
        let (sender, mut lent) = self.sending(now);
        sender.on_timeout(&mut lent);
    }

    /// The SYN or SYN-ACK goes again, unless its answer has come and waits for text.
    #[inline(never)]
    fn repeat_opening(&mut self, now: Instant) {
        if self.waits_for_text() {
            self.restart_retransmit_timer(now);
        } else {
            self.handshake.owed = Some(Opening::TimedOut);
            self.sender.count_timeout();
        }
    }

    /// R2, for SYNs and for the rest (§3.8.3, MUST-20 (c), MUST-23).
    fn has_tried_enough(&self, now: Instant) -> bool {
        let habits = self.config.habits;
        match self.state() {
            State::SynSent => {
                let uncounted = if habits.linear_syns_are_not_counted() { self.linear_syns() } else { 0 };
                let waited = self.sender.attempting_for(now) + self.config.rto_initial;
                let by_clock = habits.gives_up_by_the_clock()
                    && waited >= self.time_of_retries(self.config.syn_retries, self.config.rto_initial);
                self.sender.attempts >= self.config.syn_retries.saturating_add(uncounted)
                    || (self.sender.attempts > 0 && by_clock)
            }
            // What was taken with the SYN is worth one more try, as on Linux.
            _ if self.is_unproven() => self.sender.attempts > self.config.syn_ack_retries,
            State::SynReceived => {
                self.sender.attempts >= self.config.syn_ack_retries && !self.waits_for_text()
            }
            // A peer that took its window back and answers each repetition may go on for ever, but not for nobody.
            _ if self.is_orphaned() && self.sender.rtt.backoff() >= self.config.retries => true,
            _ if habits.gives_up_by_the_clock() => {
                let time = self.time_of_retries(self.config.retries, self.config.rto_min);
                self.sender.attempts > 0 && self.sender.attempting_for(now) >= time
            }
            _ => self.sender.attempts >= self.config.retries,
        }
    }

    /// How long that many retries take if their timeouts begin with `first` and double up to the longest.
    pub(crate) fn time_of_retries(&self, retries: u8, first: Duration) -> Duration {
        let timeout = |retry: u32| first.saturating_mul(1u32.checked_shl(retry).unwrap_or(u32::MAX));
        (0..=u32::from(retries)).map(|retry| timeout(retry).min(self.config.rto_max)).sum()
    }

    /// The next SYN waits no longer than the first ([`SynRetry::LinearFirst`]).
    fn is_linear_syn(&self) -> bool {
        self.state() == State::SynSent && self.sender.attempts <= self.linear_syns()
    }

    fn linear_syns(&self) -> u8 {
        match self.config.syn_retry {
            SynRetry::Exponential => 0,
            SynRetry::LinearFirst(count) => count,
        }
    }

    /// R1 (§3.8.3, MUST-20 (b), SHLD-9).
    fn doubt_path(&mut self) {
        if self.doubts_path() {
            self.events.raise(Event::PathDoubted);
        }
    }

    /// The last timeout made it R1 retransmissions in a row without an answer: now is the moment to
    /// look for another path (RFC 9293 §3.8.3, MUST-20).
    pub fn doubts_path(&self) -> bool {
        self.sender.attempts > 0 && self.sender.attempts == self.config.retries_until_doubt
    }

    /// The peer does not answer. A synchronized peer that still lives learns of it by the reset of the row.
    pub(crate) fn give_up(&mut self, now: Instant, cause: Cause) {
        // What ICMP said on the way is the better explanation (RFC 9293 §3.9.2.2, MUST-56).
        let error = self.soft_error.unwrap_or(Error::TimedOut);
        self.fail(now, cause, error);
    }

    fn on_persist_timer(&mut self, now: Instant) {
        if self.sender.override_silly_window() {
            return;
        }
        if self.is_orphaned() && self.sender.window_probes() >= self.config.retries {
            // An answering peer may keep its window closed for ever (MAY-8), but not for nobody.
            self.give_up(now, Cause::GaveUp);
            return;
        }
        self.sender.attempts = self.sender.attempts.saturating_add(1);
        self.doubt_path();
        if self.sender.attempts > self.config.retries && self.unanswered(now) {
            self.give_up(now, Cause::GaveUp);
            return;
        }
        let (sender, mut lent) = self.sending(now);
        sender.probe_window(&mut lent);
    }

    /// How long nothing was received, in whole milliseconds.
    pub(crate) fn silent_for(&self, now: Instant) -> Duration {
        Duration::from_millis((now.as_millis() as u32).wrapping_sub(self.last_received_ms).into())
    }

    /// Nothing has been heard for longer than the largest timeout.
    fn unanswered(&self, now: Instant) -> bool {
        self.silent_for(now) > self.config.rto_max
    }

    fn on_keep_alive_timer(&mut self, now: Instant) {
        let Some(keep_alive) = self.config.keep_alive.filter(|_| self.state().is_synchronized()) else {
            return;
        };
        let silent = self.silent_for(now);
        if self.keep_alive_probes == 0 && silent < keep_alive.idle {
            // Heard from in the meantime: wait for the rest.
            self.arm(Timer::KeepAlive, now + (keep_alive.idle - silent));
            return;
        }
        if self.sender.una != self.sender.nxt {
            // Something is in flight: the retransmission timer looks after the peer.
            self.arm(Timer::KeepAlive, now + keep_alive.interval);
            return;
        }
        if self.keep_alive_probes > 0 && self.config.user_timeout.is_some_and(|limit| silent >= limit) {
            // Who sets a user timeout means it for probes too (Linux does the same).
            self.give_up(now, Cause::UserTimeout);
            return;
        }
        if self.keep_alive_probes >= keep_alive.probes {
            self.give_up(now, Cause::GaveUp);
            return;
        }
        self.keep_alive_probes += 1;
        self.marks.put(Fact::KeepAliveOwed);
        self.arm(Timer::KeepAlive, now + keep_alive.interval);
    }

    /// Starts, restarts or stops the keep-alive timer as the options want.
    pub(crate) fn start_keep_alive(&mut self, now: Instant) {
        match self.config.keep_alive {
            Some(keep_alive)
                if self.state().is_synchronized()
                    && self.state() != State::TimeWait
                    && !self.is_orphaned() =>
            {
                self.keep_alive_probes = 0;
                self.arm(Timer::KeepAlive, now + keep_alive.idle.saturating_sub(self.silent_for(now)));
            }
            _ => self.timers.stop(Timer::KeepAlive),
        }
    }

    /// For the SYN and the SYN-ACK (RFC 6298 §5.1); what follows them is `sender/clock.rs`'s.
    #[inline(never)]
    pub(crate) fn restart_retransmit_timer(&mut self, now: Instant) {
        let due = now.plus_micros(self.sender.rtt.rto_us().into());
        self.arm(Timer::Retransmit, due);
    }

    /// The user timeout counts while data waits, in a closed window too.
    pub(crate) fn start_user_timer(&mut self, now: Instant) {
        if self.config.user_timeout.is_some()
            && !self.timers.is_running(Timer::User)
            && self.state().is_synchronized()
            && self.sender.has_waiting()
        {
            self.restart_user_timer(now);
        }
    }

    /// Anew: something was acknowledged, or data begins to wait.
    pub(crate) fn restart_user_timer(&mut self, now: Instant) {
        let opening = self.config.connect_timeout.filter(|_| self.state() == State::SynSent);
        let timeout = match (opening, self.config.user_timeout) {
            (None, None) => return,
            (Some(opening), Some(user)) => opening.min(user),
            (opening, user) => opening.or(user).unwrap_or_default(),
        };
        self.arm(Timer::User, now + timeout);
    }
}
