//! The ladder at a moment, and which frame each of its rows is.

use super::seconds;
use crate::drawn::{Drawing, ladder};
use crate::run::{ENDS, Injected, Run};
use crate::said;
use crate::words;
use report::ladder::{End, Side, Step};
use report::page::{self, Move};
use report::words::Language;
use serde::Serialize;
use sim::Happening;
use std::collections::BTreeMap;
use tcp::{Instant, State};
use wire::Seq;

/// What a deed did to a segment of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Touched {
    /// The place of the segment among those of the ladder.
    pub row: usize,
    /// The place of the deed: those of the lesson first, then the moment's.
    pub deed: usize,
    /// `drop`, `delay`, `double`, `corrupt`, `reorder`, `change`, `forge`.
    pub kind: &'static str,
    /// In words.
    pub text: String,
}

/// What a row of the ladder shows: a frame of the world.
#[derive(Clone, Copy, Debug)]
struct Shown {
    place: usize,
    /// It is a second copy of it.
    is_copy: bool,
}

impl Run {
    /// The ladder, the frame of each of its segments, and what was done to them.
    pub(super) fn rows(
        &self,
        log_end: usize,
        lang: Language,
    ) -> (page::Connection, Vec<Option<u32>>, Vec<Touched>) {
        let mut connection = self.drawn(log_end, lang);
        let shown = self.shown_frames(log_end);
        let numbers = self.sent_numbers();
        let rows = connection.segments.len();
        let frames: Vec<Option<u32>> =
            shown.iter().take(rows).map(|shown| numbers.get(&shown.place).copied()).collect();
        let mut touched = Vec::new();
        for (row, shown) in shown.iter().take(rows).enumerate() {
            for (place, deed) in self.deeds.iter().enumerate() {
                let is_done = match self.injected.get(&shown.place) {
                    Some(Injected::Forged { deed }) => *deed == place,
                    _ => !shown.is_copy && deed.frame().is_some() && deed.frame() == frames[row],
                };
                if is_done {
                    let (kind, text) = (said::kind(deed), said::deed(deed, lang));
                    connection.segments[row].remarks.push(text.clone());
                    touched.push(Touched { row, deed: place, kind, text });
                }
            }
        }
        (connection, frames, touched)
    }

    fn drawn(&self, log_end: usize, lang: Language) -> page::Connection {
        let listens = self.setup.hosts[1].program.iter().any(|line| line.trim() == "listen");
        let states = [State::Closed, if listens { State::Listen } else { State::Closed }];
        let ends = [0, 1].map(|host| End {
            name: said::host(host, lang).to_owned(),
            address: ENDS[host].to_string(),
            state: Some(states[host]),
            isn: self.setup.hosts[host].isn.filter(|_| self.sends_syn(host)).map(Seq::new),
        });
        let stands_for: BTreeMap<usize, usize> = self
            .injected
            .iter()
            .filter_map(|(place, injected)| match injected {
                Injected::Arrival { of } => Some((*place, *of)),
                Injected::Forged { .. } => None,
            })
            .collect();
        let injected = |place: usize| {
            let Some(Injected::Forged { deed }) = self.injected.get(&place) else { return String::new() };
            said::deed(&self.deeds[*deed], lang)
        };
        let said = |text: &str, step| said::call(text, step, lang);
        let drawing = Drawing { log_end, said: &said, injected: &injected, stands_for: &stands_for };
        let ladder = ladder(&self.world, self.hosts[0], ends, &drawing);
        let origin = ladder.steps.first().map_or(Instant::ZERO, Step::at);
        let mut connection = page::Connection::of_ladder(0, &ladder, lang);
        for (host, side) in [(0, Side::Left), (1, Side::Right)] {
            connection.measure(side, origin, &self.traces(host, log_end));
        }
        self.add_crashes(&mut connection, log_end, lang);
        connection
    }

    /// Whether a host counts from its initial number at all: one that only refuses has none.
    fn sends_syn(&self, host: usize) -> bool {
        self.world.log().iter().any(|entry| match entry.what {
            Happening::Departed { frame } if entry.host == self.hosts[host] => {
                self.world.segment(frame).is_some_and(|(facts, _)| facts.flags.syn())
            }
            _ => false,
        })
    }

    fn traces(&self, host: usize, log_end: usize) -> Vec<(Instant, tcp::Trace)> {
        let log = self.world.log().iter().take(log_end).filter(|entry| entry.host == self.hosts[host]);
        let traced = log.filter_map(|entry| match &entry.what {
            Happening::Traced(record) => Some((entry.at, record.trace)),
            _ => None,
        });
        traced.collect()
    }

    /// A host that loses its power moves along no arrow of the diagram.
    fn add_crashes(&self, connection: &mut page::Connection, log_end: usize, lang: Language) {
        for entry in self.world.log().iter().take(log_end) {
            if !matches!(&entry.what, Happening::Said(text) if text == "crash") {
                continue;
            }
            let side = u8::from(entry.host == self.hosts[1]);
            let to = State::Closed.name();
            let moved = Move {
                at: seconds(entry.at),
                side,
                to,
                on: words::text(lang, "tcp/crash").to_owned(),
                alone: true,
            };
            let place = connection.moves.partition_point(|before| before.at <= moved.at);
            let is_last = !connection.moves[place..].iter().any(|after| after.side == side);
            if is_last {
                connection.last_states[usize::from(side)] = Some(to);
            }
            connection.moves.insert(place, moved);
        }
    }

    /// The frame of each row of the ladder, by the rule by which [`report::ladder::Recorder`] makes rows.
    fn shown_frames(&self, log_end: usize) -> Vec<Shown> {
        let mut rows = Vec::new();
        // whether a frame that has departed can still arrive in its own row
        let mut is_open: BTreeMap<usize, bool> = BTreeMap::new();
        for entry in self.world.log().iter().take(log_end) {
            match entry.what {
                Happening::Departed { frame } if self.world.segment(frame).is_some() => {
                    is_open.insert(frame, true);
                    rows.push(Shown { place: frame, is_copy: false });
                }
                Happening::Arrived(arrived) if self.world.segment(arrived.frame).is_some() => {
                    let place = match self.injected.get(&arrived.frame) {
                        Some(Injected::Arrival { of }) => *of,
                        _ => arrived.frame,
                    };
                    let known = is_open.insert(place, false);
                    if known != Some(true) {
                        rows.push(Shown { place, is_copy: known.is_some() });
                    }
                }
                Happening::Lost { frame, .. } => {
                    let comes = self.injected.values().any(|why| *why == Injected::Arrival { of: frame });
                    if !comes && is_open.contains_key(&frame) {
                        is_open.insert(frame, false);
                    }
                }
                _ => {}
            }
        }
        rows
    }

    /// The number of each of the world's frames among those that hosts have sent.
    fn sent_numbers(&self) -> BTreeMap<usize, u32> {
        let places = 0..self.world.frames().len();
        places.filter(|place| !self.injected.contains_key(place)).zip(0..).collect()
    }
}
