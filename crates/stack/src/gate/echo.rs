//! Pings to addresses at a gate: answered by us, not at all, or by the program (RFC 792, RFC 4443 §4).
//!
//! An answer of ours says that the way to here works, not that the other host lives. A program that knows better hears
//! of each request and answers when the other host has. Our own addresses are not asked about: every host must answer
//! for those (RFC 1122 §3.2.2.6).

use super::{Gates, id_of_gate};
use crate::counters::Discard;
use crate::error::Error;
use crate::event::Event;
use crate::flow::Address;
use crate::gate::Unreachable;
use crate::host::Host;
use crate::icmp_errors::message_of_unreachable;
use crate::id::{SlabKey, SocketId, SocketKind};
use crate::interface::InterfaceId;
use crate::limits::ECHO_BYTES_MAX;
use crate::packet::Packet;
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::IpAddr;
use tcp::Instant;
use wire::icmp::Echo;

/// Who answers echo requests to addresses that a gate takes and that are not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum EchoPolicy {
    /// The host, as for its own addresses.
    #[default]
    Answer,
    /// Nobody.
    Ignore,
    /// The program: [`Host::next_echo`] returns them.
    HandOver,
}

/// An echo request for the program to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EchoRequest {
    /// Who is asked. An answer comes from there.
    pub local: IpAddr,
    /// Who asks.
    pub remote: IpAddr,
    /// Tells the requests of one program from those of another.
    pub identifier: u16,
    /// Which request of them it is.
    pub sequence: u16,
    /// By which interface it came.
    pub interface: InterfaceId,
    /// The hop limit or TTL with which it came.
    pub hop_limit: u8,
    /// What is to be sent back.
    pub data: Bytes,
    /// The packet from its IP header on, for an ICMP error to quote.
    packet: Bytes,
}

impl EchoRequest {
    fn cost_bytes(&self) -> usize {
        // Two places in a queue, for half of them may be empty, and what a shared buffer takes.
        self.packet.len() + 2 * size_of::<EchoRequest>() + 32
    }

    fn ends(&self) -> (Address, Address) {
        (self.local.into(), self.remote.into())
    }
}

/// Requests that wait for the program.
#[derive(Default)]
pub(super) struct Echoes {
    queue: VecDeque<EchoRequest>,
    queued_bytes: usize,
    has_notice: bool,
}

impl Echoes {
    pub(super) fn held_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Takes a request. Returns `false` if there is no room for it; a large one waits alone.
    fn push(&mut self, request: EchoRequest) -> bool {
        let cost_bytes = request.cost_bytes();
        let has_room = self.queue.is_empty() || self.queued_bytes + cost_bytes <= ECHO_BYTES_MAX;
        if has_room {
            self.queued_bytes += cost_bytes;
            self.queue.push_back(request);
        }
        has_room
    }

    fn pop(&mut self) -> Option<EchoRequest> {
        let request = self.queue.pop_front()?;
        self.queued_bytes -= request.cost_bytes();
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        Some(request)
    }

    pub(super) fn forget_notice(&mut self) {
        self.has_notice = false;
    }
}

impl Gates {
    /// The gate that decides about echo requests to this address, and how.
    fn echo_policy(&self, address: Address) -> Option<(SlabKey, EchoPolicy)> {
        let key = self.gate_of(address)?;
        Some((key, self.slab.get(key)?.options.echo))
    }
}

impl Host {
    /// An echo request arrives that may be answered. Returns whether a gate has dealt with it.
    pub(crate) fn arrive_as_echo(&mut self, packet: &Packet<'_>, echo: Echo<'_>) -> bool {
        if !self.gates.are_open() || self.addresses.are_ours(packet.destination) {
            return false;
        }
        match self.gates.echo_policy(packet.destination) {
            None | Some((_, EchoPolicy::Answer)) => false,
            Some((_, EchoPolicy::Ignore)) => {
                self.counters.discard(Discard::IcmpIgnored);
                true
            }
            Some((key, EchoPolicy::HandOver)) => {
                self.hand_over_echo(key, packet, echo);
                true
            }
        }
    }

