//! The order in which rows are drawn, and which segments need two rows.
//!
//! Each end has its order of departures, arrivals and notes. Both orders are kept, so that neither end's
//! clock runs backwards on the page. A segment is one row if its departure can be beside its arrival. Where
//! segments cross or overtake each other, some become two rows, a departure and an arrival (`...` in the
//! RFC's figures), but as few as possible.

use super::{Arrival, Ladder, Segment, Side, Step};
use std::collections::{BTreeMap, VecDeque};
use tcp::Instant;

/// What one row shows: the index of a step, and which part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// A segment from its departure to its arrival, or a step of one end.
    Whole(usize),
    /// A segment leaves.
    Departs(usize),
    /// A segment that left in an earlier row arrives.
    Arrives(usize),
}

/// An event at one end.
#[derive(Clone, Copy, Debug)]
struct Event {
    /// Its place among all events of both ends.
    rank: usize,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A step that has no part at the other end.
    Alone(usize),
    Departs(usize),
    Arrives(usize),
}

/// The rows of a ladder, in order.
pub(super) fn placed(ladder: &Ladder) -> Vec<Placed> {
    Merge::of(&ladder.steps).collect()
}

/// A step, or the arrival of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Arrival(usize),
    Step(usize),
}

/// Steps and arrivals in the order in which they happened.
fn parts_in_order(steps: &[Step]) -> Vec<Part> {
    let mut parts: Vec<(Instant, usize, Part)> = Vec::with_capacity(2 * steps.len());
    for (index, step) in steps.iter().enumerate() {
        parts.push((step.at(), index, Part::Step(index)));
        if let Some((segment, at)) = delivered(step) {
            let by_time = || steps.partition_point(|step| step.at() < at);
            let place = segment.arrives_before.unwrap_or_else(by_time).max(index + 1);
            parts.push((at, place, Part::Arrival(index)));
        }
    }
    // At the same time and index, `Part` sorts the arrival before the step.
    parts.sort();
    parts.into_iter().map(|(_, _, part)| part).collect()
}

fn delivered(step: &Step) -> Option<(&Segment, Instant)> {
    match step {
        Step::Segment(segment) => match segment.arrival {
            Arrival::Delivered { at } => Some((segment, at)),
            _ => None,
        },
        _ => None,
    }
}

/// The step whose arrival caused this step, if it is a note that such an arrival caused.
fn cause_of(steps: &[Step], step: &Step) -> Option<usize> {
    let Step::Note { side, cause: Some(cause), .. } = step else { return None };
    let Some(Step::Segment(segment)) = steps.get(*cause) else { return None };
    let arrived = matches!(segment.arrival, Arrival::Delivered { .. } | Arrival::Stray);
    (arrived && segment.from.other() == *side).then_some(*cause)
}

/// Merges the events of both ends into one sequence of rows.
struct Merge {
    ends: [EndEvents; 2],
    /// By step: the notes under the row of its arrival.
    notes: BTreeMap<usize, Vec<usize>>,
    /// The notes of the last row that are still to be drawn.
    due: VecDeque<usize>,
    /// By step: the segment's departure is a separate row.
    is_split: Vec<bool>,
    /// By step: how long the segment was under way, in nanoseconds.
    flight_ns: Vec<u64>,
}

/// The events at one end, in order.
#[derive(Default)]
struct EndEvents {
    events: Vec<Event>,
    /// How many events are in rows already.
    done: usize,
    /// By event: the number of departures before it.
    departures: Vec<usize>,
    /// By step: the event at which its segment arrives.
    arrivals: BTreeMap<usize, usize>,
}

impl EndEvents {
    fn push(&mut self, rank: usize, what: What) {
        let departs = |event: &Event| usize::from(matches!(event.what, What::Departs(_)));
        let before = self.departures.last().zip(self.events.last());
        self.departures.push(before.map_or(0, |(count, last)| count + departs(last)));
        if let What::Arrives(step) = what {
            self.arrivals.insert(step, self.events.len());
        }
        self.events.push(Event { rank, what });
    }

    fn head(&self) -> Option<Event> {
        self.events.get(self.done).copied()
    }

    /// The number of departures between the head and the arrival of this step.
    fn departures_before(&self, step: usize) -> usize {
        let count = |event: usize| self.departures.get(event).copied().unwrap_or(0);
        self.arrivals.get(&step).map_or(0, |event| count(*event)) - count(self.done)
    }
}

