//! A program of calls at work on a host: one call after the other, each over when it would return.

use crate::calls::{Call, Slowly};
use sim::At;
use sim::apps::{Shared, pattern};
use stack::{ConnectOptions, IsnPolicy, ListenOptions, SocketId};
use std::net::SocketAddr;
use tcp::{Instant, ReadError, WriteError};

/// Where a program stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The call that it waits in, or that failed; the number of calls when all have returned.
    pub(crate) call: usize,
    /// The call has begun and has not returned.
    pub(crate) waits: bool,
    /// Why it is over before its last call.
    pub(crate) failed: Option<Failed>,
    /// What it has read.
    pub(crate) read_bytes: u64,
    /// What it has written.
    pub(crate) written_bytes: u64,
    /// Its host is about to lose its power.
    pub(crate) crashes: bool,
}

/// Why a program is over before its last call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The connection has ended with this error.
    Connection(tcp::Error),
    /// There is no connection that could be asked.
    NoConnection,
    /// The host lost its power.
    Crash,
    /// The port is taken by what was called before.
    PortTaken,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failed::Connection(error) => error.fmt(f),
            Failed::NoConnection => f.write_str("there is no connection"),
            Failed::Crash => f.write_str("the host lost its power"),
            Failed::PortTaken => f.write_str("the port is taken"),
        }
    }
}

/// The program.
pub(crate) struct Program {
    pub(crate) calls: Vec<Call>,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) isn: Option<IsnPolicy>,
    pub(crate) place: Shared<Place>,
    listener: Option<SocketId>,
    stream: Option<SocketId>,
    /// When the pause is over.
    until: Option<Instant>,
    /// What the present call has still to write or read.
    rest_bytes: u64,
    /// What of it may pass before the next pause.
    piece_bytes: u64,
}

/// Whether a call is over.
enum Turn {
    Returns,
    Waits,
    Fails(Failed),
}

impl From<tcp::Error> for Turn {
    fn from(error: tcp::Error) -> Turn {
        Turn::Fails(Failed::Connection(error))
    }
}

impl Program {
    /// A program that goes on where its place says; its sockets are new.
    pub(crate) fn new(
        calls: Vec<Call>,
        ends: [SocketAddr; 2],
        isn: Option<IsnPolicy>,
        place: Shared<Place>,
    ) -> Program {
        let [local, remote] = ends;
        let (listener, stream, until) = (None, None, None);
        Program { calls, local, remote, isn, place, listener, stream, until, rest_bytes: 0, piece_bytes: 0 }
    }

    /// Calls until one has to wait.
    pub(crate) fn poll(&mut self, at: &mut At<'_>) {
        loop {
            let (number, waits, is_over) = {
                let place = self.place.borrow();
                (place.call, place.waits, place.crashes || place.failed.is_some())
            };
            if is_over {
                return;
            }
            let Some(call) = self.calls.get(number).copied() else { return };
            if !waits {
                at.say(&format!("{call}"));
            }
            let turn = match if waits { Ok(()) } else { self.begin(at, call) } {
                Ok(()) => self.go_on(at, call),
                Err(error) => Turn::Fails(error),
            };
            let mut place = self.place.borrow_mut();
            place.waits = matches!(turn, Turn::Waits);
            match turn {
                Turn::Waits => return,
                Turn::Returns => {
                    place.call += 1;
                    if call == Call::Crash {
                        place.crashes = true;
                        return;
                    }
                    if returns_later(call) {
                        at.say(&format!("{call} returns"));
                    }
                }
                Turn::Fails(error) => {
                    place.failed = Some(error);
                    return at.say(&format!("{call} fails: {error}"));
                }
            }
        }
    }

    fn begin(&mut self, at: &mut At<'_>, call: Call) -> Result<(), Failed> {
        match call {
            Call::Listen => {
                let options = ListenOptions { isn: self.isn, ..ListenOptions::new(self.local, 16) };
                let listener = at.host().tcp_listen_with(options);
                self.listener = Some(listener.map_err(|_| Failed::PortTaken)?);
            }
            Call::Connect => {
                let (local, isn) = (Some(self.local), self.isn);
                let options = ConnectOptions { local, isn, ..ConnectOptions::new(self.remote) };
                let now = at.now();
                let stream = at.host().tcp_connect_with(now, options);
                self.stream = Some(stream.map_err(|_| Failed::PortTaken)?);
            }
            Call::Write(bytes) | Call::Recv(bytes) => {
                self.rest_bytes = bytes.into();
                self.piece_bytes = u64::MAX;
            }
            Call::WriteSlowly(slowly) | Call::RecvSlowly(slowly) => {
                self.rest_bytes = slowly.bytes.into();
                self.piece_bytes = slowly.piece_bytes.into();
                self.until = None;
            }
            Call::RecvAll => {
                self.rest_bytes = u64::MAX;
                self.piece_bytes = u64::MAX;
            }
            Call::Wait(time) => {
                self.until = Some(at.now() + time);
                at.wake_after(time);
            }
            Call::Shutdown => self.stream.into_iter().for_each(|stream| at.finish(stream)),
            Call::Close => self.stream.take().into_iter().for_each(|stream| at.close(stream)),
            Call::Abort => self.stream.into_iter().for_each(|stream| at.abort(stream)),
            Call::Accept | Call::Crash => {}
        }
        Ok(())
    }

