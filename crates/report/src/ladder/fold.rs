//! Runs of ordinary segments become one row.
//!
//! A segment is ordinary if it carries data or an ACK and arrived, has no SYN, FIN, RST or URG, changed no
//! state, has no remarks, and was sent for an everyday reason. The first two rows of a run and the last stay.

use super::rows::{Kind, Row};
use super::{Arrival, Segment, Side};
use crate::words::{self, Language};
use tcp::SendReason;
use wire::tcp::Flags;

/// How many rows of a folded run stay at its start and at its end.
const KEPT: (usize, usize) = (2, 1);

/// What a folded run held, by the side that sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Folded {
    pub(super) sent: [Counts; 2],
}

/// Segments of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Counts {
    data_segments: u64,
    data_bytes: u64,
    acks: u64,
    duplicate_acks: u64,
}

/// What kind of run a row belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Ordinary,
    DuplicateAcks,
}

impl Counts {
    fn add(&mut self, segment: &Segment) {
        if segment.why == Some(SendReason::DuplicateAck) {
            self.duplicate_acks += 1;
        } else if segment.facts.len_bytes == 0 {
            self.acks += 1;
        } else {
            self.data_segments += 1;
            self.data_bytes += u64::from(segment.facts.len_bytes);
        }
    }

    /// `40 data segments, 58,400 bytes`; empty for nothing.
    pub(super) fn text(&self, language: Language) -> String {
        let data = [self.data_segments, self.data_bytes];
        words::folded(data, self.acks, self.duplicate_acks, language)
    }
}

/// Replaces the middle of every run of more than `longest` ordinary segments.
pub(super) fn fold(rows: Vec<Row<'_>>, longest: usize) -> Vec<Row<'_>> {
    let longest = longest.max(KEPT.0 + KEPT.1 + 1);
    let mut folded = Vec::with_capacity(rows.len());
    let mut run: Vec<Row<'_>> = Vec::new();
    let mut kind = None;
    for row in rows {
        let next = run_of(&row);
        if next != kind {
            close_run(&mut folded, &mut run, longest);
            kind = next;
        }
        if kind.is_some() {
            run.push(row);
        } else {
            folded.push(row);
        }
    }
    close_run(&mut folded, &mut run, longest);
    folded
}

fn close_run<'a>(folded: &mut Vec<Row<'a>>, run: &mut Vec<Row<'a>>, longest: usize) {
    if run.len() <= longest {
        folded.append(run);
        return;
    }
    let tail = run.split_off(run.len() - KEPT.1);
    let middle = run.split_off(KEPT.0);
    folded.append(run);
    let mut sum = Folded::default();
    for row in &middle {
        // A segment with a row for its departure and one for its arrival counts once.
        if let Kind::Whole(segment) | Kind::Departs(segment) = &row.kind {
            sum.sent[segment.from.index()].add(segment);
        }
    }
    if let Some(first) = middle.first() {
        folded.push(Row { kind: Kind::Folded(sum), ..first.clone() });
    }
    folded.extend(tail);
}

/// The kind of run that a row can belong to; `None` if the row is always drawn.
fn run_of(row: &Row<'_>) -> Option<Run> {
    let (Kind::Whole(segment) | Kind::Departs(segment) | Kind::Arrives(segment)) = &row.kind else {
        return None;
    };
    let run = match segment.why {
        None
        | Some(
            SendReason::NewData
            | SendReason::DelayedAck
            | SendReason::SecondSegmentAck
            | SendReason::ImmediateAck
            | SendReason::WindowUpdate,
        ) => Run::Ordinary,
        Some(SendReason::DuplicateAck) => Run::DuplicateAcks,
        Some(_) => return None,
    };
    let is_plain = segment.remarks.is_empty()
        && matches!(segment.arrival, Arrival::Delivered { .. } | Arrival::Seen)
        && !segment.facts.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST | Flags::URG)
        && !row.states.iter().any(|cell| cell.is_new);
    is_plain.then_some(run)
}

impl Folded {
    /// What `side` sent in the run.
    pub(super) fn text(&self, side: Side, language: Language) -> String {
        self.sent[side.index()].text(language)
    }
}
