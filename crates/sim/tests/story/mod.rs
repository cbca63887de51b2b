//! From a world's log to a ladder, for tests to look at and to print when they fail.
#![allow(dead_code, reason = "each test uses its own part")]

use report::Style;
use report::ladder::{self, End, Ladder, Options, Recorder, Side};
use stack::Flow;
use synfin_sim::{FrameArrival, Happening, HostId, World};
use tcp::State;
use wire::tcp::Header;

/// The ladder of one connection, or of all between two hosts if `flow` is none.
pub(crate) fn ladder(world: &World, left: HostId, right: HostId, flow: Option<Flow>) -> Ladder {
    let end = |host: HostId, state| End {
        name: world.name(host).to_owned(),
        address: world.addresses(host).first().map(ToString::to_string).unwrap_or_default(),
        state: Some(state),
        isn: None,
    };
    let mut recorder = Recorder::bounded(end(left, State::Closed), end(right, State::Listen), 40_000);
    let arrival = |FrameArrival { frame, arrival }| ladder::FrameArrival { frame, arrival };
    // Of other connections between the two, neither what they say nor their frames.
    let is_wanted = |frame: usize| {
        flow.is_none_or(|flow| {
            world.frames()[frame].tcp().is_some_and(|(header, _)| is_frame_of(flow, &header))
        })
    };
    for entry in world.log() {
        let side = if entry.host == left { Side::Left } else { Side::Right };
        let cause = entry.cause.map(arrival);
        match &entry.what {
            Happening::Traced(record) if flow.is_none_or(|flow| is_of(flow, record.flow)) => {
                recorder.record(entry.at, side, &record.trace, cause);
            }
            Happening::Said(text) => recorder.call(entry.at, side, text, cause),
            Happening::Departed { frame } if is_wanted(*frame) => {
                if let Some((facts, why)) = world.segment(*frame) {
                    recorder.departs(entry.at, side, *frame, facts, why);
                }
            }
            Happening::Arrived(arrived) if is_wanted(arrived.frame) => {
                if let Some((facts, _)) = world.segment(arrived.frame) {
                    recorder.arrives(entry.at, side, arrival(*arrived), facts);
                }
            }
            Happening::Lost { frame, .. } => recorder.lost(*frame),
            // What is of other connections.
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

fn is_frame_of(wanted: Flow, header: &Header) -> bool {
    let ports = [header.source_port, header.destination_port];
    let of = [wanted.local.port(), wanted.remote.port()];
    ports == of || ports == [of[1], of[0]]
}
