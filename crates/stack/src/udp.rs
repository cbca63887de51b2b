//! UDP sockets (RFC 768, RFC 1122 §4.1).
//!
//! A socket is bound to one of our addresses or to all of them. If it is connected to a peer, it takes only
//! that peer's datagrams. Datagrams that wait to be read are bounded in bytes. What is *not* here: multicast
//! groups.

use crate::build::pseudo_header;
use crate::connect::is_any_or_ours;
use crate::counters::Discard;
use crate::error::Error;
use crate::event::Event;
use crate::flow::{Address, FlowKey};
use crate::host::Host;
use crate::id::{Slab, SlabKey, SocketId, SocketKind};
use crate::interface::InterfaceId;
use crate::limits::{DATAGRAM_OVERHEAD_BYTES, MTU_V6_MIN};
use crate::packet::{Cast, Packet, flatten, is_flat};
use crate::receive::is_trusted;
use crate::recently_sent::{self, RecentlySent};
use crate::secret::{Purpose, Secret, TableHash};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tcp::Instant;
use wire::ip::protocol;
use wire::udp::{HEADER_BYTES, Header};

/// One UDP socket.
pub(crate) struct UdpSocket {
    pub(crate) local: SocketAddr,
    /// The address on the way to `remote`, of a socket that is bound to all of them.
    source: Option<IpAddr>,
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) hop_limit: Option<u8>,
    pub(crate) queue: VecDeque<Queued>,
    queued_bytes: usize,
    error: Option<tcp::Error>,
    /// An event of this socket is in the host's list.
    pub(crate) has_notice: bool,
    waits_to_send: bool,
    /// Something was sent since it was bound or connected, so that an error may come back.
    has_sent: bool,
    recently_sent: RecentlySent,
}

impl UdpSocket {
    /// Our end: since it was connected one address, even where it was bound to all of them, as in Linux.
    pub(crate) fn local_end(&self) -> SocketAddr {
        self.source.map_or(self.local, |ip| SocketAddr::new(ip, self.local.port()))
    }
}

/// A datagram that waits to be read.
pub(crate) struct Queued {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) from_port: u16,
    pub(crate) arrival: InterfaceId,
    pub(crate) hop_limit: u8,
    pub(crate) data: Bytes,
}

impl Queued {
    pub(crate) fn remote(&self) -> SocketAddr {
        SocketAddr::new(self.from.ip(), self.from_port)
    }
}

/// All UDP sockets of a host.
pub(crate) struct UdpSockets {
    slab: Slab<UdpSocket>,
    by_end: HashMap<(Address, u16), u32, TableHash>,
    /// How many sockets have each port, for the choice of ports.
    by_port: HashMap<u16, u32, TableHash>,
    /// What waits in all sockets, as their bounds count it.
    queued_bytes: usize,
}

impl UdpSockets {
    pub(crate) fn new(secret: &Secret) -> Self {
        let hasher = TableHash::new(secret, Purpose::Tables);
        UdpSockets {
            slab: Slab::new(),
            by_end: HashMap::with_hasher(hasher),
            by_port: HashMap::with_hasher(hasher),
            queued_bytes: 0,
        }
    }

