//! Records out of order, and super-segments: marks of how the capture was made.

use super::{Finding, Severity, counted, frames_of};
use crate::Connection;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let faults = &connection.faults;
    let mut found = Vec::new();
    if faults.records_reordered.count > 0 {
        let sentence = format!(
            "{} older than the record before: sort the capture by time (reordercap)",
            counted(faults.records_reordered.count, "record is", "records are")
        );
        found.push(
            Finding::new("records-reordered", Severity::Warning, connection, sentence)
                .by(frames_of(faults.records_reordered)),
        );
    }
    if faults.super_segments.count > 0 {
        let sentence = format!(
            "{} larger than the MSS: captured on the sending or receiving host, before its network card cut or after it joined",
            counted(faults.super_segments.count, "segment is", "segments are")
        );
        found.push(
            Finding::new("super-segments", Severity::Info, connection, sentence)
                .by(frames_of(faults.super_segments)),
        );
    }
    found
}
