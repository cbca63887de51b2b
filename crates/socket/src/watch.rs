//! Follows every connection from its opening to its end, for an observer. Without an observer nothing is kept.

use crate::observe::{ClosedBy, ConnectionEvent, ConnectionSummary, EventQueue, Role};
use stack::{Event, Host, SocketId};
use std::collections::HashMap;
use std::net::SocketAddr;
use tcp::{Instant, State};

/// The connections an observer is told about.
///
/// As many entries as the host has connections; the host has the bound.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    live: Option<HashMap<SocketId, Watched>>,
    events: EventQueue,
}

#[derive(Debug)]
struct Watched {
    local: SocketAddr,
    remote: SocketAddr,
    role: Role,
    began: Instant,
    is_open: bool,
    closed_by: ClosedBy,
    info: Option<tcp::Info>,
}

impl Watch {
    /// Keeps records for an observer.
    pub(crate) fn for_observer() -> Self {
        Watch { live: Some(HashMap::new()), events: EventQueue::default() }
    }

    /// What the observer should be told.
    pub(crate) fn events(&mut self) -> &mut EventQueue {
        &mut self.events
    }

    /// Whether there is something to tell.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// We begin to connect.
    pub(crate) fn on_opening(&mut self, now: Instant, id: SocketId, local: SocketAddr, remote: SocketAddr) {
        if let Some(live) = &mut self.live {
            live.insert(id, Watched::new(now, local, remote, Role::Client));
        }
    }

    /// The program answers a flow: it is open when the third step has arrived.
    pub(crate) fn on_answered(&mut self, now: Instant, id: SocketId, local: SocketAddr, remote: SocketAddr) {
        if let Some(live) = &mut self.live {
            live.insert(id, Watched::new(now, local, remote, Role::Server));
        }
    }

    /// The program accepted a connection.
    pub(crate) fn on_accepted(
        &mut self,
        host: &Host,
        now: Instant,
        id: SocketId,
        local: SocketAddr,
        remote: SocketAddr,
    ) {
        let Some(live) = &mut self.live else { return };
        let mut watched = Watched::new(now, local, remote, Role::Server);
        watched.is_open = true;
        watched.look(host, now, id);
        live.insert(id, watched);
        self.events.push(id, ConnectionEvent::Opened { local, remote, role: Role::Server });
    }

    /// The program closes its direction, or everything.
    pub(crate) fn on_closing(&mut self, host: &Host, now: Instant, id: SocketId) {
        if let Some(watched) = self.live.as_mut().and_then(|live| live.get_mut(&id)) {
            watched.is_closed_by(ClosedBy::Us);
            watched.look(host, now, id);
        }
    }

    /// The host says something of a connection that the program holds.
    pub(crate) fn on_event(&mut self, host: &Host, now: Instant, id: SocketId, event: Event) {
        let Some(watched) = self.live.as_mut().and_then(|live| live.get_mut(&id)) else { return };
        watched.look(host, now, id);
        match event {
            Event::Connected if !watched.is_open => {
                watched.is_open = true;
                let Watched { local, remote, role, .. } = *watched;
                self.events.push(id, ConnectionEvent::Opened { local, remote, role });
            }
            Event::PathDoubted => {
                let Watched { local, remote, role, .. } = *watched;
                self.events.push(id, ConnectionEvent::PathDoubted { local, remote, role });
            }
            Event::PeerFinished => watched.is_closed_by(ClosedBy::Peer),
            _ => {}
        }
        let is_over =
            |connection: &tcp::Connection| matches!(connection.state(), State::TimeWait | State::Closed);
        if host.tcp(id).is_none_or(is_over) {
            self.on_over(now, id);
        }
    }

    /// A connection that its program has left is over.
    pub(crate) fn on_departed(&mut self, now: Instant, id: SocketId, info: tcp::Info) {
        if let Some(watched) = self.live.as_mut().and_then(|live| live.get_mut(&id)) {
            watched.info = Some(info);
            self.on_over(now, id);
        }
    }

    /// Both directions are closed; that TIME-WAIT goes on interests nobody.
    fn on_over(&mut self, now: Instant, id: SocketId) {
        let Some(watched) = self.live.as_mut().and_then(|live| live.remove(&id)) else { return };
        // A connection that never opened was told about by `connect`.
        let (true, Some(info)) = (watched.is_open, watched.info) else { return };
        self.events.push(
            id,
            ConnectionEvent::Closed(Box::new(ConnectionSummary {
                local: watched.local,
                remote: watched.remote,
                role: watched.role,
                closed_by: watched.closed_by,
                failure: info.failure.filter(|error| *error != tcp::Error::Aborted),
                duration: now.since(watched.began),
                info,
            })),
        );
    }
}

impl Watched {
    fn new(began: Instant, local: SocketAddr, remote: SocketAddr, role: Role) -> Self {
        let (closed_by, info) = (ClosedBy::Neither, None);
        Watched { local, remote, role, began, is_open: false, closed_by, info }
    }

    /// The first to close is remembered.
    fn is_closed_by(&mut self, end: ClosedBy) {
        if self.closed_by == ClosedBy::Neither {
            self.closed_by = end;
        }
    }

    fn look(&mut self, host: &Host, now: Instant, id: SocketId) {
        if let Some(connection) = host.tcp(id) {
            self.info = Some(connection.info(now));
        }
    }
}
