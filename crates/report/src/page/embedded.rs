//! The data as it stands in a page: what the lists show in one text, and the rest of each connection in a line of its
//! own, which the page reads when that connection is opened. A page of many connections opens without reading them all.

use super::packed::Packer;
use super::{Connection, Data, End, Event, Fact, Finding, FindingGroup, LimitSpan, Move, Note, Segment};
use serde::Serialize;

#[derive(Serialize)]
struct Listed<'a> {
    title: &'a str,
    source: &'a str,
    notices: &'a [String],
    connections: Vec<Summary<'a>>,
    groups: &'a [FindingGroup],
    findings: &'a [Finding],
}

/// What the table of connections shows.
#[derive(Serialize)]
struct Summary<'a> {
    stream: u64,
    ends: &'a [End; 2],
    duration: f64,
    bytes: &'a [u64; 2],
    last_states: &'a [Option<&'static str>; 2],
    #[serde(skip_serializing_if = "str::is_empty")]
    ending: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trip: Option<f64>,
    #[serde(skip_serializing_if = "is_nothing")]
    again: &'a [u32; 2],
    #[serde(skip_serializing_if = "is_nothing")]
    limited: &'a [[f64; 4]; 2],
}

/// Most connections of many send nothing again, and wait for nothing.
fn is_nothing<T: Default + PartialEq>(value: &&T) -> bool {
    **value == T::default()
}

/// What the view of one connection shows besides.
#[derive(Serialize)]
struct Detail<'a> {
    story: &'a [String],
    facts: &'a [Fact],
    isn: &'a [Option<u32>; 2],
    segments: &'a [Segment],
    segments_left_out: u64,
    first_states: &'a [Option<&'static str>; 2],
    moves: &'a [Move],
    notes: &'a [Note],
    rtt: &'a [Vec<(f64, f64)>; 2],
    cwnd: &'a [Vec<(f64, f64)>; 2],
    limits: &'a [Vec<LimitSpan>; 2],
    events: &'a [Event],
    events_left_out: u64,
}

/// Every field is in one of both; one that is added and forgotten here does not compile.
fn halves(connection: &Connection) -> (Summary<'_>, Detail<'_>) {
    let Connection {
        stream,
        ends,
        duration,
        bytes,
        story,
        facts,
        isn,
        segments,
        segments_left_out,
        first_states,
        moves,
        notes,
        rtt,
        cwnd,
        last_states,
        ending,
        round_trip,
        again,
        limited,
        limits,
        events,
        events_left_out,
    } = connection;
    let summary = Summary {
        stream: *stream,
        ends,
        duration: *duration,
        bytes,
        last_states,
        ending,
        round_trip: *round_trip,
        again,
        limited,
    };
    let detail = Detail {
        story,
        facts,
        isn,
        segments,
        segments_left_out: *segments_left_out,
        first_states,
        moves,
        notes,
        rtt,
        cwnd,
        limits,
        events,
        events_left_out: *events_left_out,
    };
    (summary, detail)
}

pub(super) fn json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("page data has string keys and no failing parts");
    // Only "<" can end a script element, and in JSON it is only in strings.
    json.replace('<', "\\u003c")
}

/// The text of the lists.
pub(super) fn listed(data: &Data) -> String {
    let Data { language: _, title, source, notices, connections, groups, findings } = data;
    let connections = connections.iter().map(|connection| halves(connection).0).collect();
    json(&Listed { title, source, notices, connections, groups, findings })
}

/// The tables that the lines share, and a line for each connection, in their order.
pub(super) fn details(data: &Data) -> String {
    let mut packer = Packer::default();
    let mut lines = String::new();
    for connection in &data.connections {
        let detail = serde_json::to_value(halves(connection).1);
        let detail = detail.expect("page data has string keys and no failing parts");
        let addresses = [0, 1].map(|end| connection.ends[end].address.as_str());
        lines.push('\n');
        lines += &packer.pack(&detail, addresses);
    }
    (packer.tables() + &lines).replace('<', "\\u003c")
}
