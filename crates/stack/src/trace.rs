//! Traces of all connections of a host, in one stream.
//!
//! Connections keep their own; the host gathers them after every change, adds when and where, and tells
//! itself what happened without a connection, or before it could be traced. Without a reader, no cost.

use crate::flow::{Flow, FlowKey};
use crate::host::Host;
use crate::id::{Key, SocketId, SocketKind};
use crate::socket::Standing;
use tcp::state::lookup;
use tcp::{Cause, Instant, Refusal, Segment, SegmentFacts, SendReason, State, Trace, Tracing};
use wire::tcp::Header;

/// What a connection did and why, with when and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    #[cold]
    pub(crate) fn collect_traces(&mut self, now: Instant, index: u32) {
        let Some(key) = self.sockets.key_at(index) else { return };
        let id = SocketId::new(SocketKind::Connection, key);
        while let Some(socket) = self.sockets.at_mut(index) {
            let flow = socket.key.flow();
            let Some(trace) = socket.connection.poll_trace() else { return };
            self.push_trace(TraceRecord { at: now, flow, id, trace });
        }
    }

    /// A new connection is traced from now on. An active open is its first move, made before it could be.
    #[cold]
    pub(crate) fn trace_newborn(&mut self, now: Instant, key: Key) {
        let Some(socket) = self.sockets.get_mut(key) else { return };
        socket.connection.set_tracing(Tracing::On);
        if socket.standing != Standing::Owned {
            return;
        }
        let flow = socket.key.flow();
        if let Some(row) = lookup(State::Closed, Cause::ActiveOpen) {
            let id = SocketId::new(SocketKind::Connection, key);
            self.push_trace(TraceRecord {
                at: now,
                flow,
                id,
                trace: Trace::StateChanged { row: row.index() },
            });
        }
    }

    /// Notes a segment that no connection and no listener was there for.
    pub(crate) fn trace_stranger(&mut self, now: Instant, key: &FlowKey, segment: &Segment) {
        if self.tracing == Tracing::Off {
            return;
        }
        let Header { seq, ack, flags, window, .. } = segment.header;
        let (len_bytes, window_bytes) = (segment.text_bytes(), u32::from(window));
        let segment = SegmentFacts { seq, ack, flags, len_bytes, window_bytes };
        let trace = Trace::Refused { segment, why: Refusal::NoConnection };
        self.push_trace(TraceRecord { at: now, flow: key.flow(), id: SocketId::HOST, trace });
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
