//! A SYN,ACK that nobody wanted: the case for which there are three steps.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Reset};
use tcp::ResetReason;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let Some(reset) = refusal(connection) else { return Vec::new() };
    let moments = [connection.handshake.syn, connection.handshake.syn_ack, Some(reset.at)];
    let frames = moments.into_iter().flatten().map(|moment| moment.frame);
    vec![
        Draft::of_end(FindingId::AnswerRefused, Severity::Info, connection, reset.by)
            .sign_if(connection.handshake.syn.is_some(), "had-asked")
            .by(frames)
            .see("9293#3.5"),
    ]
}

/// The reset by which an end refuses the SYN,ACK of the other, as knowing of no opening.
pub(super) fn refusal(connection: &Connection) -> Option<Reset> {
    let handshake = &connection.handshake;
    let is_second_step = handshake.syn_ack.is_some() && handshake.ack.is_none();
    connection.close.reset.filter(|reset| is_second_step && reset.reason == ResetReason::ClosedPort)
}
