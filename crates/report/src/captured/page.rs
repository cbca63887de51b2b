//! A capture as a page: connections, findings, and the segments that fit.

mod events;
mod facts;
mod findings;
mod limits;

use super::{States, left_and_right, remarks_told, seconds, section_words, start};
use crate::page::{Connection, Data, End, Family, Move, Note, Segment};
use crate::words::{self, Language};
use lens::{Analysis, Kept, Order};
use std::collections::BTreeMap;
use tcp::Instant;
use tcp::state::Cause;

/// The most segments that a page holds; the others are left out, and counted by connection. At about 100
/// bytes each with all that is told of them, a browser opens this many in a second or two.
pub const PAGE_SEGMENTS_MAX: usize = 200_000;

/// The most connections that a page holds. Each takes some 7 KB while the page is made: a scan of a million ports would not
/// fit into a browser.
pub const PAGE_CONNECTIONS_MAX: usize = 100_000;

/// The page of what the lens kept. Times count from the first frame of each connection.
///
/// `source` is the name of the file; the first [`PAGE_SEGMENTS_MAX`] segments are in the page. Its words are in this language.
pub fn page(kept: &Kept, source: &str, language: Language) -> Data {
    let mut connections: Vec<&lens::Connection> = kept.connections.iter().collect();
    connections.sort_by_key(|connection| connection.stream);
    let mut by_stream: BTreeMap<u32, Vec<&(lens::Segment, Analysis)>> = BTreeMap::new();
    for (count, pair) in kept.segments.iter().enumerate() {
        if count >= PAGE_SEGMENTS_MAX {
            break;
        }
        by_stream.entry(pair.1.stream).or_default().push(pair);
    }
    let mut notices: Vec<String> =
        kept.notices.iter().map(|notice| words::notice(notice, language)).collect();
    if kept.segments.len() > PAGE_SEGMENTS_MAX {
        notices.push(words::first_segments(PAGE_SEGMENTS_MAX as u64, language));
    }
    if kept.connections_left_out > 0 {
        let all = kept.connections.len() as u64 + kept.connections_left_out;
        notices.push(words::some_connections(kept.connections.len() as u64, all, language));
    }
    let none = Vec::new();
    let (groups, findings) = findings::groups(kept, language);
    Data {
        language,
        title: words::page_title(source, language),
        source: source.to_owned(),
        notices,
        connections: connections
            .into_iter()
            .map(|captured| connection(captured, by_stream.get(&captured.stream).unwrap_or(&none), language))
            .collect(),
        groups,
        findings,
    }
}

