//! Opening connections: which address, which port, which route (RFC 9293 §3.10.1, RFC 1122 §4.2.4.1).

use crate::config::IsnPolicy;
use crate::connections::NewConnection;
use crate::error::Error;
use crate::fast_open::client::OpenFast;
use crate::flow::{Address, FlowKey};
use crate::host::Host;
use crate::id::{SocketId, SocketKind};
use crate::interface::{Addresses, InterfaceId, is_loopback};
use crate::limits::LOOPBACK_MTU_BYTES;
use crate::route::Hop;
use crate::socket::{NO_LISTENER, Standing};
use crate::time_wait::TIME_WAIT_BIT;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tcp::{Birth, Connection, Instant, Path};
use wire::Seq;

/// How to connect.
///
/// Fields are added in minor versions: write `ConnectOptions { config, ..ConnectOptions::new(remote) }`.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The peer's address and port.
    pub remote: SocketAddr,
    /// Our address and port. The host chooses what is `None`, an unspecified address, or port 0.
    pub local: Option<SocketAddr>,
    /// The connection's configuration; `None`: the host's.
    pub config: Option<Arc<tcp::Config>>,
    /// How the initial sequence number is chosen; `None`: as the host's configuration says.
    pub isn: Option<IsnPolicy>,
    /// Text to open with (RFC 7413): [`Connection::unacknowledged_bytes`] tells how much of it was queued. `None`: the
    /// program writes when the connection is open.
    pub fast_open: Option<OpenFast>,
}

impl ConnectOptions {
    /// Connects to `remote` from an address and port that the host chooses, with the host's configuration.
    pub fn new(remote: SocketAddr) -> Self {
        ConnectOptions { remote, local: None, config: None, isn: None, fast_open: None }
    }
}

/// Whether a socket may be bound to this address.
pub(crate) fn is_any_or_ours(addresses: &mut Addresses, ip: IpAddr) -> bool {
    ip.is_unspecified() || addresses.takes(ip.into())
}

