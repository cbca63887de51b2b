//! Links that carry [`Frame`](wire::Frame)s, and waiting until a frame arrives.
//!
//! | what | where |
//! | --- | --- |
//! | the trait of every link | [`Link`] |
//! | TUN and TAP on Linux and Android, with super-segments | [`Tun`] |
//! | raw Ethernet frames of an interface, live capture | [`PacketSocket`] |
//! | two ends in memory | [`memory::pair`] |
//! | virtual machines and their helpers, over Unix sockets | [`unix`] |
//! | packets that the program has in its own hands | [`channel::link`] |
//! | watching every frame | [`Tap`] |
//! | loss, delay, reordering and other faults, from a seed | [`Impaired`] |
//! | two links joined by a bad wire | [`Carrier`] |
//! | the kernel itself under test: a network for one thread, its sockets' options | [`kernel`] |
//! | sleeping until a link or another thread needs attention | [`wait`], [`Waker`] |
//!
//! The only crate of synfin with `unsafe`, all of it in the module `sys`. What is *not* here: protocols.
//! A link knows where the headers of a frame are, but never answers a frame.

mod carrier;
pub mod channel;
mod event;
mod impaired;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod interface;
#[cfg(target_os = "linux")]
pub mod kernel;
mod link;
pub mod memory;
#[cfg(target_os = "linux")]
mod packet;
mod pieces;
mod queue;
#[allow(unsafe_code)]
mod sys;
mod tap;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub mod tun;
pub mod unix;
mod wait;

pub use carrier::{Carrier, Watch};
pub use channel::ChannelLink;
pub use event::Waker;
pub use impaired::Impaired;
pub use link::{Direction, Link, WakerUse};
pub use memory::MemoryLink;
#[cfg(target_os = "linux")]
pub use packet::{Captured, PacketSocket, PacketStatistics};
pub use tap::Tap;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use tun::{InterfaceAddress, Tun, TunConfig, TunError, TunFdConfig};
pub use wait::{Ready, WAIT_MAX, wait};

// What appears in signatures, so that programs need not name the crates below.
pub use netem::{self, Chance, Lane, Loss};
pub use wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
