//! A program of calls at work on a host: one call after the other, each over when it would return.

use crate::calls::Call;
use sim::At;
use sim::apps::{Shared, pattern};
use stack::{ConnectOptions, IsnPolicy, ListenOptions, SocketId};
use std::net::SocketAddr;
use tcp::{Instant, ReadError, WriteError};

/// Where a program stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The call that it waits in; the number of calls when it is over.
    pub(crate) call: usize,
    /// The call has begun and has not returned.
    pub(crate) waits: bool,
    /// Why it is over before its last call.
    pub(crate) failed: Option<tcp::Error>,
    /// What it has read.
    pub(crate) read_bytes: u64,
    /// What it has written.
    pub(crate) written_bytes: u64,
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
    /// What of the present write is still to be written.
    rest_bytes: u64,
}

/// Whether a call is over.
enum Turn {
    Returns,
    Waits,
    Fails(tcp::Error),
}

impl Program {
    pub(crate) fn new(calls: Vec<Call>, ends: [SocketAddr; 2], isn: Option<IsnPolicy>) -> Program {
        let [local, remote] = ends;
        let (place, listener, stream, until, rest_bytes) = (Shared::default(), None, None, None, 0);
        Program { calls, local, remote, isn, place, listener, stream, until, rest_bytes }
    }

    /// Calls until one has to wait.
    pub(crate) fn poll(&mut self, at: &mut At<'_>) {
        loop {
            let (number, waits) = {
                let place = self.place.borrow();
                (place.call, place.waits)
            };
            let Some(call) = self.calls.get(number).copied() else { return };
            if !waits {
                at.say(&format!("{call}"));
                self.begin(at, call);
            }
            let turn = self.go_on(at, call);
            let mut place = self.place.borrow_mut();
            place.waits = matches!(turn, Turn::Waits);
            match turn {
                Turn::Waits => return,
                Turn::Returns => {
                    place.call += 1;
                    if returns_later(call) {
                        at.say(&format!("{call} returns"));
                    }
                }
                Turn::Fails(error) => {
                    (place.call, place.failed) = (self.calls.len(), Some(error));
                    return at.say(&format!("{call} fails: {error}"));
                }
            }
        }
    }

    fn begin(&mut self, at: &mut At<'_>, call: Call) {
        match call {
            Call::Listen => {
                let options = ListenOptions { isn: self.isn, ..ListenOptions::new(self.local, 16) };
                self.listener = Some(at.listen_with(options));
            }
            Call::Connect => {
                let (local, isn) = (Some(self.local), self.isn);
                let options = ConnectOptions { local, isn, ..ConnectOptions::new(self.remote) };
                self.stream = Some(at.connect_with(options));
            }
            Call::Write(bytes) => self.rest_bytes = bytes.into(),
            Call::Wait(time) => {
                self.until = Some(at.now() + time);
                at.wake_after(time);
            }
            Call::Shutdown => self.stream.into_iter().for_each(|stream| at.finish(stream)),
            Call::Close => self.stream.take().into_iter().for_each(|stream| at.close(stream)),
            Call::Abort => self.stream.into_iter().for_each(|stream| at.abort(stream)),
            Call::Accept | Call::Recv(_) | Call::RecvAll => {}
        }
    }

    fn go_on(&mut self, at: &mut At<'_>, call: Call) -> Turn {
        match call {
            Call::Listen | Call::Shutdown | Call::Close | Call::Abort => Turn::Returns,
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
            Call::Recv(bytes) => self.read(at, Some(bytes.into())),
            Call::RecvAll => self.read(at, None),
        }
    }

    fn connected(&self, at: &At<'_>) -> Turn {
        let Some(connection) = self.stream.and_then(|stream| at.tcp(stream)) else {
            return Turn::Fails(tcp::Error::Aborted);
        };
        match (connection.failure(), connection.state()) {
            (Some(error), _) => Turn::Fails(error),
            (None, tcp::State::SynSent | tcp::State::SynReceived) => Turn::Waits,
            _ => Turn::Returns,
        }
    }

    fn write(&mut self, at: &mut At<'_>) -> Turn {
        let Some(stream) = self.stream else { return Turn::Fails(tcp::Error::Aborted) };
        while self.rest_bytes > 0 {
            let written = self.place.borrow().written_bytes;
            let text = pattern(written, self.rest_bytes.min(65_536) as usize);
            match at.write(stream, &text) {
                Ok(count) => {
                    self.rest_bytes -= count as u64;
                    self.place.borrow_mut().written_bytes += count as u64;
                }
                Err(WriteError::WouldBlock) => return Turn::Waits,
                Err(WriteError::Failed(error)) => return Turn::Fails(error),
                Err(_) => return Turn::Fails(tcp::Error::Aborted),
            }
        }
        Turn::Returns
    }

    fn read(&mut self, at: &mut At<'_>, until_bytes: Option<u64>) -> Turn {
        let Some(stream) = self.stream else { return Turn::Fails(tcp::Error::Aborted) };
        let mut buffer = [0; 4_096];
        loop {
            let read = self.place.borrow().read_bytes;
            let room = until_bytes.map_or(buffer.len() as u64, |until| until.saturating_sub(read));
            if room == 0 {
                return Turn::Returns;
            }
            let room = room.min(buffer.len() as u64) as usize;
            match at.read(stream, &mut buffer[..room]) {
                Ok(0) => return Turn::Returns,
                Ok(count) => self.place.borrow_mut().read_bytes += count as u64,
                Err(ReadError::WouldBlock) => return Turn::Waits,
                Err(ReadError::Failed(error)) => return Turn::Fails(error),
                Err(ReadError::NotConnected) => return Turn::Fails(tcp::Error::Aborted),
            }
        }
    }
}

/// Its return is something to look at.
fn returns_later(call: Call) -> bool {
    matches!(call, Call::Accept | Call::Connect | Call::Recv(_) | Call::RecvAll)
}
