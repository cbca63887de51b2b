//! A segment arrives: the eight steps of RFC 9293 §3.10.7.4, in the RFC's order, each able to refuse.
//!
//! Before them stands PAWS (`timestamps.rs`), as RFC 7323 wants, and before that the challenge of a SYN: see
//! [`Connection::arrives`]. SYN-SENT has a file of its own (`syn_sent.rs`); LISTEN and TIME-WAIT follow the
//! rules that hosts share (`listen.rs`, `time_wait.rs`). What an acknowledgment does to the sender is in `acknowledged.rs`, the window and the
//! way of the text to the reader in `receiver/`, what becomes of what is refused in `refuse.rs`.

use crate::connection::Connection;
use crate::memory::Memory;
use crate::receiver::acks::Acks;
use crate::refusal::{Refused, Reply};
use crate::segment::{Error, Segment};
use crate::state::{Cause, State};
use crate::time_wait::TimeWaitVerdict;
use crate::timers::Timer;
use crate::trace::Trace;
use crate::{Instant, Refusal, SendReason, listen};
use core::time::Duration;
use wire::Seq;
use wire::tcp::Flags;

/// No window is larger (RFC 7323 §2.3), so no segment: beyond it the circle has no "before".
const TEXT_BYTES_MAX: usize = 1 << 30;

impl Connection {
    /// A segment arrived. Reply, state change and events come out of the `poll_*` methods.
    pub fn handle_segment(&mut self, now: Instant, mut segment: Segment) {
        self.take_segment(now, &mut segment);
    }

    /// Like [`Connection::handle_segment`], without moving the segment: its text is taken out, and its
    /// header is not to be used any more.
    #[inline]
    pub fn take_segment(&mut self, now: Instant, segment: &mut Segment) {
        self.counters.segments_in = self.counters.segments_in.wrapping_add(1);
        let taken =
            if self.tracer.is_on() { self.handle_traced(now, segment) } else { self.handle(now, segment) };
        match taken {
            Ok(()) => self.on_sign_of_life(now),
            Err(refused) => self.reply(now, refused),
        }
    }

    fn handle(&mut self, now: Instant, segment: &mut Segment) -> Result<(), Refused> {
        match self.state() {
            State::Closed => Err(Refused::silently(Refusal::NoConnection)),
            _ if segment.payload.len() > TEXT_BYTES_MAX => Err(Refused::silently(Refusal::OutOfWindow)),
            State::Listen => self.arrives_in_listen(now, segment),
            State::SynSent => self.arrives_in_syn_sent(now, segment),
            State::TimeWait => self.arrives_in_time_wait(now, segment),
            _ => self.arrives(now, segment),
        }
    }

    /// The arrival stands before what it did, so that a reader sees cause and effect in order.
    #[cold]
    fn handle_traced(&mut self, now: Instant, segment: &mut Segment) -> Result<(), Refused> {
        let (facts, place) = (segment.facts(self.sender.shift), self.tracer.waiting());
        let taken = self.handle(now, segment);
        let trace = match taken {
            Ok(()) => Trace::Taken { segment: facts },
            Err(Refused { why, .. }) => Trace::Refused { segment: facts, why },
        };
        self.tracer.insert(place, trace);
        taken
    }

    fn on_sign_of_life(&mut self, now: Instant) {
        self.last_received_ms = now.as_millis() as u32;
        self.keep_alive_probes = 0;
    }

    #[inline(never)]
    fn arrives_in_listen(&mut self, now: Instant, segment: &Segment) -> Result<(), Refused> {
        match listen::arrives(&segment.header, self.config.habits) {
            listen::Arrival::Ignore(why) => Err(Refused::silently(why)),
            listen::Arrival::Reset(header) => {
                Err(Refused { why: Refusal::AckOfUnsent, reply: Some(Reply::Reset { seq: header.seq }) })
            }
            listen::Arrival::Open => {
                self.on_syn_in_listen(now, segment);
                Ok(())
            }
        }
    }

