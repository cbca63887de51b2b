//! A host: its parts, and how they are driven.
//!
//! The methods form families: setting up (here), what happens (`receive.rs`, [`Host::handle_timeout`]
//! here), what the application asks (`listener.rs`, `connect.rs`, `application.rs`, `udp.rs`), what the
//! driver takes (`poll_*`, here and in `transmit.rs`), inspection (here and in `usage.rs`). What is *not* here: a
//! clock, a socket, a random number.

use crate::budget::Budget;
use crate::cidr::Cidr;
use crate::config::Config;
use crate::cookie::Cookies;
use crate::counters::Counters;
use crate::datagram_gate::DatagramGates;
use crate::demux::Demux;
use crate::departure::Departures;
use crate::event::Event;
use crate::fast_open::FastOpenKeys;
use crate::fast_open::client::FastOpenPeers;
use crate::frame_queue::FrameQueue;
use crate::gate::Gates;
use crate::id::{Slab, SocketId, SocketKind};
use crate::identification::Identifications;
use crate::interface::{Addresses, Interface, InterfaceId};
use crate::isn::Isn;
use crate::listener::Listeners;
use crate::neighbour::Neighbours;
use crate::outbox::Outbox;
use crate::path_mtu::PathMtus;
use crate::ports::Ports;
use crate::rate_limit::{Limited, RateLimit};
use crate::reassembly::Reassembly;
use crate::route::{Route, Routes};
use crate::secret::Secret;
use crate::socket::{Mark, Socket};
use crate::time_wait::TimeWaits;
use crate::timers::{Timer, Timers};
use crate::trace::{TraceEnd, TraceRecord};
use crate::udp::UdpSockets;
use std::collections::VecDeque;
use std::net::IpAddr;
use tcp::{Instant, Tracing};
use wire::segmentation::Cut;
use wire::{Frame, Medium};

/// One host.
///
/// The contract: change it once (a frame, a timeout, a call), then drain it: [`Host::poll_transmit`]
/// until `None`, [`Host::poll_event`] until `None`, sleep until [`Host::poll_timeout`].
///
/// Calls take the time as an argument, from a clock that does not go back: a time before the latest one counts as
/// that.
pub struct Host {
    pub(crate) config: Config,
    /// The latest time that was an argument of a call.
    pub(crate) now: Instant,
    pub(crate) counters: Counters,
    pub(crate) budget: Budget,
    pub(crate) isn: Isn,
    pub(crate) ports: Ports,
    pub(crate) identifications: Identifications,

    pub(crate) interfaces: Vec<Interface>,
    pub(crate) addresses: Addresses,
    pub(crate) routes: Routes,
    pub(crate) neighbours: Neighbours,
    /// What connections have confirmed.
    pub(crate) path_mtus: PathMtus,
    /// What came back for datagrams.
    pub(crate) udp_path_mtus: PathMtus,
    pub(crate) reassembly: Reassembly,

    pub(crate) demux: Demux,
    pub(crate) sockets: Slab<Socket>,
    /// The connection that got the last segment; the next one is often for the same connection.
    pub(crate) last_index: u32,
    pub(crate) timers: Timers,
    pub(crate) fired: VecDeque<u32>,
    pub(crate) listeners: Listeners,
    pub(crate) gates: Gates,
    pub(crate) datagram_gates: DatagramGates,
    pub(crate) cookies: Cookies,
    pub(crate) fast_open_keys: FastOpenKeys,
    pub(crate) fast_open_peers: FastOpenPeers,
    pub(crate) time_waits: TimeWaits,
    pub(crate) udp: UdpSockets,

    /// Connections that may have something to send; the first one has its turn.
    pub(crate) ready: VecDeque<u32>,
    /// How many transmissions the connection whose turn it is has sent in this turn.
    pub(crate) turn_transmissions: u32,
    /// A super-segment that is being cut for a link that takes only single segments.
    pub(crate) cutting: Option<(InterfaceId, Cut)>,
    /// Packets that belong to no connection, or that had to wait for a neighbour's address, and what a link that is
    /// full holds up.
    pub(crate) outbox: Outbox,
    pub(crate) loopback: FrameQueue<Frame>,

    /// Connections that may have events.
    pub(crate) with_events: VecDeque<u32>,
    /// Events of listeners, gates and UDP sockets: at most one for each socket, and one [`Event::Writable`]; and one
    /// [`Event::Connected`] for each flow that was accepted.
    pub(crate) notices: VecDeque<(SocketId, Event)>,

    pub(crate) tracing: Tracing,
    pub(crate) trace_end: TraceEnd,
    pub(crate) traces: VecDeque<TraceRecord>,
    /// How many traces there have been: the number of the next.
    pub(crate) traces_told: u64,
    /// The number of the record that tells of the frame polled last.
    pub(crate) last_sending: Option<u64>,
    pub(crate) departures: Departures,
    pub(crate) departed: VecDeque<(SocketId, tcp::Info)>,

