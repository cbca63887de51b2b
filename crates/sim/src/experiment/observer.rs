//! What the senders of an experiment say, and what the link does to them: why they send again, what they measure,
//! what was dropped. Sums and thinned curves are kept, nothing else.

use super::outcome::{Dropped, Resent};
use super::running::CLIENT_PORTS;
use crate::apps::Shared;
use crate::ids::HostId;
use crate::record::{Crossing, Ended, Entry, Happening};
use std::collections::BTreeMap;
use std::time::Duration;
use tcp::{Instant, Timer, Trace};
use wire::Seq;

/// Points kept of one curve: more than any picture shows. Beyond twice as many every second one goes.
const POINTS_MAX: usize = 10_000;

/// Hears the client's connections.
pub(super) struct Observer {
    client: HostId,
    /// By flow.
    heard: Shared<Vec<Heard>>,
}

/// What one connection has said.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) resent: BTreeMap<&'static str, Resent>,
    pub(super) dropped: Dropped,
    pub(super) timeouts: u64,
    pub(super) timeouts_despite_sack: u64,
    /// The latest acknowledgment that has reached the sender: its number, and whether it told of something later.
    latest_ack: Option<(Seq, bool)>,
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
    pub(super) fn new(client: HostId, flows: usize) -> Self {
        let heard = Shared::default();
        *heard.borrow_mut() = vec![Heard::default(); flows];
        Observer { client, heard }
    }

    /// What the world is to call for what the client's connections say.
    pub(super) fn hearing(&self) -> impl FnMut(&Entry) + 'static {
        let heard = self.heard.clone();
        move |entry| {
            let Happening::Traced(record) = &entry.what else { return };
            let mut flows = heard.borrow_mut();
            if let Some(flow) = at_port(&mut flows, record.flow.local.port()) {
                flow.hear(entry.at, &record.trace);
            }
        }
    }

    /// What the world is to call for what becomes of frames.
    pub(super) fn watching(&self) -> impl FnMut(&Crossing<'_>) + 'static {
        let (client, heard) = (self.client, self.heard.clone());
        move |crossing| {
            let is_ours = crossing.from == client;
            // What arrives whole at the server is told by the server's program.
            if is_ours == (crossing.ended == Ended::Whole) {
                return;
            }
            let Some((header, text_bytes)) = crossing.tcp() else { return };
            let mut flows = heard.borrow_mut();
            let port = if is_ours { header.source_port } else { header.destination_port };
            let Some(flow) = at_port(&mut flows, port) else { return };
            if !is_ours {
                let is_later = |right: Seq| right.after(header.ack);
                let tells_more = header.options.sack.as_slice().iter().any(|block| is_later(block.right));
                flow.take_ack(header.ack, tells_more);
            } else if text_bytes > 0 {
                flow.dropped.packets += 1;
                flow.dropped.bytes += text_bytes as u64;
            }
        }
    }

    /// What this flow's connection has said.
    pub(super) fn heard(&self, flow: usize) -> Heard {
        self.heard.borrow().get(flow).cloned().unwrap_or_default()
    }
}

fn at_port(flows: &mut [Heard], port: u16) -> Option<&mut Heard> {
    flows.get_mut(usize::from(port.checked_sub(CLIENT_PORTS)?))
}

impl Heard {
    /// An acknowledgment has reached the sender; one that was overtaken says nothing new.
    pub(super) fn take_ack(&mut self, ack: Seq, tells_more: bool) {
        if self.latest_ack.is_none_or(|(latest, _)| ack.at_or_after(latest)) {
            self.latest_ack = Some((ack, tells_more));
        }
    }

    pub(super) fn hear(&mut self, at: Instant, trace: &Trace) {
        match *trace {
            Trace::Sent { segment, why } if why.is_retransmission() => {
                let resent = self.resent.entry(why.name()).or_default();
                resent.transmissions += 1;
                resent.bytes += u64::from(segment.len_bytes);
            }
            Trace::TimerFired { timer: Timer::Retransmit } => {
                self.timeouts += 1;
                self.timeouts_despite_sack +=
                    u64::from(self.latest_ack.is_some_and(|(_, tells_more)| tells_more));
            }
            Trace::RttSample { rtt_us, .. } => self.rtt.push(at, Duration::from_micros(rtt_us.into())),
            Trace::Congestion { cwnd_bytes, .. } => self.cwnd.push(at, cwnd_bytes),
            _ => {}
        }
    }
}