    /// Memory that the sockets take, with what waits in them.
    pub(crate) fn held_bytes(&self) -> usize {
        let tables = (self.by_end.capacity() + self.by_port.capacity()) * size_of::<((Address, u16), u32)>();
        let remembered = self.slab.len() * recently_sent::HELD_BYTES_MAX;
        self.slab.held_bytes() + tables + self.queued_bytes + remembered
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(crate) fn get(&self, key: SlabKey) -> Option<&UdpSocket> {
        self.slab.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: SlabKey) -> Option<&mut UdpSocket> {
        self.slab.get_mut(key)
    }

    /// The socket for a datagram to `local`: one on exactly this address, else one on all addresses.
    pub(crate) fn find(&self, local: Address, port: u16, remote: SocketAddr) -> Option<SlabKey> {
        let takes = |address: Address| {
            let key = self.slab.key_at(*self.by_end.get(&(address, port))?)?;
            let socket = self.slab.get(key)?;
            let is_ours = socket.source.is_none_or(|ip| Address::from(ip) == local);
            let is_peer = |peer: SocketAddr| (peer.ip(), peer.port()) == (remote.ip(), remote.port());
            (is_ours && socket.remote.is_none_or(is_peer)).then_some(key)
        };
        let any_v4 = || takes(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into());
        let any_v6 = || takes(IpAddr::V6(Ipv6Addr::UNSPECIFIED).into());
        takes(local).or_else(|| if local.is_v4() { any_v4().or_else(any_v6) } else { any_v6() })
    }

    fn remove(&mut self, key: SlabKey) -> Option<UdpSocket> {
        self.slab.get(key)?;
        let socket = self.slab.remove(key.index)?;
        self.queued_bytes -= socket.queued_bytes;
        let port = socket.local.port();
        self.by_end.remove(&(socket.local.ip().into(), port));
        if let Some(count) = self.by_port.get_mut(&port) {
            *count -= 1;
            if *count == 0 {
                self.by_port.remove(&port);
            }
        }
        Some(socket)
    }
}

pub(crate) fn udp_key(id: SocketId) -> Result<SlabKey, Error> {
    id.key(SocketKind::Udp).ok_or(Error::UnknownSocket)
}

impl Host {
    /// Binds a UDP socket. An unspecified address stands for all of ours, `[::]` for both families, and
    /// port 0 lets the host choose.
    ///
    /// # Errors
    /// [`Error::AddressInUse`], [`Error::AddressNotAvailable`], [`Error::NoFreePort`],
    /// [`Error::TooManySockets`].
    pub fn udp_bind(&mut self, mut local: SocketAddr) -> Result<SocketId, Error> {
        if self.udp.len() >= self.config.udp_sockets_max {
            return Err(Error::TooManySockets);
        }
        if !is_any_or_ours(&mut self.addresses, local.ip()) {
            return Err(Error::AddressNotAvailable);
        }
        if local.port() == 0 {
            let sockets = &self.udp.by_port;
            let unconnected = FlowKey::new(local, SocketAddr::new(local.ip(), 0));
            let is_free = |port: u16| !sockets.contains_key(&port);
            local.set_port(self.ports.choose(&unconnected, is_free).ok_or(Error::NoFreePort)?);
        }
        let end = (Address::from(local.ip()), local.port());
        if self.udp.by_end.contains_key(&end) {
            return Err(Error::AddressInUse);
        }
        let key = self.udp.slab.insert(UdpSocket {
            local,
            source: None,
            remote: None,
            hop_limit: None,
            queue: VecDeque::new(),
            queued_bytes: 0,
            error: None,
            has_notice: false,
            waits_to_send: false,
            has_sent: false,
            recently_sent: RecentlySent::default(),
        });
        self.udp.by_end.insert(end, key.index);
        *self.udp.by_port.entry(local.port()).or_default() += 1;
        Ok(SocketId::new(SocketKind::Udp, key))
    }

    /// Connects a socket to its only peer, or with `None` disconnects it. One that is bound to all addresses has one
    /// from here on, the one on the way to the peer.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`], [`Error::InvalidAddress`], [`Error::NetworkUnreachable`],
    /// [`Error::FamilyMismatch`].
    pub fn udp_connect(&mut self, id: SocketId, remote: Option<SocketAddr>) -> Result<(), Error> {
        let key = udp_key(id)?;
        let local = self.udp.get(key).ok_or(Error::UnknownSocket)?.local;
        let mut source = None;
        if let Some(remote) = remote {
            self.check_destination(remote)?;
            let hop = self.route(remote).ok_or(Error::NetworkUnreachable)?;
            source = Some(self.choose_local(Some(local), remote, hop)?.ip());
        }
        let socket = self.udp.get_mut(key).ok_or(Error::UnknownSocket)?;
        socket.remote = remote;
        socket.source = source;
        socket.has_sent = false;
        Ok(())
    }

    /// Sends to the peer to which the socket is connected; see [`Host::udp_send_to`].
    ///
    /// # Errors
    /// As [`Host::udp_send_to`], and [`Error::NotConnected`].
    pub fn udp_send(&mut self, now: Instant, id: SocketId, data: Bytes) -> Result<usize, Error> {
        let socket = self.udp.get(udp_key(id)?).ok_or(Error::UnknownSocket)?;
        let remote = socket.remote.ok_or(Error::NotConnected)?;
        self.udp_send_to(now, id, data, remote)
    }

