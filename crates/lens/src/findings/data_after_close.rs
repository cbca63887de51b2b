//! Text after its sender's own FIN.

use super::{Finding, Severity, frames_of, name, times};
use crate::{Connection, Notes, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let after = |side: Side| {
        let seen = connection.sent_by(side).note(Notes::TEXT_AFTER_FIN);
        if seen.count == 0 {
            return None;
        }
        let sentence = format!(
            "{} sent text {} beyond its own FIN, which ends its data",
            name(connection, side),
            times(seen.count)
        );
        Some(
            Finding::new("text-after-fin", Severity::Problem, connection, sentence)
                .by(frames_of(seen))
                .see("9293#3.10.4"),
        )
    };
    Side::BOTH.into_iter().filter_map(after).collect()
}
