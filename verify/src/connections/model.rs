//! The search over lives.

use super::live::{Act, Live, Script};
use stateright::{Model, Property};
use std::fmt;
use std::hash::{Hash, Hasher};

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Two {
    /// What the applications do.
    pub script: Script,
    /// How many faults one life may have.
    pub faults_max: u8,
}

/// A place in the search: the path that leads there, and what is to be seen.
#[derive(Clone)]
pub struct Place {
    path: Vec<Act>,
    digest: u64,
    faults: u8,
    /// What may happen next, and whether it is a fault.
    next: Vec<(Act, bool)>,
    is_over: bool,
    is_haunted: bool,
    wrong: bool,
    summary: String,
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        (self.digest, self.faults) == (other.digest, other.faults)
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.digest, self.faults).hash(state);
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

impl Place {
    fn of(live: &Live, path: Vec<Act>, faults: u8) -> Place {
        let mut next = Vec::new();
        let under_way: Vec<usize> = live.under_way().collect();
        for (index, to) in under_way.iter().enumerate() {
            let is_first = !under_way[..index].contains(to);
            next.push((Act::Deliver(index), !is_first));
            next.extend([(Act::Lose(index), true), (Act::Double(index), true)]);
        }
        let reads: Vec<_> = [0, 1].into_iter().filter(|end| live.may_read(*end)).collect();
        if live.has_timer() {
            next.push((Act::Timer, !under_way.is_empty() || !reads.is_empty()));
        }
        next.extend(reads.into_iter().map(|end| (Act::Read(end), false)));
        Place {
            path,
            digest: live.digest(),
            faults,
            next,
            is_over: live.is_over(),
            is_haunted: live.is_haunted(),
            wrong: live.wrong.is_some(),
            summary: live.summary(),
        }
    }
}

impl Model for Two {
    type State = Place;
    type Action = Act;

    fn init_states(&self) -> Vec<Place> {
        vec![Place::of(&Live::new(self.script), Vec::new(), 0)]
    }

    fn actions(&self, place: &Place, actions: &mut Vec<Act>) {
        let affordable = |(_, is_fault): &&(Act, bool)| !is_fault || place.faults < self.faults_max;
        if !place.is_over {
            actions.extend(place.next.iter().filter(affordable).map(|(act, _)| *act));
        }
    }

    fn next_state(&self, place: &Place, act: Act) -> Option<Place> {
        let is_fault = place.next.iter().any(|(next, is_fault)| *next == act && *is_fault);
        let mut live = Live::new(self.script);
        place.path.iter().for_each(|act| live.act(*act));
        live.act(act);
        let path = place.path.iter().copied().chain([act]).collect();
        Some(Place::of(&live, path, place.faults + u8::from(is_fault)))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("bytes arrive in order and once, and nobody fails", |_, place: &Place| {
                !place.wrong
            }),
            Property::always("an old duplicate never opens a connection", |_, place: &Place| {
                !place.is_haunted
            }),
            Property::always("there is always a way on", |_, place: &Place| {
                place.is_over || place.next.iter().any(|(_, is_fault)| !is_fault)
            }),
            Property::sometimes("everything is delivered and over", |_, place: &Place| place.is_over),
        ]
    }
}
