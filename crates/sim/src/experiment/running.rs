//! The experiment's world: made, run to its end, and read.

use super::observer::{Curve, Observer};
use super::outcome::{FlowOutcome, Outcome, Progress};
use super::{Experiment, Family, Stop};
use crate::apps::{Bulk, Shared, Sink, Transfer};
use crate::ids::{HostId, LinkId};
use crate::link::{Ends, LinkConfig};
use crate::record::Lost;
use crate::world::World;
use netem::{Chance, Lane, Loss, Queue};
use stack::ConnectOptions;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tcp::Instant;

const PORT: u16 = 5_001;
/// The first flow's; the others follow.
pub(super) const CLIENT_PORTS: u16 = 40_000;
/// Ports for flows between [`CLIENT_PORTS`] and the end.
const FLOWS_MAX: usize = 25_000;
/// Between two looks at how far it has come.
const STEP: Duration = Duration::from_millis(100);

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
        let began_at = set.world.now();
        let (until, bytes_total) = match self.stop {
            Stop::Bytes(bytes) => (began_at + self.within, Some(bytes * self.flows as u64)),
            Stop::After(time) => (began_at + time.min(self.within), None),
        };
        let last_start = began_at + self.start_of(self.flows - 1);
        loop {
            let now = set.world.now();
            // A look at the moment from which on all are sending.
            let next = if now < last_start { (now + STEP).min(last_start) } else { now + STEP };
            let next = next.min(until);
            set.run_until(next, self.sampling);
            let read = set.read();
            for (curve, bytes) in set.delivered.iter_mut().zip(&read) {
                curve.push(next, *bytes);
            }
            watch(&Progress { now: next, bytes: read.iter().sum(), bytes_total, until });
            if next == last_start {
                set.at_last_start = Some(read.clone());
            }
            if set.while_all_sent.is_none() && set.any_over() {
                set.while_all_sent = Some(read);
            }
            if next == until || set.all_over() {
                break;
            }
        }
        self.outcome(set)
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
        let link = world.link(
            client,
            server,
            LinkConfig {
                forward: Lane {
                    loss: self.loss,
                    reorder: self.reorder,
                    reorder_by: self.reorder_by.unwrap_or(self.rtt / 4),
                    duplicate: self.duplicate,
                    corrupt: self.corrupt,
                    ..lane.clone()
                },
                backward: Lane {
                    loss: match self.ack_loss {
                        Chance::NEVER => Loss::Nothing,
                        chance => Loss::Random(chance),
                    },
                    ..lane
                },
                mtu_bytes: self.mtu_bytes,
                super_segments: self.super_segments,
                ends: Ends::Ip,
            },
        );
        let observer = Observer::new(client, self.flows);
        world.observe(client, observer.hearing());
        world.observe_frames(observer.watching());
        let sink = Sink::new(PORT);
        let received = sink.seen();
        world.start(server, sink);
        let sent = (0..self.flows).map(|flow| {
            let (local, remote) = self.ends(flow);
            let config = tcp::Config { congestion: self.congestion_of(flow), ..(*self.config).clone() };
            let config = Some(Arc::new(config));
            let options = ConnectOptions { local: Some(local), config, ..ConnectOptions::new(remote) };
            let began_at = world.now() + self.start_of(flow);
            let bytes = match self.stop {
                Stop::Bytes(bytes) => bytes,
                Stop::After(_) => u64::MAX,
            };
            let bulk = Bulk::new(options, bytes).starting_at(began_at);
            let seen = bulk.seen();
            world.start(client, bulk);
            Sending { local, began_at, seen }
        });
        let sent = sent.collect();
        Set {
            world,
            client,
            server,
            link,
            sent,
            received,
            delivered: vec![Curve::default(); self.flows],
            samples: vec![Curve::default(); self.flows],
            at_last_start: None,
            while_all_sent: None,
            observer,
        }
    }

    fn ends(&self, flow: usize) -> (SocketAddr, SocketAddr) {
        let ip = |last: u8| match self.family {
            Family::V4 => IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)),
            Family::V6 => IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last.into())),
        };
        (SocketAddr::new(ip(1), CLIENT_PORTS + flow as u16), SocketAddr::new(ip(2), PORT))
    }

    fn outcome(&self, set: Set) -> Outcome {
        let now = set.world.now();
        let flows: Vec<FlowOutcome> = (0..self.flows).map(|flow| self.flow_outcome(&set, flow)).collect();
        let began_at = flows.iter().map(|flow| flow.began_at).min().unwrap_or(now);
        let ended_at = flows.iter().map(|flow| flow.done_at.unwrap_or(now)).max().unwrap_or(now);
        let took = ended_at.since(began_at);
        let goodput_bits_per_s = bits_per_s(flows.iter().map(|flow| flow.bytes).sum(), took);
        let lost = Lost::ALL.into_iter().map(|why| (why, set.world.lost(why)));
        Outcome {
            fairness: jain(&set.delivered_together()),
            share: self.rate_bits_per_s.map(|rate| goodput_bits_per_s / rate as f64),
            lost: lost.filter(|(_, count)| *count > 0).collect(),
            goodput_bits_per_s,
            took,
            flows,
            waits: set.world.waits(set.link, set.client).clone(),
            world: set.world,
            client: set.client,
            server: set.server,
        }
    }

    fn flow_outcome(&self, set: &Set, flow: usize) -> FlowOutcome {
        let (now, sending, received) = (set.world.now(), &set.sent[flow], set.received.borrow());
        let seen = received.iter().find(|seen| seen.peer == Some(sending.local));
        let done_at = seen
            .and_then(|seen| seen.done_at)
            .filter(|_| seen.is_some_and(|seen| self.stop == Stop::Bytes(seen.bytes)));
        let bytes = seen.map_or(0, |seen| seen.bytes);
        let took = done_at.unwrap_or(now).since(sending.began_at);
        let heard = set.observer.heard(flow);
        FlowOutcome {
            local: sending.local,
            congestion: self.congestion_of(flow),
            began_at: sending.began_at,
            done_at,
            bytes,
            goodput_bits_per_s: bits_per_s(bytes, took),
            resent: heard.resent,
            dropped: heard.dropped,
            timeouts: heard.timeouts,
            timeouts_despite_sack: heard.timeouts_despite_sack,
            rtt: heard.rtt.points,
            cwnd: heard.cwnd.points,
            samples: set.samples[flow].points.clone(),
            delivered: set.delivered[flow].points.clone(),
            failed: sending.seen.borrow().failed.or(seen.and_then(|seen| seen.failed)),
        }
    }
}

