//! What the senders of an experiment say: why they send again, what they measure.

use super::Resent;
use crate::apps::Shared;
use crate::ids::HostId;
use crate::record::{Entry, Happening};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tcp::{Instant, Timer, Trace};

/// Points kept of one curve: more than any picture shows. Beyond twice as many every second one goes.
const POINTS_MAX: usize = 10_000;

/// Hears the client's connections.
pub(super) struct Observer {
    client: HostId,
    heard: Shared<BTreeMap<SocketAddr, Heard>>,
}

/// What one connection has said.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) resent: BTreeMap<&'static str, Resent>,
    pub(super) timeouts: u64,
    pub(super) rtt: Curve<Duration>,
    pub(super) cwnd: Curve<u32>,
}

/// Values over time, thinned out as they become many.
#[derive(Clone, Debug)]
pub(super) struct Curve<T> {
    pub(super) points: Vec<(Instant, T)>,
    every: u64,
    seen: u64,
}

impl<T> Default for Curve<T> {
    fn default() -> Self {
        Curve { points: Vec::new(), every: 1, seen: 0 }
    }
}

impl<T> Curve<T> {
    pub(super) fn push(&mut self, at: Instant, value: T) {
        self.seen += 1;
        if !self.seen.is_multiple_of(self.every) {
            return;
        }
        self.points.push((at, value));
        if self.points.len() >= 2 * POINTS_MAX {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 0
            });
            self.every *= 2;
        }
    }
}

impl Observer {
    pub(super) fn new(client: HostId) -> Self {
        Observer { client, heard: Shared::default() }
    }

    /// What the world is to call.
    pub(super) fn hearing(&self) -> impl FnMut(&Entry) + 'static {
        let (client, heard) = (self.client, self.heard.clone());
        move |entry| {
            let Happening::Traced(record) = &entry.what else { return };
            if entry.host == client {
                heard.borrow_mut().entry(record.flow.local).or_default().hear(entry.at, &record.trace);
            }
        }
    }

    /// What the connection from this address has said.
    pub(super) fn heard(&self, local: SocketAddr) -> Heard {
        self.heard.borrow().get(&local).cloned().unwrap_or_default()
    }
}

impl Heard {
    fn hear(&mut self, at: Instant, trace: &Trace) {
        match *trace {
            Trace::Sent { segment, why } if why.is_retransmission() => {
                let resent = self.resent.entry(why.name()).or_default();
                resent.transmissions += 1;
                resent.bytes += u64::from(segment.len_bytes);
            }
            Trace::TimerFired { timer: Timer::Retransmit } => self.timeouts += 1,
            Trace::RttSample { rtt_us, .. } => self.rtt.push(at, Duration::from_micros(rtt_us.into())),
            Trace::Congestion { cwnd_bytes, .. } => self.cwnd.push(at, cwnd_bytes),
            _ => {}
        }
    }
}
