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
use sim::{Entry, Happening};
use std::collections::BTreeMap;
use tcp::{Instant, State};
use wire::Seq;

/// How a program says that `listen` has failed.
const LISTEN_FAILS: &str = "listen fails";

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
        let ends = [0, 1].map(|host| End {
            name: said::host(host, lang).to_owned(),
            address: ENDS[host].to_string(),
            state: Some(if self.listens_at_once(host) { State::Listen } else { State::Closed }),
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
        self.add_calls(&mut connection, log_end, lang);
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

    /// The calls of `listen` that succeed, by their places in the log.
    fn listens(&self, host: usize) -> impl Iterator<Item = usize> {
        let said = move |entry: &Entry| match &entry.what {
            Happening::Said(text) if entry.host == self.hosts[host] => Some(text.clone()),
            _ => None,
        };
        let log = self.world.log();
        (0..log.len()).filter(move |place| {
            let fails =
                || log[place + 1..].iter().find_map(said).is_some_and(|next| next.starts_with(LISTEN_FAILS));
            said(&log[*place]).is_some_and(|text| text == "listen") && !fails()
        })
    }

    /// A host listens before anything else happens to it: it is shown so from the beginning.
    fn listens_at_once(&self, host: usize) -> bool {
        let first = self.world.log().iter().position(|entry| entry.host == self.hosts[host]);
        first.is_some_and(|first| self.world.log()[first].at == Instant::ZERO)
            && self.listens(host).next() == first
    }

    /// A host that loses its power, or begins to listen, moves along no arrow that a connection takes.
    fn add_calls(&self, connection: &mut page::Connection, log_end: usize, lang: Language) {
        // the first one is shown from the beginning, where nothing comes before it
        let listens = [0, 1]
            .map(|host| self.listens(host).skip(usize::from(self.listens_at_once(host))).collect::<Vec<_>>());
        for (logged, entry) in self.world.log().iter().enumerate().take(log_end) {
            let Happening::Said(text) = &entry.what else { continue };
            let side = u8::from(entry.host == self.hosts[1]);
            let at = seconds(entry.at);
            let place = connection.moves.partition_point(|before| before.at <= at);
            let before = connection.moves[..place].iter().rfind(|before| before.side == side);
            let before = before.map_or(connection.first_states[usize::from(side)], |before| Some(before.to));
            let (to, on) = match text.as_str() {
                "crash" => (State::Closed.name(), words::text(lang, "tcp/crash")),
                "listen" if listens[usize::from(side)].contains(&logged) => {
                    (State::Listen.name(), text.as_str())
                }
                _ => continue,
            };
            if to == State::Listen.name() && before != Some(State::Closed.name()) {
                continue;
            }
            let is_last = !connection.moves[place..].iter().any(|after| after.side == side);
            if is_last {
                connection.last_states[usize::from(side)] = Some(to);
            }
            connection.moves.insert(place, Move { at, side, to, on: on.to_owned(), alone: true });
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
                    if let Some(open) = is_open.get_mut(&frame) {
                        *open = false;
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
