//! A SYN that was answered by a reset.

use super::{Draft, FindingId, Severity};
use crate::Connection;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let (Some(at), Some(reset)) = (connection.handshake.refused, connection.close.reset) else {
        return Vec::new();
    };
    let frames = [connection.handshake.syn.map_or(0, |syn| syn.frame), at.frame];
    vec![
        Draft::of_end(FindingId::Refused, Severity::Problem, connection, reset.by)
            .by(frames)
            .see("9293#3.10.7.1"),
    ]
}
