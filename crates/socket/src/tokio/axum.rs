//! Listeners that `axum::serve` takes.

use super::{TcpListener, TcpStream};
use crate::Reach;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

/// After a refusal that may pass (out of memory) the listener tries again this much later, as axum's own does.
const REST: Duration = Duration::from_secs(1);

impl<R: Reach + Send + Sync + Unpin + 'static> Listener for TcpListener<R> {
    type Io = TcpStream<R>;
    type Addr = SocketAddr;

    /// It cannot fail: on a stack that was shut down nobody connects any more, and this waits for ever.
    async fn accept(&mut self) -> (TcpStream<R>, SocketAddr) {
        loop {
            match TcpListener::accept(self).await {
                Ok(accepted) => return accepted,
                Err(error) if error.kind() == ErrorKind::NotConnected => std::future::pending().await,
                Err(_) => tokio::time::sleep(REST).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        TcpListener::local_addr(self)
    }
}

/// The other end of a connection, for handlers: `ConnectInfo<Peer>` with
/// `into_make_service_with_connect_info::<Peer>()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub SocketAddr);

impl<R: Reach + Send + Sync + Unpin + 'static> Connected<IncomingStream<'_, TcpListener<R>>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener<R>>) -> Self {
        Peer(*stream.remote_addr())
    }
}
