//! The ladder of a world of two hosts: what both programs said, and what became of each frame.

use report::ladder::{End, FrameArrival, Ladder, NoteKind, Recorder, Side};
use sim::{Happening, HostId, Origin, World};
use tcp::SegmentFacts;

/// The calls whose return is a step of the handshake, as programs say it.
const CONNECT_RETURNS: &str = "connect returns";
const ACCEPT_RETURNS: &str = "accept returns";

/// Draws the first `log_end` entries of a world's log; the left one of its two hosts is `left`.
///
/// A call that returns stands under the segment that it waited for: `connect` under the second step of the handshake,
/// `accept` under the third. `injected` is the note at a segment that no host has sent.
pub fn ladder(world: &World, left: HostId, ends: [End; 2], log_end: usize, injected: &str) -> Ladder {
    let [left_end, right_end] = ends;
    let mut recorder = Recorder::new(left_end, right_end);
    let arrival = |sim::FrameArrival { frame, arrival }| FrameArrival { frame, arrival };
    for entry in world.log().iter().take(log_end) {
        let side = if entry.host == left { Side::Left } else { Side::Right };
        let cause = entry.cause.map(arrival);
        match &entry.what {
            Happening::Traced(record) => recorder.record(entry.at, side, &record.trace, cause),
            Happening::Said(text) => {
                let step = cause.and_then(|cause| step_of(text, world.segment(cause.frame)?.0));
                let text = format!("{text}{}", step.unwrap_or_default());
                // one that begins stands above the segments that it sends
                recorder.call(entry.at, side, &text, cause.filter(|_| step.is_some()));
            }
            Happening::Departed { frame } => {
                if let Some((facts, why)) = world.segment(*frame) {
                    recorder.departs(entry.at, side, *frame, facts, why);
                }
            }
            Happening::Arrived(arrived) => {
                let Some((facts, _)) = world.segment(arrived.frame) else { continue };
                if world.frames()[arrived.frame].origin == Origin::Injected {
                    recorder.note(entry.at, side, NoteKind::Trouble, injected, None);
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
fn step_of(said: &str, arrived: SegmentFacts) -> Option<&'static str> {
    match said {
        CONNECT_RETURNS => Some(": second step"),
        // If the plain ACK is lost or late, a segment with data is the third step: it acknowledges too.
        ACCEPT_RETURNS if arrived.len_bytes > 0 => Some(": third step, an ACK with data"),
        ACCEPT_RETURNS => Some(": third step"),
        _ => None,
    }
}
