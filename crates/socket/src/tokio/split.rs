//! The halves of a borrowed stream, with the methods of `tokio::net::tcp::{ReadHalf, WriteHalf}`.

use super::tcp_stream::TcpStream;
use crate::Reach;
use bytes::BufMut;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};

/// What a half that reads offers; `$stream` is the way to its stream.
macro_rules! reading_half {
    ($half:ty, [$($generics:tt)*], $stream:ident) => {
        impl<$($generics)*> $half {
            /// Copies what can be read, and leaves it there; waits until there is something. Zero bytes are the end.
            ///
            /// # Errors
            /// The failure of the connection, once.
            pub async fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.$stream.peek(buf).await
            }

            /// Like [`peek`](Self::peek), for callers that poll.
            ///
            /// # Errors
            /// As for [`peek`](Self::peek).
            pub fn poll_peek(
                &mut self,
                context: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<usize>> {
                self.$stream.poll_peek(context, buf)
            }

            /// Waits until a read would return something: bytes, the end or a failure. Cancel safe.
            ///
            /// # Errors
            /// `NotConnected` when the stack was shut down.
            pub async fn readable(&self) -> io::Result<()> {
                self.$stream.readable().await
            }

            /// Reads without waiting; zero bytes are the end.
            ///
            /// # Errors
            /// `WouldBlock` when there is nothing; the failure of the connection, once.
            pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
                self.$stream.try_read(buf)
            }

            /// Like [`try_read`](Self::try_read), into one buffer after the other.
            ///
            /// # Errors
            /// As for [`try_read`](Self::try_read).
            pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.$stream.try_read_vectored(bufs)
            }

            /// Like [`try_read`](Self::try_read), behind what is in the buffer.
            ///
            /// # Errors
            /// As for [`try_read`](Self::try_read).
            pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
                self.$stream.try_read_buf(buf)
            }
        }

        impl<$($generics)*> AsyncRead for $half {
            fn poll_read(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                self.$stream.poll_read_shared(context, buf)
            }
        }
    };
}

/// What a half that writes offers, but for the end of writing; `$stream` is the way to its stream.
macro_rules! writing_half {
    ($half:ty, [$($generics:tt)*], $stream:ident) => {
        impl<$($generics)*> $half {
            /// Waits until a write would take something, or fail. Cancel safe.
            ///
            /// # Errors
            /// `NotConnected` when the stack was shut down.
            pub async fn writable(&self) -> io::Result<()> {
                self.$stream.writable().await
            }

            /// Writes without waiting; returns how much was taken.
            ///
            /// # Errors
            /// `WouldBlock` when there is no room; the failure of the connection, once; then `BrokenPipe`.
            pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
                self.$stream.try_write(buf)
            }

            /// Like [`try_write`](Self::try_write), from one buffer after the other.
            ///
            /// # Errors
            /// As for [`try_write`](Self::try_write).
            pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                self.$stream.try_write_vectored(bufs)
            }
        }
    };
}

/// What both kinds of halves offer.
macro_rules! half {
    ($half:ty, [$($generics:tt)*], $name:literal, $stream:ident) => {
        impl<$($generics)*> $half {
            /// Waits until the stream is ready for something of what is asked for. Cancel safe.
            ///
            /// # Errors
            /// `NotConnected` when the stack was shut down.
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                self.$stream.ready(interest).await
            }

            /// The address of our end.
            ///
            /// # Errors
            /// None today; the signature is that of tokio.
            pub fn local_addr(&self) -> io::Result<SocketAddr> {
                self.$stream.local_addr()
            }

            /// The address of the other end.
            ///
            /// # Errors
            /// `NotConnected` once the connection is over in both directions.
            pub fn peer_addr(&self) -> io::Result<SocketAddr> {
                self.$stream.peer_addr()
            }
        }

        impl<$($generics)*> fmt::Debug for $half {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple($name).field(&self.$stream).finish()
            }
        }
    };
}

pub(super) use {half, reading_half, writing_half};

/// The half of a borrowed stream that reads.
pub struct ReadHalf<'a, R: Reach> {
    stream: &'a TcpStream<R>,
}

/// The half of a borrowed stream that writes. Dropping it sends nothing.
pub struct WriteHalf<'a, R: Reach> {
    stream: &'a TcpStream<R>,
}

impl<'a, R: Reach> ReadHalf<'a, R> {
    pub(super) fn new(stream: &'a TcpStream<R>) -> Self {
        ReadHalf { stream }
    }
}

impl<'a, R: Reach> WriteHalf<'a, R> {
    pub(super) fn new(stream: &'a TcpStream<R>) -> Self {
        WriteHalf { stream }
    }
}

reading_half!(ReadHalf<'_, R>, [R: Reach], stream);
half!(ReadHalf<'_, R>, [R: Reach], "ReadHalf", stream);
writing_half!(WriteHalf<'_, R>, [R: Reach], stream);
half!(WriteHalf<'_, R>, [R: Reach], "WriteHalf", stream);

impl<R: Reach> AsRef<TcpStream<R>> for ReadHalf<'_, R> {
    fn as_ref(&self) -> &TcpStream<R> {
        self.stream
    }
}

impl<R: Reach> AsRef<TcpStream<R>> for WriteHalf<'_, R> {
    fn as_ref(&self) -> &TcpStream<R> {
        self.stream
    }
}

impl<R: Reach> AsyncWrite for WriteHalf<'_, R> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.poll_write_shared(context, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write_shared(context, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.stream.finish())
    }
}