    #[inline(never)]
    fn arrives_in_time_wait(&mut self, now: Instant, segment: &Segment) -> Result<(), Refused> {
        let Some(mut rest) = self.what_is_left() else { return Ok(()) };
        let awaited_until = rest.reset_until_ms;
        let verdict = rest.handle_segment(now, &segment.header, segment.text_bytes(), &self.config);
        if let TimeWaitVerdict::Reopen { .. } = verdict {
            // The host has found nobody to take it.
            rest.refuse_syn(now);
        }
        self.arm(Timer::Linger, rest.due());
        if rest.reset_until_ms != awaited_until {
            self.arm(Timer::Challenge, now + Duration::from_millis(rest.rto_ms.into()));
        }
        match verdict {
            TimeWaitVerdict::Ignore(why) => Err(Refused::silently(why)),
            TimeWaitVerdict::Reply(transmit) if segment.len_in_sequence_space() == 0 => {
                Err(Refused::with_ack(Refusal::OutOfWindow, transmit.why))
            }
            TimeWaitVerdict::Reply(transmit) => {
                self.receiver.acks.owe(transmit.why);
                Ok(())
            }
            TimeWaitVerdict::Reopen { .. } => {
                Err(Refused::with_ack(Refusal::UnexpectedSyn, SendReason::ChallengeAck))
            }
            TimeWaitVerdict::Closed => {
                self.take(now, Cause::Rst);
                Ok(())
            }
        }
    }

    /// The event processing for synchronized states and SYN-RECEIVED (§3.10.7.4).
    ///
    /// RFC 7323 §5.3 puts timestamps before the sequence number, except for a RST (R1). A SYN in a synchronized state
    /// comes before them, because it MUST be challenged whatever it says (RFC 5961 §4.2), and all that timestamps
    /// could do is worse: an old one is answered by the same acknowledgment (R1), and for none at all the silence
    /// of §3.2 is a SHOULD, which would lock out a peer that has rebooted without the option. Nothing of such
    /// a SYN is taken, so that there is nothing to protect.
    fn arrives(&mut self, now: Instant, segment: &mut Segment) -> Result<(), Refused> {
        let speaks = segment.header.flags.intersects(Flags::ACK | Flags::RST | Flags::SYN);
        if !speaks && self.config.habits.drops_what_has_no_ack_first() {
            return Err(Refused::silently(Refusal::NoAck));
        }
        self.check_early_syn(now, segment)?;
        self.timestamps.check(now, segment, &self.config, self.receiver.oldest_stamp())?;
        let text_allowed = self.first_check_sequence(now, segment)?;
        if self.second_check_reset(now, segment)? {
            return Ok(());
        }
        // Third, security and compartment: RFC 9293 §A.1 keeps the step for military networks only;
        // no option of ours sets them, so all segments match.
        self.fourth_check_syn(now, segment)?;
        let fin_acked = self.fifth_check_ack(now, segment)?;
        // Not before: what was refused until here may be forged.
        self.timestamps.update(now, segment, self.receiver.last_ack_sent());
        if self.ecn.is_some() {
            self.reflect(segment);
        }
        if self.state() == State::Closed {
            return Ok(());
        }
        self.sixth_check_urgent(segment);
        let fin_taken = text_allowed && self.seventh_take_text(now, segment)?;
        self.eighth_check_fin(now, fin_acked, fin_taken);
        if fin_taken && segment.header.flags.fin() && self.state() == State::CloseWait {
            self.delay_ack_of_fin(now);
        }
        Ok(())
    }

    /// A SYN is looked at before everything else; most segments have none.
    fn check_early_syn(&mut self, now: Instant, segment: &mut Segment) -> Result<(), Refused> {
        if segment.header.flags.syn() { self.take_early_syn(now, segment) } else { Ok(()) }
    }

