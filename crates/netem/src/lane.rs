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
    /// A narrower place on the path.
    pub path_mtu: Option<PathMtu>,
    /// Somebody on the path who meddles with TCP options.
    pub middlebox: Option<Middlebox>,
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
