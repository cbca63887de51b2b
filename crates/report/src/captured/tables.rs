//! Connections and findings as tables.

use super::{left_and_right, section_words};
use crate::tables::{Cell, Column, Table};
use lens::{Connection, Finding};
use std::time::Duration;

/// One line for each connection, the end that opened as the client; sort it by any column.
pub fn connections(connections: &[Connection]) -> Table {
    let mut table = Table::new(vec![
        Column::numbers("stream"),
        Column::words("client"),
        Column::words("server"),
        Column::numbers("packets"),
        Column::numbers("sent"),
        Column::numbers("received"),
        Column::numbers("time"),
        Column::numbers("RTT"),
        Column::numbers("again"),
        Column::words("end"),
    ]);
    for connection in connections {
        let [left, right] = left_and_right(connection);
        let (there, back) = (connection.sent_by(left), connection.sent_by(right));
        let rtt = there.rtt.or(back.rtt).map(|rtt| Duration::from_micros(u64::from(rtt.median_us)));
        let rtt = connection.initial_rtt_ns.map(Duration::from_nanos).or(rtt);
        let again = there.retransmissions.total() + back.retransmissions.total();
        table.push(vec![
            Cell::number(u64::from(connection.stream)),
            Cell::text(connection.address(left).to_string()),
            Cell::text(connection.address(right).to_string()),
            Cell::number(u64::from(there.packets) + u64::from(back.packets)),
            Cell::bytes(there.unique_bytes),
            Cell::bytes(back.unique_bytes),
            Cell::duration(Duration::from_nanos(connection.duration_ns())),
            rtt.map_or_else(Cell::none, Cell::duration),
            Cell::number(u64::from(again)),
            Cell::text(ending(connection)),
        ]);
    }
    table
}

/// How it ended, without addresses: `server closed first`. The client is the end that opened.
fn ending(connection: &Connection) -> String {
    let [left, _] = left_and_right(connection);
    let name = |side| if side == left { "client" } else { "server" };
    if connection.handshake.refused.is_some() {
        return "server refused".to_owned();
    }
    if let Some(reset) = connection.close.reset {
        return format!("{} reset", name(reset.by));
    }
    match connection.close.first {
        Some(_) if connection.close.is_simultaneous => "both closed at once".to_owned(),
        Some(side) => format!("{} closed first", name(side)),
        None => "still open".to_owned(),
    }
}

/// One line for each finding, in the order given.
pub fn findings(findings: &[Finding]) -> Table {
    let mut table = Table::new(vec![
        Column::names("severity"),
        Column::numbers("stream"),
        Column::sentences("finding"),
        Column::words("frames"),
        Column::names("section"),
    ]);
    for finding in findings {
        let frames: Vec<String> = finding.frames.iter().take(4).map(ToString::to_string).collect();
        let more = if finding.frames.len() > 4 { " ..." } else { "" };
        table.push(vec![
            Cell::text(finding.severity.name()),
            Cell::number(u64::from(finding.stream)),
            Cell::text(finding.sentence.clone()),
            Cell::text(format!("{}{more}", frames.join(" "))),
            Cell::text(finding.section.map(section_words).unwrap_or_default()),
        ]);
    }
    table
}
