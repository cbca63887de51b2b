//! The content of a reply as hyper takes it: nothing, text, or a file in pieces.

use super::disk::Reading;
use super::seats::Seat;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// A file that goes out in one piece with its head, copied.
const SMALL_BYTES: u64 = 64 << 10;

/// The content of a reply. When it is dropped, nothing more of the reply is to be made.
pub(crate) struct Sent {
    source: Source,
    seat: Arc<Seat>,
}

/// Where content comes from.
pub(crate) enum Source {
    /// There is none, or no more of it.
    Nothing,
    /// From memory.
    Text(Bytes),
    /// From a file.
    File(Part),
}

/// A part of a file that is still to be read.
pub(crate) struct Part {
    file: Arc<File>,
    at: u64,
    left_bytes: u64,
    next: Next,
}

/// What of the file is in memory and not yet sent.
enum Next {
    /// Nothing.
    Unread,
    /// The last piece, of this many bytes; it is read into memory of its own.
    Small(Reading<Vec<u8>>),
    /// A piece that is lent, of this many bytes.
    Piece(Reading<BytesMut>, usize),
}

impl Part {
    /// This many bytes of the file, from this place on.
    pub(crate) fn new(file: File, first: u64, len_bytes: u64) -> Part {
        Part { file: Arc::new(file), at: first, left_bytes: len_bytes, next: Next::Unread }
    }
}

impl Sent {
    /// Content for whoever sits there.
    pub(crate) fn new(source: Source, seat: Arc<Seat>) -> Sent {
        Sent { source, seat }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.seat.pace().on_complete();
    }
}

impl Source {
    fn len_bytes(&self) -> u64 {
        match self {
            Source::Nothing => 0,
            Source::Text(text) => text.len() as u64,
            Source::File(part) => part.left_bytes,
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Sent { source, seat } = &mut *self;
        let piece = match source {
            Source::File(part) if part.left_bytes > 0 => ready!(part.poll_piece(context, seat)),
            Source::Text(text) if !text.is_empty() => Ok(std::mem::take(text)),
            Source::Nothing | Source::Text(_) | Source::File(_) => return Poll::Ready(None),
        };
        Poll::Ready(Some(piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.source.len_bytes() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.source.len_bytes())
    }
}

impl Part {
    fn poll_piece(&mut self, context: &mut Context<'_>, seat: &Seat) -> Poll<io::Result<Bytes>> {
        if let Next::Unread = self.next {
            self.next = self.begin(seat);
        }
        let had_to_wait = self.next.is_waiting();
        let outcome = match &mut self.next {
            Next::Small(reading) => reading.poll(context),
            Next::Piece(reading, _) => reading.poll(context),
            Next::Unread => Poll::Ready(Ok(())),
        };
        let Poll::Ready(outcome) = outcome else {
            seat.pace().on_work(Instant::now());
            return Poll::Pending;
        };
        if had_to_wait {
            seat.pace().on_work_done(Instant::now());
        }
        outcome.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => {
                io::Error::new(ErrorKind::UnexpectedEof, "the file became shorter while it was sent")
            }
            _ => error,
        })?;
        let piece = match std::mem::replace(&mut self.next, Next::Unread) {
            Next::Small(Reading::Done(piece)) => piece.into(),
            Next::Piece(Reading::Done(piece), len_bytes) => {
                let mut pieces = seat.pieces();
                pieces.grow(seat.piece_bytes_max());
                pieces.lend(piece).slice(..len_bytes)
            }
            Next::Unread | Next::Small(_) | Next::Piece(..) => Bytes::new(),
        };
        self.at += piece.len() as u64;
        self.left_bytes -= piece.len() as u64;
        Poll::Ready(Ok(piece))
    }

    fn begin(&self, seat: &Seat) -> Next {
        let left_bytes = usize::try_from(self.left_bytes).unwrap_or(usize::MAX);
        if self.left_bytes <= SMALL_BYTES && !seat.pieces().are_lent() {
            let whole = vec![0; left_bytes];
            return Next::Small(Reading::begin(&self.file, self.at, whole, left_bytes));
        }
        let piece = seat.pieces().take();
        let len_bytes = piece.len().min(left_bytes);
        Next::Piece(Reading::begin(&self.file, self.at, piece, len_bytes), len_bytes)
    }
}

impl Next {
    fn is_waiting(&self) -> bool {
        match self {
            Next::Unread => false,
            Next::Small(reading) => reading.is_waiting(),
            Next::Piece(reading, _) => reading.is_waiting(),
        }
    }
}
