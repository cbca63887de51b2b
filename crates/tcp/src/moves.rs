//! How a connection moves along the rows of [`crate::state::ROWS`], and what each state does on entry.
//!
//! The only caller of [`crate::state::Machine::take`].

use crate::connection::Connection;
use crate::connection::Fact;
use crate::handshake::Stage;
use crate::handshake::{Handshake, Opening};
use crate::marks::Marks;
use crate::segment::{Error, Event};
use crate::sender;
use crate::sender::{RtoBounds, Rtt};
use crate::state::{Cause, Row, Sends, State};
use crate::timers::Timer;
use crate::trace::Trace;
use crate::{Instant, ResetReason, SendReason};

impl Connection {
    /// Moves along the row for `cause` and does what the row says; without a row, nothing.
    pub(crate) fn take(&mut self, now: Instant, cause: Cause) -> bool {
        let Some(row) = self.machine.take(cause) else { return false };
        self.trace(|| Trace::StateChanged { row: row.index() });
        self.enter(now, row);
        true
    }

    /// What `row` sends: what it says, unless the habits of a system say otherwise. No other place decides it for
    /// a habit; [`Connection::forget`] takes the row of ABORT in silence whatever the habits.
    fn sends(&self, row: &Row) -> Sends {
        let habits = self.config.habits;
        match (row.on, row.sends) {
            // Probes of an idle peer that went unanswered end with a reset everywhere.
            (Cause::GaveUp | Cause::UserTimeout, Sends::Rst)
                if habits.gives_up_without_reset() && self.keep_alive_probes == 0 =>
            {
                Sends::Nothing
            }
            // CLOSE takes the row of ABORT there.
            (Cause::Abort, Sends::Rst)
                if row.from == State::SynReceived
                    && self.is_orphaned()
                    && habits.close_forgets_syn_received() =>
            {
                Sends::Nothing
            }
            (Cause::Abort, Sends::Nothing)
                if matches!(row.from, State::Closing | State::LastAck) && habits.abort_resets_after_fin() =>
            {
                Sends::Rst
            }
            (_, sends) => sends,
        }
    }

    fn enter(&mut self, now: Instant, row: &Row) {
        match self.sends(row) {
            Sends::Nothing => {}
            Sends::Syn => {
                self.handshake.owed = Some(Opening::Asked);
                self.restart_user_timer(now);
            }
            Sends::SynAck => self.handshake.owed = Some(Opening::Asked),
            Sends::Ack if row.to == State::Established => self.owe_third_step(now),
            Sends::Ack => self.receiver.acks.owe(SendReason::FinAck),
            Sends::Fin => {
                self.sender.marks.put(sender::Fact::FinQueued);
                self.start_user_timer(now);
            }
            Sends::Rst => {
                self.reset_owed = Some(match row.on {
                    Cause::GaveUp | Cause::UserTimeout => ResetReason::GaveUp,
                    Cause::DataAfterClose => ResetReason::DataAfterClose,
                    _ => ResetReason::Aborted,
                });
            }
        }
        let is_fin_acked = matches!(row.to, State::FinWait2 | State::TimeWait) && row.from != State::FinWait2;
        if is_fin_acked {
            self.events.raise(Event::Finished);
        }
        match row.to {
            State::Established => self.on_established(now),
            State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck => self.limit_orphan(now),
            State::TimeWait => {
                self.timers.stop_all();
                self.arm(Timer::Linger, now + self.config.time_wait);
            }
            State::Listen if row.from == State::SynReceived => self.return_to_listen(now),
            State::Closed => self.on_closed(now),
            _ => {}
        }
    }

    fn on_established(&mut self, now: Instant) {
        self.begin_path_search(now);
        if core::mem::take(&mut self.sender.attempts) > 0 {
            self.on_repeated_syn();
        }
        self.timers.stop(Timer::User);
        if !self.handshake.is_early() {
            self.events.raise(if self.handshake.is_passive() { Event::Accepted } else { Event::Connected });
        }
        self.events.raise(Event::Writable);
        self.start_keep_alive(now);
        if self.handshake.marks.take(Stage::FinishAfter) {
            self.take(now, Cause::Close);
        }
    }

