//! A capture that is dropped on the page: explained on a thread of its own while it comes, in bounded memory.
//!
//! What is *not* here: what is answered, which is [`lab::explain`]'s, as in a browser.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use std::io::{self, Read};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Captures that are explained at once; others wait. Each takes a processor, and memory for a page.
const AT_ONCE: usize = 2;
/// Pieces of a body that wait for the reader.
const PIECES_MAX: usize = 16;

/// Explains captures.
pub(super) struct Door {
    seats: Semaphore,
}

impl Door {
    pub(super) fn new() -> Door {
        Door { seats: Semaphore::new(AT_ONCE) }
    }

    /// The page of the capture in this body, or why there is none, in JSON. `query` has the options: `options={...}`.
    pub(super) async fn explain(&self, query: Option<&str>, body: Incoming) -> Result<String, String> {
        let options = query.and_then(|query| query.strip_prefix("options=")).unwrap_or("{}");
        let options = percent_decode_str(options).decode_utf8_lossy().into_owned();
        // Nobody closes it.
        let _seat = self.seats.acquire().await;
        let (pieces, coming) = channel(PIECES_MAX);
        let explained = tokio::task::spawn_blocking(move || {
            lab::explain(Coming { pieces: coming, piece: Bytes::new() }, &options)
        });
        hand_over(body, pieces).await;
        explained.await.unwrap_or_else(|panic| Err(format!("{{\"error\":\"{panic}\"}}")))
    }
}

/// Hands the body over. All of it is read, also when it is no capture and nobody wants the rest: a browser listens to the
/// answer only when it has sent everything.
async fn hand_over(mut body: Incoming, pieces: Sender<io::Result<Bytes>>) {
    while let Some(frame) = body.frame().await {
        let piece = match frame {
            Ok(frame) => frame.into_data().map_or_else(|_| Ok(Bytes::new()), Ok),
            Err(_) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file broke off on its way")),
        };
        let is_over = piece.is_err();
        drop(pieces.send(piece).await);
        if is_over {
            return;
        }
    }
}

/// The body as its reader sees it.
struct Coming {
    pieces: Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Coming {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(out.len());
        out[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
