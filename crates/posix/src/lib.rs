//! Sockets as POSIX has them, over a [`stack::Host`], without an operating system: the face of [`socket::Core`] for
//! system calls.
//!
//! [`System`] owns a core and a table of descriptors. Its methods are the calls every C program
//! knows (`socket`, `bind`, `listen`, `accept`, `connect`, `read`, `write`, `send`, `recv`, `poll`,
//! `epoll`, `shutdown`, `close`, `getsockopt` ...), with the errors that Linux or FreeBSD give
//! ([`tcp::Habits`]; with [`tcp::Habits::Rfc`] those of Linux). Time is an argument: nothing here sleeps.
//!
//! # Blocking
//! A call on a blocking descriptor that cannot be finished yet says [`Stop::Blocked`]. What it has
//! done so far is in the [`Waiting`] that the caller passed; the caller lets the world go on (frames
//! in, [`System::handle_timeout`]) and makes the same call again with the same `Waiting`, at the
//! latest when [`Waiting::deadline`] is reached. Non-blocking descriptors never give `Blocked`.
//!
//! ```
//! use synfin_posix::{Domain, Errno, Mode, Stop, System, Type};
//! use tcp::{Habits, Instant};
//!
//! let mut system = System::new(stack::Host::new(stack::Config::default(), [7; 32]), Habits::Linux);
//! let listener = system.socket(Domain::Inet, Type::Stream).unwrap();
//! system.bind(listener, "0.0.0.0:8080".parse().unwrap()).unwrap();
//! system.listen(listener, 1).unwrap();
//! assert_eq!(system.accept(Instant::ZERO, listener).unwrap_err(), Stop::Blocked);
//! system.set_nonblocking(listener, Mode::NonBlocking).unwrap();
//! assert_eq!(system.accept(Instant::ZERO, listener).unwrap_err(), Stop::Errno(Errno::Again));
//! ```
//!
//! What a connection does and when it has failed is the core's to say; here are descriptors, flags, options, poll
//! masks, time to wait, and which [`Errno`] a [`socket::Fault`] is on which system.
//!
//! What is *not* here: files, pipes, signals, processes, and descriptors shared between them.

#![warn(missing_docs)]

mod close;
mod descriptor;
mod errno;
mod fast_open;
mod info;
mod options;
mod ready;
mod setup;
mod system;
mod transfer;

pub use descriptor::{Domain, Fd, Type};
pub use errno::Errno;
pub use info::TcpInfo;
pub use options::{Defaults, Linger, OptionName, OptionValue};
pub use ready::{EpollEvent, EpollOperation, PollEntry, PollFlags};
pub use system::{Mode, Stop, System, Waiting};
pub use transfer::{Received, RecvFlags, SendFlags};

// What appears in signatures, so that programs need not name the crates below.
pub use socket;
pub use stack;
pub use std::net::Shutdown;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
