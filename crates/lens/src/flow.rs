//! Finding the connection of a segment: an unordered pair of addresses and ports.
//!
//! An open-addressed table of positions; the keys stand with the connections, so that finding one
//! costs one line of the table and one of the connection. Which of several connections on one pair a
//! segment belongs to (port reuse) is decided in [`crate::Lens`], not here.

use crate::limits::TABLE_PLACES;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The two ends of a connection, the smaller first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlowKey {
    /// The smaller address and the larger, each as two words; IPv4 in the low half of the first.
    addresses: [u64; 4],
    /// The port beside the smaller address in the high half.
    ports: u32,
    v6: bool,
}

impl FlowKey {
    /// The key of a segment, and whether its source is the first of the pair.
    #[inline]
    pub(crate) fn of(source: SocketAddr, destination: SocketAddr) -> (FlowKey, bool) {
        let (from, to) = (words(source.ip()), words(destination.ip()));
        let v6 = source.is_ipv6();
        let (sp, dp) = (source.port(), destination.port());
        let source_first = (from, sp) <= (to, dp);
        let (a, b, ap, bp) = if source_first { (from, to, sp, dp) } else { (to, from, dp, sp) };
        let key =
            FlowKey { addresses: [a[0], a[1], b[0], b[1]], ports: u32::from(ap) << 16 | u32::from(bp), v6 };
        (key, source_first)
    }

    /// The two ends, in the order of the key.
    pub(crate) fn ends(&self) -> [SocketAddr; 2] {
        let [a0, a1, b0, b1] = self.addresses;
        let address = |high: u64, low: u64| {
            if self.v6 {
                IpAddr::V6(Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)))
            } else {
                IpAddr::V4(Ipv4Addr::from_bits(high as u32))
            }
        };
        let (low_port, high_port) = ((self.ports >> 16) as u16, self.ports as u16);
        [SocketAddr::new(address(a0, a1), low_port), SocketAddr::new(address(b0, b1), high_port)]
    }

    fn hash(&self, hash_key: u64) -> u64 {
        let mix = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            (product as u64) ^ (product >> 64) as u64
        };
        let [a0, a1, b0, b1] = self.addresses;
        let first = mix(a0 ^ hash_key, b0.rotate_left(32) ^ u64::from(self.ports) ^ 0xa076_1d64_78bd_642f);
        if self.v6 { mix(first ^ a1, b1 ^ 0xe703_7ed1_a0b4_28db) } else { mix(first, 0xe703_7ed1_a0b4_28db) }
    }
}

#[inline]
fn words(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(v4) => [u64::from(v4.to_bits()), 0],
        IpAddr::V6(v6) => [(v6.to_bits() >> 64) as u64, v6.to_bits() as u64],
    }
}

/// What a segment says of its connection: the key, and which way the segment goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    pub(crate) key: FlowKey,
    /// The source is the first of the key's ends.
    pub(crate) source_is_low: bool,
}

impl Flow {
    /// The flow of a segment between these ends.
    #[inline]
    pub(crate) fn of(source: SocketAddr, destination: SocketAddr) -> Flow {
        let (key, source_is_low) = FlowKey::of(source, destination);
        Flow { key, source_is_low }
    }
}

const EMPTY: u32 = u32::MAX;

/// One place of the table: part of the hash, and the position of the connection.
#[derive(Clone, Copy, Debug)]
struct Place {
    tag: u32,
    index: u32,
}

/// The table: key to position.
#[derive(Debug)]
pub(crate) struct FlowTable {
    places: Vec<Place>,
    used: usize,
    hash_key: u64,
}

impl FlowTable {
    pub(crate) fn new(hash_key: u64) -> Self {
        FlowTable { places: vec![Place { tag: 0, index: EMPTY }; TABLE_PLACES], used: 0, hash_key }
    }

    /// Has the place of a flow fetched, which is asked for soon.
    #[inline]
    pub(crate) fn touch(&self, flow: &Flow) {
        std::hint::black_box(self.places[self.tag(&flow.key) as usize & (self.places.len() - 1)].index);
    }

