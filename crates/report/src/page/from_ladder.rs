//! A ladder as a connection of the page, so that a live run or a simulation has a page as well.

use super::{Connection, End, Fact, Family, Move, Note, Segment};
use crate::ladder::{Arrival, Ladder, NoteKind, Side, Step};
use crate::numbers;
use crate::words::{self, Label, Language};
use tcp::state::State;
use tcp::{Instant, Trace};

/// The most segments that go into a page: about 20 MB of text.
pub(super) const SEGMENTS_MAX: usize = 100_000;

fn seconds(at: Instant, origin: Instant) -> f64 {
    at.since(origin).as_nanos() as f64 / 1e9
}

impl Connection {
    /// The connection that a ladder shows, in words of this language. Times count from the ladder's first step; it gets at
    /// most 100,000 segments.
    pub fn of_ladder(stream: u64, ladder: &Ladder, language: Language) -> Connection {
        let origin = ladder.steps.first().map_or(Instant::ZERO, Step::at);
        let last = ladder.steps.last().map_or(origin, Step::at);
        let story = ladder.story();
        let mut connection = Connection {
            stream,
            ends: ladder.ends.clone().map(|end| End { name: end.name, address: end.address }),
            duration: seconds(last, origin),
            bytes: story.sent_bytes,
            story: ladder.story_lines(language),
            isn: [0, 1].map(|side| ladder.ends[side].isn.map(|isn| isn.number())),
            first_states: [0, 1].map(|side| ladder.ends[side].state.map(State::name)),
            ..Connection::default()
        };
        let again = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        connection.again = story.retransmitted.map(again);
        let mut told =
            Told { origin, language, now: [ladder.ends[0].state, ladder.ends[1].state], packets: [0; 2] };
        for step in &ladder.steps {
            connection.add_step(step, &mut told);
        }
        connection.moves.sort_by(|a, b| a.at.total_cmp(&b.at));
        // the last in time: segments that cross each other stand in the order in which they left
        let moves = &connection.moves;
        let last = |side: u8| moves.iter().rfind(|moved| moved.side == side).map(|moved| moved.to);
        connection.last_states = [0, 1].map(|side| last(side as u8).or(connection.first_states[side]));
        let facts = [
            (Label::FactSegments, told.packets),
            (Label::FactBytes, story.sent_bytes),
            (Label::FactLost, story.lost),
            (Label::FactAgain, story.retransmitted),
        ];
        let fact = |(name, values): (Label, [u64; 2])| Fact {
            name: words::label(name, language).to_owned(),
            values: values.map(numbers::grouped),
        };
        connection.facts = facts.into_iter().map(fact).collect();
        connection
    }

    /// Adds what the traces of one end measured: round-trip times and congestion windows.
    ///
    /// `origin` is the time of the ladder's first step.
    pub fn measure(&mut self, side: Side, origin: Instant, traces: &[(Instant, Trace)]) {
        for (at, trace) in traces {
            let at = seconds(*at, origin);
            match trace {
                Trace::RttSample { rtt_us, .. } => {
                    self.rtt[side.index()].push((at, f64::from(*rtt_us) / 1e6));
                }
                Trace::Congestion { cwnd_bytes, .. } => {
                    self.cwnd[side.index()].push((at, f64::from(*cwnd_bytes)));
                }
                _ => {}
            }
        }
    }

    fn add_step(&mut self, step: &Step, told: &mut Told) {
        let (origin, language) = (told.origin, told.language);
        let at = seconds(step.at(), origin);
        match step {
            Step::Note { side, kind, text, .. } => {
                let kind = match kind {
                    NoteKind::Call => "call",
                    NoteKind::Timer => "timer",
                    NoteKind::Undo => "undo",
                    NoteKind::Phase => "phase",
                    NoteKind::Trouble => "trouble",
                };
                self.notes.push(Note {
                    at,
                    side: side.index() as u8,
                    kind,
                    text: words::note(text, language),
                });
            }
            Step::Moved { side, to, on, .. } => {
                told.now[side.index()] = Some(*to);
                let on = words::cause(*on, language).to_owned();
                let side = side.index() as u8;
                self.moves.push(Move { at, side, to: to.name(), on, alone: true });
            }
            Step::Segment(segment) => {
                told.packets[segment.from.index()] += 1;
                self.add_moves(segment, told);
                if self.segments.len() < SEGMENTS_MAX {
                    self.segments.push(row(segment, origin, language));
                } else {
                    self.segments_left_out += 1;
                }
            }
        }
    }

    fn add_moves(&mut self, segment: &crate::ladder::Segment, told: &mut Told) {
        for side in [segment.from, segment.from.other()] {
            let Some(to) = segment.states[side.index()] else { continue };
            if told.now[side.index()].replace(to) == Some(to) {
                continue;
            }
            let at = match segment.arrival {
                Arrival::Delivered { at } if side != segment.from => at,
                _ => segment.at,
            };
            let on = words::passed(side == segment.from, &segment.facts.flags.to_string(), told.language);
            let at = seconds(at, told.origin);
            self.moves.push(Move { at, side: side.index() as u8, to: to.name(), on, alone: false });
        }
    }
}

/// What is known while the steps of a ladder are told.
struct Told {
    origin: Instant,
    language: Language,
    /// The states of both ends.
    now: [Option<State>; 2],
    /// Segments, by their sender.
    packets: [u64; 2],
}

fn row(segment: &crate::ladder::Segment, origin: Instant, language: Language) -> Segment {
    let facts = &segment.facts;
    let (fate, arrived) = match segment.arrival {
        Arrival::Seen => ("", None),
        Arrival::Delivered { at } => ("", Some(seconds(at, origin))),
        Arrival::Lost => ("lost", None),
        Arrival::InFlight => ("in_flight", None),
        Arrival::Stray => ("stray", None),
    };
    Segment {
        frame: segment.frame.unwrap_or(0),
        at: seconds(segment.at, origin),
        from: segment.from.index() as u8,
        flags: crate::flags::text(facts.flags, segment.ace),
        seq: facts.seq.number(),
        ack: facts.flags.ack().then(|| facts.ack.number()),
        len: facts.len_bytes,
        window: facts.window_bytes,
        sack: Vec::new(),
        options: segment.options.clone().unwrap_or_default(),
        why: segment.why.map_or("", |why| why.name()),
        family: segment.why.map_or("", |why| Family::of(why).name()),
        reason: segment.why.map_or(String::new(), |why| words::reason(why, language).to_owned()),
        again: segment.why.is_some_and(|why| why.is_retransmission()),
        fate,
        arrived,
        analysis: Vec::new(),
        remarks: segment.remarks.iter().map(|remark| words::remark(remark, language)).collect(),
        states: segment.states.map(|state| state.map(State::name)),
    }
}
