//! The two programs of the demo: a client that sends a request and a server that answers it.
//!
//! They call `connect`, `accept`, `write` and `close`, and log the calls and when they return. [`Plan`] says
//! who closes, and when.

use super::Close;
use sim::At;
use stack::{ConnectOptions, Event, IsnPolicy, ListenOptions, SocketId};
use std::net::SocketAddr;
use tcp::Instant;

/// Bytes that the client sends in all, by the article's numbers: 4225929031 - 4225926656 - 1.
pub(super) const REQUEST_BYTES: usize = 2_374;
/// Bytes that the server sends in all: 3022381791 - 3022381253 - 1.
pub(super) const RESPONSE_BYTES: usize = 537;

/// What the client logs when it is connected.
pub(super) const CONNECT_RETURNS: &str = "connect returns";
/// What the server logs when it has a connection.
pub(super) const ACCEPT_RETURNS: &str = "accept returns";

/// Who closes, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) close: Close,
    /// How long the server waits after its answer before it closes, as the article's server does. With
    /// [`Close::Half`] also the pause between the pieces of the answer.
    pub(super) pause: std::time::Duration,
    /// When both close in [`Close::Both`].
    pub(super) both_at: Instant,
}

/// An HTTP request of exactly [`REQUEST_BYTES`]: like a browser's, with a long cookie.
fn request() -> Vec<u8> {
    let head = "GET /article/details/39667131 HTTP/1.1\r\nHost: blog.example.net\r\n\
                User-Agent: synfin-demo\r\nAccept: text/html\r\nCookie: session=";
    padded(head, "\r\n\r\n", REQUEST_BYTES)
}

/// An HTTP response of exactly [`RESPONSE_BYTES`].
fn response() -> Vec<u8> {
    let head = |body: usize| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {body}\r\nConnection: close\r\n\r\n"
        )
    };
    // The length in the head has three digits, as 100 has.
    let body = RESPONSE_BYTES - head(100).len();
    padded(&(head(body) + "<p>"), "</p>\n", RESPONSE_BYTES)
}

fn padded(head: &str, tail: &str, len: usize) -> Vec<u8> {
    let filler = "From SYN to FIN. ".bytes().map(|byte| if byte == b' ' { b'-' } else { byte }).cycle();
    let mut text = head.as_bytes().to_vec();
    text.extend(filler.take(len.saturating_sub(head.len() + tail.len())));
    text.extend_from_slice(tail.as_bytes());
    text
}

/// The client: connects at `start`, sends its request, reads, closes.
pub(super) fn client(
    plan: Plan,
    start: Instant,
    local: SocketAddr,
    remote: SocketAddr,
    isn: IsnPolicy,
) -> impl FnMut(&mut At<'_>) {
    let mut stream: Option<SocketId> = None;
    let mut received_bytes = 0;
    let mut has_closed = false;
    let mut has_failed = false;
    move |at| {
        let Some(id) = stream else {
            if at.now() < start {
                return at.wake_at(start);
            }
            at.say("connect is called");
            let options =
                ConnectOptions { local: Some(local), isn: Some(isn), ..ConnectOptions::new(remote) };
            stream = Some(at.connect_with(options));
            return;
        };
        if at.events().contains(&(id, Event::Connected)) {
            at.say(CONNECT_RETURNS);
            let _ = at.write(id, &request());
            if plan.close == Close::Half {
                at.say("shutdown(Write) is called");
                at.finish(id);
            }
        }
        if !has_failed && let Some(error) = at.tcp(id).and_then(tcp::Connection::failure) {
            has_failed = true;
            at.say(&format!("gives up: {error}"));
            return at.leave();
        }
        received_bytes += at.read_all(id).len();
        let peer_finished = at.events().contains(&(id, Event::PeerFinished));
        let closes_now = match plan.close {
            Close::Server => peer_finished,
            Close::Client => received_bytes == RESPONSE_BYTES,
            Close::Both => at.now() >= plan.both_at,
            Close::Half => false,
        };
        if plan.close == Close::Both && !has_closed {
            at.wake_at(plan.both_at.max(at.now()));
        }
        if closes_now && !has_closed {
            has_closed = true;
            at.say("close is called");
            at.finish(id);
        }
    }
}

/// The server: listens, answers one request, closes.
pub(super) fn server(plan: Plan, local: SocketAddr, isn: IsnPolicy) -> impl FnMut(&mut At<'_>) {
    let mut listener: Option<SocketId> = None;
    let mut stream: Option<SocketId> = None;
    let mut received_bytes = 0;
    let mut answered_at: Option<Instant> = None;
    let mut has_closed = false;
    let mut pieces: Vec<Vec<u8>> = match plan.close {
        // Three pieces with pauses, because a half-closed connection can be used for any length of time.
        Close::Half => response().chunks(RESPONSE_BYTES / 3).rev().map(<[u8]>::to_vec).collect(),
        _ => vec![response()],
    };
    move |at| {
        let listener = *listener.get_or_insert_with(|| {
            at.say("accept is called");
            at.listen_with(ListenOptions { isn: Some(isn), ..ListenOptions::new(local, 16) })
        });
        if stream.is_none() {
            stream = at.accept(listener).map(|accepted| accepted.id);
            if stream.is_some() {
                at.say(ACCEPT_RETURNS);
            }
        }
        let Some(id) = stream else { return };
        received_bytes += at.read_all(id).len();
        let peer_finished = at.events().contains(&(id, Event::PeerFinished));
        let due = answered_at.is_none_or(|last| at.now() >= last + plan.pause);
        if received_bytes == REQUEST_BYTES
            && due
            && let Some(piece) = pieces.pop()
        {
            let _ = at.write(id, &piece);
            answered_at = Some(at.now());
            return at.wake_after(plan.pause);
        }
        let closes_now = match plan.close {
            Close::Server | Close::Half => answered_at.is_some() && pieces.is_empty() && due,
            Close::Client => peer_finished,
            Close::Both => at.now() >= plan.both_at,
        };
        if plan.close == Close::Both && !has_closed {
            at.wake_at(plan.both_at.max(at.now()));
        }
        if closes_now && !has_closed {
            has_closed = true;
            at.say("close is called");
            at.finish(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_and_response_have_the_articles_length_and_are_http() {
        assert_eq!((request().len(), response().len()), (REQUEST_BYTES, RESPONSE_BYTES));
        let response = String::from_utf8(response()).expect("text");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
        assert!(request().ends_with(b"\r\n\r\n"));
    }
}
