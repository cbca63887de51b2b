//! Reassembly of datagrams from their fragments, within bounds (RFC 791 §3.2, RFC 815, RFC 8200 §4.5).
//!
//! If fragments overlap, their datagram is refused, and its later fragments too (RFC 5722, for both
//! families). The first fragment must hold the transport header (RFC 1858, RFC 7112). Bytes, datagrams,
//! fragments and time are bounded; beyond a bound, the oldest datagram is dropped.

use crate::counters::Discard;
use crate::flow::Address;
use crate::host::Host;
use crate::interface::InterfaceId;
use crate::limits::PACKET_BYTES_MAX;
use crate::packet::{Packet, PacketFacts, first_bytes};
use bytes::Bytes;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use tcp::Instant;
use wire::ip::protocol;
use wire::{Frame, ipv4, ipv6};

/// What the header of a fragment says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    pub(crate) identification: u32,
    pub(crate) offset_bytes: usize,
    pub(crate) more: bool,
    /// The least that the first fragment of the packet must have, as far as this one tells: all headers through the
    /// transport's (RFC 1858 §3.1, RFC 8200 §4.5).
    pub(crate) first_bytes_min: usize,
}

/// Which fragments belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct DatagramKey {
    interface: InterfaceId,
    source: Address,
    destination: Address,
    identification: u32,
    /// RFC 791: identifications are per protocol; RFC 8200: they are not.
    protocol: u8,
}

struct Datagram {
    created: Instant,
    /// The first fragment, for its headers.
    first: Option<(Frame, PacketFacts)>,
    /// By their offset; they do not overlap.
    pieces: BTreeMap<usize, Bytes>,
    held_bytes: usize,
    total_bytes: Option<usize>,
    /// A fragment was wrong: all later fragments are refused until the datagram times out (RFC 5722 §4).
    is_refused: bool,
}

impl Datagram {
    fn refuse(&mut self) -> usize {
        self.is_refused = true;
        self.pieces.clear();
        self.first = None;
        core::mem::take(&mut self.held_bytes)
    }

    /// Whether a piece fits among the others: it may be a duplicate of one, but must not overlap any.
    fn check_piece(&self, offset: usize, len: usize, more: bool) -> Result<Fit, Discard> {
        let end = offset + len;
        if self.pieces.get(&offset).is_some_and(|piece| piece.len() == len) {
            return Ok(Fit::Duplicate);
        }
        let before = self.pieces.range(..=offset).next_back();
        let after = self.pieces.range(offset..).next();
        if before.is_some_and(|(at, piece)| at + piece.len() > offset)
            || after.is_some_and(|(at, _)| *at < end)
        {
            return Err(Discard::FragmentOverlap);
        }
        let beyond = self.pieces.last_key_value().is_some_and(|(at, piece)| at + piece.len() > end);
        if self.total_bytes.is_some_and(|total| end > total || (!more && end != total)) || (!more && beyond) {
            return Err(Discard::FragmentLength);
        }
        Ok(Fit::New)
    }
}

enum Fit {
    New,
    Duplicate,
}

/// Datagrams whose fragments have not all arrived.
#[derive(Default)]
pub(crate) struct Reassembly {
    datagrams: BTreeMap<DatagramKey, Datagram>,
    /// In the order of creation; keys of datagrams that have been removed are skipped.
    order: VecDeque<(Instant, DatagramKey)>,
    held_bytes: usize,
    timeout: Duration,
}

impl Reassembly {
    pub(crate) fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Memory that the datagrams take.
    pub(crate) fn held_bytes(&self) -> usize {
        let place_bytes = size_of::<(DatagramKey, Datagram)>() * 2;
        self.held_bytes
            + self.datagrams.len() * place_bytes
            + self.order.capacity() * size_of::<(Instant, DatagramKey)>()
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.order.front().map(|(created, _)| *created + self.timeout)
    }

    fn remove(&mut self, key: &DatagramKey) -> Option<Datagram> {
        let datagram = self.datagrams.remove(key)?;
        self.held_bytes -= datagram.held_bytes;
        Some(datagram)
    }

