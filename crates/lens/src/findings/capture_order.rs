//! Records out of order, and super-segments: marks of how the capture was made.

use super::{Draft, FindingId, Severity, frames_of};
use crate::Connection;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let faults = &connection.faults;
    let mut found = Vec::new();
    if faults.records_reordered.count > 0 {
        found.push(
            Draft::of(FindingId::RecordsReordered, Severity::Warning, connection)
                .number("records", faults.records_reordered.count)
                .by(frames_of(faults.records_reordered)),
        );
    }
    if faults.super_segments.count > 0 {
        found.push(
            Draft::of(FindingId::SuperSegments, Severity::Info, connection)
                .number("segments", faults.super_segments.count)
                .by(frames_of(faults.super_segments)),
        );
    }
    found
}