impl Merge {
    fn of(steps: &[Step]) -> Merge {
        let mut notes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut ends: [EndEvents; 2] = Default::default();
        for (rank, part) in parts_in_order(steps).into_iter().enumerate() {
            let (side, what) = match part {
                Part::Step(index) => {
                    if let Some(cause) = cause_of(steps, &steps[index]) {
                        notes.entry(cause).or_default().push(index);
                        continue;
                    }
                    (side_of(&steps[index]), event_of(&steps[index], index))
                }
                Part::Arrival(index) => (side_of(&steps[index]).other(), What::Arrives(index)),
            };
            ends[side.index()].push(rank, what);
        }
        let flight = |step: &Step| {
            delivered(step).map_or(0, |(segment, at)| at.as_nanos().saturating_sub(segment.at.as_nanos()))
        };
        let flight_ns = steps.iter().map(flight).collect();
        Merge { ends, notes, due: VecDeque::new(), is_split: vec![false; steps.len()], flight_ns }
    }

    /// How the head of this end can be drawn now, if it can.
    fn ready(&self, side: usize) -> Option<Placed> {
        match self.ends[side].head()?.what {
            What::Alone(step) => Some(Placed::Whole(step)),
            What::Arrives(step) => self.is_split[step].then_some(Placed::Arrives(step)),
            What::Departs(step) => {
                let other = self.ends[1 - side].head();
                let meets = other.is_some_and(|event| event.what == What::Arrives(step));
                meets.then_some(Placed::Whole(step))
            }
        }
    }

    /// When each end waits for the other: the end whose segment is drawn in two parts.
    fn side_to_split(&self) -> usize {
        let departs = [0, 1].map(|side| match self.ends[side].head().map(|event| event.what) {
            Some(What::Departs(step)) => Some(step),
            _ => None,
        });
        match departs {
            // One of the two stays whole, and every segment that departs before it arrives must be split. If
            // all else is equal, the one that left first is split, so that rows keep the order of time.
            [Some(left), Some(right)] => {
                let left_costs = (self.ends[1].departures_before(left), self.flight_ns[left], right);
                let right_costs = (self.ends[0].departures_before(right), self.flight_ns[right], left);
                usize::from(left_costs < right_costs)
            }
            [Some(_), None] => 0,
            _ => 1,
        }
    }
}

impl Iterator for Merge {
    type Item = Placed;

    fn next(&mut self) -> Option<Placed> {
        if let Some(note) = self.due.pop_front() {
            return Some(Placed::Whole(note));
        }
        let placed = self.next_row()?;
        if let Placed::Whole(step) | Placed::Arrives(step) = placed {
            self.due.extend(self.notes.remove(&step).into_iter().flatten());
        }
        Some(placed)
    }
}

impl Merge {
    fn next_row(&mut self) -> Option<Placed> {
        let rank = |side: usize| self.ends[side].head().map_or(usize::MAX, |event| event.rank);
        let first =
            [0, 1].into_iter().filter(|side| self.ready(*side).is_some()).min_by_key(|side| rank(*side));
        if let Some(side) = first
            && let Some(placed) = self.ready(side)
        {
            let is_pair = matches!(self.ends[side].head()?.what, What::Departs(_));
            self.ends[side].done += 1;
            self.ends[1 - side].done += usize::from(is_pair);
            return Some(placed);
        }
        let side = match self.ends.each_ref().map(|end| end.head().is_some()) {
            [true, true] => self.side_to_split(),
            [is_left, _] => usize::from(!is_left),
        };
        let head = self.ends[side].head()?;
        self.ends[side].done += 1;
        // With consistent times an arrival is never first; with inconsistent ones it is drawn all the same.
        let (step, placed) = match head.what {
            What::Departs(step) => (step, Placed::Departs(step)),
            What::Arrives(step) => (step, Placed::Arrives(step)),
            What::Alone(step) => (step, Placed::Whole(step)),
        };
        self.is_split[step] = true;
        Some(placed)
    }
}

fn event_of(step: &Step, index: usize) -> What {
    if delivered(step).is_some() { What::Departs(index) } else { What::Alone(index) }
}

/// The end at which a step happens: the sender of a segment, but the receiver of a stray one.
fn side_of(step: &Step) -> Side {
    match step {
        Step::Segment(segment) if segment.arrival == Arrival::Stray => segment.from.other(),
        Step::Segment(segment) => segment.from,
        Step::Note { side, .. } | Step::Moved { side, .. } => *side,
    }
}
