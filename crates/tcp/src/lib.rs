//! One TCP connection, as a state machine without I/O (RFC 9293 and the documents around it).
//!
//! A [`Connection`] has no clock, no socket, no random numbers and no other connection: time is an
//! argument, segments go in and come out as values, and the same inputs give the same bytes. A host
//! (`synfin-stack`) puts addresses around it; a simulator, a test or a debugger can take its place.
//!
//! Change it once, then drain it:
//!
//! | family | methods |
//! | --- | --- |
//! | born | [`Connection::connect`], [`Connection::answer`], [`Connection::listen`] |
//! | things happen | [`Connection::handle_segment`], [`Connection::handle_timeout`], [`Connection::handle_path`] |
//! | the application asks | [`Connection::write`], [`Connection::read`], [`Connection::finish`], [`Connection::close`], [`Connection::abort`] |
//! | the driver does | [`Connection::poll_transmit`], [`Connection::poll_event`], [`Connection::poll_timeout`] |
//! | anyone looks | [`Connection::state`], [`Connection::info`], [`Connection::snapshot`], [`Connection::poll_trace`] |
//!
//! The state diagram is [`state::ROWS`]; nothing else moves a connection.

#![no_std]

extern crate alloc;

mod acknowledged;
mod allowance;
mod application;
mod build;
pub mod closed;
mod config;
mod congestion;
mod connection;
mod deferral;
mod ecn;
mod events;
mod fast_open;
mod fifo;
mod habits;
mod handshake;
mod info;
pub mod listen;
mod marks;
mod memory;
mod moves;
mod path;
mod receive;
mod receiver;
mod refusal;
mod refuse;
mod segment;
mod sender;
mod sizes;
pub mod state;
mod syn_sent;
mod time_wait;
mod timeouts;
mod timers;
mod timestamps;
mod trace;
mod tracing;
mod transmit;

pub use allowance::Allowance;
pub use config::{Config, CongestionControl, KeepAlive, MtuProbing, Nagle, SynRetry};
pub use congestion::{Growth, ProbeReason, ScalableDoubt};
pub use connection::Connection;
pub use ecn::{EcnBytes, EcnDoubt, EcnFeedback};
pub use fast_open::{FastOpen, FastOpenAnswer, FastOpenOutcome, FastOpenReply, SynText};
pub use habits::Habits;
pub use info::{Info, Snapshot};
pub use memory::Memory;
pub use refusal::Refusal;
pub use segment::{Birth, Error, Event, Path, PathEvent, ReadError, Segment, Transmit, WriteError};
pub use sender::{RecoveryPhase, SmoothedRtt};
pub use state::{Cause, State};
pub use time_wait::{TimeWait, TimeWaitVerdict};
pub use timers::Timer;
pub use trace::{LossSign, PathProbe, ResetReason, SegmentFacts, SendReason, Trace, UndoSign};
pub use tracing::Tracing;

// What appears in signatures, so that programs need not name the crates below.
pub use wire;
pub use wire::Instant;

/// The window field that says `bytes` at this shift, rounded down.
pub(crate) fn window_field(bytes: u32, shift: u8) -> u16 {
    u16::try_from(bytes >> shift).unwrap_or(u16::MAX)
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