    /// The ECN field of an acceptable segment is told back (RFC 3168 §6.1.3, §6.1.5; RFC 9768 §3.2).
    #[inline(never)]
    fn reflect(&mut self, segment: &Segment) {
        let Some(ecn) = &mut self.ecn else { return };
        let is_of_syn = core::mem::take(&mut ecn.reads_syn_ack);
        let flags = (!is_of_syn).then_some(segment.header.flags);
        let text_waits = self.receiver.acks.text_waits();
        if let Some(why) = ecn.reflector.on_segment(segment, flags, text_waits) {
            self.receiver.acks.owe(why);
        }
    }

    /// In SYN-RECEIVED the peer's SYN may come again: with our SYN acknowledged it is the second step
    /// of a simultaneous open (§3.5, figure 7), without it the peer has not heard our answer. In a
    /// synchronized state it is challenged.
    #[cold]
    fn take_early_syn(&mut self, now: Instant, segment: &mut Segment) -> Result<(), Refused> {
        let again = segment.header.seq == self.receiver.irs();
        if again && self.syn_unacked() && !segment.header.flags.intersects(Flags::RST | Flags::ACK) {
            self.hear_ecn_of_syn_again(now, segment)?;
        } else if again && !self.syn_unacked() && !segment.header.flags.rst() {
            self.hear_ecn_of_syn_ack_again(segment);
        }
        let header = &mut segment.header;
        if header.flags.rst() {
            // A reset is a reset, whatever else it is: the first and the second step judge it.
            return Ok(());
        }
        // FIN-WAIT-1, too, when CLOSE came before our SYN was acknowledged.
        if self.syn_unacked() && header.seq == self.receiver.irs() {
            if !header.flags.ack() {
                return Err(Refused { why: Refusal::OutOfWindow, reply: Some(Reply::SynAck) });
            }
            header.seq += 1;
            // RFC 7323 §2.2: the window of a SYN is not scaled; from here on it is read as if it were.
            header.window >>= self.sender.shift;
            header.flags = Flags::from_bits(header.flags.bits() & !Flags::SYN.bits());
            if let Some(ecn) = &mut self.ecn {
                ecn.reads_syn_ack = true;
            }
        } else if self.state().is_synchronized() {
            return Err(Refused::with_ack(Refusal::UnexpectedSyn, SendReason::ChallengeAck));
        }
        Ok(())
    }

    /// First, check the sequence number. `Ok(false)`: the window is closed, so the text is not taken,
    /// but ACK, RST and URG are heard (§3.10.7.4, MUST-66).
    fn first_check_sequence(&mut self, now: Instant, segment: &Segment) -> Result<bool, Refused> {
        let (header, len) = (&segment.header, segment.len_in_sequence_space());
        let edge = self.receiver.acceptable_edge(self.receive_buffer());
        let acceptable = self.receiver.accepts(header, len, edge)
            || (len == 0 && header.flags.rst() && self.has_number_of_fin(header.seq));
        if acceptable { Ok(true) } else { self.refuse_sequence(now, segment, edge) }
    }

    /// Second, check the RST bit, with RFC 5961 §3.2. `Ok(true)`: the connection is gone.
    fn second_check_reset(&mut self, now: Instant, segment: &Segment) -> Result<bool, Refused> {
        if segment.header.flags.rst() { self.take_reset(now, segment) } else { Ok(false) }
    }

