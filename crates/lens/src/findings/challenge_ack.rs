//! A SYN or RST inside an open connection, and the challenge that answers it.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Notes, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let challenged = |side: Side| {
        let seen = connection.sent_by(side).challenge_acks;
        let syn = connection.sent_by(side.other()).note(Notes::SYN_IN_SYNCHRONIZED);
        if seen.count == 0 && syn.count == 0 {
            return None;
        }
        Some(
            Draft::of_end(FindingId::ChallengeAck, Severity::Warning, connection, side)
                .number("challenges", seen.count)
                .number("syns", syn.count)
                .by([syn.first_frame].into_iter().chain(frames_of(seen)))
                .see("5961#4"),
        )
    };
    Side::BOTH.into_iter().filter_map(challenged).collect()
}
