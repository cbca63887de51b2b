//! A number for each port, found without hashing: pages of 256 numbers, allocated on first use.
//!
//! A port has only sixteen bits, so no hash table is needed, and an attacker cannot cause collisions.

const PAGE: usize = 256;

/// 65,536 numbers, zero until set.
pub(crate) struct PortTable {
    pages: Vec<Option<Box<[u32; PAGE]>>>,
    /// How many of them are there.
    taken: usize,
}

impl PortTable {
    pub(crate) fn new() -> Self {
        PortTable { pages: (0..PAGE).map(|_| None).collect(), taken: 0 }
    }

    /// Memory that the table takes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.pages.capacity() * size_of::<Option<Box<[u32; PAGE]>>>() + self.taken * size_of::<[u32; PAGE]>()
    }

    /// The number of a port.
    pub(crate) fn get(&self, port: u16) -> u32 {
        let page = &self.pages[usize::from(port) / PAGE];
        page.as_ref().map_or(0, |page| page[usize::from(port) % PAGE])
    }

    /// Gives a port another number.
    pub(crate) fn set(&mut self, port: u16, number: u32) {
        let page = &mut self.pages[usize::from(port) / PAGE];
        if number != 0 || page.is_some() {
            self.taken += usize::from(page.is_none());
            page.get_or_insert_with(|| Box::new([0; PAGE]))[usize::from(port) % PAGE] = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_has_its_own_number() {
        let mut table = PortTable::new();
        table.set(9, 0);
        assert!(table.pages.iter().all(Option::is_none), "zero needs no page");
        for port in 0..=u16::MAX {
            table.set(port, u32::from(port) + 1);
        }
        assert!((0..=u16::MAX).all(|port| table.get(port) == u32::from(port) + 1));
        table.set(80, 0);
        assert_eq!((table.get(80), table.get(81)), (0, 82));
    }
}
