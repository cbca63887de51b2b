//! A reply on the wire: its head, then its content, in pieces that the stack takes without copying.

use super::reply::{After, Content, Reply, reason};
use crate::http::PRODUCT;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::time::SystemTime;
use synfin::net::TcpStream;

/// Bytes read from a file at once, to begin with: a peer that takes nothing makes us hold no more.
const PIECE_BYTES_MIN: usize = 16 << 10;
/// The same to a peer that takes all that it is given: four super-segments.
const PIECE_BYTES_MAX: usize = 256 << 10;
/// Pieces that are kept to be filled again: as many of the largest size as a send queue holds.
const FREE_PIECES_MAX: usize = 16;
/// A file that goes out in one piece with its head.
const SMALL_BYTES: u64 = 64 << 10;

/// How much of a reply is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The head and the content.
    Whole,
    /// The head alone, as it would be with the content (RFC 9110 §9.3.2).
    HeadOnly,
}

/// Sends a reply. `piece_bytes_max` is asked again and again how much of a file may be in memory at once:
/// what is lent to the stack is this program's memory and not in the host's budget.
///
/// # Errors
/// Those of the connection, a `WouldBlock` when the peer takes nothing for too long, and those of the
/// file: then the peer has less than was announced, and the connection must not be used again.
pub(crate) fn send(
    stream: &TcpStream,
    reply: Reply,
    shown: Shown,
    after: After,
    piece_bytes_max: &dyn Fn() -> usize,
) -> io::Result<()> {
    let mut head = head(&reply, after).into_bytes();
    match (reply.into_content(), shown) {
        (Content::Text(text), Shown::Whole) => {
            head.extend(text.into_bytes());
            send_all(stream, head.into())
        }
        (Content::File { file, first, len_bytes }, Shown::Whole) => {
            send_file(stream, head, file, first, len_bytes, piece_bytes_max)
        }
        _ => send_all(stream, head.into()),
    }
}

fn head(reply: &Reply, after: After) -> String {
    let status = reply.status();
    let date = httpdate::fmt_http_date(SystemTime::now());
    let mut head = format!("HTTP/1.1 {status} {}\r\nDate: {date}\r\nServer: {PRODUCT}\r\n", reason(status));
    for (name, value) in reply.fields() {
        head += &format!("{name}: {value}\r\n");
    }
    if let Some(len_bytes) = reply.len_bytes() {
        head += &format!("Content-Length: {len_bytes}\r\n");
    }
    head += match after {
        After::Stay => "Connection: keep-alive\r\n\r\n",
        After::Part => "Connection: close\r\n\r\n",
    };
    head
}

fn send_file(
    stream: &TcpStream,
    head: Vec<u8>,
    mut file: File,
    first: u64,
    len_bytes: u64,
    piece_bytes_max: &dyn Fn() -> usize,
) -> io::Result<()> {
    if first > 0 {
        file.seek(SeekFrom::Start(first))?;
    }
    let mut left_bytes = len_bytes;
    if left_bytes <= SMALL_BYTES {
        let mut piece = head;
        let read_bytes = file.take(left_bytes).read_to_end(&mut piece)? as u64;
        return if read_bytes < left_bytes { Err(became_shorter()) } else { send_all(stream, piece.into()) };
    }
    send_all(stream, head.into())?;
    let mut pieces = Pieces::default();
    while left_bytes > 0 {
        let mut piece = pieces.take();
        let most = left_bytes.min(piece.len() as u64) as usize;
        file.read_exact(&mut piece[..most]).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => became_shorter(),
            _ => error,
        })?;
        left_bytes -= most as u64;
        send_all(stream, pieces.lend(piece).slice(..most))?;
        pieces.grow(piece_bytes_max());
    }
    Ok(())
}

fn became_shorter() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the file became shorter while it was sent")
}

