//! Before time passes, programs with clocks of their own are asked what they want to do by them.
//!
//! A program that waits for its own timers cannot tell when they are due without letting its time pass up to there (as
//! tokio's paused clock cannot), and once it has passed, the program is ahead of the world: nothing may reach it before
//! it has been called. So a program is asked only for as much time as goes by before anything can reach it: up to the
//! next event that the world knows of, and no further than a frame takes from a neighbour that may itself have a timer
//! in that time. Timers of programs are due at whole milliseconds; where frames are faster than that, time goes from one
//! to the next.

use super::World;
use super::event::What;
use std::time::Duration;
use tcp::Instant;

impl World {
    /// Asks every program that has a clock. Returns the time up to which only that happens what is on the agenda then.
    pub(super) fn look_ahead(&mut self, until: Instant) -> Instant {
        if !self.has_clocks {
            return until;
        }
        loop {
            let waiting = self.waiting_programs();
            if let Some(horizon) = self.ask(&waiting, until) {
                return horizon;
            }
            // One that was asked did something: that happens first.
            self.flush();
        }
    }

    /// Programs with a clock that want nothing as far as the world knows: node and number.
    fn waiting_programs(&self) -> Vec<(usize, usize)> {
        let mut waiting = Vec::new();
        for (node, at_node) in self.nodes.iter().enumerate() {
            for (number, program) in at_node.programs.iter().enumerate() {
                if program.looked_to.is_some() && program.wake.is_none() {
                    waiting.push((node, number));
                }
            }
        }
        waiting
    }

    /// `None` if one of them did something.
    fn ask(&mut self, waiting: &[(usize, usize)], until: Instant) -> Option<Instant> {
        let mut horizon = until;
        for (node, number) in waiting.iter().copied() {
            let next = self.agenda.next_at().map_or(until, |next| next.min(until));
            if next <= self.now {
                return Some(until);
            }
            let to = if waiting.len() == 1 { next } else { next.min(self.untouched_until(node)) };
            let program = &mut self.nodes[node].programs[number];
            let looked_to = program.looked_to.map_or(to, |looked_to| looked_to.max(to));
            if program.looked_to < Some(to)
                && let Some(application) = &mut program.application
            {
                program.looked_to = Some(to);
                let wish = application.look_ahead(self.now, to);
                if let Some(at) = wish {
                    let at = at.max(self.now);
                    program.wake = Some(at);
                    self.agenda.push(at, What::Wake { node });
                }
                if self.nodes[node].seat.is_touched() {
                    return None;
                }
                if wish.is_some() {
                    continue;
                }
            }
            horizon = horizon.min(looked_to);
        }
        Some(horizon)
    }

    /// Up to when nothing reaches a host that nobody has sent yet.
    fn untouched_until(&self, node: usize) -> Instant {
        let at_node = &self.nodes[node];
        let whole = Instant::from_millis(self.now.as_millis() + 1);
        // Two programs on one host are no way apart.
        let way = if at_node.programs.len() > 1 { Some(Duration::ZERO) } else { at_node.nearest };
        way.map_or(Instant::FAR_FUTURE, |way| whole.max(self.now + way))
    }
}
