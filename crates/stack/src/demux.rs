//! Finds the connection of a segment by its two ends, in constant time.
//!
//! An open-addressing table of 8-byte cells: 32 bits of a keyed hash, and the place of the connection.
//! The key itself is stored once, with the connection; the caller says whether a candidate is the right
//! one. The key of the hash is secret, so a peer cannot choose collisions. What is *not* here: what a
//! place means, and iteration in an order that could be observed.

use crate::flow::FlowKey;
use crate::secret::{Purpose, Secret, TableHash};
use core::cell;

/// 32 bits of hash above, place + 1 below; zero is an empty cell.
type Cell = u64;

const CELLS_MIN: usize = 64;

/// Flow to place.
pub(crate) struct Demux {
    hasher: TableHash,
    /// The last key that was hashed and its tag: a flow that was not found is usually added next.
    last: cell::Cell<Option<(FlowKey, u32)>>,
    cells: Vec<Cell>,
    len: usize,
}

impl Demux {
    pub(crate) fn new(secret: &Secret) -> Self {
        let hasher = TableHash::new(secret, Purpose::Demultiplexing);
        Demux { hasher, last: cell::Cell::new(None), cells: vec![0; CELLS_MIN], len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Memory that the table takes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>()
    }

    fn tag(&self, key: &FlowKey) -> u32 {
        match self.last.get() {
            Some((last, tag)) if last == *key => tag,
            _ => self.compute_tag(key),
        }
    }

    #[inline(never)]
    fn compute_tag(&self, key: &FlowKey) -> u32 {
        let mut bytes = [0; 36];
        let len = key.hashed_bytes(&mut bytes);
        let tag = self.hasher.hash(&bytes[..len]) as u32;
        self.last.set(Some((*key, tag)));
        tag
    }

    fn next_cell(&self, at: usize) -> usize {
        (at + 1) & (self.cells.len() - 1)
    }

    fn home_cell(&self, tag: u32) -> usize {
        tag as usize & (self.cells.len() - 1)
    }

    /// The cell that holds `key`; `is_match` compares the key of the connection at a place.
    fn find_cell(&self, key: &FlowKey, is_match: impl Fn(u32) -> bool) -> Option<usize> {
        let tag = self.tag(key);
        let mut at = self.home_cell(tag);
        // Ends at an empty cell, because at least a quarter of the cells are empty.
        loop {
            match self.cells[at] {
                0 => return None,
                cell if (cell >> 32) as u32 == tag && is_match(cell as u32 - 1) => return Some(at),
                _ => at = self.next_cell(at),
            }
        }
    }

    /// The place of `key`, if it is in the table.
    pub(crate) fn find(&self, key: &FlowKey, is_match: impl Fn(u32) -> bool) -> Option<u32> {
        self.find_cell(key, is_match).map(|at| self.cells[at] as u32 - 1)
    }

    /// Adds `key`, which is not in the table.
    pub(crate) fn insert(&mut self, key: &FlowKey, place: u32) {
        if (self.len + 1) * 4 > self.cells.len() * 3 {
            self.resize(self.cells.len() * 2);
        }
        let tag = self.tag(key);
        self.put_cell((u64::from(tag) << 32) | u64::from(place + 1));
        self.len += 1;
    }

    fn put_cell(&mut self, cell: Cell) {
        let mut at = self.home_cell((cell >> 32) as u32);
        while self.cells[at] != 0 {
            at = self.next_cell(at);
        }
        self.cells[at] = cell;
    }

    fn resize(&mut self, cells: usize) {
        let old = core::mem::replace(&mut self.cells, vec![0; cells]);
        old.into_iter().filter(|cell| *cell != 0).for_each(|cell| self.put_cell(cell));
    }

    /// Gives `key` another place; does nothing if `key` is not in the table.
    pub(crate) fn replace(&mut self, key: &FlowKey, is_match: impl Fn(u32) -> bool, place: u32) {
        if let Some(at) = self.find_cell(key, is_match) {
            self.cells[at] = (self.cells[at] & !0xffff_ffff) | u64::from(place + 1);
        }
    }

    /// Removes `key` and returns its place.
    pub(crate) fn remove(&mut self, key: &FlowKey, is_match: impl Fn(u32) -> bool) -> Option<u32> {
        let mut hole = self.find_cell(key, is_match)?;
        let place = self.cells[hole] as u32 - 1;
        // Close the gap: move back every later cell of the run that may be at the hole.
        let mut at = self.next_cell(hole);
        while self.cells[at] != 0 {
            let home = self.home_cell((self.cells[at] >> 32) as u32);
            let mask = self.cells.len() - 1;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.cells[hole] = self.cells[at];
                hole = at;
            }
            at = self.next_cell(at);
        }
        self.cells[hole] = 0;
        self.len -= 1;
        if self.cells.len() > CELLS_MIN && self.len * 8 < self.cells.len() {
            self.resize(self.cells.len() / 2);
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn key(n: u16) -> FlowKey {
        let remote = if n.is_multiple_of(2) { format!("10.0.0.2:{n}") } else { format!("[fd00::2]:{n}") };
        let local = if n.is_multiple_of(2) { "10.0.0.1:80" } else { "[fd00::1]:80" };
        FlowKey::new(local.parse().unwrap(), remote.parse().unwrap())
    }

    proptest! {
        #[test]
        fn agrees_with_a_map(steps in proptest::collection::vec((any::<bool>(), 0u16..300), 1..2_000)) {
            let mut demux = Demux::new(&Secret::new([3; 32]));
            let mut model = BTreeMap::new();
            for (insert, n) in steps {
                let is_match = |place: u32| place == u32::from(n) + 7;
                if insert && !model.contains_key(&n) {
                    demux.insert(&key(n), u32::from(n) + 7);
                    model.insert(n, u32::from(n) + 7);
                } else if !insert {
                    prop_assert_eq!(demux.remove(&key(n), is_match), model.remove(&n));
                }
                prop_assert_eq!(demux.len(), model.len());
            }
            for n in 0..300u16 {
                prop_assert_eq!(demux.find(&key(n), |place| place == u32::from(n) + 7), model.get(&n).copied());
            }
        }
    }

    #[test]
    fn memory_comes_back() {
        let mut demux = Demux::new(&Secret::new([3; 32]));
        for n in 0..50_000u16 {
            demux.insert(&key(n), u32::from(n));
        }
        for n in 0..50_000u16 {
            assert_eq!(demux.remove(&key(n), |place| place == u32::from(n)), Some(u32::from(n)));
        }
        assert_eq!((demux.len(), demux.cells.len()), (0, CELLS_MIN));
    }
}
