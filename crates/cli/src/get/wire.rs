//! A connection as hyper reads and writes it; it counts what the server has said.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use synfin::tokio::TcpStream;

/// A connection with a server; clones are the same one.
#[derive(Clone)]
pub(crate) struct Wire {
    /// The connection.
    pub(crate) stream: Arc<TcpStream>,
    read_bytes: Arc<AtomicU64>,
}

impl Wire {
    /// This connection.
    pub(crate) fn new(stream: TcpStream) -> Wire {
        Wire { stream: Arc::new(stream), read_bytes: Arc::default() }
    }

    /// Whether the server has said anything.
    pub(crate) fn has_spoken(&self) -> bool {
        self.read_bytes.load(Ordering::Relaxed) > 0
    }
}

impl Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let most = into.remaining();
        let read = ready!(self.stream.poll_read_with(context, most, |piece| into.put_slice(piece)))?;
        self.read_bytes.fetch_add(read as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.poll_write_slices(context, &[IoSlice::new(bytes)])
    }

    /// Nothing waits here.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.stream.shutdown_write())
    }
}
