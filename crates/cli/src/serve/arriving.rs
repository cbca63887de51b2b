//! The body of a request as it arrives.

use super::reply::Reply;
use super::seats::Seat;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::io::{self, ErrorKind};
use std::time::Instant;

/// What is left of a body that nobody wants is read so far, to keep the connection.
const UNWANTED_BYTES_MAX: usize = 256 << 10;

/// A body that arrives from whoever sits there, and has the time that bodies have.
pub(crate) struct Arriving<'a> {
    body: Incoming,
    is_over: bool,
    seat: &'a Seat,
}

/// A body that does not come to its end: the connection, or the chunks.
#[derive(Debug)]
pub(crate) struct Broken(hyper::Error);

impl<'a> Arriving<'a> {
    /// This body from this seat.
    pub(crate) fn new(body: Incoming, seat: &'a Seat) -> Arriving<'a> {
        let is_over = body.is_end_stream();
        Arriving { body, is_over, seat }
    }

    /// Whether everything has arrived and was taken.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next bytes. The time until they come is the peer's, all other time is ours.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        loop {
            self.seat.pace().on_work_done(Instant::now());
            let frame = self.body.frame().await;
            self.seat.pace().on_work(Instant::now());
            let Some(frame) = frame else {
                self.is_over = true;
                return None;
            };
            match frame.map(|frame| frame.into_data()) {
                Ok(Ok(bytes)) => return Some(Ok(bytes)),
                // Trailer fields mean nothing here.
                Ok(Err(_)) => {}
                Err(error) => return Some(Err(Broken(error))),
            }
        }
    }

    /// Reads what nobody wants, if it is short: then the connection can be used again.
    pub(crate) async fn discard(&mut self) {
        let mut read_bytes = 0;
        while read_bytes < UNWANTED_BYTES_MAX
            && let Some(Ok(bytes)) = self.next().await
        {
            read_bytes += bytes.len();
        }
    }
}

impl Broken {
    /// What is said about it, if anybody still listens.
    pub(crate) fn reply(&self) -> Reply {
        let mut cause = std::error::Error::source(&self.0);
        let mut is_malformed = self.0.is_parse();
        while let Some(error) = cause {
            let io = error.downcast_ref::<io::Error>();
            is_malformed |=
                io.is_some_and(|io| matches!(io.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData));
            cause = error.source();
        }
        let sentence = if is_malformed { "The chunks are wrong." } else { "The upload ends too early." };
        Reply::plain(StatusCode::BAD_REQUEST, sentence).for_the_last_time()
    }
}
