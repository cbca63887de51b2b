//! Which hosts are meant: one by its name or address, or all whose names a function picks.

use crate::ids::HostId;
use crate::world::Commons;
use meant::{Hosts, Meant};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Hosts, by name or address: `"db"`, `sim.lookup("db")`, or by a question about names, in which a regular expression
/// may be asked: `|name: &str| name.starts_with("db-")`.
///
/// ```
/// use synfin_sim::tokio::Builder;
/// let mut sim = Builder::new().build();
/// for name in ["db-1", "db-2", "cache"] {
///     sim.host(name, || std::future::pending());
/// }
/// sim.crash(|name: &str| name.starts_with("db-"));
/// assert!(!sim.is_host_running("db-2") && sim.is_host_running("cache"));
/// ```
pub trait ToIpAddrs: Meant {}

impl<T: Meant> ToIpAddrs for T {}

mod meant {
    /// Keeps [`super::ToIpAddrs`] ours.
    pub trait Meant {
        /// Which hosts.
        fn meant<'a>(self) -> Hosts<'a>
        where
            Self: 'a;
    }

    /// Hosts, before anybody has looked whether they are there.
    pub enum Hosts<'a> {
        /// The one with this name or address.
        One(String),
        /// All whose names are such.
        Such(Box<dyn Fn(&str) -> bool + 'a>),
    }
}

macro_rules! one_host {
    ($($name:ty),+) => {
        $(impl Meant for $name {
            fn meant<'a>(self) -> Hosts<'a>
            where
                Self: 'a,
            {
                Hosts::One(self.to_string())
            }
        })+
    };
}

one_host!(&str, String, &String, IpAddr, Ipv4Addr, Ipv6Addr);

impl<F: Fn(&str) -> bool> Meant for F {
    fn meant<'a>(self) -> Hosts<'a>
    where
        Self: 'a,
    {
        Hosts::Such(Box::new(self))
    }
}

/// The hosts that are meant.
#[track_caller]
pub(super) fn all(commons: &Commons, hosts: impl ToIpAddrs) -> Vec<HostId> {
    match hosts.meant() {
        Hosts::One(name) => vec![find(commons, &name)],
        Hosts::Such(picks) => commons.hosts_with(picks),
    }
}

/// Each host of `one` with each of `other`; a host has no link to itself.
#[track_caller]
pub(super) fn pairs(commons: &Commons, one: impl ToIpAddrs, other: impl ToIpAddrs) -> Vec<(HostId, HostId)> {
    let (ones, others) = (all(commons, one), all(commons, other));
    let with_each = |one| others.iter().map(move |other| (one, *other));
    ones.into_iter().flat_map(with_each).collect()
}

/// A host by its name or address.
#[track_caller]
pub(super) fn find(commons: &Commons, name: &str) -> HostId {
    commons.find(name).unwrap_or_else(|| panic!("there is no host {name:?} in this world"))
}
