//! Openings that are not three steps: simultaneous, split, or by an unacceptable acknowledgment.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Notes, Opened, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let handshake = &connection.handshake;
    let frames = [handshake.syn, handshake.second_syn].map(|at| at.map_or(0, |at| at.frame));
    let mut found = Vec::new();
    if handshake.is_split {
        let draft = Draft::of(FindingId::SplitHandshake, Severity::Warning, connection);
        found.push(draft.by(frames).see("9293#3.5"));
    } else if connection.opened == Opened::Simultaneously {
        let draft = Draft::of(FindingId::SimultaneousOpen, Severity::Info, connection);
        found.push(draft.by(frames).see("9293#3.5"));
    }
    if connection.close.is_simultaneous {
        let fins = connection.close.fins.map(|fin| fin.map_or(0, |fin| fin.sent.frame));
        let draft = Draft::of(FindingId::SimultaneousClose, Severity::Info, connection);
        found.push(draft.by(fins).see("9293#3.6"));
    }
    for side in Side::BOTH {
        let seen = connection.sent_by(side).note(Notes::UNACCEPTABLE_ACK);
        // without the SYN it may be the other SYN,ACK that was acknowledged
        if seen.count > 0 && handshake.syn.is_some() {
            let draft = Draft::of_end(FindingId::UnacceptableAck, Severity::Warning, connection, side);
            found.push(draft.by(frames_of(seen)).see("9293#3.5.2"));
        }
    }
    found
}
