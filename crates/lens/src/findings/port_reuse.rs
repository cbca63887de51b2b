//! A new connection on the addresses and ports of an old one.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Side, Verdicts};

/// As long as an end lingers in TIME-WAIT, on Linux.
const LINGERS_S: u64 = 60;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let reused = |side: Side| {
        let seen = connection.sent_by(side).verdict(Verdicts::REUSED_PORTS);
        // a second SYN,ACK with another number is no new connection of its sender
        let is_opener = connection.handshake.syn.is_some_and(|syn| syn.frame == seen.first_frame);
        if seen.count == 0 || !is_opener {
            return None;
        }
        let since = connection.previous_end.map(|end| connection.first_time.since(end));
        let early = since.filter(|since| since.as_secs() < LINGERS_S);
        let severity = if early.is_some() { Severity::Warning } else { Severity::Info };
        let draft = Draft::of_end(FindingId::PortReuse, severity, connection, side);
        let draft = match early {
            Some(since) => draft.number("since_us", u64::try_from(since.as_micros()).unwrap_or(u64::MAX)),
            None => draft,
        };
        Some(draft.by([seen.first_frame]).see("9293#3.6.1"))
    };
    Side::BOTH.into_iter().filter_map(reused).collect()
}
