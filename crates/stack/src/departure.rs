//! Records of how connections ended after the application had closed them.
//!
//! Such a connection has no events, because no valid id names it. A program that keeps a log of connections
//! still wants to know how each ended. With [`Departures::Told`] the host keeps a record when the connection
//! is over (CLOSED or compact TIME-WAIT): what it has counted, under the id that the application had.

use crate::host::Host;
use crate::id::{SocketId, SocketKind};
use crate::limits::DEPARTURES_MAX;
use crate::socket::Standing;
use tcp::{Info, Instant, State};

/// Whether [`Host::poll_departure`] returns records.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Departures {
    /// No records are kept.
    #[default]
    Untold,
    /// One record is kept for each connection.
    Told,
}

impl Host {
    /// Starts or stops keeping a record of each connection that ends after the application has closed it.
    pub fn set_departures(&mut self, departures: Departures) {
        self.departures = departures;
        if departures == Departures::Untold {
            self.departed.clear();
        }
    }

    /// The oldest record not yet taken: the id that the application had, and how the connection ended.
    pub fn poll_departure(&mut self) -> Option<(SocketId, Info)> {
        self.departed.pop_front()
    }

    /// The connections that the application has closed and whose peer does not have everything yet: data that
    /// was written, or the FIN after it, is not acknowledged. Takes time in proportion to the number of
    /// connections.
    ///
    /// ```
    /// # let mut host = synfin_stack::Host::new(synfin_stack::Config::default(), [7; 32]);
    /// let undelivered = host.undelivered();
    /// // Later, when the peers have acknowledged everything:
    /// let are_delivered = undelivered.iter().all(|id| host.undelivered_bytes(*id) == 0);
    /// # assert!(are_delivered);
    /// ```
    pub fn undelivered(&self) -> Vec<SocketId> {
        let ids = self.sockets.iter().map(|(key, _)| SocketId::new(SocketKind::Connection, key));
        ids.filter(|id| self.undelivered_bytes(*id) > 0).collect()
    }

    /// How many bytes of a connection that the application has closed are not acknowledged; the FIN counts as
    /// one. Zero if the peer has everything, the connection is over, or the application still holds it.
    pub fn undelivered_bytes(&self, id: SocketId) -> usize {
        let socket = id.key(SocketKind::Connection).and_then(|key| self.sockets.get(key));
        let Some(socket) = socket.filter(|socket| socket.standing == Standing::Orphan) else { return 0 };
        match socket.connection.state() {
            // Our FIN is acknowledged, or there is no connection that could carry it.
            State::FinWait2 | State::TimeWait | State::Closed | State::Listen => 0,
            _ => socket.connection.unacknowledged_bytes() + 1,
        }
    }

    /// Ends every connection at once, whether the application holds it or not; each synchronized peer gets a
    /// reset. For a program that cannot wait any longer. TIME-WAIT and listeners stay. Takes time in
    /// proportion to the number of connections.
    pub fn abort_all(&mut self, now: Instant) {
        let now = self.advance(now);
        let indexes: Vec<u32> = self.sockets.iter_mut().map(|(index, _)| index).collect();
        for index in indexes {
            if let Some(socket) = self.sockets.at_mut(index) {
                socket.connection.abort(now);
                self.touch_connection(now, index);
            }
        }
    }

    /// Keeps a record of a connection that is about to be removed.
    pub(crate) fn record_departure(&mut self, index: u32) {
        if self.departures == Departures::Untold {
            return;
        }
        let Some(key) = self.sockets.key_at(index) else { return };
        let Some(socket) = self.sockets.at(index).filter(|socket| socket.standing == Standing::Orphan) else {
            return;
        };
        let departed = (SocketId::new(SocketKind::Connection, key), socket.connection.info(self.now));
        if self.departed.len() == DEPARTURES_MAX {
            self.departed.pop_front();
        }
        self.departed.push_back(departed);
    }
}
