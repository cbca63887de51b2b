//! The last word about a connection whose application has left.
//!
//! Such a connection tells no events, for nobody holds its id. A program that keeps a log of connections
//! still wants to know how each ended: with [`Departures::Told`] the host keeps what the engine had counted
//! when the connection was over (CLOSED or compact TIME-WAIT), under the id that the application had.

use crate::host::Host;
use crate::id::{SocketId, SocketKind};
use crate::socket::Standing;
use tcp::{Info, Instant};

/// Most departures that wait to be taken, some 20 MB; beyond it the oldest is dropped.
const DEPARTURES_MAX: usize = 65_536;

/// Whether [`Host::poll_departure`] has something to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Departures {
    /// Connections without an application end in silence.
    #[default]
    Untold,
    /// Each leaves a record.
    Told,
}

impl Host {
    /// Starts or stops keeping a record of each connection that ends after its application has left.
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

    /// Throws every connection away, whoever holds it: each synchronized peer gets a reset. For a program
    /// that cannot wait any longer. TIME-WAIT and listeners stay. Walks everything.
    pub fn abort_all(&mut self, now: Instant) {
        self.now = self.now.max(now);
        let indexes: Vec<u32> = self.sockets.iter_mut().map(|(index, _)| index).collect();
        for index in indexes {
            if let Some(socket) = self.sockets.at_mut(index) {
                socket.connection.abort(now);
                self.touch_connection(now, index);
            }
        }
    }

    /// A connection leaves its place for good.
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
