//! The queue in front of a link: drop-tail, CoDel (RFC 8289) or DualPI2 (RFC 9332), with ECN marking.
//!
//! Disciplines look at how long a packet has waited when its turn comes, and say what is to become of it. What is *not*
//! here: marking itself (`ecn.rs`), and sending.

mod codel;
mod dualpi2;
mod fifo;
mod waits;

pub use dualpi2::DualPi2;
pub use waits::{QueueWaits, Waits};

use codel::{CoDel, Limits};
use dualpi2::{Coupled, Taken, Verdict, Which};
use fifo::{Fifo, Waiting};
use std::time::Duration;
use wire::Instant;
use wire::ip::Ecn;

/// Where frames wait for their turn on a link with a rate.
///
/// Fields are added in minor versions: write `Queue { limit, ..Queue::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// How much may wait; what comes beyond is lost.
    pub limit: QueueLimit,
    /// Who is thrown away before the queue is full.
    pub discipline: Discipline,
    /// When ECN-capable packets are marked (RFC 3168).
    pub marking: Marking,
}

impl Default for Queue {
    /// 1,000 packets, drop-tail: the default of Linux's interfaces.
    fn default() -> Self {
        Queue { limit: QueueLimit::Packets(1_000), discipline: Discipline::DropTail, marking: Marking::Never }
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueLimit {
    /// IP bytes.
    Bytes(u64),
    /// Frames.
    Packets(usize),
}

/// Who is thrown away before a queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discipline {
    /// Nobody.
    DropTail,
    /// Controlled delay (RFC 8289): who has waited longer than `target` for longer than `interval`.
    CoDel {
        /// The delay that is good (RFC 8289 §4.4: 5 ms).
        target: Duration,
        /// About the longest round-trip time (RFC 8289 §4.3: 100 ms).
        interval: Duration,
    },
    /// Two queues, one with low latency for L4S traffic (RFC 9332). It marks by itself, whatever [`Queue::marking`] says.
    DualPi2(DualPi2),
}

impl Discipline {
    /// DualPI2 with the values of RFC 9332, appendix A.
    pub fn dual_pi2() -> Discipline {
        Discipline::DualPi2(DualPi2::default())
    }

    /// CoDel with the RFC's values.
    pub const CODEL: Discipline =
        Discipline::CoDel { target: Duration::from_millis(5), interval: Duration::from_millis(100) };
}

/// When a packet is marked "congestion experienced", if its sender is ECN-capable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Marking {
    /// Not at all.
    Never,
    /// Where CoDel would throw it away.
    InsteadOfDropping,
    /// While more than so many bytes wait (RFC 8257 §3.1).
    AboveBytes(u64),
}

/// What to do with a packet whose turn has come.
#[derive(Debug)]
pub(crate) enum Turn<T> {
    /// Send it.
    Send(T),
    /// Send it marked if its sender is ECN-capable, else drop it.
    MarkOrDrop(T),
    /// Send it, marked if possible.
    Mark(T),
    /// Throw it away.
    Drop(T),
}

/// The size of a packet: one of it may always wait before the delay counts (RFC 8289 §5.6: maxpacket; RFC 9332: MTU).
const PACKET_BYTES: u64 = 1_500;

/// Packets in line.
#[derive(Debug)]
pub(crate) struct Line<T> {
    config: Queue,
    /// Everything, or with DualPI2 what is not L4S.
    classic: Fifo<T>,
    /// With DualPI2: L4S traffic.
    low: Fifo<T>,
    codel: CoDel,
    coupled: Coupled,
    waits: QueueWaits,
}

impl<T> Line<T> {
    pub(crate) fn new(config: Queue) -> Self {
        let (codel, coupled) = (CoDel::default(), Coupled::default());
        Line { config, classic: Fifo::new(), low: Fifo::new(), codel, coupled, waits: QueueWaits::default() }
    }

    /// Another configuration for what comes, and for what waits when its turn comes.
    pub(crate) const fn configure(&mut self, config: Queue) {
        self.config = config;
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.classic.bytes() + self.low.bytes()
    }

    /// How long those have waited whose turn has come.
    pub(crate) const fn waits(&self) -> &QueueWaits {
        &self.waits
    }

