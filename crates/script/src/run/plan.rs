//! The addresses and ports of both ends.

use crate::ast::Script;
use posix::Domain;
use std::net::{IpAddr, SocketAddr};

/// The version of IP over which a script runs.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpVersion {
    /// IPv4 sockets and packets.
    V4,
    /// IPv6 sockets and packets.
    V6,
    /// IPv6 sockets with IPv4-mapped addresses, IPv4 packets.
    V4MappedV6,
}

impl IpVersion {
    /// `ipv4`, `ipv6` or `ipv4-mapped-ipv6`.
    pub fn named(name: &str) -> Option<IpVersion> {
        match name {
            "ipv4" => Some(IpVersion::V4),
            "ipv6" => Some(IpVersion::V6),
            "ipv4-mapped-ipv6" => Some(IpVersion::V4MappedV6),
            _ => None,
        }
    }
}

/// Addresses and ports of both ends, from the options or by default.
#[derive(Clone, Debug)]
pub(crate) struct AddressPlan {
    pub(crate) domain: Domain,
    pub(crate) local: IpAddr,
    pub(crate) remote: IpAddr,
    pub(crate) bind_port: u16,
    pub(crate) connect_port: u16,
}

const LOCAL_V4: &str = "192.168.0.1";
const LOCAL_V6: &str = "fd3d:fa7b:d17d::1";

impl AddressPlan {
    /// # Errors
    /// The name of an option and what is wrong with its value.
    pub(crate) fn new(script: &Script, default: Option<IpVersion>) -> Result<Self, (&'static str, String)> {
        let version = match script.option("ip_version") {
            None => default.unwrap_or(IpVersion::V4),
            Some(name) => IpVersion::named(name).ok_or_else(|| {
                ("ip_version", format!("`{name}` is no version of IP; it is ipv4, ipv6 or ipv4-mapped-ipv6"))
            })?,
        };
        let (local, remote) = match version {
            IpVersion::V4 | IpVersion::V4MappedV6 => (LOCAL_V4, "192.0.2.1"),
            IpVersion::V6 => (LOCAL_V6, "2001:db8::1"),
        };
        let is_v6 = version == IpVersion::V6;
        let ip = |name: &'static str, usual: &str| {
            let text = script.option(name).unwrap_or(usual);
            let text = text.split('/').next().unwrap_or(text);
            let parsed = text.parse::<IpAddr>().ok().filter(|ip| ip.is_ipv6() == is_v6);
            parsed.ok_or_else(|| (name, format!("`{text}` is no address of this script's version of IP")))
        };
        let port = |name: &'static str| match script.option(name) {
            None => Ok(8_080),
            Some(text) => text.parse().map_err(|_| (name, format!("`{text}` is no port"))),
        };
        Ok(AddressPlan {
            domain: if version == IpVersion::V4 { Domain::Inet } else { Domain::Inet6 },
            local: ip("local_ip", local)?,
            remote: ip("remote_ip", remote)?,
            bind_port: port("bind_port")?,
            connect_port: port("connect_port")?,
        })
    }

    /// An address of the version of IP that the script does not use.
    pub(crate) fn other_family(&self) -> Option<IpAddr> {
        if self.local.is_ipv4() { LOCAL_V6 } else { LOCAL_V4 }.parse().ok()
    }

    fn shown(&self, ip: IpAddr, port: u16) -> SocketAddr {
        match (self.domain, ip) {
            (Domain::Inet6, IpAddr::V4(v4)) => SocketAddr::new(v4.to_ipv6_mapped().into(), port),
            _ => SocketAddr::new(ip, port),
        }
    }

    /// The address of `bind(3, ..., ...)`.
    pub(crate) fn bind_address(&self) -> SocketAddr {
        self.shown(self.local, self.bind_port)
    }

    /// The address of `connect(3, ..., ...)`.
    pub(crate) fn connect_address(&self) -> SocketAddr {
        self.shown(self.remote, self.connect_port)
    }
}
