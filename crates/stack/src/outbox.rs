//! What waits to leave by each interface: frames that belong to no connection, connections that may not send
//! now, and UDP sockets that found no room.
//!
//! Each interface has a queue of its own, so a link that takes nothing holds up only its own traffic. While
//! an interface is held, its frames and connections wait here, and those of the others take turns. What is
//! *not* here: a link's own queue, and packets that wait for a neighbour's address (`neighbour.rs`).

use crate::build;
use crate::counters::Discard;
use crate::frame_queue::{FrameQueue, HeldFrame};
use crate::host::Host;
use crate::id::SocketId;
use crate::interface::InterfaceId;
use crate::neighbour::Demand;
use crate::route::Hop;
use crate::socket::Mark;
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};
use tcp::{Instant, State};
use wire::Frame;

/// A frame that waits for its turn on a link.
pub(crate) struct Waiting {
    pub(crate) interface: InterfaceId,
    pub(crate) frame: Frame,
    /// The record that tells of its sending, if it is traced.
    pub(crate) sending: Option<u64>,
}

impl HeldFrame for Waiting {
    fn frame(&self) -> &Frame {
        &self.frame
    }
}

/// What waits for one interface.
#[derive(Default)]
struct Queue {
    frames: FrameQueue<Waiting>,
    /// UDP sockets and gates that could not send because there was no room; each is in one queue, once.
    senders: VecDeque<SocketId>,
    /// Connections that may have something to send, while the interface is held. A set, because the place of a
    /// connection that has ended may be another's.
    connections: BTreeSet<u32>,
    is_held: bool,
    /// Since when a connection has waited for the interface, which has taken nothing since then.
    awaited_since: Option<Instant>,
}

/// A link that has taken nothing for so long is taken for gone: what its connections send is lost, so that their timers
/// run, and who hears nothing gives up. A link that is only full takes something sooner.
const GONE: Duration = Duration::from_secs(10);

/// What waits for all interfaces.
#[derive(Default)]
pub(crate) struct Outbox {
    queues: Vec<Queue>,
    /// Interfaces that have frames and are not held; the first one has its turn.
    turns: VecDeque<InterfaceId>,
    /// How many interfaces are held.
    held: usize,
}

impl Outbox {
    /// Whether no frame may leave now.
    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Memory that the queues take.
    pub(crate) fn held_bytes(&self) -> usize {
        let frames: usize = self.queues.iter().map(|queue| queue.frames.held_bytes()).sum();
        frames + self.queues.capacity() * size_of::<Queue>()
    }

    /// Frames that wait for this interface.
    pub(crate) fn len(&self, interface: InterfaceId) -> usize {
        self.queues.get(interface.index()).map_or(0, |queue| queue.frames.len())
    }

    /// Whether this interface may not send now.
    #[inline]
    pub(crate) fn is_held(&self, interface: InterfaceId) -> bool {
        self.held > 0 && self.queues.get(interface.index()).is_some_and(|queue| queue.is_held)
    }

    /// When the link of this interface, for which connections wait, is taken for gone.
    fn gone_at(&self, interface: InterfaceId) -> Option<Instant> {
        Some(self.queues.get(interface.index())?.awaited_since? + GONE)
    }

    fn queue(&mut self, interface: InterfaceId) -> &mut Queue {
        let index = interface.index();
        if self.queues.len() <= index {
            self.queues.resize_with(index + 1, Queue::default);
        }
        &mut self.queues[index]
    }

    pub(crate) fn push(&mut self, waiting: Waiting) {
        let interface = waiting.interface;
        let queue = self.queue(interface);
        queue.frames.push_back(waiting);
        if queue.frames.len() == 1 && !queue.is_held {
            self.turns.push_back(interface);
        }
    }

    /// The next frame; interfaces take turns.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        let interface = self.turns.pop_front()?;
        let queue = self.queue(interface);
        let waiting = queue.frames.pop_front();
        if !queue.frames.is_empty() {
            self.turns.push_back(interface);
        }
        waiting
    }

    /// A UDP socket or a gate waits for room.
    pub(crate) fn await_room(&mut self, interface: InterfaceId, sender: SocketId) {
        self.queue(interface).senders.push_back(sender);
    }

    /// The sockets that wait for room, if half of it is free.
    pub(crate) fn take_senders(&mut self, interface: InterfaceId, frames_max: usize) -> VecDeque<SocketId> {
        match self.queues.get_mut(interface.index()) {
            Some(queue) if queue.frames.len() * 2 <= frames_max => core::mem::take(&mut queue.senders),
            _ => VecDeque::new(),
        }
    }

    /// The turn of a connection comes when its interface may not send.
    fn hold_connection(&mut self, now: Instant, interface: InterfaceId, index: u32) {
        let queue = self.queue(interface);
        queue.awaited_since.get_or_insert(now);
        queue.connections.insert(index);
    }

    fn hold(&mut self, interface: InterfaceId) {
        let queue = self.queue(interface);
        if !core::mem::replace(&mut queue.is_held, true) {
            self.held += 1;
            self.turns.retain(|turn| *turn != interface);
        }
    }

    fn release(&mut self, interface: InterfaceId) {
        let queue = self.queue(interface);
        queue.awaited_since = None;
        if core::mem::replace(&mut queue.is_held, false) {
            if !queue.frames.is_empty() {
                self.turns.push_back(interface);
            }
            self.held -= 1;
        }
    }

    /// The connections that wait for an interface.
    fn take_connections(&mut self, interface: InterfaceId) -> BTreeSet<u32> {
        self.queues
            .get_mut(interface.index())
            .map_or_else(BTreeSet::new, |queue| core::mem::take(&mut queue.connections))
    }
}

