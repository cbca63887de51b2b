//! Listeners, and the connections that are not accepted yet.
//!
//! The backlog bounds how many complete connections may wait to be accepted, as on Linux: while the accept
//! queue is full, SYNs and the last step of handshakes are dropped, and the peer tries again. Half-open
//! connections are bounded too; beyond the bound, SYNs are answered with cookies (`cookie.rs`).

use crate::config::IsnPolicy;
use crate::connect::is_any_or_ours;
use crate::error::Error;
use crate::event::Event;
use crate::fast_open::{FastOpenOptions, FastOpenQueue};
use crate::flow::{Address, FlowKey};
use crate::host::Host;
use crate::id::{Slab, SlabKey, SocketId, SocketKind};
use crate::port_table::PortTable;
use crate::reopen::Predecessor;
use crate::secret::{Purpose, Secret, TableHash};
use crate::socket::{Mark, NO_LISTENER, Standing};
use crate::time_wait::TimeWaitEntry;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tcp::{Instant, State};

/// How to listen.
///
/// Fields are added in minor versions: write `ListenOptions { families, ..ListenOptions::new(local, backlog) }`.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// An address of ours, or an unspecified one for all of them. Port 0 lets the host choose.
    pub local: SocketAddr,
    /// How many established connections may wait to be accepted; 0 counts as 1.
    pub backlog: usize,
    /// Which families a listener at `[::]` takes.
    pub families: Families,
    /// The configuration of the connections; `None`: the host's.
    pub config: Option<Arc<tcp::Config>>,
    /// How the connections' initial sequence numbers are chosen; `None`: as the host's configuration says.
    pub isn: Option<IsnPolicy>,
    /// Connections whose SYN brings text may open before the third step (RFC 7413); `None`: none may.
    pub fast_open: Option<FastOpenOptions>,
}

impl ListenOptions {
    /// Listens at `local`, for both families if it is `[::]`, with the host's configuration.
    pub fn new(local: SocketAddr, backlog: usize) -> Self {
        let (families, config, isn, fast_open) = (Families::default(), None, None, None);
        ListenOptions { local, backlog, families, config, isn, fast_open }
    }
}

/// Which families a listener at `[::]` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Families {
    /// IPv6 and IPv4, as on Linux unless `IPV6_V6ONLY` is set.
    #[default]
    Both,
    /// IPv6 alone.
    OnlyV6,
}

/// A connection handed to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Its id from now on.
    pub id: SocketId,
    /// The peer.
    pub remote: SocketAddr,
    /// Our end: the address and port to which the peer connected.
    pub local: SocketAddr,
}

/// One listener.
pub(crate) struct Listener {
    pub(crate) local: SocketAddr,
    pub(crate) backlog: usize,
    pub(crate) families: Families,
    pub(crate) config: Option<Arc<tcp::Config>>,
    pub(crate) isn: Option<IsnPolicy>,
    pub(crate) fast_open: Option<Box<FastOpenQueue>>,
    pub(crate) half_open: Vec<u32>,
    pub(crate) queue: VecDeque<u32>,
    pub(crate) has_notice: bool,
}

impl Listener {
    /// Whether a connection to this address of ours is for this listener.
    fn takes(&self, address: Address) -> bool {
        match self.local.ip() {
            ip if Address::from(ip) == address => true,
            IpAddr::V4(v4) => v4.is_unspecified() && address.is_v4(),
            IpAddr::V6(v6) => v6.is_unspecified() && (!address.is_v4() || self.families == Families::Both),
        }
    }

    fn fast_open_bytes(&self) -> usize {
        self.fast_open.as_ref().map_or(0, |queue| queue.held_bytes())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() >= self.backlog.max(1)
    }
}

/// A connection that is not accepted yet.
struct Child {
    parent: u32,
    /// Its position in its listener's list while it is half open.
    position: u32,
    /// The connection in TIME-WAIT that had its ends, until it opens.
    predecessor: Option<Predecessor>,
    /// Its listener, while it counts there among the connections that are open before their third step.
    fast_open_at: Option<SlabKey>,
}

