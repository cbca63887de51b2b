//! Connections and findings as tables.

use super::{left_and_right, section_words};
use crate::tables::{Cell, Column, Table};
use crate::words::{self, Label, Language};
use lens::{Connection, Finding, FindingGroup};
use std::cmp::Reverse;
use std::time::Duration;

/// The most frames that the line of a finding lists: enough to find the place.
const FRAMES_SHOWN: usize = 4;

/// The numbers of a connection that its line in the table shows, and may be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Its number.
    pub stream: u32,
    /// Frames of both ends.
    pub packets: u64,
    /// Bytes from the end that opened.
    pub sent_bytes: u64,
    /// Bytes from the other end.
    pub received_bytes: u64,
    /// From the first frame to the last.
    pub time: Duration,
    /// The round trip of the handshake, or else the median; `None` if none was measured.
    pub rtt: Option<Duration>,
    /// Retransmissions by both ends.
    pub again: u32,
}

impl Figures {
    /// The numbers of this connection.
    pub fn of(connection: &Connection) -> Figures {
        let [there, back] = left_and_right(connection).map(|side| connection.sent_by(side));
        let rtt = there.rtt.or(back.rtt).map(|rtt| Duration::from_micros(u64::from(rtt.median_us)));
        Figures {
            stream: connection.stream,
            packets: u64::from(there.packets) + u64::from(back.packets),
            sent_bytes: there.unique_bytes,
            received_bytes: back.unique_bytes,
            time: Duration::from_nanos(connection.duration_ns()),
            rtt: connection.initial_rtt_ns.map(Duration::from_nanos).or(rtt),
            again: there.retransmissions.total() + back.retransmissions.total(),
        }
    }
}

/// One row for each connection; the client is the end that opened.
pub fn connections<'a>(connections: impl IntoIterator<Item = &'a Connection>, language: Language) -> Table {
    let title = |label| words::label(label, language);
    let mut table = Table::new(vec![
        Column::numbers(title(Label::Stream)),
        Column::addresses(title(Label::Client)),
        Column::addresses(title(Label::Server)),
        Column::numbers(title(Label::Packets)).going(1),
        Column::numbers(title(Label::Sent)).going(3),
        Column::numbers(title(Label::Received)).going(2),
        Column::numbers(title(Label::Time)).going(4),
        Column::numbers(title(Label::Rtt)).going(5),
        Column::numbers(title(Label::Again)).going(6),
        Column::names(title(Label::End)).going(7),
    ])
    .in_language(language);
    for connection in connections {
        let [left, right] = left_and_right(connection);
        let figures = Figures::of(connection);
        table.push(vec![
            Cell::number(u64::from(figures.stream)),
            Cell::address(connection.address(left)),
            Cell::address(connection.address(right)),
            Cell::number(figures.packets),
            Cell::bytes(figures.sent_bytes),
            Cell::bytes(figures.received_bytes),
            Cell::duration(figures.time),
            figures.rtt.map_or_else(Cell::none, Cell::duration),
            Cell::number(u64::from(figures.again)),
            Cell::text(words::ending(connection, language)),
        ]);
    }
    table
}

/// One row for each finding, the most serious first; findings of equal severity keep their order.
pub fn findings(findings: &[Finding], language: Language) -> Table {
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    let mut table = findings_table(language);
    findings.into_iter().for_each(|finding| table.push(row(finding, language)));
    table
}

/// One row for each group, the most serious first; a group of few is told one by one. At most `rows_max` rows: the
/// second value says how many findings the others stand for.
pub fn groups(groups: &[FindingGroup], rows_max: usize, language: Language) -> (Table, u64) {
    let mut table = findings_table(language);
    let mut left_out = 0;
    for group in groups {
        if group.is_few() {
            for finding in &group.examples {
                match table.len() < rows_max {
                    true => table.push(row(finding, language)),
                    false => left_out += 1,
                }
            }
        } else if table.len() < rows_max {
            table.push(row_of(group, language));
        } else {
            left_out += group.count;
        }
    }
    (table, left_out)
}

fn findings_table(language: Language) -> Table {
    let title = |label| words::label(label, language);
    Table::new(vec![
        Column::names(title(Label::Severity)),
        Column::numbers(title(Label::Stream)),
        Column::sentences(title(Label::Finding)),
        Column::words(title(Label::Frames)).going(2),
        Column::names(title(Label::Section)).going(1),
    ])
    .in_language(language)
}

fn row(finding: &Finding, language: Language) -> Vec<Cell> {
    vec![
        Cell::text(words::severity(finding.severity, language)),
        Cell::number(u64::from(finding.stream())),
        Cell::text(words::finding(finding, language)),
        Cell::text(listed(finding.frames.iter().map(|frame| u64::from(*frame)))),
        Cell::text(finding.section.map(section_words).unwrap_or_default()),
    ]
}

/// Many findings: the frames are of the first of them.
fn row_of(group: &FindingGroup, language: Language) -> Vec<Cell> {
    let first = group.examples.first();
    let frames = first.map(|finding| listed(finding.frames.iter().map(|frame| u64::from(*frame))));
    vec![
        Cell::text(words::severity(group.severity, language)),
        Cell::none(),
        Cell::text(words::group(group, language)),
        Cell::text(frames.unwrap_or_default()),
        Cell::text(first.and_then(|finding| finding.section).map(section_words).unwrap_or_default()),
    ]
}

/// The first frames, and whether there are more.
fn listed(frames: impl ExactSizeIterator<Item = u64>) -> String {
    let more = if frames.len() > FRAMES_SHOWN { " ..." } else { "" };
    let shown: Vec<String> = frames.take(FRAMES_SHOWN).map(|frame| frame.to_string()).collect();
    format!("{}{more}", shown.join(" "))
}
