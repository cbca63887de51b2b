//! What the application asks: write, read, finish, close, abort (RFC 9293 §3.10.1 - §3.10.5).

use crate::connection::Connection;
use crate::connection::Fact;
use crate::handshake::Stage;
use crate::memory::{Memory, SCARCE_SEND_BYTES};
use crate::segment::{Error, Event, ReadError, WriteError};
use crate::sender;
use crate::state::{Cause, State};
use crate::timers::Timer;
use crate::{Instant, ResetReason};
use bytes::Bytes;

/// No window is larger (RFC 7323 §2.3), and half of the circle must lie beyond what is queued.
const SEND_BUFFER_BYTES_MAX: u32 = 1 << 30;

impl Connection {
    /// Queues a copy of as much of `data` as fits the send buffer; returns how much (SEND, §3.10.2).
    ///
    /// Before the handshake is complete the data waits for it. An empty `data` is queued in full.
    ///
    /// # Errors
    /// [`WriteError::WouldBlock`] when nothing fits: [`Event::Writable`] tells when something does.
    pub fn write(&mut self, now: Instant, data: &[u8]) -> Result<usize, WriteError> {
        let count = self.admit(now, data.len())?;
        self.sender.write(&data[..count]);
        self.start_user_timer(now);
        Ok(count)
    }

    /// Like [`Connection::write`], without copying; what does not fit is not taken.
    ///
    /// # Errors
    /// As [`Connection::write`].
    pub fn write_bytes(&mut self, now: Instant, data: &Bytes) -> Result<usize, WriteError> {
        let count = self.admit(now, data.len())?;
        self.sender.write_bytes(data.slice(..count));
        self.start_user_timer(now);
        Ok(count)
    }

    /// Like [`Connection::write`], and a record ends behind what is queued in full: no segment has bytes of this
    /// record and of the next (`MSG_EOR`).
    ///
    /// # Errors
    /// As [`Connection::write`]; [`WriteError::WouldBlock`] also when 4,096 records wait.
    pub fn write_record(&mut self, now: Instant, data: &[u8]) -> Result<usize, WriteError> {
        if self.sender.is_full_of_records() && !data.is_empty() {
            self.sender.wait_for_room(now);
            return Err(WriteError::WouldBlock);
        }
        let count = self.write(now, data)?;
        if count == data.len() && count > 0 {
            let noted = self.sender.end_record();
            debug_assert!(noted, "there was room for it");
        }
        Ok(count)
    }

    /// Like [`Connection::write`], and tells the peer that what is queued up to its end is urgent
    /// (§3.8.5, RFC 6093). New programs should not use it (SHLD-13).
    ///
    /// # Errors
    /// As [`Connection::write`].
    pub fn write_urgent(&mut self, now: Instant, data: &[u8]) -> Result<usize, WriteError> {
        let count = self.write(now, data)?;
        if count == data.len() && count > 0 {
            self.sender.urge();
        }
        Ok(count)
    }

    /// In line wherever it is called: a write is little more than this.
    #[inline(always)]
    fn admit(&mut self, now: Instant, wanted: usize) -> Result<usize, WriteError> {
        if let Some(error) = self.failure {
            return Err(WriteError::Failed(error));
        }
        if self.sender.fin_queued() || self.handshake.finishes_after() {
            return Err(WriteError::Finished);
        }
        match self.state() {
            State::Closed => return Err(WriteError::NotConnected),
            State::Listen => self.open_to_send(now),
            _ => {}
        }
        let room = self.write_room();
        if room == 0 && wanted > 0 {
            self.sender.wait_for_room(now);
            return Err(WriteError::WouldBlock);
        }
        if wanted > room {
            self.sender.wait_for_room(now);
        }
        if wanted > 0 {
            self.look_for_gap(now);
        }
        Ok(wanted.min(room))
    }

    /// SEND on a passive connection opens it actively (§3.10.2).
    #[cold]
    fn open_to_send(&mut self, now: Instant) {
        self.forget_passive_open();
        self.take(now, Cause::Send);
    }

    /// What waits is sent as far as the windows allow, however small it is, even behind a cork.
    pub fn flush(&mut self) {
        if self.sender.stream_end().after(self.sender.nxt) {
            self.sender.marks.put(sender::Fact::SendSmall);
        }
    }

    /// Bytes that a write would take now: at least one.
    ///
    /// # Errors
    /// As [`Connection::write`], when a write would not take any: [`Event::Writable`] tells when one does.
    pub fn await_write_room(&mut self, now: Instant) -> Result<usize, WriteError> {
        match (self.failure, self.state()) {
            (Some(error), _) => Err(WriteError::Failed(error)),
            (None, _) if self.sender.fin_queued() || self.handshake.finishes_after() => {
                Err(WriteError::Finished)
            }
            (None, State::Closed | State::Listen) => Err(WriteError::NotConnected),
            (None, _) if self.write_room() == 0 => {
                self.sender.wait_for_room(now);
                Err(WriteError::WouldBlock)
            }
            (None, _) => Ok(self.write_room()),
        }
    }

    /// Bytes that the send buffer still takes.
    pub fn write_room(&self) -> usize {
        (self.send_buffer_bytes() as usize).saturating_sub(self.sender.queued_bytes())
    }

    /// How much the application may have written: so many times what may be in flight that the next flight waits when one
    /// is acknowledged, or reported behind a gap.
    fn send_buffer_bytes(&self) -> u32 {
        let most = self.config.send_buffer_bytes.min(SEND_BUFFER_BYTES_MAX);
        match (self.config.send_buffer_bytes_initial, self.memory) {
            (0, Memory::Ample) => most,
            (initial, Memory::Ample) => most
                .min(initial.max(self.sender.window_bytes().saturating_mul(self.sender.windows_buffered()))),
            (_, Memory::Scarce) => most.min(SCARCE_SEND_BYTES),
        }
    }

