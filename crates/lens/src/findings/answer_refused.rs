//! A SYN,ACK that nobody wanted: the case for which there are three steps.

use super::{Finding, Severity, name};
use crate::{Connection, Reset};
use tcp::ResetReason;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let Some(reset) = refusal(connection) else { return Vec::new() };
    let (who, whom) = (name(connection, reset.by), name(connection, reset.by.other()));
    let sentence = match connection.handshake.syn {
        None => format!(
            "{who} refused the SYN,ACK of {whom}, for it had not asked to open: an old duplicate or a forged SYN had reached {whom}; \
             no connection opened, which is what the third step is for"
        ),
        Some(_) => format!(
            "{who} asked to open and refused the answer of {whom}: a port scan, or its program was gone by then; no connection opened"
        ),
    };
    let moments = [connection.handshake.syn, connection.handshake.syn_ack, Some(reset.at)];
    let frames = moments.into_iter().flatten().map(|moment| moment.frame);
    vec![Finding::new("answer-refused", Severity::Info, connection, sentence).by(frames).see("9293#3.5")]
}

/// The reset by which an end refuses the SYN,ACK of the other, as knowing of no opening.
pub(super) fn refusal(connection: &Connection) -> Option<Reset> {
    let handshake = &connection.handshake;
    let is_second_step = handshake.syn_ack.is_some() && handshake.ack.is_none();
    connection.close.reset.filter(|reset| is_second_step && reset.reason == ResetReason::ClosedPort)
}
