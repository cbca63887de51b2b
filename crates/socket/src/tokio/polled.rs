//! Polls of a stream that is shared, beyond what tokio has: for the traits of other libraries (`hyper::rt`), for
//! readers whose memory is not one slice, and for bytes that are lent instead of copied.

use super::budget::within_budget;
use super::tcp_stream::TcpStream;
use crate::{Interest, Place, Reach};
use bytes::Bytes;
use std::io::{self, IoSlice};
use std::task::{Context, Poll};

impl<R: Reach> TcpStream<R> {
    /// Reads at most `most_bytes` bytes and gives them to `take`, piece by piece; returns how many. Zero bytes are the
    /// end, or nothing was asked for. The waker of the last call that reads counts.
    ///
    /// `take` is called under the stack's lock: it copies, and does nothing else.
    ///
    /// # Errors
    /// The failure of the connection, once.
    pub fn poll_read_with(
        &self,
        context: &mut Context<'_>,
        most_bytes: usize,
        take: impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        if most_bytes == 0 {
            return Poll::Ready(Ok(0));
        }
        let read = within_budget(context, |context| {
            self.socket.poll(Interest::Read, Place::Slot, context, |core, now, id| {
                core.poll_read_with(now, id, most_bytes, take)
            })
        });
        read.map_err(io::Error::from)
    }

    /// Like `poll_write_vectored` of [`AsyncWrite`](tokio::io::AsyncWrite), on a shared stream. The waker of the last
    /// call that writes counts.
    ///
    /// # Errors
    /// The failure of the connection, once; then `BrokenPipe`.
    pub fn poll_write_slices(
        &self,
        context: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_shared(context, bufs)
    }

    /// Like [`write_bytes`](Self::write_bytes), for callers that poll. The waker of the last call that writes counts.
    ///
    /// # Errors
    /// The failure of the connection, once; then `BrokenPipe`.
    pub fn poll_write_bytes(&self, context: &mut Context<'_>, data: &Bytes) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let written = within_budget(context, |context| {
            self.socket.poll(Interest::Write, Place::Slot, context, |core, now, id| {
                core.poll_write_bytes(now, id, data.clone())
            })
        });
        written.map_err(io::Error::from)
    }

    /// Like `shutdown` of [`AsyncWriteExt`](tokio::io::AsyncWriteExt), on a shared stream: queues a FIN behind the
    /// data, and does not wait for the peer.
    ///
    /// # Errors
    /// `NotConnected` when the connection is over already.
    pub fn shutdown_write(&self) -> io::Result<()> {
        self.finish()
    }
}