    /// Removes the oldest datagram.
    fn remove_oldest(&mut self) -> Option<Datagram> {
        while let Some((created, key)) = self.order.pop_front() {
            if self.datagrams.get(&key).is_some_and(|datagram| datagram.created == created) {
                return self.remove(&key);
            }
        }
        None
    }

    /// Drops keys of removed datagrams from the front of the order.
    fn trim_order(&mut self) {
        while let Some((created, key)) = self.order.front() {
            if self.datagrams.get(key).is_some_and(|datagram| datagram.created == *created) {
                break;
            }
            self.order.pop_front();
        }
    }
}

/// The smallest first fragment without extension headers: one that holds the transport header.
pub(crate) fn first_fragment_bytes_min(protocol: u8) -> usize {
    match protocol {
        protocol::TCP => 20,
        protocol::UDP | protocol::ICMP | protocol::ICMPV6 => 8,
        _ => 1,
    }
}

impl Host {
    /// Keeps a fragment; returns the whole packet if the fragment was the last one missing.
    pub(crate) fn reassemble(
        &mut self,
        now: Instant,
        mut packet: Packet<'_>,
        fragment: Fragment,
    ) -> Option<(Frame, PacketFacts)> {
        self.reassembly.timeout = self.config.reassembly_timeout;
        let checked = match self.check_fragment(now, &packet, fragment) {
            Ok(()) if self.budget.is_full() => Err(Discard::MemoryFull),
            checked => checked,
        };
        if let Err(why) = checked {
            self.counters.discard(why);
            return None;
        }
        let key = DatagramKey {
            interface: packet.arrival,
            source: packet.source,
            destination: packet.destination,
            identification: fragment.identification,
            protocol: if packet.source.is_v4() { packet.protocol } else { 0 },
        };
        let len = packet.end_at - packet.transport_at;
        self.make_room_for(now, &key, len);
        match self.insert_fragment(key, &mut packet, fragment) {
            Ok(whole) => whole,
            Err(why) => {
                self.counters.discard(why);
                if let Some(datagram) = self.reassembly.datagrams.get_mut(&key) {
                    self.reassembly.held_bytes -= datagram.refuse();
                }
                None
            }
        }
    }

    /// The checks that need only the fragment itself.
    fn check_fragment(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        fragment: Fragment,
    ) -> Result<(), Discard> {
        let len = packet.end_at - packet.transport_at;
        let end = fragment.offset_bytes + len;
        let headers = packet.transport_at - packet.ip_at;
        if len == 0 {
            return Err(Discard::FragmentTiny);
        }
        // What does not come back in the whole packet, or does not count in its length.
        let uncounted = if packet.source.is_v4() { 0 } else { ipv6::HEADER_BYTES + ipv6::Fragment::BYTES };
        let is_too_long = headers + end > PACKET_BYTES_MAX + uncounted;
        if (fragment.more && !len.is_multiple_of(8)) || is_too_long {
            if !packet.source.is_v4() {
                // RFC 8200 §4.5: point at the length, or at the offset.
                let pointer = if is_too_long { headers - 6 } else { 4 };
                self.send_parameter_problem(now, packet, pointer as u32);
            }
            return Err(Discard::FragmentLength);
        }
        let hides_header = fragment.offset_bytes == 0 && len < fragment.first_bytes_min;
        // RFC 1858 §4.2: a fragment at offset 8 could overwrite the flags of a TCP header.
        let rewrites_header =
            packet.source.is_v4() && packet.protocol == protocol::TCP && fragment.offset_bytes == 8;
        if hides_header || rewrites_header { Err(Discard::FragmentTiny) } else { Ok(()) }
    }

