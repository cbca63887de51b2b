//! A captured connection as a ladder.

use super::{States, left_and_right, remarks, start};
use crate::ladder::{Arrival, End, Ladder, NoteKind, Remark, Segment, Side, Step};
use lens::{Analysis, Connection, Order};
use tcp::SegmentFacts;
use tcp::state::State;
use wire::Seq;

/// The ladder of a connection, from the segments of its stream; others are left out.
///
/// States are those of [`Connection::steps`], which take later segments into account: when FINs cross, the row
/// of the first does not show its receiver in CLOSE-WAIT. If the capture does not show whether the last state
/// change of an end took place, a remark says so. An ICMP error is a note at the end that it is sent to.
pub fn ladder(connection: &Connection, segments: &[(lens::Segment, Analysis)]) -> Ladder {
    let sides = left_and_right(connection);
    let ends = [Side::Left, Side::Right]
        .map(|side| End { name: connection.address(sides[side.index()]).to_string(), ..End::default() });
    let [left, right] = ends;
    let mut ladder = Ladder::between(left, right);
    let mut states = sides.map(|side| States::of(&connection.steps[side.index()]));
    for (segment, analysis) in segments.iter().filter(|(_, analysis)| analysis.stream == connection.stream) {
        let from = if analysis.from == sides[0] { Side::Left } else { Side::Right };
        if let Some(text) = super::icmp(segment, analysis) {
            let (at, kind) = (segment.time, NoteKind::Trouble);
            ladder.steps.push(Step::Note { at, side: from, kind, text, cause: None });
            continue;
        }
        learn_start(&mut ladder, from, segment, analysis, sides);
        ladder.steps.push(Step::Segment(row(from, segment, analysis, sides, &mut states)));
    }
    for side in [Side::Left, Side::Right] {
        if let Some(other) = connection.states_or_else[sides[side.index()].index()] {
            remark_doubt(&mut ladder, side, other);
        }
    }
    ladder
}

/// Adds a remark to the last state change of an end: the end may have stayed in the state `other`.
fn remark_doubt(ladder: &mut Ladder, side: Side, other: State) {
    let of_side = |step: &Step| match step {
        Step::Segment(segment) => segment.states[side.index()],
        _ => None,
    };
    let last = ladder.steps.iter().filter_map(of_side).next_back();
    let after = ladder.steps.iter().rposition(|step| of_side(step) != last).map_or(0, |before| before + 1);
    let name = ladder.ends[side.index()].name.clone();
    if let Some(Step::Segment(segment)) = ladder.steps.get_mut(after) {
        segment.remarks.push(Remark::MayStillBeIn { end: name, state: other });
    }
}

/// Sets initial sequence numbers and states from the first segment that shows them.
fn learn_start(
    ladder: &mut Ladder,
    from: Side,
    segment: &lens::Segment,
    analysis: &Analysis,
    sides: [lens::Side; 2],
) {
    let base = |number: Seq, relative: u32| number - relative;
    ladder.ends[from.index()].isn.get_or_insert(base(segment.seq, analysis.relative_seq));
    if segment.flags.ack() {
        let isn = base(segment.ack, analysis.relative_ack);
        ladder.ends[from.other().index()].isn.get_or_insert(isn);
    }
    for side in [0, 1] {
        let end = &analysis.ends[sides[side].index()];
        ladder.ends[side].state.get_or_insert(start(end.moves.iter(), end.state));
    }
}

fn row(
    from: Side,
    segment: &lens::Segment,
    analysis: &Analysis,
    sides: [lens::Side; 2],
    states: &mut [States; 2],
) -> Segment {
    let is_copy = matches!(analysis.why.order, Order::CapturedTwice { .. });
    let mut remarks = remarks(analysis);
    if !analysis.verdicts.is_empty() {
        remarks.push(Remark::Verdicts(analysis.verdicts));
    }
    Segment {
        at: segment.time,
        from,
        facts: SegmentFacts {
            seq: segment.seq,
            ack: segment.ack,
            flags: segment.flags,
            len_bytes: segment.text_bytes,
            window_bytes: analysis.window_bytes,
        },
        ace: analysis.ecn.ace(),
        options: crate::flags::counters(segment.options.accurate_ecn),
        arrival: if is_copy { Arrival::Stray } else { Arrival::Seen },
        arrives_before: None,
        why: Some(analysis.why.reason),
        remarks,
        states: [0, 1].map(|side| {
            let likely = analysis.ends[sides[side].index()].state;
            Some(states[side].after(segment.frame).unwrap_or(likely))
        }),
        frame: Some(u64::from(segment.frame)),
    }
}
