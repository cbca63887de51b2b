//! Requests and responses over one connection after the other, as a browser without keep-alive makes them.

use super::Shared;
use crate::application::{Application, At};
use bytes::Bytes;
use stack::{ConnectOptions, Event, SocketId};
use std::collections::BTreeMap;
use std::time::Duration;
use tcp::{Error, Instant, ReadError};

/// Who closes first, once the response is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Asking { from: usize },
    Hearing,
}

/// One request as the client lived it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Request {
    /// The socket.
    pub socket: Option<SocketId>,
    /// When the client asked to connect.
    pub began_at: Instant,
    /// When the connection was open.
    pub connected_at: Option<Instant>,
    /// When the first byte of the response was read.
    pub first_byte_at: Option<Instant>,
    /// When the response was complete: the server has finished.
    pub done_at: Option<Instant>,
    /// The response.
    pub response: Vec<u8>,
    /// Why it failed.
    pub failed: Option<Error>,
}

/// A client: connects, sends the request, reads until the server finishes, closes; then again.
pub struct Exchange {
    options: ConnectOptions,
    request: Bytes,
    times: usize,
    pause: Duration,
    phase: Phase,
    resume_at: Option<Instant>,
    seen: Shared<Vec<Request>>,
}

impl Exchange {
    /// One exchange.
    pub fn new(options: ConnectOptions, request: impl Into<Bytes>) -> Self {
        Exchange {
            options,
            request: request.into(),
            times: 1,
            pause: Duration::ZERO,
            phase: Phase::Asking { from: 0 },
            resume_at: None,
            seen: Shared::default(),
        }
    }

    /// So many exchanges, with a pause between them.
    #[must_use]
    pub fn repeated(mut self, times: usize, pause: Duration) -> Self {
        (self.times, self.pause) = (times, pause);
        self
    }

    /// What it sees, by exchange.
    pub fn seen(&self) -> Shared<Vec<Request>> {
        self.seen.clone()
    }

    fn socket(&mut self, at: &mut At<'_>) -> SocketId {
        let mut seen = self.seen.borrow_mut();
        if let Some(socket) = seen.last().filter(|last| !last.is_over()).and_then(|last| last.socket) {
            return socket;
        }
        at.say("connect");
        let socket = at.connect_with(self.options.clone());
        seen.push(Request { socket: Some(socket), began_at: at.now(), ..Request::default() });
        self.phase = Phase::Asking { from: 0 };
        socket
    }

    /// Goes on with the present exchange; returns whether it is over.
    fn go_on(&mut self, at: &mut At<'_>, socket: SocketId) -> bool {
        let mut all = self.seen.borrow_mut();
        let Some(seen) = all.last_mut() else { return true };
        if at.events().contains(&(socket, Event::Connected)) {
            seen.connected_at = Some(at.now());
            at.say("connect returns");
        }
        if let Phase::Asking { from } = &mut self.phase {
            if let Ok(count) = at.write_bytes(socket, self.request.slice(*from..)) {
                *from += count;
            }
            if *from == self.request.len() {
                self.phase = Phase::Hearing;
            }
        }
        let mut buffer = [0; 16_384];
        loop {
            match at.read(socket, &mut buffer) {
                Ok(0) => {
                    seen.done_at = Some(at.now());
                    at.say("read returns 0");
                    return true;
                }
                Ok(count) => {
                    seen.first_byte_at.get_or_insert(at.now());
                    seen.response.extend_from_slice(&buffer[..count]);
                    at.say(&format!("read returns {count}"));
                }
                Err(ReadError::WouldBlock) => return false,
                Err(ReadError::Failed(error)) => {
                    seen.failed = Some(error);
                    return true;
                }
                Err(ReadError::NotConnected) => return true,
            }
        }
    }
}

impl Request {
    fn is_over(&self) -> bool {
        self.done_at.is_some() || self.failed.is_some()
    }
}