    fn hand_over_echo(&mut self, key: SlabKey, packet: &Packet<'_>, echo: Echo<'_>) {
        if self.budget.is_full() {
            return self.counters.discard(Discard::MemoryFull);
        }
        let Some(gate) = self.gates.slab.get_mut(key) else { return };
        let whole = Bytes::from(packet.quote(usize::MAX));
        let request = EchoRequest {
            local: packet.destination.ip(),
            remote: packet.source.ip(),
            identifier: echo.identifier,
            sequence: echo.sequence,
            interface: packet.arrival,
            hop_limit: packet.hop_limit,
            data: whole.slice(whole.len() - echo.data.len()..),
            packet: whole,
        };
        if !gate.echoes.push(request) {
            return self.counters.discard(Discard::EchoLimited);
        }
        if !core::mem::replace(&mut gate.echoes.has_notice, true) {
            self.notices.push_back((SocketId::new(SocketKind::Gate, key), Event::Readable));
        }
        self.settle_tables();
    }

    /// The oldest echo request that waits at a gate whose policy is [`EchoPolicy::HandOver`];
    /// [`crate::Event::Readable`] tells of the first. `None` if none waits, or if the id does not name a gate. About
    /// 200 of usual size may wait.
    ///
    /// ```
    /// use synfin_stack::{Error, Host, SocketId, Unreachable};
    /// /// Answers for the hosts that are known to live.
    /// fn ping(host: &mut Host, now: tcp::Instant, gate: SocketId, lives: impl Fn(std::net::IpAddr) -> bool) -> Result<(), Error> {
    ///     while let Some(request) = host.next_echo(gate) {
    ///         match lives(request.local) {
    ///             true => host.answer_echo(now, gate, &request)?,
    ///             false => host.refuse_echo(now, gate, &request, Unreachable::Host)?,
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn next_echo(&mut self, gate: SocketId) -> Option<EchoRequest> {
        let request = self.gates.slab.get_mut(id_of_gate(gate)?)?.echoes.pop()?;
        self.settle_tables();
        Some(request)
    }

    /// Answers an echo request, within the rate limit for such answers.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`] if the id does not name a gate; [`Error::AddressNotAvailable`] if the gate does not
    /// take the address, and [`Error::FamilyMismatch`], which only a changed request meets.
    pub fn answer_echo(&mut self, now: Instant, gate: SocketId, request: &EchoRequest) -> Result<(), Error> {
        let now = self.advance(now);
        self.check_request(gate, request)?;
        let EchoRequest { identifier, sequence, ref data, .. } = *request;
        self.send_echo_reply(now, request.ends(), request.interface, Echo { identifier, sequence, data });
        Ok(())
    }

    /// Refuses an echo request with an ICMP error that quotes it, within the rate limit for such errors.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`] if the id does not name a gate; [`Error::AddressNotAvailable`] if the gate does not
    /// take the address, and [`Error::FamilyMismatch`], which only a changed request meets.
    pub fn refuse_echo(
        &mut self,
        now: Instant,
        gate: SocketId,
        request: &EchoRequest,
        why: Unreachable,
    ) -> Result<(), Error> {
        let now = self.advance(now);
        self.check_request(gate, request)?;
        let (local, remote) = request.ends();
        match self.hop_back(local, remote, request.interface) {
            None => self.counters.discard(Discard::NoRoute),
            Some(hop) => {
                let message = message_of_unreachable(why, (local, remote), &request.packet);
                self.send_limited_icmp_error(now, hop, (local, remote), message);
            }
        }
        Ok(())
    }

    /// A program may have changed the ends: it answers only for what its gate takes.
    fn check_request(&self, gate: SocketId, request: &EchoRequest) -> Result<(), Error> {
        let gate = id_of_gate(gate).and_then(|key| self.gates.slab.get(key)).ok_or(Error::UnknownSocket)?;
        match (request.local, request.remote) {
            (local, _) if !gate.options.addresses.take(local) => Err(Error::AddressNotAvailable),
            (local, remote) if local.is_ipv4() != remote.is_ipv4() => Err(Error::FamilyMismatch),
            _ => Ok(()),
        }
    }
}
