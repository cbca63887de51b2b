//! BBR, version 3 (draft-ietf-ccwg-bbr): a model of the path, its rate and its round trip, decides how fast to send and
//! how much may be in flight; losses move the bounds of the model, not the window.
//!
//! The draft's names are kept: `rs` is the rate sample of an acknowledgment, `c` the state of the transport. One part of
//! the draft, one file; this one has the order in which an acknowledgment changes model, phase and controls. Integers
//! only, gains in hundredths, rates in bytes a second, round trips in nanoseconds. Where the draft picks a time at random
//! the connection's ISS decides.
//!
//! Not here: measuring rates (`sender/rate.rs`), pacing (`sender/pacer.rs`), and what counts as lost.

mod aggregation;
mod bounds;
mod control;
mod filters;
mod full_pipe;
mod gain;
mod losses;
mod probe_bw;
mod probe_rtt;
mod reason;
mod round;
mod startup;
mod undo;

pub use reason::ProbeReason;

use super::cwnd::{Cwnd, sane_mss};
use super::{Acked, Congested, Controller, Growth, Reduction, Takeover};
use crate::Instant;
use crate::sender::{DeliveryRate, PathSample, Rate};
use aggregation::Aggregation;
use alloc::vec::Vec;
use bounds::Bounds;
use filters::{MaxBw, MinRtt};
use full_pipe::FullPipe;
use gain::{Gain, bytes_over};
use losses::Signals;
use probe_bw::Cycle;
use probe_rtt::ProbeRtt;
use reason::Turn;
use round::Rounds;
use undo::Undo;
use wire::Seq;

/// No bound, no measurement (the draft's Infinity).
const NO_BOUND: u32 = u32::MAX;

/// What the sender knows when it tells the model something (the draft's C).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transport {
    pub(crate) now: Instant,
    /// C.delivered; it wraps.
    pub(crate) delivered: u32,
    /// C.inflight.
    pub(crate) in_flight_bytes: u32,
    /// C.app_limited is set: there is a gap in what is sent.
    pub(crate) is_app_limited: bool,
    /// C.SMSS.
    pub(crate) mss: u32,
    /// C.has_selective_acks.
    pub(crate) has_sack: bool,
    /// C.srtt, once measured.
    pub(crate) srtt_us: Option<u32>,
}

/// What an acknowledgment measured (the draft's RS).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Of the delivery that left last.
    pub(crate) sample: PathSample,
    /// RS.newly_acked.
    pub(crate) bytes: u32,
    /// RS.rtt of what was sent only once.
    pub(crate) rtt_ns: Option<u64>,
}

/// The phases of the search (§ "State Transition Diagram").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Startup,
    Drain,
    ProbeBwDown,
    ProbeBwCruise,
    ProbeBwRefill,
    ProbeBwUp,
    ProbeRtt,
}

impl State {
    /// BBR.pacing_gain.
    const fn pacing_gain(self) -> Gain {
        match self {
            State::Startup => Gain::percent(277),
            State::Drain => Gain::percent(50),
            State::ProbeBwDown => Gain::percent(90),
            State::ProbeBwUp => Gain::percent(125),
            State::ProbeBwCruise | State::ProbeBwRefill | State::ProbeRtt => Gain::ONE,
        }
    }

    /// BBR.cwnd_gain.
    const fn cwnd_gain(self) -> Gain {
        match self {
            State::ProbeBwUp => Gain::percent(225),
            State::ProbeRtt => Gain::percent(50),
            _ => Gain::percent(200),
        }
    }

    /// IsInAProbeBWState.
    const fn is_probe_bw(self) -> bool {
        matches!(self, State::ProbeBwDown | State::ProbeBwCruise | State::ProbeBwRefill | State::ProbeBwUp)
    }

    /// IsProbingBW: losses do not lower the short-term bounds, because the sender is the cause of them.
    const fn is_probing(self) -> bool {
        matches!(self, State::Startup | State::ProbeBwRefill | State::ProbeBwUp)
    }

    const fn growth(self) -> Growth {
        match self {
            State::Startup => Growth::Startup,
            State::Drain => Growth::Drain,
            State::ProbeBwDown => Growth::ProbeBwDown,
            State::ProbeBwCruise => Growth::ProbeBwCruise,
            State::ProbeBwRefill => Growth::ProbeBwRefill,
            State::ProbeBwUp => Growth::ProbeBwUp,
            State::ProbeRtt => Growth::ProbeRtt,
        }
    }
}

