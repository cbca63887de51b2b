//! A SYN at a gate, from its arrival until somebody decides, or it is too late (RFC 9293 §3.10.7.2, before the
//! SYN-ACK).
//!
//! A repeated SYN is absorbed: the flow keeps its id and its time, and the latest SYN is the one that an accepted
//! connection answers. It has the latest timestamp, and may have given up ECN (RFC 3168 §6.1.1.1). That holds for a SYN
//! with another sequence number, too: the peer has forgotten its first attempt and would answer a SYN-ACK for it with a
//! reset. It is the same question about the same two ends, and a peer that changes its number each time must not stay
//! longer for it.
//!
//! What is *not* here: cookies. A cookie is an answer, and there is none before the decision; what is too much is
//! dropped, and its sender tries again.

use super::{FlowId, Gates};
use crate::budget::MemoryLevel;
use crate::counters::Discard;
use crate::event::Event;
use crate::flow::FlowKey;
use crate::host::Host;
use crate::id::{SlabKey, SocketId, SocketKind};
use crate::interface::InterfaceId;
use crate::packet::{Cast, Packet};
use crate::receive::may_be_answered;
use crate::time_wait::TIME_WAIT_BIT;
use std::net::SocketAddr;
use tcp::listen::{self, Arrival};
use tcp::{Instant, Segment, TimeWaitVerdict};
use wire::Seq;
use wire::ip::Ecn;
use wire::tcp::{Flags, Header, Options, Timestamps};

/// How much of a SYN is kept for an ICMP error to quote: the longest IPv4 header and the longest TCP header, and eight.
pub(crate) const QUOTE_BYTES_MAX: usize = 128;

/// What a peer offers in its SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SynOffer {
    /// The largest segment that it takes, in bytes (RFC 9293 §3.7.1).
    pub mss: Option<u16>,
    /// The shift of its windows, as sent (RFC 7323 §2).
    pub window_scale: Option<u8>,
    /// Whether it understands SACK (RFC 2018 §2).
    pub sack_permitted: bool,
    /// Its timestamp (RFC 7323 §3).
    pub timestamp: Option<u32>,
    /// Whether it asks for ECN (RFC 3168 §6.1.1).
    pub ecn: bool,
    /// Its window in bytes; that of a SYN is not scaled.
    pub window_bytes: u16,
}

/// A connection that a peer asks for, and that waits for a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingFlow {
    /// Its id until it is decided.
    pub id: FlowId,
    /// Where the peer wants to connect to: our end, if it is accepted.
    pub local: SocketAddr,
    /// The peer.
    pub remote: SocketAddr,
    /// By which interface the SYN came.
    pub interface: InterfaceId,
    /// The hop limit or TTL with which it came.
    pub hop_limit: u8,
    /// What the SYN offers.
    pub syn: SynOffer,
}

/// A SYN that waits.
pub(super) struct Held {
    pub(super) key: FlowKey,
    pub(super) seq: Seq,
    /// Text that came with the SYN; it was dropped, and comes again when it is not acknowledged.
    text_bytes: u32,
    flags: Flags,
    ecn: Ecn,
    offer: SynOffer,
    pub(super) interface: InterfaceId,
    hop_limit: u8,
    pub(super) due: Instant,
    /// The packet as it came, without text (RFC 1122 §3.2.2: what an error quotes is unchanged).
    pub(super) quote: Box<[u8]>,
}

impl Held {
    fn new(packet: &Packet<'_>, syn: &Syn<'_>, due: Instant) -> Self {
        let Header { seq, flags, window, options, .. } = *syn.header;
        let headers_bytes = packet.end_at - packet.ip_at - syn.text_bytes as usize;
        Held {
            key: *syn.key,
            seq,
            text_bytes: syn.text_bytes,
            flags,
            ecn: packet.ecn,
            offer: SynOffer {
                mss: options.mss,
                window_scale: options.window_scale,
                sack_permitted: options.sack_permitted,
                timestamp: options.timestamps.map(|timestamps| timestamps.value),
                ecn: flags.contains(Flags::ECE | Flags::CWR),
                window_bytes: window,
            },
            interface: packet.arrival,
            hop_limit: packet.hop_limit,
            due,
            quote: packet.quote(QUOTE_BYTES_MAX.min(headers_bytes)).into_boxed_slice(),
        }
    }

    pub(super) fn pending(&self, id: FlowId) -> PendingFlow {
        PendingFlow {
            id,
            local: self.key.local(),
            remote: self.key.remote(),
            interface: self.interface,
            hop_limit: self.hop_limit,
            syn: self.offer,
        }
    }

    /// The header of the SYN, as a connection takes it.
    pub(super) fn header(&self) -> Header {
        let SynOffer { mss, window_scale, sack_permitted, timestamp, window_bytes, .. } = self.offer;
        let timestamps = timestamp.map(|value| Timestamps { value, echo: 0 });
        Header {
            source_port: self.key.remote_port,
            destination_port: self.key.local_port,
            seq: self.seq,
            flags: self.flags,
            window: window_bytes,
            options: Options { mss, window_scale, sack_permitted, timestamps, ..Options::default() },
            ..Header::default()
        }
    }

    pub(super) fn syn(&self) -> Segment {
        Segment { header: self.header(), ecn: self.ecn, ..Segment::default() }
    }

    /// Whether a reset with this number is of the peer that sent the SYN: it has the next number to be sent.
    fn is_withdrawn_by(&self, seq: Seq) -> bool {
        seq == self.seq + 1 || seq == self.seq + 1 + self.text_bytes
    }
}