    /// Sends `data` to `remote`; returns its length. A datagram larger than the path MTU is fragmented.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`], [`Error::InvalidAddress`], [`Error::NetworkUnreachable`],
    /// [`Error::MessageTooLong`], [`Error::WouldBlock`] when too many packets wait to leave
    /// ([`crate::Event::Writable`] follows), or an ICMP error that came for an earlier datagram.
    pub fn udp_send_to(
        &mut self,
        now: Instant,
        id: SocketId,
        data: Bytes,
        remote: SocketAddr,
    ) -> Result<usize, Error> {
        self.udp_send_from_to(now, id, data, (None, remote))
    }

    /// Sends from this address of ours, or from the one that suits the way to `remote`.
    pub(crate) fn udp_send_from_to(
        &mut self,
        now: Instant,
        id: SocketId,
        data: Bytes,
        (source, remote): (Option<IpAddr>, SocketAddr),
    ) -> Result<usize, Error> {
        let now = self.advance(now);
        let key = udp_key(id)?;
        let socket = self.udp.get_mut(key).ok_or(Error::UnknownSocket)?;
        if let Some(error) = socket.error.take() {
            return Err(Error::Icmp(error));
        }
        let local = source.map_or(socket.local_end(), |ip| SocketAddr::new(ip, socket.local.port()));
        let hop_limit = socket.hop_limit.unwrap_or(self.config.hop_limit);
        self.check_destination(remote)?;
        if remote.port() == 0 {
            return Err(Error::InvalidAddress);
        }
        let hop = self.route(remote).ok_or(Error::NetworkUnreachable)?;
        let local = self.choose_local(Some(local), remote, hop)?;
        let sent = data.len();
        match self.send_datagram(now, FlowKey::new(local, remote), hop, hop_limit, data) {
            Err(Error::WouldBlock) => {
                if let Some(socket) = self.udp.get_mut(key)
                    && !core::mem::replace(&mut socket.waits_to_send, true)
                {
                    self.outbox.await_room(hop.interface, SocketId::new(SocketKind::Udp, key));
                }
                Err(Error::WouldBlock)
            }
            Err(error) => Err(error),
            Ok(()) => {
                self.counters.datagrams_sent += 1;
                self.record_sent(now, key, remote, sent);
                Ok(sent)
            }
        }
    }

    /// Reads the oldest datagram that waits, cut to the size of `into`; returns its length and its sender.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`], [`Error::WouldBlock`], or an ICMP error that came for an earlier datagram.
    pub fn udp_recv_from(&mut self, id: SocketId, into: &mut [u8]) -> Result<(usize, SocketAddr), Error> {
        let peeked = self.udp_peek_from(id, into)?;
        self.udp_drop_front(id);
        Ok(peeked)
    }

    /// The oldest datagram has been read.
    pub(crate) fn udp_drop_front(&mut self, id: SocketId) {
        if let Ok(key) = udp_key(id)
            && let Some(socket) = self.udp.get_mut(key)
            && let Some(read) = socket.queue.pop_front()
        {
            let cost_bytes = read.data.len() + DATAGRAM_OVERHEAD_BYTES;
            socket.queued_bytes -= cost_bytes;
            self.udp.queued_bytes -= cost_bytes;
            self.settle_tables();
        }
    }

    /// Like [`Host::udp_recv_from`], but the datagram stays in the queue.
    ///
    /// # Errors
    /// As [`Host::udp_recv_from`].
    pub fn udp_peek_from(&mut self, id: SocketId, into: &mut [u8]) -> Result<(usize, SocketAddr), Error> {
        let front = self.udp_front(id)?;
        let len = front.data.len().min(into.len());
        into[..len].copy_from_slice(&front.data[..len]);
        Ok((len, front.remote()))
    }

