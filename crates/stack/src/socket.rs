//! A connection in its host: what the host must know of it beside the connection itself.

use crate::flow::FlowKey;
use crate::interface::InterfaceId;
use crate::timers::Timer;
use tcp::Connection;

/// No listener: the connection belongs to the application, or to nobody any more.
pub(crate) const NO_PARENT: u32 = u32::MAX;

/// Where a connection stands in the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The application has its id.
    Owned,
    /// The handshake is not complete; counts against the listener's backlog.
    HalfOpen,
    /// Established, waiting to be accepted.
    Queued,
    /// The application is gone; the connection closes by itself.
    Orphan,
}

/// One connection of the host.
pub(crate) struct Socket {
    pub(crate) connection: Connection,
    pub(crate) key: FlowKey,
    /// The entry in the listeners' nursery of a connection that is not accepted yet, else [`NO_PARENT`]:
    /// what only the young need is not carried for life.
    pub(crate) child: u32,
    /// Its timer, while one is set.
    pub(crate) timer: Timer,
    pub(crate) interface: InterfaceId,
    /// The state of the routing table when `interface` was chosen.
    pub(crate) route_epoch: u16,
    pub(crate) hop_limit: u8,
    pub(crate) standing: Standing,
    /// In the host's list of those that may have something to send.
    pub(crate) is_ready: bool,
    /// In the host's list of those that may have something to tell.
    pub(crate) is_talkative: bool,
    /// In the demultiplexing table; a closed connection that the application still holds is not.
    pub(crate) is_linked: bool,
}
