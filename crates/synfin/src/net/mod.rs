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
mod flows;
mod tcp_listener;
mod tcp_stream;
mod udp_socket;

pub use flows::{Flows, accept, accept_with};
pub use socket::Flow;
pub use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, ToSocketAddrs};
pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;

use crate::Stack;
use crate::park::Patience;
use deadlines::Deadlines;
use socket::{Cause, Core, Fault, Held, Interest};
use std::io::{self, ErrorKind};
use std::task::Poll;

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
    Err(last.unwrap_or_else(|| invalid("the name stands for no address at all")))
}

/// The caller asked for something that makes no sense.
fn invalid(sentence: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, sentence)
}

/// A call that may have to wait: as long as the patience lasts, then it would block.
fn wait<T>(
    socket: &Held<Stack>,
    interest: Interest,
    patience: Patience,
    mut attempt: impl FnMut(&mut Core, tcp::Instant) -> Poll<Result<T, Fault>>,
) -> io::Result<T> {
    let outcome = socket.reach().shared().wait(socket.id(), interest, patience, &mut attempt);
    Ok(outcome.unwrap_or(Err(Fault::WOULD_BLOCK))?)
}

/// The socket is gone, as far as it had a peer.
fn gone(peer: Option<SocketAddr>) -> io::Error {
    Fault::with(peer, Cause::NotConnected).into()
}
