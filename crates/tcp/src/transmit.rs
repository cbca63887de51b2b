//! A segment leaves: questions in order of priority, the first answer wins, each with its reason.
//!
//! Reset owed, handshake owed, lost data, new data, probe, acknowledgment owed. RFC 9293 §3.10.2,
//! §3.8.6.2.1 (silly windows, Nagle), §3.9.1.2 (PSH); RFC 5681; RFC 3042.
//!
//! New data and acknowledgments are nearly all there ever is: what answers the other questions is kept
//! out of line, so that the code of a busy connection stays within a processor's first cache. What was
//! decided becomes a segment in `emit.rs`.

use crate::congestion::Controller;
use crate::connection::Connection;
use crate::emit::Plan;
use crate::recovery::fast_recovery::Resend;
use crate::segment::Transmit;
use crate::state::State;
use crate::timers::Timer;
use crate::variables::Timed;
use crate::{Instant, Nagle, ResetReason, SendReason};
use wire::Seq;
use wire::tcp::Flags;

impl Connection {
    /// The next segment to send, until `None`.
    ///
    /// With `super_segment_bytes_max` above the segment size the text may be that long, to be cut by
    /// [`Transmit::segment_bytes`]; with zero every segment is sent by itself.
    pub fn poll_transmit(&mut self, now: Instant, super_segment_bytes_max: u32) -> Option<Transmit> {
        if self.is_drained() {
            return None;
        }
        // The urgent pointer counts from its own segment, and whoever cuts a super-segment leaves it.
        let super_segment_bytes_max = if self.snd.up.is_some() { 0 } else { super_segment_bytes_max };
        let plan = self
            .owed_reset()
            .or_else(|| self.owed_handshake(now))
            .or_else(|| self.lost_data(now, super_segment_bytes_max))
            .or_else(|| self.new_data(now, super_segment_bytes_max))
            .or_else(|| self.probe(now))
            .or_else(|| self.owed_ack())?;
        Some(self.emit(now, plan))
    }

    /// Nothing waits to be sent: [`Connection::poll_transmit`] would answer `None`. What waits for room
    /// in a window, or for company, still waits.
    pub fn is_drained(&self) -> bool {
        let marks = &self.marks;
        let owes = marks.handshake_owed
            || marks.window_probe_owed
            || marks.keep_alive_owed
            || self.receiver.acks.owed().is_some()
            || self.reset_reply.is_some()
            || self.reset_owed.is_some()
            || self.recovery.resend.is_some();
        let has_fin = marks.fin_queued && self.snd.fin.is_none();
        !owes && !has_fin && !self.stream_end().after(self.snd.nxt)
    }

    fn owed_reset(&mut self) -> Option<Plan> {
        if self.reset_reply.is_none() && self.reset_owed.is_none() { None } else { self.reset_plan() }
    }

    #[cold]
    fn reset_plan(&mut self) -> Option<Plan> {
        if let Some(seq) = self.reset_reply.take() {
            let after_close = self.reset_owed.take_if(|why| *why == ResetReason::DataAfterClose);
            let why = SendReason::Reset(after_close.unwrap_or(ResetReason::UnacceptableAck));
            return Some(Plan::bare(seq, Flags::RST, why));
        }
        let why = self.reset_owed.take()?;
        let seq = self.seq_without_text();
        Some(Plan::bare(seq, Flags::RST | Flags::ACK, SendReason::Reset(why)))
    }

    fn owed_handshake(&mut self, now: Instant) -> Option<Plan> {
        if self.marks.handshake_owed { self.handshake(now) } else { None }
    }

    #[inline(never)]
    fn handshake(&mut self, now: Instant) -> Option<Plan> {
        self.marks.handshake_owed = false;
        let again = self.snd.nxt != self.snd.iss;
        let (flags, why) = match self.state() {
            State::SynSent => (Flags::SYN, SendReason::Syn),
            State::SynReceived | State::FinWait1 if self.syn_unacked() => {
                (Flags::SYN | Flags::ACK, SendReason::SynAck)
            }
            _ => return None,
        };
        let seq = self.snd.iss;
        if again {
            self.on_resent(now, 1, 0);
        } else {
            self.timed = Timed::new(seq + 1, now);
            self.snd.nxt = seq + 1;
        }
        if !self.timers.is_running(Timer::Retransmit) {
            self.restart_retransmit_timer(now);
        }
        let why = if again && self.attempts > 0 { SendReason::Timeout } else { why };
        Some(Plan::bare(seq, flags, why))
    }

    fn lost_data(&mut self, now: Instant, super_bytes: u32) -> Option<Plan> {
        let resend = self.recovery.resend?;
        self.resend(now, resend, super_bytes)
    }

