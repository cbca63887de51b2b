//! Names of what a world is made of: its hosts and its links.

/// Names a host of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub(crate) usize);

impl HostId {
    /// Its number, from zero in the order in which hosts were added.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Names a link of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub(crate) usize);

impl LinkId {
    /// Its number, from zero in the order in which links were made.
    pub fn index(self) -> usize {
        self.0
    }
}
