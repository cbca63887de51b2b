//! The state of one end beside each segment, by what the whole capture shows.
//!
//! While segments are read, an arrival is assumed at once, and taken back when the receiver shows that it
//! sent first. [`lens::Connection::steps`] has the rows in the order in which they were taken; here they
//! are laid beside the segments.

use lens::{Frame, Step, Steps};
use tcp::state::{Cause, State};

/// Walks through the steps of one end as its segments pass.
pub(super) struct States {
    /// From which frame on, and the state.
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
            // captured before what the end did first: it arrived behind that
            let from = if step.frame < latest { latest.saturating_add(1) } else { step.frame };
            latest = from;
            changes.push((from, row.to));
        }
        let first = steps.iter().next().and_then(|step| step.row());
        // before a passive open there is nothing to see: it stood in LISTEN
        let state = first.map(|row| if row.on == Cause::PassiveOpen { row.to } else { row.from });
        States { changes, next: 0, state }
    }

    /// The state after `frame`; frames are asked for in order. `None` if the end took no step at all.
    pub(super) fn after(&mut self, frame: Frame) -> Option<State> {
        while let Some((_, state)) = self.changes.get(self.next).filter(|(from, _)| *from <= frame) {
            self.state = Some(*state);
            self.next += 1;
        }
        self.state
    }
}
