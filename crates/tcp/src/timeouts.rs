//! A timer fires: what each does, and how they are set.
//!
//! RFC 6298 §5 (retransmission), RFC 9293 §3.8.3 (R1, R2), §3.8.4 (keep-alive), §3.8.6.1 (persist),
//! §3.10.8 (user and TIME-WAIT timeouts).

use crate::congestion::{Controller, Lost};
use crate::connection::Connection;
use crate::recovery::fast_recovery::Phase;
use crate::segment::{Error, Event};
use crate::state::{Cause, State};
use crate::timers::Timer;
use crate::trace::{LossSign, Trace};
use crate::variables::Timed;
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
            Timer::Persist => self.on_persist_timer(now),
            Timer::DelayedAck => self.receiver.acks.owe(SendReason::DelayedAck),
            Timer::KeepAlive => self.on_keep_alive_timer(now),
            Timer::User => self.give_up(now, Cause::UserTimeout),
            Timer::Linger if self.state() == State::TimeWait => {
                self.take(now, Cause::TimeWaitTimeout);
            }
            Timer::Linger => {
                self.take(now, Cause::OrphanTimeout);
            }
            Timer::Cork => self.marks.send_small = true,
        }
    }

    fn on_retransmit_timer(&mut self, now: Instant) {
        if self.snd.una == self.snd.nxt {
            return;
        }
        if self.has_tried_enough(now) {
            self.give_up(now, Cause::GaveUp);
            return;
        }
        if self.attempts == 0 {
            self.first_resent_at = now;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.doubt_path();
        self.counters.timeouts = self.counters.timeouts.wrapping_add(1);
        if self.is_linear_syn() {
            self.rtt.repeat();
        } else {
            self.rtt.back_off();
        }
        self.timed = Timed::NOTHING;
        if matches!(self.state(), State::SynSent | State::SynReceived) {
            self.marks.handshake_owed = true;
            return;
        }
        let (mss, una) = (self.mss(), self.snd.una);
        // RFC 5681 §3.1: a second timeout of the same data leaves ssthresh alone.
        if self.attempts == 1 {
            let in_flight_bytes = match self.recovery.phase {
                Phase::Loss => self.in_flight(),
                _ => self.snd.nxt.bytes_since(una),
            };
            self.congestion.on_lost(&Lost { in_flight_bytes, by_timeout: true }, mss);
        } else {
            self.congestion.set_cwnd(mss);
        }
        self.recovery.on_timeout(una, self.snd.nxt);
        self.trace(|| Trace::Loss { seq: una, sign: LossSign::Timeout });
        self.trace_congestion();
    }

    /// R2, for SYNs and for the rest (§3.8.3, MUST-20 (c), MUST-23).
    fn has_tried_enough(&self, now: Instant) -> bool {
        let habits = self.config.habits;
        match self.state() {
            State::SynSent => {
                let uncounted = if habits.linear_syns_are_not_counted() { self.linear_syns() } else { 0 };
                let waited = now.since(self.first_resent_at) + self.config.rto_initial;
                let by_clock = habits.gives_up_by_the_clock()
                    && waited >= self.time_of_retries(self.config.syn_retries, self.config.rto_initial);
                self.attempts >= self.config.syn_retries.saturating_add(uncounted)
                    || (self.attempts > 0 && by_clock)
            }
            State::SynReceived => self.attempts >= self.config.syn_ack_retries,
            _ if habits.gives_up_by_the_clock() => {
                let time = self.time_of_retries(self.config.retries, self.config.rto_min);
                self.attempts > 0 && now.since(self.first_resent_at) >= time
            }
            _ => self.attempts >= self.config.retries,
        }
    }

    /// How long that many retries take if their timeouts begin with `first` and double up to the longest.
    fn time_of_retries(&self, retries: u8, first: Duration) -> Duration {
        let timeout = |retry: u32| first.saturating_mul(1u32.checked_shl(retry).unwrap_or(u32::MAX));
        (0..=u32::from(retries)).map(|retry| timeout(retry).min(self.config.rto_max)).sum()
    }

    /// The next SYN waits no longer than the first ([`SynRetry::LinearFirst`]).
    fn is_linear_syn(&self) -> bool {
        self.state() == State::SynSent && self.attempts <= self.linear_syns()
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
        self.attempts > 0 && self.attempts == self.config.retries_until_doubt
    }

    /// The peer does not answer. A synchronized peer that still lives learns of it by the reset of the row.
    fn give_up(&mut self, now: Instant, cause: Cause) {
        // What ICMP said on the way is the better explanation (RFC 9293 §3.9.2.2, MUST-56).
        let error = self.soft_error.unwrap_or(Error::TimedOut);
        self.fail(now, cause, error);
    }

    fn on_persist_timer(&mut self, now: Instant) {
        let usable = (self.snd.una + self.snd.wnd).after(self.snd.nxt);
        if usable && self.snd.una == self.snd.nxt {
            // The window is open but small: the override of §3.8.6.2.1.
            self.marks.send_small = true;
            return;
        }
        if self.marks.orphaned && self.rtt.backoff() >= self.config.retries {
            // An answering peer may keep its window closed for ever (MAY-8), but not for nobody.
            self.give_up(now, Cause::GaveUp);
            return;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.doubt_path();
        if self.attempts > self.config.retries && self.unanswered(now) {
            self.give_up(now, Cause::GaveUp);
            return;
        }
        self.rtt.back_off();
        self.marks.window_probe_owed = true;
        self.arm_persist(now);
    }

    /// Nothing has been heard for longer than the largest timeout.
    fn unanswered(&self, now: Instant) -> bool {
        now.since(self.last_received_at) > self.config.rto_max
    }

    /// SHLD-29, SHLD-30: first after the retransmission timeout, then backed off.
    pub(crate) fn arm_persist(&mut self, now: Instant) {
        let timeout = Duration::from_micros(self.rto_us().into());
        let bounds = self.config.habits.window_probe_bounds();
        let timeout = bounds.map_or(timeout, |(least, most)| timeout.clamp(least, most));
        self.arm(Timer::Persist, now + timeout);
    }

    fn on_keep_alive_timer(&mut self, now: Instant) {
        let Some(keep_alive) = self.config.keep_alive.filter(|_| self.state().is_synchronized()) else {
            return;
        };
        let since = if self.keep_alive_probes == 0 { keep_alive.idle } else { keep_alive.interval };
        if self.keep_alive_probes == 0 && now.since(self.last_received_at) < since {
            // Heard from in the meantime: wait for the rest.
            let due = self.last_received_at + keep_alive.idle;
            self.arm(Timer::KeepAlive, due);
            return;
        }
        if self.snd.una != self.snd.nxt {
            // Something is in flight: the retransmission timer looks after the peer.
            self.arm(Timer::KeepAlive, now + keep_alive.interval);
            return;
        }
        let silent = now.since(self.last_received_at);
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
        self.marks.keep_alive_owed = true;
        self.arm(Timer::KeepAlive, now + keep_alive.interval);
    }

    /// Starts, restarts or stops the keep-alive timer as the options want.
    pub(crate) fn start_keep_alive(&mut self, now: Instant) {
        match self.config.keep_alive {
            Some(keep_alive) if self.state().is_synchronized() && self.state() != State::TimeWait => {
                self.keep_alive_probes = 0;
                self.arm(Timer::KeepAlive, now.max(self.last_received_at) + keep_alive.idle);
            }
            _ => self.timers.stop(Timer::KeepAlive),
        }
    }

    /// RFC 6298 §5.1, §5.3.
    #[inline(never)]
    pub(crate) fn restart_retransmit_timer(&mut self, now: Instant) {
        let due = now.plus_micros(u64::from(self.rto_us()));
        self.arm(Timer::Retransmit, due);
    }

    /// The user timeout counts from the moment from which data waits for an acknowledgment.
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