    /// The oldest datagram that waits, or the error that came before.
    pub(crate) fn udp_front(&mut self, id: SocketId) -> Result<&Queued, Error> {
        let socket = self.udp.get_mut(udp_key(id)?).ok_or(Error::UnknownSocket)?;
        if let Some(error) = socket.error.take() {
            return Err(Error::Icmp(error));
        }
        socket.queue.front().ok_or(Error::WouldBlock)
    }

    /// Whether [`Host::udp_recv_from`] has a datagram or an error to return.
    pub fn udp_is_readable(&self, id: SocketId) -> bool {
        let socket = id.key(SocketKind::Udp).and_then(|key| self.udp.get(key));
        socket.is_none_or(|socket| !socket.queue.is_empty() || socket.error.is_some())
    }

    /// Whether the last datagram found room to leave, or there is room again.
    pub fn udp_is_writable(&self, id: SocketId) -> bool {
        let socket = id.key(SocketKind::Udp).and_then(|key| self.udp.get(key));
        socket.is_none_or(|socket| !socket.waits_to_send)
    }

    /// Whether an ICMP error came for an earlier datagram and was not returned yet.
    pub fn udp_has_error(&self, id: SocketId) -> bool {
        let socket = id.key(SocketKind::Udp).and_then(|key| self.udp.get(key));
        socket.is_some_and(|socket| socket.error.is_some())
    }

    /// The ICMP error that came for an earlier datagram. It is returned once.
    pub fn udp_take_error(&mut self, id: SocketId) -> Option<Error> {
        self.udp.get_mut(id.key(SocketKind::Udp)?)?.error.take().map(Error::Icmp)
    }

    /// Closes a UDP socket; datagrams that wait in it are dropped.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`].
    pub fn udp_close(&mut self, id: SocketId) -> Result<(), Error> {
        self.udp.remove(udp_key(id)?).map(|_| ()).ok_or(Error::UnknownSocket)
    }

    /// A datagram arrives.
    pub(crate) fn receive_udp(&mut self, now: Instant, mut packet: Packet<'_>) {
        let header = match Header::parse(packet.transport()) {
            Ok(header) if packet.is_readable(HEADER_BYTES) => header,
            Err(_) if is_flat(packet.frame) => return self.counters.discard(Discard::UdpMalformed),
            _ => {
                flatten(packet.frame);
                return self.receive_udp(now, packet);
            }
        };
        let Ok(text_bytes) = header.text_bytes(packet.transport_bytes()) else {
            return self.counters.discard(Discard::UdpMalformed);
        };
        packet.facts.end_at = packet.transport_at + HEADER_BYTES + text_bytes;
        if !is_trusted(packet.frame) {
            // RFC 768: zero means no checksum. RFC 8200 §8.1: IPv6 requires one.
            let absent = header.checksum == 0;
            let bytes = packet.transport_bytes() as u32;
            let sum = pseudo_header(packet.source, packet.destination, protocol::UDP, bytes);
            if (absent && !packet.source.is_v4()) || (!absent && !packet.is_intact(sum)) {
                return self.counters.discard(Discard::UdpChecksum);
            }
        }
        let from = SocketAddr::new(packet.source.ip(), header.source_port);
        let Some(key) = self.find_udp_socket(&packet, header.destination_port, from) else {
            return self.receive_without_socket(now, packet, &header);
        };
        if self.budget.is_full() {
            return self.counters.discard(Discard::MemoryFull);
        }
        let bound = self.config.udp_receive_bytes_max;
        let payload = packet.take_text(HEADER_BYTES);
        let Some(socket) = self.udp.get_mut(key) else { return };
        let cost_bytes = payload.len() + DATAGRAM_OVERHEAD_BYTES;
        if socket.queued_bytes + cost_bytes > bound {
            return self.counters.discard(Discard::UdpQueueFull);
        }
        socket.queued_bytes += cost_bytes;
        let data = payload.contiguous().cloned().unwrap_or_else(|| Bytes::from(payload.to_vec()));
        socket.queue.push_back(Queued {
            from: packet.source,
            to: packet.destination,
            from_port: header.source_port,
            arrival: packet.arrival,
            hop_limit: packet.hop_limit,
            data,
        });
        self.udp.queued_bytes += cost_bytes;
        self.settle_tables();
        self.counters.datagrams_received += 1;
        self.push_udp_notice(key, Event::Readable);
    }

