//! The sockets of `synfin-socket`, compiled once more, with the traits of the tokio that this crate hands on: what is
//! compiled there has those of a tokio from crates.io, which nobody here has.
//!
//! Gateways stay there: they are no part of tokio.

#[path = "../../../crates/socket/src/tokio/addresses.rs"]
mod addresses;
#[path = "../../../crates/socket/src/tokio/ambient.rs"]
mod ambient;
#[path = "../../../crates/socket/src/tokio/budget.rs"]
mod budget;
#[path = "../../../crates/socket/src/tokio/net.rs"]
pub(crate) mod net;
#[path = "../../../crates/socket/src/tokio/owned.rs"]
mod owned;
#[path = "../../../crates/socket/src/tokio/polled.rs"]
mod polled;
#[path = "../../../crates/socket/src/tokio/ready.rs"]
mod ready;
#[path = "../../../crates/socket/src/tokio/split.rs"]
mod split;
#[path = "../../../crates/socket/src/tokio/tcp_listener.rs"]
mod tcp_listener;
#[path = "../../../crates/socket/src/tokio/tcp_socket.rs"]
mod tcp_socket;
#[path = "../../../crates/socket/src/tokio/tcp_stream.rs"]
mod tcp_stream;
#[path = "../../../crates/socket/src/tokio/udp_socket.rs"]
mod udp_socket;

use tcp_listener::TcpListener;
use tcp_socket::TcpSocket;
use tcp_stream::TcpStream;
use udp_socket::UdpSocket;

/// The halves of a [`TcpStream`].
mod tcp {
    pub(super) use super::owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};
    pub(super) use super::split::{ReadHalf, WriteHalf};
}
