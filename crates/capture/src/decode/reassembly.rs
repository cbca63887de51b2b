//! Reassembly of IP fragments (RFC 791 §3.2, RFC 8200 §4.5), with bounds for captures that hold only some
//! of the fragments, or an attack. Overlaps: in IPv4 the bytes that came first are kept, because RFC 791
//! leaves the choice to the receiver; an IPv6 packet with an overlap is discarded (RFC 5722), unless the
//! overlap is an exact repeat.

use super::walk::{Piece, WholePacket};
use std::net::IpAddr;

/// The most incomplete packets. An end host has a handful; if there are more, the oldest is dropped.
const PACKETS_MAX: usize = 256;

/// The most bytes of incomplete packets: enough for that many packets of the largest size.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The largest payload that fragments can make (RFC 791 §3.1).
const PACKET_BYTES_MAX: usize = 65_535;

/// The most separate ranges of one packet. 65,535 bytes at the smallest MTU, 68 bytes, need 1,366 fragments
/// (RFC 791 §3.2).
const PIECES_MAX: usize = 1_500;

/// How long a packet waits for its fragments (RFC 1122 §3.3.2, RFC 8200 §4.5: 60 seconds).
const WAIT_NS: u64 = 60_000_000_000;

/// Packets whose fragments are not all there.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    /// Oldest first.
    packets: Vec<Packet>,
    /// The packet that was completed last.
    complete: Vec<u8>,
}

/// What the fragments of one packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    protocol: u8,
}

#[derive(Debug)]
struct Packet {
    key: Key,
    since_ns: u64,
    /// The protocol in the payload, from the fragment at the start.
    protocol: Option<u8>,
    /// The length of the whole payload, from the fragment at the end.
    len: Option<usize>,
    data: Vec<u8>,
    /// The ranges of `data` that were received, sorted; they do not touch or overlap.
    have: Vec<(usize, usize)>,
    /// Fragments overlap (IPv6), so the packet is never completed.
    spoilt: bool,
}

impl Reassembly {
    /// Adds a fragment. If its packet is complete now, returns the protocol that the packet carries;
    /// [`Reassembly::whole`] returns the packet.
    pub(super) fn add(&mut self, piece: &Piece<'_>, now_ns: u64) -> Option<u8> {
        let start = piece.offset_bytes as usize;
        let end = start + piece.data.len();
        let odd_length = piece.more && !piece.data.len().is_multiple_of(8);
        if end > PACKET_BYTES_MAX || odd_length || piece.data.is_empty() {
            return None;
        }
        self.packets.retain(|packet| now_ns.saturating_sub(packet.since_ns) <= WAIT_NS);
        let key = Key {
            src: piece.ip.src,
            dst: piece.ip.dst,
            id: piece.ip.id.unwrap_or(0),
            protocol: piece.key_protocol,
        };
        let index = self.packets.iter().position(|packet| packet.key == key).unwrap_or_else(|| {
            self.make_room();
            self.packets.push(Packet::new(key, now_ns));
            self.packets.len() - 1
        });
        let packet = &mut self.packets[index];
        packet.insert(piece, start, end);
        let protocol = packet.complete()?;
        self.complete = self.packets.remove(index).data;
        Some(protocol)
    }

    /// The packet that was completed last, which carries this protocol.
    pub(super) fn whole(&self, protocol: u8) -> WholePacket<'_> {
        WholePacket { protocol, data: &self.complete }
    }

    fn make_room(&mut self) {
        let mut bytes: usize = self.packets.iter().map(|packet| packet.data.len()).sum();
        let mut drop = 0;
        while drop < self.packets.len()
            && (self.packets.len() - drop >= PACKETS_MAX || bytes + PACKET_BYTES_MAX > BYTES_MAX)
        {
            bytes -= self.packets[drop].data.len();
            drop += 1;
        }
        self.packets.drain(..drop);
    }
}

impl Packet {
    fn new(key: Key, since_ns: u64) -> Self {
        Packet { key, since_ns, protocol: None, len: None, data: Vec::new(), have: Vec::new(), spoilt: false }
    }

    fn insert(&mut self, piece: &Piece<'_>, start: usize, end: usize) {
        if self.spoilt || self.have.len() >= PIECES_MAX {
            return;
        }
        if start == 0 {
            self.protocol.get_or_insert(piece.protocol);
        }
        if !piece.more {
            self.len.get_or_insert(end);
        }
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        if self.have.iter().any(|&(from, to)| from <= start && end <= to) {
            // These bytes were received before: a repeat, unless they differ.
            self.spoilt = self.key.src.is_ipv6() && self.data[start..end] != *piece.data;
            return;
        }
        let overlaps = self.have.iter().any(|&(from, to)| from < end && start < to);
        if overlaps && self.key.src.is_ipv6() {
            self.spoilt = true;
            return;
        }
        self.fill_gaps(piece.data, start, end);
        self.note(start, end);
    }

    /// Copies the bytes that were not received before.
    fn fill_gaps(&mut self, data: &[u8], start: usize, end: usize) {
        let mut at = start;
        for &(from, to) in self.have.iter().filter(|&&(_, to)| to > start) {
            if from >= end {
                break;
            }
            if at < from {
                self.data[at..from].copy_from_slice(&data[at - start..from - start]);
            }
            at = at.max(to);
        }
        if at < end {
            self.data[at..end].copy_from_slice(&data[at - start..]);
        }
    }

    /// Adds a range to those that were received.
    fn note(&mut self, start: usize, end: usize) {
        let first = self.have.partition_point(|&(_, to)| to < start);
        let last = self.have.partition_point(|&(from, _)| from <= end);
        let merged = self.have[first..last]
            .iter()
            .fold((start, end), |(low, high), &(from, to)| (low.min(from), high.max(to)));
        self.have.splice(first..last, [merged]);
    }

    /// The protocol, once all bytes up to the end are there. Bytes beyond the end are dropped.
    fn complete(&mut self) -> Option<u8> {
        let (len, protocol) = (self.len?, self.protocol?);
        let whole = !self.spoilt && self.have.first().is_some_and(|&(from, to)| from == 0 && to >= len);
        if !whole {
            return None;
        }
        self.data.truncate(len);
        Some(protocol)
    }
}

#[cfg(test)]
mod tests;
