//! The body of a message: how its end is found, and how it is read (RFC 9112 §6 and §7).

use super::head::Fields;
use std::io::{self, BufRead, ErrorKind, Read};

/// How a reader knows where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is no body.
    Empty,
    /// After this many bytes.
    Length(u64),
    /// It comes in chunks, each with its length.
    Chunked,
    /// With the connection (responses only).
    UntilClose,
}

/// Why a message cannot be framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FramingError {
    /// `Content-Length` is no number, or there are several.
    BadLength,
    /// Both a length and chunks, as in request smuggling (RFC 9112 §6.1).
    LengthAndChunks,
    /// A transfer coding other than chunked.
    UnknownCoding,
}

/// How the body of a request ends (RFC 9112 §6.3).
pub(crate) fn framing_of_request(fields: &Fields) -> Result<Framing, FramingError> {
    Ok(declared(fields)?.unwrap_or(Framing::Empty))
}

/// How the body of a final response to `GET` ends (RFC 9112 §6.3).
pub(crate) fn framing_of_response(status: u16, fields: &Fields) -> Result<Framing, FramingError> {
    if matches!(status, 204 | 304) {
        return Ok(Framing::Empty);
    }
    Ok(declared(fields)?.unwrap_or(Framing::UntilClose))
}

fn declared(fields: &Fields) -> Result<Option<Framing>, FramingError> {
    let mut codings = fields
        .all("transfer-encoding")
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|c| !c.is_empty());
    let mut lengths = fields.all("content-length").flat_map(|value| value.split(',')).map(str::trim);
    match (codings.next(), codings.next(), lengths.next()) {
        (None, None, None) => Ok(None),
        (None, _, Some(length)) => {
            // The same length twice is harmless (RFC 9110 §8.6).
            let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
            let same = lengths.all(|other| other == length);
            let length = length.parse().ok().filter(|_| is_number && same).ok_or(FramingError::BadLength)?;
            Ok(Some(Framing::Length(length)))
        }
        (Some(_), _, Some(_)) => Err(FramingError::LengthAndChunks),
        (Some(coding), None, None) if coding.eq_ignore_ascii_case("chunked") => Ok(Some(Framing::Chunked)),
        _ => Err(FramingError::UnknownCoding),
    }
}

/// The longest line of chunk framing. No honest client sends extensions that are longer.
const LINE_BYTES_MAX: u64 = 4 << 10;
/// The most trailer fields. They are read and dropped.
const TRAILER_LINES_MAX: usize = 100;

/// Reads a body to its end and no further.
///
/// Reading gives `UnexpectedEof` if the connection ends first, `InvalidData` for malformed chunks.
#[derive(Debug)]
pub(crate) struct Body<R> {
    from: R,
    left: Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// Bytes of a body with a length.
    Bytes(u64),
    /// Bytes of this chunk, and then its line end.
    Chunk(u64),
    /// The next thing is the line with a chunk's size.
    ChunkLine,
    UntilClose,
}

impl<R: BufRead> Body<R> {
    /// The body that begins at the current position of `from`.
    pub(crate) fn new(from: R, framing: Framing) -> Self {
        let left = match framing {
            Framing::Empty | Framing::Length(0) => Left::Nothing,
            Framing::Length(length) => Left::Bytes(length),
            Framing::Chunked => Left::ChunkLine,
            Framing::UntilClose => Left::UntilClose,
        };
        Body { from, left }
    }

    /// Whether everything was read.
    pub(crate) fn is_done(&self) -> bool {
        self.left == Left::Nothing
    }

    fn read_counted(&mut self, into: &mut [u8], left_bytes: u64) -> io::Result<usize> {
        let most = usize::try_from(left_bytes).unwrap_or(usize::MAX).min(into.len());
        let taken = self.from.read(&mut into[..most])?;
        if taken == 0 && most > 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(taken)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        match line.pop() {
            Some(b'\n') => {}
            Some(_) if line.len() as u64 >= LINE_BYTES_MAX - 1 => {
                return Err(bad("a chunk's line is too long"));
            }
            _ => return Err(ErrorKind::UnexpectedEof.into()),
        }
        line.pop_if(|byte| *byte == b'\r');
        String::from_utf8(line).map_err(|_| bad("a chunk's line is not text"))
    }

    fn chunk_line(&mut self) -> io::Result<()> {
        let line = self.line()?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = u64::from_str_radix(digits, 16).ok().filter(|_| is_hex);
        match size.ok_or_else(|| bad("a chunk has no size"))? {
            0 => {
                for _ in 0..TRAILER_LINES_MAX {
                    if self.line()?.is_empty() {
                        self.left = Left::Nothing;
                        return Ok(());
                    }
                }
                Err(bad("there are too many trailer fields"))
            }
            size => {
                self.left = Left::Chunk(size);
                Ok(())
            }
        }
    }
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match self.left {
                Left::Nothing => return Ok(0),
                Left::UntilClose => {
                    let taken = self.from.read(into)?;
                    if taken == 0 {
                        self.left = Left::Nothing;
                    }
                    return Ok(taken);
                }
                Left::Bytes(left_bytes) => {
                    let taken = self.read_counted(into, left_bytes)?;
                    let left_bytes = left_bytes - taken as u64;
                    self.left = if left_bytes == 0 { Left::Nothing } else { Left::Bytes(left_bytes) };
                    return Ok(taken);
                }
                Left::Chunk(0) => {
                    if !self.line()?.is_empty() {
                        return Err(bad("a chunk is longer than its size"));
                    }
                    self.left = Left::ChunkLine;
                }
                Left::Chunk(left_bytes) => {
                    let taken = self.read_counted(into, left_bytes)?;
                    self.left = Left::Chunk(left_bytes - taken as u64);
                    return Ok(taken);
                }
                Left::ChunkLine => self.chunk_line()?,
            }
        }
    }
}

fn bad(sentence: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, sentence)
}

#[cfg(test)]
mod tests;
