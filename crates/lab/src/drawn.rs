//! The ladder of a world of two hosts: what both programs said, and what became of each frame.

use report::ladder::{End, FrameArrival, Ladder, NoteKind, Recorder, Side};
use sim::{Happening, HostId, Origin, World};
use std::collections::BTreeMap;
use tcp::SegmentFacts;

/// The calls whose return is a step of the handshake, as programs say it.
const CONNECT_RETURNS: &str = "connect returns";
const ACCEPT_RETURNS: &str = "accept returns";

/// The step of the handshake that a call waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeStep {
    /// The SYN,ACK: `connect` returns.
    Second,
    /// The ACK of it: `accept` returns.
    Third,
    /// The same, if the plain ACK is lost or late: a segment with data acknowledges too.
    ThirdWithData,
}

/// How a world is drawn: in which words, and how much of it.
pub struct Drawing<'a> {
    /// So many entries of the world's log.
    pub log_end: usize,
    /// What a program said, with the step that it waited for, in words for people.
    pub said: &'a dyn Fn(&str, Option<HandshakeStep>) -> String,
    /// The note at a segment that no host has sent, by its number among the world's frames.
    pub injected: &'a dyn Fn(usize) -> String,
    /// Injected frames that are the arrival of another one, which was held back.
    pub stands_for: &'a BTreeMap<usize, usize>,
}

impl std::fmt::Debug for Drawing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drawing").field("log_end", &self.log_end).finish_non_exhaustive()
    }
}

static NOTHING: BTreeMap<usize, usize> = BTreeMap::new();

impl Default for Drawing<'_> {
    /// All of it, in English.
    fn default() -> Self {
        Drawing {
            log_end: usize::MAX,
            said: &in_english,
            injected: &|_| "a segment that no host has sent".to_owned(),
            stands_for: &NOTHING,
        }
    }
}

fn in_english(said: &str, step: Option<HandshakeStep>) -> String {
    match step {
        None => said.to_owned(),
        Some(HandshakeStep::Second) => format!("{said}: second step"),
        Some(HandshakeStep::Third) => format!("{said}: third step"),
        Some(HandshakeStep::ThirdWithData) => format!("{said}: third step, an ACK with data"),
    }
}

/// Draws a world; the left one of its two hosts is `left`.
///
/// A call that returns stands under the segment that it waited for: `connect` under the second step of the handshake,
/// `accept` under the third.
pub fn ladder(world: &World, left: HostId, ends: [End; 2], drawing: &Drawing<'_>) -> Ladder {
    let [left_end, right_end] = ends;
    let mut recorder = Recorder::new(left_end, right_end);
    let stands_for = drawing.stands_for;
    // each arrival has a number of its own: those that the frame has by itself come first
    let arrival = |sim::FrameArrival { frame, arrival }| match stands_for.get(&frame) {
        None => FrameArrival { frame, arrival },
        Some(of) => {
            let before = stands_for.range(..frame).filter(|(_, other)| *other == of).count();
            let own = world.frames()[*of].arrivals.len();
            FrameArrival { frame: *of, arrival: own + before + arrival }
        }
    };
    // who has sent a SYN,ACK: its own `connect` ends with no second step, because two SYNs have crossed
    let mut has_agreed = [false; 2];
    for entry in world.log().iter().take(drawing.log_end) {
        let side = if entry.host == left { Side::Left } else { Side::Right };
        let cause = entry.cause.map(arrival);
        match &entry.what {
            Happening::Traced(record) => recorder.record(entry.at, side, &record.trace, cause),
            Happening::Said(text) => {
                let caused_by = entry.cause.and_then(|cause| Some(world.segment(cause.frame)?.0));
                let has_waited = caused_by.is_some() && matches!(&text[..], CONNECT_RETURNS | ACCEPT_RETURNS);
                let step =
                    caused_by.and_then(|caused_by| step_of(text, caused_by, has_agreed[side as usize]));
                // one that begins stands above the segments that it sends
                recorder.call(entry.at, side, &(drawing.said)(text, step), cause.filter(|_| has_waited));
            }
            Happening::Departed { frame } => {
                if let Some((facts, why)) = world.segment(*frame) {
                    has_agreed[side as usize] |= facts.flags.syn() && facts.flags.ack();
                    recorder.departs(entry.at, side, *frame, facts, why);
                }
            }
            Happening::Arrived(arrived) => {
                let Some((facts, _)) = world.segment(arrived.frame) else { continue };
                let is_forged = world.frames()[arrived.frame].origin == Origin::Injected
                    && !stands_for.contains_key(&arrived.frame);
                if is_forged {
                    let text = (drawing.injected)(arrived.frame);
                    recorder.note(entry.at, side, NoteKind::Trouble, text, None);
                }
                recorder.arrives(entry.at, side, arrival(*arrived), facts);
            }
            Happening::Lost { frame, .. } => recorder.lost(*frame),
            other => recorder.note(entry.at, side, NoteKind::Trouble, format!("{other:?}"), None),
        }
    }
    recorder.finish()
}

/// The step of the handshake that a call waited for, if `arrived` ended its wait.
fn step_of(said: &str, arrived: SegmentFacts, has_agreed: bool) -> Option<HandshakeStep> {
    match said {
        CONNECT_RETURNS if has_agreed => None,
        CONNECT_RETURNS => Some(HandshakeStep::Second),
        ACCEPT_RETURNS if arrived.len_bytes > 0 => Some(HandshakeStep::ThirdWithData),
        ACCEPT_RETURNS => Some(HandshakeStep::Third),
        _ => None,
    }
}
