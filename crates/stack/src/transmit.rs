//! Frames leave: which connection sends, by which interface, and in which pieces.
//!
//! Connections that may have something to send are in a list and take turns. A turn is bounded, so that one
//! bulk transfer does not delay the others, and long enough that batches stay together. A link that takes
//! super-segments gets them whole; for other links they are cut here, which is cheaper than asking the
//! connection for each piece. What is for a link that takes nothing waits in `outbox.rs`. Packets to ourselves
//! stay inside the host.

use crate::budget::MemoryLevel;
use crate::build::{self, Outgoing, Shape};
use crate::counters::Discard;
use crate::flow::FlowKey;
use crate::host::Host;
use crate::interface::InterfaceId;
use crate::limits::{CUT_BYTES_MAX, LOOPBACK_FRAMES_PER_CALL, SUPER_SEGMENT_BYTES_MAX};
use crate::neighbour::Demand;
use crate::outbox::Waiting;
use crate::route::Hop;
use crate::socket::Mark;
use crate::socket::Standing;
use std::net::{IpAddr, SocketAddr};
use tcp::{Error, Instant, PathEvent, SendReason, Tracing, Transmit};
use wire::ip::Ecn;
use wire::tcp::{Header, OptionLayout};
use wire::{Frame, Medium, Payload, segmentation};

impl Host {
    /// The next frame to put on a link, until `None`.
    #[inline]
    pub fn poll_transmit(&mut self, now: Instant) -> Option<(InterfaceId, Frame)> {
        let quiet = self.ready.is_empty() && self.outbox.is_empty() && self.loopback.is_empty();
        if quiet && self.cutting.is_none() && !self.budget.is_alarmed() { None } else { self.take_frame(now) }
    }

    fn take_frame(&mut self, now: Instant) -> Option<(InterfaceId, Frame)> {
        let now = self.advance(now);
        if self.budget.is_alarmed() {
            self.relieve(now);
        }
        // In one piece, as it is returned: a frame is too large to be put together from parts.
        let mut taken = (InterfaceId::LOOPBACK, Frame::default());
        taken.0 = self.next_frame(now, &mut taken.1)?;
        self.counters.frames_sent += 1;
        Some(taken)
    }

    fn next_frame(&mut self, now: Instant, out: &mut Frame) -> Option<InterfaceId> {
        let mut loopback_frames = LOOPBACK_FRAMES_PER_CALL;
        loop {
            if self.cutting.is_some()
                && let Some(interface) = self.next_piece(out)
            {
                return Some(interface);
            }
            if !self.outbox.is_empty() {
                return self.next_from_outbox(out);
            }
            if let Some(index) = self.ready.front().copied() {
                if let Some(interface) = self.transmit(now, index, out) {
                    return Some(interface);
                }
                continue;
            }
            if loopback_frames == 0 {
                return None;
            }
            loopback_frames -= 1;
            let frame = self.loopback.pop_front()?;
            self.receive_loopback(now, frame);
        }
    }

    /// The next piece of the super-segment that is being cut.
    fn next_piece(&mut self, out: &mut Frame) -> Option<InterfaceId> {
        let (interface, cut) = self.cutting.as_mut()?;
        if let Some(frame) = cut.next() {
            *out = frame;
            return Some(*interface);
        }
        self.cutting = None;
        None
    }

    #[inline(never)]
    fn next_from_outbox(&mut self, out: &mut Frame) -> Option<InterfaceId> {
        let waiting = self.outbox.pop()?;
        *out = waiting.frame;
        self.last_sending = waiting.sending;
        self.wake_datagram_senders(waiting.interface);
        Some(waiting.interface)
    }

