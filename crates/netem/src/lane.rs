//! What one direction of a link does to what crosses it: the settings.
//!
//! How it happens is in `running.rs`; the queue, the loss, the middlebox and the narrow place have files of their own.

use crate::loss::Loss;
use crate::middlebox::Middlebox;
use crate::queue::Queue;
use crate::random::Chance;
use crate::too_big::PathMtu;
use std::ops::Range;
use std::time::Duration;
use wire::Instant;

/// One direction of a link. The default delivers everything at once.
///
/// Fields are added in minor versions: write `Lane { delay, ..Lane::default() }`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Lane {
    /// Bits per second, IP headers included; `None`: no limit, and no queue.
    pub rate_bits_per_s: Option<u64>,
    /// How long every frame takes once it is on the wire.
    pub delay: Duration,
    /// How much longer it takes at most, evenly distributed.
    pub jitter: Duration,
    /// Whether jitter lets frames overtake each other.
    pub order: Order,
    /// Where frames wait for their turn.
    pub queue: Queue,
    /// What the wire loses.
    pub loss: Loss,
    /// How often a frame is held back by [`Lane::reorder_by`] and overtaken.
    pub reorder: Chance,
    /// How long such a frame is held back.
    pub reorder_by: Duration,
    /// How often a frame arrives twice.
    pub duplicate: Chance,
    /// How often one bit of a frame is flipped.
    pub corrupt: Chance,
    /// How often a TCP segment is damaged so that its checksum is right all the same.
    pub corrupt_unseen: Chance,
    /// When nothing enters the wire at all.
    pub outages: Vec<Range<Instant>>,
    /// When nothing enters the wire at all, again and again.
    pub flaps: Vec<Recurring>,
    /// When frames take longer; of spikes that fall together the longer counts. With [`Order::Kept`], those sent after a
    /// spike wait for those sent during it, and arrive with them at once, as after a handover.
    pub spikes: Vec<Spike>,
    /// A narrower place on the path.
    pub path_mtu: Option<PathMtu>,
    /// Somebody on the path who meddles with TCP options.
    pub middlebox: Option<Middlebox>,
}

impl Lane {
    /// Whether nothing enters the wire now.
    pub(crate) fn is_down(&self, now: Instant) -> bool {
        self.outages.iter().any(|outage| outage.contains(&now))
            || self.flaps.iter().any(|flap| flap.contains(now))
    }

    /// How long a frame takes that enters the wire now.
    pub(crate) fn delay_at(&self, now: Instant) -> Duration {
        let spikes = self.spikes.iter().filter(|spike| spike.when.contains(now));
        self.delay + spikes.map(|spike| spike.by).max().unwrap_or_default()
    }
}

/// A stretch of time that comes once, or again and again.
///
/// ```
/// use synfin_netem::{Recurring, wire::Instant};
/// use std::time::Duration;
/// let second = Duration::from_secs(1);
/// let when = Recurring { first: Instant::from_millis(5_000), lasts: second / 10, every: Some(second) };
/// assert!(when.contains(Instant::from_millis(7_099)) && !when.contains(Instant::from_millis(7_100)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Recurring {
    /// When it begins for the first time.
    pub first: Instant,
    /// How long it lasts each time.
    pub lasts: Duration,
    /// From one beginning to the next; `None` if it comes once.
    pub every: Option<Duration>,
}

impl Recurring {
    /// Whether it is such a time.
    pub fn contains(&self, now: Instant) -> bool {
        if now < self.first {
            return false;
        }
        let since = now.since(self.first).as_nanos();
        let since = match self.every {
            None => since,
            Some(every) => since % every.as_nanos().max(1),
        };
        since < self.lasts.as_nanos()
    }
}

/// A time during which frames take longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spike {
    /// When.
    pub when: Recurring,
    /// How much longer.
    pub by: Duration,
}

/// Whether frames stay in order.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// A frame waits for those sent before it, as on a real wire.
    #[default]
    Kept,
    /// Jitter reorders frames that are close together, as netem's does.
    ByArrival,
}