    pub(crate) reset_limit: RateLimit,
    pub(crate) icmp_error_limit: RateLimit,
    pub(crate) echo_limit: RateLimit,
}

impl Host {
    /// A host without interfaces. The secret keys everything that peers must not predict: sequence
    /// numbers, ports, timestamps, tables. Take it from a good source of randomness. With the same
    /// secret and the same inputs, the host does the same.
    ///
    /// ```
    /// let host = synfin_stack::Host::new(synfin_stack::Config::default(), [7; 32]);
    /// assert_eq!((host.usage().connections, host.usage().memory), (0, synfin_stack::MemoryLevel::Calm));
    /// ```
    pub fn new(config: Config, secret: [u8; 32]) -> Self {
        let secret = Secret::new(secret);
        Host {
            now: Instant::ZERO,
            counters: Counters::default(),
            budget: Budget::new(config.memory),
            isn: Isn::new(&secret, config.isn),
            ports: Ports::new(&secret, config.ephemeral_ports.clone()),
            identifications: Identifications::new(&secret),
            interfaces: Vec::new(),
            addresses: Addresses::new(&secret),
            routes: Routes::default(),
            neighbours: Neighbours::new(&secret),
            path_mtus: PathMtus::new(&secret),
            udp_path_mtus: PathMtus::new(&secret),
            reassembly: Reassembly::new(&secret),
            demux: Demux::new(&secret),
            sockets: Slab::new(),
            last_index: 0,
            timers: Timers::new(),
            fired: VecDeque::new(),
            listeners: Listeners::new(&secret),
            gates: Gates::new(&secret),
            datagram_gates: DatagramGates::new(&secret),
            cookies: Cookies::new(&secret),
            fast_open_keys: FastOpenKeys::of(&secret),
            fast_open_peers: FastOpenPeers::new(&secret),
            time_waits: TimeWaits::new(),
            udp: UdpSockets::new(&secret),
            ready: VecDeque::new(),
            turn_transmissions: 0,
            cutting: None,
            outbox: Outbox::default(),
            loopback: FrameQueue::default(),
            with_events: VecDeque::new(),
            notices: VecDeque::new(),
            tracing: Tracing::Off,
            trace_end: TraceEnd::default(),
            traces: VecDeque::new(),
            traces_told: 0,
            last_sending: None,
            departures: Departures::default(),
            departed: VecDeque::new(),
            reset_limit: RateLimit::new(config.resets_per_second, &secret, Limited::Resets),
            icmp_error_limit: RateLimit::new(config.icmp_errors_per_second, &secret, Limited::IcmpErrors),
            echo_limit: RateLimit::new(config.echo_replies_per_second, &secret, Limited::EchoReplies),
            config,
        }
    }

    // Setting up.

    /// Attaches a link. For each address the host adds the route to its network, and on Ethernet sends an
    /// announcement (gratuitous ARP, unsolicited advertisement) that corrects stale entries of neighbours.
    ///
    /// # Panics
    /// If an Ethernet link has no hardware address, or there are 65,535 interfaces already.
    pub fn add_interface(&mut self, mut interface: Interface) -> InterfaceId {
        let is_ethernet = interface.capabilities.medium == Medium::Ethernet;
        assert!(!is_ethernet || interface.hardware.is_some(), "an Ethernet link needs a hardware address");
        assert!(self.interfaces.len() < usize::from(u16::MAX), "a host has fewer than 65,535 interfaces");
        let id = InterfaceId(self.interfaces.len() as u16);
        let addresses = core::mem::take(&mut interface.addresses);
        self.interfaces.push(interface);
        addresses.into_iter().for_each(|address| self.add_address(id, address));
        id
    }

