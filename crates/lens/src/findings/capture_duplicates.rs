//! The same packets captured twice.

use super::{Draft, FindingId, Severity, frames_of};
use crate::Connection;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let faults = &connection.faults;
    if faults.twice.count == 0 {
        return Vec::new();
    }
    vec![
        Draft::of(FindingId::CapturedTwice, Severity::Warning, connection)
            .number("packets", faults.twice.count)
            .sign_if(faults.across_router.count > 0, "across-router")
            .by(frames_of(faults.twice)),
    ]
}
