//! A connection in its host: what the host must know of it in addition to the connection itself.

use crate::build::Outgoing;
use crate::flow::FlowKey;
use crate::interface::InterfaceId;
use crate::timers::Timer;
use tcp::{Connection, Transmit};

/// No listener: the connection belongs to the application, or its application has closed it.
pub(crate) const NO_LISTENER: u32 = u32::MAX;

/// Where a connection stands in the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The application has its id.
    Owned,
    /// The application has its id: it has accepted it at a gate, and the handshake is not complete.
    Answered,
    /// The application has its id: it connects with Fast Open, and how that goes is not known yet.
    OpeningFast,
    /// The application has its id: the text of its SYN was taken, and the third step has not arrived.
    Unproven,
    /// The handshake is not complete; counts against the listener's backlog.
    HalfOpen,
    /// Established, waiting to be accepted.
    Queued,
    /// Waiting to be accepted: the text of its SYN was taken, and the third step has not arrived.
    QueuedUnproven,
    /// The application has closed it; the connection ends by itself.
    Orphan,
}

impl Standing {
    /// Whether the application has its id.
    #[inline]
    pub(crate) fn is_owned(self) -> bool {
        matches!(self, Standing::Owned | Standing::Answered | Standing::OpeningFast | Standing::Unproven)
    }
}

/// One connection of the host.
pub(crate) struct Socket {
    pub(crate) connection: Connection,
    pub(crate) key: FlowKey,
    /// For a connection that is not accepted yet, or whose handshake is not complete: its entry among the listeners'
    /// children, which holds what only such a connection needs. For all others [`NO_LISTENER`].
    pub(crate) child: u32,
    /// Its timer, while one is set.
    pub(crate) timer: Timer,
    pub(crate) interface: InterfaceId,
    /// The state of the routing table when `interface` was chosen.
    pub(crate) route_epoch: u16,
    pub(crate) hop_limit: u8,
    pub(crate) standing: Standing,
    /// What the budget has been charged for what the connection holds besides its block.
    pub(crate) charged_bytes: u32,
    pub(crate) marks: Marks,
}

impl Socket {
    /// Its handshake is complete, as far as the host is concerned: there is no entry that waits for it.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.standing == Standing::Owned || (self.standing == Standing::Orphan && self.child == NO_LISTENER)
    }

    /// A segment of the connection, to be put into a frame. Its text is taken out.
    #[inline]
    pub(crate) fn outgoing<'a>(&self, transmit: &'a mut Transmit) -> Outgoing<'a> {
        Outgoing {
            header: &mut transmit.header,
            payload: core::mem::take(&mut transmit.payload),
            segment_bytes: transmit.segment_bytes,
            hop_limit: self.hop_limit,
            traffic_class: self.connection.config().traffic_class,
            ecn: transmit.ecn,
            layout: self.connection.config().option_layout,
        }
    }
}

/// In which lists of the host a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mark {
    /// In the demultiplexing table; a closed connection that the application still holds is not.
    Linked = 1,
    /// In the list of connections that may have something to send.
    Ready = 2,
    /// In the list of connections that may have events.
    WithEvents = 4,
    /// In the list of those that hold much.
    Holder = 8,
    /// In the list of those whose writers wait for the host's memory.
    Starved = 16,
}

/// All marks of a connection, in a byte.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks(u8);

impl Marks {
    #[inline]
    pub(crate) fn has(self, mark: Mark) -> bool {
        self.0 & mark as u8 != 0
    }

    /// Puts a mark; returns whether it was there.
    #[inline]
    pub(crate) fn put(&mut self, mark: Mark) -> bool {
        let had = self.has(mark);
        self.0 |= mark as u8;
        had
    }

    /// Takes a mark off; returns whether it was there.
    #[inline]
    pub(crate) fn take(&mut self, mark: Mark) -> bool {
        let had = self.has(mark);
        self.0 &= !(mark as u8);
        had
    }
}

// An idle connection is counted in bytes: with its place in the tables it takes at most 512.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Option<Socket>>() <= 480);
