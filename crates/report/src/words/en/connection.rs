//! A connection as a whole, what a capture holds besides, and what stopped the lens.

use crate::captured::left_and_right;
use lens::{Connection, Contents, IcmpError, Notice};

pub(in crate::words) fn connection(connection: &Connection) -> String {
    connection.sentence()
}

pub(in crate::words) fn ended(connection: &Connection) -> String {
    connection.ending()
}

/// Without addresses: `server closed first`. The client is the end that opened.
pub(in crate::words) fn ending(connection: &Connection) -> String {
    let [left, _] = left_and_right(connection);
    let name = |side| if side == left { "client" } else { "server" };
    if connection.handshake.refused.is_some() {
        return "server refused".to_owned();
    }
    if let Some(reset) = connection.close.reset {
        return format!("{} reset", name(reset.by));
    }
    if let Some(event) = connection.ended_by_icmp {
        return event.error.name().to_owned();
    }
    if connection.was_never_opened() {
        return "never opened".to_owned();
    }
    match connection.close.first {
        Some(_) if connection.close.is_simultaneous => "both closed at once".to_owned(),
        Some(side) => format!("{} closed first", name(side)),
        None => "still open".to_owned(),
    }
}

pub(in crate::words) fn icmp(error: &IcmpError) -> String {
    error.to_string()
}

pub(in crate::words) fn notice(notice: &Notice) -> String {
    notice.to_string()
}

pub(in crate::words) fn contents(contents: &Contents) -> String {
    contents.to_string()
}
