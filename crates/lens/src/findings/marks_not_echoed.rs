//! Packets arrive marked, and their sender is never told: it goes on as if nothing were.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Side};
use tcp::EcnFeedback;

/// One may have been dropped behind the capture point, and come again without the mark.
const ACKNOWLEDGED_MIN: u32 = 2;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let Some(agreed) = connection.handshake.ecn else { return Vec::new() };
    let silent = |side: Side| {
        let marked = &connection.sent_by(side).marked;
        if marked.told.count > 0 || marked.not_echoed.count < ACKNOWLEDGED_MIN {
            return None;
        }
        let is_off = agreed == EcnFeedback::Off;
        Some(
            Draft::of_end(FindingId::MarksNotEchoed, Severity::Warning, connection, side.other())
                .number("times", marked.not_echoed.count)
                .sign_if(is_off, "not-agreed")
                .by(frames_of(marked.not_echoed))
                .see(if is_off { "3168#6.1.1" } else { "3168#6.1.3" }),
        )
    };
    Side::BOTH.into_iter().filter_map(silent).collect()
}
