//! Addresses as callers write them: numbers, or names that have to be looked up.
//!
//! tokio's own trait cannot be called by others, and it asks the operating system alone; here a stack may have
//! a resolver of its own.

use crate::Reach;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What an address stands for.
///
/// There are no others: a resolver may match on all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// This address.
    Address(SocketAddr),
    /// Any of these, in this order.
    Addresses(Vec<SocketAddr>),
    /// A host with this name, and a port.
    Name(String, u16),
}

/// What can be connected or bound to, as with `tokio::net::ToSocketAddrs`.
///
/// ```
/// use synfin_socket::tokio::{Target, ToSocketAddrs};
/// assert_eq!("10.0.0.1:80".to_target()?, Target::Address("10.0.0.1:80".parse().expect("an address")));
/// assert_eq!("db:5432".to_target()?, Target::Name("db".into(), 5432));
/// assert!("db".to_target().is_err(), "a port is missing");
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ToSocketAddrs {
    /// What it stands for.
    ///
    /// # Errors
    /// `InvalidInput` for a text without a port.
    fn to_target(&self) -> io::Result<Target>;
}

macro_rules! address {
    ($($from:ty),+) => {
        $(impl ToSocketAddrs for $from {
            fn to_target(&self) -> io::Result<Target> {
                Ok(Target::Address(SocketAddr::from(*self)))
            }
        })+
    };
}

address!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToSocketAddrs for [SocketAddr] {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::Addresses(self.to_vec()))
    }
}

impl ToSocketAddrs for str {
    fn to_target(&self) -> io::Result<Target> {
        if let Ok(address) = self.parse() {
            return Ok(Target::Address(address));
        }
        let parts = self.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse().ok()?)));
        let Some((name, port)) = parts.filter(|(name, _)| !name.is_empty()) else {
            let sentence =
                format!("\"{self}\" is not an address with a port, such as 10.0.0.1:80 or example.org:80");
            return Err(io::Error::new(ErrorKind::InvalidInput, sentence));
        };
        Ok(Target::Name(name.to_owned(), port))
    }
}

impl ToSocketAddrs for (&str, u16) {
    fn to_target(&self) -> io::Result<Target> {
        let (name, port) = *self;
        Ok(match name.parse::<IpAddr>() {
            Ok(ip) => Target::Address(SocketAddr::new(ip, port)),
            Err(_) => Target::Name(name.to_owned(), port),
        })
    }
}

impl ToSocketAddrs for (String, u16) {
    fn to_target(&self) -> io::Result<Target> {
        (self.0.as_str(), self.1).to_target()
    }
}

impl ToSocketAddrs for String {
    fn to_target(&self) -> io::Result<Target> {
        self.as_str().to_target()
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    fn to_target(&self) -> io::Result<Target> {
        (**self).to_target()
    }
}

/// The addresses that something stands for; a name is looked up as the stack does it.
///
/// # Errors
/// Those of the lookup; `InvalidInput` for a text without a port.
pub async fn lookup_host<R: Reach>(
    stack: &R,
    host: impl ToSocketAddrs,
) -> io::Result<std::vec::IntoIter<SocketAddr>> {
    Ok(addresses(stack, host).await?.collect::<Vec<_>>().into_iter())
}

/// What an address stands for, one after the other. The usual case needs no list.
pub(super) struct Addresses {
    first: Option<SocketAddr>,
    rest: std::vec::IntoIter<SocketAddr>,
}

impl Iterator for Addresses {
    type Item = SocketAddr;

    fn next(&mut self) -> Option<SocketAddr> {
        self.first.take().or_else(|| self.rest.next())
    }
}

/// The addresses that something stands for.
pub(super) async fn addresses<R: Reach>(stack: &R, addr: impl ToSocketAddrs) -> io::Result<Addresses> {
    Ok(match addr.to_target()? {
        Target::Address(address) => Addresses { first: Some(address), rest: Vec::new().into_iter() },
        Target::Addresses(addresses) => Addresses { first: None, rest: addresses.into_iter() },
        Target::Name(name, port) => {
            Addresses { first: None, rest: stack.lookup(&name, port).await?.into_iter() }
        }
    })
}

/// Tries one address after the other and returns the first success or the last failure.
pub(super) async fn each_address<R: Reach, T>(
    stack: &R,
    addr: impl ToSocketAddrs,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = None;
    for address in addresses(stack, addr).await? {
        match attempt(address) {
            Ok(made) => return Ok(made),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(no_address))
}

/// A name without addresses.
pub(super) fn no_address() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "the name stands for no address at all")
}
