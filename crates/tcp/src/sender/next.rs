//! The one gate: may something leave, what is it, and why (RFC 9293 §3.8.6.2.1, RFC 5681, RFC 3042, RFC 8985 §7.3).
//!
//! What counts as lost goes first, then new data; both under the congestion window, the peer's window and the
//! pacer. A probe of the tail is one segment and asks nobody. What was decided becomes a segment in `build.rs`.

use super::Fact;
use crate::build::{Plan, What};
use crate::congestion::Controller;
use crate::sender::busy_time::Doing;
use crate::sender::flight::Hole;
use crate::sender::load::Load;
use crate::sender::pacer::{Rate, SRTT_US_MIN};
use crate::sender::path_probe::Turn;
use crate::sender::phase::Phase;
use crate::sender::{Lent, Sender};
use crate::timers::Timer;
use crate::trace::{LossSign, Trace};
use crate::{Nagle, SendReason};
use alloc::boxed::Box;

/// Percent of the window that leave in a round trip while it doubles, and later, as Linux has it
/// (`tcp_pacing_ss_ratio`, `tcp_pacing_ca_ratio`): more than the window, so that pacing is not the limit.
const GAIN_PERCENT_DOUBLING: u32 = 200;
const GAIN_PERCENT: u32 = 120;
/// A scalable controller's window is spread exactly, so that no queue comes of it (the draft's "Packet Pacing").
const GAIN_PERCENT_SCALABLE: u32 = 100;

/// What the connection lets the send half do now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// Text bytes of a segment with the options that it will carry.
    pub(crate) mss: u32,
    /// How long a super-segment may be.
    pub(crate) super_segment_bytes_max: u32,
    /// Text may be sent in this state.
    pub(crate) may_send_text: bool,
    /// What there is follows the SYN-ACK without waiting for its acknowledgment: the text of the SYN was taken, or CLOSE
    /// came before the handshake was complete, with nothing queued.
    pub(crate) may_go_early: bool,
}

/// How much may leave.
#[derive(Clone, Copy, Debug)]
struct Room {
    /// Under the congestion window.
    congestion_bytes: u32,
    /// In one transmission.
    most_bytes: u32,
}

impl Sender {
    /// The next transmission of text or FIN, if one may leave.
    pub(crate) fn next(&mut self, ask: &Ask, lent: &mut Lent<'_>) -> Option<Plan> {
        if self.load.as_ref().is_some_and(|load| load.tail.is_owed)
            && let Some(plan) = self.tail_probe(ask)
        {
            return Some(plan);
        }
        let lost = self.load.as_ref().filter(|load| load.flight.lost_bytes() > 0);
        let (has_lost, asks) = (lost.is_some(), lost.is_some_and(|load| load.phase.asks_with_new_data()));
        let may_send_new = ask.may_send_text && (self.syn_acked() || ask.may_go_early);
        let has_new = may_send_new && (self.unsent_bytes() > 0 || self.owes_fin());
        if !has_lost && !has_new {
            return None;
        }
        if self.una == self.nxt {
            self.restart_after_idle(lent);
        }
        if self.congestion.is_scalable() {
            self.stay_scalable_if_possible(lent);
        }
        if !has_lost && lent.heeds.is_some() && Sender::is_held_by_marks(lent) {
            return None;
        }
        if self.congestion.has_model() {
            self.prepare_model(lent);
        }
        let room = self.room(ask, lent)?;
        if !has_lost {
            if self.has_path_search() {
                match self.turn_of_path_probe(ask, room.congestion_bytes, lent) {
                    Turn::Probe(plan) => return Some(plan),
                    Turn::Wait => return None,
                    Turn::Ordinary => {}
                }
            }
            return self.new_data(ask, room, lent);
        }
        if asks {
            let plan = if has_new { self.new_data(ask, room, lent) } else { None };
            if plan.is_some() || !self.stop_asking_if_unanswerable() {
                return plan;
            }
        }
        self.again(ask, room)
    }

