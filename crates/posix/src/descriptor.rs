//! One socket as its descriptor sees it: what it is, where it stands, what is pending.

use crate::Errno;
use crate::options::Options;
use core::fmt;
use stack::{SocketId, SocketKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A descriptor: a small number, the lowest free one first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fd(pub u32);

impl fmt::Debug for Fd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fd {}", self.0)
    }
}

/// The family of a socket's addresses.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// `AF_INET`
    Inet,
    /// `AF_INET6`; IPv4-mapped addresses reach IPv4.
    Inet6,
}

impl Domain {
    pub(crate) const fn unspecified(self) -> IpAddr {
        match self {
            Domain::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Domain::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    }
}

/// What a socket carries.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `SOCK_STREAM`: TCP.
    Stream,
    /// `SOCK_DGRAM`: UDP.
    Datagram,
}

/// Where a socket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Neither listening nor connected.
    Fresh,
    Listener(SocketId),
    /// A connection from its SYN on, also after it died.
    Stream(SocketId),
    Udp(SocketId),
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `connect` was called and has not been answered.
    Connecting,
    /// The handshake is done.
    Open,
    /// The connection is over.
    Over,
}

/// What a descriptor has beside what the core knows of its socket.
#[derive(Clone, Debug)]
pub(crate) struct Socket {
    pub(crate) domain: Domain,
    pub(crate) kind: Type,
    pub(crate) nonblocking: bool,
    pub(crate) role: Role,
    /// Where `bind` put it.
    pub(crate) bound: Option<SocketAddr>,
    /// `connect` has returned 0, or `accept` gave the socket. Linux tells the next `connect` so once.
    pub(crate) is_told_connected: bool,
    /// Where `connect` goes as soon as there is text for the SYN (`TCP_FASTOPEN_CONNECT`).
    pub(crate) deferred: Option<SocketAddr>,
    /// What `listen` was given.
    pub(crate) backlog: i32,
    pub(crate) options: Options,
}

impl Socket {
    pub(crate) fn new(domain: Domain, kind: Type, options: Options) -> Self {
        Socket {
            domain,
            kind,
            nonblocking: false,
            role: Role::Fresh,
            bound: None,
            is_told_connected: false,
            deferred: None,
            backlog: 0,
            options,
        }
    }

    /// The core's name for it, if it has one yet.
    pub(crate) fn id(&self) -> Option<SocketId> {
        match self.role {
            Role::Listener(id) | Role::Stream(id) | Role::Udp(id) => Some(id),
            Role::Fresh => None,
        }
    }

    /// The connection's id, if there is or was a connection.
    pub(crate) fn stream(&self) -> Option<SocketId> {
        self.id().filter(|id| id.kind() == SocketKind::Connection)
    }

    /// An address as this socket would write it: IPv4 as IPv4-mapped on an IPv6 socket.
    pub(crate) fn shown(&self, address: SocketAddr) -> SocketAddr {
        match (self.domain, address.ip()) {
            (Domain::Inet6, IpAddr::V4(v4)) => SocketAddr::new(v4.to_ipv6_mapped().into(), address.port()),
            _ => address,
        }
    }

    /// An address as the host wants it: IPv4-mapped as IPv4.
    pub(crate) fn canonical(&self, address: SocketAddr) -> Result<SocketAddr, Errno> {
        match (self.domain, address.ip()) {
            (Domain::Inet, IpAddr::V6(_)) => Err(Errno::FamilyNotSupported),
            (Domain::Inet6, IpAddr::V4(_)) => Err(Errno::FamilyNotSupported),
            (_, ip) => Ok(SocketAddr::new(ip.to_canonical(), address.port())),
        }
    }
}