/// The model, the phase and the controls of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Bbr {
    /// As it was when the sender told something last.
    c: Transport,
    /// The sender's counters, while nothing is in flight.
    counters: DeliveryRate,
    state: State,
    /// C.cwnd, C.InitialCwnd, BBR.prior_cwnd.
    cwnd_bytes: u32,
    initial_cwnd_bytes: u32,
    prior_cwnd_bytes: u32,
    /// C.pacing_rate; 0: no round trip is known that it could follow from.
    pacing_rate: u64,
    /// Bytes delivered, up to C.InitialCwnd.
    delivered_at_first: u32,
    /// BBR.bw.
    bw: u64,
    max_bw: MaxBw,
    min_rtt: MinRtt,
    rounds: Rounds,
    full_pipe: FullPipe,
    aggregation: Aggregation,
    signals: Signals,
    bounds: Bounds,
    cycle: Cycle,
    probe_rtt: ProbeRtt,
    undo: Undo,
    /// BBR.idle_restart.
    is_idle_restart: bool,
    /// BBR.drain_start_round.
    drain_start_round: u32,
    /// The round in which the window was last full (C.is_cwnd_limited).
    filled_in_round: Option<u32>,
    /// Where the phase went and why, until the sender asks.
    turns: Vec<Turn>,
}

impl Bbr {
    pub(super) fn new(initial_window_bytes: u32, seed: Seq) -> Self {
        let initial_cwnd_bytes = initial_window_bytes.clamp(1, Cwnd::BYTES_MAX);
        let c = Transport {
            now: Instant::ZERO,
            delivered: 0,
            in_flight_bytes: 0,
            is_app_limited: false,
            mss: 1,
            has_sack: true,
            srtt_us: None,
        };
        Bbr {
            c,
            counters: DeliveryRate::default(),
            state: State::Startup,
            cwnd_bytes: initial_cwnd_bytes,
            initial_cwnd_bytes,
            prior_cwnd_bytes: 0,
            pacing_rate: 0,
            delivered_at_first: 0,
            bw: 0,
            max_bw: MaxBw::default(),
            min_rtt: MinRtt::default(),
            rounds: Rounds::new(0),
            full_pipe: FullPipe::default(),
            aggregation: Aggregation::default(),
            signals: Signals::new(0),
            bounds: Bounds::default(),
            cycle: Cycle::new(seed),
            probe_rtt: ProbeRtt::default(),
            undo: Undo::default(),
            is_idle_restart: false,
            drain_start_round: 0,
            filled_in_round: None,
            turns: Vec::new(),
        }
    }

    /// Takes over from another controller, whose window it keeps.
    pub(super) fn with(cwnd_bytes: u32, takeover: &Takeover) -> Self {
        let transport = takeover.transport;
        let mut bbr = Bbr::new(takeover.initial_window_bytes, takeover.seed);
        bbr.cwnd_bytes = cwnd_bytes;
        bbr.counters = takeover.counters;
        bbr.rounds = Rounds::new(transport.delivered);
        bbr.signals = Signals::new(transport.delivered);
        bbr.see(transport);
        if takeover.is_recovering {
            bbr.signals.enter_recovery(transport.delivered);
        }
        bbr
    }

    /// The window as another controller takes it over: with its own threshold, if the path is known.
    pub(super) fn cwnd(&self) -> Cwnd {
        let mut cwnd = Cwnd::new(self.cwnd_bytes);
        if self.full_pipe.is_reached() {
            cwnd.ssthresh_bytes = cwnd.bytes;
        }
        cwnd
    }

    /// What stands around it now.
    pub(crate) fn see(&mut self, transport: Transport) {
        self.c = Transport { mss: sane_mss(transport.mss), ..transport };
        if let Some(srtt_us) = transport.srtt_us {
            self.min_rtt.begin(transport.now, srtt_us);
            if self.pacing_rate == 0 {
                self.pacing_rate = self.initial_pacing_rate();
            }
        }
        self.aggregation.begin(transport.now);
    }

    /// The sender's counters, which it keeps while nothing is in flight.
    pub(crate) fn counters(&self) -> DeliveryRate {
        self.counters
    }

    /// Nothing is in flight any more.
    pub(crate) fn keep(&mut self, counters: DeliveryRate) {
        self.counters = counters;
    }

    /// More is written while nothing waits and nothing is in flight. Says whether that is news.
    pub(crate) fn on_gap_while_idle(&mut self) -> bool {
        self.counters.on_app_limited(0)
    }

    /// It drains the queue to measure the round trip: rates that are low say nothing (MarkConnectionAppLimited).
    pub(crate) fn is_measuring_rtt(&self) -> bool {
        self.state == State::ProbeRtt
    }

    /// Where the phase went since this was asked last.
    pub(crate) fn take_turns(&mut self) -> Vec<Turn> {
        core::mem::take(&mut self.turns)
    }

    /// Data is about to leave: HandleRestartFromIdle.
    pub(crate) fn on_transmit(&mut self) {
        if self.c.in_flight_bytes != 0 || !self.c.is_app_limited {
            return;
        }
        self.is_idle_restart = true;
        self.aggregation.restart(self.c.now);
        if self.state.is_probe_bw() {
            self.set_pacing_rate(Gain::ONE);
        } else if self.state == State::ProbeRtt {
            self.check_probe_rtt_done();
        }
    }

    /// Data left; so much is in flight with it.
    pub(crate) fn on_sent(&mut self, in_flight_bytes: u32, mss: u32) {
        if in_flight_bytes.saturating_add(mss) > self.cwnd_bytes {
            self.filled_in_round = Some(self.rounds.count());
        }
    }