    /// F-RTO wants to ask with new data, and none may leave: the peer's window is full, or what fits is not worth a segment.
    /// With nothing in flight there is nothing that could be answered, and the conventional recovery goes on
    /// (RFC 5682 §2.1, step 2 b). Returns whether it does.
    #[cold]
    fn stop_asking_if_unanswerable(&mut self) -> bool {
        let Some(load) = self.load.as_mut().filter(|load| load.in_flight_bytes() == 0) else { return false };
        load.phase.stop_asking();
        true
    }

    /// How much the windows and the pacer let out; `None`: nothing for now.
    fn room(&mut self, ask: &Ask, lent: &mut Lent<'_>) -> Option<Room> {
        let in_flight = self.load.as_ref().map_or(0, |load| load.in_flight_bytes());
        let congestion_bytes = self.window_bytes().saturating_sub(in_flight);
        // With nothing in flight nothing would ever come back: one segment goes whatever the window.
        let congestion_bytes = if in_flight == 0 { congestion_bytes.max(ask.mss) } else { congestion_bytes };
        let most_bytes = ask.super_segment_bytes_max.max(ask.mss);
        let room = Room { congestion_bytes, most_bytes };
        if self.is_worth_pacing(ask.mss) { self.room_of_pacer(room, ask, lent) } else { Some(room) }
    }

    /// The same as far as the pacer lets it out.
    #[inline(never)]
    fn room_of_pacer(&mut self, room: Room, ask: &Ask, lent: &mut Lent<'_>) -> Option<Room> {
        let Some(rate) = self.pacing_rate(lent.config) else { return Some(room) };
        let leave = match &mut self.load {
            Some(load) => {
                load.rate = Some(rate);
                load.pacer.may(lent.now, rate, ask.mss)
            }
            None => Ok(rate.burst_bytes(ask.mss)),
        };
        match leave {
            Ok(burst_bytes) => {
                Some(Room { most_bytes: room.most_bytes.min(burst_bytes.max(ask.mss)), ..room })
            }
            Err(at) => {
                self.wait_for_pacer(at, room.congestion_bytes, lent);
                None
            }
        }
    }

    /// At what rate to send; `None`: as the windows allow.
    #[inline(never)]
    fn pacing_rate(&self, config: &crate::Config) -> Option<Rate> {
        if let Some(bytes_per_s) = self.congestion.pacing_rate() {
            return Some(Rate::bytes_per_s(bytes_per_s));
        }
        if let Some(window_bytes) = self.congestion.finely_paced_bytes() {
            let srtt_us = self.rtt.srtt_us()?;
            let gain = if self.is_doubling() { GAIN_PERCENT_DOUBLING } else { GAIN_PERCENT_SCALABLE };
            return Some(Rate::of_window(window_bytes, srtt_us, gain).in_small_bursts());
        }
        let srtt_us = self.rtt.srtt_us().filter(|srtt_us| config.pacing && *srtt_us >= SRTT_US_MIN)?;
        let gain = if self.is_doubling() { GAIN_PERCENT_DOUBLING } else { GAIN_PERCENT };
        // On the way down the acknowledgments set the pace: a window that lets out next to nothing is no rate.
        let window_bytes = self.window_bytes().max(self.congestion.cwnd_bytes());
        // A queue that has just drained is not in SRTT yet, which takes one measurement a round trip.
        let rtt_us = self.rtt.latest_us().map_or(srtt_us, |latest_us| latest_us.clamp(SRTT_US_MIN, srtt_us));
        Some(Rate::of_window(window_bytes, rtt_us, gain))
    }

    /// The window grows fast, and is far from where it was too large.
    fn is_doubling(&self) -> bool {
        self.congestion.cwnd_bytes() < self.congestion.ssthresh_bytes() / 2
    }

    /// What begins a flight and is no more than the smallest burst is not worth a division.
    fn is_worth_pacing(&self, mss: u32) -> bool {
        self.load.is_some() || self.unsent_bytes() > 2 * mss
    }

    /// The rate at which data leaves now, in bytes per second; `None`: unpaced.
    pub(crate) fn paced_bytes_per_s(&self, config: &crate::Config) -> Option<u64> {
        self.pacing_rate(config).map(Rate::get)
    }

