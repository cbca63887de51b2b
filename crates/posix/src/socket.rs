//! One socket as its descriptor sees it: what it is, where it stands, what is pending.

use crate::Errno;
use crate::options::Options;
use core::fmt;
use stack::SocketId;
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
    Stream(SocketId, Phase),
    Udp(SocketId),
}

/// How far a connection has come, as the application was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `connect` was called and has not been answered.
    Connecting,
    /// The handshake is done; Linux tells the next `connect` so once.
    Established,
    /// `connect` has returned 0, or `accept` gave the socket.
    Connected,
    /// The connection is over.
    Over,
}

#[derive(Clone, Debug)]
pub(crate) struct Socket {
    pub(crate) domain: Domain,
    pub(crate) kind: Type,
    pub(crate) nonblocking: bool,
    pub(crate) role: Role,
    /// Where `bind` put it.
    pub(crate) bound: Option<SocketAddr>,
    pub(crate) peer: Option<SocketAddr>,
    /// What `SO_ERROR` will say, once.
    pub(crate) error: Option<Errno>,
    pub(crate) peer_finished: bool,
    pub(crate) read_shut: bool,
    pub(crate) write_shut: bool,
    /// The peer's urgent mark was announced and not read.
    pub(crate) urgent: bool,
    /// There is a datagram to read.
    pub(crate) datagram_waits: bool,
    /// Counts what happened, for edge-triggered readiness.
    pub(crate) happenings: u64,
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
            peer: None,
            error: None,
            peer_finished: false,
            read_shut: false,
            write_shut: false,
            urgent: false,
            datagram_waits: false,
            happenings: 0,
            options,
        }
    }

    /// The connection's id, if there is or was a connection.
    pub(crate) fn stream(&self) -> Option<SocketId> {
        match self.role {
            Role::Stream(id, _) => Some(id),
            Role::Fresh | Role::Listener(_) | Role::Udp(_) => None,
        }
    }

    pub(crate) fn phase(&self) -> Option<Phase> {
        match self.role {
            Role::Stream(_, phase) => Some(phase),
            Role::Fresh | Role::Listener(_) | Role::Udp(_) => None,
        }
    }

    pub(crate) fn set_phase(&mut self, phase: Phase) {
        if let Role::Stream(_, current) = &mut self.role {
            *current = phase;
        }
    }

    /// The pending error, which is told once.
    pub(crate) fn take_error(&mut self) -> Result<(), Errno> {
        self.error.take().map_or(Ok(()), Err)
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
