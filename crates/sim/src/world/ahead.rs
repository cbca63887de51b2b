//! Before time passes, programs with clocks of their own are asked how long they have nothing to do by them.
//!
//! A program that waits for its own timers cannot tell when they are due without letting its time pass up to there (as
//! tokio's paused clock cannot), and once it has passed, the program is ahead of the world: nothing may reach it before
//! the world is there, too. So a program is asked only about as much time as goes by before anything can reach it: up
//! to the next event that the world knows of, and no further than a frame takes from a neighbour that may itself have a
//! timer before. (Chandy and Misra, 1979, call it the lookahead of a link.) Timers of programs are due at whole
//! milliseconds: where frames take no time, time goes from one to the next.

use super::World;
use crate::application::Ahead;
use std::time::Duration;
use tcp::Instant;

/// A program with a clock: its node, and its number there.
type Clocked = (usize, usize);

impl World {
    /// Asks every program that has a clock. Returns the time up to which only that happens what is on the agenda then;
    /// `None` if one of them did something, which must be seen to first.
    pub(super) fn look_ahead(&mut self, until: Instant) -> Option<Instant> {
        if !self.has_clocks {
            return Some(until);
        }
        if self.agenda.next_at().is_some_and(|next| next <= self.now.min(until)) {
            return Some(until);
        }
        // Whoever has something to do now does it first: nobody is ahead of it then.
        self.ask_each(until, |world, _| world.now)?;
        let first = self.first_timers();
        self.ask_each(until, |world, program| {
            let next = world.agenda.next_at().map_or(until, |next| next.min(until));
            next.min(world.untouched_until(program, first))
        })
    }

    /// Asks each about the time up to then. `None` if one of them did something.
    fn ask_each(&mut self, until: Instant, to: impl Fn(&World, Clocked) -> Instant) -> Option<Instant> {
        let mut horizon = until;
        for node in 0..self.nodes.len() {
            for number in 0..self.nodes[node].programs.len() {
                let to = to(self, (node, number));
                if let Some(looked_to) = self.ask((node, number), to) {
                    horizon = horizon.min(looked_to);
                }
                if self.nodes[node].seat.is_touched() {
                    return None;
                }
            }
        }
        Some(horizon)
    }

    /// Asks one program about the time up to then. Returns what it has been asked about by now, if it has a clock.
    fn ask(&mut self, (node, number): Clocked, to: Instant) -> Option<Instant> {
        let (now, at_node) = (self.now, &mut self.nodes[node]);
        let program = &mut at_node.programs[number];
        let looked_to = program.looked_to?;
        // About the present it is asked, too.
        let is_answered = looked_to >= to && looked_to > now;
        let Some(application) = program.application.as_mut().filter(|_| !is_answered) else {
            return Some(looked_to);
        };
        let looked_to = match application.look_ahead(now, to) {
            Ahead::Quiet(up_to) => up_to.min(to),
            Ahead::Call => {
                program.wake = Some(now);
                at_node.seat.touch();
                now
            }
        };
        program.looked_to = Some(looked_to);
        Some(looked_to)
    }

    /// The earliest timer that a program may have, whose it is, and the earliest of the others.
    fn first_timers(&self) -> (Instant, Option<Clocked>, Instant) {
        let mut first = (Instant::FAR_FUTURE, None, Instant::FAR_FUTURE);
        for (node, at_node) in self.nodes.iter().enumerate() {
            for (number, program) in at_node.programs.iter().enumerate() {
                let Some(looked_to) = program.looked_to else { continue };
                let earliest = if looked_to > self.now { looked_to } else { next_whole(self.now) };
                if earliest < first.0 {
                    first = (earliest, Some((node, number)), first.0);
                } else {
                    first.2 = first.2.min(earliest);
                }
            }
        }
        first
    }

    /// Up to when nothing reaches a program that nobody has sent yet.
    fn untouched_until(
        &self,
        program: Clocked,
        (first, whose, of_others): (Instant, Option<Clocked>, Instant),
    ) -> Instant {
        let sent = if whose == Some(program) { of_others } else { first };
        let at_node = &self.nodes[program.0];
        // Two programs on one host are no way apart.
        let way = if at_node.programs.len() > 1 { Some(Duration::ZERO) } else { at_node.nearest };
        way.map_or(Instant::FAR_FUTURE, |way| sent + way)
    }
}

/// The whole millisecond after this time.
fn next_whole(now: Instant) -> Instant {
    Instant::from_millis(now.as_millis() + 1)
}