    /// The SYN or SYN-ACK was lost: RFC 5681 §3.1, RFC 6298 §5.7. A SYN-ACK whose answer was put off was not.
    #[cold]
    fn on_repeated_syn(&mut self) {
        self.note_repeated_syn();
        if self.handshake.marks.has(Stage::Deferred) {
            self.sender.rtt = Rtt::new(self.config.rto_initial, RtoBounds::new(&self.config));
            return;
        }
        let mss = self.mss();
        self.sender.begin(mss, &self.config);
        self.sender.rtt.on_lost_syn(RtoBounds::new(&self.config));
        if let Some(ecn) = &mut self.ecn {
            ecn.heeds.on_reduced(self.sender.nxt);
        }
    }

    /// An orphan does not wait for ever: for the peer's FIN in FIN-WAIT-2, and before that as long as the peer takes a
    /// fair share of what it was left with.
    pub(crate) fn limit_orphan(&mut self, now: Instant) {
        if !self.is_orphaned() {
            return;
        }
        match (self.state(), self.config.orphan_progress) {
            (State::FinWait2, _) => self.arm(Timer::Linger, now + self.config.orphan_timeout),
            (State::FinWait1 | State::Closing | State::LastAck, Some(time))
                if !self.timers.is_running(Timer::Linger) =>
            {
                let mss = self.mss() as usize;
                let is_finishing = !self.sender.has_text();
                let was_finishing = self.marks.has(Fact::OrphanFinishing);
                self.marks.set(Fact::OrphanFinishing, is_finishing);
                if self.sender.has_progressed(mss) && !(was_finishing && is_finishing) {
                    self.arm(Timer::Linger, now + time);
                } else {
                    self.give_up(now, Cause::GaveUp);
                }
            }
            _ => {}
        }
    }

    /// The peer of an orphan may have taken its share before the time for it was over: the next time begins now, so
    /// that a peer that is gone is given up so long after its last share.
    #[cold]
    pub(crate) fn reward_orphan(&mut self, now: Instant) {
        if self.timers.is_running(Timer::Linger) && self.sender.has_taken_share() {
            self.timers.stop(Timer::Linger);
            self.limit_orphan(now);
        }
    }

    /// The time of an orphan is over.
    pub(crate) fn judge_orphan(&mut self, now: Instant) {
        if self.state() == State::FinWait2 {
            self.take(now, Cause::OrphanTimeout);
        } else {
            self.limit_orphan(now);
        }
    }

    /// RFC 9293 §3.10.7.4, SYN-RECEIVED: a passive open that came to nothing waits for the next peer.
    #[cold]
    fn return_to_listen(&mut self, now: Instant) {
        self.timers.stop_all();
        self.fast_opening = None;
        self.handshake =
            Handshake { marks: Marks::default().with(Stage::Passive, true), ..Handshake::default() };
        self.sender.return_to_listen(now, &self.config);
        self.receiver.return_to_listen(&self.config);
        self.ecn = None;
        self.soft_error = None;
        self.timestamps.forget();
        self.marks.clear([Fact::Scaling, Fact::Orphaned, Fact::KeepAliveOwed]);
    }

    #[inline(never)]
    fn on_closed(&mut self, now: Instant) {
        self.timers.stop_all();
        self.handshake = Handshake {
            marks: Marks::default().with(Stage::Passive, self.handshake.is_passive()),
            ..Handshake::default()
        };
        // What was agreed upon is still told by `info`.
        self.sender.on_closed(now);
        self.receiver.on_closed();
        self.marks.clear([Fact::Orphaned, Fact::KeepAliveOwed]);
        self.events.raise(Event::Closed);
    }

    /// Ends the connection because of `error`.
    pub(crate) fn fail(&mut self, now: Instant, cause: Cause, error: Error) {
        self.failure = Some(error);
        if self.take(now, cause) {
            self.events.raise(Event::Failed(error));
        }
    }
}
