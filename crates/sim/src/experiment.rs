//! The bulk experiment: so many flows over one bottleneck; how fast, how fair, why something was sent again.
//!
//! A client sends to a server over one link of a given rate, round-trip time, loss and queue. What comes out
//! is plain data; drawing it is somebody else's. The same parameters give the same outcome.

mod observer;
#[cfg(test)]
mod tests;

use crate::apps::{Bulk, Shared, Sink, Transfer};
use crate::ids::HostId;
use crate::link::{Lane, LinkConfig, Loss, Queue, QueueLimit, SuperSegments};
use crate::random::Chance;
use crate::record::{Lost, Recording};
use crate::world::World;
use observer::{Curve, Observer};
use stack::ConnectOptions;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tcp::Instant;

const PORT: u16 = 5_001;
const CLIENT_PORTS: u16 = 40_000;
/// Ports for flows between [`CLIENT_PORTS`] and the end.
const FLOWS_MAX: usize = 25_000;
/// Between two looks at how far it has come.
const STEP: Duration = Duration::from_millis(100);

/// What to try.
///
/// ```
/// use synfin_sim::{Chance, Experiment, Loss};
/// use std::time::Duration;
/// let outcome = Experiment {
///     bytes: 500_000,
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
    /// What each flow sends, in bytes.
    pub bytes: u64,
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
    /// How often a packet from client to server is held back by a quarter of the round-trip time.
    pub reorder: Chance,
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
    /// The options of both ends, the congestion control among them.
    pub config: Arc<tcp::Config>,
    /// Frames to keep for a capture.
    pub recording: Recording,
    /// Virtual time after which it is stopped.
    pub within: Duration,
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
            bytes: 10_000_000,
            flows: 1,
            stagger: Duration::ZERO,
            rate_bits_per_s: Some(100_000_000),
            rtt: Duration::from_millis(40),
            jitter: Duration::ZERO,
            loss: Loss::Nothing,
            reorder: Chance::NEVER,
            duplicate: Chance::NEVER,
            corrupt: Chance::NEVER,
            queue: None,
            mtu_bytes: 1_500,
            super_segments: SuperSegments::Cut,
            family: Family::V4,
            config: Arc::default(),
            recording: Recording::NOTHING,
            within: Duration::from_secs(3_600),
        }
    }
}

/// How far an experiment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Virtual time.
    pub now: Instant,
    /// Bytes read by the server, of all flows.
    pub bytes: u64,
    /// Bytes there will be.
    pub bytes_total: u64,
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
    /// Jain's index over what each flow had delivered while all were sending: 1 is even, 1/n is one takes all.
    pub fairness: f64,
    /// From the first start to the last end (or the limit).
    pub took: Duration,
    /// Frames lost between the hosts, by reason; reasons that did not occur are left out.
    pub lost: Vec<(Lost, u64)>,
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
    /// When `connect` was called.
    pub began_at: Instant,
    /// When the server had read everything; `None` if the time ran out or it failed.
    pub done_at: Option<Instant>,
    /// Bytes that the server has read.
    pub bytes: u64,
    /// Bits of text per second, from start to end (or the limit).
    pub goodput_bits_per_s: f64,
    /// What was sent again, by reason: the word of [`tcp::SendReason::name`].
    pub resent: BTreeMap<&'static str, Resent>,
    /// Times the retransmission timer ran out.
    pub timeouts: u64,
    /// Round-trip times as measured by the sender.
    pub rtt: Vec<(Instant, Duration)>,
    /// Congestion window in bytes as it changed.
    pub cwnd: Vec<(Instant, u32)>,
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

impl Experiment {
    /// Runs it.
    ///
    /// # Panics
    /// If there are no flows, or more than 25,000.
    pub fn run(&self) -> Outcome {
        self.run_watched(|_| {})
    }

    /// Runs it and tells ten times per virtual second how far it has come.
    ///
    /// # Panics
    /// As [`Experiment::run`].
    pub fn run_watched(&self, mut watch: impl FnMut(&Progress)) -> Outcome {
        assert!((1..=FLOWS_MAX).contains(&self.flows), "an experiment has 1 to {FLOWS_MAX} flows");
        let mut set = self.set_up();
        let until = set.world.now() + self.within;
        let (mut while_all_sent, bytes_total) = (None, self.bytes * self.flows as u64);
        loop {
            let next = (set.world.now() + STEP).min(until);
            set.world.run_until(next);
            let read = set.read();
            for (curve, bytes) in set.delivered.iter_mut().zip(&read) {
                curve.push(next, *bytes);
            }
            watch(&Progress { now: next, bytes: read.iter().sum(), bytes_total });
            if while_all_sent.is_none() && set.any_over() {
                while_all_sent = Some(read);
            }
            if next == until || set.all_over() {
                break;
            }
        }
        self.outcome(set, while_all_sent)
    }

