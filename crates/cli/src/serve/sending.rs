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

/// Sends a reply.
///
/// # Errors
/// Those of the connection, a `WouldBlock` when the peer takes nothing for too long, and those of the
/// file: then the peer has less than was announced, and the connection must not be used again.
pub(crate) fn send(stream: &TcpStream, reply: Reply, shown: Shown, after: After) -> io::Result<()> {
    let mut head = head(&reply, after).into_bytes();
    match (reply.into_content(), shown) {
        (Content::Text(text), Shown::Whole) => {
            head.extend(text.into_bytes());
            send_all(stream, head.into()).map(drop)
        }
        (Content::File { file, first, len_bytes }, Shown::Whole) => {
            send_file(stream, head, file, first, len_bytes)
        }
        _ => send_all(stream, head.into()).map(drop),
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
) -> io::Result<()> {
    if first > 0 {
        file.seek(SeekFrom::Start(first))?;
    }
    let mut left_bytes = len_bytes;
    if left_bytes <= SMALL_BYTES {
        let mut piece = head;
        let read_bytes = file.take(left_bytes).read_to_end(&mut piece)? as u64;
        return if read_bytes < left_bytes {
            Err(became_shorter())
        } else {
            send_all(stream, piece.into()).map(drop)
        };
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
        if send_all(stream, pieces.lend(piece).slice(..most))? == Sent::AtOnce {
            pieces.grow();
        }
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
    piece_bytes: usize,
}

impl Default for Pieces {
    fn default() -> Self {
        Pieces { lent: VecDeque::new(), piece_bytes: PIECE_BYTES_MIN }
    }
}

impl Pieces {
    fn take(&mut self) -> BytesMut {
        match self.lent.pop_front().map(Bytes::try_into_mut) {
            Some(Ok(piece)) if piece.len() == self.piece_bytes => return piece,
            // One from when they were smaller.
            Some(Ok(_)) | None => {}
            Some(Err(still_lent)) => self.lent.push_front(still_lent),
        }
        BytesMut::zeroed(self.piece_bytes)
    }

    /// The peer takes all that it is given.
    fn grow(&mut self) {
        self.piece_bytes = (2 * self.piece_bytes).min(PIECE_BYTES_MAX);
    }

    fn lend(&mut self, piece: BytesMut) -> Bytes {
        let piece = piece.freeze();
        self.lent.push_back(piece.clone());
        piece
    }
}

/// How something was taken by the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    AtOnce,
    InParts,
}

fn send_all(stream: &TcpStream, mut rest: Bytes) -> io::Result<Sent> {
    let mut sent = Sent::AtOnce;
    while !rest.is_empty() {
        let taken = stream.write_bytes(rest.clone())?;
        if taken == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        rest = rest.slice(taken..);
        if !rest.is_empty() {
            sent = Sent::InParts;
        }
    }
    Ok(sent)
}
