//! The phases begin and end here: recovery (RFC 6675 §5, RFC 9937), slow start after a timeout (RFC 6298 §5,
//! RFC 8985 §6.3), and the way back from a mistake (RFC 4015).

use crate::congestion::{Congested, Controller, Reduction};
use crate::sender::flight::Heard;
use crate::sender::load::Load;
use crate::sender::phase::{Frto, Phase};
use crate::sender::prr::Prr;
use crate::sender::undo::Episode;
use crate::sender::{Lent, RecoveryPhase, Sender};
use crate::trace::{LossSign, Trace, UndoSign};
use alloc::boxed::Box;
use wire::Seq;

impl Sender {
    /// Something is lost: reduce, and send it again without waiting for the timer.
    pub(super) fn recover(
        &mut self,
        load: &mut Load,
        heard: &Heard,
        una: Seq,
        flight_bytes: u32,
        sign: LossSign,
        lent: &mut Lent<'_>,
    ) {
        debug_assert!(sign.is_congestion(), "a smaller path and an open window reduce nothing");
        let prr = self.reduce(load, heard, una, flight_bytes, lent);
        load.tail.forget();
        load.phase = Phase::Recovery { point: self.nxt, prr, had_partial_ack: false };
        load.recover = Some(self.nxt).filter(|_| !self.sack);
        lent.tracer.note(|| Trace::Phase { phase: RecoveryPhase::Recovery, sign: Some(sign) });
    }

    /// A probe of the tail repaired a loss that nothing else has shown (RFC 8985 §7.4.2).
    pub(super) fn reduce_for_probe(
        &mut self,
        load: &mut Load,
        heard: &Heard,
        una: Seq,
        flight_bytes: u32,
        lent: &mut Lent<'_>,
    ) {
        let prr = self.reduce(load, heard, una, flight_bytes, lent);
        // A probe is no retransmission that a duplicate could show to be in vain.
        load.episode = None;
        load.phase = Phase::Cwr { point: self.nxt, prr };
        lent.tracer.note(|| Trace::Phase { phase: RecoveryPhase::Cwr, sign: None });
    }

    fn reduce(
        &mut self,
        load: &mut Load,
        heard: &Heard,
        una: Seq,
        flight_bytes: u32,
        lent: &mut Lent<'_>,
    ) -> Option<Prr> {
        if !matches!(load.phase, Phase::Cwr { .. }) {
            if self.congestion.is_scalable() {
                self.doubt_scalability(lent);
            }
            load.episode = Some(Box::new(Episode::new(self.congestion.clone())));
            self.congestion.on_congestion(&Reduction {
                now: lent.now,
                why: Congested::Lost,
                in_flight_bytes: flight_bytes.max(lent.mss),
                pipe_bytes: load.in_flight_bytes(),
                mss: lent.mss,
            });
            self.note_reduction(lent);
        }
        self.way_down(load, heard, una, lent)
    }

    /// What may leave on the way to a new window, if the controller leaves that to others.
    pub(super) fn way_down(&self, load: &Load, heard: &Heard, una: Seq, lent: &Lent<'_>) -> Option<Prr> {
        if self.congestion.reduces_by_itself() {
            return None;
        }
        // RFC 9937 §6.1: all numbers after this acknowledgment, but for what it newly delivered.
        let outstanding = self.nxt.bytes_since(una) - load.flight.sacked_bytes();
        let recoverable = outstanding + heard.sacked_bytes + heard.advanced_bytes;
        Some(Prr::new(recoverable, load.in_flight_bytes(), lent.mss))
    }

    /// Ends a phase whose point is acknowledged. Returns whether one ended.
    pub(super) fn end_phase(&mut self, load: &mut Load, una: Seq, lent: &mut Lent<'_>) -> bool {
        if load.phase.point().is_none_or(|point| una.before(point)) {
            return false;
        }
        if load.phase.is_recovering() {
            self.reordering.on_recovered();
        }
        let was_reducing = load.phase.prr().is_some();
        load.phase = Phase::Open;
        self.congestion.on_recovered();
        load.duplicates.clear();
        lent.tracer.note(|| Trace::Phase { phase: RecoveryPhase::Open, sign: None });
        was_reducing
    }

    /// It was no loss after all: the controller is as it was, and what counted as lost is in flight (RFC 4015 §3).
    pub(super) fn undo(&mut self, load: &mut Load, sign: UndoSign, lent: &mut Lent<'_>) {
        let Some(episode) = load.episode.take() else { return };
        self.congestion.on_undo(&episode.before, lent.now);
        if let Some(heeds) = &mut lent.heeds {
            heeds.on_undone();
        }
        load.flight.find_again();
        if sign != UndoSign::EarlyTimeout {
            // It was only late: our patience was too short.
            self.see_reordering(lent);
        }
        if sign == UndoSign::Timestamp {
            load.rack.on_duplicate(self.una, self.nxt, &mut self.reordering);
        }
        load.phase = Phase::Open;
        load.recover = None;
        self.sent.undone = self.sent.undone.saturating_add(1);
        lent.tracer.note(|| Trace::Undone { sign });
        lent.tracer.note(|| Trace::Phase { phase: RecoveryPhase::Open, sign: None });
    }

    /// The retransmission timer ran out for data: one segment, then slow start (RFC 5681 §3.1, RFC 8985 §6.3).
    pub(crate) fn on_timeout(&mut self, lent: &mut Lent<'_>) {
        self.look_for_gap(lent);
        let Some(mut load) = self.load.take() else { return };
        self.time_out(&mut load, lent);
        self.trace_congestion(&load.phase, lent);
        self.load = Some(load);
        self.arm(lent);
    }

