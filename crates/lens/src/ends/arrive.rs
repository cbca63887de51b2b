//! What an end does when a segment arrives (RFC 9293 §3.10.7).
//!
//! The guards of the causes are decided here from sequence numbers: which RST is acceptable, which
//! ACK is of the SYN or of the FIN, whether the FIN is next in order.

use super::end::Arrival;
use super::steps::{Moves, Origin};
use super::{End, Facts, Numbers, Observed, ResetAcceptability};
use tcp::state::{Cause, State};

impl End {
    /// Moves this end for a segment that arrives.
    pub(super) fn arrive(
        &mut self,
        facts: &Facts,
        numbers: &Numbers,
        moves: &mut Moves,
        observed: &mut Observed,
    ) {
        let (machine, steps_before) = (self.machine, self.steps_len());
        let flags = facts.flags;
        self.owes_challenge = false;
        if flags.rst() {
            self.on_rst(facts, numbers, moves, observed);
        } else if flags.syn() {
            self.on_syn(facts, numbers, moves, observed);
        } else if flags.ack() {
            self.on_ack_and_fin(facts, numbers, moves, observed);
        }
        if self.machine != machine {
            let (facts, numbers) = (*facts, *numbers);
            let arrival = Arrival { facts, before: machine, steps_before, numbers, is_late: false };
            self.remember_arrival(arrival);
        }
    }

    fn on_rst(&mut self, facts: &Facts, numbers: &Numbers, moves: &mut Moves, observed: &mut Observed) {
        let acceptability = self.judge_reset(facts, numbers);
        observed.reset = Some(acceptability);
        if !matches!(acceptability, ResetAcceptability::Exact | ResetAcceptability::Unknown) {
            self.owes_challenge = self.state() == State::SynReceived;
            return;
        }
        let cause = match self.state() {
            State::SynReceived if self.is_passive => Cause::RstToPassiveOpen,
            _ => Cause::Rst,
        };
        self.was_reset |= self.step(cause, facts, Origin::Received, moves);
    }

    /// RFC 9293 §3.10.7.3 in SYN-SENT, RFC 5961 §3.2 in synchronized states.
    fn judge_reset(&self, facts: &Facts, numbers: &Numbers) -> ResetAcceptability {
        match (self.state(), self.iss) {
            (State::Closed | State::Listen, _) => return ResetAcceptability::Outside,
            (State::SynSent, Some(iss)) => {
                let acks_syn = facts.flags.ack() && facts.ack.after(iss);
                return if acks_syn { ResetAcceptability::Exact } else { ResetAcceptability::Outside };
            }
            _ => {}
        }
        let Some(acknowledged) = numbers.acknowledged else { return ResetAcceptability::Unknown };
        if facts.seq == acknowledged || numbers.expected == Some(facts.seq) {
            return ResetAcceptability::Exact;
        }
        let in_window = facts.seq.at_or_after(acknowledged)
            && facts.seq.bytes_since(acknowledged) < numbers.window_bytes.max(1);
        if in_window { ResetAcceptability::InWindow } else { ResetAcceptability::Outside }
    }

    fn on_syn(&mut self, facts: &Facts, numbers: &Numbers, moves: &mut Moves, observed: &mut Observed) {
        let acks_ours = self.iss.is_some_and(|iss| facts.flags.ack() && facts.ack.after(iss));
        match (self.state(), facts.flags.ack()) {
            (State::Closed, false) if !self.has_lived || !self.was_reset => {
                self.is_passive = true;
                self.step(Cause::PassiveOpen, facts, Origin::Received, moves);
                self.step(Cause::Syn, facts, Origin::Received, moves);
            }
            (State::SynSent, false) => {
                self.step(Cause::Syn, facts, Origin::Received, moves);
            }
            (State::SynSent, true) if acks_ours => {
                self.step(Cause::SynAck, facts, Origin::Received, moves);
            }
            (State::SynSent, true) => observed.unacceptable_ack = true,
            (State::SynReceived, true) if acks_ours => {
                self.step(Cause::AckOfSyn, facts, Origin::Received, moves);
            }
            (state, _) => observed.syn_in_synchronized |= state.is_synchronized() && !numbers.is_same_syn,
        }
    }

    fn on_ack_and_fin(
        &mut self,
        facts: &Facts,
        numbers: &Numbers,
        moves: &mut Moves,
        observed: &mut Observed,
    ) {
        if self.state() == State::SynReceived {
            if self.iss.is_none_or(|iss| facts.ack.after(iss)) {
                self.step(Cause::AckOfSyn, facts, Origin::Received, moves);
            } else {
                observed.unacceptable_ack = true;
                return;
            }
        }
        let acks_fin = self.state().awaits_ack_of_fin() && self.fin_end.is_some_and(|end| facts.acks(end));
        let fin = facts.flags.fin() && numbers.is_contiguous && self.state().takes_text();
        let cause = match (self.state(), acks_fin, fin) {
            (State::FinWait1, true, true) => Cause::FinAndAckOfFin,
            (_, true, _) => Cause::AckOfFin,
            (_, false, true) => Cause::Fin,
            (_, false, false) => return,
        };
        self.step(cause, facts, Origin::Received, moves);
        if acks_fin && fin && cause == Cause::AckOfFin {
            self.step(Cause::Fin, facts, Origin::Received, moves);
        }
    }
}
