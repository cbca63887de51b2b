//! What a controller with a model of the path is told and asked (draft-ietf-ccwg-bbr, "Algorithm Organization"):
//! before data leaves, when it left, what was lost, what each acknowledgment measured, and when the data ran out.
//!
//! Apart, because other controllers need none of it. What was delivered in all is counted over the whole connection
//! here, while a flight's counters go with the flight: while nothing is in flight the controller keeps them.

use crate::congestion::{Measured, Takeover, Transport};
use crate::sender::flight::Heard;
use crate::sender::load::Load;
use crate::sender::{DeliveryRate, Lent, Sender};
use crate::trace::Trace;
use crate::{Instant, RecoveryPhase};

impl Sender {
    /// Data is about to leave (OnTransmit): a restart from idle is noticed here, before the pacer is asked.
    #[inline(never)]
    pub(super) fn prepare_model(&mut self, lent: &mut Lent<'_>) {
        let transport = self.transport(self.load.as_deref(), lent);
        let Some(model) = self.congestion.model_mut() else { return };
        model.see(transport);
        model.on_transmit();
        self.trace_model(lent);
    }

    /// What stands around the controller is news to it.
    #[inline(never)]
    pub(super) fn show_model(&mut self, load: &Load, lent: &Lent<'_>) {
        let transport = self.transport(Some(load), lent);
        if let Some(model) = self.congestion.model_mut() {
            model.see(transport);
        }
    }

    /// What newly counts as lost.
    #[inline(never)]
    pub(super) fn tell_model_of_losses(&mut self, load: &mut Load, lent: &mut Lent<'_>) {
        self.show_model(load, lent);
        let Some(model) = self.congestion.model_mut() else { return };
        for lost in load.flight.take_losses() {
            model.on_lost(&lost);
        }
        self.trace_model(lent);
    }

    /// What an acknowledgment measured (UpdateOnACK).
    #[inline(never)]
    pub(super) fn tell_model(
        &mut self,
        load: &mut Load,
        heard: &Heard,
        rtt_min_ns: u64,
        lent: &mut Lent<'_>,
    ) {
        self.show_model(load, lent);
        let Some(model) = self.congestion.model_mut() else { return };
        if let Some((stamp, sent_at)) = heard.stamp {
            model.on_measured(&Measured {
                sample: load.flight.rate.path_sample(stamp, sent_at, rtt_min_ns),
                bytes: heard.delivered_bytes,
                rtt_ns: heard.fresh_sent_at.map(|sent_at| lent.now.nanos_since(sent_at)),
            });
            if model.is_measuring_rtt() {
                // Rates that are low because the queue is being drained say nothing of the path.
                load.flight.rate.on_app_limited(load.in_flight_bytes());
            }
        }
        if load.flight.is_empty() {
            model.keep(load.flight.rate);
        }
        self.trace_model(lent);
        self.trace_congestion(&load.phase, lent);
    }

    /// Whether there is a gap in what is sent: less than a segment waits, the windows and the pacer would let it out, and
    /// nothing waits to be sent again (CheckIfApplicationLimited). Asked before more is written, when an acknowledgment
    /// comes, and when a timer runs out.
    #[inline]
    pub(crate) fn look_for_gap(&mut self, lent: &mut Lent<'_>) {
        if self.congestion.has_model() {
            self.note_gap(lent);
        }
    }

    #[inline(never)]
    fn note_gap(&mut self, lent: &mut Lent<'_>) {
        if self.unsent_bytes() >= lent.mss {
            return;
        }
        let window_bytes = self.window_bytes();
        let is_new = match &mut self.load {
            Some(load) if !load.flight.is_empty() => {
                let in_flight_bytes = load.in_flight_bytes();
                let is_gap = in_flight_bytes < window_bytes
                    && load.flight.lost_bytes() == 0
                    && !load.pacer.holds_back(lent.now);
                is_gap && load.flight.rate.on_app_limited(in_flight_bytes)
            }
            _ => self.congestion.model_mut().is_some_and(|model| model.on_gap_while_idle()),
        };
        if is_new {
            lent.tracer.note(|| Trace::AppLimited);
        }
    }

    /// Another controller takes over.
    pub(crate) fn switch_congestion(&mut self, lent: &Lent<'_>) {
        let transport = self.transport(self.load.as_deref(), lent);
        let counters = self.load.as_ref().map_or_else(DeliveryRate::default, |load| load.flight.rate);
        let initial_window_bytes = crate::sizes::initial_window(lent.config, lent.mss);
        let is_recovering = self.phase() == RecoveryPhase::Recovery;
        let takeover = Takeover { transport, counters, initial_window_bytes, seed: self.iss, is_recovering };
        self.congestion.switch(lent.config.congestion, &takeover);
        if self.congestion.has_model()
            && let Some(load) = &mut self.load
        {
            load.flight.keep_losses();
        }
    }

    fn transport(&self, load: Option<&Load>, lent: &Lent<'_>) -> Transport {
        let flying = load.filter(|load| !load.flight.is_empty());
        let kept = || self.congestion.model().map_or_else(DeliveryRate::default, |model| model.counters());
        let rate = load.map_or_else(kept, |load| load.flight.rate);
        let is_app_limited = match flying {
            Some(load) => load.flight.rate.is_app_limited(),
            None => kept().is_app_limited(),
        };
        Transport {
            now: lent.now,
            delivered: rate.delivered(),
            in_flight_bytes: flying.map_or(0, Load::in_flight_bytes),
            is_app_limited,
            mss: lent.mss,
            has_sack: self.sack,
            srtt_us: self.rtt.srtt_us(),
        }
    }

    /// Says where the model went, and why.
    fn trace_model(&mut self, lent: &mut Lent<'_>) {
        let Some(model) = self.congestion.model_mut() else { return };
        for turn in model.take_turns() {
            lent.tracer.note(|| Trace::Probing { growth: turn.into, why: turn.why });
        }
    }
}

/// Kept apart from [`Sender::look_for_gap`] for those who have no loan at hand.
impl crate::connection::Connection {
    /// More is about to be written.
    #[inline]
    pub(crate) fn look_for_gap(&mut self, now: Instant) {
        if self.sender.congestion.has_model() {
            self.note_gap(now);
        }
    }

    #[inline(never)]
    fn note_gap(&mut self, now: Instant) {
        let (sender, mut lent) = self.sending(now);
        sender.note_gap(&mut lent);
    }
}
