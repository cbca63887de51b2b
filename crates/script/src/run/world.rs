//! The host under test, its one link, and the time that passes.
//!
//! Time jumps from one thing that happens to the next. What the stack sends is kept in order until the
//! script asks for it.

use super::codec::{Live, live_of};
use super::{AddressPlan, Ground};
use crate::ast::Direction;
use bytes::Bytes;
use posix::System;
use stack::{Cidr, Host, Interface, InterfaceId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use tcp::{Instant, State, Trace, Tracing};
use wire::{Frame, LinkCapabilities, Medium, TransmitChecksum};

/// When a script begins, by the stack's clock: any moment but zero.
const START: Instant = Instant::from_millis(1_000_000);

/// The key of every random choice: the same script gives the same bytes.
const SECRET: [u8; 32] = *b"a script always runs the same...";

/// How many times the stack may wake up without a packet or an event of the script in between. A stack
/// that wakes more often than this has a timer that re-arms itself.
const WAKES_MAX: usize = 100_000;

/// A packet as it crossed the wire.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recorded {
    /// When, counted from the script's start.
    pub at: Duration,
    /// Which way it went.
    pub direction: Direction,
    /// The IP packet.
    pub bytes: Vec<u8>,
    /// The state of our end after it, if a connection knows.
    pub state: Option<State>,
    /// Why the stack sent it, if it said so.
    pub why: Option<&'static str>,
}

/// A packet from the stack that the script has not asked for yet.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Duration,
    pub(crate) live: Live,
}

/// The stack never goes to sleep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerStorm;

pub(crate) struct World {
    pub(crate) system: System,
    now: Instant,
    interface: InterfaceId,
    pub(crate) outbox: VecDeque<Sent>,
    pub(crate) record: Vec<Recorded>,
    states: BTreeMap<(u16, u16), State>,
    /// Rows of the state table that were taken.
    pub(crate) rows: BTreeSet<u8>,
    /// Records before this one have their states.
    settled: usize,
    wakes: usize,
}

impl World {
    pub(crate) fn new(ground: &Ground, plan: &AddressPlan, mtu_bytes: u32, tracing: Tracing) -> Self {
        let mut config = ground.host.clone();
        config.tcp = ground.defaults.config.clone().into();
        let mut host = Host::new(config, SECRET);
        let addresses = [Some(plan.local), plan.other_family()].into_iter().flatten().filter_map(|ip| {
            let bits = if ip.is_ipv4() { 16 } else { 64 };
            Cidr::new(ip, bits)
        });
        let interface = host.add_interface(Interface {
            name: "script0".to_owned(),
            capabilities: LinkCapabilities {
                medium: Medium::Ip,
                mtu_bytes,
                super_segment_bytes_max: 0,
                transmit_checksum: TransmitChecksum::Full,
            },
            hardware: None,
            addresses: addresses.collect(),
        });
        for unspecified in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            if let Some(everywhere) = Cidr::new(unspecified, 0) {
                host.add_route(everywhere, None, interface);
            }
        }
        host.set_tracing(tracing);
        let mut system = System::new(host, ground.profile.flavour());
        *system.defaults_mut() = ground.defaults.clone();
        let (outbox, record, states, rows) = Default::default();
        World { system, now: START, interface, outbox, record, states, rows, settled: 0, wakes: 0 }
    }

    /// The stack's clock.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Time since the script's start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now.since(START)
    }

    pub(crate) fn instant(&self, at: Duration) -> Instant {
        START + at
    }

    /// Something new begins: the stack may wake up again.
    pub(crate) fn begin_event(&mut self) {
        self.wakes = 0;
    }

    /// A packet arrives.
    pub(crate) fn inject(&mut self, bytes: Vec<u8>) {
        let at = self.elapsed();
        let frame = Frame::from_bytes(Bytes::from(bytes.clone()));
        self.record.push(Recorded { at, direction: Direction::In, bytes, state: None, why: None });
        self.system.handle_frame(self.now, self.interface, frame);
        self.drain();
    }

    /// Takes everything that the stack wants to send now.
    pub(crate) fn drain(&mut self) {
        while let Some((_, frame)) = self.system.poll_transmit(self.now) {
            let (at, bytes) = (self.elapsed(), frame.to_vec());
            self.outbox.push_back(Sent { at, live: live_of(Direction::Out, &bytes) });
            self.record.push(Recorded { at, direction: Direction::Out, bytes, state: None, why: None });
        }
        self.settle_states();
    }

    /// Notes states and reasons of the packets recorded since the last time.
    fn settle_states(&mut self) {
        let mut reasons = VecDeque::new();
        while let Some(record) = self.system.host_mut().poll_trace() {
            let flow = (record.flow.local.port(), record.flow.remote.port());
            match record.trace {
                Trace::Sent { segment, why } => reasons.push_back((flow, segment.seq, why.sentence())),
                _ => {
                    if let Some(row) = record.trace.row() {
                        self.states.insert(flow, row.to);
                        self.rows.insert(row.index());
                    }
                }
            }
        }
        let mut last = None;
        for recorded in &mut self.record[self.settled..] {
            let live = live_of(recorded.direction, &recorded.bytes);
            let flow = match recorded.direction {
                Direction::Out => (live.source.port(), live.destination.port()),
                Direction::In => (live.destination.port(), live.source.port()),
            };
            recorded.state = self.states.get(&flow).copied();
            if let super::codec::LiveBody::Tcp(tcp) = &live.body
                && recorded.direction == Direction::Out
            {
                let found = reasons.iter().position(|(of, seq, _)| (*of, *seq) == (flow, tcp.seq));
                let why = found.and_then(|found| reasons.remove(found)).map(|(_, _, why)| (flow, why));
                // The pieces of one transmission have one reason.
                last = why.or(last.filter(|(of, _)| *of == flow));
                recorded.why = last.map(|(_, why)| why);
            }
        }
        self.settled = self.record.len();
    }

    /// Lets time pass until `until`, or until the next timer of the stack, whichever comes first; says
    /// whether a timer fired.
    pub(crate) fn step(&mut self, until: Instant) -> Result<bool, TimerStorm> {
        self.drain();
        let due = self.system.poll_timeout().filter(|due| *due <= until);
        let Some(due) = due else {
            self.now = self.now.max(until);
            return Ok(false);
        };
        self.wakes += 1;
        if self.wakes > WAKES_MAX {
            return Err(TimerStorm);
        }
        self.now = self.now.max(due);
        self.system.handle_timeout(self.now);
        self.drain();
        Ok(true)
    }
}
