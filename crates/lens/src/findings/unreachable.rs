//! A router, or the host itself, said that the other end cannot be reached: the attempt to open ends there.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let Some(event) = connection.ended_by_icmp else { return Vec::new() };
    let unreachable: Side = event.about.other();
    let syn = connection.handshake.syn.map_or(0, |syn| syn.frame);
    vec![
        Draft::of_end(FindingId::Unreachable, Severity::Problem, connection, unreachable)
            .number(
                "after_us",
                event.time.as_nanos().saturating_sub(connection.first_time.as_nanos()) / 1_000,
            )
            .sign(event.error.name())
            .said_by(event.error.from)
            .by([syn, event.frame])
            .see("1122#4.2.3.9"),
    ]
}
