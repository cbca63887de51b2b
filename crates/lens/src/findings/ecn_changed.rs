//! The path changes the ECN field: what the receiver tells of it is not what passed here.

use super::{Finding, Severity, frames_of, name};
use crate::ecn::codepoint;
use crate::{Connection, Side};
use wire::ip::Ecn;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let changed = |side: Side| {
        let marked = &connection.sent_by(side).marked;
        let (who, whom) = (name(connection, side), name(connection, side.other()));
        if let Some(change) = marked.changed {
            let [left, answer] =
                if is_opener(connection, side) { ["SYN", "SYN,ACK"] } else { ["SYN,ACK", "ACK"] };
            let consequence = match change.arrived {
                Ecn::NotCapable => "the path clears the field: it drops where it could mark",
                _ => "the path sets the field: its marks are not to be believed",
            };
            let sentence = format!(
                "the {left} of {who} left as {}, and the {answer} says that it arrived as {}: {consequence}",
                codepoint(change.here),
                codepoint(change.arrived)
            );
            let finding = Finding::new("ecn-changed", Severity::Warning, connection, sentence);
            return Some(finding.by(change.frames).see("9768#3.2.2.3"));
        }
        let seen = marked.not_counted;
        (seen.count > 0 && marked.told.count == 0).then(|| {
            let sentence = format!(
                "{who} sends ECN-capable packets, and what {whom} counts of them is nothing: the path clears the field between here and there, so it drops where it could mark"
            );
            let finding = Finding::new("ecn-changed", Severity::Warning, connection, sentence);
            finding.by(frames_of(seen)).see("9768#3.2.3")
        })
    };
    Side::BOTH.into_iter().filter_map(changed).collect()
}

/// Its packet of the handshake is the SYN.
fn is_opener(connection: &Connection, side: Side) -> bool {
    connection.originator() == side
}
