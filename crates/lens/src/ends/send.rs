//! What an end must have done to send a segment (RFC 9293 §3.10.1 to §3.10.5).

use super::steps::{Moves, Origin};
use super::{End, Facts, Observed, Turn};
use crate::live::Before;
use tcp::state::{Cause, State};
use wire::tcp::Flags;

impl End {
    /// Moves this end for a segment that it sends; `peer` is the other end.
    pub(super) fn send(&mut self, peer: &mut End, facts: &Facts, before: &Before, turn: &mut Turn) {
        let (moves, observed) = (&mut turn.sender, &mut turn.observed);
        let flags = facts.flags;
        if flags.rst() {
            self.send_rst(facts, before, moves);
        } else if flags.syn() {
            self.send_syn(peer, facts, moves, observed);
        } else {
            self.catch_up(peer, facts, before, moves);
            self.send_text(facts, observed);
            if flags.fin() {
                self.send_fin(peer, facts, moves, observed);
            }
        }
        self.has_lived = true;
    }

    fn send_syn(&mut self, peer: &mut End, facts: &Facts, moves: &mut Moves, observed: &mut Observed) {
        match (self.state(), facts.flags.ack()) {
            (State::Closed, false) => {
                self.step(Cause::ActiveOpen, facts, Origin::Sent, moves);
            }
            (State::Closed, true) => {
                // the SYN was not captured, or after its answer
                if peer.state() == State::Closed {
                    peer.step(Cause::ActiveOpen, facts, Origin::Inferred, &mut Moves::default());
                    peer.iss = Some(facts.ack - 1);
                }
                self.is_passive = true;
                self.step(Cause::PassiveOpen, facts, Origin::Inferred, moves);
                self.step(Cause::Syn, facts, Origin::Inferred, moves);
            }
            (State::SynSent, true) => {
                self.step(Cause::Syn, facts, Origin::Inferred, moves);
            }
            (State::SynSent | State::SynReceived, _) => {} // again
            (state, _) => {
                observed.syn_in_synchronized |= state.is_synchronized() && self.iss != Some(facts.seq);
            }
        }
        self.iss = Some(facts.seq);
    }

    fn send_rst(&mut self, facts: &Facts, before: &Before, moves: &mut Moves) {
        match self.state() {
            State::Closed | State::Listen => {} // an answer in the name of a connection that is not there
            // answers an acknowledgment of nothing that it sent; its own SYN stays (§3.5.2)
            State::SynSent if !facts.flags.ack() && self.iss.is_some_and(|iss| facts.seq != iss + 1) => {}
            State::FinWait1 | State::FinWait2 if !facts.flags.ack() || before.peer_was_not_heard => {
                self.step(Cause::DataAfterClose, facts, Origin::Sent, moves);
                self.was_reset = true;
            }
            _ => {
                self.step(Cause::Abort, facts, Origin::Sent, moves);
                self.was_reset = true;
            }
        }
        self.doubt_arrivals();
    }

    /// What must have happened before it could send this, and was not captured or not taken yet.
    fn catch_up(&mut self, peer: &mut End, facts: &Facts, before: &Before, moves: &mut Moves) {
        match self.state() {
            State::Closed if !self.has_lived => self.assume_open(peer, facts),
            State::SynSent if facts.flags.ack() => {
                self.step(Cause::SynAck, facts, Origin::Inferred, moves);
            }
            State::SynReceived if self.owes_challenge && facts.seq == facts.end => {
                self.owes_challenge = false;
            }
            State::SynReceived if !before.fast_open && !facts.flags.syn() => {
                self.step(Cause::AckOfSyn, facts, Origin::Inferred, moves);
            }
            _ => {}
        }
        // a FIN that came after a gap is taken when it is acknowledged
        if let Some(fin_end) = peer.fin_end
            && facts.acks(fin_end)
            && self.state().takes_text()
            && !self.step(Cause::Fin, facts, Origin::Inferred, moves)
        {
            debug_assert!(false, "every state that takes text takes a FIN");
        }
    }

    /// The handshake was not captured: both ends are open, and who opened is not known.
    fn assume_open(&mut self, peer: &mut End, facts: &Facts) {
        let mut unseen = Moves::default();
        for cause in [Cause::ActiveOpen, Cause::SynAck] {
            self.step(cause, facts, Origin::Inferred, &mut unseen);
        }
        self.is_inferred = true;
        if peer.state() == State::Closed && !peer.has_lived {
            for cause in [Cause::PassiveOpen, Cause::Syn, Cause::AckOfSyn] {
                peer.step(cause, facts, Origin::Inferred, &mut unseen);
            }
            peer.is_inferred = true;
        }
    }

    fn send_text(&mut self, facts: &Facts, observed: &mut Observed) {
        let text_end = if facts.flags.fin() { facts.end - 1 } else { facts.end };
        let has_text = text_end != facts.seq;
        if let Some(fin_end) = self.fin_end
            && has_text
            && text_end.at_or_after(fin_end)
        {
            observed.text_after_fin = true;
        }
        let gone = self.state() == State::Closed && self.has_lived;
        observed.no_row |= has_text && gone && !facts.flags.contains(Flags::RST);
    }

    fn send_fin(&mut self, peer: &mut End, facts: &Facts, moves: &mut Moves, observed: &mut Observed) {
        if self.fin_end.is_some() && !self.state().sends_text() && self.state() != State::SynReceived {
            peer.on_fin_again(facts.end);
            return;
        }
        // a SYN-SENT end that closes says nothing and is gone (§3.10.4); a FIN from it has no row
        if self.state() == State::SynSent || !self.step(Cause::Close, facts, Origin::Sent, moves) {
            observed.no_row = true;
            return;
        }
        self.fin_end = Some(facts.end);
    }
}
