//! A capture as a page: connections, findings, and the segments that fit.

use super::{States, left_and_right, remarks, seconds, section_words, start};
use crate::numbers;
use crate::page::{Connection, Data, End, Fact, Finding, Move, Note, Segment, Severity};
use crate::words::{self, Language};
use lens::{Analysis, Direction, Distribution, Kept, Order};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tcp::Instant;
use tcp::state::{Cause, State};

/// The most segments that a page holds; the others are left out, and counted by connection. At about 200
/// bytes each, a browser opens this many in a second or two.
pub const PAGE_SEGMENTS_MAX: usize = 200_000;

/// The page of what the lens kept. Times count from the first frame of each connection.
///
/// `source` is the name of the file; the first [`PAGE_SEGMENTS_MAX`] segments are in the page.
pub fn page(kept: &Kept, source: &str) -> Data {
    let mut connections: Vec<&lens::Connection> = kept.connections.iter().collect();
    connections.sort_by_key(|connection| connection.stream);
    let mut by_stream: BTreeMap<u32, Vec<&(lens::Segment, Analysis)>> = BTreeMap::new();
    for (count, pair) in kept.segments.iter().enumerate() {
        if count >= PAGE_SEGMENTS_MAX {
            break;
        }
        by_stream.entry(pair.1.stream).or_default().push(pair);
    }
    let mut notices: Vec<String> = kept.notices.iter().map(ToString::to_string).collect();
    if kept.segments.len() > PAGE_SEGMENTS_MAX {
        notices.push(format!(
            "The page holds the first {} segments; filter the capture to see others.",
            numbers::grouped(PAGE_SEGMENTS_MAX as u64)
        ));
    }
    let none = Vec::new();
    Data {
        title: format!("{source}: TCP connections"),
        source: source.to_owned(),
        notices,
        connections: connections
            .into_iter()
            .map(|captured| connection(captured, by_stream.get(&captured.stream).unwrap_or(&none)))
            .collect(),
        findings: kept.groups.iter().flat_map(findings).chain(in_groups(kept)).collect(),
    }
}

fn connection(captured: &lens::Connection, segments: &[&(lens::Segment, Analysis)]) -> Connection {
    let sides = left_and_right(captured);
    let origin = captured.first_time;
    let directions = sides.map(|side| captured.sent_by(side));
    let packets: u64 = directions.iter().map(|direction| u64::from(direction.packets)).sum();
    let mut page = Connection {
        stream: u64::from(captured.stream),
        ends: sides.map(|side| End { name: String::new(), address: captured.address(side).to_string() }),
        duration: captured.duration_ns() as f64 / 1e9,
        bytes: directions.map(|direction| direction.unique_bytes),
        story: story(captured),
        facts: facts(directions),
        segments_left_out: packets.saturating_sub(segments.len() as u64),
        ..Connection::default()
    };
    let mut states = sides.map(|side| States::of(&captured.steps[side.index()]));
    for (segment, analysis) in segments {
        let from = usize::from(analysis.from != sides[0]);
        if let Some(text) = super::icmp(segment, analysis) {
            let (at, side) = (seconds(segment.time, origin), from as u8);
            page.notes.push(Note { at, side, kind: "trouble", text });
            continue;
        }
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
        page.segments.push(row(segment, analysis, after, sides, origin));
    }
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
                on: format!("{} ({})", row.on.name(), section_words(row.section)),
                alone: false,
            })
        }));
    }
    page.moves.sort_by(|a, b| a.at.total_cmp(&b.at));
    page
}

fn row(
    segment: &lens::Segment,
    analysis: &Analysis,
    states: [State; 2],
    sides: [lens::Side; 2],
    origin: Instant,
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
        reason: why.reason.sentence().to_owned(),
        again: why.reason.is_retransmission(),
        fate: if is_copy { "stray" } else { "" },
        arrived: None,
        analysis: analysis.verdicts.names().map(str::to_owned).collect(),
        remarks: remarks(analysis),
        states: states.map(|state| Some(state.name())),
    }
}

