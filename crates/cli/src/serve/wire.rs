//! A connection as hyper reads and writes it. Pieces of files are not copied on their way through: what hyper passes on
//! as a slice is recognised as a piece that is lent, and the stack gets the piece.

use super::pace::Phase;
use super::seats::Seat;
use hyper::rt::{Read, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// The connection of a seat.
pub(crate) struct Wire(pub(crate) Arc<Seat>);

impl Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let most = into.remaining();
        let read = self.0.stream.poll_read_with(context, most, |piece| into.put_slice(piece));
        if ready!(read)? > 0 {
            self.0.pace().on_bytes(Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = &self.0.stream;
        let lent = {
            let pieces = self.0.pieces();
            slices.iter().enumerate().find_map(|(at, slice)| Some((at, pieces.handle_of(slice)?)))
        };
        match lent {
            Some((0, piece)) => stream.poll_write_bytes(context, &piece),
            Some((before, _)) => stream.poll_write_slices(context, &slices[..before]),
            None => stream.poll_write_slices(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing waits here. hyper flushes when it has written all that it has.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pace = self.0.pace();
        if pace.phase() == Phase::Answered {
            pace.on_flushed(Instant::now());
            if pace.phase() == Phase::Idle {
                self.0.pieces().forget();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.stream.shutdown_write())
    }
}
