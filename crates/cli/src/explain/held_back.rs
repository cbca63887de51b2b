//! What a filter stands before: segments wait for its word, and corrections for that of the segments that they speak of.

use lens::{Analysis, Connection, Correction, Finding, FindingGroup, Frame, Notice, Sink};
use std::collections::BTreeSet;

/// Retransmissions that passed and may be corrected: the lens has few causes of a connection in question at a time, and
/// with so many connections at once the oldest are let go.
const TOLD_MAX: usize = 65_536;

/// Passes everything on but segments and corrections. The latter are here once the segment was taken.
pub(super) struct HeldBack<'a, S> {
    sink: &'a mut S,
    pub(super) corrections: Vec<Correction>,
}

impl<'a, S: Sink> HeldBack<'a, S> {
    /// Before `sink`.
    pub(super) fn of(sink: &'a mut S) -> Self {
        HeldBack { sink, corrections: Vec::new() }
    }
}

impl<S: Sink> Sink for HeldBack<'_, S> {
    fn corrected(&mut self, correction: &Correction) {
        self.corrections.push(*correction);
    }

    fn connection(&mut self, connection: &Connection) {
        self.sink.connection(connection);
    }

    fn finding(&mut self, finding: &Finding) {
        self.sink.finding(finding);
    }

    fn group(&mut self, group: &FindingGroup) {
        self.sink.group(group);
    }

    fn notice(&mut self, notice: &Notice) {
        self.sink.notice(notice);
    }
}

/// The retransmissions that passed the filter: what is corrected was told before.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeSet<(Frame, u32)>);

impl Told {
    /// This one passed.
    pub(super) fn note(&mut self, analysis: &Analysis, frame: Frame) {
        if analysis.why.reason.is_retransmission() {
            self.0.insert((frame, analysis.stream));
            if self.0.len() > TOLD_MAX {
                self.0.pop_first();
            }
        }
    }

    /// Whether the segment that this one speaks of was told.
    pub(super) fn holds(&self, correction: &Correction) -> bool {
        self.0.contains(&(correction.frame, correction.stream))
    }
}
