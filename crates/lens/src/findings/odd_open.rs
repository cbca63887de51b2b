//! Openings that are not three steps: simultaneous, split, or by an unacceptable acknowledgment.

use super::{Finding, Severity, frames_of, name};
use crate::{Connection, Notes, Opened, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let handshake = &connection.handshake;
    let frames = [handshake.syn, handshake.second_syn].map(|at| at.map_or(0, |at| at.frame));
    let mut found = Vec::new();
    if handshake.is_split {
        let sentence = "the handshake was split: the SYN was answered by a SYN, and acknowledged apart; some filters are passed that way".to_owned();
        found.push(
            Finding::new("split-handshake", Severity::Warning, connection, sentence)
                .by(frames)
                .see("9293#3.5"),
        );
    } else if connection.opened == Opened::Simultaneously {
        let sentence = "both ends opened at once".to_owned();
        found.push(
            Finding::new("simultaneous-open", Severity::Info, connection, sentence)
                .by(frames)
                .see("9293#3.5"),
        );
    }
    if connection.close.is_simultaneous {
        let fins = connection.close.fins.map(|fin| fin.map_or(0, |fin| fin.sent.frame));
        let sentence = "both ends closed at once: the FINs crossed".to_owned();
        found.push(
            Finding::new("simultaneous-close", Severity::Info, connection, sentence).by(fins).see("9293#3.6"),
        );
    }
    for side in Side::BOTH {
        let seen = connection.sent_by(side).note(Notes::UNACCEPTABLE_ACK);
        if seen.count > 0 {
            let sentence = format!(
                "{} acknowledged what was never sent, during the handshake: a stale or forged segment",
                name(connection, side)
            );
            found.push(
                Finding::new("unacceptable-ack", Severity::Warning, connection, sentence)
                    .by(frames_of(seen))
                    .see("9293#3.5.2"),
            );
        }
    }
    found
}
