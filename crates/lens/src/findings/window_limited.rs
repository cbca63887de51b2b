//! A receive window that is too small for the path.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Side};

/// Shorter transfers are over before a window matters.
const BYTES_MIN: u64 = 100_000;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let limited = |side: Side| {
        let direction = connection.sent_by(side);
        let time = direction.limited;
        let all_ns = time.total_ns();
        let receiver = connection.sent_by(side.other());
        // a window that closes is not too small for the path: its application does not read
        let is_closing = receiver.zero_window_ns > time.receiver_ns / 2 || receiver.window_is_inferred;
        if direction.unique_bytes < BYTES_MIN || all_ns == 0 || time.receiver_ns < all_ns / 2 || is_closing {
            return None;
        }
        // a window that the path could fill many times over in that time is not too small: it is emptied slowly
        let rtt_ns = direction
            .rtt
            .map_or(0, |rtt| u64::from(rtt.min_us) * 1_000)
            .max(connection.initial_rtt_ns.unwrap_or(0));
        let windows = direction.unique_bytes / u64::from(receiver.window_bytes_max.max(1)) + 1;
        let is_slow_reader = windows.saturating_mul(rtt_ns).saturating_mul(4) < time.receiver_ns;
        Some(
            Draft::of_end(FindingId::WindowLimited, Severity::Warning, connection, side.other())
                .sign_if(is_slow_reader, "slow-reader")
                .number("window_max_bytes", receiver.window_bytes_max)
                .number("limited_us", time.receiver_ns / 1_000)
                .number("total_us", all_ns / 1_000)
                .see("7323#1.1"),
        )
    };
    Side::BOTH.into_iter().filter_map(limited).collect()
}
