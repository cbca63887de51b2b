//! Blocking sockets with the methods and the behaviour of [`std::net`].
//!
//! There is no global network, so whoever makes a socket names the stack that it lives on:
//!
//! | kernel | here |
//! | --- | --- |
//! | `std::net::TcpStream::connect("10.90.0.2:80")` | `synfin::net::TcpStream::connect(&stack, "10.90.0.2:80")` |
//! | `std::net::TcpListener::bind("0.0.0.0:80")` | `synfin::net::TcpListener::bind(&stack, "0.0.0.0:80")` |
//! | `std::net::UdpSocket::bind("0.0.0.0:53")` | `synfin::net::UdpSocket::bind(&stack, "0.0.0.0:53")` |
//!
//! Everything else is called as it is there, and gives the same [`std::io::ErrorKind`]s; one set of
//! tests runs over both. Addresses are given as [`std::net::ToSocketAddrs`]: a name is looked up by the
//! operating system, over its own network, not over the stack.
//!
//! Where we differ from Linux: reading into an empty buffer returns at once (Linux waits for data
//! first), these sockets have no file descriptor, so `poll(2)` cannot watch them, and datagrams go to
//! one address at a time: no broadcast, no multicast.

mod deadlines;
mod tcp_listener;
mod tcp_stream;
mod udp_socket;

pub use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, ToSocketAddrs};
pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;

use std::io;

/// Tries one address after the other and returns the first success or the last failure.
fn each_address<T>(
    addrs: impl ToSocketAddrs,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = None;
    for addr in addrs.to_socket_addrs()? {
        match attempt(addr) {
            Ok(made) => return Ok(made),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| crate::error::invalid("the name stands for no address at all")))
}
