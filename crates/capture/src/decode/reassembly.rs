//! Reassembly of IP fragments (RFC 791 §3.2, RFC 8200 §4.5), with bounds for captures that hold only some
//! of the fragments, or an attack. Overlaps: in IPv4 the bytes that came first are kept, because RFC 791
//! leaves the choice to the receiver; an IPv6 packet with an overlap is discarded (RFC 5722), unless the
//! overlap is an exact repeat.

use super::walk::{IpFragment, ReassembledPacket};
use std::net::IpAddr;

/// The most incomplete packets. An end host has a handful; if there are more, the oldest is dropped.
const PACKETS_MAX: usize = 256;

/// The most bytes of incomplete packets: enough for that many packets of the largest size.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The largest payload that fragments can make (RFC 791 §3.1).
const PACKET_BYTES_MAX: usize = 65_535;

/// The most separate ranges of one packet. 65,535 bytes at the smallest MTU, 68 bytes, need 1,366 fragments
/// (RFC 791 §3.2).
const RANGES_MAX: usize = 1_500;

/// How long a packet waits for its fragments (RFC 1122 §3.3.2, RFC 8200 §4.5: 60 seconds).
const WAIT_NS: u64 = 60_000_000_000;

/// Packets whose fragments are not all there.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    /// Oldest first.
    packets: Vec<PartialPacket>,
    /// The packet that was completed last.
    completed: Vec<u8>,
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
struct PartialPacket {
    key: Key,
    since_ns: u64,
    /// The protocol in the payload, from the fragment at the start.
    protocol: Option<u8>,
    /// The length of the whole payload, from the fragment at the end.
    len: Option<usize>,
    data: Vec<u8>,
    /// The ranges of `data` that were received, sorted; they do not touch or overlap.
    received: Vec<(usize, usize)>,
    /// Fragments overlap (IPv6), so the packet is never completed.
    is_discarded: bool,
}

impl Reassembly {
    /// Adds a fragment. If its packet is complete now, returns the protocol that the packet carries;
    /// [`Reassembly::completed_packet`] returns the packet.
    pub(super) fn add(&mut self, fragment: &IpFragment<'_>, now_ns: u64) -> Option<u8> {
        let start = fragment.offset_bytes as usize;
        let end = start + fragment.data.len();
        let odd_length = fragment.more && !fragment.data.len().is_multiple_of(8);
        if end > PACKET_BYTES_MAX || odd_length || fragment.data.is_empty() {
            return None;
        }
        self.packets.retain(|packet| now_ns.saturating_sub(packet.since_ns) <= WAIT_NS);
        let key = Key {
            src: fragment.ip.src,
            dst: fragment.ip.dst,
            id: fragment.ip.id.unwrap_or(0),
            protocol: fragment.key_protocol,
        };
        let index = self.packets.iter().position(|packet| packet.key == key).unwrap_or_else(|| {
            self.make_room_for_packet();
            self.packets.push(PartialPacket::new(key, now_ns));
            self.packets.len() - 1
        });
        let packet = &mut self.packets[index];
        packet.insert_fragment(fragment, start, end);
        let protocol = packet.protocol_if_complete()?;
        self.completed = self.packets.remove(index).data;
        Some(protocol)
    }

    /// The packet that was completed last, which carries this protocol.
    pub(super) fn completed_packet(&self, protocol: u8) -> ReassembledPacket<'_> {
        ReassembledPacket { protocol, data: &self.completed }
    }

    fn make_room_for_packet(&mut self) {
        let mut bytes: usize = self.packets.iter().map(|packet| packet.data.len()).sum();
        let mut dropped = 0;
        while dropped < self.packets.len()
            && (self.packets.len() - dropped >= PACKETS_MAX || bytes + PACKET_BYTES_MAX > BYTES_MAX)
        {
            bytes -= self.packets[dropped].data.len();
            dropped += 1;
        }
        self.packets.drain(..dropped);
    }
}

impl PartialPacket {
    fn new(key: Key, since_ns: u64) -> Self {
        PartialPacket {
            key,
            since_ns,
            protocol: None,
            len: None,
            data: Vec::new(),
            received: Vec::new(),
            is_discarded: false,
        }
    }

    fn insert_fragment(&mut self, fragment: &IpFragment<'_>, start: usize, end: usize) {
        if self.is_discarded || self.received.len() >= RANGES_MAX {
            return;
        }
        if start == 0 {
            self.protocol.get_or_insert(fragment.protocol);
        }
        if !fragment.more {
            self.len.get_or_insert(end);
        }
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        if self.received.iter().any(|&(from, to)| from <= start && end <= to) {
            // These bytes were received before: a repeat, unless they differ.
            self.is_discarded = self.key.src.is_ipv6() && self.data[start..end] != *fragment.data;
            return;
        }
        let overlaps = self.received.iter().any(|&(from, to)| from < end && start < to);
        if overlaps && self.key.src.is_ipv6() {
            self.is_discarded = true;
            return;
        }
        self.fill_gaps(fragment.data, start, end);
        self.add_received_range(start, end);
    }

    /// Copies the bytes that were not received before.
    fn fill_gaps(&mut self, data: &[u8], start: usize, end: usize) {
        let mut at = start;
        for &(from, to) in self.received.iter().filter(|&&(_, to)| to > start) {
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
    fn add_received_range(&mut self, start: usize, end: usize) {
        let first = self.received.partition_point(|&(_, to)| to < start);
        let last = self.received.partition_point(|&(from, _)| from <= end);
        let merged = self.received[first..last]
            .iter()
            .fold((start, end), |(low, high), &(from, to)| (low.min(from), high.max(to)));
        self.received.splice(first..last, [merged]);
    }

    /// The protocol, once all bytes up to the end are there. Bytes beyond the end are dropped.
    fn protocol_if_complete(&mut self) -> Option<u8> {
        let len = self.len?;
        let protocol = self.protocol?;
        let is_complete =
            !self.is_discarded && self.received.first().is_some_and(|&(from, to)| from == 0 && to >= len);
        if !is_complete {
            return None;
        }
        self.data.truncate(len);
        Some(protocol)
    }
}

#[cfg(test)]
mod tests;
