//! CUBIC (RFC 9438): in avoidance the window follows a cubic function of the time since the last reduction, flat
//! around the window of the last loss, and never slower than Reno; the first slow start is HyStart++'s.
//!
//! Windows are bytes, so the RFC's segments appear as a factor of MSS.

mod curve;

use self::curve::Curve;
use super::cwnd::{Cwnd, Share, sane_mss};
use super::rounds::Rounds;
use super::slow_start::{self, HyStart, Verdict};
use super::validation::Validation;
use super::{Acked, Congested, Controller, Growth, Reduction};
use crate::Instant;
use alloc::boxed::Box;

/// CUBIC with HyStart++.
#[derive(Clone, Debug)]
pub(crate) struct Cubic {
    cwnd: Cwnd,
    /// None while little is in flight and no slow start has ended. One box for both parts, because a controller
    /// has 32 bytes.
    course: Option<Box<Course>>,
}

/// What not every connection needs.
#[derive(Clone, Debug, Default)]
struct Course {
    /// From the end of the first slow start on.
    curve: Option<Curve>,
    /// While much is in flight.
    rounds: Option<Rounds>,
}

impl Cubic {
    /// RFC 9438 §4.6: beta_cubic SHOULD be 0.7.
    const BETA_LOSS: Share = Share { of: 7, out_of: 10 };
    /// The same for the loss that ends the first slow start. A half instead would take back the overshoot at once,
    /// and saves a tenth of what is sent again (`cargo bench -p synfin-benches --bench bars -- queues`: 3.2 instead of
    /// 3.5 % of 10 MB with a queue of 0.25 products, 4.6 instead of 4.9 with 1), but with the short queue it costs 1.5
    /// points of goodput at 3 MB and 1.2 at 30 MB; it gains 1.8 at 10 MB, and nothing with longer queues.
    const BETA_FIRST_LOSS: Share = Self::BETA_LOSS;
    /// RFC 8511 §3.1: CUBIC benefits from 0.85 where the network marks instead of dropping.
    const BETA_MARK: Share = Share { of: 17, out_of: 20 };

    pub(super) fn new(initial_window_bytes: u32) -> Self {
        Cubic { cwnd: Cwnd::new(initial_window_bytes), course: None }
    }

    /// Takes over from another controller: in avoidance from a plateau at the window as it is, which is what
    /// RFC 9438 §4.10 does where no loss is known.
    pub(super) fn with(cwnd: Cwnd, now: Instant, mss: u32) -> Self {
        let curve = (!cwnd.in_slow_start()).then(|| {
            let mut curve = Curve::without_loss(cwnd.bytes);
            curve.begin(now, cwnd.bytes, sane_mss(mss));
            curve
        });
        let course = curve.map(|curve| Box::new(Course { curve: Some(curve), rounds: None }));
        Cubic { cwnd, course }
    }

    pub(super) fn cwnd(&self) -> Cwnd {
        self.cwnd
    }

    #[cfg(test)]
    pub(super) fn owns_heap(&self) -> bool {
        self.course.is_some()
    }

    fn curve(&self) -> Option<&Curve> {
        self.course.as_ref()?.curve.as_ref()
    }

    fn known_curve_mut(&mut self) -> Option<&mut Curve> {
        self.course.as_mut()?.curve.as_mut()
    }

    fn rounds(&self) -> Option<&Rounds> {
        self.course.as_ref()?.rounds.as_ref()
    }

    fn rounds_mut(&mut self) -> Option<&mut Rounds> {
        self.course.as_mut()?.rounds.as_mut()
    }

    fn hystart_mut(&mut self) -> Option<&mut HyStart> {
        self.rounds_mut()?.hystart.as_mut()
    }

    fn grow(&mut self, acked: &Acked, mss: u32) {
        if !self.cwnd.in_slow_start() {
            self.avoid(acked, acked.bytes, mss);
            return;
        }
        let initial = self.cwnd.in_initial_slow_start();
        let growth_bytes = match self.hystart_mut() {
            Some(hystart) => hystart.growth_bytes(acked, mss),
            None if initial => HyStart::limited_growth_bytes(acked, mss),
            None => slow_start::standard_growth_bytes(acked),
        };
        let rest_bytes = self.cwnd.open(growth_bytes);
        if rest_bytes > 0 {
            self.avoid(acked, rest_bytes, mss);
        }
    }

    /// Congestion avoidance: `bytes` of what was acknowledged count.
    fn avoid(&mut self, acked: &Acked, bytes: u32, mss: u32) {
        let cwnd_bytes = self.cwnd.bytes;
        let course = self.course.get_or_insert_default();
        let curve = course.curve.get_or_insert_with(|| Curve::without_loss(cwnd_bytes));
        curve.begin(acked.now, cwnd_bytes, mss);
        curve.tick(acked);
        curve.grow(&mut self.cwnd, bytes, acked.srtt_us, mss);
    }

    /// Counts rounds, and asks HyStart++ where it is in charge.
    fn measure(&mut self, acked: &Acked) {
        if self.rounds().is_none() {
            let Some(rounds) = Rounds::begin(acked, self.cwnd.bytes) else { return };
            self.course.get_or_insert_default().rounds = Some(rounds);
        }
        let initial = self.cwnd.in_initial_slow_start();
        let Some(rounds) = self.rounds_mut() else { return };
        let round_ended = rounds.on_acked(acked);
        if !initial {
            return;
        }
        let hystart = rounds.hystart.get_or_insert_with(HyStart::new);
        if hystart.on_acked(acked.rtt_ns, round_ended) == Verdict::Leave {
            rounds.hystart = None;
            // RFC 9406 §4.2.
            self.cwnd.ssthresh_bytes = self.cwnd.bytes;
        }
    }