    #[inline(never)]
    fn wait_for_pacer(&mut self, at: crate::Instant, congestion_bytes: u32, lent: &mut Lent<'_>) {
        // Held back by the pacer is not held back by the application: it would have filled the window.
        let unsent = self.unsent_bytes().min(self.edge().offset_from(self.nxt).max(0).cast_unsigned());
        if let Some(load) = &mut self.load
            && unsent >= congestion_bytes
        {
            load.usage.on_limited();
        }
        if lent.timers.due(Timer::Pace) != Some(at) {
            lent.arm(Timer::Pace, at);
            lent.tracer.note(|| Trace::PacingWait { until: at });
        }
    }

    /// What counts as lost, the first of it.
    #[inline(never)]
    fn again(&mut self, ask: &Ask, room: Room) -> Option<Plan> {
        let (mss, una, end) = (ask.mss, self.una, self.stream_end());
        let Hole { start, end: hole_end, sign } =
            self.load.as_mut()?.flight.next_lost(room.most_bytes.max(mss) + 1)?;
        let is_first = start == una;
        // RFC 9293 §3.8.6 (SHLD-16): again only within the peer's window, but the first segment always, because
        // it is the probe of a window that shrank.
        let window = (una + self.wnd).offset_from(start).max(0).cast_unsigned();
        let least = if is_first { mss } else { 0 };
        // What the timer sends again goes, whatever else is in flight.
        let congestion_bytes = match sign {
            LossSign::Timeout if is_first => room.congestion_bytes.max(mss),
            LossSign::PathMtu if is_first && self.attempts > 0 => room.congestion_bytes.max(mss),
            _ => room.congestion_bytes,
        };
        let limit = congestion_bytes.min(room.most_bytes).min(window.max(least));
        let mut text_end = hole_end.earliest(end);
        if sign == LossSign::WindowReopened && hole_end == self.nxt {
            // The byte of the probe goes again in front of the data that now fits behind it.
            text_end = text_end.latest((start + mss.min(window.max(1))).earliest(end));
        }
        let record = self.record_end(start).filter(|record| record.at_or_before(text_end));
        text_end = record.unwrap_or(text_end);
        let text = text_end.bytes_since(start);
        let len = match () {
            () if text <= limit => text,
            () if limit < mss => {
                self.on_window_full();
                return None;
            }
            () => limit - limit % mss,
        };
        let to = start + len;
        // A FIN behind the text goes with it, if the peer takes it.
        let takes_fin = hole_end.at_or_before(una + self.wnd) || (is_first && start == end);
        let to = if to == end && hole_end.after(end) && takes_fin { hole_end } else { to };
        if to == start {
            return None;
        }
        // Until SND.UNA moves it is the timer that sends its first segment again.
        let why = reason(sign, is_first && self.attempts > 0);
        let plan = Plan::text(start, to, why);
        Some(if record == Some(to) { plan.with_push() } else { plan })
    }

    /// Never sent before: text, and the FIN behind it.
    fn new_data(&mut self, ask: &Ask, room: Room, lent: &mut Lent<'_>) -> Option<Plan> {
        let (mss, end, unsent, fin) = (ask.mss, self.stream_end(), self.unsent_bytes(), self.owes_fin());
        let usable = self.edge().offset_from(self.nxt).max(0).cast_unsigned();
        let flight_bytes = self.nxt.bytes_since(self.una);
        if room.congestion_bytes < unsent.min(usable) {
            self.on_window_full();
        }
        let record = self.record_end(self.nxt).filter(|record| record.before(end));
        let record_bytes = record.map_or(unsent, |record| record.bytes_since(self.nxt));
        let in_pairs = lent.config.habits.pairs_end_with_push();
        let most = if in_pairs { room.most_bytes.min(2 * mss) } else { room.most_bytes };
        let len = record_bytes.min(usable).min(room.congestion_bytes).min(most);
        // The end of a record that others follow does not wait for company.
        let ends_record = record.is_some() && len == record_bytes;
        let len = if ends_record { len } else { self.without_silly_tail(len, mss, usable, lent)? };
        let to = self.nxt + len;
        let with_fin = fin && to == end && usable > len && (len > 0 || room.congestion_bytes > 0);
        if len == 0 && !with_fin {
            if usable == 0 {
                self.busy.turn_to(lent.now, Doing::WaitingForWindow);
                self.wait_for_window(lent);
            }
            return None;
        }
        let is_beyond = flight_bytes + len > self.congestion.cwnd_bytes();
        let why = match () {
            () if with_fin => SendReason::Fin,
            () if is_beyond && self.has_gaps() => SendReason::LimitedTransmit,
            () => SendReason::NewData,
        };
        self.stop_asking_for_window(lent);
        self.marks.set(Fact::SendSmall, false);
        let after = to + u32::from(with_fin);
        if !len.is_multiple_of(mss) {
            self.small = after;
        }
        let plan = Plan::text(self.nxt, after, why);
        Some(if ends_record || (in_pairs && len > mss) { plan.with_push() } else { plan })
    }

