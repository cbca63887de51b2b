//! A SYN or RST inside an open connection, and the challenge that answers it.

use super::{Finding, Severity, frames_of, name, times};
use crate::{Connection, Notes, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let challenged = |side: Side| {
        let seen = connection.sent_by(side).challenge_acks;
        let syn = connection.sent_by(side.other()).note(Notes::SYN_IN_SYNCHRONIZED);
        if seen.count == 0 && syn.count == 0 {
            return None;
        }
        let (who, whom) = (name(connection, side), name(connection, side.other()));
        let sentence = if seen.count > 0 {
            format!(
                "{who} challenged a suspicious segment of {whom} {}: a half-open connection after a restart, or a forgery",
                times(seen.count)
            )
        } else {
            format!("{whom} sent a SYN inside the open connection and {who} did not challenge it")
        };
        let finding = Finding::new("challenge-ack", Severity::Warning, connection, sentence);
        Some(finding.by([syn.first_frame].into_iter().chain(frames_of(seen))).see("5961#4"))
    };
    Side::BOTH.into_iter().filter_map(challenged).collect()
}
