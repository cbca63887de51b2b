//! The bulk experiment: so many flows over one bottleneck; how fast, how fair, why something was sent again.
//!
//! A client sends to a server over one link of a given rate, round-trip time, loss and queue. What comes out
//! is plain data; drawing it is somebody else's. The same parameters give the same outcome.
//!
//! Here is what to try. `running.rs` makes the world and runs it, `observer.rs` listens to the senders and the link,
//! `outcome.rs` holds the figures, `seeds.rs` runs many worlds.

mod observer;
mod outcome;
mod running;
mod seeds;
#[cfg(test)]
mod tests;

pub use outcome::{Dropped, FlowOutcome, Outcome, Progress, Resent};
pub use seeds::Spread;

use crate::link::SuperSegments;
use crate::record::Recording;
use netem::{Chance, Loss, Queue, QueueLimit};
use std::sync::Arc;
use std::time::Duration;
use tcp::CongestionControl;

/// What to try.
///
/// ```
/// use synfin_sim::{Chance, Experiment, Loss, Stop};
/// use std::time::Duration;
/// let outcome = Experiment {
///     stop: Stop::Bytes(500_000),
///     flows: 2,
///     rate_bits_per_s: Some(20_000_000),
///     rtt: Duration::from_millis(20),
///     loss: Loss::Random(Chance::percent(0.1)),
///     ..Experiment::default()
/// }
/// .run();
/// assert!(outcome.flows.iter().all(|flow| flow.done_at.is_some()));
/// assert!(outcome.goodput_bits_per_s > 5e6 && outcome.fairness > 0.5);
/// ```
///
/// Fields are added in minor versions: write `Experiment { rtt, ..Experiment::default() }`.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How much or how long each flow sends.
    pub stop: Stop,
    /// How many flows there are at once.
    pub flows: usize,
    /// Between the starts of two flows.
    pub stagger: Duration,
    /// The bottleneck, from client to server and back; `None`: no limit.
    pub rate_bits_per_s: Option<u64>,
    /// The round-trip time without queueing; half of it in each direction.
    pub rtt: Duration,
    /// Evenly distributed extra delay in each direction.
    pub jitter: Duration,
    /// What the wire loses from client to server.
    pub loss: Loss,
    /// How often a packet from server to client is lost: an acknowledgment, once the connection is open.
    pub ack_loss: Chance,
    /// How often a packet from client to server is held back by [`Experiment::reorder_by`], and overtaken.
    pub reorder: Chance,
    /// How long such a packet is held back; `None`: a quarter of the round-trip time.
    pub reorder_by: Option<Duration>,
    /// How often a packet from client to server arrives twice.
    pub duplicate: Chance,
    /// How often one bit of a packet from client to server is flipped.
    pub corrupt: Chance,
    /// The queue of the bottleneck; `None`: drop-tail, one bandwidth-delay product, ten packets at least.
    pub queue: Option<Queue>,
    /// The largest IP packet in bytes.
    pub mtu_bytes: u32,
    /// Whether super-segments cross whole.
    pub super_segments: SuperSegments,
    /// IPv4 or IPv6.
    pub family: Family,
    /// The options of both ends, buffers among them.
    pub config: Arc<tcp::Config>,
    /// The congestion control of each flow, starting again from the first when there are more flows; empty: the one
    /// of [`Experiment::config`] for all.
    pub congestion: Vec<CongestionControl>,
    /// Frames to keep for a capture.
    pub recording: Recording,
    /// How often to look at the senders ([`FlowOutcome::samples`]); `None`: not at all.
    pub sampling: Option<Duration>,
    /// Virtual time after which it is stopped.
    pub within: Duration,
}

/// How much or how long each flow sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// So many bytes; the experiment is over when all flows have delivered them.
    Bytes(u64),
    /// As much as goes through in this time after the start of the first flow; then the figures are taken.
    After(Duration),
}

/// Which IP the flows use.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Family {
    /// IPv4.
    #[default]
    V4,
    /// IPv6.
    V6,
}

impl Default for Experiment {
    /// One flow of 10 MB over 100 Mbit/s and 40 ms without loss, for an hour at most.
    fn default() -> Self {
        Experiment {
            seed: 0,
            stop: Stop::Bytes(10_000_000),
            flows: 1,
            stagger: Duration::ZERO,
            rate_bits_per_s: Some(100_000_000),
            rtt: Duration::from_millis(40),
            jitter: Duration::ZERO,
            loss: Loss::Nothing,
            ack_loss: Chance::NEVER,
            reorder: Chance::NEVER,
            reorder_by: None,
            duplicate: Chance::NEVER,
            corrupt: Chance::NEVER,
            queue: None,
            mtu_bytes: 1_500,
            super_segments: SuperSegments::Cut,
            family: Family::V4,
            config: Arc::default(),
            congestion: Vec::new(),
            recording: Recording::NOTHING,
            sampling: None,
            within: Duration::from_secs(3_600),
        }
    }
}

impl Experiment {
    /// One bandwidth-delay product, the classic size of a buffer; ten packets at least.
    pub fn one_product(&self) -> QueueLimit {
        self.products(1.0)
    }

    /// A queue of so many bandwidth-delay products; ten packets at least.
    ///
    /// ```
    /// use synfin_sim::{Experiment, QueueLimit};
    /// assert_eq!(Experiment::default().products(0.25), QueueLimit::Bytes(125_000));
    /// ```
    pub fn products(&self, count: f64) -> QueueLimit {
        let rate = self.rate_bits_per_s.unwrap_or(0);
        let product = (count * rate as f64 / 8.0 * self.rtt.as_secs_f64()) as u64;
        let least = 10 * u64::from(self.mtu_bytes);
        QueueLimit::Bytes(product.max(least))
    }

    /// The congestion control of this flow.
    pub fn congestion_of(&self, flow: usize) -> CongestionControl {
        match self.congestion.len() {
            0 => self.config.congestion,
            count => self.congestion[flow % count],
        }
    }

    /// When this flow begins, after the start of the first.
    pub fn start_of(&self, flow: usize) -> Duration {
        self.stagger * u32::try_from(flow).unwrap_or(u32::MAX)
    }
}
