//! Reassembly of datagrams from their fragments, within bounds (RFC 791 §3.2, RFC 815, RFC 8200 §4.5).
//!
//! If fragments overlap, their datagram is refused, and its later fragments too (RFC 5722, for both
//! families). The first fragment must hold the transport header (RFC 1858, RFC 7112). Bytes, datagrams,
//! fragments and time are bounded, and each source has a share of the bytes and datagrams. A source that has
//! used up its share loses its own oldest datagram; if all sources together are beyond a bound, the oldest
//! datagram is dropped.

use crate::counters::Discard;
use crate::flow::Address;
use crate::host::Host;
use crate::interface::InterfaceId;
use crate::limits::PACKET_BYTES_MAX;
use crate::packet::{Packet, PacketFacts, first_bytes};
use crate::secret::{Purpose, Secret, TableHash};
use bytes::Bytes;
use core::time::Duration;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use tcp::Instant;
use wire::ip::{Ecn, protocol};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct DatagramKey {
    interface: InterfaceId,
    source: Address,
    destination: Address,
    identification: u32,
    /// RFC 791: identifications are per protocol; RFC 8200: they are not.
    protocol: u8,
}

/// What a datagram counts in addition to its bytes: its places in the tables and the first node of its pieces.
const DATAGRAM_OVERHEAD_BYTES: usize = 1_024;
/// What a piece counts in addition to its bytes.
const PIECE_OVERHEAD_BYTES: usize = 128;

struct Datagram {
    created: Instant,
    /// Its number in the order of creation.
    number: u64,
    /// What comes before the text in the first fragment, and what it says.
    first: Option<(Bytes, PacketFacts)>,
    /// By their offset; they do not overlap.
    pieces: BTreeMap<usize, Bytes>,
    /// Bytes of text that have arrived.
    text_bytes: usize,
    total_bytes: Option<usize>,
    /// What the ECN fields of its fragments say together; `None`: none has arrived.
    ecn: Option<Ecn>,
    /// A fragment was wrong: all later fragments are refused until the datagram times out (RFC 5722 §4).
    is_refused: bool,
}

impl Datagram {
    fn new(created: Instant, number: u64) -> Self {
        Datagram {
            created,
            number,
            first: None,
            pieces: BTreeMap::new(),
            text_bytes: 0,
            total_bytes: None,
            ecn: None,
            is_refused: false,
        }
    }

    fn refuse(&mut self) {
        self.is_refused = true;
        self.pieces.clear();
        self.first = None;
        self.text_bytes = 0;
    }

