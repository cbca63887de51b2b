//! From a world's log to a ladder, for tests to look at and to print when they fail.
#![allow(dead_code, reason = "each test uses its own part")]

use report::Style;
use report::ladder::{End, Ladder, Options, Recorder, Side};
use stack::Flow;
use synfin_sim::{Happening, HostId, World};
use tcp::{SegmentFacts, State};

/// The ladder of one connection, or of all between two hosts if `flow` is none.
pub(crate) fn ladder(world: &World, left: HostId, right: HostId, flow: Option<Flow>) -> Ladder {
    let end = |host: HostId, state| End {
        name: world.name(host).to_owned(),
        address: world.addresses(host).first().map(ToString::to_string).unwrap_or_default(),
        state: Some(state),
        isn: None,
    };
    let mut recorder = Recorder::bounded(end(left, State::Closed), end(right, State::Listen), 4_000);
    for entry in world.log() {
        let side = if entry.host == left { Side::Left } else { Side::Right };
        match &entry.what {
            Happening::Traced(record) if flow.is_none_or(|flow| is_of(flow, record.flow)) => {
                recorder.record(entry.at, side, &record.trace);
            }
            Happening::Said(text) => recorder.call(entry.at, side, text),
            Happening::Lost { frame, .. } => {
                if let Some(facts) = facts(world, *frame) {
                    recorder.lost(side, &facts);
                }
            }
            _ => {}
        }
    }
    recorder.finish()
}

pub(crate) fn text(world: &World, left: HostId, right: HostId, flow: Option<Flow>) -> String {
    let options = Options { fold_over: Some(12), ..Options::default() };
    ladder(world, left, right, flow).text(&options, &Style::PLAIN)
}

fn is_of(wanted: Flow, seen: Flow) -> bool {
    wanted == seen || (wanted.local == seen.remote && wanted.remote == seen.local)
}

fn facts(world: &World, frame: usize) -> Option<SegmentFacts> {
    let record = &world.frames()[frame];
    let (header, text) = record.tcp()?;
    Some(SegmentFacts {
        seq: header.seq,
        ack: header.ack,
        flags: header.flags,
        len_bytes: text as u32,
        window_bytes: u32::from(header.window),
    })
}
