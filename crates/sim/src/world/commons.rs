//! What the programs of all hosts of a world have in common: the time, the names, and what they ask of the world itself.

use crate::ids::HostId;
use crate::link::Passage;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tcp::Instant;

/// What the programs of all hosts of a world have in common.
pub(crate) struct Commons {
    now_ns: AtomicU64,
    is_any_seat_touched: AtomicBool,
    names: Mutex<BTreeMap<String, (HostId, Vec<IpAddr>)>>,
    has_wishes: AtomicBool,
    wishes: Mutex<Vec<Wish>>,
}

/// What a program asks of the world itself.
pub(crate) enum Wish {
    /// A line in the log.
    Say(HostId, String),
    /// What `from` sends to `to` passes so from now on.
    Pass { from: HostId, to: HostId, passage: Passage },
}

impl Commons {
    pub(super) fn new() -> Arc<Commons> {
        Arc::new(Commons {
            now_ns: AtomicU64::new(0),
            is_any_seat_touched: AtomicBool::new(false),
            names: Mutex::default(),
            has_wishes: AtomicBool::new(false),
            wishes: Mutex::default(),
        })
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_nanos(self.now_ns.load(Ordering::Relaxed))
    }

    pub(super) fn set_now(&self, now: Instant) {
        self.now_ns.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// The world looks after the seats before time moves.
    pub(super) fn touch(&self) {
        self.is_any_seat_touched.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has touched a seat since this was last asked.
    pub(super) fn take_touched(&self) -> bool {
        self.is_any_seat_touched.swap(false, Ordering::Relaxed)
    }

    pub(super) fn name(&self, id: HostId, name: &str, addresses: Vec<IpAddr>) {
        lock(&self.names).insert(name.to_owned(), (id, addresses));
    }

    /// The addresses of a host by its name; a number is its own name.
    pub(crate) fn addresses(&self, name: &str) -> Option<Vec<IpAddr>> {
        if let Ok(address) = name.parse() {
            return Some(vec![address]);
        }
        if name == "localhost" {
            return Some(vec![IpAddr::from([127, 0, 0, 1])]);
        }
        lock(&self.names).get(name).map(|(_, addresses)| addresses.clone())
    }

    /// The host with this name or address.
    pub(crate) fn find(&self, name: &str) -> Option<HostId> {
        let names = lock(&self.names);
        let is_meant = |known: &str, addresses: &[IpAddr]| match name.parse() {
            Ok(address) => addresses.contains(&address),
            Err(_) => known == name,
        };
        names.iter().find(|(known, (_, addresses))| is_meant(known, addresses)).map(|(_, (id, _))| *id)
    }

    /// The name of the host that has this address.
    pub(crate) fn name_of(&self, address: IpAddr) -> Option<String> {
        let names = lock(&self.names);
        names.iter().find(|(_, (_, addresses))| addresses.contains(&address)).map(|(name, _)| name.clone())
    }

    /// The hosts whose names are such, in the order in which they were made.
    #[cfg(feature = "runtime")]
    pub(crate) fn hosts_with(&self, picks: impl Fn(&str) -> bool) -> Vec<HostId> {
        let names = lock(&self.names);
        let picked = names.iter().filter(|(name, _)| picks(name));
        let mut hosts: Vec<HostId> = picked.map(|(_, (id, _))| *id).collect();
        hosts.sort_unstable();
        hosts
    }

    /// The first address of a host.
    #[cfg(feature = "runtime")]
    pub(crate) fn address_of(&self, host: HostId) -> Option<IpAddr> {
        let names = lock(&self.names);
        names.values().find(|(id, _)| *id == host).and_then(|(_, addresses)| addresses.first().copied())
    }

    pub(crate) fn wish(&self, wish: Wish) {
        lock(&self.wishes).push(wish);
        self.has_wishes.store(true, Ordering::Relaxed);
    }

    pub(super) fn take_wishes(&self) -> Vec<Wish> {
        if !self.has_wishes.swap(false, Ordering::Relaxed) {
            return Vec::new();
        }
        std::mem::take(&mut *lock(&self.wishes))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
