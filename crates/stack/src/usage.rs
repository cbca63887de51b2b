//! What a host holds now: how many of each thing, and how much memory they take.
//!
//! Tables count with their capacity, because that is what is allocated. What is *not* here: what a connection holds,
//! which it says itself ([`tcp::Connection::held_bytes`]); how much is too much (`budget.rs`).

use crate::budget::MemoryLevel;
use crate::event::Event;
use crate::host::Host;
use crate::id::SocketId;
use crate::trace::TraceRecord;
use tcp::Info;

/// What a host has once: its interfaces, addresses and routes.
const HOST_BYTES: usize = 4 << 10;

/// How many of each thing a host holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Usage {
    /// Connections, not counting compact TIME-WAIT ones.
    pub connections: usize,
    /// Of these, half-open ones.
    pub half_open: usize,
    /// Connections in the compact TIME-WAIT table.
    pub time_waits: usize,
    /// Flows in the demultiplexing table.
    pub flows: usize,
    /// Timers of connections that are set.
    pub timers: usize,
    /// Listeners.
    pub listeners: usize,
    /// Gates.
    pub gates: usize,
    /// Flows that wait at gates for a decision.
    pub held_flows: usize,
    /// Gates for datagrams.
    pub datagram_gates: usize,
    /// Flows that these remember.
    pub datagram_flows: usize,
    /// UDP sockets.
    pub udp_sockets: usize,
    /// Neighbours whose link address is known or being asked for.
    pub neighbours: usize,
    /// Datagrams under reassembly.
    pub reassemblies: usize,
    /// Path MTUs remembered.
    pub path_mtus: usize,
    /// Connections that their application has closed and that still deliver or wait for their peer.
    pub orphans: usize,
    /// Memory that all of this takes, with what waits in queues, in bytes: at least what was allocated for it, and at
    /// most about twice that.
    pub held_bytes: usize,
    /// How that stands to [`crate::Config::memory`].
    pub memory: MemoryLevel,
}

/// How many places a list takes in addition until there are so many, when elements are appended one after another.
pub(crate) fn growth(capacity: usize, needed: usize) -> usize {
    let mut grown = capacity;
    while grown < needed {
        grown = (2 * grown).max(4);
    }
    grown - capacity
}

impl Usage {
    /// The same without the memory, which depends on what has been: tables keep some of their room.
    #[must_use]
    pub fn counts(self) -> Usage {
        Usage { held_bytes: 0, memory: MemoryLevel::Calm, ..self }
    }
}

impl Host {
    /// How many of each thing the host holds now.
    pub fn usage(&self) -> Usage {
        Usage {
            connections: self.sockets.len(),
            half_open: self.listeners.half_open + self.gates.answered,
            time_waits: self.time_waits.len(),
            flows: self.demux.len(),
            timers: self.timers.len(),
            listeners: self.listeners.len(),
            gates: self.gates.len(),
            held_flows: self.gates.held_flows(),
            datagram_gates: self.datagram_gates.len(),
            datagram_flows: self.datagram_gates.flows(),
            udp_sockets: self.udp.len(),
            neighbours: self.neighbours.len(),
            reassemblies: self.reassembly.len(),
            path_mtus: self.path_mtus.len() + self.udp_path_mtus.len(),
            orphans: self.budget.orphan_count,
            held_bytes: self.held_bytes(),
            memory: self.budget.level(),
        }
    }

    /// Memory that the host holds, in bytes, as the budget counts it.
    pub(crate) fn held_bytes(&self) -> usize {
        self.budget.charged_bytes + self.table_bytes()
    }

    /// What tables take, and the queues that are bounded for the whole host.
    pub(crate) fn table_bytes(&self) -> usize {
        let lists = self.ready.capacity() + self.with_events.capacity() + self.fired.capacity();
        let queues = self.outbox.held_bytes() + self.loopback.held_bytes();
        let traces = self.traces.capacity() * size_of::<TraceRecord>()
            + self.departed.capacity() * size_of::<(SocketId, Info)>();
        HOST_BYTES
            + self.sockets.held_bytes()
            + self.demux.held_bytes()
            + self.timers.held_bytes()
            + self.listeners.held_bytes()
            + self.gates.held_bytes()
            + self.datagram_gates.held_bytes()
            + self.time_waits.held_bytes()
            + self.udp.held_bytes()
            + self.reassembly.held_bytes()
            + self.neighbours.held_bytes()
            + self.path_mtus.held_bytes()
            + self.udp_path_mtus.held_bytes()
            + self.fast_open_peers.held_bytes()
            + self.ports.held_bytes()
            + self.identifications.held_bytes()
            + lists * size_of::<u32>()
            + self.notices.capacity() * size_of::<(SocketId, Event)>()
            + queues
            + traces
            + self.budget.own_bytes()
    }

    /// What tables grow by, at most, when a connection takes text: it has something to say, its program is told, a
    /// timer runs, and all that run may fire together.
    pub(crate) fn table_growth_bytes(&self) -> usize {
        let lists = growth(self.ready.capacity(), self.ready.len() + 1)
            + growth(self.with_events.capacity(), self.with_events.len() + 1)
            + growth(self.fired.capacity(), self.timers.len() + 1);
        lists * size_of::<u32>() + self.timers.growth_bytes(self.ready.len() + 1)
    }
}
