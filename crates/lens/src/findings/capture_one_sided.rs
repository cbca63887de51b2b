//! Only one direction was captured.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Opened};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let Some(only) = connection.faults.only else { return Vec::new() };
    let sent = connection.sent_by(only);
    // a SYN or RST alone is an attempt, not half a conversation
    let talks = sent.text_segments > 0
        || connection.handshake.ack.is_some()
        || connection.opened == Opened::ByInferred(only.other());
    let only_syns =
        connection.handshake.again[only.index()].count + 1 == sent.packets && sent.text_segments == 0;
    if only_syns || !talks && sent.packets < 4 {
        return Vec::new();
    }
    let draft = Draft::of_end(FindingId::OneSided, Severity::Warning, connection, only);
    vec![draft.by([connection.first_frame])]
}
