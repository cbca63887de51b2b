//! Where a program runs, and what it may ask of the world from there.

use super::hosts::{ToIpAddrs, all, pairs};
use crate::link::Passage;
use crate::world::{Seat, Wish};
use socket::{Ambient, Core, Entered, Lookup, Reach};
use std::cell::RefCell;
use std::fmt::Display;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tcp::Instant;

/// A host, as the programs on it know it.
#[derive(Clone)]
pub(super) struct Here {
    seat: Arc<Seat>,
    stack: Ambient,
    began: Instant,
    /// When the world began, since 1970.
    epoch: Duration,
}

/// How the sockets of a program reach their host in a world.
#[derive(Clone)]
struct AtSeat(Arc<Seat>);

impl Reach for AtSeat {
    /// Frames, events and wakeups wait for the world, which takes them before time moves.
    fn with<T>(&self, change: impl FnOnce(&mut Core, Instant) -> T) -> T {
        let outcome = change(&mut self.0.core(), self.0.commons().now());
        self.0.touch();
        outcome
    }

    fn look<T>(&self, question: impl FnOnce(&Core, Instant) -> T) -> T {
        question(&self.0.core(), self.0.commons().now())
    }

    fn lookup(&self, name: &str, port: u16) -> Lookup {
        let found = self.0.commons().addresses(name);
        let found = found.ok_or_else(|| {
            let sentence = format!("there is no host \"{name}\" in this world");
            io::Error::new(io::ErrorKind::NotFound, sentence)
        });
        let found = found.map(|all| all.into_iter().map(|ip| SocketAddr::new(ip, port)).collect());
        Box::pin(std::future::ready(found))
    }
}

thread_local! {
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

impl Here {
    pub(super) fn new(seat: Arc<Seat>, epoch: Duration) -> Here {
        let began = seat.commons().now();
        Here { stack: Ambient::new(AtSeat(Arc::clone(&seat))), seat, began, epoch }
    }

    fn sim_elapsed(&self) -> Duration {
        self.seat.commons().now().since(Instant::ZERO)
    }

    /// The thread is on this host until the guard is dropped.
    pub(super) fn enter(&self) -> Inside {
        let stack = self.stack.enter();
        Inside { before: HERE.replace(Some(self.clone())), _stack: stack }
    }
}

/// While it lives, the thread is on a host.
pub(super) struct Inside {
    before: Option<Here>,
    _stack: Entered,
}

impl Drop for Inside {
    fn drop(&mut self) {
        HERE.set(self.before.take());
    }
}

/// Asks the host on which the caller runs.
#[track_caller]
fn here<T>(question: impl FnOnce(&Here) -> T) -> T {
    let answer = HERE.with_borrow(|here| here.as_ref().map(question));
    answer.expect("this is called by programs on simulated hosts, on their own thread")
}

/// Whether the caller is a program on a simulated host.
pub fn in_simulation() -> bool {
    HERE.with_borrow(Option::is_some)
}

/// How long the program has been running.
///
/// # Panics
/// Outside of programs on simulated hosts.
#[track_caller]
pub fn elapsed() -> Duration {
    here(|here| here.seat.commons().now().since(here.began))
}

/// How long the world has existed. Outside of programs on simulated hosts there is none.
pub fn sim_elapsed() -> Option<Duration> {
    HERE.with_borrow(|here| here.as_ref().map(Here::sim_elapsed))
}

/// What time it is in the world, since 1970: see [`Builder::epoch`](super::Builder::epoch). Outside of programs on
/// simulated hosts there is none.
pub fn since_epoch() -> Option<Duration> {
    HERE.with_borrow(|here| here.as_ref().map(|here| here.epoch + here.sim_elapsed()))
}

/// Puts a line into the world's log, and so beside the ladder.
///
/// # Panics
/// Outside of programs on simulated hosts.
#[track_caller]
pub fn say(text: impl Into<String>) {
    here(|here| here.seat.commons().wish(Wish::Say(here.seat.id(), text.into())));
}

/// The address of a host, by its name.
///
/// # Panics
/// If there is none, and outside of programs on simulated hosts.
#[track_caller]
pub fn lookup(name: impl Display) -> IpAddr {
    let name = name.to_string();
    let address = here(|here| here.seat.commons().addresses(&name)?.first().copied());
    address.unwrap_or_else(|| panic!("there is no host {name:?} in this world"))
}

/// The addresses of hosts, one each.
///
/// # Panics
/// If one that is named is not there, and outside of programs on simulated hosts.
#[track_caller]
pub fn lookup_many(hosts: impl ToIpAddrs) -> Vec<IpAddr> {
    here(|here| {
        let commons = here.seat.commons();
        all(commons, hosts).into_iter().filter_map(|host| commons.address_of(host)).collect()
    })
}

/// The name of the host with this address, if there is one.
///
/// # Panics
/// Outside of programs on simulated hosts.
#[track_caller]
pub fn reverse_lookup(address: IpAddr) -> Option<String> {
    here(|here| here.seat.commons().name_of(address))
}

/// Nothing passes between hosts from now on, given by their names or addresses; what is under way is lost.
///
/// # Panics
/// If there is no host that is named, and outside of programs on simulated hosts.
#[track_caller]
pub fn partition(one: impl ToIpAddrs, other: impl ToIpAddrs) {
    both_ways(one, other, Passage::Cut);
}

/// What `from` sends to `to` is lost from now on.
///
/// # Panics
/// As [`partition`].
#[track_caller]
pub fn partition_oneway(from: impl ToIpAddrs, to: impl ToIpAddrs) {
    one_way(from, to, Passage::Cut);
}

/// What two hosts send to each other is kept back from now on, until [`release`]; what is under way, too.
///
/// # Panics
/// As [`partition`].
#[track_caller]
pub fn hold(one: impl ToIpAddrs, other: impl ToIpAddrs) {
    both_ways(one, other, Passage::Held);
}

/// Ends [`hold`]: what was kept back arrives now, in the order in which it was sent.
///
/// # Panics
/// As [`partition`].
#[track_caller]
pub fn release(one: impl ToIpAddrs, other: impl ToIpAddrs) {
    both_ways(one, other, Passage::Open);
}

/// Ends [`partition`].
///
/// # Panics
/// As [`partition`].
#[track_caller]
pub fn repair(one: impl ToIpAddrs, other: impl ToIpAddrs) {
    both_ways(one, other, Passage::Open);
}

/// Ends [`partition_oneway`].
///
/// # Panics
/// As [`partition`].
#[track_caller]
pub fn repair_oneway(from: impl ToIpAddrs, to: impl ToIpAddrs) {
    one_way(from, to, Passage::Open);
}

#[track_caller]
fn both_ways(one: impl ToIpAddrs, other: impl ToIpAddrs, passage: Passage) {
    here(|here| {
        let commons = here.seat.commons();
        for (one, other) in pairs(commons, one, other) {
            commons.wish(Wish::Pass { from: one, to: other, passage });
            commons.wish(Wish::Pass { from: other, to: one, passage });
        }
    });
}

#[track_caller]
fn one_way(from: impl ToIpAddrs, to: impl ToIpAddrs, passage: Passage) {
    here(|here| {
        let commons = here.seat.commons();
        for (from, to) in pairs(commons, from, to) {
            commons.wish(Wish::Pass { from, to, passage });
        }
    });
}