    /// Bytes of memory that it takes.
    fn held_bytes(&self) -> usize {
        let header_bytes = self.first.as_ref().map_or(0, |(headers, _)| headers.len());
        let pieces = self.pieces.len() * PIECE_OVERHEAD_BYTES;
        DATAGRAM_OVERHEAD_BYTES + header_bytes + self.text_bytes + pieces
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

    /// Keeps a fragment. Returns whether it was the last one missing.
    fn take(
        &mut self,
        packet: &Packet<'_>,
        fragment: Fragment,
        fragments_max: usize,
    ) -> Result<bool, Discard> {
        if self.is_refused {
            return Err(Discard::FragmentOverlap);
        }
        let text = packet.transport();
        match self.check_piece(fragment.offset_bytes, text.len(), fragment.more)? {
            Fit::Duplicate => return Ok(false),
            Fit::New if self.pieces.len() >= fragments_max => return Err(Discard::FragmentBound),
            Fit::New => {}
        }
        self.ecn = Some(together(self.ecn.unwrap_or(packet.ecn), packet.ecn).ok_or(Discard::FragmentEcn)?);
        if !fragment.more {
            self.total_bytes = Some(fragment.offset_bytes + text.len());
        }
        self.text_bytes += text.len();
        self.pieces.insert(fragment.offset_bytes, Bytes::copy_from_slice(text));
        if fragment.offset_bytes == 0 {
            let headers = &first_bytes(packet.frame)[packet.ip_at..packet.transport_at];
            let facts = PacketFacts { ip_at: 0, transport_at: headers.len(), ..packet.facts };
            self.first = Some((Bytes::copy_from_slice(headers), facts));
        }
        Ok(self.total_bytes == Some(self.text_bytes))
    }

    /// The first fragment, if it has arrived, as it arrived.
    fn first_fragment(&self) -> Option<(Frame, PacketFacts)> {
        let (headers, facts) = self.first.as_ref()?;
        let text = self.pieces.get(&0)?;
        let packet = [&headers[..], text].concat();
        let facts = PacketFacts { end_at: packet.len(), ..*facts };
        Some((Frame::from_bytes(packet.into()), facts))
    }
}

enum Fit {
    New,
    Duplicate,
}

/// Empty places that the tables keep, because fragments come again.
const PLACES_KEPT: usize = 64;

/// What one source holds.
#[derive(Default)]
struct Share {
    /// Numbers of its datagrams, the oldest first.
    numbers: VecDeque<u64>,
    bytes: usize,
}

/// Datagrams whose fragments have not all arrived.
pub(crate) struct Reassembly {
    datagrams: HashMap<DatagramKey, Datagram, TableHash>,
    /// By number, the oldest first.
    order: BTreeMap<u64, DatagramKey>,
    shares: HashMap<Address, Share, TableHash>,
    held_bytes: usize,
    next_number: u64,
    timeout: Duration,
}

impl Reassembly {
    pub(crate) fn new(secret: &Secret) -> Self {
        let hasher = TableHash::new(secret, Purpose::Tables);
        Reassembly {
            datagrams: HashMap::with_hasher(hasher),
            order: BTreeMap::new(),
            shares: HashMap::with_hasher(hasher),
            held_bytes: 0,
            next_number: 0,
            timeout: Duration::ZERO,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Memory that the datagrams take, with their places in the tables, and places that are empty.
    pub(crate) fn held_bytes(&self) -> usize {
        let empty_datagrams = self.datagrams.capacity() - self.datagrams.len();
        let empty_shares = self.shares.capacity() - self.shares.len();
        self.held_bytes
            + empty_datagrams * size_of::<(DatagramKey, Datagram)>()
            + empty_shares * size_of::<(Address, Share)>()
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        let (_, oldest) = self.order.first_key_value()?;
        self.datagrams.get(oldest).map(|datagram| datagram.created + self.timeout)
    }

    /// How many datagrams a source holds, and how many bytes of memory.
    fn share_of(&self, source: Address) -> (usize, usize) {
        self.shares.get(&source).map_or((0, 0), |share| (share.numbers.len(), share.bytes))
    }

    fn insert(&mut self, now: Instant, key: DatagramKey) {
        let number = self.next_number;
        self.next_number += 1;
        let datagram = Datagram::new(now, number);
        let bytes = datagram.held_bytes();
        let share = self.shares.entry(key.source).or_default();
        share.numbers.push_back(number);
        share.bytes += bytes;
        self.held_bytes += bytes;
        self.order.insert(number, key);
        self.datagrams.insert(key, datagram);
    }

    /// Changes a datagram, and what it counts.
    fn change<T>(&mut self, key: &DatagramKey, change: impl FnOnce(&mut Datagram) -> T) -> Option<T> {
        let datagram = self.datagrams.get_mut(key)?;
        let before = datagram.held_bytes();
        let outcome = change(datagram);
        let after = datagram.held_bytes();
        self.held_bytes = self.held_bytes + after - before;
        if let Some(share) = self.shares.get_mut(&key.source) {
            share.bytes = share.bytes + after - before;
        }
        Some(outcome)
    }

    fn remove(&mut self, key: &DatagramKey) -> Option<Datagram> {
        let datagram = self.datagrams.remove(key)?;
        let bytes = datagram.held_bytes();
        self.held_bytes -= bytes;
        self.order.remove(&datagram.number);
        if let Entry::Occupied(mut share) = self.shares.entry(key.source) {
            share.get_mut().bytes -= bytes;
            let numbers = &mut share.get_mut().numbers;
            if let Ok(at) = numbers.binary_search(&datagram.number) {
                numbers.remove(at);
            }
            if numbers.is_empty() {
                share.remove();
            }
        }
        if self.datagrams.is_empty() {
            debug_assert!(self.held_bytes == 0 && self.shares.is_empty() && self.order.is_empty());
            // A flood should not hold its memory for ever.
            self.datagrams.shrink_to(PLACES_KEPT);
            self.shares.shrink_to(PLACES_KEPT);
        }
        Some(datagram)
    }

    /// Removes the oldest datagram.
    fn remove_oldest(&mut self) -> Option<Datagram> {
        let (_, key) = self.order.first_key_value()?;
        let key = *key;
        self.remove(&key)
    }

    /// Removes the oldest datagram of a source.
    fn remove_oldest_of(&mut self, source: Address) -> Option<Datagram> {
        let number = self.shares.get(&source)?.numbers.front()?;
        let key = *self.order.get(number)?;
        self.remove(&key)
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
        packet: &Packet<'_>,
        fragment: Fragment,
    ) -> Option<(Frame, PacketFacts)> {
        self.reassembly.timeout = self.config.reassembly_timeout;
        let checked = match self.check_fragment(now, packet, fragment) {
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
        match self.insert_fragment(key, packet, fragment) {
            Ok(whole) => whole,
            Err(why) => {
                self.counters.discard(why);
                self.reassembly.change(&key, Datagram::refuse);
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

    /// Drops the oldest datagrams, first of the same source, until there is room for `len` more bytes, and adds
    /// the datagram if it is new.
    fn make_room_for(&mut self, now: Instant, key: &DatagramKey, len: usize) {
        let config = &self.config;
        let held = &mut self.reassembly;
        let is_new = !held.datagrams.contains_key(key);
        let added_datagrams = usize::from(is_new);
        let added_bytes = len + PIECE_OVERHEAD_BYTES + added_datagrams * DATAGRAM_OVERHEAD_BYTES;
        loop {
            let (datagrams, bytes) = held.share_of(key.source);
            let source_is_over = bytes + added_bytes > config.reassembly_source_bytes_max
                || datagrams + added_datagrams > config.reassembly_source_datagrams_max.max(1);
            let all_are_over = held.held_bytes + added_bytes > config.reassembly_bytes_max
                || held.datagrams.len() + added_datagrams > config.reassembly_datagrams_max.max(1);
            let dropped = match (source_is_over, all_are_over) {
                (true, _) => held.remove_oldest_of(key.source),
                (false, true) => held.remove_oldest(),
                (false, false) => break,
            };
            if dropped.is_none() {
                break;
            }
            self.counters.discard(Discard::FragmentBound);
        }
        if !held.datagrams.contains_key(key) {
            held.insert(now, *key);
        }
    }

    fn insert_fragment(
        &mut self,
        key: DatagramKey,
        packet: &Packet<'_>,
        fragment: Fragment,
    ) -> Result<Option<(Frame, PacketFacts)>, Discard> {
        let fragments_max = self.config.reassembly_fragments_max;
        let is_whole =
            self.reassembly.change(&key, |datagram| datagram.take(packet, fragment, fragments_max));
        if !is_whole.transpose()?.unwrap_or(false) {
            return Ok(None);
        }
        self.counters.reassembled += 1;
        Ok(self.reassembly.remove(&key).and_then(assemble))
    }

    /// Drops datagrams that have waited too long; the sender gets an error if the first fragment arrived
    /// (RFC 792, RFC 4443 §3.3).
    pub(crate) fn expire_reassembly(&mut self, now: Instant) {
        if self.reassembly.next_due().is_none_or(|due| due > now) {
            return;
        }
        while self.reassembly.next_due().is_some_and(|due| due <= now) {
            if let Some(datagram) = self.reassembly.remove_oldest() {
                self.counters.discard(Discard::FragmentTimeout);
                if let Some((mut frame, facts)) = datagram.first_fragment() {
                    self.send_reassembly_timeout(now, &Packet { frame: &mut frame, facts });
                }
            }
        }
        self.settle_tables();
    }
}

/// The ECN field of a packet with fragments of both kinds: a mark on one is a mark on all, unless another says that nobody
/// could have set it: `None`, the packet is dropped (RFC 3168 §5.3).
fn together(one: Ecn, other: Ecn) -> Option<Ecn> {
    match (one, other) {
        (Ecn::CongestionExperienced, Ecn::NotCapable) | (Ecn::NotCapable, Ecn::CongestionExperienced) => None,
        (Ecn::CongestionExperienced, _) | (_, Ecn::CongestionExperienced) => Some(Ecn::CongestionExperienced),
        // Nobody who fragments makes one of the other; the less that is claimed, the better.
        (Ecn::NotCapable, _) | (_, Ecn::NotCapable) => Some(Ecn::NotCapable),
        (one, _) => Some(one),
    }
}

/// Writes the ECN field into an IP header; an IPv4 header needs a new sum.
fn write_ecn(header: &mut [u8], ecn: Ecn) {
    match header {
        [first, class, ..] if *first >> 4 == 4 => *class = *class & !3 | ecn.bits(),
        [first, class, ..] if *first >> 4 == 6 => *class = *class & !0x30 | ecn.bits() << 4,
        _ => {}
    }
}

/// Builds the whole packet: the headers of the first fragment, then the text of all.
fn assemble(datagram: Datagram) -> Option<(Frame, PacketFacts)> {
    let (headers, first) = datagram.first?;
    let mut whole = headers.to_vec();
    let header_bytes = whole.len();
    let ecn = datagram.ecn.unwrap_or(first.ecn);
    write_ecn(&mut whole, ecn);
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
    Some((frame, PacketFacts { transport_at: header_bytes, end_at, ecn, ..first }))
}
