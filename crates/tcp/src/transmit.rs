//! A segment leaves: questions in order of priority, the first answer wins, each with its reason.
//!
//! Reset owed, handshake owed, the third step, text that may leave (`sender/next.rs`), probe, acknowledgment owed
//! (RFC 9293 §3.10.2, §3.9.1.2).
//!
//! Text and acknowledgments are nearly all there ever is: what answers the other questions is kept out of line,
//! so that the code of a busy connection stays within a processor's first cache. What was decided becomes a
//! segment in `build.rs`.

use crate::build::{Plan, What};
use crate::connection::Connection;
use crate::connection::Fact;
use crate::segment::Transmit;
use crate::sender;
use crate::sender::Ask;
use crate::state::State;
use crate::{Instant, ResetReason, SendReason};
use wire::Seq;
use wire::tcp::Flags;

impl Connection {
    /// The next segment to send, until `None`.
    ///
    /// With `super_segment_bytes_max` above the segment size the text may be that long, to be cut by
    /// [`Transmit::segment_bytes`]; with zero every segment is sent by itself.
    pub fn poll_transmit(&mut self, now: Instant, super_segment_bytes_max: u32) -> Option<Transmit> {
        let mut transmit = Transmit::empty();
        self.transmit_into(now, super_segment_bytes_max, &mut transmit).then_some(transmit)
    }

    /// Like [`Connection::poll_transmit`], without moving the segment: it is built in `transmit`, which is
    /// [empty](Transmit::empty). Returns whether there is one; if not, `transmit` is still empty.
    pub fn transmit_into(
        &mut self,
        now: Instant,
        super_segment_bytes_max: u32,
        transmit: &mut Transmit,
    ) -> bool {
        let Some(plan) = self.plan(now, super_segment_bytes_max) else { return false };
        self.build(now, &plan, transmit);
        true
    }

    #[inline]
    fn plan(&mut self, now: Instant, super_segment_bytes_max: u32) -> Option<Plan> {
        if self.is_drained() {
            return None;
        }
        // The urgent pointer counts from its own segment, and whoever cuts a super-segment leaves it.
        let super_segment_bytes_max =
            if self.sender.urgent_end().is_some() { 0 } else { super_segment_bytes_max };
        self.owed_reset()
            .or_else(|| self.owed_handshake(now))
            .or_else(|| self.third_step())
            .or_else(|| self.text_to_send(now, super_segment_bytes_max))
            .or_else(|| self.probe())
            .or_else(|| self.owed_ack())
    }

    /// Nothing waits to be sent: [`Connection::poll_transmit`] would answer `None`. What waits for room
    /// in a window, for its turn, or for company, still waits.
    pub fn is_drained(&self) -> bool {
        let owes = self.handshake.owed.is_some()
            || self.marks.has(Fact::KeepAliveOwed)
            || self.receiver.acks.owed().is_some()
            || self.owes_reset_reply()
            || self.reset_owed.is_some();
        !owes && !self.sender.wants_to_send()
    }

    fn owed_reset(&mut self) -> Option<Plan> {
        if !self.owes_reset_reply() && self.reset_owed.is_none() { None } else { self.reset_plan() }
    }

    #[cold]
    fn reset_plan(&mut self) -> Option<Plan> {
        if let Some(seq) = self.take_reset_reply() {
            let after_close = self.reset_owed.take_if(|why| *why == ResetReason::DataAfterClose);
            let why = SendReason::Reset(after_close.unwrap_or(ResetReason::UnacceptableAck));
            return Some(Plan::bare(seq, Flags::RST, why));
        }
        let why = self.reset_owed.take()?;
        let seq = self.seq_without_text();
        Some(Plan::bare(seq, Flags::RST | Flags::ACK, SendReason::Reset(why)))
    }

    /// The third step goes before the first data, by itself: were it lost together with the data, whoever answers
    /// with cookies would take what follows for a stranger's.
    fn third_step(&mut self) -> Option<Plan> {
        if self.receiver.acks.owed() != Some(SendReason::HandshakeAck) {
            return None;
        }
        // RFC 9768 §3.2.2.1: it tells with which field the SYN-ACK came, which text could not.
        let tells_field = self.ecn.as_ref().is_some_and(|ecn| ecn.reflector.answers_syn_ack());
        let goes_alone = self.config.habits.third_step_goes_alone() || tells_field;
        if goes_alone && !self.fast_text_waits() { self.owed_ack() } else { None }
    }

