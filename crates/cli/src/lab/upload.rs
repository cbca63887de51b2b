//! The body of a request as a file that a thread reads while it arrives, a few pieces at a time.

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io::{self, Read};
use tokio::sync::mpsc;

/// So many pieces wait to be read; each is what arrived at once, 16 KiB at the most.
const PIECES_MAX: usize = 16;

/// What arrives: pieces, or that there will be no more of them although there should be.
pub(super) type Piece = io::Result<Bytes>;

/// The reading end.
pub(super) struct File {
    pieces: mpsc::Receiver<Piece>,
    rest: Bytes,
}

/// Where pieces go in, and the file that they make.
pub(super) fn channel() -> (mpsc::Sender<Piece>, File) {
    let (sender, pieces) = mpsc::channel(PIECES_MAX);
    (sender, File { pieces, rest: Bytes::new() })
}

/// Passes on a body to its end. What nobody wants any more is read all the same: a browser that still sends when the
/// connection closes shows no answer.
pub(super) async fn pass_on(mut body: Incoming, pieces: mpsc::Sender<Piece>) {
    while let Some(frame) = body.frame().await {
        let piece = match frame {
            Ok(frame) => match frame.into_data() {
                Ok(bytes) => Ok(bytes),
                // Trailers.
                Err(_) => continue,
            },
            Err(error) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, error)),
        };
        let is_over = piece.is_err();
        drop(pieces.send(piece).await);
        if is_over {
            return;
        }
    }
}

impl Read for File {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.rest = piece?,
                None => return Ok(0),
            }
        }
        let count = self.rest.len().min(into.len());
        self.rest.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}
