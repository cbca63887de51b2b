//! One direction was closed long before the other.

use super::{Draft, FindingId, Severity};
use crate::Connection;

/// Shorter times are the ordinary close.
const LONG_NS: u64 = 10_000_000_000;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let (Some(lasted_ns), Some(first)) = (connection.close.half_closed_ns, connection.close.first) else {
        return Vec::new();
    };
    if lasted_ns < LONG_NS || connection.close.reset.is_some() {
        return Vec::new();
    }
    let Some(fin) = connection.close.fins[first.index()] else { return Vec::new() };
    if fin.acked.is_none() {
        return Vec::new(); // it may not have arrived: another finding
    }
    let never = connection.close.fins[first.other().index()].is_none();
    let with_data = connection.close.half_closed_with_data;
    let severity = if never && !with_data { Severity::Warning } else { Severity::Info };
    vec![
        Draft::of_end(FindingId::HalfClosed, severity, connection, first.other())
            .number("half_closed_us", lasted_ns / 1_000)
            .sign_if(with_data, "in-use")
            .sign_if(never, "never-closed")
            .by([fin.sent.frame])
            .see("9293#3.6"),
    ]
}