    /// Reduces, and returns the window that was in use before.
    fn reduce(&mut self, reduction: &Reduction) -> u32 {
        let pipe_ack_bytes =
            self.rounds().and_then(|rounds| rounds.pipe_ack_bytes(reduction, self.cwnd.bytes));
        let used_bytes = self.cwnd.used_bytes(reduction, pipe_ack_bytes);
        let beta = match reduction.why {
            // RFC 8511 §4 does not recommend its factor in slow start.
            Congested::Marked if !self.cwnd.in_slow_start() => Self::BETA_MARK,
            Congested::Marked | Congested::Lost if self.cwnd.in_initial_slow_start() => Self::BETA_FIRST_LOSS,
            Congested::Marked | Congested::Lost => Self::BETA_LOSS,
        };
        self.cwnd.reduce(beta.of_bytes(used_bytes), reduction.why, sane_mss(reduction.mss));
        if let Some(rounds) = self.rounds_mut() {
            rounds.on_congestion(reduction.now);
        }
        used_bytes
    }

    /// Notes whether the window is in use. One that has decayed goes through slow start: a new stage follows.
    fn validate(&mut self, now: Instant, used: bool, initial_window_bytes: u32) {
        let before_bytes = self.cwnd.bytes;
        self.cwnd.validate(now, used, initial_window_bytes);
        if self.cwnd.bytes < before_bytes
            && let Some(curve) = self.known_curve_mut()
        {
            curve.restart();
        }
    }

    /// The curve, made at the first loss.
    fn curve_mut(&mut self) -> &mut Curve {
        let cwnd_bytes = self.cwnd.bytes;
        self.course.get_or_insert_default().curve.get_or_insert_with(|| Curve::without_loss(cwnd_bytes))
    }
}

impl Controller for Cubic {
    fn cwnd_bytes(&self) -> u32 {
        self.cwnd.bytes
    }

    fn ssthresh_bytes(&self) -> u32 {
        self.cwnd.ssthresh_bytes
    }

    fn on_acked(&mut self, acked: &Acked) {
        let mss = sane_mss(acked.mss);
        self.cwnd.raise_to(mss);
        if acked.recovering {
            return;
        }
        if acked.cwnd_limited {
            self.grow(acked, mss);
        } else if let Some(curve) = self.known_curve_mut() {
            curve.tick(acked);
        }
        self.measure(acked);
        let validated = self.rounds().is_some_and(|rounds| rounds.validates(acked.now, self.cwnd.bytes));
        self.validate(acked.now, acked.cwnd_limited || validated, Validation::initial_window_bytes(mss));
    }

    fn on_congestion(&mut self, reduction: &Reduction) {
        let cwnd_prior_bytes = self.cwnd.bytes;
        let used_bytes = self.reduce(reduction);
        self.curve_mut().on_congestion(cwnd_prior_bytes, used_bytes);
    }

    fn on_timeout(&mut self, reduction: &Reduction, again: bool) {
        let cwnd_prior_bytes = self.cwnd.bytes;
        if again {
            self.curve_mut().restart();
        } else {
            self.reduce(reduction);
            self.curve_mut().on_timeout(cwnd_prior_bytes);
        }
        self.cwnd.collapse(sane_mss(reduction.mss));
    }

    fn on_undo(&mut self, before: &Self, _now: Instant) {
        if !self.cwnd.undo(before.cwnd) {
            return;
        }
        let mut curve = before.curve().copied();
        if self.curve().is_some_and(|curve| curve.was_quiet) {
            // Time in which nothing was in flight does not count.
            curve.iter_mut().for_each(Curve::on_quiet);
        }
        let rounds = self.course.as_mut().and_then(|course| course.rounds.take());
        // Without HyStart++'s numbers: if the first slow start goes on, they begin anew.
        self.course = (curve.is_some() || rounds.is_some()).then(|| Box::new(Course { curve, rounds }));
    }

    fn on_idle(&mut self, _now: Instant, initial_window_bytes: u32) {
        let before_bytes = self.cwnd.bytes;
        self.cwnd.restart(initial_window_bytes);
        let restarted = self.cwnd.bytes < before_bytes;
        if let Some(curve) = self.known_curve_mut() {
            curve.on_quiet();
            if restarted {
                curve.restart();
            }
        }
    }

    fn on_resumed(&mut self, now: Instant, initial_window_bytes: u32) {
        self.validate(now, false, initial_window_bytes);
    }

    fn on_quiet(&mut self, _now: Instant) {
        let Some(course) = &mut self.course else { return };
        course.rounds = None;
        match &mut course.curve {
            Some(curve) => curve.on_quiet(),
            None => self.course = None,
        }
    }

    fn on_mtu(&mut self, mss: u32) {
        self.cwnd.on_mtu(sane_mss(mss));
        if let Some(curve) = self.known_curve_mut() {
            curve.restart();
        }
    }

    fn explain(&self) -> Growth {
        if !self.cwnd.in_slow_start() {
            return self.curve().map_or(Growth::Convex, |curve| curve.growth(self.cwnd.bytes));
        }
        let conservative =
            self.rounds().and_then(|rounds| rounds.hystart.as_ref()).is_some_and(HyStart::is_conservative);
        if conservative { Growth::ConservativeSlowStart } else { Growth::SlowStart }
    }
}

#[cfg(test)]
mod tests;
