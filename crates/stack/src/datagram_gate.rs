//! Gates for datagrams: what is sent to any address and port comes with both ends, and is answered from where it was
//! sent to (RFC 768).
//!
//! What a gateway or a transparent proxy needs for UDP. Who has sent what to whom is a flow; flows are kept apart
//! (`datagram_gate/flows.rs`), so that one that is noisy does not drown the others. ICMP errors are told with both
//! ends, and a datagram can be refused with one.
//!
//! What is *not* here: sockets of our own (`udp.rs`), multicast, translation of addresses; the program decides what
//! becomes of a datagram.

mod flows;
mod options;
mod send;

pub use options::DatagramGateOptions;

use crate::counters::Discard;
use crate::error::Error;
use crate::event::Event;
use crate::flow::{Address, FlowKey};
use crate::gate::Unreachable;
use crate::host::Host;
use crate::icmp_errors::message_of_unreachable;
use crate::id::{Slab, SlabKey, SocketId, SocketKind};
use crate::interface::InterfaceId;
use crate::limits::GATES_MAX;
use crate::packet::Packet;
use crate::receive::may_be_answered;
use crate::secret::{Purpose, Secret, TableHash};
use bytes::Bytes;
use flows::{Flows, Waiting};
use std::net::SocketAddr;
use tcp::Instant;
use wire::udp::HEADER_BYTES;

/// A datagram that came to a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Datagram {
    /// Where it was sent to. An answer comes from there.
    pub local: SocketAddr,
    /// Who sent it.
    pub remote: SocketAddr,
    /// By which interface it came.
    pub interface: InterfaceId,
    /// The hop limit or TTL with which it came.
    pub hop_limit: u8,
    /// What it says.
    pub data: Bytes,
    /// The packet from its IP header on, for an ICMP error to quote.
    packet: Bytes,
}

/// What an ICMP error said about a datagram that was sent through a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatagramError {
    /// From where the datagram was sent.
    pub local: SocketAddr,
    /// To whom.
    pub remote: SocketAddr,
    /// What it means.
    pub error: Error,
}

/// One gate.
pub(crate) struct DatagramGate {
    options: DatagramGateOptions,
    flows: Flows,
    pub(crate) has_notice: bool,
    pub(crate) waits_to_send: bool,
}

/// All gates for datagrams of a host.
pub(crate) struct DatagramGates {
    slab: Slab<DatagramGate>,
    /// In the order in which they were opened.
    order: Vec<SlabKey>,
    hasher: TableHash,
}

impl DatagramGates {
    pub(crate) fn new(secret: &Secret) -> Self {
        let hasher = TableHash::new(secret, Purpose::Tables);
        DatagramGates { slab: Slab::new(), order: Vec::new(), hasher }
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Flows that have not been forgotten.
    pub(crate) fn flows(&self) -> usize {
        self.gates().map(|gate| gate.flows.len()).sum()
    }

    fn gates(&self) -> impl Iterator<Item = &DatagramGate> {
        self.order.iter().filter_map(|key| self.slab.get(*key))
    }

    /// Memory that the gates take, with what waits at them.
    pub(crate) fn held_bytes(&self) -> usize {
        let own = self.slab.held_bytes() + self.order.capacity() * size_of::<SlabKey>();
        let of_gates = self.gates().map(|gate| gate.flows.held_bytes() + gate.options.addresses.held_bytes());
        own + of_gates.sum::<usize>()
    }

    pub(crate) fn get_mut(&mut self, key: SlabKey) -> Option<&mut DatagramGate> {
        self.slab.get_mut(key)
    }

    /// Whether a gate takes this address.
    pub(crate) fn take(&self, address: Address) -> bool {
        self.gate_of(address).is_some()
    }

    /// The gate that takes this address: of several the one that was opened first.
    fn gate_of(&self, address: Address) -> Option<SlabKey> {
        let takes = |key: &&SlabKey| {
            self.slab.get(**key).is_some_and(|gate| gate.options.addresses.take(address.ip()))
        };
        self.order.iter().find(takes).copied()
    }

    /// When a flow will have been idle for long enough.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.gates().filter_map(|gate| gate.flows.next_due(gate.options.idle)).min()
    }

    /// The flows with these ends, and their gate.
    fn gate_with(&mut self, key: &FlowKey) -> Option<(SlabKey, &mut Flows)> {
        let gate =
            *self.order.iter().find(|gate| self.slab.get(**gate).is_some_and(|it| it.flows.has(key)))?;
        Some((gate, &mut self.slab.get_mut(gate)?.flows))
    }
}