/// A segment at the gates.
struct Syn<'a> {
    key: &'a FlowKey,
    header: &'a Header,
    text_bytes: u32,
}

impl Gates {
    /// Removes a flow that has waited long enough.
    fn expire_one(&mut self, now: Instant) -> bool {
        let oldest = |key: &SlabKey| {
            let (number, held) = self.slab.get(*key)?.held.first_key_value()?;
            (held.due <= now).then_some(FlowId { number: *number, gate: key.index })
        };
        let expired = self.order.iter().find_map(oldest);
        expired.and_then(|id| self.remove(id)).is_some()
    }
}

impl Host {
    /// A SYN or a reset arrives while gates are open. Returns whether it was theirs.
    #[inline(never)]
    pub(crate) fn arrive_at_gate(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        key: &FlowKey,
        header: &Header,
        header_bytes: usize,
    ) -> bool {
        let mut header = *header;
        let text_bytes = (packet.transport_bytes() - header_bytes) as u32;
        if header.flags.rst() {
            return self.withdraw_flow(key, header.seq);
        }
        if header.flags.ack()
            || packet.arrival == InterfaceId::LOOPBACK
            || packet.cast != Cast::Unicast
            || !may_be_answered(packet.source)
        {
            return false;
        }
        let is_free =
            self.find_place(key).is_none_or(|place| self.may_follow(now, place, &header, text_bytes));
        if !is_free || self.find_listener(key).is_some() {
            return false;
        }
        let Some(gate_key) = self.gates.gate_of(key.local) else { return false };
        let Some(gate) = self.gates.slab.get(gate_key) else { return false };
        let config = gate.options.config.as_ref().unwrap_or(&self.config.tcp);
        if config.syn_fin_opens {
            header.flags = Flags::from_bits(header.flags.bits() & !Flags::FIN.bits());
        }
        let syn = Syn { key, header: &header, text_bytes };
        match listen::arrives(&header, config.habits) {
            Arrival::Open => self.hold_flow(now, gate_key, packet, &syn),
            Arrival::Ignore(why) => {
                self.counters.discard(Discard::TcpListenerIgnored);
                let segment = Segment { header, ..Segment::default() };
                self.trace_unmatched(now, key, &segment, why);
            }
            // Only what acknowledges something is reset, and that has been left to others.
            Arrival::Reset(_) => return false,
        }
        true
    }

    /// Whether a SYN asks for a newer connection than the one at this place, which is in TIME-WAIT. Nothing is changed:
    /// that is the decision's.
    fn may_follow(&self, now: Instant, place: u32, header: &Header, text_bytes: u32) -> bool {
        let verdict = if place & TIME_WAIT_BIT != 0 {
            self.time_waits.at(place & !TIME_WAIT_BIT).map(|entry| {
                let mut time_wait = entry.time_wait;
                time_wait.handle_segment(now, header, text_bytes, &entry.config)
            })
        } else {
            let connection = self.sockets.at(place).map(|socket| &socket.connection);
            connection.and_then(|connection| {
                let mut time_wait = connection.time_wait()?;
                Some(time_wait.handle_segment(now, header, text_bytes, connection.config()))
            })
        };
        matches!(verdict, Some(TimeWaitVerdict::Reopen { .. }))
    }

    fn hold_flow(&mut self, now: Instant, key: SlabKey, packet: &Packet<'_>, syn: &Syn<'_>) {
        if let Some(id) = self.gates.by_ends.get(syn.key).copied() {
            let held = self.gates.slab.at_mut(id.gate).and_then(|gate| gate.held.get_mut(&id.number));
            if let Some(held) = held {
                *held = Held::new(packet, syn, held.due);
                self.counters.flows_asked_again += 1;
            }
            return;
        }
        let is_short = self.budget.level() >= MemoryLevel::Pressure;
        let many_answered = self.gates.answered >= self.config.half_open_max;
        let number = self.gates.flows_told;
        let Some(gate) = self.gates.slab.get_mut(key) else { return };
        if is_short || many_answered || gate.held.len() >= gate.options.held_max.max(1) {
            return self.counters.discard(Discard::TcpGateFull);
        }
        gate.held.insert(number, Held::new(packet, syn, now + gate.options.decide_within));
        let had_notice = core::mem::replace(&mut gate.has_notice, true);
        self.gates.by_ends.insert(*syn.key, FlowId { number, gate: key.index });
        self.gates.flows_told += 1;
        self.counters.flows_held += 1;
        if !had_notice {
            self.notices.push_back((SocketId::new(SocketKind::Gate, key), Event::Acceptable));
        }
        self.settle_tables_now_and_then();
    }

    /// A reset arrives: the peer may not want the connection any more that it asked for. Its number must be the next
    /// one after the SYN (RFC 5961 §3.2), so that nobody withdraws what others ask for.
    fn withdraw_flow(&mut self, key: &FlowKey, seq: Seq) -> bool {
        let Some(id) = self.gates.by_ends.get(key).copied() else { return false };
        let is_meant = self.gates.held(id).is_some_and(|held| held.is_withdrawn_by(seq));
        if is_meant && self.gates.remove(id).is_some() {
            self.counters.flows_withdrawn += 1;
            self.settle_tables_now_and_then();
        }
        is_meant
    }

    /// Drops what has waited for a decision for too long.
    pub(crate) fn expire_flows(&mut self, now: Instant) {
        if self.gates.next_due().is_none_or(|due| due > now) {
            return;
        }
        while self.gates.expire_one(now) {
            self.counters.flows_expired += 1;
        }
        self.settle_tables();
    }
}
