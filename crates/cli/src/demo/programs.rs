//! The two programs of the demo: a client that asks and a server that answers.
//!
//! They call `connect`, `accept`, `write`, `close` and say when each returns. Who closes when is the
//! story that was asked for.

use super::Close;
use sim::At;
use stack::{ConnectOptions, Event, IsnPolicy, ListenOptions, SocketId};
use std::net::SocketAddr;
use tcp::Instant;

/// What the client sends in all, by the article's numbers: 4225929031 - 4225926656 - 1.
pub(super) const REQUEST_BYTES: usize = 2_374;
/// What the server sends in all: 3022381791 - 3022381253 - 1.
pub(super) const RESPONSE_BYTES: usize = 537;

/// What the client says when it is connected.
pub(super) const CONNECT_RETURNS: &str = "connect returns";
/// What the server says when it has a connection.
pub(super) const ACCEPT_RETURNS: &str = "accept returns";

/// Who closes, and when both do it at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) close: Close,
    /// How long the server of the article keeps an idle connection before it closes.
    pub(super) patience: std::time::Duration,
    /// When both close in [`Close::Both`].
    pub(super) both_at: Instant,
}

/// An HTTP request of exactly [`REQUEST_BYTES`]: a browser's, with the cookies that such a site has.
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
    // Three digits, whatever they are.
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

/// The client: connects at `start`, asks, reads, closes.
pub(super) fn client(
    plan: Plan,
    start: Instant,
    local: SocketAddr,
    remote: SocketAddr,
    isn: IsnPolicy,
) -> impl FnMut(&mut At<'_>) {
    let mut stream: Option<SocketId> = None;
    let (mut heard, mut closed, mut reset) = (0, false, false);
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
        if let Some(error) =
            at.tcp(id).and_then(tcp::Connection::failure).filter(|_| !std::mem::replace(&mut reset, true))
        {
            at.say(&format!("gives up: {error}"));
            return at.leave();
        }
        heard += at.read_all(id).len();
        let ended = at.events().contains(&(id, Event::PeerFinished));
        let mine = match plan.close {
            Close::Server => ended,
            Close::Client => heard == RESPONSE_BYTES,
            Close::Both => at.now() >= plan.both_at,
            Close::Half => false,
        };
        if plan.close == Close::Both && !closed {
            at.wake_at(plan.both_at.max(at.now()));
        }
        if mine && !std::mem::replace(&mut closed, true) {
            at.say("close is called");
            at.finish(id);
        }
    }
}

/// The server: listens, answers one request, closes.
pub(super) fn server(plan: Plan, local: SocketAddr, isn: IsnPolicy) -> impl FnMut(&mut At<'_>) {
    let (mut listener, mut stream): (Option<SocketId>, Option<SocketId>) = (None, None);
    let (mut heard, mut answered, mut closed) = (0, None::<Instant>, false);
    let mut parts: Vec<Vec<u8>> = match plan.close {
        // The half-closed connection is used for as long as wanted: three pieces, one after the other.
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
        heard += at.read_all(id).len();
        let ended = at.events().contains(&(id, Event::PeerFinished));
        let due = answered.is_none_or(|last| at.now() >= last + plan.patience);
        if heard == REQUEST_BYTES
            && due
            && let Some(part) = parts.pop()
        {
            let _ = at.write(id, &part);
            answered = Some(at.now());
            return at.wake_after(plan.patience);
        }
        let mine = match plan.close {
            Close::Server | Close::Half => answered.is_some() && parts.is_empty() && due,
            Close::Client => ended,
            Close::Both => at.now() >= plan.both_at,
        };
        if plan.close == Close::Both && !closed {
            at.wake_at(plan.both_at.max(at.now()));
        }
        if mine && !std::mem::replace(&mut closed, true) {
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