fn connection(
    captured: &lens::Connection,
    segments: &[&(lens::Segment, Analysis)],
    language: Language,
) -> Connection {
    let sides = left_and_right(captured);
    let origin = captured.first_time;
    let directions = sides.map(|side| captured.sent_by(side));
    let packets: u64 = directions.iter().map(|direction| u64::from(direction.packets)).sum();
    let mut page = Connection {
        stream: u64::from(captured.stream),
        ends: sides.map(|side| End { name: String::new(), address: captured.address(side).to_string() }),
        duration: captured.duration_ns() as f64 / 1e9,
        bytes: directions.map(|direction| direction.unique_bytes),
        story: story(captured, language),
        facts: facts::facts(directions, language),
        last_states: sides.map(|side| Some(captured.states[side.index()].name())),
        ending: words::ending(captured, language),
        round_trip: super::Figures::of(captured).rtt.map(|rtt| rtt.as_secs_f64()),
        again: directions.map(|direction| direction.retransmissions.total()),
        limited: directions.map(|direction| {
            let limited = direction.limited;
            [limited.application_ns, limited.network_ns, limited.receiver_ns, limited.sender_ns]
                .map(|ns| ns as f64 / 1e9)
        }),
        segments_left_out: packets.saturating_sub(segments.len() as u64),
        ..Connection::default()
    };
    let mut states = sides.map(|side| States::of(&captured.steps[side.index()]));
    let mut last = [None; 2];
    let mut strips = limits::Strips::of(captured);
    let mut events = events::Events::of(captured, language);
    for (segment, analysis) in segments {
        let from = usize::from(analysis.from != sides[0]);
        if let Some(text) = super::icmp(segment, analysis) {
            let (at, side) = (seconds(segment.time, origin), from as u8);
            page.notes.push(Note { at, side, kind: "trouble", text: words::note(&text, language) });
            continue;
        }
        strips.take(segment, analysis);
        events.take(segment, analysis);
        page.isn[from].get_or_insert((segment.seq - analysis.relative_seq).number());
        if segment.flags.ack() {
            page.isn[1 - from].get_or_insert((segment.ack - analysis.relative_ack).number());
        }
        if let Some(acked) = analysis.acked {
            page.rtt[1 - from].push((seconds(segment.time, origin), acked.rtt_ns as f64 / 1e9));
        }
        let after = [0, 1].map(|side| {
            let likely = analysis.ends[sides[side].index()].state;
            states[side].after(segment.frame).unwrap_or(likely)
        });
        // A page has the states of a row only where they change.
        let names = after.map(|state| Some(state.name()));
        let fresh = [0, 1].map(|side| names[side].filter(|_| names[side] != last[side]));
        last = names;
        page.segments.push(row((segment, analysis), fresh, sides, (origin, language)));
    }
    page.limits = sides.map(|side| strips.spans(side));
    (page.events, page.events_left_out) = events.finish();
    for (side, lens_side) in sides.into_iter().enumerate() {
        let steps: Vec<lens::Step> = captured.steps[lens_side.index()].iter().collect();
        let rows = steps.iter().filter_map(|step| step.row());
        let first = start(rows.clone(), captured.states[lens_side.index()]);
        page.first_states[side] = Some(first.name());
        page.moves.extend(steps.iter().filter_map(|step| {
            let row = step.row().filter(|row| row.on != Cause::PassiveOpen)?;
            Some(Move {
                at: seconds(step.time, origin),
                side: side as u8,
                to: row.to.name(),
                on: words::cause_in(row.on, &section_words(row.section), language),
                alone: false,
            })
        }));
    }
    page.moves.sort_by(|a, b| a.at.total_cmp(&b.at));
    page
}

fn row(
    (segment, analysis): (&lens::Segment, &Analysis),
    states: [Option<&'static str>; 2],
    sides: [lens::Side; 2],
    (origin, language): (Instant, Language),
) -> Segment {
    let why = &analysis.why;
    let is_copy = matches!(why.order, Order::CapturedTwice { .. });
    Segment {
        frame: u64::from(segment.frame),
        at: seconds(segment.time, origin),
        from: u8::from(analysis.from != sides[0]),
        flags: super::flags(segment, analysis),
        seq: segment.seq.number(),
        ack: segment.flags.ack().then(|| segment.ack.number()),
        len: segment.text_bytes,
        window: analysis.window_bytes,
        sack: segment
            .options
            .sack
            .as_slice()
            .iter()
            .map(|block| (block.left.number(), block.right.number()))
            .collect(),
        options: crate::flags::counters(segment.options.accurate_ecn).unwrap_or_default(),
        why: why.reason.name(),
        family: Family::of(why.reason).name(),
        reason: words::reason(why.reason, language).to_owned(),
        again: why.reason.is_retransmission(),
        fate: if is_copy { "stray" } else { "" },
        arrived: None,
        analysis: words::verdicts(analysis.verdicts, language).into_iter().map(str::to_owned).collect(),
        remarks: remarks_told(analysis, language),
        states,
    }
}

/// What limited the transfer comes first.
fn story(captured: &lens::Connection, language: Language) -> Vec<String> {
    let complete = words::completeness(captured.completeness, language).to_owned();
    let rest = [words::connection(captured, language), complete];
    words::limits(captured, language).into_iter().chain(rest).collect()
}
