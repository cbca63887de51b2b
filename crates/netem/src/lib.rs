//! A bad network, pure: frames and the time go in, frames come out.
//!
//! A [`Lane`] says what one direction of a link does to what crosses it. A frame meets it in this order: middlebox,
//! narrow place, outage, queue, rate, then on the wire loss, damage, duplication, and the time it takes.
//!
//! | | |
//! | --- | --- |
//! | the settings of one direction | [`Lane`], [`Queue`], [`Loss`], [`Middlebox`], [`PathMtu`] |
//! | one direction at work, for programs that ask it when something is due | [`Pipe`] |
//! | the same for those with an order of events of their own | [`Running`], [`Launch`] |
//! | what became of frames, counted | [`Counts`], [`Lost`] |
//! | chance, pinned | [`Dice`], [`Chance`] |
//!
//! Nothing here reads a clock or a random generator: the same seed gives the same frames at the same times. What is
//! *not* here: hosts, and links that join two of them (the simulator's), and devices.

mod damage;
mod ecn;
mod fate;
mod headers;
mod lane;
mod loss;
mod lost;
mod middlebox;
mod pipe;
mod queue;
mod random;
mod regroup;
mod running;
mod too_big;

pub use fate::Fate;
pub use lane::{Lane, Order, Recurring, Spike};
pub use loss::Loss;
pub use lost::{Counts, Lost};
pub use middlebox::{
    EcnRewrite, Middlebox, PortMapping, Renumbering, SackNumbers, SynFilter, SynText, Touches,
};
pub use pipe::{End, FRAMES_MAX, Leaving, Pipe};
pub use queue::{Discipline, DualPi2, Marking, Queue, QueueLimit, QueueWaits, Waits};
pub use random::{Chance, Dice};
pub use running::{Launch, Mishap, Moving, Running};
pub use too_big::{PathMtu, TooBigAnswer};

// What appears in signatures, so that programs need not name the crates below.
pub use wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
