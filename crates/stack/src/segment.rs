//! A TCP segment arrives at the host, for a connection, for an entry in TIME-WAIT, for a listener, or for
//! none of them (RFC 9293 §3.10.7).

use crate::budget::MemoryLevel;
use crate::build::pseudo_header;
use crate::connections::NewConnection;
use crate::counters::Discard;
use crate::flow::FlowKey;
use crate::host::Host;
use crate::interface::InterfaceId;
use crate::limits::HALF_OPEN_MIN;
use crate::packet::{Cast, Packet, flatten, is_flat};
use crate::receive::{is_trusted, may_be_answered};
use crate::reopen::Succession;
use crate::route::Hop;
use crate::socket::{Mark, Standing};
use crate::time_wait::TIME_WAIT_BIT;
use std::net::SocketAddr;
use tcp::listen::Arrival;
use tcp::{
    Connection, FastOpenAnswer, Instant, Refusal, ResetReason, Segment, SendReason, State, SynText, closed,
    listen,
};
use wire::Payload;
use wire::ip::protocol;
use wire::tcp::{Flags, Header};

impl Host {
    /// Checks a segment and delivers it.
    pub(crate) fn receive_tcp(&mut self, now: Instant, mut packet: Packet<'_>) {
        // Created once and passed by reference, because it is too large to be moved.
        let mut segment = Segment::default();
        let header_bytes = match segment.header.read(packet.transport()) {
            Ok(header_bytes) if packet.is_readable(header_bytes) => header_bytes,
            Err(_) if is_flat(packet.frame) => return self.counters.discard(Discard::TcpMalformed),
            _ => {
                flatten(packet.frame);
                return self.receive_tcp(now, packet);
            }
        };
        if !is_trusted(packet.frame) && !self.tcp_is_intact(&packet) {
            return self.counters.discard(Discard::TcpChecksum);
        }
        if packet.cast != Cast::Unicast || !may_be_answered(packet.source) {
            return self.counters.discard(Discard::TcpNotUnicast);
        }
        let key = FlowKey {
            local: packet.destination,
            remote: packet.source,
            local_port: segment.header.destination_port,
            remote_port: segment.header.source_port,
        };
        if segment.header.flags.intersects(Flags::SYN | Flags::RST)
            && self.gates.are_open()
            && self.arrive_at_gate(now, &packet, &key, &segment.header, header_bytes)
        {
            return;
        }
        let place = self.find_place_of_segment(&key);
        segment.ecn = packet.ecn;
        segment.segment_bytes = packet.frame.offload.segment_bytes;
        segment.payload = packet.take_text(header_bytes);
        match place {
            Some(place) if place & TIME_WAIT_BIT == 0 => {
                self.deliver_to_connection(now, place, &key, &mut segment);
            }
            Some(place) => {
                let (place, from) = (place & !TIME_WAIT_BIT, (&key, packet.arrival));
                self.deliver_to_time_wait(now, place, from, &mut segment);
            }
            None => self.deliver_to_listener(now, (&key, packet.arrival), &mut segment),
        }
    }

    /// The place of the flow that a segment belongs to; found without hashing if it is the same as last time.
    fn find_place_of_segment(&mut self, key: &FlowKey) -> Option<u32> {
        if self
            .sockets
            .at(self.last_index)
            .is_some_and(|socket| socket.marks.has(Mark::Linked) && socket.key == *key)
        {
            return Some(self.last_index);
        }
        let place = self.find_place(key)?;
        if place & TIME_WAIT_BIT == 0 {
            self.last_index = place;
        }
        Some(place)
    }

    fn tcp_is_intact(&self, packet: &Packet<'_>) -> bool {
        let bytes = packet.transport_bytes() as u32;
        let sum = pseudo_header(packet.source, packet.destination, protocol::TCP, bytes);
        packet.is_intact(sum)
    }

    fn deliver_to_connection(&mut self, now: Instant, index: u32, key: &FlowKey, segment: &mut Segment) {
        let Some(socket) = self.sockets.at_mut(index) else { return };
        let is_in_time_wait = socket.connection.state() == State::TimeWait;
        if socket.standing == Standing::HalfOpen && segment.header.flags.ack() && !segment.header.flags.rst()
        {
            // As on Linux: while the accept queue is full, the last step of the handshake is dropped too.
            let child = socket.child;
            if self.listeners.parent_of(child).is_some_and(|(_, listener)| listener.is_full()) {
                return self.counters.discard(Discard::TcpAcceptQueueFull);
            }
        }
        if is_in_time_wait && self.deliver_to_successor(now, index, key, segment) {
            return;
        }
        let has_room = segment.payload.is_empty() || self.has_room_for_text(index, segment);
        let Some(socket) = self.sockets.at_mut(index) else { return };
        if !has_room {
            // As if what would have to be kept had been lost; what is acknowledged makes room.
            segment.payload = Payload::new();
            segment.header.flags = Flags::from_bits(segment.header.flags.bits() & !Flags::FIN.bits());
            self.counters.discard(Discard::MemoryFull);
        }
        socket.connection.set_memory(self.budget.memory());
        self.counters.segments_received += 1;
        socket.connection.take_segment(now, segment);
        if socket.connection.state() == State::Listen {
            return self.end_passive_open(now, index);
        }
        self.touch_connection(now, index);
    }