    /// The peer reports gaps that do not count as lost yet (RFC 3042).
    fn has_gaps(&self) -> bool {
        self.load.as_ref().is_some_and(|load| {
            matches!(load.phase, Phase::Open)
                && (load.duplicates.count() > 0 || load.flight.sacked_bytes() > 0)
        })
    }

    /// There is more to send than the congestion window lets out.
    fn on_window_full(&mut self) {
        if let Some(load) = &mut self.load {
            load.usage.on_limited();
        }
    }

    /// Silly-window avoidance and Nagle (RFC 9293 §3.8.6.2.1): how much of `len` to send now.
    fn without_silly_tail(&mut self, len: u32, mss: u32, usable: u32, lent: &mut Lent<'_>) -> Option<u32> {
        let tail = len % mss;
        if tail == 0 {
            return Some(len);
        }
        let all = len == self.unsent_bytes();
        let flight_bytes = self.nxt.bytes_since(self.una);
        let wanted = if self.marks.has(Fact::SendSmall) {
            true
        } else if all {
            self.nagle_allows(flight_bytes + (len - tail), lent)
        } else {
            // The window is the limit: half of the largest ever seen is worth sending.
            len == usable && len >= self.wnd_max / 2
        };
        if wanted {
            return Some(len);
        }
        if len > tail {
            return Some(len - tail);
        }
        if flight_bytes == 0 && !all {
            // Nothing will come back to move us: the override timer will.
            self.wait_for_more_window(lent);
        }
        None
    }

    fn nagle_allows(&mut self, unacked_bytes: u32, lent: &mut Lent<'_>) -> bool {
        if self.fin_queued() {
            return true;
        }
        if lent.config.cork {
            if !lent.timers.is_running(Timer::Cork) {
                lent.arm(Timer::Cork, lent.now.plus_micros(200_000));
            }
            return false;
        }
        match lent.config.nagle {
            Nagle::Off => true,
            Nagle::Rfc896 => unacked_bytes == 0,
            Nagle::Minshall => !self.small.after(self.una),
        }
    }

    /// The probe of a silent tail: new data if there is any, else the last segment again (RFC 8985 §7.3).
    #[cold]
    fn tail_probe(&mut self, ask: &Ask) -> Option<Plan> {
        let unsent = self.unsent_bytes();
        let usable = self.edge().offset_from(self.nxt).max(0).cast_unsigned();
        let record = self.record_end(self.nxt).map_or(u32::MAX, |record| record.bytes_since(self.nxt));
        let len = unsent.min(usable).min(ask.mss).min(record);
        let load = self.load.as_mut()?;
        load.tail.is_owed = false;
        if len > 0 && ask.may_send_text {
            let plan = Plan::text(self.nxt, self.nxt + len, SendReason::TailProbeWithNewData);
            let plan = if len == record { plan.with_push() } else { plan };
            return Some(plan.as_probe(What::TailProbe));
        }
        let (start, end) = load.flight.last_segment()?;
        let most = ask.mss + u32::from(load.flight.fin.is_some_and(|fin| fin + 1 == end));
        let start = start.latest(end - most.min(end.bytes_since(start)));
        Some(Plan::text(start, end, SendReason::TailLossProbe).as_probe(What::TailProbe))
    }

