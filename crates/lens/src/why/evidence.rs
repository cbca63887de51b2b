//! What a conclusion rests on.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// What a conclusion rests on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Evidence(u16);

impl Evidence {
    /// Nothing beyond the header.
    pub const NONE: Evidence = Evidence(0);
    /// The IP identification, compared with that of the sender's other packets.
    pub const IP_ID: Evidence = Evidence(1);
    /// The sender's timestamps.
    pub const TIMESTAMPS: Evidence = Evidence(2);
    /// SACK blocks of the receiver.
    pub const SACK: Evidence = Evidence(4);
    /// Duplicate acknowledgments of the receiver.
    pub const DUPLICATE_ACKS: Evidence = Evidence(8);
    /// Times between segments.
    pub const TIMING: Evidence = Evidence(16);
    /// The same bytes were captured before.
    pub const SEEN_BEFORE: Evidence = Evidence(32);
    /// The receiver had acknowledged the bytes before.
    pub const ACKNOWLEDGED_BEFORE: Evidence = Evidence(64);
    /// D-SACK blocks of the receiver (RFC 2883).
    pub const DSACK: Evidence = Evidence(128);
    /// The time to live, compared with that of the sender's other packets.
    pub const TTL: Evidence = Evidence(256);
    /// The sizes of packets, compared with those of the sender's others.
    pub const SIZE: Evidence = Evidence(512);
    /// Captured near the receiver: what is seen there has arrived.
    pub const AT_RECEIVER: Evidence = Evidence(1_024);

    const NAMES: [&'static str; 11] = [
        "ip-id",
        "timestamps",
        "sack",
        "duplicate-acks",
        "timing",
        "seen-before",
        "acknowledged-before",
        "dsack",
        "ttl",
        "size",
        "at-receiver",
    ];

    /// Whether all of `other` are in it.
    pub const fn contains(self, other: Evidence) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names, for JSON.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Evidence::NAMES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| name)
    }
}

impl BitOr for Evidence {
    type Output = Evidence;
    fn bitor(self, other: Evidence) -> Evidence {
        Evidence(self.0 | other.0)
    }
}

impl BitOrAssign for Evidence {
    fn bitor_assign(&mut self, other: Evidence) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
