//! Packets overtaken on the way.

use super::{Finding, Severity, counted, frames_of, name};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let overtaken = |side: Side| {
        let direction = connection.sent_by(side);
        let seen = direction.reordered;
        if seen.count == 0 {
            return None;
        }
        let often = u64::from(seen.count) * 100 >= u64::from(direction.text_segments);
        let severity = if often && seen.count > 2 { Severity::Warning } else { Severity::Info };
        let sentence = format!(
            "{} of {} {} overtaken on the way (not lost): the path reorders",
            counted(seen.count, "packet", "packets"),
            name(connection, side),
            if seen.count == 1 { "was" } else { "were" }
        );
        Some(Finding::new("reordering", severity, connection, sentence).by(frames_of(seen)).see("8985#1"))
    };
    Side::BOTH.into_iter().filter_map(overtaken).collect()
}