    /// Copies what has arrived into `into`; `Ok(0)` means that the peer has finished (RECEIVE, §3.10.3).
    ///
    /// # Errors
    /// [`ReadError::WouldBlock`] while nothing is there: [`Event::Readable`] tells.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, ReadError> {
        if !self.receiver.has_unread() {
            return self.nothing_to_read();
        }
        Ok(self.receiver.read(into, self.receive_buffer()))
    }

    /// Like [`Connection::read`], for readers whose memory is not one slice: at most `most_bytes` are given to `take`,
    /// piece by piece.
    ///
    /// # Errors
    /// As [`Connection::read`].
    pub fn read_with(&mut self, most_bytes: usize, take: impl FnMut(&[u8])) -> Result<usize, ReadError> {
        if !self.receiver.has_unread() {
            return self.nothing_to_read();
        }
        Ok(self.receiver.read_with(most_bytes, take, self.receive_buffer()))
    }

    /// Like [`Connection::read`], one piece as it arrived, without copying; an empty one means that
    /// the peer has finished.
    ///
    /// # Errors
    /// As [`Connection::read`].
    pub fn read_bytes(&mut self) -> Result<Bytes, ReadError> {
        match self.receiver.read_bytes(self.receive_buffer()) {
            None => self.nothing_to_read().map(|_| Bytes::new()),
            Some(piece) => Ok(piece),
        }
    }

    /// Copies what has arrived and leaves it there.
    ///
    /// # Errors
    /// As [`Connection::read`].
    pub fn peek(&self, into: &mut [u8]) -> Result<usize, ReadError> {
        if self.receiver.has_unread() { Ok(self.receiver.peek(into)) } else { self.nothing_to_read() }
    }

    fn nothing_to_read(&self) -> Result<usize, ReadError> {
        if self.receiver.peer_finished() {
            return Ok(0);
        }
        match (self.failure, self.state()) {
            (Some(error), _) => Err(ReadError::Failed(error)),
            (None, State::Closed | State::Listen) => Err(ReadError::NotConnected),
            (None, _) => Err(ReadError::WouldBlock),
        }
    }

    /// Bytes that can be read now.
    pub fn readable_bytes(&self) -> usize {
        self.receiver.unread_bytes()
    }

    /// Bytes written and not acknowledged, sent or not (`SIOCOUTQ`).
    pub fn unacknowledged_bytes(&self) -> usize {
        self.sender.queued_bytes()
    }

    /// Bytes to read until the end of the urgent data; `None` when none is announced ahead (RFC 6093).
    pub fn urgent_bytes_ahead(&self) -> Option<u32> {
        self.receiver.urgent_bytes_ahead()
    }

    /// There is no more to send: a FIN follows what is queued; reading goes on (CLOSE, §3.10.4).
    pub fn finish(&mut self, now: Instant) {
        match self.state() {
            State::SynReceived if self.sender.has_text() && !self.handshake.is_early() => {
                self.handshake.marks.put(Stage::FinishAfter);
            }
            State::SynSent => self.handshake.marks.put(Stage::FinishAfter),
            _ => {
                self.take(now, Cause::Close);
            }
        }
    }

    /// The application is gone: nothing more to send, and nobody to read (CLOSE, §3.6.1).
    ///
    /// With data unread, or when data arrives later, the peer gets a reset, for it must learn that its
    /// data was lost (SHLD-3, RFC 2525 §2.17). [`Event::Closed`] tells when the connection is gone.
    pub fn close(&mut self, now: Instant) {
        let habits = self.config.habits;
        if self.receiver.has_unread() && habits.close_resets_if_unread() {
            self.reset(now, ResetReason::UnreadData);
            return;
        }
        self.receiver.forget_unread();
        self.marks.put(Fact::Orphaned);
        match self.state() {
            State::SynSent => {
                self.take(now, Cause::Close);
            }
            State::SynReceived if habits.close_forgets_syn_received() && !self.handshake.is_early() => {
                self.forget(now);
            }
            _ => self.finish(now),
        }
        self.limit_orphan(now);
    }

    /// Forgets the connection without a word to its peer, which may learn from a reset later that nobody is
    /// here: a listener's half-open connections when the listener is closed, or one in TIME-WAIT when a newer one has
    /// its ends. What has arrived can still be read.
    pub fn forget(&mut self, now: Instant) {
        self.take(now, Cause::Abort);
        self.reset_owed = None;
    }

    /// A passive open came to nothing, and its application does not wait for the next peer: in LISTEN, the connection
    /// ends with `error`. Does nothing in any other state.
    pub fn end_listening(&mut self, now: Instant, error: Error) {
        if self.state() == State::Listen {
            self.fail(now, Cause::Abort, error);
        }
    }

    /// Throws the connection away; a synchronized peer gets a reset (ABORT, §3.10.5).
    pub fn abort(&mut self, now: Instant) {
        if self.state() == State::TimeWait && self.config.habits.abort_leaves_time_wait() {
            return;
        }
        self.reset(now, ResetReason::Aborted);
    }

    pub(crate) fn reset(&mut self, now: Instant, why: ResetReason) {
        if matches!(self.state(), State::Closed) {
            return;
        }
        self.receiver.forget_unread();
        let error = *self.failure.get_or_insert(Error::Aborted);
        let state = self.state();
        self.take(now, Cause::Abort);
        if let Some(owed) = &mut self.reset_owed {
            *owed = why;
        }
        if state != State::TimeWait {
            self.events.raise(Event::Failed(error));
        }
        self.timers.stop(Timer::Linger);
    }
}
