//! Congestion that the network announced instead of dropping (ECN).

use super::{Finding, Severity, counted, frames_of, name};
use crate::{Connection, Notes, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let marked = |side: Side| {
        let seen = connection.sent_by(side).note(Notes::ECN_CONGESTION);
        if seen.count == 0 {
            return None;
        }
        let sentence = format!(
            "{} of {} {} marked on the way: a queue is filling (ECN)",
            counted(seen.count, "packet", "packets"),
            name(connection, side),
            if seen.count == 1 { "was" } else { "were" }
        );
        Some(
            Finding::new("congestion-marked", Severity::Info, connection, sentence)
                .by(frames_of(seen))
                .see("3168#5"),
        )
    };
    Side::BOTH.into_iter().filter_map(marked).collect()
}