    /// Asks the connection whose turn it is.
    #[inline]
    fn transmit(&mut self, now: Instant, index: u32, out: &mut Frame) -> Option<InterfaceId> {
        let epoch = self.routes.epoch();
        if self.sockets.at(index).is_some_and(|socket| socket.route_epoch != epoch) {
            self.refresh_route(now, index);
        }
        let Some(socket) = self.sockets.at_mut(index) else {
            self.end_turn();
            return None;
        };
        if self.outbox.is_held(socket.interface) {
            let interface = socket.interface;
            self.end_turn();
            self.hold_connection(now, interface, index);
            return None;
        }
        let link = self.interfaces.get(socket.interface.index()).map(|interface| &interface.capabilities);
        let shape = link.map_or(Shape::LOOPBACK, Shape::of);
        let link_cuts = link.is_none_or(|link| link.super_segment_bytes_max > 0);
        let super_segment_bytes = link.map_or(u32::MAX, |link| link.super_segment_bytes_max);
        let super_segment_bytes = if link_cuts { super_segment_bytes } else { CUT_BYTES_MAX };
        let super_segment_bytes = super_segment_bytes.min(SUPER_SEGMENT_BYTES_MAX);
        let mut transmit = Transmit::empty();
        if !socket.connection.transmit_into(now, super_segment_bytes, &mut transmit) {
            socket.marks.take(Mark::Ready);
            self.end_turn();
            self.handle_drained(now, index);
            return None;
        }
        self.counters.segments_sent += 1;
        let key = socket.key;
        let interface = socket.interface;
        // Nobody has shown yet that it can receive at a half-open connection's address.
        let is_half_open = matches!(
            socket.standing,
            Standing::HalfOpen | Standing::Answered | Standing::Unproven | Standing::QueuedUnproven
        );
        let demand = if is_half_open { Demand::Answer } else { Demand::Socket };
        build::tcp_frame(out, shape, &key, socket.outgoing(&mut transmit));
        let is_drained = socket.connection.is_drained();
        if is_drained {
            socket.marks.take(Mark::Ready);
            self.end_turn();
        } else {
            self.stay_or_rotate();
        }
        if self.tracing == Tracing::On {
            self.trace_transmission(now, index);
        }
        if is_drained {
            self.handle_drained(now, index);
        }
        if interface == InterfaceId::LOOPBACK || shape.medium == Medium::Ethernet {
            self.send_to_neighbour(now, (key.remote.ip(), interface), demand, out)?;
        }
        if !link_cuts && out.offload.segment_bytes > 0 {
            let cut = segmentation::cut(core::mem::take(out), shape.medium, shape.checksum);
            let (_, cut) = self.cutting.insert((interface, cut));
            *out = cut.next()?;
        }
        Some(interface)
    }

    /// Sends a frame to its neighbour, on a link with several hosts or on loopback.
    #[inline(never)]
    fn send_to_neighbour(
        &mut self,
        now: Instant,
        (remote, interface): (IpAddr, InterfaceId),
        demand: Demand,
        out: &mut Frame,
    ) -> Option<()> {
        let hop = self.routes.find_on(remote, interface);
        let hop = hop.unwrap_or(Hop { interface, neighbour: remote });
        let (_, frame) = self.dispatch(now, hop, core::mem::take(out), demand)?;
        *out = frame;
        Some(())
    }

    /// Counts a transmission of the connection whose turn it is, and ends a long turn if others wait.
    fn stay_or_rotate(&mut self) {
        self.turn_transmissions += 1;
        if self.turn_transmissions >= self.config.transmissions_per_turn && self.ready.len() > 1 {
            self.ready.rotate_left(1);
            self.turn_transmissions = 0;
        }
    }

    fn end_turn(&mut self) {
        self.ready.pop_front();
        self.turn_transmissions = 0;
    }

    /// The routing table has changed since the connection's interface was chosen, or a path MTU has become too old:
    /// chooses the interface again, and tries larger packets if nothing is known against them (RFC 1191 §6.3).
    #[cold]
    fn refresh_route(&mut self, now: Instant, index: u32) {
        let Some(socket) = self.sockets.at_mut(index) else { return };
        socket.route_epoch = self.routes.epoch();
        let key = socket.key;
        let interface = socket.interface;
        let snd_una = socket.connection.snapshot().snd_una;
        match self.hop_back(key.local, key.remote, interface) {
            Some(hop) => {
                let path = self.path_to(now, key.remote, hop);
                if let Some(socket) = self.sockets.at_mut(index) {
                    socket.interface = hop.interface;
                    if path.mtu_bytes > socket.connection.path().mtu_bytes {
                        socket.connection.set_path(now, path);
                    }
                }
            }
            None => {
                if let Some(socket) = self.sockets.at_mut(index) {
                    let event = PathEvent::SoftError { error: Error::NetworkUnreachable, seq: snd_una };
                    socket.connection.handle_path(now, event);
                }
            }
        }
    }