impl Host {
    /// Opens a gate for datagrams: from now on it takes every datagram from outside to an address that it takes and to
    /// a port for which there is no socket. [`crate::Event::Readable`] tells of the first, [`Host::next_datagram`]
    /// returns them. The rest is as for [`Host::open_gate`].
    ///
    /// # Errors
    /// [`Error::TooManySockets`] beyond 64 such gates.
    ///
    /// ```
    /// # use synfin_stack::{Config, Host, Interface};
    /// use synfin_stack::DatagramGateOptions;
    /// # use tcp::Instant;
    /// # use wire::{LinkCapabilities, Medium, TransmitChecksum};
    /// # let make = |secret, address: &str| {
    /// #     let mut host = Host::new(Config::default(), [secret; 32]);
    /// #     let capabilities = LinkCapabilities {
    /// #         medium: Medium::Ip,
    /// #         mtu_bytes: 1_500,
    /// #         super_segment_bytes_max: 0,
    /// #         transmit_checksum: TransmitChecksum::Full,
    /// #     };
    /// #     let addresses = vec![address.parse().expect("an address with its prefix")];
    /// #     let wire = host.add_interface(Interface { name: "wire".into(), capabilities, hardware: None, addresses });
    /// #     host.add_route("0.0.0.0/0".parse().expect("a network"), None, wire);
    /// #     (host, wire)
    /// # };
    /// # let (mut client, to_gateway) = make(1, "10.0.0.1/24");
    /// # let (mut gateway, to_client) = make(2, "10.0.0.2/24");
    /// # let now = Instant::from_millis(1);
    /// let gate = gateway.open_datagram_gate(DatagramGateOptions::default())?;
    ///
    /// // A client behind the gateway asks a name server somewhere in the world.
    /// let socket = client.udp_bind("10.0.0.1:5353".parse().expect("an address"))?;
    /// client.udp_send_to(now, socket, "who?".into(), "9.9.9.9:53".parse().expect("an address"))?;
    /// # while let Some((_, frame)) = client.poll_transmit(now) { gateway.handle_frame(now, to_client, frame); }
    /// let asked = gateway.next_datagram(gate).expect("it waits");
    /// assert_eq!((&asked.data[..], asked.local.to_string()), (&b"who?"[..], "9.9.9.9:53".to_owned()));
    ///
    /// // The answer comes from where the question went.
    /// gateway.send_datagram_from(now, gate, asked.local, asked.remote, "you".into())?;
    /// # while let Some((_, frame)) = gateway.poll_transmit(now) { client.handle_frame(now, to_gateway, frame); }
    /// assert_eq!(client.udp_recv_from(socket, &mut [0; 99]), Ok((3, asked.local)));
    /// # Ok::<(), synfin_stack::Error>(())
    /// ```
    pub fn open_datagram_gate(&mut self, options: DatagramGateOptions) -> Result<SocketId, Error> {
        if self.datagram_gates.len() >= GATES_MAX {
            return Err(Error::TooManySockets);
        }
        let flows = Flows::new(self.datagram_gates.hasher);
        let gate = DatagramGate { options, flows, has_notice: false, waits_to_send: false };
        let key = self.datagram_gates.slab.insert(gate);
        self.datagram_gates.order.push(key);
        self.addresses.look_at_foreign();
        self.settle_tables();
        Ok(SocketId::new(SocketKind::DatagramGate, key))
    }

    /// Closes a gate for datagrams, as [`Host::tcp_close`] does; what waits at it is dropped.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`].
    pub fn close_datagram_gate(&mut self, gate: SocketId) -> Result<(), Error> {
        let key = key_of(gate)?;
        self.datagram_gates.slab.get(key).ok_or(Error::UnknownSocket)?;
        self.datagram_gates.slab.discard(key.index);
        self.datagram_gates.order.retain(|open| *open != key);
        self.settle_tables();
        Ok(())
    }

    /// The next datagram at a gate: the flows take turns, and within a flow the oldest comes first. `None` if none
    /// waits, or if the id does not name a gate for datagrams.
    pub fn next_datagram(&mut self, gate: SocketId) -> Option<Datagram> {
        let gate = self.datagram_gates.slab.get_mut(key_of(gate).ok()?)?;
        let (key, interface, Waiting { packet, data_at, hop_limit }) = gate.flows.pop()?;
        self.settle_tables();
        Some(Datagram {
            local: key.local(),
            remote: key.remote(),
            interface,
            hop_limit,
            data: packet.slice(usize::from(data_at)..),
            packet,
        })
    }

