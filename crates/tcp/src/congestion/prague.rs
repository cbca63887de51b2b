//! Prague (draft-briscoe-iccrg-prague-congestion-control): the congestion control of L4S senders, by the requirements
//! of RFC 9331 §4.
//!
//! Its packets are ECT(1), and a queue for them marks early and often. The window follows how many are marked: of the
//! share that is (`alpha.rs`) half is taken off at the first mark in a round trip, and what arrives unmarked opens the
//! window by a segment a round trip. A loss halves it. A round trip shorter than 25 ms counts as one of 25 ms, so that
//! rates hardly depend on it. A path on which this is not safe, or not possible, gets CUBIC with ECT(0) instead, for the
//! rest of the connection: without AccECN, without marks to believe, and where the marks come from a long queue
//! (`bottleneck.rs`).
//!
//! What is *not* here: reading the marks (`sender/ecn.rs`), and the pacing of bursts (`sender/pacer.rs`), on which
//! windows of less than two segments rely.

mod alpha;
mod bottleneck;
mod doubt;
mod scalable;

pub(crate) use alpha::Feedback;
pub use doubt::ScalableDoubt;
pub(crate) use scalable::Answer;

use super::cwnd::{Cwnd, sane_mss};
use super::{Acked, Controller, Cubic, Growth, Reduction};
use crate::Instant;
use scalable::Scalable;

/// The controller: scalable as long as the path lets it.
#[derive(Clone, Debug)]
pub(crate) enum Prague {
    /// Marks are counted, and answered by their share.
    Scalable(Scalable),
    /// The classic congestion control that replaces it (RFC 9331 §4.3, item 1).
    Classic(Cubic),
}

/// The same call on whichever it is.
macro_rules! either {
    ($prague:expr, $controller:ident => $call:expr) => {
        match $prague {
            Prague::Scalable($controller) => $call,
            Prague::Classic($controller) => $call,
        }
    };
}

impl Prague {
    pub(super) fn new(initial_window_bytes: u32) -> Self {
        Prague::with(Cwnd::new(initial_window_bytes))
    }

    /// Takes over from another controller.
    pub(super) fn with(cwnd: Cwnd) -> Self {
        Prague::Scalable(Scalable::with(cwnd))
    }

    pub(super) fn cwnd(&self) -> Cwnd {
        either!(self, controller => controller.cwnd())
    }

    /// The part that counts marks, unless it was replaced.
    pub(crate) fn scalable(&self) -> Option<&Scalable> {
        match self {
            Prague::Scalable(scalable) => Some(scalable),
            Prague::Classic(_) => None,
        }
    }

    /// An acknowledgment arrived, with marks or without. Says what that led to; nothing where it was replaced.
    pub(crate) fn on_feedback(&mut self, feedback: &Feedback) -> Answer {
        match self {
            Prague::Scalable(scalable) => scalable.on_feedback(feedback),
            Prague::Classic(_) => Answer::Nothing,
        }
    }

    /// A classic congestion control replaces it, with the window as it is.
    pub(crate) fn fall_back(&mut self, now: Instant, mss: u32) {
        if let Prague::Scalable(scalable) = self {
            *self = Prague::Classic(Cubic::with(scalable.cwnd().taken_over(mss), now, sane_mss(mss)));
        }
    }
}

impl Controller for Prague {
    fn cwnd_bytes(&self) -> u32 {
        either!(self, controller => controller.cwnd_bytes())
    }

    fn ssthresh_bytes(&self) -> u32 {
        either!(self, controller => controller.ssthresh_bytes())
    }

    fn on_acked(&mut self, acked: &Acked) {
        either!(self, controller => controller.on_acked(acked));
    }

    fn on_congestion(&mut self, reduction: &Reduction) {
        either!(self, controller => controller.on_congestion(reduction));
    }

    fn on_timeout(&mut self, reduction: &Reduction, again: bool) {
        either!(self, controller => controller.on_timeout(reduction, again));
    }

    fn on_undo(&mut self, before: &Self, now: Instant) {
        match (self, before) {
            (Prague::Scalable(scalable), Prague::Scalable(before)) => scalable.on_undo(before, now),
            (Prague::Classic(classic), Prague::Classic(before)) => classic.on_undo(before, now),
            // It was replaced meanwhile: what it knew does not fit the other.
            (Prague::Scalable(_) | Prague::Classic(_), _) => {}
        }
    }

    fn on_idle(&mut self, now: Instant, initial_window_bytes: u32) {
        either!(self, controller => controller.on_idle(now, initial_window_bytes));
    }

    fn on_resumed(&mut self, now: Instant, initial_window_bytes: u32) {
        either!(self, controller => controller.on_resumed(now, initial_window_bytes));
    }

    fn on_quiet(&mut self, now: Instant) {
        either!(self, controller => controller.on_quiet(now));
    }

    fn on_mtu(&mut self, mss: u32) {
        either!(self, controller => controller.on_mtu(mss));
    }

    fn explain(&self) -> Growth {
        either!(self, controller => controller.explain())
    }
}

#[cfg(test)]
mod tests;
