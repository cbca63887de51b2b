//! Packets arrive marked, and their sender is never told: it goes on as if nothing were.

use super::{Finding, Severity, counted, frames_of, name};
use crate::{Connection, Side};
use tcp::EcnFeedback;

/// One may have been dropped behind the capture point, and come again without the mark.
const ACKNOWLEDGED_MIN: u32 = 2;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let (Some(agreed), None) = (connection.handshake.ecn, connection.faults.only) else { return Vec::new() };
    let silent = |side: Side| {
        let marked = &connection.sent_by(side).marked;
        if marked.told.count > 0 || marked.not_echoed.count < ACKNOWLEDGED_MIN {
            return None;
        }
        let (who, whom) = (name(connection, side), name(connection, side.other()));
        let times = counted(marked.not_echoed.count, "time", "times");
        let (why, section) = match agreed {
            EcnFeedback::Off => (
                "the ends have not agreed on ECN, so the marks are lost on them: the packets should have been dropped, or somebody on the path sets the field",
                "3168#6.1.1",
            ),
            _ => (
                "its stack is at fault, or a middlebox clears the flags on the way back; the queue will grow until it drops",
                "3168#6.1.3",
            ),
        };
        let sentence =
            format!("{whom} acknowledged marked packets of {who} {times} without a word of the marks: {why}");
        Some(
            Finding::new("marks-not-echoed", Severity::Warning, connection, sentence)
                .by(frames_of(marked.not_echoed))
                .see(section),
        )
    };
    Side::BOTH.into_iter().filter_map(silent).collect()
}
