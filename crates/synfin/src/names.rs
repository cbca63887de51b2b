//! Who looks up names for the sockets of a stack.

use socket::Lookup;
use std::io;
use std::net::SocketAddr;

/// Looks up names; see [`Builder::resolver`](crate::Builder::resolver).
///
/// A function is one:
///
/// ```
/// use std::{io, net::SocketAddr};
///
/// let names = |name: &str, port: u16| -> io::Result<Vec<SocketAddr>> {
///     match name {
///         "db.internal" => Ok(vec![SocketAddr::from(([10, 90, 0, 7], port))]),
///         _ => Err(io::Error::new(io::ErrorKind::NotFound, format!("nobody is called {name}"))),
///     }
/// };
/// let stack = synfin::Stack::builder().resolver(names).start()?;
/// # Ok::<(), io::Error>(())
/// ```
pub trait Resolver: Send + Sync {
    /// The addresses of `name`, each with `port`, the best first.
    fn lookup(&self, name: &str, port: u16) -> Lookup;
}

impl<F> Resolver for F
where
    F: Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync,
{
    fn lookup(&self, name: &str, port: u16) -> Lookup {
        let addresses = self(name, port);
        Box::pin(async move { addresses })
    }
}

/// The operating system, over its own network.
pub(crate) struct SystemResolver;

impl Resolver for SystemResolver {
    #[cfg(feature = "tokio")]
    fn lookup(&self, name: &str, port: u16) -> Lookup {
        let host = (name.to_owned(), port);
        Box::pin(async move { Ok(::tokio::net::lookup_host(host).await?.collect()) })
    }

    #[cfg(not(feature = "tokio"))]
    fn lookup(&self, name: &str, port: u16) -> Lookup {
        let addresses = std::net::ToSocketAddrs::to_socket_addrs(&(name, port)).map(Iterator::collect);
        Box::pin(async move { addresses })
    }
}
