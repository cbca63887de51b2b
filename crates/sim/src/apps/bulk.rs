//! A stream from one end to the other: who sends as fast as it may, who reads and checks.

use super::{CHUNK_BYTES, Shared, pattern_chunk};
use crate::application::{Application, At};
use bytes::{Buf, Bytes};
use stack::{ConnectOptions, Event, SocketId};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tcp::{Error, Instant, ReadError, WriteError};

/// What one end of a stream has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// The socket, while it is open.
    pub socket: Option<SocketId>,
    /// The other end, once known.
    pub peer: Option<SocketAddr>,
    /// When it was opened: `connect` returned, or `accept` did.
    pub opened_at: Option<Instant>,
    /// Bytes written, or read and found right.
    pub bytes: u64,
    /// Where the first wrong byte was read.
    pub wrong_at: Option<u64>,
    /// When the first byte was read.
    pub first_at: Option<Instant>,
    /// When it was over: everything is acknowledged, or the peer has finished.
    pub done_at: Option<Instant>,
    /// Why it broke off.
    pub failed: Option<Error>,
}

/// Connects, writes so many bytes as fast as the connection takes them, finishes, waits for the peer to
/// finish, and closes.
pub struct Bulk {
    options: ConnectOptions,
    start_at: Instant,
    bytes: u64,
    /// What is to be written next.
    chunk: Bytes,
    seen: Shared<Transfer>,
}

impl Bulk {
    /// Sends [`crate::apps::pattern`] of `bytes` bytes as the options say.
    pub fn new(options: ConnectOptions, bytes: u64) -> Self {
        Bulk { options, start_at: Instant::ZERO, bytes, chunk: Bytes::new(), seen: Shared::default() }
    }

    /// The same, starting at this time.
    #[must_use]
    pub fn starting_at(mut self, start_at: Instant) -> Self {
        self.start_at = start_at;
        self
    }

    /// What it sees.
    pub fn seen(&self) -> Shared<Transfer> {
        self.seen.clone()
    }

    fn write(&mut self, at: &mut At<'_>, socket: SocketId) {
        let mut seen = self.seen.borrow_mut();
        while seen.bytes < self.bytes {
            if self.chunk.is_empty() {
                let len = (self.bytes - seen.bytes).min(CHUNK_BYTES as u64) as usize;
                self.chunk = Bytes::from_static(pattern_chunk(seen.bytes, len));
            }
            match at.write_bytes(socket, self.chunk.clone()) {
                Ok(count) => {
                    self.chunk.advance(count);
                    seen.bytes += count as u64;
                }
                Err(WriteError::Failed(error)) => return seen.failed = Some(error),
                Err(WriteError::WouldBlock) => return,
                Err(WriteError::NotConnected | WriteError::Finished) => {
                    return seen.failed = Some(Error::Aborted);
                }
            }
        }
        at.finish(socket);
    }
}

impl Application for Bulk {
    fn poll(&mut self, at: &mut At<'_>) {
        if at.now() < self.start_at {
            return at.wake_at(self.start_at);
        }
        let known = self.seen.borrow().socket;
        let socket = known.unwrap_or_else(|| at.connect_with(self.options.clone()));
        self.seen.borrow_mut().socket = Some(socket);
        if at.events().contains(&(socket, Event::Connected)) {
            let mut seen = self.seen.borrow_mut();
            (seen.opened_at, seen.peer) = (Some(at.now()), at.host().remote_addr(socket));
        }
        if self.seen.borrow().bytes < self.bytes || known.is_none() {
            self.write(at, socket);
        }
        let mut seen = self.seen.borrow_mut();
        match at.read(socket, &mut [0; 1]) {
            Ok(0) => seen.done_at = Some(at.now()),
            Err(ReadError::Failed(error)) => seen.failed = Some(error),
            _ if seen.failed.is_none() => return,
            _ => {}
        }
        at.close(socket);
        at.leave();
    }
}