    /// What [`Sender::next`] and the probes decided leaves now, cut by `segment_bytes`.
    pub(crate) fn on_sent(&mut self, plan: &Plan, segment_bytes: u32, lent: &mut Lent<'_>) {
        let Some(to) = plan.to else { return };
        let (now, start) = (lent.now, plan.seq);
        let (una, nxt, fin) = (self.una, self.nxt, self.fin());
        let rtt_ns = u64::from(self.rtt.latest_us().unwrap_or(0)) * 1_000;
        let begins_paced = self.load.is_none() && self.is_worth_pacing(segment_bytes);
        let first_rate = if begins_paced { self.pacing_rate(lent.config) } else { None };
        // Written where it stays: it is too large to be moved.
        let load =
            self.load.get_or_insert_with(|| Box::write(Box::new_uninit(), Load::new(now, nxt, rtt_ns)));
        load.rate = load.rate.or(first_rate);
        if load.flight.is_empty() {
            if let Some(model) = self.congestion.model() {
                load.flight.rate = model.counters();
                load.flight.keep_losses();
            }
            load.timeout_from = now;
            if let Some(episode) = &mut load.episode {
                episode.on_next_flight();
            }
        }
        let bytes = to.bytes_since(start);
        let is_again = start.before(nxt);
        if is_again {
            if plan.what != What::WindowProbe {
                self.sent.count_again(start, to.earliest(nxt), bytes.div_ceil(segment_bytes.max(1)));
            }
            self.resent_ms = now.as_millis() as u32;
            if !self.sack {
                // Karn: nothing behind it is timed, either.
                load.timed = None;
            }
            load.on_again(plan, una, now);
        } else {
            load.timed.get_or_insert((to, now));
            load.probe_from = now;
        }
        load.flight.fin = fin;
        load.flight.on_sent(now, start, to, u16::try_from(segment_bytes).unwrap_or(u16::MAX));
        if let Some(prr) = load.phase.prr_mut() {
            prr.on_sent(bytes);
        }
        if let Some(rate) = load.rate {
            load.pacer.on_sent(now, bytes, rate, segment_bytes);
        }
        let in_flight_bytes = load.in_flight_bytes();
        load.usage.on_sent(in_flight_bytes);
        self.nxt = nxt.latest(to);
        if plan.what == What::TailProbe {
            load.tail.on_sent(self.nxt, is_again);
            load.timeout_from = now;
        }
        self.busy.turn_to(now, Doing::Sending);
        self.note_limit_of_buffer(now);
        match self.congestion.model_mut() {
            Some(model) => model.on_sent(in_flight_bytes, lent.mss),
            None => self.note_app_limit(lent),
        }
        self.arm(lent);
    }

    /// There is no more to send while the window has room: rate samples from here on say so.
    fn note_app_limit(&mut self, lent: &mut Lent<'_>) {
        if self.unsent_bytes() > 0 {
            return;
        }
        let window = self.window_bytes();
        let Some(load) = &mut self.load else { return };
        let in_flight = load.in_flight_bytes();
        if in_flight < window && load.flight.lost_bytes() == 0 && load.flight.rate.on_app_limited(in_flight) {
            lent.tracer.note(|| Trace::AppLimited);
        }
    }

    /// RFC 5681 §4.1.
    #[inline]
    fn restart_after_idle(&mut self, lent: &mut Lent<'_>) {
        let rto_us = u64::from(self.rtt.rto_us());
        if lent.now.micros_since(self.last_sent_at) > rto_us {
            let initial = crate::sizes::initial_window(lent.config, lent.mss);
            if lent.config.slow_start_after_idle {
                self.congestion.on_idle(lent.now, initial);
            } else {
                self.congestion.on_resumed(lent.now, initial);
            }
        }
    }
}

/// Why something is sent again, for people: derived from the sign, and never asked by the machine.
fn reason(sign: LossSign, is_timed_out: bool) -> SendReason {
    match sign {
        LossSign::Timeout if is_timed_out => SendReason::Timeout,
        LossSign::Timeout => SendReason::AfterTimeout,
        LossSign::DuplicateAcks => SendReason::FastRetransmit,
        LossSign::PartialAck => SendReason::RecoveryRetransmit,
        LossSign::Rack => SendReason::SackRecovery,
        LossSign::ReorderTimer => SendReason::ReorderTimeout,
        LossSign::PathMtu => SendReason::PathMtu,
        LossSign::WindowReopened => SendReason::WindowReopened,
    }
}
