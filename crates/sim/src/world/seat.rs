//! Where a host lives in one of its lives, so that programs reach it whenever they run.
//!
//! Most programs run when the world calls them and have the host in their hands. Others hold sockets: those of a tokio
//! program may be used, and dropped, at any time. So the host is behind a lock that nobody waits for (a world has one
//! thread), and whoever changes it from outside marks the seat, so that the world looks after it before time moves. A
//! host that starts anew gets another seat: sockets of its life before still find the old one, which leads nowhere.

#[cfg(feature = "runtime")]
use super::World;
use super::commons::{Commons, lock};
use crate::ids::HostId;
use socket::Core;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

/// A host in one of its lives.
pub(crate) struct Seat {
    id: HostId,
    core: Mutex<Core>,
    is_touched: AtomicBool,
    commons: Arc<Commons>,
}

impl Seat {
    pub(super) fn new(id: HostId, core: Core, commons: &Arc<Commons>) -> Arc<Seat> {
        let seat = Seat {
            id,
            core: Mutex::new(core),
            is_touched: AtomicBool::new(false),
            commons: Arc::clone(commons),
        };
        seat.touch();
        Arc::new(seat)
    }

    /// The host and its sockets, without a mark.
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }

    /// The same, to look at.
    ///
    /// # Panics
    /// If somebody looks already: waiting would be for ever.
    pub(crate) fn look(&self) -> MutexGuard<'_, Core> {
        match self.core.try_lock() {
            Ok(core) => core,
            Err(TryLockError::Poisoned(core)) => core.into_inner(),
            Err(TryLockError::WouldBlock) => panic!("a host is looked at while it is being looked at"),
        }
    }

    pub(crate) fn id(&self) -> HostId {
        self.id
    }

    pub(crate) fn commons(&self) -> &Arc<Commons> {
        &self.commons
    }

    /// The world looks after this host before time moves.
    pub(crate) fn touch(&self) {
        self.is_touched.store(true, Ordering::Relaxed);
        self.commons.touch();
    }

    pub(crate) fn is_touched(&self) -> bool {
        self.is_touched.load(Ordering::Relaxed)
    }

    pub(super) fn take_touched(&self) -> bool {
        self.is_touched.swap(false, Ordering::Relaxed)
    }
}

#[cfg(feature = "runtime")]
impl World {
    pub(crate) fn commons(&self) -> &Commons {
        &self.commons
    }

    pub(crate) fn seat(&self, host: HostId) -> Arc<Seat> {
        Arc::clone(&self.nodes[host.0].seat)
    }
}
