//! Segments that no way through the state diagram explains.

use super::{Finding, Severity, frames_of, name, times};
use crate::{Connection, Notes, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let strange = |side: Side| {
        let seen = connection.sent_by(side).note(Notes::NO_ROW);
        if seen.count == 0 {
            return None;
        }
        let sentence = format!(
            "{} sent {} what no way through the state diagram explains: a forged segment, a middlebox, or a stack at fault",
            name(connection, side),
            times(seen.count)
        );
        Some(
            Finding::new("no-row", Severity::Warning, connection, sentence)
                .by(frames_of(seen))
                .see("9293#3.3.2"),
        )
    };
    Side::BOTH.into_iter().filter_map(strange).collect()
}
