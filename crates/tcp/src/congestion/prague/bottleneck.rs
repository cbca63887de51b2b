//! Whether the marks come from a queue that is no L4S queue (RFC 9331 §4.3, item 3): one that marks late is shared with
//! senders who take a mark for a loss, and who would starve beside one who does not.
//!
//! An L4S queue holds about a millisecond (RFC 9331 §1: one to two at the 99th percentile). If even the fastest packet of
//! a round trip with marks has waited much longer, and that again and again, the queue is a classic one. A path that has
//! become longer, or another long queue on it, looks the same: then the classic congestion control is the safe mistake.

/// Marked rounds in a row, each with a standing queue, until it counts as a classic one.
const ROUNDS_MAX: u8 = 8;
/// A standing queue: that much above the shortest round trip.
const STANDING_NS: u64 = 3_000_000;
/// Where a packet takes long, so many of them are no queue yet.
const STANDING_PACKETS: u64 = 3;

/// The rounds in a row that looked like a classic queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bottleneck {
    suspicious_rounds: u8,
}

impl Bottleneck {
    /// A round with marks is over: its shortest round trip, that of the path, and how long a packet takes at the rate of
    /// the sender. Returns whether the queue is a classic one.
    pub(super) fn on_marked_round(&mut self, rtt_min_ns: u64, path_min_ns: u64, packet_ns: u64) -> bool {
        if rtt_min_ns == u64::MAX || path_min_ns == 0 {
            return false;
        }
        let standing_ns = STANDING_NS.max(STANDING_PACKETS.saturating_mul(packet_ns));
        let is_standing = rtt_min_ns.saturating_sub(path_min_ns) > standing_ns;
        self.suspicious_rounds = if is_standing { self.suspicious_rounds + 1 } else { 0 };
        self.suspicious_rounds >= ROUNDS_MAX
    }
}