impl Application for Exchange {
    fn poll(&mut self, at: &mut At<'_>) {
        if let Some(resume_at) = self.resume_at {
            if at.now() < resume_at {
                return at.wake_at(resume_at);
            }
            self.resume_at = None;
        }
        let socket = self.socket(at);
        if !self.go_on(at, socket) {
            return;
        }
        at.say("close");
        at.close(socket);
        if self.seen.borrow().len() >= self.times {
            return at.leave();
        }
        self.resume_at = Some(at.now() + self.pause);
        at.wake_after(self.pause);
    }
}

/// What a server saw of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Served {
    /// The socket.
    pub socket: Option<SocketId>,
    /// The request, as far as it was read.
    pub request: Vec<u8>,
    /// When the request was complete.
    pub asked_at: Option<Instant>,
    /// When the client had finished and everything was over.
    pub done_at: Option<Instant>,
}

/// A server: reads a request of a known length, thinks, answers, closes first.
pub struct Server {
    port: u16,
    request_bytes: usize,
    response: Bytes,
    thinks: Duration,
    listener: Option<SocketId>,
    open: BTreeMap<SocketId, Serving>,
    seen: Shared<Vec<Served>>,
}

#[derive(Clone, Copy, Debug)]
struct Serving {
    index: usize,
    answers_at: Option<Instant>,
    written: usize,
}

impl Server {
    /// Answers each request of `request_bytes` bytes with `response`.
    pub fn new(port: u16, request_bytes: usize, response: impl Into<Bytes>) -> Self {
        Server {
            port,
            request_bytes,
            response: response.into(),
            thinks: Duration::ZERO,
            listener: None,
            open: BTreeMap::new(),
            seen: Shared::default(),
        }
    }

    /// Takes this long before it answers.
    #[must_use]
    pub fn thinking_for(mut self, thinks: Duration) -> Self {
        self.thinks = thinks;
        self
    }

    /// What it sees, by connection in the order of acceptance.
    pub fn seen(&self) -> Shared<Vec<Served>> {
        self.seen.clone()
    }

    /// Goes on with one connection; returns whether it is over.
    fn serve(&self, at: &mut At<'_>, socket: SocketId, serving: &mut Serving) -> bool {
        let mut all = self.seen.borrow_mut();
        let seen = &mut all[serving.index];
        let mut buffer = [0; 16_384];
        loop {
            match at.read(socket, &mut buffer) {
                Ok(0) => {
                    seen.done_at = Some(at.now());
                    at.say("read returns 0");
                    return serving.written == self.response.len();
                }
                Ok(count) => {
                    at.say(&format!("read returns {count}"));
                    seen.request.extend_from_slice(&buffer[..count]);
                }
                Err(ReadError::WouldBlock) => break,
                Err(_) => return true,
            }
        }
        if seen.request.len() < self.request_bytes {
            return false;
        }
        if seen.asked_at.is_none() {
            seen.asked_at = Some(at.now());
            serving.answers_at = Some(at.now() + self.thinks);
        }
        if let Some(answers_at) = serving.answers_at.filter(|answers_at| *answers_at > at.now()) {
            at.wake_at(answers_at);
            return false;
        }
        if serving.written == self.response.len() {
            return false;
        }
        match at.write_bytes(socket, self.response.slice(serving.written..)) {
            Ok(count) => serving.written += count,
            Err(tcp::WriteError::WouldBlock) => return false,
            Err(_) => return true,
        }
        if serving.written == self.response.len() {
            at.say("close");
            at.finish(socket);
        }
        false
    }
}

impl Application for Server {
    fn poll(&mut self, at: &mut At<'_>) {
        let listener = *self.listener.get_or_insert_with(|| at.listen(self.port));
        while let Some(accepted) = at.accept(listener) {
            at.say("accept returns");
            let mut seen = self.seen.borrow_mut();
            self.open.insert(accepted.id, Serving { index: seen.len(), answers_at: None, written: 0 });
            seen.push(Served { socket: Some(accepted.id), ..Served::default() });
        }
        let mut open = std::mem::take(&mut self.open);
        open.retain(|socket, serving| {
            let is_over = self.serve(at, *socket, serving);
            if is_over {
                at.close(*socket);
            }
            !is_over
        });
        self.open = open;
    }
}
