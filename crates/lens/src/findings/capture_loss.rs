//! Segments that the ends exchanged and the capture missed, or shows late. Which bytes were seen and which were
//! acknowledged tells them apart, not a verdict.

use super::{Draft, FindingId, Severity, frames_of};
use crate::Connection;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let faults = &connection.faults;
    let mut found = Vec::new();
    if faults.missing.count > 0 {
        found.push(
            Draft::of(FindingId::CaptureLoss, Severity::Warning, connection)
                .number("gaps", faults.missing.count)
                .number("missing_bytes", faults.missing_bytes)
                .by(frames_of(faults.missing)),
        );
    }
    if let Some(side) = faults.late_side {
        found.push(
            Draft::of_end(FindingId::DirectionLate, Severity::Warning, connection, side)
                .number("packets", faults.late.count)
                .number("late_max_us", faults.late_ns_max / 1_000)
                .by(frames_of(faults.late)),
        );
    }
    found
}