    /// Drops the oldest datagrams until there is room for `len` more bytes, and adds the datagram if it is new.
    fn make_room_for(&mut self, now: Instant, key: &DatagramKey, len: usize) {
        let is_new = !self.reassembly.datagrams.contains_key(key);
        let bytes_max = self.config.reassembly_bytes_max;
        let datagrams_max = self.config.reassembly_datagrams_max;
        while self.reassembly.held_bytes + len > bytes_max
            || (is_new && self.reassembly.datagrams.len() >= datagrams_max.max(1))
        {
            if self.reassembly.remove_oldest().is_none() {
                break;
            }
            self.counters.discard(Discard::FragmentBound);
        }
        if !self.reassembly.datagrams.contains_key(key) {
            self.reassembly.trim_order();
            self.reassembly.order.push_back((now, *key));
            let datagram = Datagram {
                created: now,
                first: None,
                pieces: BTreeMap::new(),
                held_bytes: 0,
                total_bytes: None,
                is_refused: false,
            };
            self.reassembly.datagrams.insert(*key, datagram);
        }
    }

    fn insert_fragment(
        &mut self,
        key: DatagramKey,
        packet: &mut Packet<'_>,
        fragment: Fragment,
    ) -> Result<Option<(Frame, PacketFacts)>, Discard> {
        let Some(datagram) = self.reassembly.datagrams.get_mut(&key) else { return Ok(None) };
        if datagram.is_refused {
            return Err(Discard::FragmentOverlap);
        }
        let text = packet.transport();
        match datagram.check_piece(fragment.offset_bytes, text.len(), fragment.more)? {
            Fit::Duplicate => return Ok(None),
            Fit::New if datagram.pieces.len() >= self.config.reassembly_fragments_max => {
                return Err(Discard::FragmentBound);
            }
            Fit::New => {}
        }
        if !fragment.more {
            datagram.total_bytes = Some(fragment.offset_bytes + text.len());
        }
        datagram.held_bytes += text.len();
        self.reassembly.held_bytes += text.len();
        datagram.pieces.insert(fragment.offset_bytes, Bytes::copy_from_slice(text));
        if fragment.offset_bytes == 0 {
            datagram.first = Some((core::mem::take(packet.frame), packet.facts));
        }
        if datagram.total_bytes != Some(datagram.held_bytes) {
            return Ok(None);
        }
        let whole = self.reassembly.remove(&key);
        self.reassembly.trim_order();
        self.counters.reassembled += 1;
        Ok(whole.and_then(assemble))
    }

    /// Drops datagrams that have waited too long; the sender gets an error if the first fragment arrived
    /// (RFC 792, RFC 4443 §3.3).
    pub(crate) fn expire_reassembly(&mut self, now: Instant) {
        while self.reassembly.next_due().is_some_and(|due| due <= now) {
            if let Some(datagram) = self.reassembly.remove_oldest() {
                self.counters.discard(Discard::FragmentTimeout);
                if let Some((mut frame, facts)) = datagram.first {
                    self.send_reassembly_timeout(now, &Packet { frame: &mut frame, facts });
                }
            }
            self.reassembly.trim_order();
        }
    }
}

/// Builds the whole packet: the headers of the first fragment, then the text of all.
fn assemble(datagram: Datagram) -> Option<(Frame, PacketFacts)> {
    let (frame, first) = datagram.first?;
    let mut whole = first_bytes(&frame)[first.ip_at..first.transport_at].to_vec();
    let header_bytes = whole.len();
    datagram.pieces.values().for_each(|piece| whole.extend_from_slice(piece));
    if first.source.is_v4() && header_bytes >= ipv4::HEADER_BYTES {
        // The header as it would be in a whole packet, because an ICMP error may quote it.
        let total = u16::try_from(whole.len()).unwrap_or(u16::MAX);
        whole[2..4].copy_from_slice(&total.to_be_bytes());
        whole[6..8].copy_from_slice(&[0, 0]);
        whole[10..12].copy_from_slice(&[0, 0]);
        let checksum = wire::checksum::of(&whole[..header_bytes]);
        whole[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
    let end_at = whole.len();
    let frame = Frame::from_bytes(Bytes::from(whole));
    Some((frame, PacketFacts { ip_at: 0, transport_at: header_bytes, end_at, ..first }))
}