    /// Gives an interface one more address. Does nothing if the interface is unknown.
    pub fn add_address(&mut self, id: InterfaceId, address: Cidr) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        if !interface.addresses.contains(&address) {
            interface.addresses.push(address);
        }
        self.addresses.add(address, id);
        self.add_route(address, None, id);
        self.announce(id, address.address());
    }

    /// The interface as it is now.
    pub fn interface(&self, id: InterfaceId) -> Option<&Interface> {
        self.interfaces.get(id.index())
    }

    /// Adds a route: packets for `destination` leave by the interface, to the router `via`, or directly to
    /// their destination if there is none. The longest prefix wins; a route to the same destination by the
    /// same interface is replaced.
    pub fn add_route(&mut self, destination: Cidr, via: Option<IpAddr>, interface: InterfaceId) {
        self.routes.add(Route { destination, via, interface });
        self.retry_held_connections();
    }

    /// Removes the routes to exactly this destination by this interface.
    pub fn remove_route(&mut self, destination: Cidr, interface: InterfaceId) {
        self.routes.remove(|route| route.destination == destination && route.interface == interface);
        self.retry_held_connections();
    }

    /// The routing table, longest prefix first.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// Whether the host accepts packets for this address.
    pub fn has_address(&mut self, ip: IpAddr) -> bool {
        self.addresses.takes(ip.into())
    }

    /// Says whether the host accepts packets for every address, so that listeners on unspecified addresses answer for
    /// whole networks. A proxy behind a TUN device that takes everything needs no more; [`Host::open_gate`] is for one
    /// that decides about each connection.
    pub fn set_any_address(&mut self, any: AnyAddress) {
        self.addresses.set_any(any == AnyAddress::IsOurs);
    }

    // What happens.

    /// Time has passed: does everything that is due. Cheap when nothing is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        let mut fired = core::mem::take(&mut self.fired);
        self.timers.expire(now, &mut fired);
        for index in fired.drain(..) {
            if let Some(socket) = self.sockets.at_mut(index) {
                socket.timer = Timer::NONE;
                let due = socket.connection.poll_timeout();
                if due.is_none_or(|due| due > now) {
                    self.timers.set(&mut socket.timer, index, due);
                    if self.outbox.is_held(socket.interface) && !socket.marks.put(Mark::Ready) {
                        // Its link may be taken for gone by now.
                        self.ready.push_back(index);
                    }
                    continue;
                }
                socket.connection.handle_timeout(now);
                let doubted = socket.connection.doubts_path().then_some(socket.key.remote);
                let is_held = self.outbox.is_held(socket.interface);
                self.touch_connection(now, index);
                if is_held {
                    self.set_timer_of_held(now, index);
                }
                if let Some(remote) = doubted {
                    self.doubt_path(now, remote);
                }
            }
        }
        self.time_waits.expire(now, &mut fired);
        fired.drain(..).for_each(|index| drop(self.forget_time_wait(index)));
        self.fired = fired;
        self.expire_neighbours(now);
        self.expire_reassembly(now);
        if self.addresses.sees_foreign() {
            self.expire_at_gates(now);
        }
        if self.path_mtus.expire(now, self.config.path_mtu_age) {
            self.routes.renew_epoch();
        }
        self.udp_path_mtus.expire(now, self.config.path_mtu_age);
    }

    /// When to call [`Host::handle_timeout`] at the latest; `None` while no timer is set. It may be earlier than
    /// anything is due: a timer that was put off is looked at when it was due first.
    ///
    /// Drain [`Host::poll_transmit`] first, because sending sets timers.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let undrained = !self.ready.is_empty() || !self.outbox.is_empty() || !self.loopback.is_empty();
        [
            undrained.then_some(self.now),
            self.timers.next_due(),
            self.time_waits.next_due(),
            self.neighbours.next_due(),
            self.reassembly.next_due(),
            if self.addresses.sees_foreign() { self.next_due_at_gates() } else { None },
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The next event for the application, until `None`. An event says that a call is worth trying; several
    /// events of one kind for one socket may be returned as one.
    pub fn poll_event(&mut self) -> Option<(SocketId, Event)> {
        while let Some((id, event)) = self.notices.pop_front() {
            self.forget_notice(id, event);
            if id.kind() != SocketKind::Connection || self.owned_key(id).is_some() {
                return Some((id, event));
            }
        }
        while let Some(index) = self.with_events.front().copied() {
            let key = self.sockets.key_at(index);
            let socket = self.sockets.at_mut(index).filter(|socket| socket.standing.is_owned());
            if let (Some(socket), Some(key)) = (socket, key) {
                if let Some(event) = socket.connection.poll_event() {
                    match Event::of_connection(event) {
                        Some(event) => return Some((SocketId::new(SocketKind::Connection, key), event)),
                        None => continue,
                    }
                }
                socket.marks.take(Mark::WithEvents);
            }
            self.with_events.pop_front();
        }
        None
    }

    fn forget_notice(&mut self, id: SocketId, event: Event) {
        if event == Event::Writable {
            return;
        }
        if let Some(listener) = id.key(SocketKind::Listener).and_then(|key| self.listeners.get_mut(key)) {
            listener.has_notice = false;
        }
        if let Some(gate) = id.key(SocketKind::Gate).and_then(|key| self.gates.get_mut(key)) {
            gate.forget_notice(event);
        }
        if let Some(gate) = id.key(SocketKind::DatagramGate).and_then(|key| self.datagram_gates.get_mut(key))
        {
            gate.has_notice = false;
        }
        if let Some(socket) = id.key(SocketKind::Udp).and_then(|key| self.udp.get_mut(key)) {
            socket.has_notice = false;
        }
    }

    // Inspection.

    /// What has been counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    // What several files need.

    /// The time of a call. It never goes back: connections would tell their peers timestamps that these have seen
    /// already, and PAWS would drop all that follows.
    pub(crate) fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }
}

/// What happens to packets for addresses that no interface has.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AnyAddress {
    /// They are discarded.
    #[default]
    IsForeign,
    /// They are accepted as ours, and answers come from these addresses.
    IsOurs,
}

impl core::fmt::Debug for Host {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Host")
            .field("now", &self.now)
            .field("interfaces", &self.interfaces)
            .field("usage", &self.usage())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