    fn deliver_to_listener(
        &mut self,
        now: Instant,
        (key, came_by): (&FlowKey, InterfaceId),
        segment: &mut Segment,
    ) {
        if let Some(index) = self.find_listener(key) {
            self.arrive_at_listener(now, index, key, segment, None);
            return;
        }
        if !self.speaks_for(key.local) {
            return self.counters.discard(Discard::IpNotForUs);
        }
        self.counters.discard(Discard::TcpClosedPort);
        self.trace_unmatched(now, key, segment, Refusal::NoConnection);
        if let Some(reset) = closed::arrives(&segment.header, segment.text_bytes()) {
            let hop = self.hop_back(key.local, key.remote, came_by);
            self.send_reset(now, (key, hop), reset, ResetReason::ClosedPort);
        }
    }

    /// A segment arrives for a listener (RFC 9293 §3.10.7.2); with a succession, its ends are in TIME-WAIT. Returns
    /// `false` if it is a SYN that can never be taken while they are: [`Host::send_cookie`] says when.
    pub(crate) fn arrive_at_listener(
        &mut self,
        now: Instant,
        index: u32,
        key: &FlowKey,
        segment: &mut Segment,
        succession: Option<Succession>,
    ) -> bool {
        let listener = self.listeners.at(index);
        let config = listener.and_then(|listener| listener.config.as_ref()).unwrap_or(&self.config.tcp);
        if config.syn_fin_opens && segment.header.flags.syn() {
            segment.header.flags = Flags::from_bits(segment.header.flags.bits() & !Flags::FIN.bits());
        }
        match listen::arrives(&segment.header, config.habits) {
            Arrival::Ignore(why) => {
                self.counters.discard(Discard::TcpListenerIgnored);
                self.trace_unmatched(now, key, segment, why);
            }
            Arrival::Open => return self.open_passively(now, index, key, segment, succession),
            Arrival::Reset(reset) => {
                if self.accept_cookie(now, index, key, segment, None) {
                    return true;
                }
                self.trace_unmatched(now, key, segment, Refusal::AckOfUnsent);
                if self.may_follow_cookie(now, &segment.header) {
                    self.counters.discard(Discard::TcpNoCookie);
                } else {
                    let hop = self.route_back(key);
                    self.send_reset(now, (key, hop), reset, ResetReason::UnacceptableAck);
                }
            }
        }
        true
    }

    /// The first step of a handshake (RFC 9293 §3.10.7.2, third). Returns as [`Host::arrive_at_listener`].
    fn open_passively(
        &mut self,
        now: Instant,
        parent: u32,
        key: &FlowKey,
        syn: &mut Segment,
        succession: Option<Succession>,
    ) -> bool {
        let Some(listener) = self.listeners.at(parent) else { return true };
        if listener.is_full() {
            self.counters.discard(Discard::TcpAcceptQueueFull);
            return true;
        }
        let use_cookie = self.budget.level() >= MemoryLevel::Pressure
            || listener.half_open.len() >= listener.backlog.max(HALF_OPEN_MIN)
            || self.listeners.half_open >= self.config.half_open_max;
        let config = listener.config.clone().unwrap_or_else(|| self.config.tcp.clone());
        let (isn, may_open_fast) = (listener.isn, listener.fast_open.is_some());
        let Some(hop) = self.route_back(key) else {
            self.counters.discard(Discard::NoRoute);
            return true;
        };
        let mut birth = self.birth(now, key, hop, isn);
        if use_cookie {
            return self.send_cookie(now, key, syn, birth, config, succession);
        }
        if self.sockets.len() >= self.config.connections_max {
            self.counters.discard(Discard::TcpTooManyConnections);
            return true;
        }
        let predecessor = succession.and_then(|succession| {
            birth.iss = birth.iss.latest(succession.iss_at_least);
            self.set_aside(succession.place)
        });
        self.counters.passive_opens += 1;
        let standing = Standing::HalfOpen;
        let new = NewConnection { key: *key, parent, standing, interface: hop.interface };
        let fast = if may_open_fast {
            self.answer_fast_open(now, parent, key, syn)
        } else {
            FastOpenAnswer::default()
        };
        if syn.header.options.fast_open.is_some() && fast.text == SynText::Waits {
            // Who opens fast sends it again at once (RFC 7413 §4.2.2).
            syn.payload = Payload::new();
        }
        let place = self.add_connection(now, Connection::listen(now, birth, config), new);
        self.set_predecessor(place.index, predecessor);
        // The segment is taken after the connection was added, so that it is traced too.
        if let Some(socket) = self.sockets.get_mut(place) {
            if may_open_fast {
                socket.connection.answer_fast(fast);
            }
            socket.connection.take_segment(now, syn);
        }
        self.touch_connection(now, place.index);
        true
    }

    /// The next hop to the sender of a packet.
    pub(crate) fn route_back(&mut self, key: &FlowKey) -> Option<Hop> {
        self.route(SocketAddr::new(key.remote.ip(), key.remote_port))
    }

    /// Sends a reset from the host itself, within the rate limit.
    fn send_reset(
        &mut self,
        now: Instant,
        (key, hop): (&FlowKey, Option<Hop>),
        reset: Header,
        why: ResetReason,
    ) {
        let Some(hop) = hop else { return self.counters.discard(Discard::NoRoute) };
        if !self.reset_limit.take(now) {
            return self.counters.discard(Discard::ResetLimited);
        }
        self.counters.resets_sent += 1;
        self.send_header_by(now, hop, key, reset, SendReason::Reset(why));
    }
}