    /// The retransmission timer ran out for the SYN or SYN-ACK.
    pub(crate) fn count_timeout(&mut self) {
        self.sent.timeouts = self.sent.timeouts.saturating_add(1);
    }

    fn time_out(&mut self, load: &mut Load, lent: &mut Lent<'_>) {
        let (now, una) = (lent.now, self.una);
        if self.syn_acked() {
            self.count_timeout();
        }
        self.hear_of_timeout_with_path_probe(load, lent);
        let in_flight_bytes = self.flight_within_window(load).max(lent.mss);
        let is_again = self.attempts > 1;
        let was_recovering = load.phase.is_recovering();
        if !is_again && self.congestion.is_scalable() {
            self.doubt_scalability(lent);
        }
        if !is_again && !was_recovering {
            load.episode = Some(Box::new(Episode::new(self.congestion.clone())));
        }
        if load.flight.is_reneged() {
            // RFC 2018 §8: the peer has thrown away what it had reported.
            load.flight.forget_sacks();
            load.flight.lose_where(LossSign::Timeout, |_| true);
        } else if self.sack {
            let window_ns = self.reordering.window_ns(self.circumstances(load));
            let rack = load.rack;
            let first_end = load.flight.first().map_or(una, |first| first.end);
            load.flight.lose_where(LossSign::Timeout, |run| {
                run.end.at_or_before(first_end) || rack.is_overdue(now, run.sent_at, window_ns)
            });
        } else {
            load.flight.lose_where(LossSign::Timeout, |_| true);
        }
        if self.congestion.has_model() {
            self.show_model(load, lent);
        }
        let pipe_bytes = load.flight.in_flight_bytes();
        let reduction = Reduction { now, why: Congested::Lost, in_flight_bytes, pipe_bytes, mss: lent.mss };
        self.congestion.on_timeout(&reduction, is_again);
        self.note_reduction(lent);
        if self.congestion.has_model() {
            self.tell_model_of_losses(load, lent);
        }
        // RFC 5682 §3.1: not in a recovery, and again if the same segment times out again.
        let asks = lent.config.frto
            && match load.phase {
                Phase::Open | Phase::Cwr { .. } => true,
                Phase::Recovery { .. } => false,
                Phase::Loss { frto, .. } => is_again && frto == Frto::AwaitsAdvance,
            };
        load.phase =
            Phase::Loss { point: self.nxt, frto: if asks { Frto::AwaitsAdvance } else { Frto::Off } };
        load.recover = Some(self.nxt).filter(|_| !self.sack);
        load.duplicates.clear();
        load.tail.forget();
        load.timed = None;
        load.reordered_due = None;
        load.timeout_from = now;
        lent.tracer.note(|| Trace::Loss { seq: una, sign: LossSign::Timeout });
        lent.tracer.note(|| Trace::Phase { phase: RecoveryPhase::Loss, sign: Some(LossSign::Timeout) });
    }

    /// What may only have been late has had its time (RFC 8985 §6.2, step 5).
    pub(crate) fn on_reorder_timer(&mut self, lent: &mut Lent<'_>) {
        self.look_for_gap(lent);
        let Some(mut load) = self.load.take() else { return };
        load.reordered_due = None;
        let una = self.una;
        let flight_bytes = self.flight_within_window(&load);
        let has_lost = self.detect(&mut load, LossSign::ReorderTimer, lent) > 0;
        if has_lost && !self.has_lost_only_path_probe(&mut load, lent) {
            if self.congestion.has_model() {
                self.show_model(&load, lent);
            }
            lent.tracer.note(|| Trace::Loss { seq: una, sign: LossSign::ReorderTimer });
            if matches!(load.phase, Phase::Open | Phase::Cwr { .. }) {
                self.recover(&mut load, &Heard::default(), una, flight_bytes, LossSign::ReorderTimer, lent);
            }
            if self.congestion.has_model() {
                self.tell_model_of_losses(&mut load, lent);
            }
        }
        self.load = Some(load);
        self.arm(lent);
    }

    /// Nothing has come back for two round trips: a probe is due.
    pub(crate) fn on_probe_timer(&mut self, lent: &mut Lent<'_>) {
        self.look_for_gap(lent);
        if let Some(load) = &mut self.load {
            load.tail.is_owed = true;
            // The retransmission timeout counts from the probe (RFC 8985 §7.3); a probe that had to wait as long as
            // the timeout would never go otherwise.
            load.timeout_from = lent.now;
        }
        self.arm(lent);
    }

    /// The path carries only smaller packets: what is too big for it counts as lost by `sign`, and slow start begins
    /// (RFC 1191 §6.5, RFC 8201 §5.4). When a router says so, it is no congestion.
    pub(crate) fn on_smaller_path(&mut self, sign: LossSign, lent: &mut Lent<'_>) {
        let mss = lent.mss;
        let Some(load) = &mut self.load else { return };
        let lost = load.flight.lose_where(sign, |run| run.is_cut_above(mss));
        if lost == 0 {
            return;
        }
        // What was lost before for its size is cut anew together with it.
        load.flight.blame_where(sign, |run| run.is_cut_above(mss));
        // What counts as lost is not what the duplicates stand for.
        load.duplicates.limit_to(load.flight.in_flight_bytes());
        load.timed = None;
        load.tail.forget();
        let seq = self.una;
        let phase = load.phase;
        lent.tracer.note(|| Trace::Loss { seq, sign });
        if matches!(phase, Phase::Open) {
            self.congestion.on_mtu(mss);
        }
        self.trace_congestion(&phase, lent);
        self.arm(lent);
    }
}
