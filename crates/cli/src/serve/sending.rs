//! A reply on the wire: its head, then its content, in pieces that the stack takes without copying.

use super::reply::{After, Content, Reply, reason};
use crate::http::PRODUCT;
use bytes::Bytes;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::time::SystemTime;
use synfin::net::TcpStream;

/// Bytes read from a file at once: four super-segments.
const PIECE_BYTES: usize = 256 << 10;

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
    let mut piece = head(&reply, after).into_bytes();
    match (reply.into_content(), shown) {
        (Content::Text(text), Shown::Whole) => {
            piece.extend(text.into_bytes());
            send_all(stream, piece)
        }
        (Content::File { file, first, len_bytes }, Shown::Whole) => {
            send_file(stream, piece, file, first, len_bytes)
        }
        _ => send_all(stream, piece),
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
    mut piece: Vec<u8>,
    mut file: File,
    first: u64,
    len_bytes: u64,
) -> io::Result<()> {
    if first > 0 {
        file.seek(SeekFrom::Start(first))?;
    }
    let mut left_bytes = len_bytes;
    while left_bytes > 0 {
        let most = left_bytes.min(PIECE_BYTES as u64);
        piece.reserve_exact(most as usize);
        let taken = file.by_ref().take(most).read_to_end(&mut piece)? as u64;
        if taken < most {
            let sentence = "the file became shorter while it was sent";
            return Err(io::Error::new(ErrorKind::UnexpectedEof, sentence));
        }
        left_bytes -= taken;
        send_all(stream, std::mem::take(&mut piece))?;
    }
    if piece.is_empty() { Ok(()) } else { send_all(stream, piece) }
}

fn send_all(stream: &TcpStream, piece: Vec<u8>) -> io::Result<()> {
    let mut rest = Bytes::from(piece);
    while !rest.is_empty() {
        let taken = stream.write_bytes(rest.clone())?;
        if taken == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        rest = rest.slice(taken..);
    }
    Ok(())
}
