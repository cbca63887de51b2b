//! Which large datagrams a UDP socket has sent lately: an ICMP message that says that one was too big is
//! believed only for these (RFC 8201 §4, RFC 8899 §4.6.1).
//!
//! Anybody can forge such a message, and UDP has no sequence number to check. Destination, port and length
//! of a datagram that is on its way are what a stranger must guess. Small datagrams fit every path, so they are
//! not remembered and no message about them is believed.

use core::time::Duration;
use std::collections::VecDeque;
use std::net::SocketAddr;
use tcp::Instant;

/// How many datagrams are remembered; sizes repeat in bulk, and equal ones are remembered once.
const SENT_MAX: usize = 16;
/// Memory that this many take.
pub(crate) const HELD_BYTES_MAX: usize = SENT_MAX * size_of::<Sent>();
/// A message about a datagram comes within a round trip.
const AGE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Instant,
    to: SocketAddr,
    udp_bytes: u16,
}

/// The latest large datagrams of a socket, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct RecentlySent {
    sent: VecDeque<Sent>,
}

impl RecentlySent {
    /// A datagram was sent; `udp_bytes` is the length field of its header.
    pub(crate) fn record(&mut self, now: Instant, to: SocketAddr, udp_bytes: u16) {
        self.sent.retain(|sent| (sent.to, sent.udp_bytes) != (to, udp_bytes));
        if self.sent.len() == SENT_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { at: now, to, udp_bytes });
    }

    /// Memory that they take.
    pub(crate) fn held_bytes(&self) -> usize {
        self.sent.capacity() * size_of::<Sent>()
    }

    /// Whether such a datagram was sent a moment ago.
    pub(crate) fn contains(&self, now: Instant, to: SocketAddr, udp_bytes: u16) -> bool {
        let is_recent = |sent: &Sent| now.since(sent.at) < AGE;
        let is_same =
            |sent: &Sent| (sent.to.ip(), sent.to.port(), sent.udp_bytes) == (to.ip(), to.port(), udp_bytes);
        self.sent.iter().any(|sent| is_same(sent) && is_recent(sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_for_a_moment_and_equal_ones_once() {
        let to = |port| SocketAddr::new([10, 0, 0, 1].into(), port);
        let mut sent = RecentlySent::default();
        let now = Instant::from_millis(5);
        sent.record(now, to(1), 1_400);
        assert!(sent.contains(now, to(1), 1_400));
        assert!(!sent.contains(now, to(1), 1_401) && !sent.contains(now, to(2), 1_400));
        (0..1_000).for_each(|_| sent.record(now, to(2), 1_000));
        assert!(sent.contains(now, to(1), 1_400), "1,000 equal ones are one");
        (3..3 + SENT_MAX as u16).for_each(|port| sent.record(now, to(port), 1_000));
        assert!(!sent.contains(now, to(1), 1_400) && sent.sent.len() == SENT_MAX);
        assert!(!sent.contains(now + AGE, to(3), 1_000));
    }
}
