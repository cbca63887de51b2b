//! A FIN that the peer never acknowledged.

use super::{Finding, Severity, name, times};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    if connection.close.reset.is_some() || connection.faults.only.is_some() {
        return Vec::new();
    }
    let unanswered = |side: Side| {
        let fin = connection.close.fins[side.index()].filter(|fin| fin.acked.is_none())?;
        let who = name(connection, side);
        let (sentence, severity) = match fin.again.count {
            0 => (format!("{who} sent its FIN and no acknowledgment of it was captured"), Severity::Info),
            again => (
                format!("{who} retransmitted its FIN {}: the peer never acknowledged it", times(again)),
                Severity::Problem,
            ),
        };
        let frames = [fin.sent.frame, fin.again.first_frame, fin.again.last_frame];
        Some(Finding::new("fin-unacknowledged", severity, connection, sentence).by(frames).see("9293#3.6"))
    };
    Side::BOTH.into_iter().filter_map(unanswered).collect()
}
