//! The same packets captured twice.

use super::{Finding, Severity, counted, frames_of};
use crate::Connection;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let faults = &connection.faults;
    if faults.twice.count == 0 {
        return Vec::new();
    }
    let how = if faults.across_router.count > 0 {
        "before and behind a router (the hop counts differ)"
    } else {
        "at the same place (a mirror port that sees both directions, or several interfaces)"
    };
    let sentence = format!(
        "{} captured twice, {how}: verdicts like retransmission and duplicate ACK on them are the capture's, not the network's",
        counted(faults.twice.count, "packet was", "packets were")
    );
    vec![Finding::new("captured-twice", Severity::Warning, connection, sentence).by(frames_of(faults.twice))]
}