    pub(crate) fn len(&self) -> usize {
        self.classic.len() + self.low.len()
    }

    /// Where a packet with this ECN field waits (RFC 9331 §5.1: ECT(1) and CE are L4S).
    const fn queue_of(&mut self, ecn: Ecn) -> &mut Fifo<T> {
        match (self.config.discipline, ecn) {
            (Discipline::DualPi2(_), Ecn::Capable1 | Ecn::CongestionExperienced) => &mut self.low,
            _ => &mut self.classic,
        }
    }

    /// Joins the line; gives the item back if there is no room. With DualPI2 both queues share the room.
    pub(crate) fn push(&mut self, now: Instant, item: T, bytes: u64, ecn: Ecn) -> Result<(), T> {
        self.catch_up(now);
        let full = match self.config.limit {
            QueueLimit::Bytes(max) => self.bytes() + bytes > max,
            QueueLimit::Packets(max) => self.len() >= max,
        };
        if full {
            return Err(item);
        }
        self.queue_of(ecn).push(now, item, bytes);
        Ok(())
    }

    /// Whoever came last of those with this ECN field, if somebody waits: `change` may make it another, and says how
    /// many bytes it then has.
    pub(crate) fn change_last(&mut self, ecn: Ecn, change: impl FnOnce(&mut T) -> Option<u64>) -> bool {
        self.queue_of(ecn).change_last(change)
    }

    /// The next in line and what is to become of it.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Turn<T>> {
        match self.config.discipline {
            Discipline::DualPi2(config) => self.pop_coupled(now, &config),
            discipline => self.pop_single(now, discipline),
        }
    }

    fn pop_single(&mut self, now: Instant, discipline: Discipline) -> Option<Turn<T>> {
        let crowded = matches!(self.config.marking, Marking::AboveBytes(max) if self.bytes() > max);
        let Some(first) = self.pop_first() else {
            self.codel.on_empty();
            return None;
        };
        let waited = now.since(first.since);
        self.waits.classic.add(waited);
        let Discipline::CoDel { target, interval } = discipline else {
            return Some(if crowded { Turn::Mark(first.item) } else { Turn::Send(first.item) });
        };
        let hit = self.codel.hits(now, waited, self.bytes(), Limits { target, interval });
        Some(match (hit, self.config.marking) {
            (true, Marking::InsteadOfDropping) => Turn::MarkOrDrop(first.item),
            (true, _) => Turn::Drop(first.item),
            (false, _) if crowded => Turn::Mark(first.item),
            (false, _) => Turn::Send(first.item),
        })
    }

    /// Whoever came first; the L queue has somebody only if there was another discipline before.
    fn pop_first(&mut self) -> Option<Waiting<T>> {
        match (self.low.first_since(), self.classic.first_since()) {
            (Some(low), Some(classic)) if low < classic => self.low.pop(),
            (Some(_), None) => self.low.pop(),
            _ => self.classic.pop(),
        }
    }

    fn pop_coupled(&mut self, now: Instant, config: &DualPi2) -> Option<Turn<T>> {
        self.catch_up(now);
        let bytes_before = self.bytes();
        let which = self.coupled.choose(&self.low, &self.classic, config)?;
        let first = match which {
            Which::Low => self.low.pop(),
            Which::Classic => self.classic.pop(),
        }?;
        let waited = now.since(first.since);
        match which {
            Which::Low => self.waits.low.add(waited),
            Which::Classic => self.waits.classic.add(waited),
        }
        let taken = Taken { which, waited, follows: first.follows, bytes_before };
        Some(match self.coupled.judge(taken, config) {
            Verdict::Send => Turn::Send(first.item),
            Verdict::Mark => Turn::Mark(first.item),
            Verdict::MarkOrDrop => Turn::MarkOrDrop(first.item),
            Verdict::Drop => Turn::Drop(first.item),
        })
    }

    fn catch_up(&mut self, now: Instant) {
        if let Discipline::DualPi2(config) = self.config.discipline {
            self.coupled.catch_up(now, &self.low, &self.classic, &config);
        }
    }
}

#[cfg(test)]
mod tests;
