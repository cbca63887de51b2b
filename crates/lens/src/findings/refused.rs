//! A SYN that was answered by a reset.

use super::{Finding, Severity, name};
use crate::Connection;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let (Some(at), Some(reset)) = (connection.handshake.refused, connection.close.reset) else {
        return Vec::new();
    };
    let (who, whom) = (name(connection, reset.by), name(connection, reset.by.other()));
    let sentence =
        format!("{who} refused the connection of {whom}: nobody listens there, or a firewall answers for it");
    let frames = [connection.handshake.syn.map_or(0, |syn| syn.frame), at.frame];
    vec![Finding::new("refused", Severity::Problem, connection, sentence).by(frames).see("9293#3.10.7.1")]
}
