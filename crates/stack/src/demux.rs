//! From the two ends of a segment to its connection, in constant time.
//!
//! An open-addressing table of 8-byte cells: 32 bits of a keyed hash, and the place of the connection.
//! The key itself is stored once, with the connection; the table asks its owner whether a candidate is
//! the right one. The key of the hash is secret, so nobody can choose collisions. Nothing here knows
//! what a place means, and nothing iterates in an order that anybody could see.

use crate::flow::FlowKey;
use crate::secret::{Purpose, Secret, TableHash};
use core::cell;

/// 32 bits of hash above, place + 1 below; zero is an empty cell.
type Cell = u64;

const CELLS_MIN: usize = 64;

/// Flow to place.
pub(crate) struct Demux {
    hasher: TableHash,
    /// The last key that was hashed and its tag: who looks for a flow in vain adds it next.
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

    fn tag(&self, key: &FlowKey) -> u32 {
        match self.last.get() {
            Some((last, tag)) if last == *key => tag,
            _ => self.tag_anew(key),
        }
    }

    #[inline(never)]
    fn tag_anew(&self, key: &FlowKey) -> u32 {
        let mut bytes = [0; 36];
        let len = key.hashed_bytes(&mut bytes);
        let tag = self.hasher.hash(&bytes[..len]) as u32;
        self.last.set(Some((*key, tag)));
        tag
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.cells.len() - 1)
    }

    fn home(&self, tag: u32) -> usize {
        tag as usize & (self.cells.len() - 1)
    }

    /// The cell that holds `key`, `is_it` comparing a candidate's own key.
    fn cell(&self, key: &FlowKey, is_it: impl Fn(u32) -> bool) -> Option<usize> {
        let tag = self.tag(key);
        let mut at = self.home(tag);
        // Ends at an empty cell: a quarter of them always are.
        loop {
            match self.cells[at] {
                0 => return None,
                cell if (cell >> 32) as u32 == tag && is_it(cell as u32 - 1) => return Some(at),
                _ => at = self.next(at),
            }
        }
    }

    /// The place of `key`, if it is in the table.
    pub(crate) fn find(&self, key: &FlowKey, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.cell(key, is_it).map(|at| self.cells[at] as u32 - 1)
    }

    /// Adds `key`, which is not in the table.
    pub(crate) fn insert(&mut self, key: &FlowKey, place: u32) {
        if (self.len + 1) * 4 > self.cells.len() * 3 {
            self.resize(self.cells.len() * 2);
        }
        let tag = self.tag(key);
        self.put((u64::from(tag) << 32) | u64::from(place + 1));
        self.len += 1;
    }

    fn put(&mut self, cell: Cell) {
        let mut at = self.home((cell >> 32) as u32);
        while self.cells[at] != 0 {
            at = self.next(at);
        }
        self.cells[at] = cell;
    }

    fn resize(&mut self, cells: usize) {
        let old = core::mem::replace(&mut self.cells, vec![0; cells]);
        old.into_iter().filter(|cell| *cell != 0).for_each(|cell| self.put(cell));
    }

    /// Gives `key` another place; without an entry, nothing.
    pub(crate) fn replace(&mut self, key: &FlowKey, is_it: impl Fn(u32) -> bool, place: u32) {
        if let Some(at) = self.cell(key, is_it) {
            self.cells[at] = (self.cells[at] & !0xffff_ffff) | u64::from(place + 1);
        }
    }

    /// Takes `key` out and gives its place.
    pub(crate) fn remove(&mut self, key: &FlowKey, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut hole = self.cell(key, is_it)?;
        let place = self.cells[hole] as u32 - 1;
        // Close the gap: move back every later cell of the run that may stand at the hole.
        let mut at = self.next(hole);
        while self.cells[at] != 0 {
            let home = self.home((self.cells[at] >> 32) as u32);
            let mask = self.cells.len() - 1;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.cells[hole] = self.cells[at];
                hole = at;
            }
            at = self.next(at);
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
                let is_it = |place: u32| place == u32::from(n) + 7;
                if insert && !model.contains_key(&n) {
                    demux.insert(&key(n), u32::from(n) + 7);
                    model.insert(n, u32::from(n) + 7);
                } else if !insert {
                    prop_assert_eq!(demux.remove(&key(n), is_it), model.remove(&n));
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
