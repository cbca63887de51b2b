//! A router said that packets are too big for its next hop: who, and how large they may be.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let told = |side: Side| {
        let mtu_bytes = connection.sent_by(side).told_mtu_bytes?;
        let about = connection.icmp.iter().filter(|event| event.about == side);
        let events: Vec<_> = about.filter(|event| event.error.mtu_bytes().is_some()).collect();
        // of many errors the first and the latest are kept: the smallest size may have been in another
        let event =
            events.iter().find(|event| event.error.mtu_bytes() == Some(mtu_bytes)).or(events.last())?;
        Some(
            Draft::of_end(FindingId::PathTooSmall, Severity::Info, connection, side)
                .number("mtu_bytes", mtu_bytes)
                .number("too_big_bytes", event.ip_bytes)
                .said_by(event.error.from)
                .by(events.iter().map(|event| event.frame))
                .see("1191#3"),
        )
    };
    Side::BOTH.into_iter().filter_map(told).collect()
}