/// An experiment under way.
struct Set {
    world: World,
    client: HostId,
    server: HostId,
    link: LinkId,
    sent: Vec<Sending>,
    received: Shared<Vec<Transfer>>,
    /// Bytes read by the server over time, by flow.
    delivered: Vec<Curve<u64>>,
    /// What looking at the senders has shown, by flow.
    samples: Vec<Curve<tcp::Info>>,
    /// What had been read of each flow when the last one started; `None` if it starts at once, or later than the end.
    at_last_start: Option<Vec<u64>>,
    /// What had been read of each flow when the first one ended; `None` while all are sending.
    while_all_sent: Option<Vec<u64>>,
    observer: Observer,
}

struct Sending {
    local: SocketAddr,
    began_at: Instant,
    seen: Shared<Transfer>,
}

impl Set {
    /// Lets the world go on, and looks at the senders as often as is said.
    fn run_until(&mut self, until: Instant, sampling: Option<Duration>) {
        let Some(every) = sampling.map(|every| every.max(Duration::from_nanos(1))) else {
            return self.world.run_until(until);
        };
        while self.world.now() < until {
            let next = (self.world.now() + every).min(until);
            self.world.run_until(next);
            for connection in self.world.host(self.client).tcp_connections(next) {
                let flow = self.sent.iter().position(|sending| sending.local == connection.local);
                if let Some(flow) = flow {
                    self.samples[flow].push(next, connection.info);
                }
            }
        }
    }

    /// Bytes read by the server, by flow.
    fn read(&self) -> Vec<u64> {
        let received = self.received.borrow();
        let read = |local| received.iter().find(|seen| seen.peer == Some(local)).map_or(0, |seen| seen.bytes);
        self.sent.iter().map(|sending| read(sending.local)).collect()
    }

    /// What each flow delivered while all were sending.
    fn delivered_together(&self) -> Vec<u64> {
        let at_end = self.while_all_sent.clone().unwrap_or_else(|| self.read());
        let before = self.at_last_start.clone().unwrap_or_else(|| vec![0; at_end.len()]);
        let together: Vec<u64> =
            at_end.iter().zip(&before).map(|(end, begin)| end.saturating_sub(*begin)).collect();
        // The first had ended before the last began: nothing to compare but the whole.
        if together.iter().all(|bytes| *bytes == 0) { at_end } else { together }
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
pub(super) fn jain(shares: &[u64]) -> f64 {
    let sum: f64 = shares.iter().map(|share| *share as f64).sum();
    let squares: f64 = shares.iter().map(|share| (*share as f64).powi(2)).sum();
    if squares == 0.0 { 1.0 } else { sum * sum / (shares.len() as f64 * squares) }
}