/// Buffers that go round: the stack holds one until the peer has acknowledged it, then it is filled
/// again. New memory for each would cost the system a page fault every 4 KB.
struct Pieces {
    /// In the order in which they were lent; no more than the send queue can hold.
    lent: VecDeque<Bytes>,
    /// Acknowledged, all of the present size.
    free: Vec<BytesMut>,
    piece_bytes: usize,
}

impl Default for Pieces {
    fn default() -> Self {
        Pieces { lent: VecDeque::new(), free: Vec::new(), piece_bytes: PIECE_BYTES_MIN }
    }
}

impl Pieces {
    fn take(&mut self) -> BytesMut {
        while let Some(piece) = self.lent.pop_front() {
            match piece.try_into_mut() {
                Ok(piece) => self.free.push(piece),
                Err(still_lent) => {
                    self.lent.push_front(still_lent);
                    break;
                }
            }
        }
        let piece_bytes = self.piece_bytes;
        self.free.retain(|piece| piece.len() == piece_bytes);
        self.free.truncate(FREE_PIECES_MAX);
        self.free.pop().unwrap_or_else(|| BytesMut::zeroed(piece_bytes))
    }

    /// The peer took all that it was given: the next pieces are larger, if so much may be held.
    fn grow(&mut self, piece_bytes_max: usize) {
        let most = piece_bytes_max.clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX);
        self.piece_bytes = (2 * self.piece_bytes).min(most);
    }

    fn lend(&mut self, piece: BytesMut) -> Bytes {
        let piece = piece.freeze();
        self.lent.push_back(piece.clone());
        piece
    }
}

/// A write that blocks takes less than it is given only when the connection has ended or the time for it
/// is over: to go on would give the peer the same time again.
fn send_all(stream: &TcpStream, text: Bytes) -> io::Result<()> {
    let len_bytes = text.len();
    if len_bytes > 0 && stream.write_bytes(text)? < len_bytes {
        return Err(ErrorKind::WouldBlock.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use device::memory;
    use std::time::{Duration, Instant};
    use synfin::Stack;
    use synfin::net::TcpListener;
    use wire::LinkCapabilities;

    #[test]
    fn a_peer_that_takes_nothing_is_given_its_time_once() {
        let (near, far) = memory::pair(LinkCapabilities::default());
        let server = Stack::builder().link(near).address("10.0.0.1/24").start().expect("a stack");
        let client = Stack::builder().link(far).address("10.0.0.2/24").start().expect("a stack");
        let listener = TcpListener::bind(&server, "10.0.0.1:80").expect("a free port");
        let silent = TcpStream::connect(&client, "10.0.0.1:80").expect("an answer");
        let (stream, _) = listener.accept().expect("a connection");
        let patience = Duration::from_secs(2);
        stream.set_write_timeout(Some(patience)).expect("it is open");
        let asked = Instant::now();
        let refused = send_all(&stream, vec![0; 64 << 20].into()).expect_err("nobody reads");
        assert_eq!(refused.kind(), ErrorKind::WouldBlock);
        assert!(asked.elapsed() < 2 * patience, "{:?}", asked.elapsed());
        drop(silent);
    }

    #[test]
    fn pieces_grow_to_their_share_and_become_smaller_with_it() {
        let mut pieces = Pieces::default();
        for (share, expected) in
            [(1 << 30, 32 << 10), (1 << 30, 64 << 10), (40 << 10, 40 << 10), (0, PIECE_BYTES_MIN)]
        {
            pieces.grow(share);
            assert_eq!(pieces.take().len(), expected);
        }
    }

    #[test]
    fn what_the_peer_has_acknowledged_is_filled_again_and_no_hoard_is_kept() {
        let mut pieces = Pieces::default();
        let acknowledged: Vec<Bytes> = (0..20)
            .map(|_| {
                let piece = pieces.take();
                pieces.lend(piece)
            })
            .collect();
        assert_eq!(pieces.lent.len(), acknowledged.len(), "all are with the stack");
        drop(acknowledged);
        drop(pieces.take());
        assert_eq!((pieces.lent.len(), pieces.free.len()), (0, FREE_PIECES_MAX - 1));
    }
}
