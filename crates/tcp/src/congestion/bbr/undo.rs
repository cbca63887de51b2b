//! What is taken back when nothing was lost after all (§ "Updating the Model Upon Detecting a Spurious Loss Recovery").

use super::bounds::Bounds;
use super::{Bbr, ProbeReason, State};

/// What was so when the episode began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Undo {
    /// The phase that a loss has ended.
    state: Option<State>,
    pub(super) bounds: Option<Bounds>,
}

impl Undo {
    /// A loss ends this phase.
    pub(super) fn note(&mut self, state: State) {
        self.state = Some(state);
    }
}

impl Bbr {
    /// SaveStateUponLoss.
    pub(super) fn save_state_upon_loss(&mut self) {
        self.undo = Undo { state: None, bounds: Some(self.bounds) };
    }

    /// HandleSpuriousLossDetection.
    pub(super) fn handle_spurious_loss(&mut self) {
        self.restore_cwnd();
        self.signals.forget_loss();
        self.full_pipe.restart(0);
        if let Some(saved) = self.undo.bounds {
            let bounds = &mut self.bounds;
            bounds.bw_shortterm = bounds.bw_shortterm.max(saved.bw_shortterm);
            bounds.inflight_shortterm = bounds.inflight_shortterm.max(saved.inflight_shortterm);
            bounds.inflight_longterm = bounds.inflight_longterm.max(saved.inflight_longterm);
        }
        match self.undo.state.take() {
            Some(State::Startup) if self.state != State::Startup => {
                self.full_pipe.forget();
                if self.state != State::ProbeRtt {
                    self.enter_startup(ProbeReason::Undone);
                }
            }
            Some(State::ProbeBwUp) if self.state != State::ProbeBwUp && self.state != State::ProbeRtt => {
                self.start_probe_bw_refill(ProbeReason::Undone);
            }
            _ => {}
        }
    }
}