    /// Refuses a datagram with an ICMP error that quotes it, within the rate limit for such errors.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`] if the id does not name a gate for datagrams; [`Error::AddressNotAvailable`] if the
    /// gate does not take the address, and [`Error::FamilyMismatch`], which only a changed datagram meets.
    ///
    /// ```
    /// use synfin_stack::{Datagram, Error, Host, SocketId, Unreachable};
    /// fn refuse_all(host: &mut Host, now: tcp::Instant, gate: SocketId) -> Result<(), Error> {
    ///     while let Some(datagram) = host.next_datagram(gate) {
    ///         host.refuse_datagram(now, gate, &datagram, Unreachable::Port)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn refuse_datagram(
        &mut self,
        now: Instant,
        gate: SocketId,
        datagram: &Datagram,
        why: Unreachable,
    ) -> Result<(), Error> {
        let now = self.advance(now);
        let options = &self.datagram_gates.slab.get(key_of(gate)?).ok_or(Error::UnknownSocket)?.options;
        if !options.addresses.take(datagram.local.ip()) {
            return Err(Error::AddressNotAvailable);
        }
        if datagram.local.is_ipv4() != datagram.remote.is_ipv4() {
            return Err(Error::FamilyMismatch);
        }
        let (local, remote) = (Address::from(datagram.local.ip()), Address::from(datagram.remote.ip()));
        let Some(hop) = self.hop_back(local, remote, datagram.interface) else {
            self.counters.discard(Discard::NoRoute);
            return Ok(());
        };
        let message = message_of_unreachable(why, (local, remote), &datagram.packet);
        self.send_limited_icmp_error(now, hop, (local, remote), message);
        Ok(())
    }

    /// The next ICMP error about something that was sent through a gate; of each flow only the latest is kept. `None`
    /// if there is none. [`crate::Event::Failed`] tells of the first.
    pub fn next_datagram_error(&mut self, gate: SocketId) -> Option<DatagramError> {
        let gate = self.datagram_gates.slab.get_mut(key_of(gate).ok()?)?;
        let (key, error) = gate.flows.pop_error()?;
        Some(DatagramError { local: key.local(), remote: key.remote(), error: Error::Icmp(error) })
    }

    /// A datagram arrives for which there is no socket. Returns whether a gate has dealt with it.
    pub(crate) fn arrive_at_datagram_gate(
        &mut self,
        now: Instant,
        packet: &mut Packet<'_>,
        (remote_port, local_port): (u16, u16),
    ) -> bool {
        if packet.arrival == InterfaceId::LOOPBACK || !may_be_answered(packet.source) {
            return false;
        }
        let key = FlowKey { local: packet.destination, remote: packet.source, local_port, remote_port };
        let of_flow = self.datagram_gates.gate_with(&key).map(|(gate, _)| gate);
        let of_address = || self.datagram_gates.gate_of(packet.destination);
        let Some(gate_key) = of_flow.or_else(of_address) else { return false };
        if self.budget.is_full() {
            self.counters.discard(Discard::MemoryFull);
            return true;
        }
        let data_at = (packet.transport_at + HEADER_BYTES - packet.ip_at) as u16;
        let waiting = Waiting { packet: packet.take_whole(), data_at, hop_limit: packet.hop_limit };
        let Some(gate) = self.datagram_gates.slab.get_mut(gate_key) else { return false };
        if gate.flows.push(now, &gate.options, (&key, packet.arrival), waiting) {
            self.counters.datagrams_received += 1;
            self.push_gate_notice(gate_key, Event::Readable);
        } else {
            self.counters.discard(Discard::UdpQueueFull);
        }
        self.settle_tables();
        true
    }

    fn push_gate_notice(&mut self, key: SlabKey, event: Event) {
        if let Some(gate) = self.datagram_gates.slab.get_mut(key)
            && !core::mem::replace(&mut gate.has_notice, true)
        {
            self.notices.push_back((SocketId::new(SocketKind::DatagramGate, key), event));
        }
    }

    /// An ICMP error came for a datagram between these ends. Returns whether a gate has sent one.
    pub(crate) fn gate_failed(&mut self, key: &FlowKey, error: tcp::Error) -> bool {
        let Some((gate, flows)) = self.datagram_gates.gate_with(key) else { return false };
        let is_meant = flows.fail(key, error);
        if is_meant {
            self.push_gate_notice(gate, Event::Failed(error));
        }
        is_meant
    }

    /// Whether a gate sent a datagram of this length between these ends a moment ago.
    pub(crate) fn gate_has_sent(&mut self, now: Instant, key: &FlowKey, udp_bytes: u16) -> bool {
        let gate = self.datagram_gates.gate_with(key);
        gate.is_some_and(|(_, flows)| flows.has_sent(now, key, udp_bytes))
    }

    /// Forgets flows that have been idle for long enough.
    pub(crate) fn expire_datagram_flows(&mut self, now: Instant) {
        if self.datagram_gates.next_due().is_none_or(|due| due > now) {
            return;
        }
        let DatagramGates { slab, order, .. } = &mut self.datagram_gates;
        for key in order {
            if let Some(gate) = slab.get_mut(*key) {
                gate.flows.expire(now, gate.options.idle);
            }
        }
        self.settle_tables();
    }
}

fn key_of(gate: SocketId) -> Result<SlabKey, Error> {
    gate.key(SocketKind::DatagramGate).ok_or(Error::UnknownSocket)
}