    /// C.is_cwnd_limited: the window was full at some point in this round trip or the last. Judged when data left: what
    /// acknowledgments have opened since does not count.
    fn is_cwnd_limited(&self) -> bool {
        self.filled_in_round.is_some_and(|round| self.rounds.count().wrapping_sub(round) <= 1)
    }

    /// UpdateOnACK.
    pub(crate) fn on_measured(&mut self, measured: &Measured) {
        let rs = &measured.sample;
        self.delivered_at_first =
            self.delivered_at_first.saturating_add(measured.bytes).min(self.initial_cwnd_bytes);
        self.signals.update_latest(rs, self.c.delivered, self.c.has_sack);
        self.update_congestion_signals(rs);
        self.update_aggregation(measured.bytes);
        self.full_pipe.check(self.rounds.is_start(), rs);
        self.check_startup_done(rs);
        self.check_drain_done();
        self.update_probe_bw(measured);
        let is_expired = self.min_rtt.update(self.c.now, measured.rtt_ns);
        self.check_probe_rtt(is_expired);
        if rs.delivered_bytes > 0 {
            self.is_idle_restart = false;
        }
        self.signals.advance_latest(rs, self.c.has_sack);
        self.bound_bw();
        self.set_pacing_rate(self.state.pacing_gain());
        self.set_cwnd(measured.bytes);
    }

    /// UpdateMaxBw and the response to losses once a round trip: UpdateCongestionSignals.
    fn update_congestion_signals(&mut self, rs: &PathSample) {
        if self.rounds.update(rs.prior_delivered, self.c.delivered) {
            self.cycle.count_round();
        }
        if rs.bytes_per_s > 0 && (rs.bytes_per_s >= self.max_bw.get() || !rs.is_app_limited) {
            self.max_bw.update(rs.bytes_per_s);
        }
        if self.signals.is_round_start() {
            self.adapt_lower_bounds(rs);
            self.signals.end_round();
        }
    }

    /// BBR.bdp: what the path holds, by the model.
    fn bdp_bytes(&self) -> u32 {
        self.bdp_of(self.bw, Gain::ONE)
    }

    /// BDPMultiple.
    fn bdp_of(&self, bw: u64, gain: Gain) -> u32 {
        match self.min_rtt.get_ns() {
            None => self.initial_cwnd_bytes,
            Some(min_rtt_ns) => gain.of_bytes(bytes_over(bw, min_rtt_ns)),
        }
    }

    /// TargetInflight.
    fn target_in_flight_bytes(&self) -> u32 {
        self.bdp_bytes().min(self.cwnd_bytes)
    }

    /// BBR.MinPipeCwnd: enough for a receiver that acknowledges every second segment.
    fn min_pipe_cwnd_bytes(&self) -> u32 {
        4 * self.c.mss
    }

    fn enter(&mut self, state: State, why: ProbeReason) {
        self.state = state;
        self.turns.push(Turn { into: state.growth(), why });
    }
}

impl Controller for Bbr {
    fn cwnd_bytes(&self) -> u32 {
        self.cwnd_bytes.max(1)
    }

    /// There is none.
    fn ssthresh_bytes(&self) -> u32 {
        Cwnd::SSTHRESH_UNKNOWN
    }

    fn pacing_rate(&self) -> Option<u64> {
        Some(if self.pacing_rate == 0 { self.initial_pacing_rate() } else { self.pacing_rate })
    }

    fn reduces_by_itself(&self) -> bool {
        true
    }

    /// It hears more: [`Bbr::on_measured`].
    fn on_acked(&mut self, _acked: &Acked) {}

    fn on_congestion(&mut self, reduction: &Reduction) {
        self.enter_recovery();
        self.note_loss();
        if reduction.why == Congested::Marked {
            self.on_marked();
        }
    }

    /// OnEnterRTO.
    fn on_timeout(&mut self, reduction: &Reduction, _again: bool) {
        self.enter_recovery();
        self.signals.leave_fast_recovery();
        let cwnd_bytes = reduction.pipe_bytes.saturating_add(sane_mss(reduction.mss));
        self.cwnd_bytes = cwnd_bytes.min(Cwnd::BYTES_MAX);
    }

    fn on_recovered(&mut self) {
        if !self.signals.is_recovering() {
            return;
        }
        self.signals.leave_recovery();
        self.restore_cwnd();
        self.bound_restored_cwnd();
    }

    fn on_undo(&mut self, _before: &Self, _now: Instant) {
        self.signals.leave_recovery();
        self.handle_spurious_loss();
        self.bound_restored_cwnd();
    }

    /// The window stays as it is: the first flight is paced at the rate of the path (§ "Restarting From Idle").
    fn on_idle(&mut self, _now: Instant, _initial_window_bytes: u32) {}

    fn on_resumed(&mut self, _now: Instant, _initial_window_bytes: u32) {}

    fn on_quiet(&mut self, _now: Instant) {}

    /// The path holds as many bytes as before.
    fn on_mtu(&mut self, _mss: u32) {}

    fn explain(&self) -> Growth {
        self.state.growth()
    }
}

#[cfg(test)]
mod tests;