    /// The socket for a packet. One at an unspecified address stands for all of our addresses and for no others.
    fn find_udp_socket(&mut self, packet: &Packet<'_>, port: u16, from: SocketAddr) -> Option<SlabKey> {
        let is_foreign = self.addresses.sees_foreign()
            && packet.cast == Cast::Unicast
            && !self.addresses.takes(packet.destination);
        if is_foreign { None } else { self.udp.find(packet.destination, port, from) }
    }

    fn receive_without_socket(&mut self, now: Instant, mut packet: Packet<'_>, header: &Header) {
        let ports = (header.source_port, header.destination_port);
        if packet.cast != Cast::Unicast || !self.arrive_at_datagram_gate(now, &mut packet, ports) {
            self.counters.discard(Discard::UdpClosedPort);
            if packet.cast == Cast::Unicast {
                self.send_port_unreachable(now, &packet);
            }
        }
    }

    /// How long a datagram with its header may be that fits every path.
    pub(crate) fn udp_bytes_that_always_fit(&self, key: &FlowKey) -> usize {
        if key.is_v4() { self.config.path_mtu_v4_min as usize - 20 } else { MTU_V6_MIN as usize - 40 }
    }

    /// A datagram left a socket: what may come back for it is heard.
    fn record_sent(&mut self, now: Instant, key: SlabKey, remote: SocketAddr, text_bytes: usize) {
        let (ip_bytes, always_fits) =
            if remote.is_ipv4() { (20, self.config.path_mtu_v4_min) } else { (40, MTU_V6_MIN) };
        let udp_bytes = HEADER_BYTES + text_bytes;
        let Some(socket) = self.udp.get_mut(key) else { return };
        socket.has_sent = true;
        if let Ok(len) = u16::try_from(udp_bytes)
            && ip_bytes + udp_bytes > always_fits as usize
        {
            socket.recently_sent.record(now, remote, len);
        }
    }

    /// An ICMP error came for a datagram of the socket that has these ends. Returns whether it may have sent one.
    pub(crate) fn udp_failed(&mut self, key: &FlowKey, error: tcp::Error) -> bool {
        let Some(place) = self.udp.find(key.local, key.local_port, key.remote()) else { return false };
        let Some(socket) = self.udp.get_mut(place).filter(|socket| socket.has_sent) else { return false };
        // As on Linux, only a connected socket gets the error: others may send to many peers.
        if socket.remote.is_some() {
            socket.error = Some(error);
            self.push_udp_notice(place, Event::Failed(error));
        }
        true
    }

    /// Whether the socket that has these ends sent a datagram of this length a moment ago.
    pub(crate) fn udp_has_sent(&self, now: Instant, key: &FlowKey, udp_bytes: u16) -> bool {
        let socket = self.udp.find(key.local, key.local_port, key.remote());
        let socket = socket.and_then(|place| self.udp.get(place));
        socket.is_some_and(|socket| socket.recently_sent.contains(now, key.remote(), udp_bytes))
    }

    fn push_udp_notice(&mut self, key: SlabKey, event: Event) {
        if let Some(socket) = self.udp.get_mut(key)
            && !core::mem::replace(&mut socket.has_notice, true)
        {
            self.notices.push_back((SocketId::new(SocketKind::Udp, key), event));
        }
    }

    /// A frame has left by an interface: if there is room again, sockets that found none get an event.
    pub(crate) fn wake_datagram_senders(&mut self, interface: InterfaceId) {
        for id in self.outbox.take_senders(interface, self.config.outbox_frames_max) {
            let socket = id.key(SocketKind::Udp).and_then(|key| self.udp.get_mut(key));
            let gate = id.key(SocketKind::DatagramGate).and_then(|key| self.datagram_gates.get_mut(key));
            let waits_to_send =
                socket.map(|socket| &mut socket.waits_to_send).or(gate.map(|gate| &mut gate.waits_to_send));
            if let Some(waits_to_send) = waits_to_send {
                *waits_to_send = false;
                self.notices.push_back((id, Event::Writable));
            }
        }
    }
}
