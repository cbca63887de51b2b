//! Every TCP socket of a host, as `netstat` and `ss` list them, and the way to end one from outside.
//!
//! For people and tests: it walks everything.

use crate::flow::FlowKey;
use crate::host::Host;
use crate::time_wait::TIME_WAIT_BIT;
use std::net::SocketAddr;
use tcp::{Instant, State};

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Our end.
    pub local: SocketAddr,
    /// The peer's; `None` for a listener.
    pub remote: Option<SocketAddr>,
    /// Where it stands.
    pub state: State,
    /// Bytes received and not read; for a listener connections that wait to be accepted.
    pub receive_queue: usize,
    /// Bytes written and not acknowledged; for a listener the largest number that may wait.
    pub send_queue: usize,
}

impl Host {
    /// Listeners first, then connections, then what is left of those in TIME-WAIT.
    ///
    /// ```
    /// let mut host = stack::Host::new(stack::Config::default(), [7; 32]);
    /// host.tcp_listen("[::]:80".parse().expect("an address"), 128)?;
    /// let listed = host.tcp_census();
    /// assert_eq!((listed.len(), listed[0].state, listed[0].local.port()), (1, tcp::State::Listen, 80));
    /// # Ok::<(), stack::Error>(())
    /// ```
    pub fn tcp_census(&self) -> Vec<Listed> {
        let listeners = self.listeners.iter().map(|listener| Listed {
            local: listener.local,
            remote: None,
            state: State::Listen,
            receive_queue: listener.queue.len(),
            send_queue: listener.backlog,
        });
        // A connection that is over is kept for its application; the network knows nothing of it.
        let connections = self.sockets.iter().filter(|socket| socket.connection.state() != State::Closed);
        let connections = connections.map(|socket| Listed {
            local: socket.key.local(),
            remote: Some(socket.key.remote()),
            state: socket.connection.state(),
            receive_queue: socket.connection.readable_bytes(),
            send_queue: socket.connection.unacknowledged_bytes(),
        });
        let remains = self.time_waits.iter().map(|remains| Listed {
            local: remains.key.local(),
            remote: Some(remains.key.remote()),
            state: State::TimeWait,
            receive_queue: 0,
            send_queue: 0,
        });
        listeners.chain(connections).chain(remains).collect()
    }

    /// Ends the connection between these ends, as an administrator does (`tcpdrop`): its application is told
    /// that it was aborted, its peer gets a reset. Says whether there was one.
    pub fn tcp_drop(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr) -> bool {
        self.now = self.now.max(now);
        let Some(place) = self.find_place(&FlowKey::new(local, remote)) else { return false };
        if place & TIME_WAIT_BIT != 0 {
            self.forget_time_wait(place & !TIME_WAIT_BIT);
            return true;
        }
        let Some(socket) = self.sockets.at_mut(place) else { return false };
        socket.connection.abort(now);
        self.touch(now, place);
        true
    }
}