    #[inline(never)]
    fn resend(&mut self, now: Instant, resend: Resend, super_bytes: u32) -> Option<Plan> {
        let Resend { next, end, why } = resend;
        let next = next.latest(self.snd.una);
        if !next.before(end) {
            self.recovery.resend = None;
            return None;
        }
        if self.syn_unacked() && next == self.snd.iss {
            // The SYN-ACK may be lost together with the FIN that followed it.
            self.recovery.resend = Some(Resend { next: next + 1, end, why });
            self.marks.handshake_owed = true;
            return self.owed_handshake(now);
        }
        let mss = self.mss_with_options();
        let first = next == self.snd.una;
        // RFC 9293 §3.8.6 (SHLD-16): again only within the window, but the first segment always, for
        // it is the probe.
        let room = self.congestion.cwnd_bytes().saturating_sub(next.bytes_since(self.snd.una));
        let window = (self.snd.una + self.snd.wnd).offset_from(next).max(0).cast_unsigned();
        let limit = if why == SendReason::Timeout { room.min(window) } else { mss };
        let limit = if first { limit.max(mss) } else { limit };
        let mut why = why;
        let record = self.record_end(next);
        let mut to = record.unwrap_or(end).earliest(end);
        if why == SendReason::ZeroWindowProbe {
            // The byte of the probe goes again in front of the data that now fits behind it.
            to = (next + mss.min(window.max(1))).earliest(self.stream_end()).latest(end);
            to = record.unwrap_or(to).earliest(to);
            why = SendReason::NewData;
        }
        let limit = limit.min(super_bytes.max(mss)).min(to.bytes_since(next));
        if limit == 0 || (limit < mss && next + limit != to && !first) {
            return None;
        }
        let len = if limit > mss { limit - limit % mss } else { limit };
        let after = next + len;
        self.recovery.resend = after.before(end).then_some(Resend { next: after, end, why });
        self.on_resent(now, len.div_ceil(mss), len);
        if !self.timers.is_running(Timer::Retransmit) {
            self.restart_retransmit_timer(now);
        }
        let plan = Plan::text(next, after, why);
        Some(if record == Some(after) { plan.with_push() } else { plan })
    }

    fn new_data(&mut self, now: Instant, super_bytes: u32) -> Option<Plan> {
        let end = self.stream_end();
        let unsent = end.offset_from(self.snd.nxt).max(0).cast_unsigned();
        let fin = self.marks.fin_queued && self.snd.fin.is_none();
        if (unsent == 0 && !fin) || !self.may_send_text() || (self.syn_unacked() && !self.may_finish_early())
        {
            return None;
        }
        if self.recovery.resend.is_some_and(|resend| resend.why == SendReason::Timeout) {
            // What was lost goes first; `lost_data` had no room for it.
            return None;
        }
        let mss = self.mss_with_options();
        let usable = (self.snd.una + self.snd.wnd).offset_from(self.snd.nxt).max(0).cast_unsigned();
        let in_flight = self.in_flight();
        if in_flight == 0 {
            self.restart_after_idle(now);
        }
        let cwnd = self.congestion.cwnd_bytes();
        let extra = self.recovery.limited_transmit_segments() * mss;
        let room = (cwnd + extra).saturating_sub(in_flight).max(if in_flight == 0 { mss } else { 0 });
        self.marks.cwnd_limited = room < unsent && room < usable;
        let record = self.record_end(self.snd.nxt).filter(|record| record.before(end));
        let record_bytes = record.map_or(unsent, |record| record.bytes_since(self.snd.nxt));
        let in_pairs = self.config.habits.pairs_end_with_push();
        let most = if in_pairs { super_bytes.min(2 * mss) } else { super_bytes };
        let len = record_bytes.min(usable).min(room).min(most.max(mss));
        // The end of a record that others follow does not wait for company.
        let ends_record = record.is_some() && len == record_bytes;
        let len = if ends_record {
            len
        } else {
            self.without_silly_tail(now, len, mss, unsent, usable, in_flight)?
        };
        let to = self.snd.nxt + len;
        let with_fin = fin && to == end && usable > len;
        if len == 0 && !with_fin {
            self.wait_for_window(now, usable, in_flight);
            return None;
        }
        let why = match () {
            () if with_fin => SendReason::Fin,
            () if in_flight + len > cwnd && extra > 0 => SendReason::LimitedTransmit,
            () => SendReason::NewData,
        };
        if why == SendReason::LimitedTransmit {
            self.recovery.on_limited_transmit((in_flight + len - cwnd).min(len));
        }
        let seq = self.snd.nxt;
        let after = to + u32::from(with_fin);
        let pushes = ends_record || (in_pairs && len > mss);
        if self.timed.segment().is_none() {
            self.timed = Timed::new(after, now);
        }
        if !self.timers.is_running(Timer::Retransmit) {
            self.restart_retransmit_timer(now);
        }
        if !self.timers.is_running(Timer::User) {
            self.restart_user_timer(now);
        }
        self.timers.stop(Timer::Persist);
        self.marks.send_small = false;
        if !len.is_multiple_of(mss) {
            self.snd.small = after;
        }
        let plan = Plan::text(seq, after, why);
        Some(if pushes { plan.with_push() } else { plan })
    }

    /// CLOSE in SYN-RECEIVED with nothing queued: the FIN follows the SYN-ACK at once (§3.10.4).
    fn may_finish_early(&self) -> bool {
        self.state() == State::FinWait1 && self.send_queue.is_empty() && self.snd.nxt == self.snd.iss + 1
    }

