//! What a gate for datagrams sends: from which end to which, and by which interface.
//!
//! The source need not be ours, but the gate must take it: a program can answer for what it has asked to hear, and for
//! nothing else.

use super::key_of;
use crate::error::Error;
use crate::flow::{Address, FlowKey};
use crate::host::Host;
use crate::id::{SlabKey, SocketId, SocketKind};
use crate::interface::{InterfaceId, is_loopback};
use crate::receive::may_be_answered;
use crate::route::Hop;
use bytes::Bytes;
use std::net::SocketAddr;
use tcp::Instant;

impl Host {
    /// Sends `data` from one end to another: `from` is an address that the gate takes, usually the one to which
    /// [`crate::Datagram::remote`] had sent something. Returns its length. A datagram larger than the path MTU is
    /// fragmented.
    ///
    /// It leaves by the interface on which the peer's packets come; if nothing has come from there to this address, as
    /// the routing table says.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`]; [`Error::AddressNotAvailable`] if the gate does not take `from`, and
    /// [`Error::AddressInUse`] if a socket has it; [`Error::InvalidAddress`], [`Error::FamilyMismatch`],
    /// [`Error::NetworkUnreachable`], [`Error::MessageTooLong`]; [`Error::WouldBlock`] when too many packets wait to
    /// leave ([`crate::Event::Writable`] follows).
    pub fn send_datagram_from(
        &mut self,
        now: Instant,
        gate: SocketId,
        from: SocketAddr,
        to: SocketAddr,
        data: Bytes,
    ) -> Result<usize, Error> {
        let now = self.advance(now);
        let gate_key = key_of(gate)?;
        let key = FlowKey::new(from, to);
        self.check_ends(gate_key, from, to)?;
        let hop = self.hop_of_flow(gate_key, &key).ok_or(Error::NetworkUnreachable)?;
        let sent_bytes = data.len();
        match self.send_datagram(now, key, hop, self.config.hop_limit, data) {
            Err(error) => {
                let gate = self.datagram_gates.slab.get_mut(gate_key).ok_or(Error::UnknownSocket)?;
                if error == Error::WouldBlock && !core::mem::replace(&mut gate.waits_to_send, true) {
                    self.outbox.await_room(hop.interface, SocketId::new(SocketKind::DatagramGate, gate_key));
                }
                Err(error)
            }
            Ok(()) => {
                self.counters.datagrams_sent += 1;
                let always_fits = self.udp_bytes_that_always_fit(&key);
                let gate = self.datagram_gates.slab.get_mut(gate_key).ok_or(Error::UnknownSocket)?;
                let is_new = gate.flows.record_sent(
                    now,
                    &gate.options,
                    &key,
                    (hop.interface, sent_bytes, always_fits),
                );
                if is_new {
                    self.settle_tables();
                }
                Ok(sent_bytes)
            }
        }
    }

    /// Whether a datagram may be sent between these ends.
    fn check_ends(&mut self, gate: SlabKey, from: SocketAddr, to: SocketAddr) -> Result<(), Error> {
        let gate = self.datagram_gates.slab.get(gate).ok_or(Error::UnknownSocket)?;
        if from.is_ipv4() != to.is_ipv4() {
            return Err(Error::FamilyMismatch);
        }
        if !gate.options.addresses.take(from.ip()) {
            return Err(Error::AddressNotAvailable);
        }
        self.check_destination(to)?;
        self.check_destination(from)?;
        let belongs_to_one = |address| may_be_answered(address) && !self.addresses.is_broadcast(address);
        let (local, remote) = (Address::from(from.ip()), Address::from(to.ip()));
        if !belongs_to_one(local) || !belongs_to_one(remote) || is_loopback(local) || to.port() == 0 {
            return Err(Error::InvalidAddress);
        }
        if self.addresses.takes(local) && self.udp.find(local, from.port(), to).is_some() {
            return Err(Error::AddressInUse);
        }
        Ok(())
    }

    /// The next hop for what a gate sends.
    fn hop_of_flow(&mut self, gate: SlabKey, key: &FlowKey) -> Option<Hop> {
        let came_by = self.datagram_gates.slab.get(gate)?.flows.interface_of(key);
        // A host with one link has one way to wherever no route leads.
        let only = if self.interfaces.len() == 1 { Some(InterfaceId(0)) } else { None };
        match came_by {
            Some(came_by) => self.hop_back(key.local, key.remote, came_by),
            None => self
                .route(SocketAddr::new(key.remote.ip(), 0))
                .or_else(|| self.hop_back(key.local, key.remote, only?)),
        }
    }
}
