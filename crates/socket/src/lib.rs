//! Sockets over a host, without a thread, a lock or a clock.
//!
//! A [`Core`] is a [`stack::Host`] and what sockets remember beside it: who waits, a failure that was not told yet,
//! which side was shut, how a close lingers. Every call is one *attempt*: [`Poll::Ready`](std::task::Poll) with a
//! result or a [`Fault`], or pending. [`Core::poll`] leaves the caller's waker where an event finds it. Whoever
//! drives the host calls [`Core::settle`] after each change and wakes those that it returns.
//!
//! The faces are elsewhere and keep no rules of their own: blocking sockets and the lock in `synfin`, system calls in
//! `posix`, worlds in `sim`. The shape of tokio's sockets is here (module `tokio`, with the feature of that name), for
//! every driver that is a [`Reach`].
//!
//! - a connection: [`Core::open`], [`Core::poll_connected`], [`Core::poll_read`], [`Core::poll_write`]
//!   (`stream.rs`), [`Core::shutdown`], [`Core::close`] (`closing.rs`, `core.rs`)
//! - a listener: [`Core::listen`], [`Core::poll_accept`] (`listener.rs`)
//! - any address and any port: [`Core::open_gate`], [`Core::poll_flow`], [`Core::accept_flow`] (`flow.rs`)
//! - sockets of a program that names no stack: [`Ambient`] (`ambient.rs`)
//! - datagrams: [`Core::bind`], [`Core::poll_send_to`], [`Core::poll_recv_from`] (`datagram.rs`)
//!
//! What is *not* here: protocols (`stack`, `tcp`), links, time.

#![warn(missing_docs)]

mod ambient;
mod attempt;
mod closing;
mod core;
mod datagram;
mod fault;
mod flow;
mod held;
mod listener;
mod observe;
mod reach;
mod stream;
mod table;
#[cfg(feature = "tokio")]
pub mod tokio;
mod waiting;
mod watch;

pub use crate::core::{Core, Wait};
pub use ambient::{Ambient, Entered};
pub use attempt::Attempt;
pub use closing::ClosedSides;
pub use fault::{Cause, Fault};
pub use flow::Flow;
pub use held::Held;
pub use observe::{ClosedBy, ConnectionEvent, ConnectionSummary, Role};
pub use reach::{Handle, Lookup, Reach};
pub use stream::{OpenOptions, Opened, Readiness, WriteMark};
pub use waiting::{Interest, Place, Waiter, Wakeups};

// What appears in signatures, so that programs need not name the crates below.
pub use stack::{self, Accepted, ListenOptions, SocketId};
pub use tcp;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
