//! A socket of the kernel as hyper reads and writes it, with an end to silence.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// What is read at once.
const PIECE_BYTES: usize = 16 << 10;

/// A connection.
pub(super) struct Socket {
    stream: TcpStream,
    idle: Duration,
    /// The end of the present silence.
    silence: Pin<Box<Sleep>>,
}

impl Socket {
    /// A connection that fails when its peer is silent, or takes nothing, for so long.
    pub(super) fn new(stream: TcpStream, idle: Duration) -> Socket {
        Socket { stream, idle, silence: Box::pin(sleep(idle)) }
    }

    /// Ready with an error when the silence has lasted too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        self.silence.as_mut().poll(context).map(|()| io::ErrorKind::TimedOut.into())
    }

    fn on_bytes(&mut self) {
        let until = Instant::now() + self.idle;
        self.silence.as_mut().reset(until);
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut piece = [0; PIECE_BYTES];
        let most = into.remaining().min(PIECE_BYTES);
        let mut read = ReadBuf::new(&mut piece[..most]);
        match Pin::new(&mut self.stream).poll_read(context, &mut read) {
            Poll::Pending => return self.poll_patience(context).map(Err),
            Poll::Ready(outcome) => outcome?,
        }
        into.put_slice(read.filled());
        self.on_bytes();
        Poll::Ready(Ok(()))
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Pending => self.poll_patience(context).map(Err),
            Poll::Ready(written) => {
                self.on_bytes();
                Poll::Ready(written)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
