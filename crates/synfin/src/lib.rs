//! TCP/IP inside a program: sockets shaped like [`std::net`], over any link, without an operating
//! system's network.
//!
//! A [`Stack`] is one host with its links: a TUN device, an end of an in-memory wire, anything that is a
//! [`device::Link`]. Sockets are made on it and behave as the kernel's do. Two stacks with a wire in memory between
//! them, which needs no privilege:
//!
//! ```
//! use std::io::{Read, Write};
//! use synfin::{Stack, device, net, wire::LinkCapabilities};
//!
//! let (left, right) = device::memory::pair(LinkCapabilities::default());
//! let client = Stack::builder().link(left).address("10.90.0.1/24").start()?;
//! let server = Stack::builder().link(right).address("10.90.0.2/24").start()?;
//!
//! let listener = net::TcpListener::bind(&server, "10.90.0.2:80")?;
//! let mut stream = net::TcpStream::connect(&client, "10.90.0.2:80")?; // returns at the second step: SYN-ACK
//! let (mut accepted, from) = listener.accept()?; // returns at the third step: the ACK of it
//! assert_eq!(from, stream.local_addr()?);
//!
//! stream.write_all(b"hello")?;
//! stream.shutdown(net::Shutdown::Write)?;
//! let mut heard = String::new();
//! accepted.read_to_string(&mut heard)?;
//! assert_eq!(heard, "hello");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The [`guide`] has a complete program per use: a [server](guide::server) and a [client](guide::client) over TUN, a
//! [link of your own](guide::own_link), the [engine without threads and sockets](guide::by_hand), and a
//! [simulation](guide::simulation).
//!
//! # How it runs
//!
//! A stack has one driver, a thread or a task: it receives from the links and minds the time. Everything else
//! runs to completion where the program calls: `write` itself puts segments on the link. All meet at
//! one lock, under which nothing waits. Whoever has nothing to do leaves a [`std::task::Waker`] in the socket and
//! sleeps; a thread leaves one that unparks it, a task its own, and the rules of sockets ([`socket`]) cannot tell them
//! apart.
//!
//! What is *not* here: protocols (they are in `stack` and `tcp`), links (`device`), name lookup.

#![warn(missing_docs)]

mod builder;
mod clock;
mod driver;
mod farewell;
pub mod guide;
mod handle;
mod locked;
mod names;
pub mod net;
mod observe;
mod park;
mod shared;
#[cfg(feature = "tracing")]
mod subscriber;
#[cfg(feature = "tokio")]
pub mod tokio;
mod trace_readers;
mod wires;

pub use builder::Builder;
pub use handle::Stack;
pub use names::Resolver;
pub use observe::Tapped;
pub use socket::{
    Cause, ClosedBy, ConnectionEvent, ConnectionSummary, Fault, ListenOptions, Lookup, OpenOptions, Role,
};
pub use wires::LinkErrors;

// What appears in signatures, so that programs need not name the crates below.
pub use device::{self, Direction, Link};
pub use socket;
pub use stack::{
    self, Cidr, Config as HostConfig, DatagramGateOptions, FastOpenKeys, FastOpenOptions, GateAddresses,
    GateOptions, Mac, OpenFast, TraceRecord, Usage,
};
pub use tcp;
pub use wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
