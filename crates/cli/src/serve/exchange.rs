//! One connection: request after request until one end has had enough (RFC 9112 §9).
//!
//! hyper reads heads and writes answers. What a request means is decided in [`super::reply`]; here is the order of
//! things: answer, read what is left of the body or leave, and how to leave.

use super::arriving::Arriving;
use super::content::Sent;
use super::disk;
use super::folder::{Folder, refusal};
use super::journal::{Asked, Journal};
use super::reply::{self, Reply};
use super::seats::{Seat, Seated};
use super::upload::Upload;
use super::wire::Wire;
use crate::http::HEAD_BYTES_MAX;
use http::header::EXPECT;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

/// How much is read and thrown away after our last word, so that it is not lost; how long is in [`super::pace`].
const PARTING_BYTES_MAX: usize = 16 << 20;
/// So much at once.
const SCRATCH_BYTES: usize = 64 << 10;

/// Serves this connection from this folder, to its end.
pub(crate) async fn serve(seated: Seated, folder: Arc<Folder>, journal: Journal) {
    let seat = seated.seat();
    let service = service_fn(|request| answer(request, seat, &folder, &journal));
    let mut http = http1::Builder::new();
    // A client may say that it has no more to ask, and still listen. What waits to be written is bounded like a head.
    http.half_close(true).title_case_headers(true).max_buf_size(HEAD_BYTES_MAX);
    match http.serve_connection(Wire(Arc::clone(seat)), service).without_shutdown().await {
        Ok(_) => part(seat).await,
        Err(error) if error.is_parse() => {
            let status = if error.is_parse_too_large() {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            } else {
                StatusCode::BAD_REQUEST
            };
            journal.asked(&Asked::nothing(seat.peer(), status));
            part(seat).await;
        }
        // The peer said in the middle of a head that there is no more.
        Err(error) if error.is_incomplete_message() => part(seat).await,
        // The peer is gone, or must not take what it got for the whole. A stream that cannot be told is gone already.
        Err(_) => drop(seat.stream.set_zero_linger()),
    }
}

/// One request and its answer.
async fn answer(
    request: Request<Incoming>,
    seat: &Arc<Seat>,
    folder: &Arc<Folder>,
    journal: &Journal,
) -> Result<Response<Sent>, Infallible> {
    seat.pace().on_asked(Instant::now());
    let (request, body) = request.into_parts();
    let mut body = Arriving::new(body, seat);
    // A client that waits for "100 Continue" has not sent the body, and will not when it has the answer.
    let waits = request.headers.contains_key(EXPECT);
    let (method, target) = (request.method.clone(), request.uri.clone());
    let mut reply = if method == Method::PUT {
        match begin_upload(request, folder).await {
            Ok(upload) => upload.take(&mut body).await,
            Err(refusal) => refused(refusal, &mut body, waits).await,
        }
    } else {
        let reply = reply::to(&request, folder).await;
        refused(reply, &mut body, waits).await
    };
    if !body.is_over() {
        reply = reply.for_the_last_time();
    }
    journal.asked(&Asked {
        peer: seat.peer(),
        method: method.as_str(),
        target: &target.to_string(),
        status: reply.status(),
        body_bytes: reply.len_bytes(),
    });
    seat.pace().on_answered(Instant::now());
    Ok(reply.for_seat(Arc::clone(seat)))
}

/// An answer that needs nothing of the body.
async fn refused(reply: Reply, body: &mut Arriving<'_>, waits: bool) -> Reply {
    if !waits && !body.is_over() {
        body.discard().await;
    }
    reply
}

async fn begin_upload(request: Parts, folder: &Arc<Folder>) -> Result<Upload, Reply> {
    let folder = Arc::clone(folder);
    let begun = disk::wait_for(move || folder.begin_upload(&request)).await;
    begun.unwrap_or_else(|error| Err(refusal(&error)))
}

/// Ends the connection in order: our FIN, then a little patience for what the peer still sends.
async fn part(seat: &Seat) {
    seat.pace().on_parting(Instant::now());
    if seat.stream.shutdown_write().is_err() {
        return;
    }
    let mut read_bytes = 0;
    while read_bytes < PARTING_BYTES_MAX {
        match poll_fn(|context| seat.stream.poll_read_with(context, SCRATCH_BYTES, |_| ())).await {
            Ok(0) | Err(_) => return,
            Ok(taken) => read_bytes += taken,
        }
    }
}
