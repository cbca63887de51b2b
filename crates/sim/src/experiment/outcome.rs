//! What came out of an experiment: the figures, of all flows and of each.

use crate::ids::HostId;
use crate::record::Lost;
use crate::world::World;
use netem::QueueWaits;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tcp::{CongestionControl, Instant};

/// How far an experiment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Virtual time.
    pub now: Instant,
    /// Bytes read by the server, of all flows.
    pub bytes: u64,
    /// Bytes there will be; `None` when the flows stop after a time.
    pub bytes_total: Option<u64>,
    /// When it is stopped at the latest.
    pub until: Instant,
}

/// What came out.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Each flow.
    pub flows: Vec<FlowOutcome>,
    /// Bits of text per second over all flows, from the first start to the last end (or the limit).
    pub goodput_bits_per_s: f64,
    /// The same as a share of the bottleneck; `None` without one.
    pub share: Option<f64>,
    /// Jain's index over what each flow delivered from the start of the last flow to the end of the first: 1 is even,
    /// 1/n is one takes all.
    pub fairness: f64,
    /// From the first start to the last end (or the limit).
    pub took: Duration,
    /// Frames lost between the hosts, by reason; reasons that did not occur are left out.
    pub lost: Vec<(Lost, u64)>,
    /// How long packets from the client to the server have waited in the queue of the bottleneck.
    pub waits: QueueWaits,
    /// The world as it ended: frames for a capture, hosts to look at.
    pub world: World,
    /// The sending host.
    pub client: HostId,
    /// The receiving host.
    pub server: HostId,
}

/// What came out of one flow.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FlowOutcome {
    /// The client's end.
    pub local: SocketAddr,
    /// Who decided how much was in flight.
    pub congestion: CongestionControl,
    /// When `connect` was called.
    pub began_at: Instant,
    /// When the server had read everything; `None` if it failed, the time ran out, or it was to send until then.
    pub done_at: Option<Instant>,
    /// Bytes that the server has read.
    pub bytes: u64,
    /// Bits of text per second, from start to end (or the limit).
    pub goodput_bits_per_s: f64,
    /// What was sent again, by reason: the word of [`tcp::SendReason::name`].
    pub resent: BTreeMap<&'static str, Resent>,
    /// What became lost of it: packets with text that the link dropped, or delivered damaged.
    pub dropped: Dropped,
    /// Times the retransmission timer ran out.
    pub timeouts: u64,
    /// Of them, those while the sender knew by SACK that something later had arrived: a better sender needs no timer
    /// there.
    pub timeouts_despite_sack: u64,
    /// Round-trip times as measured by the sender.
    pub rtt: Vec<(Instant, Duration)>,
    /// Congestion window in bytes as it changed.
    pub cwnd: Vec<(Instant, u32)>,
    /// How the sender was doing, as often as [`Experiment::sampling`](crate::Experiment::sampling) says: every second
    /// look is forgotten when there are very many.
    pub samples: Vec<(Instant, tcp::Info)>,
    /// Bytes that the server had read by then, ten times per virtual second.
    pub delivered: Vec<(Instant, u64)>,
    /// Why it failed, if it did.
    pub failed: Option<tcp::Error>,
}

/// How much was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Resent {
    /// Transmissions, a super-segment being one.
    pub transmissions: u64,
    /// Bytes of text.
    pub bytes: u64,
}

/// What the link took from a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Dropped {
    /// Packets that carried text.
    pub packets: u64,
    /// Bytes of text in them.
    pub bytes: u64,
}

impl FlowOutcome {
    /// Bytes of text that were sent again, for whatever reason.
    pub fn resent_bytes(&self) -> u64 {
        self.resent.values().map(|resent| resent.bytes).sum()
    }

    /// Bytes of text that were sent again beyond what the link had taken: for nothing. What was taken last and not
    /// sent again before the experiment ended counts as sent again.
    pub fn spurious_bytes(&self) -> u64 {
        self.resent_bytes().saturating_sub(self.dropped.bytes)
    }
}

impl Outcome {
    /// A sum over all flows.
    ///
    /// ```
    /// use synfin_sim::{Experiment, Stop};
    /// let outcome = Experiment { stop: Stop::Bytes(50_000), flows: 2, ..Experiment::default() }.run();
    /// assert_eq!(outcome.total(|flow| flow.bytes), 100_000);
    /// ```
    pub fn total(&self, figure: impl Fn(&FlowOutcome) -> u64) -> u64 {
        self.flows.iter().map(figure).sum()
    }

    /// What was sent again as a part of what arrived; 0 if nothing did.
    pub fn resent_share(&self) -> f64 {
        part(self.total(FlowOutcome::resent_bytes), self.total(|flow| flow.bytes))
    }

    /// What was sent again for nothing as a part of what arrived; 0 if nothing did.
    pub fn spurious_share(&self) -> f64 {
        part(self.total(FlowOutcome::spurious_bytes), self.total(|flow| flow.bytes))
    }
}

fn part(some: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { some as f64 / all as f64 }
}