impl Host {
    /// The link of this interface takes no more for now: until [`Host::release_interface`],
    /// [`Host::poll_transmit`] returns no frames for it, except the rest of a super-segment that is being cut. The
    /// other interfaces go on. Does nothing if the interface is unknown or held already.
    ///
    /// ```
    /// # use synfin_stack::{Config, Host, Interface};
    /// # let capabilities = wire::LinkCapabilities::default();
    /// # let addresses = vec!["10.0.0.1/24".parse().expect("an address")];
    /// # let interface = Interface { name: "wire".into(), capabilities, hardware: None, addresses };
    /// let mut host = Host::new(Config::default(), [7; 32]);
    /// let wire = host.add_interface(interface);
    /// let now = tcp::Instant::from_millis(1);
    /// host.tcp_connect(now, None, "10.0.0.2:80".parse().expect("an address"))?;
    /// host.hold_interface(wire);
    /// assert!(host.poll_transmit(now).is_none());
    /// host.release_interface(wire);
    /// assert!(host.poll_transmit(now).is_some());
    /// # Ok::<(), synfin_stack::Error>(())
    /// ```
    pub fn hold_interface(&mut self, interface: InterfaceId) {
        if interface.index() < self.interfaces.len() {
            self.outbox.hold(interface);
        }
    }

    /// The link of this interface takes frames again.
    pub fn release_interface(&mut self, interface: InterfaceId) {
        if self.outbox.is_held(interface) {
            self.outbox.release(interface);
            self.retry_connections(interface);
        }
    }

    /// The turn of a connection comes when its interface is held: it waits, and its timers go on. What changes it gives
    /// it another turn; one that is over then leaves its reset and goes.
    #[cold]
    pub(crate) fn hold_connection(&mut self, now: Instant, interface: InterfaceId, index: u32) {
        let Some(socket) = self.sockets.at_mut(index) else { return };
        socket.marks.take(Mark::Ready);
        if socket.connection.state() == State::Closed {
            self.leave_reset(now, interface, index);
            return self.handle_drained(now, index);
        }
        let is_gone = self.outbox.gone_at(interface).is_some_and(|at| now >= at);
        if is_gone && socket.connection.poll_transmit(now, 0).is_some() {
            self.counters.discard(Discard::OutboxFull);
            self.settle(index);
        }
        self.outbox.hold_connection(now, interface, index);
        self.set_timer_of_held(now, index);
    }

    /// What a connection that is over still owes waits among the frames, without the connection: the link may never
    /// take anything again.
    fn leave_reset(&mut self, now: Instant, interface: InterfaceId, index: u32) {
        let shape = self.shape(interface);
        while let Some(socket) = self.sockets.at_mut(index)
            && let Some(mut transmit) = socket.connection.poll_transmit(now, 0)
        {
            let key = socket.key;
            let mut frame = Frame::default();
            build::tcp_frame(&mut frame, shape, &key, socket.outgoing(&mut transmit));
            self.counters.segments_sent += 1;
            let hop = self.routes.find_on(key.remote.ip(), interface);
            let hop = hop.unwrap_or(Hop { interface, neighbour: key.remote.ip() });
            self.enqueue_frame(now, hop, frame, Demand::Answer);
        }
    }

    /// A connection that may not send has no timer of what it sends, until its link is taken for gone, but it may have
    /// others. One that is due already has done what it could.
    pub(crate) fn set_timer_of_held(&mut self, now: Instant, index: u32) {
        if let Some(socket) = self.sockets.at_mut(index) {
            let gone_at = self.outbox.gone_at(socket.interface);
            let due = [socket.connection.poll_timeout(), gone_at]
                .into_iter()
                .flatten()
                .filter(|due| *due > now)
                .min();
            self.timers.set(&mut socket.timer, index, due);
        }
    }

    /// The routing table has changed: connections that wait for an interface may have another one now.
    pub(crate) fn retry_held_connections(&mut self) {
        if self.outbox.held > 0 {
            (0..self.interfaces.len() as u16).for_each(|number| self.retry_connections(InterfaceId(number)));
        }
    }

    /// The connections that wait for an interface have their turns again.
    fn retry_connections(&mut self, interface: InterfaceId) {
        for index in self.outbox.take_connections(interface) {
            if let Some(socket) = self.sockets.at_mut(index)
                && !socket.marks.put(Mark::Ready)
            {
                self.ready.push_back(index);
            }
        }
    }
}
