//! Congestion that the network announced instead of dropping (ECN): what was told of it, what was seen of it here, and
//! what the sender did.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Notes, Side};
use tcp::EcnFeedback;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let marked = |side: Side| {
        let here = connection.sent_by(side).note(Notes::ECN_CONGESTION);
        let marked = &connection.sent_by(side).marked;
        if marked.told.count + here.count == 0 {
            return None;
        }
        let draft = Draft::of_end(FindingId::CongestionMarked, Severity::Info, connection, side)
            .number("told_round_trips", marked.told.count)
            .number("marked_here_packets", here.count);
        if marked.told.count == 0 {
            return Some(draft.by(frames_of(here)).see("3168#5"));
        }
        let is_accurate = connection.handshake.ecn == Some(EcnFeedback::Accurate);
        let draft = draft
            .number("told_packets", marked.told_packets)
            .number("told_bytes", marked.told_bytes)
            .number("window_reduced_times", marked.cwr.count)
            .number("watched_times", u64::from(marked.watched))
            .number("slowed_times", u64::from(marked.slowed))
            .sign_if(is_accurate, "accurate-ecn");
        let draft = match marked.first_fall {
            Some([before, after]) => {
                draft.number("in_flight_before_bytes", before).number("in_flight_after_bytes", after)
            }
            None => draft,
        };
        let frames = frames_of(marked.told).into_iter().chain(frames_of(marked.cwr)).chain(frames_of(here));
        Some(draft.by(frames).see(if is_accurate { "9768#3.2" } else { "3168#6.1.2" }))
    };
    Side::BOTH.into_iter().filter_map(marked).collect()
}
