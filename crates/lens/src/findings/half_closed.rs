//! One direction was closed long before the other.

use super::{Finding, Severity, name};
use crate::Connection;
use crate::connection::text::seconds;

/// Shorter times are the ordinary close.
const LONG_NS: u64 = 10_000_000_000;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let (Some(lasted_ns), Some(first)) = (connection.close.half_closed_ns, connection.close.first) else {
        return Vec::new();
    };
    if lasted_ns < LONG_NS || connection.close.reset.is_some() || connection.faults.only.is_some() {
        return Vec::new();
    }
    let (who, whom) = (name(connection, first), name(connection, first.other()));
    let frame = connection.close.fins[first.index()].map_or(0, |fin| fin.sent.frame);
    let lasted = seconds(lasted_ns);
    let never = connection.close.fins[first.other().index()].is_none();
    let (severity, sentence) = match (never, connection.close.half_closed_with_data) {
        (_, true) => (
            Severity::Info,
            format!(
                "{whom} went on sending for {lasted} after {who} had closed its direction: a half-close in use"
            ),
        ),
        (true, _) => (
            Severity::Warning,
            format!(
                "{whom} did not close within {lasted} after {who} had: its application does not see, or does not act on, the end of the data (CLOSE-WAIT)"
            ),
        ),
        (false, _) => (Severity::Info, format!("{whom} closed {lasted} after {who} had")),
    };
    vec![Finding::new("half-closed", severity, connection, sentence).by([frame]).see("9293#3.6")]
}
