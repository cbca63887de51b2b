//! Captured connections, as `lens` explains them, in the forms of this crate.
//!
//! The left end is the one that opened, as far as that is known. What is *not* here: analysis and filters; this only
//! turns values into ladders ([`ladder`]), pages ([`page`], of a whole file [`explain`]), tables ([`connections`]), lines
//! of JSON ([`Records`]), CSV and Zeek's columns.

mod csv;
mod file;
mod ladder;
mod page;
mod records;
mod states;
mod tables;
mod zeek;

#[cfg(test)]
mod tests;

pub use csv::{SEGMENT_CSV_HEADER, segment_csv};
pub use file::{explain, kept_for_page, page_of_file};
pub use ladder::ladder;
pub use page::{PAGE_SEGMENTS_MAX, page};
pub use records::{Records, SCHEMA};
pub use tables::{Figures, connections, ending, findings, groups};
pub use zeek::{ZEEK_FOOTER, zeek_header, zeek_line};

use crate::{numbers, words};
use lens::{Analysis, Confidence, Connection, Correction, Notes, Order, ResetAcceptability, Segment};
use states::States;
use std::time::Duration;
use tcp::state::{Cause, Row, State};
use tcp::{Instant, SendReason};

/// The sides of the lens, the left one first.
fn left_and_right(connection: &Connection) -> [lens::Side; 2] {
    let left = connection.originator();
    [left, left.other()]
}

/// The state of an end before its first row. A passive open sends nothing, so it counts as done before.
fn start<'a>(mut rows: impl Iterator<Item = &'a Row>, otherwise: State) -> State {
    rows.next().map_or(otherwise, |row| if row.on == Cause::PassiveOpen { row.to } else { row.from })
}

/// Seconds since `origin`; negative where a record's time goes back before it.
fn seconds(at: Instant, origin: Instant) -> f64 {
    if at < origin {
        return -seconds(origin, at);
    }
    at.since(origin).as_nanos() as f64 / 1e9
}

/// The flags of a segment: `SYN, ACK`; where both ends have agreed on AccECN, its number instead of AE, CWR and ECE:
/// `ACK, ACE=5`.
pub fn flags(segment: &Segment, analysis: &Analysis) -> String {
    crate::flags::text(segment.flags, analysis.ecn.ace())
}

/// `9293#3.6` as `RFC 9293 §3.6`.
fn section_words(section: &str) -> String {
    match section.split_once('#') {
        Some((document, section)) => format!("RFC {document} §{section}"),
        None => section.to_owned(),
    }
}

/// Remarks on a segment besides its reason: ECN, Fast Open, probes, the implied timeout, other candidates, order,
/// reset, notes.
fn remarks(analysis: &Analysis) -> Vec<String> {
    let why = &analysis.why;
    let mut remarks: Vec<String> =
        [analysis.ecn.sentence(), analysis.fast_open.sentence()].into_iter().flatten().collect();
    if analysis.seen_later.cause != 0 {
        remarks.push(format!("seen later: frame {}", analysis.seen_later.cause));
    }
    if let Some(bytes) = why.path_probe_bytes {
        let bytes = numbers::count(u64::from(bytes), "byte");
        remarks.push(match why.reason {
            SendReason::PathProbe => format!("path probe: a packet of {bytes}"),
            _ => format!("lost path probe of {bytes}"),
        });
    }
    if let Some(ns) = why.implied_rto_ns {
        remarks.push(format!("after {}", numbers::duration(Duration::from_nanos(ns))));
    }
    if why.confidence < Confidence::LIKELY {
        let others: Vec<&str> = why.candidates.iter().flatten().map(|other| other.sentence()).collect();
        if !others.is_empty() {
            remarks.push(format!("or {}", others.join(" or ")));
        }
    }
    match why.order {
        Order::Reordered => remarks.push("overtaken on the way".to_owned()),
        Order::CapturedTwice { first } if analysis.notes.contains(Notes::LINK_RETRY) => {
            remarks.push(format!("the radio sent frame {first} again"));
        }
        Order::CapturedTwice { first } => remarks.push(format!("captured twice: frame {first} again")),
        _ => {}
    }
    match analysis.reset {
        Some(ResetAcceptability::InWindow) => remarks.push("not exact: to be challenged".to_owned()),
        Some(ResetAcceptability::Outside) => remarks.push("outside the window: to be ignored".to_owned()),
        _ => {}
    }
    remarks.extend(
        analysis
            .notes
            .names()
            // The order has added this remark already.
            .filter(|name| !matches!(*name, "captured-twice" | "link-retry"))
            .map(|name| match name {
                "ecn-congestion" => "marked here (CE)".to_owned(),
                "needless" => format!("needless, seen later: frame {}", analysis.seen_later.needless),
                name => name.replace('-', " "),
            }),
    );
    remarks
}

/// What an ICMP error says, and of which segment: `ICMP 10.0.1.1: fragmentation needed, MTU 1400 (seq 1461 of
/// 10.0.0.1:80)`. `None` for a segment that was sent here.
pub fn icmp(segment: &Segment, analysis: &Analysis) -> Option<String> {
    let error = segment.icmp?;
    Some(format!("{error} (seq {} of {})", analysis.relative_seq, segment.source))
}

/// A comment on a packet that shows more of an earlier one, which is written already: `synfin: frame 17: now timeout, not
/// tail-loss probe (frame 23 shows it)`.
pub fn correction_comment(correction: &Correction) -> String {
    format!("synfin: {}", words::correction(correction, words::Language::English))
}

/// A comment on a packet, for captures that carry them; `None` where there is nothing to say.
///
/// For instance: `synfin: retransmission: the timer ran out (90 %); tcp.analysis: retransmission;
/// ESTABLISHED -> ESTABLISHED`.
pub fn comment(segment: &Segment, analysis: &Analysis) -> Option<String> {
    if let Some(icmp) = icmp(segment, analysis) {
        return Some(format!("synfin: {icmp}"));
    }
    let is_plain = analysis.verdicts.is_empty()
        && analysis.notes.is_empty()
        && analysis.why.path_probe_bytes.is_none()
        && analysis.ends.iter().all(|end| end.moves.is_empty())
        && !segment.flags.rst();
    if is_plain {
        return None;
    }
    let why = &analysis.why;
    let mut parts = vec![format!("synfin: {} ({} %)", why.reason.sentence(), why.confidence.percent())];
    if !analysis.verdicts.is_empty() {
        parts.push(format!("tcp.analysis: {}", analysis.verdicts));
    }
    parts.extend(remarks(analysis));
    parts.push(format!("{} -> {}", analysis.sender().state, analysis.receiver().state));
    Some(parts.join("; "))
}
