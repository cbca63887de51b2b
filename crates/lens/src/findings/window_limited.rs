//! A receive window that is too small for the path.

use super::{Finding, Severity, name};
use crate::connection::text::seconds;
use crate::{Connection, Side};

/// Shorter transfers are over before a window matters.
const BYTES_MIN: u64 = 100_000;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let limited = |side: Side| {
        let direction = connection.sent_by(side);
        let time = direction.limited;
        let all = time.total_ns();
        if direction.unique_bytes < BYTES_MIN || all == 0 || time.receiver_ns < all / 2 {
            return None;
        }
        let (who, whom) = (name(connection, side), name(connection, side.other()));
        let window = connection.sent_by(side.other()).window_bytes_max;
        let sentence = format!(
            "the window of {whom} (at most {window} bytes) held {who} back for {} of {}: a larger receive buffer would speed the transfer up",
            seconds(time.receiver_ns),
            seconds(all)
        );
        Some(Finding::new("window-limited", Severity::Warning, connection, sentence).see("7323#1.1"))
    };
    Side::BOTH.into_iter().filter_map(limited).collect()
}
