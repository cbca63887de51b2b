//! What is going to happen, earliest first.
//!
//! Arrivals on one lane nearly always come in the order in which they are planned: they wait in a queue of their lane,
//! and only its first is in the heap, which so stays small with thousands of frames under way. The order of events is
//! the same as if all were in the heap.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use tcp::Instant;
use wire::Frame;

/// What can happen.
#[derive(Debug)]
pub(super) enum What {
    /// A frame arrives at one end of a link.
    Arrives { link: usize, side: usize, frame: Box<Frame>, record: Option<usize>, coming: Coming },
    /// The transmitter of one end of a link has sent the last bit.
    Transmitted { link: usize, side: usize },
    /// A host's timer is due, if it is still armed for then.
    Timer { node: usize },
    /// A program asked to be called.
    Wake { node: usize },
}

/// How an arriving frame counts for who watches frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coming {
    /// It was sent by a host and is as it was sent.
    Whole,
    /// It was sent by a host and has a flipped bit.
    Damaged,
    /// It is a second copy, or an answer from the path.
    Untold,
}

#[derive(Debug)]
struct Planned {
    at: Instant,
    /// Of two at the same time the one planned first happens first.
    number: u64,
    what: What,
    /// The lane in whose queue the next one waits.
    lane: Option<usize>,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    /// The earliest is the greatest, for [`BinaryHeap`] gives the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

/// Everything that is planned.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Planned>,
    number: u64,
    lanes: Vec<LaneQueue>,
}

/// Arrivals on one lane in the order of time, the first of them in the heap.
#[derive(Debug, Default)]
struct LaneQueue {
    /// When the last of them happens; `None` when there is none.
    last_at: Option<Instant>,
    /// All but the first.
    rest: VecDeque<Planned>,
}

impl Agenda {
    pub(super) fn push(&mut self, at: Instant, what: What) {
        self.number += 1;
        self.heap.push(Planned { at, number: self.number, what, lane: None });
    }

    /// The same for an arrival on this lane, a small number: cheap if it comes after those planned before.
    pub(super) fn push_on_lane(&mut self, lane: usize, at: Instant, what: What) {
        if self.lanes.len() <= lane {
            self.lanes.resize_with(lane + 1, LaneQueue::default);
        }
        let queue = &mut self.lanes[lane];
        match queue.last_at {
            // It overtakes.
            Some(last_at) if at < last_at => self.push(at, what),
            before => {
                queue.last_at = Some(at);
                self.number += 1;
                let planned = Planned { at, number: self.number, what, lane: Some(lane) };
                match before {
                    None => self.heap.push(planned),
                    Some(_) => queue.rest.push_back(planned),
                }
            }
        }
    }

    /// When the next happens.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|planned| planned.at)
    }

    /// The next, if it is not after `until`.
    pub(super) fn pop_until(&mut self, until: Instant) -> Option<(Instant, What)> {
        self.heap.peek().filter(|planned| planned.at <= until)?;
        let Planned { at, what, lane, .. } = self.heap.pop()?;
        if let Some(lane) = lane {
            let queue = &mut self.lanes[lane];
            match queue.rest.pop_front() {
                Some(next) => self.heap.push(next),
                None => queue.last_at = None,
            }
        }
        Some((at, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netem::Dice;

    /// A thing that can happen and is told apart by its number.
    fn wake(node: usize) -> What {
        What::Wake { node }
    }

    #[test]
    fn queues_of_lanes_change_nothing_of_the_order() {
        let (mut with, mut without, mut dice) = (Agenda::default(), Agenda::default(), Dice::new(1));
        let (mut now, mut count) = (Instant::ZERO, 0);
        for round in 0..5_000 {
            // Coarse times, so that many things happen at once, and some overtake.
            let at = Instant::from_millis(now.as_millis() + dice.below(20));
            match dice.below(3) {
                0 => with.push(at, wake(round)),
                lane => with.push_on_lane(lane as usize, at, wake(round)),
            }
            without.push(at, wake(round));
            if dice.below(3) == 0 || round == 4_999 {
                let until = Instant::from_millis(at.as_millis() + if round == 4_999 { 1_000 } else { 0 });
                loop {
                    let [one, other] = [&mut with, &mut without].map(|agenda| agenda.pop_until(until));
                    assert_eq!(format!("{one:?}"), format!("{other:?}"));
                    let Some((at, _)) = one else { break };
                    now = now.max(at);
                    count += 1;
                }
            }
        }
        assert_eq!(count, 5_000);
    }
}
