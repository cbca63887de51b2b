//! What a stack tells those who watch it: connections as they open and close, frames as they pass.
//!
//! Connection events are handed to the observer by the stack's own thread, in the order in which
//! they happened and outside the stack's lock, so an observer may use sockets, but it must not wait
//! on them: the thread it would wait for is its own. Frames are shown to the tap *inside* the lock,
//! in the order in which they pass; a tap writes them down and returns.

use device::Direction;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use wire::Frame;

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

/// A frame as the tap sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Tapped<'a> {
    /// Which way it passes.
    pub direction: Direction,
    /// The link's place in the order of [`Builder::link`](crate::Builder::link).
    pub interface: usize,
    /// Time of day, since 1970.
    pub since_1970: Duration,
    /// The frame. A super-segment is shown whole, as the stack sees it.
    pub frame: &'a Frame,
}

/// The boxed observer of connections.
pub(crate) type Observer = Box<dyn FnMut(ConnectionEvent) + Send>;
/// The boxed observer of frames.
pub(crate) type Tap = Box<dyn FnMut(Tapped<'_>) + Send>;

/// Events that wait for the driver to hand them to an observer.
///
/// Bounded: an observer that is slower than the connections loses the oldest events rather than
/// letting memory grow.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    events: VecDeque<ConnectionEvent>,
}

/// Some 20 MB of events: far more than one pass of the driver can produce.
const EVENTS_MAX: usize = 65_536;

impl EventQueue {
    /// Adds an event.
    pub(crate) fn push(&mut self, event: ConnectionEvent) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Takes all events away.
    pub(crate) fn take(&mut self) -> VecDeque<ConnectionEvent> {
        std::mem::take(&mut self.events)
    }
}
