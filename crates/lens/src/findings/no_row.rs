//! Segments that no way through the state diagram explains.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Notes, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let strange = |side: Side| {
        let seen = connection.sent_by(side).note(Notes::NO_ROW);
        (seen.count > 0).then(|| {
            Draft::of_end(FindingId::NoRow, Severity::Warning, connection, side)
                .number("times", seen.count)
                .by(frames_of(seen))
                .see("9293#3.3.2")
        })
    };
    Side::BOTH.into_iter().filter_map(strange).collect()
}
