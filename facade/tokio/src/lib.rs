//! tokio, with the sockets of a simulated world in place of the system's.
//!
//! A program and all its libraries get this crate instead of tokio by three lines in the manifest of their workspace:
//!
//! ```toml
//! [patch.crates-io]
//! tokio = { path = "synfin/facade/tokio" }
//! ```
//!
//! Everything is that of tokio but the TCP and UDP sockets of [`net`], which belong to the host on which the program
//! runs; see `synfin_sim::tokio`. Where no host was entered they fail with `Unsupported`.

extern crate real as tokio;

#[cfg(feature = "net")]
mod absent;
#[cfg(feature = "net")]
mod ambient;
#[cfg(all(feature = "net", unix))]
mod descriptors;
#[cfg(feature = "net")]
#[allow(dead_code, unreachable_pub, reason = "gateways, which use the rest of it, are elsewhere")]
mod sockets;

pub use tokio::*;

// What the sockets find at the root of their crate. The way to a stack is our own.
#[cfg(feature = "net")]
use {
    ambient::Ambient,
    socket::{Cause, Core, Fault, Handle, Held, Interest, OpenOptions, Opened, Place, Reach, Readiness},
};

/// TCP and UDP of the simulated host; Unix sockets and pipes of the system.
pub mod net {
    #[cfg(feature = "net")]
    pub use crate::sockets::net::{
        TcpListener, TcpSocket, TcpStream, ToSocketAddrs, UdpSocket, lookup_host, tcp,
    };
    pub use tokio::net::*;
}
