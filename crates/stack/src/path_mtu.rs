//! Path MTUs that ICMP messages have reported (RFC 1191, RFC 8201).
//!
//! A bounded table of path MTUs by destination, for later connections; each open connection keeps its own. An
//! entry is used for ten minutes; then open connections try the link's MTU again, too. A host has a table of what its connections have confirmed, which serves
//! every protocol, and one of what came back for datagrams, which serves UDP alone. What is *not* here: whether
//! to believe a message; that needs the connection's sequence numbers (RFC 5927), or what the UDP socket sent.

use crate::flow::Address;
use crate::limits::MTU_V4_MIN;
use crate::secret::{Purpose, Secret, TableHash};
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use tcp::Instant;

/// MTUs of common links, for messages of old routers that report none (RFC 1191 §7.1, table 7-1).
const PLATEAUS: [u32; 9] = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296];

/// The next plateau below a packet that was too big.
pub(crate) fn plateau_below(packet_bytes: u32) -> u32 {
    PLATEAUS.into_iter().find(|plateau| *plateau < packet_bytes).unwrap_or(MTU_V4_MIN)
}

struct Entry {
    mtu_bytes: u32,
    learned: Instant,
}

/// Path MTUs by destination.
pub(crate) struct PathMtus {
    entries: HashMap<Address, Entry, TableHash>,
    /// In the order in which entries were learned. An entry that was learned again is in it twice; the
    /// earlier one is stale.
    order: VecDeque<(Instant, Address)>,
}

impl PathMtus {
    pub(crate) fn new(secret: &Secret) -> Self {
        let entries = HashMap::with_hasher(TableHash::new(secret, Purpose::Tables));
        PathMtus { entries, order: VecDeque::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Memory that the table takes.
    pub(crate) fn held_bytes(&self) -> usize {
        // A hash table has a byte of its own for each place, and an eighth of the places stays empty.
        let place_bytes = size_of::<(Address, Entry)>() + 1;
        self.entries.capacity() * place_bytes * 8 / 7
            + self.order.capacity() * size_of::<(Instant, Address)>()
    }

    /// Adds or updates an entry, and removes the oldest beyond `entries_max`. An MTU larger than the known
    /// one is ignored, because messages may only lower it (RFC 1191 §6.3).
    pub(crate) fn learn(&mut self, now: Instant, destination: Address, mtu_bytes: u32, entries_max: usize) {
        if self.entries.get(&destination).is_some_and(|entry| entry.mtu_bytes <= mtu_bytes) {
            return;
        }
        self.entries.insert(destination, Entry { mtu_bytes, learned: now });
        self.order.push_back((now, destination));
        while self.order.len() > entries_max.max(1) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((learned, destination)) = self.order.pop_front()
            && self.entries.get(&destination).is_some_and(|entry| entry.learned == learned)
        {
            self.entries.remove(&destination);
        }
    }

    /// The MTU of the path, if it is known and not too old.
    pub(crate) fn find(&self, now: Instant, destination: Address, age: Duration) -> Option<u32> {
        if self.entries.is_empty() {
            return None;
        }
        self.entries
            .get(&destination)
            .filter(|entry| now.since(entry.learned) < age)
            .map(|entry| entry.mtu_bytes)
    }

    /// Forgets the MTU of a path, because the path may have changed.
    pub(crate) fn forget(&mut self, destination: Address) {
        self.entries.remove(&destination);
    }

    /// Removes entries that are too old. Nothing waits for this, so it needs no timer. Returns whether there were
    /// any: their paths may be tried with larger packets (RFC 1191 §6.3).
    pub(crate) fn expire(&mut self, now: Instant, age: Duration) -> bool {
        let before = self.entries.len();
        while self.order.front().is_some_and(|(learned, _)| now.since(*learned) >= age) {
            self.forget_oldest();
        }
        self.entries.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const AGE: Duration = Duration::from_secs(600);

    fn address(n: u8) -> Address {
        Ipv4Addr::new(192, 0, 2, n).into()
    }

    #[test]
    fn learned_lowered_aged_and_bounded() {
        let mut paths = PathMtus::new(&Secret::new([4; 32]));
        let start = Instant::from_millis(5);
        paths.learn(start, address(1), 1_400, 3);
        paths.learn(start, address(1), 1_450, 3);
        assert_eq!(paths.find(start, address(1), AGE), Some(1_400), "it is only ever lowered");
        paths.learn(start + Duration::from_secs(1), address(1), 1_300, 3);
        assert_eq!(paths.find(start + AGE, address(1), AGE), Some(1_300));
        assert_eq!(paths.find(start + Duration::from_secs(601), address(1), AGE), None);
        for n in 2..9 {
            paths.learn(start + Duration::from_secs(2), address(n), 1_300, 3);
        }
        assert_eq!(paths.len(), 3);
        assert_eq!(paths.find(start + Duration::from_secs(2), address(8), AGE), Some(1_300));
        assert!(!paths.expire(start + Duration::from_secs(2), AGE));
        assert!(paths.expire(start + Duration::from_secs(700), AGE));
        assert_eq!((paths.len(), paths.order.len()), (0, 0));
    }

    #[test]
    fn plateaus_go_down_and_end() {
        assert_eq!(plateau_below(1_500), 1_492);
        assert_eq!(plateau_below(1_492), 1_006);
        assert_eq!(plateau_below(100), 68);
    }
}