    fn go_on(&mut self, at: &mut At<'_>, call: Call) -> Turn {
        match call {
            Call::Listen | Call::Shutdown | Call::Close | Call::Abort | Call::Crash => Turn::Returns,
            Call::Wait(_) if self.until.is_none_or(|until| at.now() >= until) => Turn::Returns,
            Call::Wait(_) => {
                at.wake_at(self.until.expect("it has just been looked at"));
                Turn::Waits
            }
            Call::Accept => {
                let accepted = self.listener.and_then(|listener| at.accept(listener));
                let Some(accepted) = accepted else { return Turn::Waits };
                self.stream = Some(accepted.id);
                Turn::Returns
            }
            Call::Connect => self.connected(at),
            Call::Write(_) => self.write(at),
            Call::Recv(_) | Call::RecvAll => self.read(at),
            Call::WriteSlowly(slowly) => self.slowly(at, slowly, Program::write),
            Call::RecvSlowly(slowly) => self.slowly(at, slowly, Program::read),
        }
    }

    fn connected(&self, at: &At<'_>) -> Turn {
        let Some(connection) = self.stream.and_then(|stream| at.tcp(stream)) else {
            return Turn::Fails(Failed::NoConnection);
        };
        match (connection.failure(), connection.state()) {
            (Some(error), _) => error.into(),
            (None, tcp::State::SynSent | tcp::State::SynReceived) => Turn::Waits,
            _ => Turn::Returns,
        }
    }

    /// A piece, a pause, the next piece.
    fn slowly(
        &mut self,
        at: &mut At<'_>,
        slowly: Slowly,
        go_on: fn(&mut Program, &mut At<'_>) -> Turn,
    ) -> Turn {
        if let Some(until) = self.until {
            if at.now() < until {
                at.wake_at(until);
                return Turn::Waits;
            }
            self.until = None;
            self.piece_bytes = slowly.piece_bytes.into();
        }
        let turn = go_on(self, at);
        if !matches!(turn, Turn::Returns) || self.rest_bytes == 0 || self.piece_bytes > 0 {
            return turn;
        }
        self.until = Some(at.now() + slowly.every);
        at.wake_after(slowly.every);
        Turn::Waits
    }

    /// Writes what is left of the piece.
    fn write(&mut self, at: &mut At<'_>) -> Turn {
        let Some(stream) = self.stream else { return Turn::Fails(Failed::NoConnection) };
        loop {
            let room = self.rest_bytes.min(self.piece_bytes);
            if room == 0 {
                return Turn::Returns;
            }
            let written = self.place.borrow().written_bytes;
            match at.write(stream, &pattern(written, room.min(65_536) as usize)) {
                Ok(count) => {
                    self.passed(count);
                    self.place.borrow_mut().written_bytes += count as u64;
                }
                Err(WriteError::WouldBlock) => return Turn::Waits,
                Err(WriteError::Failed(error)) => return error.into(),
                Err(_) => return Turn::Fails(Failed::NoConnection),
            }
        }
    }

    /// Reads what is left of the piece; the peer's end is the end of the call, too.
    fn read(&mut self, at: &mut At<'_>) -> Turn {
        let Some(stream) = self.stream else { return Turn::Fails(Failed::NoConnection) };
        let mut buffer = [0; 4_096];
        loop {
            let room = self.rest_bytes.min(self.piece_bytes).min(buffer.len() as u64) as usize;
            if room == 0 {
                return Turn::Returns;
            }
            match at.read(stream, &mut buffer[..room]) {
                Ok(0) => {
                    self.rest_bytes = 0;
                    return Turn::Returns;
                }
                Ok(count) => {
                    self.passed(count);
                    self.place.borrow_mut().read_bytes += count as u64;
                }
                Err(ReadError::WouldBlock) => return Turn::Waits,
                Err(ReadError::Failed(error)) => return error.into(),
                Err(ReadError::NotConnected) => return Turn::Fails(Failed::NoConnection),
            }
        }
    }

    fn passed(&mut self, count: usize) {
        self.rest_bytes = self.rest_bytes.saturating_sub(count as u64);
        self.piece_bytes = self.piece_bytes.saturating_sub(count as u64);
    }
}

/// Its return is something to look at.
fn returns_later(call: Call) -> bool {
    matches!(call, Call::Accept | Call::Connect | Call::Recv(_) | Call::RecvSlowly(_) | Call::RecvAll)
}
