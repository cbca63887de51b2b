//! Lists every TCP socket of a host, as `netstat` and `ss` do, and ends one as an administrator does.
//!
//! For people and tests: it takes time in proportion to the number of sockets.

use crate::flow::FlowKey;
use crate::host::Host;
use crate::id::{SocketId, SocketKind};
use crate::time_wait::TIME_WAIT_BIT;
use std::net::SocketAddr;
use tcp::{CongestionControl, Instant, State};

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Our end.
    pub local: SocketAddr,
    /// The peer's; `None` for a listener.
    pub remote: Option<SocketAddr>,
    /// The state of the connection; LISTEN for a listener.
    pub state: State,
    /// Bytes received and not read; for a listener the number of connections that wait to be accepted.
    pub receive_queue: usize,
    /// Bytes written and not acknowledged; for a listener the largest number that may wait.
    pub send_queue: usize,
    /// Which congestion control runs; for a listener that of the connections to come; `None` in TIME-WAIT.
    pub congestion: Option<CongestionControl>,
}

/// A connection of a host, whoever holds it, and what its engine knows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedConnection {
    /// Its id, also if its application has left it or has not accepted it yet.
    pub id: SocketId,
    /// Our end.
    pub local: SocketAddr,
    /// The peer's.
    pub remote: SocketAddr,
    /// State, round-trip time, windows, queues, retransmissions, bytes.
    pub info: tcp::Info,
    /// The timers that run, and when each is due.
    pub timers: Vec<(tcp::Timer, Instant)>,
    /// Bytes received and not read.
    pub receive_queue_bytes: usize,
    /// Bytes written and not acknowledged.
    pub send_queue_bytes: usize,
}

impl Host {
    /// Every connection in every state but CLOSED and the compact TIME-WAIT, with what its engine knows.
    ///
    /// ```
    /// let host = synfin_stack::Host::new(synfin_stack::Config::default(), [7; 32]);
    /// assert!(host.tcp_connections(tcp::Instant::ZERO).is_empty());
    /// ```
    pub fn tcp_connections(&self, now: Instant) -> Vec<ListedConnection> {
        let connections =
            self.sockets.iter().filter(|(_, socket)| socket.connection.state() != State::Closed);
        connections
            .map(|(key, socket)| ListedConnection {
                id: SocketId::new(SocketKind::Connection, key),
                local: socket.key.local(),
                remote: socket.key.remote(),
                info: socket.connection.info(now),
                timers: socket.connection.timers().collect(),
                receive_queue_bytes: socket.connection.readable_bytes(),
                send_queue_bytes: socket.connection.unacknowledged_bytes(),
            })
            .collect()
    }

    /// Lists listeners first, then connections, then the entries of the TIME-WAIT table.
    ///
    /// ```
    /// let mut host = synfin_stack::Host::new(synfin_stack::Config::default(), [7; 32]);
    /// host.tcp_listen("[::]:80".parse().expect("an address"), 128)?;
    /// let listed = host.tcp_census();
    /// assert_eq!((listed.len(), listed[0].state, listed[0].local.port()), (1, tcp::State::Listen, 80));
    /// # Ok::<(), synfin_stack::Error>(())
    /// ```
    pub fn tcp_census(&self) -> Vec<Listed> {
        let listeners = self.listeners.iter().map(|listener| Listed {
            local: listener.local,
            remote: None,
            state: State::Listen,
            receive_queue: listener.queue.len(),
            send_queue: listener.backlog,
            congestion: Some(listener.config.as_ref().unwrap_or(&self.config.tcp).congestion),
        });
        // A closed connection may still be held by its application, but is not part of the network any more.
        let connections = self.sockets.iter().map(|(_, socket)| socket);
        let connections = connections.filter(|socket| socket.connection.state() != State::Closed);
        let connections = connections.map(|socket| Listed {
            local: socket.key.local(),
            remote: Some(socket.key.remote()),
            state: socket.connection.state(),
            receive_queue: socket.connection.readable_bytes(),
            send_queue: socket.connection.unacknowledged_bytes(),
            congestion: Some(socket.connection.config().congestion),
        });
        let time_waits = self.time_waits.iter().map(|entry| Listed {
            local: entry.key.local(),
            remote: Some(entry.key.remote()),
            state: State::TimeWait,
            receive_queue: 0,
            send_queue: 0,
            congestion: None,
        });
        listeners.chain(connections).chain(time_waits).collect()
    }

    /// Ends the connection between these ends, as an administrator does (`tcpdrop`): its application gets the
    /// error of an aborted connection, its peer a reset. Returns whether there was such a connection.
    pub fn tcp_drop(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr) -> bool {
        let now = self.advance(now);
        let Some(place) = self.find_place(&FlowKey::new(local, remote)) else { return false };
        if place & TIME_WAIT_BIT != 0 {
            self.forget_time_wait(place & !TIME_WAIT_BIT);
            return true;
        }
        let Some(socket) = self.sockets.at_mut(place) else { return false };
        socket.connection.abort(now);
        self.touch_connection(now, place);
        true
    }
}
