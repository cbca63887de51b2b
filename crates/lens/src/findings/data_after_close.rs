//! Text after its sender's own FIN.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Notes, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let after = |side: Side| {
        let seen = connection.sent_by(side).note(Notes::TEXT_AFTER_FIN);
        (seen.count > 0).then(|| {
            Draft::of_end(FindingId::TextAfterFin, Severity::Problem, connection, side)
                .number("times", seen.count)
                .by(frames_of(seen))
                .see("9293#3.10.4")
        })
    };
    Side::BOTH.into_iter().filter_map(after).collect()
}
