//! The path changes the ECN field: what the receiver tells of it is not what passed here.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Side};
use wire::ip::Ecn;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let changed = |side: Side| {
        let marked = &connection.sent_by(side).marked;
        let draft = Draft::of_end(FindingId::EcnChanged, Severity::Warning, connection, side);
        if let Some(change) = marked.changed {
            return Some(
                draft
                    .number("left_codepoint", u64::from(change.here.bits()))
                    .number("arrived_codepoint", u64::from(change.arrived.bits()))
                    .sign_if(change.arrived == Ecn::NotCapable, "cleared")
                    .sign_if(connection.originator() == side, "on-syn")
                    .by(change.frames)
                    .see("9768#3.2.2.3"),
            );
        }
        let seen = marked.not_counted;
        (seen.count > 0 && marked.told.count == 0)
            .then(|| draft.sign("cleared").sign("not-counted").by(frames_of(seen)).see("9768#3.2.3"))
    };
    Side::BOTH.into_iter().filter_map(changed).collect()
}
