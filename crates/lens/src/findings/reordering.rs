//! Packets overtaken on the way.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let overtaken = |side: Side| {
        let direction = connection.sent_by(side);
        let seen = direction.reordered;
        // a capture whose directions or files were joined badly shows what no path did
        if seen.count == 0 || connection.faults.records_reordered.count > 0 {
            return None;
        }
        let often = u64::from(seen.count) * 100 >= u64::from(direction.text_segments);
        let severity = if often && seen.count > 2 { Severity::Warning } else { Severity::Info };
        Some(
            Draft::of_end(FindingId::Reordering, severity, connection, side)
                .number("packets", seen.count)
                .by(frames_of(seen))
                .see("8985#1"),
        )
    };
    Side::BOTH.into_iter().filter_map(overtaken).collect()
}