/// All listeners of a host.
pub(crate) struct Listeners {
    slab: Slab<Listener>,
    children: Slab<Child>,
    by_end: HashMap<(Address, u16), u32, TableHash>,
    /// How many listeners have each port.
    by_port: HashMap<u16, u32, TableHash>,
    /// For each port: 0 if there is no listener, its place plus one if there is one, else [`SEVERAL`].
    only_listener: PortTable,
    /// Half-open connections of all listeners.
    pub(crate) half_open: usize,
    /// What their Fast Open queues hold. Kept, because [`Listeners::held_bytes`] is asked often and must not walk them.
    fast_open_bytes: usize,
}

impl Listeners {
    pub(crate) fn new(secret: &Secret) -> Self {
        let hasher = TableHash::new(secret, Purpose::Tables);
        Listeners {
            slab: Slab::new(),
            children: Slab::new(),
            by_end: HashMap::with_hasher(hasher),
            by_port: HashMap::with_hasher(hasher),
            only_listener: PortTable::new(),
            half_open: 0,
            fast_open_bytes: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Memory that listeners take, and what they know of connections that are not accepted: each is in a list, of which
    /// half may be empty, and each that is half open may have set aside an entry in TIME-WAIT.
    pub(crate) fn held_bytes(&self) -> usize {
        let tables = (self.by_end.capacity() + self.by_port.capacity()) * size_of::<((Address, u16), u32)>();
        let lists = self.children.len() * 2 * size_of::<u32>();
        let set_aside = self.half_open * size_of::<TimeWaitEntry>();
        let fast_open = self.slab.iter().map(|(_, listener)| listener.fast_open_bytes());
        debug_assert_eq!(
            self.fast_open_bytes,
            fast_open.sum(),
            "kept, because a walk at every change costs too much"
        );
        let slabs = self.fast_open_bytes + self.slab.held_bytes() + self.children.held_bytes();
        slabs + self.only_listener.held_bytes() + tables + lists + set_aside
    }

    pub(crate) fn get(&self, key: SlabKey) -> Option<&Listener> {
        self.slab.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: SlabKey) -> Option<&mut Listener> {
        self.slab.get_mut(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Listener> {
        self.slab.iter().map(|(_, listener)| listener)
    }

    pub(crate) fn at(&self, index: u32) -> Option<&Listener> {
        self.slab.at(index)
    }

    /// Forgets a connection that was not accepted; returns what it was to follow.
    pub(crate) fn forget_child(&mut self, child: u32) -> Option<Predecessor> {
        self.children.remove(child)?.predecessor
    }

    /// The listener at this place.
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut Listener> {
        self.slab.at_mut(index)
    }

    /// Changes a listener's Fast Open queue, and keeps up with what it holds. Returns whether there is such a listener.
    pub(crate) fn change_fast_open(
        &mut self,
        key: SlabKey,
        change: impl FnOnce(&mut Option<Box<FastOpenQueue>>),
    ) -> bool {
        let Some(listener) = self.slab.get_mut(key) else { return false };
        let before_bytes = listener.fast_open_bytes();
        change(&mut listener.fast_open);
        self.fast_open_bytes = self.fast_open_bytes + listener.fast_open_bytes() - before_bytes;
        true
    }

    /// A connection counts no more among those that are open before their third step. Returns where it did, and what it
    /// was to follow. Its entry goes unless it still waits to be accepted.
    pub(crate) fn end_fast_open(
        &mut self,
        child: u32,
        is_queued: bool,
    ) -> (Option<SlabKey>, Option<Predecessor>) {
        let Some(entry) = self.children.at_mut(child) else { return (None, None) };
        let ended = (entry.fast_open_at.take(), entry.predecessor.take());
        if !is_queued {
            self.children.remove(child);
        }
        ended
    }

    /// The listener of a connection that is not accepted yet.
    pub(crate) fn parent_of(&self, child: u32) -> Option<(SlabKey, &Listener)> {
        let parent = self.children.at(child)?.parent;
        Some((self.slab.key_at(parent)?, self.slab.at(parent)?))
    }

    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.only_listener.get(port) != 0
    }

    /// The listener for this address and port: one on exactly this address, else one on all addresses.
    pub(crate) fn find(&self, address: Address, port: u16) -> Option<u32> {
        match self.only_listener.get(port) {
            0 => return None,
            SEVERAL => {}
            only => {
                let index = only - 1;
                return self.slab.at(index).filter(|listener| listener.takes(address)).map(|_| index);
            }
        }
        let listener_at = |address: Address| self.by_end.get(&(address, port)).copied();
        let is_dual =
            |index: &u32| self.slab.at(*index).is_some_and(|listener| listener.families == Families::Both);
        listener_at(address).or_else(|| {
            if address.is_v4() {
                listener_at(Address::ANY_V4).or_else(|| listener_at(Address::ANY_V6).filter(is_dual))
            } else {
                listener_at(Address::ANY_V6)
            }
        })
    }

    fn has_conflict(&self, local: SocketAddr, families: Families) -> bool {
        let taken = |ip: IpAddr| self.by_end.get(&(ip.into(), local.port()));
        let is_dual =
            |index: &u32| self.slab.at(*index).is_some_and(|other| other.families == Families::Both);
        taken(local.ip()).is_some()
            || (local.ip() == Ipv4Addr::UNSPECIFIED
                && taken(Ipv6Addr::UNSPECIFIED.into()).is_some_and(is_dual))
            || (local.ip() == Ipv6Addr::UNSPECIFIED
                && families == Families::Both
                && taken(Ipv4Addr::UNSPECIFIED.into()).is_some())
    }

    fn insert(&mut self, listener: Listener) -> SlabKey {
        let (ip, port) = (listener.local.ip(), listener.local.port());
        self.fast_open_bytes += listener.fast_open_bytes();
        let key = self.slab.insert(listener);
        self.by_end.insert((ip.into(), port), key.index);
        let count = self.by_port.entry(port).or_default();
        *count += 1;
        self.only_listener.set(port, if *count == 1 { key.index + 1 } else { SEVERAL });
        key
    }

    fn remove(&mut self, key: SlabKey) -> Option<Listener> {
        self.slab.get(key)?;
        let listener = self.slab.remove(key.index)?;
        self.fast_open_bytes -= listener.fast_open_bytes();
        let port = listener.local.port();
        self.by_end.remove(&(listener.local.ip().into(), port));
        if let Some(count) = self.by_port.get_mut(&port) {
            *count -= 1;
            if *count == 0 {
                self.by_port.remove(&port);
                self.only_listener.set(port, 0);
            }
        }
        Some(listener)
    }
}

/// More than one listener has the port.
const SEVERAL: u32 = u32::MAX;

impl Host {
    /// Listens at `local` for connections. An unspecified address stands for all of ours, and `[::]` for
    /// those of both families. Port 0 lets the host choose one ([`Host::local_addr`] returns it).
    ///
    /// # Errors
    /// [`Error::AddressInUse`] if a listener has the same address and port, [`Error::AddressNotAvailable`]
    /// if the address is not one of ours, [`Error::NoFreePort`], [`Error::TooManySockets`].
    ///
    /// ```
    /// let mut host = synfin_stack::Host::new(synfin_stack::Config::default(), [7; 32]);
    /// let listener = host.tcp_listen("[::]:80".parse().expect("an address"), 128)?;
    /// assert!(host.tcp_accept(listener).is_none());
    /// # Ok::<(), synfin_stack::Error>(())
    /// ```
    pub fn tcp_listen(&mut self, local: SocketAddr, backlog: usize) -> Result<SocketId, Error> {
        self.tcp_listen_with(ListenOptions::new(local, backlog))
    }

    /// Listens as `options` say; see [`Host::tcp_listen`].
    ///
    /// # Errors
    /// As [`Host::tcp_listen`].
    pub fn tcp_listen_with(&mut self, options: ListenOptions) -> Result<SocketId, Error> {
        let ListenOptions { mut local, backlog, families, config, isn, fast_open } = options;
        if self.listeners.len() >= self.config.listeners_max {
            return Err(Error::TooManySockets);
        }
        if !is_any_or_ours(&mut self.addresses, local.ip()) {
            return Err(Error::AddressNotAvailable);
        }
        if local.port() == 0 {
            let listeners = &self.listeners;
            let unconnected = FlowKey::new(local, SocketAddr::new(local.ip(), 0));
            let port =
                self.ports.choose(&unconnected, |port| !listeners.has_port(port)).ok_or(Error::NoFreePort)?;
            local.set_port(port);
        }
        if self.listeners.has_conflict(local, families) {
            return Err(Error::AddressInUse);
        }
        let listener = Listener {
            local,
            backlog,
            families,
            config,
            isn,
            fast_open: fast_open.map(|options| Box::new(FastOpenQueue::new(options))),
            half_open: Vec::new(),
            queue: VecDeque::new(),
            has_notice: false,
        };
        Ok(SocketId::new(SocketKind::Listener, self.listeners.insert(listener)))
    }

    /// How many connections wait to be accepted; zero if the id does not name a listener.
    pub fn tcp_acceptable(&self, listener: SocketId) -> usize {
        let listener = listener.key(SocketKind::Listener).and_then(|key| self.listeners.get(key));
        listener.map_or(0, |listener| listener.queue.len())
    }

    /// Takes the oldest connection whose handshake is complete (the third step has arrived), or that is open without it,
    /// because the text of its SYN was taken ([`ListenOptions::fast_open`]). `None` if there is none, or if the id does
    /// not name a listener.
    ///
    /// As on Linux, a connection that the peer has reset since then is returned too; reading from it fails.
    pub fn tcp_accept(&mut self, listener: SocketId) -> Option<Accepted> {
        let listener = self.listeners.get_mut(listener.key(SocketKind::Listener)?)?;
        let index = listener.queue.pop_front()?;
        let key = self.sockets.key_at(index)?;
        let socket = self.sockets.at_mut(index)?;
        if socket.standing == Standing::QueuedUnproven {
            // It counts until its peer has shown that it is there.
            socket.standing = Standing::Unproven;
        } else {
            socket.standing = Standing::Owned;
            self.listeners.children.discard(core::mem::replace(&mut socket.child, NO_LISTENER));
        }
        if !socket.marks.put(Mark::WithEvents) {
            self.with_events.push_back(index);
        }
        self.counters.accepted += 1;
        let id = SocketId::new(SocketKind::Connection, key);
        Some(Accepted { id, remote: socket.key.remote(), local: socket.key.local() })
    }

    /// Closes a listener: connections that were not accepted are reset (RFC 9293 §3.10.4, LISTEN). Half-open
    /// connections are forgotten: if the third step of the handshake still comes, it gets a reset.
    pub(crate) fn close_listener(&mut self, now: Instant, key: SlabKey) -> Result<(), Error> {
        let listener = self.listeners.remove(key).ok_or(Error::UnknownSocket)?;
        self.listeners.half_open -= listener.half_open.len();
        for index in listener.half_open.into_iter().chain(listener.queue) {
            let Some(socket) = self.sockets.at_mut(index) else { continue };
            socket.standing = Standing::Orphan;
            let predecessor = self.listeners.forget_child(core::mem::replace(&mut socket.child, NO_LISTENER));
            match socket.connection.state() {
                State::SynReceived if !socket.connection.may_exchange() => socket.connection.forget(now),
                _ => socket.connection.abort(now),
            }
            self.enter_orphans(now, index);
            self.touch_connection(now, index);
            if let Some(predecessor) = predecessor {
                self.unlink_flow(index);
                self.bring_back(predecessor);
            }
        }
        Ok(())
    }

    pub(crate) fn enter_half_open(&mut self, parent: u32, index: u32) {
        let Some(key) = self.listeners.slab.key_at(parent) else { return };
        let Some(listener) = self.listeners.get_mut(key) else { return };
        let position = listener.half_open.len() as u32;
        listener.half_open.push(index);
        self.listeners.half_open += 1;
        if let Some(socket) = self.sockets.at_mut(index) {
            socket.child = self
                .listeners
                .children
                .insert(Child { parent, position, predecessor: None, fast_open_at: None })
                .index;
        }
    }

    /// A half-open connection is to follow one in TIME-WAIT.
    pub(crate) fn set_predecessor(&mut self, index: u32, predecessor: Option<Predecessor>) {
        let child = self.sockets.at(index).map(|socket| socket.child);
        if let Some(child) = child.and_then(|child| self.listeners.children.at_mut(child)) {
            child.predecessor = predecessor;
        }
    }

    /// An accepted flow is to follow a connection in TIME-WAIT; without one it needs no entry here.
    pub(crate) fn keep_predecessor(&mut self, index: u32, predecessor: Option<Predecessor>) {
        if predecessor.is_some()
            && let Some(socket) = self.sockets.at_mut(index)
        {
            let child = Child { parent: NO_LISTENER, position: 0, predecessor, fast_open_at: None };
            socket.child = self.listeners.children.insert(child).index;
        }
    }

    /// Removes a connection from its listener's list of half-open ones.
    pub(crate) fn leave_half_open(&mut self, index: u32) {
        let child = self.sockets.at(index).and_then(|socket| self.listeners.children.at(socket.child));
        let Some(&Child { parent, position, .. }) = child else { return };
        let Some(listener) = self.listeners.slab.at_mut(parent) else { return };
        debug_assert_eq!(listener.half_open.get(position as usize), Some(&index), "a child knows its place");
        listener.half_open.swap_remove(position as usize);
        self.listeners.half_open -= 1;
        if let Some(moved) = listener.half_open.get(position as usize).copied()
            && let Some(socket) = self.sockets.at(moved)
            && let Some(child) = self.listeners.children.at_mut(socket.child)
        {
            child.position = position;
        }
    }

    /// If a half-open connection has become established, moves it to the accept queue.
    pub(crate) fn check_third_step(&mut self, index: u32) {
        let Some(socket) = self.sockets.at_mut(index) else { return };
        let mut accepted = false;
        while let Some(event) = socket.connection.poll_event() {
            if event == tcp::Event::Accepted {
                accepted = true;
                break;
            }
        }
        if !accepted {
            return;
        }
        let (child, is_unproven) = (socket.child, socket.connection.is_unproven());
        self.leave_half_open(index);
        let Some((key, _)) = self.listeners.parent_of(child) else { return };
        if let Some(socket) = self.sockets.at_mut(index) {
            socket.standing = if is_unproven { Standing::QueuedUnproven } else { Standing::Queued };
        }
        let entry = self.listeners.children.at_mut(child);
        if let Some(entry) = entry {
            entry.fast_open_at = is_unproven.then_some(key);
            // What is unproven may still come to nothing.
            if let Some(predecessor) = if is_unproven { None } else { entry.predecessor.take() } {
                self.give_up(&predecessor);
            }
        }
        let Some(listener) = self.listeners.get_mut(key) else { return };
        listener.queue.push_back(index);
        if !core::mem::replace(&mut listener.has_notice, true) {
            self.notices.push_back((SocketId::new(SocketKind::Listener, key), Event::Acceptable));
        }
    }
}
