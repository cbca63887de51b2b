//! Traces of all connections of a host, in one stream.
//!
//! Each connection keeps its traces. The host collects them after every change and adds time and ends. It
//! adds traces of what happened without a connection, or before the connection was traced. While tracing
//! is off, it costs nothing.

use crate::flow::{Flow, FlowKey};
use crate::host::Host;
use crate::id::{SlabKey, SocketId, SocketKind};
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
    /// Its number on this host, from 0: [`Host::last_sending`] names a record by it.
    pub number: u64,
    /// What happened.
    pub trace: Trace,
}

/// How far a connection is traced.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TraceEnd {
    /// To CLOSED. Connections in TIME-WAIT are kept whole, so that their last steps are traced too.
    #[default]
    Closed,
    /// To TIME-WAIT. What is left of a connection then is kept small, as without tracing.
    TimeWait,
}

impl Host {
    /// Starts or stops keeping traces of all connections, present and future.
    ///
    /// While it is on, connections in TIME-WAIT are kept whole, unless [`Host::set_trace_end`] says otherwise.
    pub fn set_tracing(&mut self, tracing: Tracing) {
        self.tracing = tracing;
        self.sockets.iter_mut().for_each(|(_, socket)| socket.connection.set_tracing(tracing));
    }

    /// How far connections are traced from now on.
    ///
    /// ```
    /// # let mut host = synfin_stack::Host::new(synfin_stack::Config::default(), [7; 32]);
    /// host.set_trace_end(synfin_stack::TraceEnd::TimeWait);
    /// host.set_tracing(tcp::Tracing::On);
    /// assert_eq!(host.traces().count(), 0);
    /// ```
    pub fn set_trace_end(&mut self, end: TraceEnd) {
        self.trace_end = end;
    }

    /// Whether connections in TIME-WAIT are kept whole to be traced.
    pub(crate) fn traces_time_wait(&self) -> bool {
        self.tracing == Tracing::On && self.trace_end == TraceEnd::Closed
    }

    /// The trace records not yet taken, oldest first: for a second reader, which remembers by
    /// [`TraceRecord::number`] how far it has come.
    pub fn traces(&self) -> impl DoubleEndedIterator<Item = &TraceRecord> {
        self.traces.iter()
    }

    /// The oldest trace record not yet taken.
    pub fn poll_trace(&mut self) -> Option<TraceRecord> {
        self.traces.pop_front()
    }

    /// Which [`Trace::Sent`] tells of the frame that [`Host::poll_transmit`] returned last, by
    /// [`TraceRecord::number`]. The pieces of one super-segment have one record. `None` without tracing,
    /// for frames that carry no TCP segment, for those that had to wait for a neighbour's link address,
    /// and for the resets of connections that were over while their link took nothing.
    pub fn last_sending(&self) -> Option<u64> {
        self.last_sending
    }

    /// A connection has handed over a segment: the frame that carries it is known by its record.
    #[cold]
    pub(crate) fn trace_transmission(&mut self, now: Instant, index: u32) {
        let before = self.traces_told;
        self.collect_traces(now, index);
        let sent = |record: &&TraceRecord| matches!(record.trace, Trace::Sent { .. });
        let fresh = self.traces.iter().rev().take_while(|record| record.number >= before);
        self.last_sending = fresh.filter(sent).map(|record| record.number).next();
    }

    /// Collects the traces of a connection.
    #[cold]
    pub(crate) fn collect_traces(&mut self, now: Instant, index: u32) {
        let Some(key) = self.sockets.key_at(index) else { return };
        let id = SocketId::new(SocketKind::Connection, key);
        while let Some(socket) = self.sockets.at_mut(index) {
            let flow = socket.key.flow();
            let Some(trace) = socket.connection.poll_trace() else { return };
            self.push_trace(now, flow, id, trace);
        }
    }

    /// Traces a new connection from now on. Adds the state change of an active open, which came before.
    #[cold]
    pub(crate) fn trace_new_connection(&mut self, now: Instant, key: SlabKey) {
        let Some(socket) = self.sockets.get_mut(key) else { return };
        socket.connection.set_tracing(Tracing::On);
        if socket.standing != Standing::Owned {
            return;
        }
        let flow = socket.key.flow();
        if let Some(row) = lookup(State::Closed, Cause::ActiveOpen) {
            let id = SocketId::new(SocketKind::Connection, key);
            self.push_trace(now, flow, id, Trace::StateChanged { row: row.index() });
        }
    }

    /// Traces a segment that no connection and no listener took, and why.
    pub(crate) fn trace_unmatched(&mut self, now: Instant, key: &FlowKey, segment: &Segment, why: Refusal) {
        if self.tracing == Tracing::Off {
            return;
        }
        let Header { seq, ack, flags, window, .. } = segment.header;
        let len_bytes = segment.text_bytes();
        let window_bytes = u32::from(window);
        let segment = SegmentFacts { seq, ack, flags, len_bytes, window_bytes };
        self.push_trace(now, key.flow(), SocketId::HOST, Trace::Refused { segment, why });
    }

    /// Traces what the host sent without a connection; returns the number of the record.
    pub(crate) fn trace_sent(
        &mut self,
        now: Instant,
        key: &FlowKey,
        header: &Header,
        why: SendReason,
    ) -> Option<u64> {
        if self.tracing == Tracing::Off {
            return None;
        }
        let Header { seq, ack, flags, window, .. } = *header;
        let segment = SegmentFacts { seq, ack, flags, len_bytes: 0, window_bytes: u32::from(window) };
        Some(self.push_trace(now, key.flow(), SocketId::HOST, Trace::Sent { segment, why }))
    }

    fn push_trace(&mut self, at: Instant, flow: Flow, id: SocketId, trace: Trace) -> u64 {
        if self.traces.len() >= self.config.trace_records_max {
            self.traces.pop_front();
            self.counters.traces_lost += 1;
        }
        let number = self.traces_told;
        self.traces_told += 1;
        self.traces.push_back(TraceRecord { at, flow, id, number, trace });
        number
    }
}