    /// Sends a frame to its next hop. Returns it if it can leave at once; otherwise it is for ourselves, or
    /// waits for a neighbour's address, or was dropped.
    #[inline]
    pub(crate) fn dispatch(
        &mut self,
        now: Instant,
        hop: Hop,
        frame: Frame,
        demand: Demand,
    ) -> Option<(InterfaceId, Frame)> {
        if hop.interface == InterfaceId::LOOPBACK {
            if self.loopback.len() >= self.config.loopback_frames_max {
                self.counters.discard(Discard::LoopbackFull);
            } else {
                self.loopback.push_back(frame);
            }
            return None;
        }
        match self.interfaces.get(hop.interface.index())?.capabilities.medium {
            Medium::Ip => Some((hop.interface, frame)),
            Medium::Ethernet => self.resolve(now, hop, frame, demand),
        }
    }

    /// Sends a frame that belongs to no connection.
    pub(crate) fn enqueue_frame(&mut self, now: Instant, hop: Hop, frame: Frame, demand: Demand) {
        if let Some(out) = self.dispatch(now, hop, frame, demand) {
            self.push_to_outbox(out);
        }
    }

    /// Puts a frame into the outbox, if there is room.
    pub(crate) fn push_to_outbox(&mut self, (interface, frame): (InterfaceId, Frame)) {
        self.push_waiting(Waiting { interface, frame, sending: None });
    }

    fn push_waiting(&mut self, waiting: Waiting) {
        if !self.has_room_to_wait(waiting.interface) {
            return self.counters.discard(Discard::OutboxFull);
        }
        self.outbox.push(waiting);
        self.settle_tables_now_and_then();
    }

    /// Whether one more frame may wait for this interface. While memory is short none waits for a link that takes
    /// nothing.
    fn has_room_to_wait(&self, interface: InterfaceId) -> bool {
        self.outbox.len(interface) < self.config.outbox_frames_max
            && match self.budget.level() {
                MemoryLevel::Calm | MemoryLevel::Pressure => true,
                MemoryLevel::High => !self.outbox.is_held(interface),
                MemoryLevel::Full => false,
            }
    }

    pub(crate) fn shape(&self, interface: InterfaceId) -> Shape {
        let link = self.interfaces.get(interface.index());
        link.map_or(Shape::LOOPBACK, |interface| Shape::of(&interface.capabilities))
    }

    /// Sends a segment without text from the host itself: a reset, an answer from TIME-WAIT, a cookie.
    pub(crate) fn send_header(&mut self, now: Instant, key: &FlowKey, header: Header, why: SendReason) {
        match self.route(SocketAddr::new(key.remote.ip(), key.remote_port)) {
            Some(hop) => self.send_header_by(now, hop, key, header, why),
            None => self.counters.discard(Discard::NoRoute),
        }
    }

    /// The same to a peer whose packets come by an interface; our end may be at a foreign address.
    pub(crate) fn send_header_back(
        &mut self,
        now: Instant,
        (key, came_by): (&FlowKey, InterfaceId),
        header: Header,
        why: SendReason,
    ) {
        match self.hop_back(key.local, key.remote, came_by) {
            Some(hop) => self.send_header_by(now, hop, key, header, why),
            None => self.counters.discard(Discard::NoRoute),
        }
    }

    /// The same to this next hop.
    pub(crate) fn send_header_by(
        &mut self,
        now: Instant,
        hop: Hop,
        key: &FlowKey,
        mut header: Header,
        why: SendReason,
    ) {
        let outgoing = Outgoing {
            header: &mut header,
            payload: Payload::new(),
            segment_bytes: 0,
            hop_limit: self.config.hop_limit,
            traffic_class: 0,
            ecn: Ecn::NotCapable,
            layout: OptionLayout::default(),
        };
        let mut frame = Frame::default();
        build::tcp_frame(&mut frame, self.shape(hop.interface), key, outgoing);
        let sending = self.trace_sent(now, key, &header, why);
        if let Some((interface, frame)) = self.dispatch(now, hop, frame, Demand::Answer) {
            self.push_waiting(Waiting { interface, frame, sending });
        }
    }
}