    #[cold]
    fn take_reset(&mut self, now: Instant, segment: &Segment) -> Result<bool, Refused> {
        let (habits, flags) = (self.config.habits, segment.header.flags);
        let half_open = self.is_half_open();
        if half_open && habits.half_open_wants_bare_reset() && flags != Flags::RST {
            return Err(Refused::with_ack(Refusal::UnprovenReset, SendReason::ChallengeAck));
        }
        let believed = self.has_number_of_fin(segment.header.seq);
        if segment.header.seq != self.receiver.nxt() && !believed {
            self.doubt_fast_open();
            return Err(Refused::with_ack(Refusal::InexactReset, SendReason::ChallengeAck));
        }
        match self.state() {
            _ if half_open => {
                self.take(now, Cause::RstToPassiveOpen);
            }
            State::SynReceived if !self.handshake.is_early() => self.fail(now, Cause::Rst, Error::Refused),
            // In CLOSING and LAST-ACK, too, the application may still hold the connection: it is told.
            _ => self.fail(now, Cause::Rst, Error::Reset),
        }
        Ok(true)
    }

    /// Whether a reset with this number repeats the number of the peer's FIN, and may.
    #[inline(never)]
    fn has_number_of_fin(&self, seq: Seq) -> bool {
        self.config.habits.reset_may_have_the_number_of_fin()
            && matches!(self.state(), State::CloseWait | State::LastAck | State::Closing)
            && seq + 1 == self.receiver.nxt()
    }

    /// Fourth, check the SYN bit. Here only SYN-RECEIVED is left, see [`Connection::take_early_syn`].
    fn fourth_check_syn(&mut self, now: Instant, segment: &Segment) -> Result<(), Refused> {
        if segment.header.flags.syn() { self.refuse_syn(now) } else { Ok(()) }
    }

    /// Fifth, check the ACK field, with RFC 5961 §5.2. Returns whether our FIN is acknowledged now.
    pub(crate) fn fifth_check_ack(&mut self, now: Instant, segment: &Segment) -> Result<bool, Refused> {
        let header = &segment.header;
        if !header.flags.ack() {
            return Err(Refused::silently(Refusal::NoAck));
        }
        if self.state() == State::SynReceived {
            self.take_ack_of_syn(now, segment)?;
        }
        if self.syn_unacked() && header.ack.at_or_before(self.sender.una) {
            // FIN-WAIT-1 by way of SYN-RECEIVED: without our SYN acknowledged it proves nothing.
            return Err(Refused::silently(Refusal::AckOfUnsent));
        }
        if header.ack.after(self.sender.nxt) {
            return Err(Refused::with_ack(Refusal::AckOfUnsent, SendReason::ChallengeAck));
        }
        if header.ack.before(self.sender.una - self.sender.wnd_max()) {
            return Err(Refused::with_ack(Refusal::AckTooOld, SendReason::ChallengeAck));
        }
        let fin_was_unacked = self.state().awaits_ack_of_fin() && !self.sender.fin_acked();
        self.on_acknowledgment(now, segment);
        let fin_acked = fin_was_unacked && self.sender.fin_acked();
        if fin_acked && matches!(self.state(), State::Closing | State::LastAck) {
            self.take(now, Cause::AckOfFin);
            return Ok(false);
        }
        Ok(fin_acked)
    }

    /// The third step of the handshake, if it acknowledges our SYN.
    #[inline(never)]
    fn take_ack_of_syn(&mut self, now: Instant, segment: &Segment) -> Result<(), Refused> {
        let header = &segment.header;
        if !(self.sender.una.before(header.ack) && header.ack.at_or_before(self.sender.nxt)) {
            return Err(Refused { why: Refusal::AckOfUnsent, reply: Some(Reply::Reset { seq: header.ack }) });
        }
        self.check_deferral(segment)?;
        self.take(now, Cause::AckOfSyn);
        if self.receiver.deliver_held(&mut self.events) {
            self.receiver.acks.owe(SendReason::ImmediateAck);
        }
        Ok(())
    }

    /// Sixth, check the URG bit (RFC 6093).
    #[inline]
    pub(crate) fn sixth_check_urgent(&mut self, segment: &Segment) {
        if segment.header.flags.urg() && self.state().takes_text() {
            let up = segment.header.seq + u32::from(segment.header.urgent);
            self.receiver.take_urgent(up, &mut self.events);
        }
    }