    /// Text and FIN, as far as the windows and the pacer let them out.
    fn text_to_send(&mut self, now: Instant, super_segment_bytes_max: u32) -> Option<Plan> {
        if !self.sender.wants_to_send() {
            return None;
        }
        let state = self.state();
        let mut is_early = false;
        let mut may_go_early = false;
        if self.syn_unacked() {
            is_early = self.handshake.is_early();
            if is_early && self.sender.attempts > 0 {
                // What the peer has not heard the SYN-ACK of goes again behind it (RFC 7413 §4.2.2).
                return None;
            }
            may_go_early = is_early || self.has_only_fin_behind_syn_ack();
        }
        let must_go_whole = self.ecn.as_ref().is_some_and(|ecn| ecn.reflector.must_go_whole());
        let super_segment_bytes_max = if must_go_whole { 0 } else { super_segment_bytes_max };
        let ask = Ask {
            mss: self.mss_with_options(),
            super_segment_bytes_max,
            // FIN-WAIT-1, CLOSING and LAST-ACK still send what was written before CLOSE.
            may_send_text: state.sends_text() || state.awaits_ack_of_fin() || is_early,
            may_go_early,
        };
        let (sender, mut lent) = self.sending(now);
        sender.next(&ask, &mut lent)
    }

    /// CLOSE came before the handshake was complete, with nothing queued.
    #[cold]
    fn has_only_fin_behind_syn_ack(&self) -> bool {
        self.state() == State::FinWait1 && !self.sender.has_text() && self.sender.nxt == self.sender.iss + 1
    }

    fn owed_ack(&mut self) -> Option<Plan> {
        let why = self.receiver.acks.owed()?;
        if matches!(self.state(), State::Closed | State::Listen | State::SynSent) {
            // There is nothing to acknowledge, or nobody to tell.
            self.receiver.acks.forget();
            return None;
        }
        let repeats_fin = self.config.habits.acknowledgments_repeat_fin();
        let fin = self.sender.fin().filter(|fin| repeats_fin && !self.sender.una.after(*fin));
        if let Some(fin) = fin.filter(|_| why != SendReason::ChallengeAck) {
            return Some(Plan::bare(fin, Flags::FIN | Flags::ACK, why));
        }
        let seq = self.seq_without_text();
        Some(Plan::bare(seq, Flags::ACK, why))
    }

    /// The sequence number of a segment without text: SND.NXT, but not from beyond a window that shrank
    /// or was probed, where the peer need not listen.
    fn seq_without_text(&self) -> Seq {
        let nxt = self.sender.nxt;
        if self.syn_unacked() { nxt } else { nxt.earliest(self.sender.edge()) }
    }

    /// A probe of a closed window or of an idle peer (RFC 9293 §3.8.6.1, §3.8.4).
    fn probe(&mut self) -> Option<Plan> {
        if self.sender.owes_window_probe() || self.marks.has(Fact::KeepAliveOwed) {
            self.probe_plan()
        } else {
            None
        }
    }

    #[cold]
    fn probe_plan(&mut self) -> Option<Plan> {
        let (una, nxt) = (self.sender.una, self.sender.nxt);
        if self.sender.marks.take(sender::Fact::WindowProbeOwed) {
            if self.config.habits.window_probes_are_empty() {
                return Some(Plan::bare(una - 1, Flags::ACK, SendReason::ZeroWindowProbe));
            }
            let end = self.sender.stream_end();
            let is_fin_alone = una == nxt && self.sender.fin_queued() && una == end;
            let to = if is_fin_alone { una + 1 } else { (una + 1).earliest(end.latest(nxt)) };
            if una.before(to) {
                let plan = Plan::text(una, to, SendReason::ZeroWindowProbe);
                return Some(plan.as_probe(What::WindowProbe));
            }
        }
        if self.marks.take(Fact::KeepAliveOwed) {
            // RFC 9293 §3.8.4: SEG.SEQ = SND.NXT-1 and no text provoke an acknowledgment.
            return Some(Plan::bare(nxt - 1, Flags::ACK, SendReason::KeepAlive));
        }
        None
    }
}