    /// The position stored for a flow; `is_at` says whether a position has its key.
    #[inline]
    pub(crate) fn find(&self, flow: &Flow, is_at: impl Fn(u32) -> bool) -> Option<u32> {
        self.place(self.tag(&flow.key), is_at).map(|at| self.places[at].index)
    }

    /// Stores `index` for a flow that is not in it.
    pub(crate) fn insert(&mut self, flow: &Flow, index: u32) {
        if self.used * 4 >= self.places.len() * 3 {
            self.grow();
        }
        self.used += 1;
        self.put(Place { tag: self.tag(&flow.key), index });
    }

    /// Forgets `key`.
    pub(crate) fn remove(&mut self, key: &FlowKey, is_at: impl Fn(u32) -> bool) {
        let Some(mut hole) = self.place(self.tag(key), is_at) else { return };
        let mask = self.places.len() - 1;
        self.used -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let place = self.places[at];
            if place.index == EMPTY {
                break;
            }
            // move it back unless its own place lies after the hole
            let distance = at.wrapping_sub(place.tag as usize & mask) & mask;
            if distance >= (at.wrapping_sub(hole) & mask) {
                self.places[hole] = place;
                hole = at;
            }
        }
        self.places[hole].index = EMPTY;
    }

    fn tag(&self, key: &FlowKey) -> u32 {
        (key.hash(self.hash_key) >> 32) as u32
    }

    #[inline]
    fn place(&self, tag: u32, is_at: impl Fn(u32) -> bool) -> Option<usize> {
        let mask = self.places.len() - 1;
        let mut at = tag as usize & mask;
        // ends: at most three quarters of the places are used
        loop {
            let place = self.places[at];
            if place.index == EMPTY {
                return None;
            }
            if place.tag == tag && is_at(place.index) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    fn put(&mut self, place: Place) {
        let mask = self.places.len() - 1;
        let mut at = place.tag as usize & mask;
        while self.places[at].index != EMPTY {
            at = (at + 1) & mask;
        }
        self.places[at] = place;
    }

    fn grow(&mut self) {
        let doubled = vec![Place { tag: 0, index: EMPTY }; self.places.len() * 2];
        let old = std::mem::replace(&mut self.places, doubled);
        for place in old.into_iter().filter(|place| place.index != EMPTY) {
            self.put(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(n: u32) -> Flow {
        let source = SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 + (n >> 14)), (n & 0x3fff) as u16));
        Flow::of(source, SocketAddr::from(([192, 0, 2, 1], 80)))
    }

    #[test]
    fn both_directions_have_one_key_and_its_ends_are_the_ends() {
        for (a, b) in
            [("10.0.0.1:80", "10.0.0.1:81"), ("[2001:db8::1]:5", "[::2]:4"), ("9.9.9.9:9", "8.8.8.8:8")]
        {
            let (a, b): (SocketAddr, SocketAddr) = (a.parse().expect("address"), b.parse().expect("address"));
            let (there, first) = FlowKey::of(a, b);
            let (back, second) = FlowKey::of(b, a);
            assert_eq!(there, back);
            assert_ne!(first, second);
            let ends = there.ends();
            assert_eq!(if first { ends } else { [ends[1], ends[0]] }, [a, b]);
        }
    }

    #[test]
    fn many_keys_are_found_after_growing_and_removing() {
        let mut table = FlowTable::new(7);
        let flows: Vec<Flow> = (0..50_000).map(flow).collect();
        for (index, flow) in flows.iter().enumerate() {
            table.insert(flow, index as u32);
        }
        for flow in flows.iter().step_by(3) {
            table.remove(&flow.key, |at| flows[at as usize].key == flow.key);
        }
        for (index, flow) in flows.iter().enumerate() {
            let found = table.find(flow, |at| flows[at as usize].key == flow.key);
            assert_eq!(found, (index % 3 != 0).then_some(index as u32));
        }
    }
}
