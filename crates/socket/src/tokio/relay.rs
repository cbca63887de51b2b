//! Bytes between a connection of a stack and something else, both ways, until both have ended.
//!
//! Nothing is held in between. What arrived stays in the connection until the other side takes it, so the window that
//! is offered to the peer shrinks while the other side is slow; and no more is read from the other side than the send
//! queue takes. So a relay that has nothing to do keeps no buffer: ten thousand idle ones cost their connections and
//! nothing else. (`tokio::io::copy_bidirectional` works as well, with 16 KB for each.)

use super::tcp_stream::TcpStream;
use crate::{Interest, Place, Reach};
use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are copied at once.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that one poll moves in one direction, so that the other, and other tasks, have their turn.
const PIECES_PER_POLL: usize = 8;

/// How much a [`relay`] has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Relayed {
    /// Bytes that the peer of the connection has sent, and that the other side has taken.
    pub outward_bytes: u64,
    /// Bytes that the other side has sent, and that are queued for the peer.
    pub inward_bytes: u64,
}

/// How far one direction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Moves,
    /// The source has ended; the sink is being told.
    Ends,
    HasEnded,
}

thread_local! {
    /// Where pieces are copied through. One for each thread is enough, because nothing stays in it between two polls.
    static PIECE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Moves bytes between a connection and something else until both directions have ended: the end of one is passed on
/// (half-close), and the other goes on.
///
/// ```no_run
/// # async fn serve(mut stream: synfin_socket::tokio::TcpStream<impl synfin_socket::Reach + Unpin>) ->
/// std::io::Result<()> { let mut beyond = tokio::net::TcpStream::connect("127.0.0.1:8080").await?;
/// let relayed = synfin_socket::tokio::relay(&mut stream, &mut beyond).await?;
/// println!("{} bytes out, {} bytes in", relayed.outward_bytes, relayed.inward_bytes);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The first failure of either side. Drop both then: the connection resets its peer if something was lost.
pub async fn relay<R, T>(stream: &mut TcpStream<R>, beyond: &mut T) -> io::Result<Relayed>
where
    R: Reach,
    T: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let mut relayed = Relayed::default();
    let (mut outward, mut inward) = (Direction::Moves, Direction::Moves);
    let mut left_over = Vec::new();
    poll_fn(|context| {
        let out = poll_outward(context, stream, beyond, &mut outward, &mut relayed.outward_bytes)?;
        let moved = &mut relayed.inward_bytes;
        let back = poll_inward(context, stream, beyond, &mut inward, &mut left_over, moved)?;
        if out.is_ready() && back.is_ready() { Poll::Ready(Ok::<_, io::Error>(())) } else { Poll::Pending }
    })
    .await?;
    Ok(relayed)
}

/// From the peer of the connection to the other side.
fn poll_outward<R: Reach, T: AsyncWrite + Unpin + ?Sized>(
    context: &mut Context<'_>,
    stream: &TcpStream<R>,
    beyond: &mut T,
    direction: &mut Direction,
    moved_bytes: &mut u64,
) -> Poll<io::Result<()>> {
    for _ in 0..PIECES_PER_POLL {
        match direction {
            Direction::HasEnded => return Poll::Ready(Ok(())),
            Direction::Ends => {
                ready!(Pin::new(&mut *beyond).poll_shutdown(context))?;
                *direction = Direction::HasEnded;
            }
            Direction::Moves => {
                let taken = ready!(with_piece(|piece| {
                    let count = ready!(stream.poll_piece(context, piece))?;
                    if count == 0 {
                        return Poll::Ready(Ok(None));
                    }
                    // What is not taken stays in the connection.
                    let taken = ready!(Pin::new(&mut *beyond).poll_write(context, &piece[..count]))?;
                    Poll::Ready(Ok::<_, io::Error>(Some(taken)))
                }))?;
                match taken {
                    None => *direction = Direction::Ends,
                    Some(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Some(taken) => {
                        stream.skip(taken);
                        *moved_bytes += taken as u64;
                    }
                }
            }
        }
    }
    context.waker().wake_by_ref();
    Poll::Pending
}

/// From the other side to the peer of the connection. `left_over`: what was read and not taken.
fn poll_inward<R: Reach, T: AsyncRead + Unpin + ?Sized>(
    context: &mut Context<'_>,
    stream: &TcpStream<R>,
    beyond: &mut T,
    direction: &mut Direction,
    left_over: &mut Vec<u8>,
    moved_bytes: &mut u64,
) -> Poll<io::Result<()>> {
    for _ in 0..PIECES_PER_POLL {
        if *direction != Direction::Moves {
            return Poll::Ready(Ok(()));
        }
        let room = ready!(stream.poll_room(context))?;
        if !left_over.is_empty() {
            let taken = taken_of(stream.try_write(left_over))?;
            left_over.drain(..taken);
            *moved_bytes += taken as u64;
            continue;
        }
        let read = ready!(with_piece(|piece| {
            let most = room.min(piece.len());
            let mut buf = ReadBuf::new(&mut piece[..most]);
            ready!(Pin::new(&mut *beyond).poll_read(context, &mut buf))?;
            let read = buf.filled();
            if !read.is_empty() {
                // There was room, and nobody else writes; but the host's memory may have been used up since.
                let taken = taken_of(stream.try_write(read))?;
                left_over.extend_from_slice(&read[taken..]);
                *moved_bytes += taken as u64;
            }
            Poll::Ready(Ok::<_, io::Error>(read.len()))
        }))?;
        if read == 0 {
            *direction = Direction::HasEnded;
            stream.finish()?;
        }
    }
    context.waker().wake_by_ref();
    Poll::Pending
}

/// What a write has taken: nothing, if it would have had to wait.
fn taken_of(written: io::Result<usize>) -> io::Result<usize> {
    written.or_else(|error| if error.kind() == io::ErrorKind::WouldBlock { Ok(0) } else { Err(error) })
}

/// Lends the thread's buffer. Whoever is called inside may lend one too.
fn with_piece<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut piece = PIECE.take();
    piece.resize(PIECE_BYTES, 0);
    let outcome = work(&mut piece);
    PIECE.set(piece);
    outcome
}

impl<R: Reach> TcpStream<R> {
    /// Copies what can be read, and leaves it there; zero bytes are the end.
    fn poll_piece(&self, context: &Context<'_>, piece: &mut [u8]) -> Poll<io::Result<usize>> {
        let peeked =
            self.socket().poll(Interest::Read, Place::Slot, context, |core, _, id| core.poll_peek(id, piece));
        peeked.map_err(io::Error::from)
    }

    /// Removes what was copied.
    fn skip(&self, bytes: usize) {
        // It is there: nobody else reads.
        let _ = self.socket().attempt(|core, now, id| core.poll_read_with(now, id, bytes, |_| {}));
    }

    /// Waits until a write takes something; returns how many bytes.
    fn poll_room(&self, context: &Context<'_>) -> Poll<io::Result<usize>> {
        let room = self
            .socket()
            .poll(Interest::Write, Place::Slot, context, |core, now, id| core.poll_room(now, id));
        room.map_err(io::Error::from)
    }
}
