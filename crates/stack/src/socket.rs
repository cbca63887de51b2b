//! A connection in its host: what the host must know of it in addition to the connection itself.

use crate::flow::FlowKey;
use crate::interface::InterfaceId;
use crate::timers::Timer;
use tcp::Connection;

/// No listener: the connection belongs to the application, or its application has closed it.
pub(crate) const NO_LISTENER: u32 = u32::MAX;

/// Where a connection stands in the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The application has its id.
    Owned,
    /// The handshake is not complete; counts against the listener's backlog.
    HalfOpen,
    /// Established, waiting to be accepted.
    Queued,
    /// The application has closed it; the connection ends by itself.
    Orphan,
}

/// One connection of the host.
pub(crate) struct Socket {
    pub(crate) connection: Connection,
    pub(crate) key: FlowKey,
    /// For a connection that is not accepted yet: its entry among the listeners' children, which holds what
    /// only such a connection needs. For all others [`NO_LISTENER`].
    pub(crate) child: u32,
    /// Its timer, while one is set.
    pub(crate) timer: Timer,
    pub(crate) interface: InterfaceId,
    /// The state of the routing table when `interface` was chosen.
    pub(crate) route_epoch: u16,
    pub(crate) hop_limit: u8,
    pub(crate) standing: Standing,
    /// In the host's list of connections that may have something to send.
    pub(crate) is_ready: bool,
    /// In the host's list of connections that may have events.
    pub(crate) is_with_events: bool,
    /// In the demultiplexing table; a closed connection that the application still holds is not.
    pub(crate) is_linked: bool,
}