    fn set_up(&self) -> Set {
        let mut world = World::new(self.seed);
        world.record(self.recording);
        let config = || stack::Config { tcp: self.config.clone(), ..stack::Config::default() };
        let client = world.add_host("client", config(), &["10.0.0.1", "fd00::1"]);
        let server = world.add_host("server", config(), &["10.0.0.2", "fd00::2"]);
        let lane = Lane {
            rate_bits_per_s: self.rate_bits_per_s,
            delay: self.rtt / 2,
            jitter: self.jitter,
            queue: self.queue.unwrap_or_else(|| Queue { limit: self.one_product(), ..Queue::default() }),
            ..Lane::default()
        };
        world.link(
            client,
            server,
            LinkConfig {
                forward: Lane {
                    loss: self.loss,
                    reorder: self.reorder,
                    reorder_by: self.rtt / 4,
                    duplicate: self.duplicate,
                    corrupt: self.corrupt,
                    ..lane.clone()
                },
                backward: lane,
                mtu_bytes: self.mtu_bytes,
                super_segments: self.super_segments,
            },
        );
        let observer = Observer::new(client);
        world.observe(observer.hearing());
        let sink = Sink::new(PORT);
        let received = sink.seen();
        world.start(server, sink);
        let sent = (0..self.flows).map(|flow| {
            let (local, remote) = self.ends(flow);
            let options = ConnectOptions { local: Some(local), ..ConnectOptions::new(remote) };
            let began_at = world.now() + self.stagger * flow as u32;
            let bulk = Bulk::new(options, self.bytes).starting_at(began_at);
            let seen = bulk.seen();
            world.start(client, bulk);
            Sending { local, began_at, seen }
        });
        let sent = sent.collect();
        let delivered = (0..self.flows).map(|_| Curve::default()).collect();
        Set { world, client, server, sent, received, delivered, observer }
    }

    /// One bandwidth-delay product, the classic size of a buffer; ten packets at least.
    pub fn one_product(&self) -> QueueLimit {
        let rate = self.rate_bits_per_s.unwrap_or(0);
        let product = (rate as f64 / 8.0 * self.rtt.as_secs_f64()) as u64;
        let least = 10 * u64::from(self.mtu_bytes);
        QueueLimit::Bytes(product.max(least))
    }

    fn ends(&self, flow: usize) -> (SocketAddr, SocketAddr) {
        let ip = |last: u8| match self.family {
            Family::V4 => IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)),
            Family::V6 => IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last.into())),
        };
        (SocketAddr::new(ip(1), CLIENT_PORTS + flow as u16), SocketAddr::new(ip(2), PORT))
    }

    fn outcome(&self, set: Set, while_all_sent: Option<Vec<u64>>) -> Outcome {
        let now = set.world.now();
        let received = set.received.borrow();
        let flows: Vec<FlowOutcome> = set
            .sent
            .iter()
            .zip(&set.delivered)
            .map(|(sending, delivered)| {
                let seen = received.iter().find(|seen| seen.peer == Some(sending.local));
                let done_at = seen
                    .and_then(|seen| seen.done_at)
                    .filter(|_| seen.is_some_and(|seen| seen.bytes == self.bytes));
                let bytes = seen.map_or(0, |seen| seen.bytes);
                let took = done_at.unwrap_or(now).since(sending.began_at);
                let heard = set.observer.heard(sending.local);
                FlowOutcome {
                    local: sending.local,
                    began_at: sending.began_at,
                    done_at,
                    bytes,
                    goodput_bits_per_s: bits_per_s(bytes, took),
                    resent: heard.resent,
                    timeouts: heard.timeouts,
                    rtt: heard.rtt.points,
                    cwnd: heard.cwnd.points,
                    delivered: delivered.points.clone(),
                    failed: sending.seen.borrow().failed.or(seen.and_then(|seen| seen.failed)),
                }
            })
            .collect();
        drop(received);
        let began_at = flows.iter().map(|flow| flow.began_at).min().unwrap_or(now);
        let ended_at = flows.iter().map(|flow| flow.done_at.unwrap_or(now)).max().unwrap_or(now);
        let took = ended_at.since(began_at);
        let goodput_bits_per_s = bits_per_s(flows.iter().map(|flow| flow.bytes).sum(), took);
        let shares = while_all_sent.unwrap_or_else(|| flows.iter().map(|flow| flow.bytes).collect());
        let lost = Lost::ALL.into_iter().map(|why| (why, set.world.lost(why)));
        Outcome {
            fairness: jain(&shares),
            share: self.rate_bits_per_s.map(|rate| goodput_bits_per_s / rate as f64),
            lost: lost.filter(|(_, count)| *count > 0).collect(),
            goodput_bits_per_s,
            took,
            flows,
            world: set.world,
            client: set.client,
            server: set.server,
        }
    }
}

/// An experiment under way.
struct Set {
    world: World,
    client: HostId,
    server: HostId,
    sent: Vec<Sending>,
    received: Shared<Vec<Transfer>>,
    /// Bytes read by the server over time, by flow.
    delivered: Vec<Curve<u64>>,
    observer: Observer,
}

struct Sending {
    local: SocketAddr,
    began_at: Instant,
    seen: Shared<Transfer>,
}

impl Set {
    /// Bytes read by the server, by flow.
    fn read(&self) -> Vec<u64> {
        let received = self.received.borrow();
        let read = |local| received.iter().find(|seen| seen.peer == Some(local)).map_or(0, |seen| seen.bytes);
        self.sent.iter().map(|sending| read(sending.local)).collect()
    }

    fn any_over(&self) -> bool {
        self.received.borrow().iter().any(is_over)
            || self.sent.iter().any(|sending| is_over(&sending.seen.borrow()))
    }

    fn all_over(&self) -> bool {
        self.sent.iter().all(|sending| is_over(&sending.seen.borrow()))
    }
}

fn is_over(seen: &Transfer) -> bool {
    seen.done_at.is_some() || seen.failed.is_some()
}

fn bits_per_s(bytes: u64, took: Duration) -> f64 {
    if took.is_zero() { 0.0 } else { bytes as f64 * 8.0 / took.as_secs_f64() }
}

/// Jain's fairness index (Jain, Chiu, Hawe 1984).
fn jain(shares: &[u64]) -> f64 {
    let sum: f64 = shares.iter().map(|share| *share as f64).sum();
    let squares: f64 = shares.iter().map(|share| (*share as f64).powi(2)).sum();
    if squares == 0.0 { 1.0 } else { sum * sum / (shares.len() as f64 * squares) }
}
