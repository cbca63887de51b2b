//! What a connection holds, and what it does while its host is short of memory.
//!
//! A connection counts what it keeps in memory ([`Connection::held_bytes`]); its host adds that up and says how much
//! there is to spare. What is *not* here: the budget, and who is to go when it is used up; both are the host's.

use crate::connection::{Connection, Fact};
use crate::ecn::Agreed;
use crate::segment::{Error, Event};
use crate::state::State;
use crate::trace::Trace;
use crate::{Instant, ResetReason};
use wire::Payload;

/// How much memory the host of a connection has to spare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Memory {
    /// Buffers may grow.
    #[default]
    Ample,
    /// New windows are small, little may be written ahead, and little is kept out of order. What was offered before is
    /// still accepted.
    Scarce,
}

/// The window while memory is scarce, in segments: enough for a delayed acknowledgment and a fast retransmission, as Linux
/// has it under pressure.
pub(crate) const SCARCE_WINDOW_SEGMENTS: u32 = 4;
/// What may be written ahead while memory is scarce.
pub(crate) const SCARCE_SEND_BYTES: u32 = 16 << 10;
/// What is kept out of order while memory is scarce.
const SCARCE_DISORDER_BYTES: usize = 16 << 10;

impl Connection {
    /// The host says how much memory there is to spare.
    #[inline]
    pub fn set_memory(&mut self, memory: Memory) {
        if self.memory != memory {
            self.change_memory(memory);
        }
    }

    #[cold]
    fn change_memory(&mut self, memory: Memory) {
        self.memory = memory;
        self.trace(|| Trace::Memory { memory });
    }

    /// Memory that the connection holds besides itself, in bytes: what it has queued, what it keeps out of order, what it
    /// remembers of its flight. Text counts with the buffers that it keeps, as far as these are known: a piece of a
    /// frame as the whole frame.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use synfin_tcp::{Birth, Config, Connection, Instant, Path};
    /// # let birth = Birth { iss: wire::Seq::new(1), timestamp_offset: 0, path: Path { mtu_bytes: 1_500, ip_header_bytes: 20 } };
    /// let mut connection = Connection::connect(Instant::ZERO, birth, Arc::new(Config::default()));
    /// assert_eq!(connection.held_bytes(), 0);
    /// connection.write(Instant::ZERO, b"held until the peer acknowledges it")?;
    /// assert!(connection.held_bytes() > 35);
    /// # Ok::<(), synfin_tcp::WriteError>(())
    /// ```
    #[inline]
    pub fn held_bytes(&self) -> usize {
        let halves = self.sender.held_bytes() + self.receiver.held_bytes();
        // One question for all that is rare: this is asked after every call.
        let keeps_more = self.marks.has(Fact::KeepsMore);
        debug_assert!(keeps_more || self.rare_held_bytes() == 0, "who keeps it says so");
        if keeps_more { halves + self.rare_held_bytes() } else { halves }
    }

    #[inline(never)]
    fn rare_held_bytes(&self) -> usize {
        let ecn = if self.ecn.is_some() { size_of::<Agreed>() } else { 0 };
        self.tracer.held_bytes() + self.fast_open_bytes() + self.sender.congestion.held_bytes() + ecn
    }

    /// What [`Connection::held_bytes`] grows by, at most, when this text arrives in its turn: the text, and what is
    /// kept beside it. A host asks before it takes the text.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use synfin_tcp::{Birth, Config, Connection, Instant, Path};
    /// # let birth = Birth { iss: wire::Seq::new(1), timestamp_offset: 0, path: Path { mtu_bytes: 1_500, ip_header_bytes: 20 } };
    /// let connection = Connection::connect(Instant::ZERO, birth, Arc::new(Config::default()));
    /// let text = wire::Payload::from(bytes::Bytes::from_static(&[7; 1_000]));
    /// assert!((1_100..4_000).contains(&connection.cost_bytes(&text)));
    /// ```
    pub fn cost_bytes(&self, text: &Payload) -> usize {
        self.receiver.cost_bytes(text)
    }

    /// Drops text that arrived out of order, the highest first, until at most `bytes_max` are left. The peer sends it again;
    /// what was reported of it by SACK is taken back (RFC 2018 §8). Returns whether anything was dropped.
    pub fn prune_disorder(&mut self, bytes_max: usize) -> bool {
        let bytes = self.receiver.prune(bytes_max);
        if bytes > 0 {
            self.trace(|| Trace::Pruned { bytes });
        }
        bytes > 0
    }

    /// Bytes that were acknowledged or read so far: a connection in which this stands still gets nowhere.
    pub fn moved_bytes(&self) -> u64 {
        self.sender.sent.bytes_acked + self.receiver.received().bytes - self.receiver.unread_bytes() as u64
    }

    /// The host has no memory for this connection any more: it is reset, and its application is told.
    pub fn abort_for_memory(&mut self, now: Instant) {
        self.failure.get_or_insert(Error::OutOfMemory);
        self.reset(now, ResetReason::OutOfMemory);
    }

    /// The host has memory again: a writer that had to wait is told.
    pub fn tell_writable(&mut self) {
        if self.write_room() > 0 && self.state() != State::Closed {
            self.events.raise(Event::Writable);
        }
    }

    /// Text was kept out of order while memory is scarce.
    pub(crate) fn prune_if_scarce(&mut self) {
        if self.memory == Memory::Scarce {
            self.prune_disorder(SCARCE_DISORDER_BYTES);
        }
    }
}
