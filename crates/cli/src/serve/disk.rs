//! Files read and written by a program whose one thread must not wait for a disk: what the system has in memory is read
//! at once, everything else by threads that may wait.

use rustix::io::{ReadWriteFlags, preadv2};
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// Threads that wait for the disk: as many as it may be asked at once.
pub(crate) const THREADS: usize = 8;

/// Does this where waiting is possible.
///
/// # Errors
/// The program ends.
pub(crate) async fn wait_for<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

/// A part of a file on its way into a buffer.
pub(crate) enum Reading<B> {
    /// It is there.
    Done(B),
    /// A thread waits for it.
    Waiting(JoinHandle<(B, io::Result<()>)>),
}

impl<B: AsMut<[u8]> + Send + 'static> Reading<B> {
    /// Reads `len_bytes` from this place of the file on.
    pub(crate) fn begin(file: &Arc<File>, at: u64, mut into: B, len_bytes: usize) -> Reading<B> {
        let read_bytes = read_what_is_cached(file, at, &mut into.as_mut()[..len_bytes]);
        if read_bytes == len_bytes {
            return Reading::Done(into);
        }
        let file = Arc::clone(file);
        Reading::Waiting(tokio::task::spawn_blocking(move || {
            let rest = &mut into.as_mut()[read_bytes..len_bytes];
            let outcome = file.read_exact_at(rest, at + read_bytes as u64);
            (into, outcome)
        }))
    }

    /// The buffer, when it is filled.
    ///
    /// # Errors
    /// Those of the file; `UnexpectedEof` if it has become shorter.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Reading::Waiting(thread) = self else { return Poll::Ready(Ok(())) };
        let (buffer, outcome) = ready!(Pin::new(thread).poll(context)).map_err(io::Error::other)?;
        *self = Reading::Done(buffer);
        Poll::Ready(outcome)
    }

    /// Whether a thread waits.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self, Reading::Waiting(_))
    }
}

/// Reads what is in memory, from this place on; returns how much. File systems that cannot tell have nothing there.
fn read_what_is_cached(file: &File, at: u64, into: &mut [u8]) -> usize {
    let mut read_bytes = 0;
    while read_bytes < into.len() {
        let rest = IoSliceMut::new(&mut into[read_bytes..]);
        match preadv2(file, &mut [rest], at + read_bytes as u64, ReadWriteFlags::NOWAIT) {
            Ok(0) | Err(_) => break,
            Ok(more) => read_bytes += more,
        }
    }
    read_bytes
}