fn finding(finding: &lens::Finding) -> Finding {
    Finding {
        stream: Some(u64::from(finding.stream())),
        severity: severity(finding.severity),
        text: words::finding(finding, Language::English),
        frames: finding.frames.iter().map(|frame| u64::from(*frame)).collect(),
        section: finding.section.map(section_words).unwrap_or_default(),
        in_group: false,
    }
}

/// A group of few is told one by one; of many the page names the first streams.
fn findings(group: &lens::FindingGroup) -> Vec<Finding> {
    if group.is_few() {
        return group.examples.iter().map(finding).collect();
    }
    let first = group.examples.first().map(finding).unwrap_or_default();
    let text = words::group(group, Language::English);
    vec![Finding { stream: None, severity: severity(group.severity), text, frames: Vec::new(), ..first }]
}

/// Those for which a group stands, for who looks at one connection.
fn in_groups(kept: &Kept) -> impl Iterator<Item = Finding> + '_ {
    let few = kept.groups.iter().filter(|group| group.is_few());
    let told: BTreeSet<_> =
        few.flat_map(|group| &group.examples).map(|told| (told.id, told.stream())).collect();
    let others = kept.findings.iter().filter(move |other| !told.contains(&(other.id, other.stream())));
    others.map(|other| Finding { in_group: true, ..finding(other) })
}

fn severity(severity: lens::Severity) -> Severity {
    match severity {
        lens::Severity::Info => Severity::Info,
        lens::Severity::Warning => Severity::Warning,
        // A problem, and whatever is worse.
        _ => Severity::Error,
    }
}

/// What limited the transfer comes first.
fn story(captured: &lens::Connection) -> Vec<String> {
    let rest = [captured.sentence(), captured.completeness.name().to_owned()];
    words::limits(captured, Language::English).into_iter().chain(rest).collect()
}

/// The numbers of both directions, with units.
fn facts(directions: [&Direction; 2]) -> Vec<Fact> {
    let line = |name: &str, value: fn(&Direction) -> String| Fact {
        name: name.to_owned(),
        values: directions.map(value),
    };
    vec![
        line("packets", |d| numbers::grouped(u64::from(d.packets))),
        line("bytes of text", |d| numbers::grouped(d.unique_bytes)),
        line("goodput", |d| {
            d.goodput_bytes_per_s.map_or_else(nothing, |bytes| numbers::rate(bytes as f64 * 8.0))
        }),
        line("round trip (min / median / p95)", |d| d.rtt.map_or_else(nothing, spread)),
        line("round trip by timestamps", |d| d.timestamp_rtt.map_or_else(nothing, spread)),
        line("most in flight", |d| numbers::bytes(u64::from(d.in_flight_bytes_max))),
        line("window offered", |d| {
            let inferred = if d.window_is_inferred { " (scale inferred)" } else { "" };
            format!("{}{inferred}", numbers::bytes(u64::from(d.window_bytes_max)))
        }),
        line("window closed for", |d| numbers::duration(Duration::from_nanos(d.zero_window_ns))),
        line("sent again", |d| numbers::grouped(u64::from(d.retransmissions.total()))),
        line("of these: timeout / fast / SACK / recovery / probe", |d| {
            let again = &d.retransmissions;
            format!(
                "{} / {} / {} / {} / {}",
                again.timeout, again.fast, again.sack, again.recovery, again.probe
            )
        }),
        line("lost path probes, sent again smaller", |d| numbers::grouped(u64::from(d.path_probes.lost))),
        line("round trips in which marks were told (ECN)", |d| {
            numbers::grouped(u64::from(d.marked.told.count))
        }),
        line("needless", |d| numbers::grouped(u64::from(d.retransmissions.spurious))),
        line("overtaken", |d| numbers::grouped(u64::from(d.reordered.count))),
        line("waited for application / network / receiver", |d| {
            [d.limited.application_ns, d.limited.network_ns, d.limited.receiver_ns]
                .map(|ns| numbers::duration(Duration::from_nanos(ns)))
                .join(" / ")
        }),
    ]
}

fn nothing() -> String {
    "-".to_owned()
}

fn spread(distribution: Distribution) -> String {
    [distribution.min_us, distribution.median_us, distribution.p95_us]
        .map(|us| numbers::duration(Duration::from_micros(u64::from(us))))
        .join(" / ")
}