impl Host {
    /// Opens a connection; [`crate::Event::Connected`] follows when the SYN-ACK has arrived.
    ///
    /// The scope of a link-local IPv6 address is the index of the interface plus one, zero for any.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`] if no host can have this address (MUST-46), [`Error::NetworkUnreachable`],
    /// [`Error::AddressNotAvailable`] and [`Error::FamilyMismatch`] for our end,
    /// [`Error::AddressInUse`] if these two ends are connected already, [`Error::NoFreePort`],
    /// [`Error::TooManySockets`].
    pub fn tcp_connect(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> Result<SocketId, Error> {
        self.tcp_connect_with(now, ConnectOptions { local, ..ConnectOptions::new(remote) })
    }

    /// Opens a connection as `options` say; see [`Host::tcp_connect`].
    ///
    /// # Errors
    /// As [`Host::tcp_connect`].
    pub fn tcp_connect_with(&mut self, now: Instant, options: ConnectOptions) -> Result<SocketId, Error> {
        let ConnectOptions { remote, local, config, isn, fast_open } = options;
        let now = self.advance(now);
        if self.sockets.len() >= self.config.connections_max {
            return Err(Error::TooManySockets);
        }
        if self.budget.is_full() {
            return Err(Error::OutOfMemory);
        }
        self.check_destination(remote)?;
        if remote.port() == 0 || self.addresses.is_broadcast(remote.ip().into()) || remote.ip().is_multicast()
        {
            return Err(Error::InvalidAddress);
        }
        let hop = self.route(remote).ok_or(Error::NetworkUnreachable)?;
        let local = self.choose_local(local, remote, hop)?;
        let (key, iss_at_least) = self.choose_ends(local, remote)?;
        let mut birth = self.birth(now, &key, hop, isn);
        if let Some(least) = iss_at_least {
            birth.iss = birth.iss.latest(least);
        }
        let config = config.unwrap_or_else(|| self.config.tcp.clone());
        self.counters.active_opens += 1;
        let (parent, standing) = (NO_LISTENER, Standing::Owned);
        let new = NewConnection { key, parent, standing, interface: hop.interface };
        let place = self.add_connection(now, Connection::connect(now, birth, config), new);
        if let Some(open) = &fast_open {
            self.begin_fast(now, place.index, open);
        }
        self.touch_connection(now, place.index);
        Ok(SocketId::new(SocketKind::Connection, place))
    }

    /// Whether a packet may be sent to this address at all.
    pub(crate) fn check_destination(&self, remote: SocketAddr) -> Result<(), Error> {
        let mapped = matches!(remote.ip(), IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
        if remote.ip().is_unspecified() || mapped { Err(Error::InvalidAddress) } else { Ok(()) }
    }

    /// The next hop to an address: ourselves, by the interface that a scope names, or by the routing table.
    pub(crate) fn route(&mut self, remote: SocketAddr) -> Option<Hop> {
        let ip = remote.ip();
        if self.addresses.are_ours(ip.into()) {
            return Some(Hop { interface: InterfaceId::LOOPBACK, neighbour: ip });
        }
        match remote {
            SocketAddr::V6(v6) if is_link_local(*v6.ip()) && v6.scope_id() > 0 => {
                let interface = InterfaceId(u16::try_from(v6.scope_id() - 1).ok()?);
                self.interfaces.get(interface.index())?;
                self.routes.find_on(ip, interface).or(Some(Hop { interface, neighbour: ip }))
            }
            _ => self.routes.find(ip),
        }
    }

    /// The source address of packets to `remote`: an address of the interface, preferably in the network of
    /// the destination or of the next hop (RFC 1122 §3.3.4.3; a small part of RFC 6724).
    pub(crate) fn source_for(&self, remote: IpAddr, hop: Hop) -> Option<IpAddr> {
        if hop.interface == InterfaceId::LOOPBACK {
            return Some(remote);
        }
        let interface = self.interfaces.get(hop.interface.index())?;
        let family =
            || interface.addresses.iter().filter(|cidr| cidr.address().is_ipv4() == remote.is_ipv4());
        let near = family().find(|cidr| cidr.contains(remote));
        let local = |ip: IpAddr| matches!(ip, IpAddr::V6(v6) if is_link_local(v6));
        let scope = || family().find(|cidr| local(cidr.address()) == local(remote));
        near.or_else(|| {
            family().find(|cidr| cidr.contains(hop.neighbour) && local(cidr.address()) == local(remote))
        })
        .or_else(scope)
        .or_else(|| family().next())
        .map(|cidr| cidr.address())
    }

    /// Our address and port; the port may still be zero.
    pub(crate) fn choose_local(
        &mut self,
        asked: Option<SocketAddr>,
        remote: SocketAddr,
        hop: Hop,
    ) -> Result<SocketAddr, Error> {
        let port = asked.map_or(0, |local| local.port());
        let ip = match asked.map(|local| local.ip()).filter(|ip| !ip.is_unspecified()) {
            Some(ip) if ip.is_ipv4() != remote.is_ipv4() => return Err(Error::FamilyMismatch),
            Some(ip) if !self.addresses.takes(ip.into()) => return Err(Error::AddressNotAvailable),
            // A loopback address must not appear outside a host (RFC 1122 §3.2.1.3 (g)).
            Some(ip) if is_loopback(ip.into()) && hop.interface != InterfaceId::LOOPBACK => {
                return Err(Error::AddressNotAvailable);
            }
            Some(ip) => ip,
            None => self.source_for(remote.ip(), hop).ok_or(Error::AddressNotAvailable)?,
        };
        Ok(SocketAddr::new(ip, port))
    }

    /// Both ends, and the smallest initial sequence number if they are reused. A pair of ends in TIME-WAIT
    /// is reused with sequence numbers above those of the old connection (RFC 9293 §3.6.1, RFC 6191).
    fn choose_ends(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Result<(FlowKey, Option<Seq>), Error> {
        let mut key = FlowKey::new(local, remote);
        if local.port() == 0 {
            let demux = &self.demux;
            let sockets = &self.sockets;
            let time_waits = &self.time_waits;
            let listeners = &self.listeners;
            let is_free = |port: u16| {
                let key = FlowKey { local_port: port, ..key };
                let is_match = |place: u32| match place & TIME_WAIT_BIT {
                    0 => sockets.at(place).is_some_and(|socket| socket.key == key),
                    _ => time_waits.at(place & !TIME_WAIT_BIT).is_some_and(|entry| entry.key == key),
                };
                let taken = demux.find(&key, is_match).is_some_and(|place| place & TIME_WAIT_BIT == 0);
                !taken && !listeners.has_port(port) && (key.local != key.remote || port != key.remote_port)
            };
            key.local_port = self.ports.choose(&key, is_free).ok_or(Error::NoFreePort)?;
        }
        if key.local == key.remote && key.local_port == key.remote_port {
            return Err(Error::InvalidAddress);
        }
        match self.find_place(&key) {
            None => Ok((key, None)),
            Some(place) if place & TIME_WAIT_BIT != 0 => {
                let least = self.iss_after(place & !TIME_WAIT_BIT);
                self.forget_time_wait(place & !TIME_WAIT_BIT);
                self.counters.time_waits_reopened += 1;
                Ok((key, least))
            }
            Some(_) => Err(Error::AddressInUse),
        }
    }

    /// The place of a flow: of its connection, or with [`TIME_WAIT_BIT`] of its entry in TIME-WAIT.
    pub(crate) fn find_place(&self, key: &FlowKey) -> Option<u32> {
        self.demux.find(key, |place| match place & TIME_WAIT_BIT {
            0 => self.sockets.at(place).is_some_and(|socket| socket.key == *key),
            _ => self.time_waits.at(place & !TIME_WAIT_BIT).is_some_and(|entry| entry.key == *key),
        })
    }

    /// What a connection between these ends starts with.
    pub(crate) fn birth(&self, now: Instant, key: &FlowKey, hop: Hop, isn: Option<IsnPolicy>) -> Birth {
        let start = self.isn.choose(now, key);
        let iss = match isn {
            Some(IsnPolicy::Fixed(seq)) => seq,
            _ => start.sequence,
        };
        Birth { iss, timestamp_offset: start.timestamp_offset, path: self.path_to(now, key.remote, hop) }
    }

    /// The MTU of the path to this address, as far as a connection has confirmed it.
    pub(crate) fn path_to(&self, now: Instant, remote: Address, hop: Hop) -> Path {
        let link = self.interfaces.get(hop.interface.index());
        let link_bytes = link.map_or(LOOPBACK_MTU_BYTES, |link| link.capabilities.mtu_bytes);
        let known = self.path_mtus.find(now, remote, self.config.path_mtu_age);
        Path {
            mtu_bytes: known.unwrap_or(link_bytes).min(link_bytes),
            ip_header_bytes: if remote.is_v4() { 20 } else { 40 },
        }
    }
}

/// fe80::/10 (RFC 4291 §2.5.6).
pub(crate) fn is_link_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xffc0 == 0xfe80
}