/// How a reader reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reading {
    /// Everything, at once.
    #[default]
    Eager,
    /// Nothing for this long after the first byte has arrived, then everything.
    Stalled(Duration),
    /// At most so many bytes at a time, with a pause from zero to this long between.
    Sipping {
        /// Bytes at a time.
        bytes_max: usize,
        /// The longest pause.
        pause: Duration,
    },
}

/// Listens, reads what comes over any number of connections and compares it with [`crate::apps::pattern`]; closes when the
/// peer has finished.
pub struct Sink {
    port: u16,
    reading: Reading,
    listener: Option<SocketId>,
    open: BTreeMap<SocketId, Stream>,
    seen: Shared<Vec<Transfer>>,
    buffer: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Stream {
    index: usize,
    read_again_at: Option<Instant>,
}

impl Sink {
    /// Reads everything at once.
    pub fn new(port: u16) -> Self {
        Sink::reading(port, Reading::Eager)
    }

    /// Reads as `reading` says.
    pub fn reading(port: u16, reading: Reading) -> Self {
        let (open, seen) = (BTreeMap::new(), Shared::default());
        Sink { port, reading, listener: None, open, seen, buffer: vec![0; CHUNK_BYTES] }
    }

    /// What it sees, by connection in the order of acceptance.
    pub fn seen(&self) -> Shared<Vec<Transfer>> {
        self.seen.clone()
    }

    /// Reads from one connection; returns whether it is over.
    fn read(&mut self, at: &mut At<'_>, socket: SocketId, stream: &mut Stream) -> bool {
        if let Some(again) = stream.read_again_at.filter(|again| *again > at.now()) {
            at.wake_at(again);
            return false;
        }
        if let (Reading::Stalled(pause), None) = (self.reading, stream.read_again_at)
            && at.tcp(socket).is_some_and(|tcp| tcp.readable_bytes() > 0)
        {
            stream.read_again_at = Some(at.now() + pause);
            at.wake_after(pause);
            return false;
        }
        let limit = match self.reading {
            Reading::Sipping { bytes_max, .. } => bytes_max.clamp(1, self.buffer.len()),
            _ => self.buffer.len(),
        };
        loop {
            let read = at.read(socket, &mut self.buffer[..limit]);
            let mut all = self.seen.borrow_mut();
            let seen = &mut all[stream.index];
            match read {
                Ok(0) => {
                    seen.done_at = Some(at.now());
                    return true;
                }
                Ok(count) => {
                    seen.first_at.get_or_insert(at.now());
                    seen.take(&self.buffer[..count]);
                }
                Err(ReadError::WouldBlock) => return false,
                Err(ReadError::Failed(error)) => {
                    seen.failed = Some(error);
                    return true;
                }
                Err(ReadError::NotConnected) => return true,
            }
            if let Reading::Sipping { pause, .. } = self.reading {
                let nanos = at.dice().below(u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX));
                let again = at.now() + Duration::from_nanos(nanos.max(1));
                stream.read_again_at = Some(again);
                at.wake_at(again);
                return false;
            }
        }
    }
}

impl Transfer {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(CHUNK_BYTES) {
            let right = pattern_chunk(self.bytes, part.len());
            if part != right {
                let offset = part.iter().zip(right).take_while(|(byte, right)| byte == right).count();
                self.wrong_at.get_or_insert(self.bytes + offset as u64);
            }
            self.bytes += part.len() as u64;
        }
    }
}

impl Application for Sink {
    fn poll(&mut self, at: &mut At<'_>) {
        let listener = *self.listener.get_or_insert_with(|| at.listen(self.port));
        while let Some(accepted) = at.accept(listener) {
            let mut seen = self.seen.borrow_mut();
            self.open.insert(accepted.id, Stream { index: seen.len(), read_again_at: None });
            seen.push(Transfer {
                socket: Some(accepted.id),
                peer: Some(accepted.remote),
                opened_at: Some(at.now()),
                ..Transfer::default()
            });
        }
        let mut open = std::mem::take(&mut self.open);
        open.retain(|socket, stream| {
            let is_over = self.read(at, *socket, stream);
            if is_over {
                at.close(*socket);
            }
            !is_over
        });
        self.open = open;
    }
}
