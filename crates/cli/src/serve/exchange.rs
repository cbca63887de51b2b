//! One connection: request after request until one end has had enough (RFC 9112 §9).
//!
//! What a request means is decided in [`super::reply`]; here is the order of things: read a head,
//! answer, read what is left of the body or leave, and how to leave.

use super::folder::Folder;
use super::journal::{Asked, Journal};
use super::reply::{self, After, Reply};
use super::sending;
use crate::http::body::{Body, Framing, FramingError, framing_of_request};
use crate::http::head::{HeadError, Request};
use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};
use synfin::net::TcpStream;

/// How long a connection may be idle between requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// A minute, as browsers expect.
    Usual,
    /// Two seconds: others wait for the thread.
    Short,
}

/// What a connection may have of what all of them share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// How long it may be idle between requests.
    pub(crate) patience: Patience,
    /// How much of a file it may hold in memory in one piece; it holds two or three.
    pub(crate) piece_bytes_max: usize,
}

/// From a request's first byte to the end of its head.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long a peer may take for anything at all within a body, or let us wait with an answer's.
const STALL_TIME: Duration = Duration::from_secs(60);
/// Requests on one connection, so that a thread is free again some day.
const REQUESTS_MAX: usize = 100_000;
/// Reads at once: heads fit, and a body that goes to a file is read past this buffer.
const READ_BYTES: usize = 16 << 10;
/// What is left of a body that nobody wants is read so far, to keep the connection.
const UNWANTED_BYTES_MAX: u64 = 256 << 10;
/// How long, and how much, is read and thrown away after our last word, so that it is not lost: data
/// that arrives on a closed socket is answered with a reset, which overtakes what we said.
const PARTING_TIME: Duration = Duration::from_secs(2);
const PARTING_BYTES_MAX: u64 = 16 << 20;

/// A connection being served.
pub(crate) struct Exchange<'a> {
    stream: &'a TcpStream,
    from: BufReader<&'a TcpStream>,
    folder: &'a Folder,
    journal: &'a Journal,
    share: &'a dyn Fn() -> Share,
}

/// Whether another request may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Another,
    Part,
}

impl<'a> Exchange<'a> {
    /// Serves this connection from this folder. `share` is asked again and again, because others come and go.
    pub(crate) fn new(
        stream: &'a TcpStream,
        folder: &'a Folder,
        journal: &'a Journal,
        share: &'a dyn Fn() -> Share,
    ) -> Self {
        Exchange { stream, from: BufReader::with_capacity(READ_BYTES, stream), folder, journal, share }
    }

    /// Serves it to its end. The caller drops the stream, which sends the FIN.
    pub(crate) fn run(mut self) {
        for _ in 0..REQUESTS_MAX {
            let idle = match (self.share)().patience {
                Patience::Usual => STALL_TIME,
                Patience::Short => Duration::from_secs(2),
            };
            // A connection that is gone says so when it is read from.
            let _ = self.stream.set_read_timeout(Some(idle));
            let _ = self.stream.set_write_timeout(Some(STALL_TIME));
            match self.one() {
                Ok(Next::Another) => {}
                Ok(Next::Part) => return self.part(),
                Err(_) => return self.abandon(),
            }
        }
    }

    /// One request and its answer. An error is the connection's.
    fn one(&mut self) -> io::Result<Next> {
        let request = match Request::read(&mut self.from, Instant::now() + HEAD_TIME) {
            Ok(request) => request,
            // The usual end: nobody wants anything any more.
            Err(HeadError::Ended | HeadError::Idle) => return Ok(Next::Part),
            Err(HeadError::Io(error)) => return Err(error),
            Err(error) => {
                let reply = reply::to_no_request(&error);
                return self.answer(None, reply, After::Part);
            }
        };
        let framing = match framing_of_request(&request.fields) {
            Ok(framing) => framing,
            Err(error) => {
                let reply = match error {
                    FramingError::UnknownCoding => Reply::plain(
                        501,
                        "The body's transfer coding is not supported; send it chunked or with a length.",
                    ),
                    FramingError::BadLength => Reply::plain(400, "Content-Length is not one number."),
                    FramingError::LengthAndChunks => {
                        Reply::plain(400, "A body has a length or chunks, not both.")
                    }
                };
                return self.answer(Some(&request), reply, After::Part);
            }
        };
        let may_stay = if request.wants_to_stay() { After::Stay } else { After::Part };
        if request.method == "PUT" {
            return self.take_upload(&request, framing, may_stay);
        }
        let reply = reply::to(&request, self.folder);
        let after = self.discard(framing, may_stay)?;
        self.answer(Some(&request), reply, after)
    }

    fn take_upload(&mut self, request: &Request, framing: Framing, may_stay: After) -> io::Result<Next> {
        let upload = match self.folder.begin_upload(request, framing) {
            Ok(upload) => upload,
            Err(reply) => {
                // A client that waits for "100 Continue" has not sent the body and will not.
                let waits = request.fields.lists("expect", "100-continue");
                let after = if waits { After::Part } else { self.discard(framing, may_stay)? };
                return self.answer(Some(request), reply, after);
            }
        };
        if request.minor_version >= 1 && request.fields.lists("expect", "100-continue") {
            let mut stream = self.stream;
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        self.stream.set_read_timeout(Some(STALL_TIME))?;
        let mut body = Body::new(&mut self.from, framing);
        let reply = upload.take(&mut body);
        let after = if body.is_done() { may_stay } else { After::Part };
        self.answer(Some(request), reply, after)
    }

    /// Reads a body that nobody wants, if it is short; a longer one ends the connection.
    fn discard(&mut self, framing: Framing, may_stay: After) -> io::Result<After> {
        if framing == Framing::Empty {
            return Ok(may_stay);
        }
        let mut body = Body::new(&mut self.from, framing);
        match io::copy(&mut body.by_ref().take(UNWANTED_BYTES_MAX), &mut io::sink()) {
            Ok(_) if body.is_done() => Ok(may_stay),
            Ok(_) => Ok(After::Part),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(After::Part),
            Err(error) => Err(error),
        }
    }

    fn answer(&mut self, request: Option<&Request>, reply: Reply, after: After) -> io::Result<Next> {
        let after = if reply.is_last() { After::Part } else { after };
        let asked = Asked {
            peer: self.stream.peer_addr().ok(),
            method: request.map_or("-", |request| &request.method),
            target: request.map_or("-", |request| &request.target),
            status: reply.status(),
            body_bytes: reply.len_bytes(),
        };
        self.journal.asked(&asked);
        let is_head = request.is_some_and(|request| request.method == "HEAD");
        let shown = if is_head { sending::Shown::HeadOnly } else { sending::Shown::Whole };
        sending::send(self.stream, reply, shown, after, &|| (self.share)().piece_bytes_max)?;
        Ok(match after {
            After::Stay => Next::Another,
            After::Part => Next::Part,
        })
    }

    /// Ends the connection in order: our FIN, then a little patience for what the peer still sends.
    fn part(mut self) {
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let deadline = Instant::now() + PARTING_TIME;
        let mut scratch = vec![0; 64 << 10];
        let mut read_bytes = 0;
        while read_bytes < PARTING_BYTES_MAX {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
                return;
            }
            match self.from.read(&mut scratch) {
                Ok(0) | Err(_) => return,
                Ok(taken) => read_bytes += taken as u64,
            }
        }
    }

    /// Ends the connection of a peer that is gone, or that must not take what it got for the whole.
    fn abandon(self) {
        // A stream that cannot be told is gone already.
        let _ = self.stream.set_linger(Some(Duration::ZERO));
    }
}