    /// FIN-WAIT-1, CLOSING and LAST-ACK still send what was written before CLOSE.
    fn may_send_text(&self) -> bool {
        self.state().sends_text() || self.state().awaits_ack_of_fin()
    }

    /// Silly-window avoidance and Nagle (RFC 9293 §3.8.6.2.1): how much of `len` to send now.
    fn without_silly_tail(
        &mut self,
        now: Instant,
        len: u32,
        mss: u32,
        unsent: u32,
        usable: u32,
        in_flight: u32,
    ) -> Option<u32> {
        let tail = len % mss;
        if tail == 0 {
            return Some(len);
        }
        let all = len == unsent;
        let wanted = if self.marks.send_small {
            true
        } else if all {
            self.nagle_allows(now, in_flight + (len - tail))
        } else {
            // The window is the limit: half of the largest ever seen is worth sending.
            len == usable && len >= self.snd.wnd_max / 2
        };
        if wanted {
            return Some(len);
        }
        if len > tail {
            return Some(len - tail);
        }
        if in_flight == 0 && !all && !self.timers.is_running(Timer::Persist) {
            // Nothing will come back to move us: the override timer will. Of the 0.1 - 1 s that
            // §3.8.6.2.1 gives it we take the longest, for a reader that is slow but not stuck.
            self.arm(Timer::Persist, now.plus_micros(1_000_000));
        }
        None
    }

    fn nagle_allows(&mut self, now: Instant, unacked_bytes: u32) -> bool {
        if self.marks.fin_queued {
            return true;
        }
        if self.config.cork {
            if !self.timers.is_running(Timer::Cork) {
                self.arm(Timer::Cork, now.plus_micros(200_000));
            }
            return false;
        }
        match self.config.nagle {
            Nagle::Off => true,
            Nagle::Rfc896 => unacked_bytes == 0,
            Nagle::Minshall => !self.snd.small.after(self.snd.una),
        }
    }

    /// Nothing can be sent: if nothing is in flight either, the persist timer must ask.
    #[inline(never)]
    fn wait_for_window(&mut self, now: Instant, usable: u32, in_flight: u32) {
        if usable == 0 && in_flight == 0 && !self.timers.is_running(Timer::Persist) {
            self.arm_persist(now);
        }
    }

    /// RFC 5681 §4.1.
    #[inline]
    fn restart_after_idle(&mut self, now: Instant) {
        let is_idle = |rto_us| now.micros_since(self.last_sent_at) > u64::from(rto_us);
        if self.config.slow_start_after_idle && is_idle(self.rto_us()) {
            let initial = self.initial_window();
            self.congestion.on_idle(initial);
        }
    }

    fn owed_ack(&mut self) -> Option<Plan> {
        let why = self.receiver.acks.owed()?;
        if matches!(self.state(), State::Closed | State::Listen | State::SynSent) {
            // There is nothing to acknowledge, or nobody to tell.
            self.receiver.acks.forget();
            return None;
        }
        let fin = self
            .snd
            .fin
            .filter(|fin| self.config.habits.acknowledgments_repeat_fin() && !self.snd.una.after(*fin));
        if let Some(fin) = fin.filter(|_| why != SendReason::ChallengeAck) {
            return Some(Plan::bare(fin, Flags::FIN | Flags::ACK, why));
        }
        let seq = self.seq_without_text();
        Some(Plan::bare(seq, Flags::ACK, why))
    }

    /// The sequence number of a segment without text: SND.NXT, but not from beyond a window that shrank
    /// or was probed, where the peer need not listen.
    fn seq_without_text(&self) -> Seq {
        if self.syn_unacked() { self.snd.nxt } else { self.snd.nxt.earliest(self.snd.una + self.snd.wnd) }
    }

    /// A probe of a closed window or of an idle peer (RFC 9293 §3.8.6.1, §3.8.4).
    fn probe(&mut self, now: Instant) -> Option<Plan> {
        if self.marks.window_probe_owed || self.marks.keep_alive_owed { self.probe_plan(now) } else { None }
    }

    #[cold]
    fn probe_plan(&mut self, now: Instant) -> Option<Plan> {
        if core::mem::take(&mut self.marks.window_probe_owed) {
            if self.config.habits.window_probes_are_empty() {
                return Some(Plan::bare(self.snd.una - 1, Flags::ACK, SendReason::ZeroWindowProbe));
            }
            let (from, end) = (self.snd.una, self.stream_end());
            let to = if self.snd.una == self.snd.nxt && self.marks.fin_queued && from == end {
                from + 1
            } else {
                (from + 1).earliest(end.latest(self.snd.nxt))
            };
            if from.before(to) {
                self.on_resent(now, 0, 0);
                return Some(Plan::text(from, to, SendReason::ZeroWindowProbe));
            }
        }
        if core::mem::take(&mut self.marks.keep_alive_owed) {
            // RFC 9293 §3.8.4: SEG.SEQ = SND.NXT-1 and no text provoke an acknowledgment.
            let seq = self.snd.nxt - 1;
            return Some(Plan::bare(seq, Flags::ACK, SendReason::KeepAlive));
        }
        None
    }
}
