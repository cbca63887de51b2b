//! The halves of a stream that live apart, with the methods of `tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf}`.

use super::split::{half, reading_half, writing_half};
use super::tcp_stream::TcpStream;
use crate::Reach;
use bytes::BufMut;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};

/// The half that reads. The connection is closed when both halves are dropped.
pub struct OwnedReadHalf<R: Reach> {
    inner: Arc<TcpStream<R>>,
}

/// The half that writes. Dropping it sends a FIN behind what was written; [`forget`](Self::forget) does not.
pub struct OwnedWriteHalf<R: Reach> {
    inner: Arc<TcpStream<R>>,
    on_drop: OnDrop,
}

/// What a half that writes does when it is dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnDrop {
    Finish,
    Nothing,
}

/// The halves are not those of one stream.
pub struct ReuniteError<R: Reach>(pub OwnedReadHalf<R>, pub OwnedWriteHalf<R>);

pub(super) fn split<R: Reach>(stream: TcpStream<R>) -> (OwnedReadHalf<R>, OwnedWriteHalf<R>) {
    let inner = Arc::new(stream);
    (OwnedReadHalf { inner: Arc::clone(&inner) }, OwnedWriteHalf { inner, on_drop: OnDrop::Finish })
}

impl<R: Reach> OwnedReadHalf<R> {
    /// Makes one stream of both halves again.
    ///
    /// # Errors
    /// Both halves, if they are not those of one stream.
    pub fn reunite(self, other: OwnedWriteHalf<R>) -> Result<TcpStream<R>, ReuniteError<R>> {
        if !Arc::ptr_eq(&self.inner, &other.inner) {
            return Err(ReuniteError(self, other));
        }
        other.forget();
        Ok(Arc::into_inner(self.inner).expect("two halves share a stream, and one of them is gone"))
    }
}

impl<R: Reach> OwnedWriteHalf<R> {
    /// Makes one stream of both halves again.
    ///
    /// # Errors
    /// Both halves, if they are not those of one stream.
    pub fn reunite(self, other: OwnedReadHalf<R>) -> Result<TcpStream<R>, ReuniteError<R>> {
        other.reunite(self)
    }

    /// Drops the half without sending a FIN.
    pub fn forget(mut self) {
        self.on_drop = OnDrop::Nothing;
    }
}

impl<R: Reach> Drop for OwnedWriteHalf<R> {
    fn drop(&mut self) {
        if self.on_drop == OnDrop::Finish {
            // It may be over already.
            let _ = self.inner.finish();
        }
    }
}

reading_half!(OwnedReadHalf<R>, [R: Reach], inner);
half!(OwnedReadHalf<R>, [R: Reach], "OwnedReadHalf", inner);
writing_half!(OwnedWriteHalf<R>, [R: Reach], inner);
half!(OwnedWriteHalf<R>, [R: Reach], "OwnedWriteHalf", inner);

impl<R: Reach> AsRef<TcpStream<R>> for OwnedReadHalf<R> {
    fn as_ref(&self) -> &TcpStream<R> {
        &self.inner
    }
}

impl<R: Reach> AsRef<TcpStream<R>> for OwnedWriteHalf<R> {
    fn as_ref(&self) -> &TcpStream<R> {
        &self.inner
    }
}

impl<R: Reach> AsyncWrite for OwnedWriteHalf<R> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.inner.poll_write_shared(context, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner.poll_write_shared(context, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let finished = self.inner.finish();
        if finished.is_ok() {
            self.on_drop = OnDrop::Nothing;
        }
        Poll::Ready(finished)
    }
}

impl<R: Reach> fmt::Debug for ReuniteError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReuniteError").field(&self.0).field(&self.1).finish()
    }
}

impl<R: Reach> fmt::Display for ReuniteError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these halves are not those of one stream")
    }
}

impl<R: Reach> std::error::Error for ReuniteError<R> {}
