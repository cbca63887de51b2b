//! Turns steps into the rows that the text and the SVG share.
//!
//! A segment is one row, with the sender's state after sending, the receiver's state after receiving, and the
//! time at each end. Where one row would show events in the wrong order, there are two (`order.rs`).

use super::fold::{self, Folded};
use super::order::{self, Placed};
use super::{Arrival, Ladder, NoteKind, NoteText, Options, Segment, Side, Step};
use tcp::Instant;
use tcp::state::{Cause, State};

/// One row of the picture.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    /// When it begins.
    pub(super) at: Instant,
    /// When it happens at either end; `None` where nothing happens.
    pub(super) clocks: [Option<Instant>; 2],
    pub(super) kind: Kind<'a>,
    pub(super) states: [StateCell; 2],
}

/// What a row shows.
#[derive(Clone, Debug)]
pub(super) enum Kind<'a> {
    Whole(&'a Segment),
    Departs(&'a Segment),
    Arrives(&'a Segment),
    Note { side: Side, kind: NoteKind, text: &'a NoteText },
    Moved { on: Cause },
    Folded(Folded),
}

/// The state of one end beside a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StateCell {
    pub(super) state: Option<State>,
    /// It was entered on this row.
    pub(super) is_new: bool,
}

/// The rows of a ladder.
pub(super) fn rows<'a>(ladder: &'a Ladder, options: &Options) -> Vec<Row<'a>> {
    let mut now = [ladder.ends[0].state, ladder.ends[1].state];
    let rows: Vec<Row<'a>> =
        order::placed(ladder).into_iter().map(|placed| row(ladder, placed, &mut now)).collect();
    match options.fold_over {
        Some(longest) => fold::fold(rows, longest),
        None => rows,
    }
}

fn row<'a>(ladder: &'a Ladder, placed: Placed, now: &mut [Option<State>; 2]) -> Row<'a> {
    let (Placed::Whole(index) | Placed::Departs(index) | Placed::Arrives(index)) = placed;
    match &ladder.steps[index] {
        Step::Segment(segment) => segment_row(segment, placed, now),
        Step::Note { at, side, kind, text, .. } => Row {
            at: *at,
            clocks: clock_of(*side, *at),
            kind: Kind::Note { side: *side, kind: *kind, text },
            states: change_states(now, &[]),
        },
        Step::Moved { at, side, to, on } => Row {
            at: *at,
            clocks: clock_of(*side, *at),
            kind: Kind::Moved { on: *on },
            states: change_states(now, &[(*side, Some(*to))]),
        },
    }
}

fn segment_row<'a>(segment: &'a Segment, placed: Placed, now: &mut [Option<State>; 2]) -> Row<'a> {
    let (from, to) = (segment.from, segment.from.other());
    let arrives = match segment.arrival {
        Arrival::Delivered { at } => Some(at),
        Arrival::Stray => Some(segment.at),
        _ => None,
    };
    let departs = (segment.arrival != Arrival::Stray).then_some(segment.at);
    let (departs, arrives, kind) = match placed {
        Placed::Whole(_) => (departs, arrives, Kind::Whole(segment)),
        Placed::Departs(_) => (departs, None, Kind::Departs(segment)),
        Placed::Arrives(_) => (None, arrives, Kind::Arrives(segment)),
    };
    let mut clocks = [None; 2];
    clocks[from.index()] = departs;
    clocks[to.index()] = arrives;
    // A captured segment changed the states of both ends, although its time of arrival is not known.
    let is_received = arrives.is_some() || segment.arrival == Arrival::Seen;
    let sender = (from, segment.states[from.index()].filter(|_| departs.is_some()));
    let receiver = (to, segment.states[to.index()].filter(|_| is_received));
    let at = departs.or(arrives).unwrap_or(segment.at);
    Row { at, clocks, kind, states: change_states(now, &[sender, receiver]) }
}

fn clock_of(side: Side, at: Instant) -> [Option<Instant>; 2] {
    let mut clocks = [None; 2];
    clocks[side.index()] = Some(at);
    clocks
}

/// Applies state changes to the current states and returns what the row shows.
fn change_states(now: &mut [Option<State>; 2], changes: &[(Side, Option<State>)]) -> [StateCell; 2] {
    let mut is_new = [false; 2];
    for (side, to) in changes {
        if let Some(to) = to {
            let slot = &mut now[side.index()];
            is_new[side.index()] = *slot != Some(*to);
            *slot = Some(*to);
        }
    }
    [0, 1].map(|side| StateCell { state: now[side], is_new: is_new[side] })
}
