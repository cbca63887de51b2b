//! The head of a message: the first line and the fields, up to the empty line (RFC 9112 §2 to §5).
//!
//! A head is bounded in bytes, in fields and in time. Field names are kept in lower case.

use std::io::{self, BufRead, ErrorKind};
use std::time::Instant;

/// The longest head, in bytes: four times what common servers allow for one line.
pub(crate) const HEAD_BYTES_MAX: usize = 32 << 10;
/// The most fields in a head.
const FIELDS_MAX: usize = 100;
/// The most interim responses before a final one: no honest server sends more than a few.
const INTERIM_RESPONSES_MAX: usize = 16;

/// Why there is no head.
#[derive(Debug)]
pub(crate) enum HeadError {
    /// The connection ended where a head would have begun.
    Ended,
    /// Nothing came before the deadline.
    Idle,
    /// A head began and did not end in time.
    Slow,
    /// The connection ended within the head.
    Cut,
    /// It is longer than [`HEAD_BYTES_MAX`] or has too many fields.
    TooLong,
    /// It is not HTTP/1.
    Malformed(&'static str),
    /// The connection failed.
    Io(io::Error),
}

/// The fields of a head, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// `GET`, as it was written.
    pub(crate) method: String,
    /// The target of the request, as it was written.
    pub(crate) target: String,
    /// The 1 of `HTTP/1.1`.
    pub(crate) minor_version: u8,
    /// The fields.
    pub(crate) fields: Fields,
}

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// 200.
    pub(crate) status: u16,
    /// `OK`, or whatever the server calls it.
    pub(crate) reason: String,
    /// The 1 of `HTTP/1.1`.
    pub(crate) minor_version: u8,
    /// The fields.
    pub(crate) fields: Fields,
}

impl Fields {
    /// The first field of this name (in lower case).
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All fields of this name (in lower case).
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether this field, which is a list, contains a member in any case of letters.
    pub(crate) fn lists(&self, name: &str, member: &str) -> bool {
        self.all(name).flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(member))
    }

    fn from_parsed(fields: &[httparse::Header<'_>]) -> Result<Fields, HeadError> {
        let kept = fields.iter().map(|field| {
            let value = String::from_utf8_lossy(field.value).trim().to_owned();
            // httparse refuses names that are no tokens.
            (field.name.to_ascii_lowercase(), value)
        });
        Ok(Fields(kept.collect()))
    }
}

impl Request {
    /// Reads a request's head, which must be there by `deadline`.
    pub(crate) fn read(from: &mut impl BufRead, deadline: Instant) -> Result<Request, HeadError> {
        let head = read_head(from, deadline)?;
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut parsed = httparse::Request::new(&mut fields);
        complete(parsed.parse(&head))?;
        match (parsed.method, parsed.path, parsed.version) {
            (Some(method), Some(target), Some(minor_version)) => Ok(Request {
                method: method.to_owned(),
                target: target.to_owned(),
                minor_version,
                fields: Fields::from_parsed(parsed.headers)?,
            }),
            _ => Err(HeadError::Malformed("the request line is incomplete")),
        }
    }

    /// Whether the peer wants to use the connection again (RFC 9112 §9.3).
    pub(crate) fn wants_to_stay(&self) -> bool {
        if self.fields.lists("connection", "close") {
            return false;
        }
        if self.minor_version >= 1 {
            return true;
        }
        // HTTP/1.0 knows no transfer codings: somebody on the way may have taken the end of this message
        // to be elsewhere, and what follows for its own (RFC 9112 §6.1).
        self.fields.first("transfer-encoding").is_none() && self.fields.lists("connection", "keep-alive")
    }
}

impl Response {
    /// Reads a response's head, which must be there by `deadline`. Interim responses are skipped.
    pub(crate) fn read(from: &mut impl BufRead, deadline: Instant) -> Result<Response, HeadError> {
        for _ in 0..INTERIM_RESPONSES_MAX {
            let response = Response::parse(&read_head(from, deadline)?)?;
            if !(100..200).contains(&response.status) {
                return Ok(response);
            }
        }
        Err(HeadError::Malformed("there are only interim responses"))
    }

    fn parse(head: &[u8]) -> Result<Response, HeadError> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut parsed = httparse::Response::new(&mut fields);
        complete(parsed.parse(head))?;
        match (parsed.code, parsed.version) {
            (Some(status), Some(minor_version)) => Ok(Response {
                status,
                reason: parsed.reason.unwrap_or_default().to_owned(),
                minor_version,
                fields: Fields::from_parsed(parsed.headers)?,
            }),
            _ => Err(HeadError::Malformed("the status line is incomplete")),
        }
    }
}

fn complete(outcome: httparse::Result<usize>) -> Result<(), HeadError> {
    match outcome {
        Ok(httparse::Status::Complete(_)) => Ok(()),
        Ok(httparse::Status::Partial) => Err(HeadError::Malformed("the head ends too early")),
        Err(httparse::Error::TooManyHeaders) => Err(HeadError::TooLong),
        Err(httparse::Error::Version) => Err(HeadError::Malformed("it is not HTTP/1.0 or HTTP/1.1")),
        Err(httparse::Error::HeaderName | httparse::Error::HeaderValue) => {
            Err(HeadError::Malformed("a header field has characters that are not allowed"))
        }
        Err(_) => Err(HeadError::Malformed("the first line is not HTTP")),
    }
}

/// Reads up to and including the empty line, and no further.
fn read_head(from: &mut impl BufRead, deadline: Instant) -> Result<Vec<u8>, HeadError> {
    let mut head = Vec::new();
    loop {
        let early = head.is_empty();
        let arrived = match from.fill_buf() {
            Ok([]) if early => return Err(HeadError::Ended),
            Ok([]) => return Err(HeadError::Cut),
            Ok(arrived) => arrived,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(if early { HeadError::Idle } else { HeadError::Slow });
            }
            Err(error) => return Err(HeadError::Io(error)),
        };
        let known_bytes = head.len();
        head.extend_from_slice(arrived);
        let arrived_bytes = arrived.len();
        if early {
            // RFC 9112 §2.2: at least one empty line before a request is to be ignored.
            let blank = head.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            head.drain(..blank.min(4));
            if head.is_empty() {
                from.consume(arrived_bytes);
                continue;
            }
        }
        match end_of_head(&head, known_bytes) {
            Some(end) => {
                let surplus = head.len() - end;
                from.consume(arrived_bytes - surplus);
                head.truncate(end);
                return if end > HEAD_BYTES_MAX { Err(HeadError::TooLong) } else { Ok(head) };
            }
            None if head.len() > HEAD_BYTES_MAX => return Err(HeadError::TooLong),
            None => from.consume(arrived_bytes),
        }
        if Instant::now() >= deadline {
            return Err(HeadError::Slow);
        }
    }
}

/// Where the head ends, if it does; the first `known_bytes` were searched before.
fn end_of_head(head: &[u8], known_bytes: usize) -> Option<usize> {
    let from = known_bytes.saturating_sub(3);
    let mut lines = head.iter().enumerate().skip(from).filter(|(_, byte)| **byte == b'\n');
    lines.find_map(|(at, _)| {
        let line = &head[..at];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.ends_with(b"\n").then_some(at + 1)
    })
}

#[cfg(test)]
mod tests;
