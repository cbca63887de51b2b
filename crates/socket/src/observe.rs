//! What an observer hears of connections: as they open, stop getting through, and close.

use stack::SocketId;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Which end of a connection we are.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We connected.
    Client,
    /// We accepted.
    Server,
}

/// Which end closed first.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// We did.
    Us,
    /// The peer did: its FIN arrived before we had closed.
    Peer,
    /// Neither: the connection failed before.
    Neither,
}

/// A connection came into being, is in trouble, or ceased to be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// The handshake is complete.
    Opened {
        /// Our end.
        local: SocketAddr,
        /// The other end.
        remote: SocketAddr,
        /// Who opened it.
        role: Role,
    },
    /// What we send does not get through (RFC 9293 §3.8.3, R1): [`tcp::Config::retries_until_doubt`]
    /// retransmissions or probes in a row brought no answer. The connection goes on trying. A connection
    /// that is still opening says so too.
    PathDoubted {
        /// Our end.
        local: SocketAddr,
        /// The other end.
        remote: SocketAddr,
        /// Who opened it.
        role: Role,
    },
    /// Both directions are closed, or the connection failed.
    Closed(Box<ConnectionSummary>),
}

/// What there is to say about a connection once it is over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionSummary {
    /// Our end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// Who opened it.
    pub role: Role,
    /// Who closed it first.
    pub closed_by: ClosedBy,
    /// Why it failed, if it did. That we aborted it is not a failure.
    pub failure: Option<tcp::Error>,
    /// From the first SYN (as a server: from the end of the handshake) until both directions were closed.
    pub duration: Duration,
    /// What the engine had counted when it last could be asked.
    pub info: tcp::Info,
}

/// Events that wait for the driver to hand them to an observer.
///
/// Bounded: an observer that is slower than the connections loses the oldest events rather than
/// letting memory grow.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    events: VecDeque<(SocketId, ConnectionEvent)>,
}

/// Some 20 MB of events: far more than one pass of the driver can produce.
const EVENTS_MAX: usize = 65_536;

impl EventQueue {
    /// Adds an event.
    pub(crate) fn push(&mut self, id: SocketId, event: ConnectionEvent) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back((id, event));
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Takes all events away.
    pub(crate) fn take(&mut self) -> VecDeque<(SocketId, ConnectionEvent)> {
        std::mem::take(&mut self.events)
    }
}
