//! From steps to rows: one line or height of the picture each, shared by text and SVG.
//!
//! A segment is one row, with its sender's state after sending and its receiver's after taking. It
//! becomes two rows, a departure and an arrival as in the RFC's figures (`...`), only where one row
//! would tell the story in the wrong order: when the receiver moved or spoke while the segment that
//! moves it was under way, or when a later segment overtook it.

use super::fold::{self, Folded};
use super::{Arrival, Ladder, NoteKind, Options, Segment, Side, Step};
use tcp::Instant;
use tcp::state::State;

/// Steps after a segment that are looked at for a reason to split it: more are under way at once only in
/// pictures that nobody reads line by line.
const LOOK_AHEAD_MAX: usize = 1_000;

/// One row of the picture.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    pub(super) at: Instant,
    pub(super) kind: Kind<'a>,
    pub(super) states: [Cell; 2],
}

/// What a row shows.
#[derive(Clone, Debug)]
pub(super) enum Kind<'a> {
    Whole(&'a Segment),
    Departs(&'a Segment),
    Arrives(&'a Segment),
    Note { side: Side, kind: NoteKind, text: &'a str },
    Moved { on: &'a str },
    Folded(Folded),
}

/// The state of one end beside a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    pub(super) state: Option<State>,
    /// It was entered on this row.
    pub(super) is_new: bool,
}

/// A step or the arrival of one, in the order in which they are drawn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival(usize),
    Step(usize),
}

/// The rows of a ladder.
pub(super) fn rows<'a>(ladder: &'a Ladder, options: &Options) -> Vec<Row<'a>> {
    let split = splits(&ladder.steps);
    let mut events: Vec<(Instant, Event)> = Vec::with_capacity(ladder.steps.len());
    for (index, step) in ladder.steps.iter().enumerate() {
        events.push((step.at(), Event::Step(index)));
        if split[index]
            && let Some(at) = arrival_of(step)
        {
            events.push((at, Event::Arrival(index)));
        }
    }
    // At one instant, arrivals come first: what else happens then may be their consequence.
    events.sort();
    let mut now = [ladder.ends[0].state, ladder.ends[1].state];
    let rows: Vec<Row<'a>> = events
        .into_iter()
        .map(|(at, event)| match event {
            Event::Step(index) => step_row(at, &ladder.steps[index], split[index], &mut now),
            Event::Arrival(index) => {
                let Step::Segment(segment) = &ladder.steps[index] else {
                    unreachable!("only segments arrive");
                };
                let states =
                    move_to(&mut now, &[(segment.from.other(), to_of(segment, segment.from.other()))]);
                Row { at, kind: Kind::Arrives(segment), states }
            }
        })
        .collect();
    match options.fold_over {
        Some(longest) => fold::fold(rows, longest),
        None => rows,
    }
}

fn step_row<'a>(at: Instant, step: &'a Step, is_split: bool, now: &mut [Option<State>; 2]) -> Row<'a> {
    match step {
        Step::Segment(segment) => {
            let (from, to) = (segment.from, segment.from.other());
            let sender = (from, to_of(segment, from));
            let receiver = (to, to_of(segment, to));
            match (segment.arrival, is_split) {
                (Arrival::Stray, _) => {
                    Row { at, kind: Kind::Whole(segment), states: move_to(now, &[receiver]) }
                }
                (_, true) => Row { at, kind: Kind::Departs(segment), states: move_to(now, &[sender]) },
                _ => Row { at, kind: Kind::Whole(segment), states: move_to(now, &[sender, receiver]) },
            }
        }
        Step::Note { side, kind, text, .. } => {
            Row { at, kind: Kind::Note { side: *side, kind: *kind, text }, states: move_to(now, &[]) }
        }
        Step::Moved { side, to, on, .. } => {
            Row { at, kind: Kind::Moved { on }, states: move_to(now, &[(*side, Some(*to))]) }
        }
    }
}

fn to_of(segment: &Segment, side: Side) -> Option<State> {
    segment.states[side.index()]
}

/// Applies moves to the current states and says what the row shows.
fn move_to(now: &mut [Option<State>; 2], moves: &[(Side, Option<State>)]) -> [Cell; 2] {
    let mut is_new = [false; 2];
    for (side, to) in moves {
        if let Some(to) = to {
            let slot = &mut now[side.index()];
            is_new[side.index()] = *slot != Some(*to);
            *slot = Some(*to);
        }
    }
    [0, 1].map(|side| Cell { state: now[side], is_new: is_new[side] })
}

fn arrival_of(step: &Step) -> Option<Instant> {
    match step {
        Step::Segment(Segment { arrival: Arrival::Delivered { at }, .. }) => Some(*at),
        _ => None,
    }
}

/// Which steps are segments that need a departure and an arrival.
fn splits(steps: &[Step]) -> Vec<bool> {
    (0..steps.len()).map(|index| needs_split(steps, index)).collect()
}

fn needs_split(steps: &[Step], index: usize) -> bool {
    let Step::Segment(segment) = &steps[index] else { return false };
    let Some(arrives) = arrival_of(&steps[index]).filter(|at| *at > segment.at) else { return false };
    let receiver = segment.from.other();
    let before = state_before(steps, index, receiver);
    let moves_receiver = to_of(segment, receiver).is_some_and(|to| Some(to) != before);
    for later in steps[index + 1..].iter().take(LOOK_AHEAD_MAX).take_while(|step| step.at() < arrives) {
        match later {
            Step::Moved { side, .. } if *side == receiver => return true,
            Step::Note { side, .. } if *side == receiver && moves_receiver => return true,
            Step::Segment(other) if other.from == receiver => {
                let moves = to_of(other, receiver).is_some_and(|to| Some(to) != before);
                if moves || moves_receiver {
                    return true;
                }
            }
            Step::Segment(other) if arrival_of(later).is_some_and(|at| at < arrives && at > other.at) => {
                return true;
            }
            _ => {}
        }
    }
    false
}

/// The last state said of `side` before step `index`. The look back is short: segments say the state
/// after them, and 64 silent ones in a row mean that it does not change here either.
fn state_before(steps: &[Step], index: usize, side: Side) -> Option<State> {
    steps[..index].iter().rev().take(64).find_map(|step| match step {
        Step::Segment(segment) => to_of(segment, side),
        Step::Moved { side: moved, to, .. } if *moved == side => Some(*to),
        _ => None,
    })
}
