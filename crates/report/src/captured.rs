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
pub(crate) mod tests;

pub use csv::{SEGMENT_CSV_HEADER, segment_csv};
pub use file::{explain, kept_for_page, page_of_file};
pub use ladder::ladder;
pub use page::{PAGE_CONNECTIONS_MAX, PAGE_SEGMENTS_MAX, page};
pub use records::{Records, SCHEMA};
pub use tables::{Figures, connections, findings, groups};
pub use zeek::{ZEEK_FOOTER, zeek_header, zeek_line};

use crate::ladder::{NoteText, Remark};
use crate::words::{self, Language};
use lens::{Analysis, Confidence, Connection, Correction, Notes, Order, ResetAcceptability, Segment};
use states::States;
use tcp::state::{Cause, Row, State};
use tcp::{Instant, SendReason};

/// The sides of the lens, the left one first.
pub(crate) fn left_and_right(connection: &Connection) -> [lens::Side; 2] {
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
fn remarks(analysis: &Analysis) -> Vec<Remark> {
    let why = &analysis.why;
    let mut remarks = Vec::new();
    remarks.extend(analysis.ecn.sentence().is_some().then_some(Remark::Ecn(analysis.ecn)));
    remarks.extend(analysis.fast_open.sentence().is_some().then_some(Remark::FastOpen(analysis.fast_open)));
    if analysis.seen_later.cause != 0 {
        remarks.push(Remark::SeenLater { frame: analysis.seen_later.cause });
    }
    if let Some(bytes) = why.path_probe_bytes {
        remarks.push(match why.reason {
            SendReason::PathProbe => Remark::PathProbe { bytes },
            _ => Remark::LostPathProbe { bytes },
        });
    }
    remarks.extend(why.implied_rto_ns.map(|ns| Remark::After { ns }));
    if why.confidence < Confidence::LIKELY && why.candidates.iter().any(Option::is_some) {
        remarks.push(Remark::Or(why.candidates));
    }
    match why.order {
        Order::Reordered => remarks.push(Remark::Overtaken),
        Order::CapturedTwice { first } if analysis.notes.contains(Notes::LINK_RETRY) => {
            remarks.push(Remark::RadioAgain { first });
        }
        Order::CapturedTwice { first } => remarks.push(Remark::CapturedTwice { first }),
        _ => {}
    }
    match analysis.reset {
        Some(ResetAcceptability::InWindow) => remarks.push(Remark::InexactReset),
        Some(ResetAcceptability::Outside) => remarks.push(Remark::ResetOutside),
        _ => {}
    }
    // The order has added the remark of a copy already.
    remarks.extend(analysis.notes.iter().filter(|note| !note.is_copy()).map(|note| match note {
        Notes::NEEDLESS => Remark::Needless { frame: analysis.seen_later.needless },
        note => Remark::Note(note),
    }));
    remarks
}

/// The same in words.
fn remarks_told(analysis: &Analysis, language: Language) -> Vec<String> {
    remarks(analysis).iter().map(|remark| words::remark(remark, language)).collect()
}

/// What an ICMP error says, and of which segment: `ICMP 10.0.1.1: fragmentation needed, MTU 1400 (seq 1461 of
/// 10.0.0.1:80)`. `None` for a segment that was sent here.
pub fn icmp(segment: &Segment, analysis: &Analysis) -> Option<NoteText> {
    Some(NoteText::Icmp { error: segment.icmp?, seq: analysis.relative_seq, of: segment.source })
}

/// A comment on a packet that shows more of an earlier one, which is written already: `synfin: frame 17: now timeout, not
/// tail-loss probe (frame 23 shows it)`.
pub fn correction_comment(correction: &Correction, language: Language) -> String {
    format!("synfin: {}", words::correction(correction, language))
}

/// A comment on a packet, for captures that carry them; `None` where there is nothing to say.
///
/// For instance: `synfin: retransmission: the timer ran out (90 %); tcp.analysis: retransmission;
/// ESTABLISHED -> ESTABLISHED`.
pub fn comment(segment: &Segment, analysis: &Analysis, language: Language) -> Option<String> {
    if let Some(icmp) = icmp(segment, analysis) {
        return Some(format!("synfin: {}", words::note(&icmp, language)));
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
    let mut parts =
        vec![format!("synfin: {} ({} %)", words::reason(why.reason, language), why.confidence.percent())];
    if !analysis.verdicts.is_empty() {
        parts.push(format!("tcp.analysis: {}", analysis.verdicts));
    }
    parts.extend(remarks_told(analysis, language));
    parts.push(format!("{} -> {}", analysis.sender().state, analysis.receiver().state));
    Some(parts.join(words::semicolon(language)))
}
