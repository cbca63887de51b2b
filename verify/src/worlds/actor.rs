//! An application with a conduct: it writes in odd chunks, pauses, stalls, half-closes, closes, aborts.

use crate::worlds::plan::{Conduct, Ending};
use sim::At;
use sim::apps::{Shared, pattern, pattern_byte};
use stack::SocketId;
use tcp::{Error, Instant, ReadError, State, WriteError};
use wire::Seq;

/// How one end of a connection fared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    pub(crate) socket: Option<SocketId>,
    pub(crate) written: u64,
    pub(crate) read: u64,
    pub(crate) wrong: Option<String>,
    pub(crate) finished: bool,
    pub(crate) peer_finished: bool,
    pub(crate) failed: Option<Error>,
    pub(crate) over_at: Option<Instant>,
    /// Reductions of the congestion window that were taken back.
    pub(crate) undone: u32,
    /// Its initial sequence number.
    pub(crate) iss: Option<Seq>,
    /// It has agreed upon timestamps.
    pub(crate) has_timestamps: bool,
}

/// Where a connection's bytes start in the pattern: no two streams are alike.
pub(crate) fn salt(talk: usize, side: usize) -> u64 {
    (talk as u64 * 2 + side as u64) * 1_000_003
}

pub(crate) struct Actor {
    conduct: Conduct,
    mine: u64,
    theirs: u64,
    life: Shared<Life>,
    opened_at: Option<Instant>,
    write_at: Instant,
    read_at: Instant,
    buffer: Vec<u8>,
}

impl Actor {
    pub(crate) fn new(talk: usize, side: usize, conduct: Conduct, life: Shared<Life>) -> Self {
        Actor {
            conduct,
            mine: salt(talk, side),
            theirs: salt(talk, 1 - side),
            life,
            opened_at: None,
            write_at: Instant::ZERO,
            read_at: Instant::ZERO,
            buffer: vec![0; 65_536],
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.life.borrow().over_at.is_some()
    }

    /// Does what can be done on this connection now.
    pub(crate) fn act(&mut self, at: &mut At<'_>, socket: SocketId) {
        if self.is_over() {
            return;
        }
        let opened_at = *self.opened_at.get_or_insert(at.now());
        self.life.borrow_mut().socket = Some(socket);
        if let Some(tcp) = at.tcp(socket) {
            let mut life = self.life.borrow_mut();
            let info = tcp.info(at.now());
            life.undone = info.undone;
            life.has_timestamps |= info.timestamps;
            life.iss.get_or_insert(tcp.snapshot().iss);
        }
        self.read_at = self.read_at.max(opened_at + self.conduct.stall);
        let is_over = self.write(at, socket) || self.read(at, socket) || self.end(at, socket);
        if is_over {
            at.close(socket);
            self.life.borrow_mut().over_at = Some(at.now());
        }
    }

    /// Returns whether the connection is over.
    fn write(&mut self, at: &mut At<'_>, socket: SocketId) -> bool {
        let mut life = self.life.borrow_mut();
        loop {
            if let Ending::Abort(after) = self.conduct.ending
                && life.written >= after.min(self.conduct.bytes)
            {
                at.abort(socket);
                return true;
            }
            if life.written == self.conduct.bytes {
                return false;
            }
            if self.write_at > at.now() {
                at.wake_at(self.write_at);
                return false;
            }
            let chunk = 1 + at.dice().below(self.conduct.chunk_max);
            let chunk = chunk.min(self.conduct.bytes - life.written) as usize;
            match at.write(socket, &pattern(self.mine + life.written, chunk)) {
                Ok(count) => life.written += count as u64,
                Err(WriteError::WouldBlock) => return false,
                Err(WriteError::Failed(error)) => {
                    life.failed = Some(error);
                    return true;
                }
                Err(error) => {
                    life.wrong = Some(format!("write says {error:?}"));
                    return true;
                }
            }
            if !self.conduct.write_pause.is_zero() {
                self.write_at = at.now() + self.conduct.write_pause;
            }
        }
    }

    /// Returns whether the connection is over.
    fn read(&mut self, at: &mut At<'_>, socket: SocketId) -> bool {
        let mut life = self.life.borrow_mut();
        while !life.peer_finished {
            if self.read_at > at.now() {
                at.wake_at(self.read_at);
                return false;
            }
            let limit = self.conduct.read_max.clamp(1, self.buffer.len());
            match at.read(socket, &mut self.buffer[..limit]) {
                Ok(0) => life.peer_finished = true,
                Ok(count) => {
                    for (offset, byte) in self.buffer[..count].iter().enumerate() {
                        let position = life.read + offset as u64;
                        if *byte != pattern_byte(self.theirs + position) && life.wrong.is_none() {
                            life.wrong = Some(format!("byte {position} of the stream is wrong"));
                        }
                    }
                    life.read += count as u64;
                }
                Err(ReadError::WouldBlock) => return false,
                Err(ReadError::Failed(error)) => {
                    life.failed = Some(error);
                    return true;
                }
                Err(error) => {
                    life.wrong = Some(format!("read says {error:?}"));
                    return true;
                }
            }
            if !self.conduct.read_pause.is_zero() {
                self.read_at = at.now() + self.conduct.read_pause;
            }
        }
        false
    }

    /// Returns whether the connection is over.
    fn end(&mut self, at: &mut At<'_>, socket: SocketId) -> bool {
        let mut life = self.life.borrow_mut();
        if life.written < self.conduct.bytes {
            return false;
        }
        let may_finish = match self.conduct.ending {
            Ending::Finish => true,
            Ending::FinishLast => life.peer_finished,
            // Before it is open, CLOSE throws away what waits to be sent (RFC 9293 §3.10.4).
            Ending::Close => return at.state(socket) != State::SynSent,
            Ending::Abort(_) => false,
        };
        if may_finish && !life.finished {
            life.finished = true;
            at.finish(socket);
        }
        life.finished && life.peer_finished
    }
}
