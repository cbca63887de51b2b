//! Traces of all connections of a host, in one stream.
//!
//! Connections keep their own; the host gathers them after every change, adds when and where, and tells
//! itself what happened without a connection, or before it could be traced. Without a reader, no cost.

use crate::flow::{Flow, FlowKey};
use crate::host::Host;
use crate::id::{Key, SocketId, SocketKind};
use crate::socket::Standing;
use tcp::state::lookup;
use tcp::{Cause, Instant, SegmentFacts, SendReason, State, Trace, Tracing};
use wire::tcp::Header;

/// What a connection did and why, with when and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceRecord {
    /// When.
    pub at: Instant,
    /// Both ends, this host's first.
    pub flow: Flow,
    /// The connection, or [`SocketId::HOST`] for what the host did without one.
    pub id: SocketId,
    /// What.
    pub trace: Trace,
}

/// What a connection has been through before anybody could listen.
const ACTIVE_BIRTH: [(State, Cause); 1] = [(State::Closed, Cause::ActiveOpen)];
const PASSIVE_BIRTH: [(State, Cause); 2] = [(State::Closed, Cause::PassiveOpen), (State::Listen, Cause::Syn)];

impl Host {
    /// Starts or stops keeping traces of all connections, present and future.
    ///
    /// While it is on, connections in TIME-WAIT are kept whole, so that their last steps are told too.
    pub fn set_tracing(&mut self, tracing: Tracing) {
        self.tracing = tracing;
        self.sockets.iter_mut().for_each(|(_, socket)| socket.connection.set_tracing(tracing));
    }

    /// The oldest trace record not yet taken.
    pub fn poll_trace(&mut self) -> Option<TraceRecord> {
        self.traces.pop_front()
    }

    /// Gathers what a connection has to tell.
    pub(crate) fn collect_traces(&mut self, now: Instant, index: u32) {
        let Some(key) = self.sockets.key_at(index) else { return };
        let id = SocketId::new(SocketKind::Connection, key);
        while let Some(socket) = self.sockets.at_mut(index) {
            let flow = socket.key.flow();
            let Some(trace) = socket.connection.poll_trace() else { return };
            self.push_trace(TraceRecord { at: now, flow, id, trace });
        }
    }

    /// A connection is born moving: tells the first moves, which it could not trace.
    pub(crate) fn trace_birth(&mut self, now: Instant, key: Key, standing: Standing) {
        let Some(flow) = self.sockets.get(key).map(|socket| socket.key.flow()) else { return };
        let moves: &[_] = if standing == Standing::HalfOpen { &PASSIVE_BIRTH } else { &ACTIVE_BIRTH };
        for (state, cause) in moves {
            if let Some(row) = lookup(*state, *cause) {
                let trace = Trace::StateChanged { row: row.index() };
                let id = SocketId::new(SocketKind::Connection, key);
                self.push_trace(TraceRecord { at: now, flow, id, trace });
            }
        }
    }

    /// Notes what the host sent without a connection.
    pub(crate) fn trace_sent(&mut self, now: Instant, key: &FlowKey, header: &Header, why: SendReason) {
        if self.tracing == Tracing::Off {
            return;
        }
        let Header { seq, ack, flags, window, .. } = *header;
        let segment = SegmentFacts { seq, ack, flags, len_bytes: 0, window_bytes: u32::from(window) };
        let trace = Trace::Sent { segment, why };
        self.push_trace(TraceRecord { at: now, flow: key.flow(), id: SocketId::HOST, trace });
    }

    fn push_trace(&mut self, record: TraceRecord) {
        if self.traces.len() >= self.config.trace_records_max {
            self.traces.pop_front();
            self.counters.traces_lost += 1;
        }
        self.traces.push_back(record);
    }
}
