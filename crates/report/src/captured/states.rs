//! The state of one end beside each segment, according to the whole capture.
//!
//! While segments are read, each is assumed to arrive at once. This is corrected when a later segment shows
//! that the receiver sent something before the arrival. [`lens::Connection::steps`] has the corrected order;
//! here the steps are assigned to segments.

use lens::{Frame, Step, Steps};
use tcp::state::{Cause, State};

/// Walks through the steps of one end as its segments pass.
pub(super) struct States {
    /// Frames, and the state that each one begins.
    changes: Vec<(Frame, State)>,
    next: usize,
    state: Option<State>,
}

impl States {
    /// The states of an end with these steps.
    pub(super) fn of(steps: &Steps) -> States {
        let mut changes: Vec<(Frame, State)> = Vec::new();
        let mut latest = Frame::MIN;
        for (step, row) in steps.iter().filter_map(|step: Step| Some((step, step.row()?))) {
            // The segment was captured before the end's previous step, but arrived after it.
            let from = if step.frame < latest { latest.saturating_add(1) } else { step.frame };
            latest = from;
            changes.push((from, row.to));
        }
        let first = steps.iter().next().and_then(|step| step.row());
        // A passive open sends nothing, so the end was in LISTEN from the start.
        let state = first.map(|row| if row.on == Cause::PassiveOpen { row.to } else { row.from });
        States { changes, next: 0, state }
    }

    /// The state after `frame`. Calls must be in the order of frames. `None` if the end took no step.
    pub(super) fn after(&mut self, frame: Frame) -> Option<State> {
        while let Some((_, state)) = self.changes.get(self.next).filter(|(from, _)| *from <= frame) {
            self.state = Some(*state);
            self.next += 1;
        }
        self.state
    }
}
