//! Sockets with the names, methods and behaviour of [`tokio::net`], for every stack that is a [`Reach`].
//!
//! Programs name them through their driver: `synfin::tokio` for stacks on a wire, `sim::tokio::net` in simulated
//! worlds. On a wire there is no global network, so whoever makes a socket names the stack that it lives on; in a world
//! the stack is that of the host whose program runs ([`Ambient`](crate::Ambient)). Everything else is called as it is
//! in tokio, and one set of tests runs over both.
//!
//! Where they differ from the kernel's sockets in tokio: readiness is asked of the engine each time and never out of
//! date, so a `try_` call after `readable` has something to do unless somebody else was faster; reading into an empty
//! buffer is ready at once; there is no descriptor, so nothing converts from or to `std`.

mod addresses;
mod ambient;
mod budget;
mod datagrams;
mod flows;
pub mod net;
mod polled;
mod ready;
mod relay;
mod relay_datagrams;
mod tcp_listener;
mod tcp_socket;
mod tcp_stream;
mod udp_socket;

/// The halves of a [`TcpStream`].
pub mod tcp {
    pub use super::owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};
    pub use super::split::{ReadHalf, WriteHalf};
}

#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "hyper")]
mod hyper;
mod owned;
mod split;

#[cfg(feature = "axum")]
pub use axum::Peer;
#[cfg(feature = "hyper")]
pub use hyper::{Connecting, Connector};

pub use crate::Flow;
pub use addresses::{Target, ToSocketAddrs, lookup_host};
pub use ambient::lookup_host_here;
pub use datagrams::Datagrams;
pub use flows::Flows;
pub use relay::{Relayed, relay};
pub use relay_datagrams::relay_datagrams;
pub use tcp_listener::TcpListener;
pub use tcp_socket::TcpSocket;
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;

#[expect(unused_imports, reason = "for links in the documentation")]
use crate::Reach;