    /// Seventh, process the segment text. Returns whether the peer's FIN has been reached.
    pub(crate) fn seventh_take_text(&mut self, now: Instant, segment: &mut Segment) -> Result<bool, Refused> {
        if !self.state().takes_text() {
            // The first step has answered a retransmission of what was taken; this is new, and "should not
            // occur": it is ignored.
            let text = !segment.payload.is_empty();
            return if text { Err(Refused::silently(Refusal::TextAfterFin)) } else { Ok(false) };
        }
        if segment.payload.is_empty() && !segment.header.flags.fin() {
            return Ok(self.receiver.reached_fin(&mut self.events));
        }
        let (header, mut text) = (&segment.header, core::mem::take(&mut segment.payload));
        let (seq, nxt) = (header.seq, self.receiver.nxt());
        let edge = self.receiver.acceptable_edge(self.receive_buffer());
        if header.flags.fin() {
            self.receiver.note_fin(seq, seq + text.len() as u32, edge);
        }
        let first = seq.latest(nxt);
        let last = (seq + text.len() as u32).earliest(edge);
        if !text.is_empty() && first.before(last) {
            if self.is_orphaned() && last.after(nxt) {
                return self.refuse_text_after_close(now, header.ack);
            }
            let arrived_bytes = text.len();
            text.truncate(last.bytes_since(seq) as usize);
            text.advance(first.bytes_since(seq) as usize);
            if text.len() < arrived_bytes / 2 {
                // Else the whole buffer in which it lies would stay with it.
                text.compact();
            }
            if first == nxt {
                let echo = segment.header.options.timestamps.map(|stamps| stamps.echo);
                self.receiver.time_text(now, text.len(), echo, &self.timestamps);
                if self.receiver.take_in_order(text, &self.config, &mut self.events) {
                    self.delay_ack(now);
                }
                if self.memory == Memory::Ample {
                    self.receiver.size_buffer(now, &self.config);
                }
                if seq.before(nxt) {
                    // After that, because the first part that was received before is the one to report.
                    self.receiver.report_duplicate(seq, nxt.bytes_since(seq), &self.config);
                }
            } else {
                self.receiver.keep_out_of_order(first, &text, &self.config)?;
                self.prune_if_scarce();
                if self.timestamps.agreed() {
                    self.receiver.note_stamp(self.timestamps.recent);
                }
            }
        } else if !text.is_empty() {
            self.receiver.report_duplicate(seq, text.len() as u32, &self.config);
            self.receiver.acks.owe(SendReason::OutOfWindowAck);
        } else if header.flags.fin() && seq.after(nxt) {
            self.doubt_fast_open();
            self.receiver.keep_fin_out_of_order(seq);
        }
        Ok(self.receiver.reached_fin(&mut self.events))
    }

    /// What a FIN and the text before it are owed can wait, unless there is another reason.
    #[cold]
    fn delay_ack_of_fin(&mut self, now: Instant) {
        if self.receiver.ack_of_fin_may_wait(self.config.habits) {
            self.delay_ack(now);
        }
    }

    /// The acknowledgment of what was taken waits for company.
    #[inline]
    fn delay_ack(&mut self, now: Instant) {
        if !self.timers.is_running(Timer::DelayedAck) {
            let due = now + Acks::delay(&self.config);
            self.arm(Timer::DelayedAck, due);
        }
    }

    /// Eighth, check the FIN bit: one cause for what this segment did to both FINs.
    pub(crate) fn eighth_check_fin(&mut self, now: Instant, fin_acked: bool, fin_taken: bool) {
        let cause = match (self.state(), fin_taken, fin_acked) {
            (State::FinWait1, true, true) => Cause::FinAndAckOfFin,
            (State::FinWait1, false, true) => Cause::AckOfFin,
            (_, true, _) => Cause::Fin,
            (_, false, _) => return,
        };
        self.take(now, cause);
    }
}
