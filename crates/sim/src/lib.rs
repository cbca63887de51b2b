//! A world in virtual time: hosts, links with every fault a network has, programs, one seed.
//!
//! A [`World`] knows no clock: time jumps from event to event, so that an hour of an idle connection takes
//! microseconds. The same seed gives the same bytes at the same times. Hosts are [`stack::Host`]s, the
//! same that run on a real wire.
//!
//! | | |
//! | --- | --- |
//! | the world: hosts, links, time | [`World`] |
//! | what a link does | [`LinkConfig`], [`Lane`], [`Queue`], [`Loss`], [`Middlebox`] |
//! | a host that loses its memory | [`World::restart`] |
//! | a device that is full or fails | [`World::set_device`], [`Device`] |
//! | hosts that are parted or without power | [`World::set_passage`], [`World::crash`] |
//! | one fault at one place | [`World::set_fate`], [`Fate`] |
//! | hands that reach into the wire | [`World::set_arrival`], [`World::inject`] |
//! | programs | [`Application`], [`At`], [`apps`] |
//! | tokio programs, with feature `tokio` | module `tokio`: `Sim`, `Builder`, `replay` |
//! | how fast, how fair, why sent again | [`Experiment`], [`Outcome`], [`Spread`] over many seeds |
//! | a program to begin with | [`guide`] |
//! | what tells two runs apart | [`Trail`], [`Difference`] |
//! | what an observer sees | [`World::record`], [`World::observe`], [`World::observe_frames`], [`FrameRecord`], [`Entry`], [`captured`], [`World::write_pcap`] |
//!
//! What is *not* here: bridges, real time, threads within a world ([`Experiment::run_seeds`] runs a world per
//! thread).

mod application;
pub mod apps;
mod device;
mod experiment;
mod fate;
pub mod guide;
mod ids;
mod link;
mod pcap;
mod record;
#[cfg(feature = "runtime")]
pub mod tokio;
mod trail;
mod world;

pub use application::{Ahead, Application, At};
pub use device::Device;
pub use experiment::{Dropped, Experiment, Family, FlowOutcome, Outcome, Progress, Resent, Spread, Stop};
pub use fate::{Arriving, Sent};
pub use ids::{HostId, LinkId};
pub use link::{Ends, LinkConfig, Passage, SuperSegments};
pub use netem::{
    Chance, Dice, Discipline, DualPi2, EcnRewrite, Fate, Lane, Loss, Marking, Middlebox, Order, PathMtu,
    PortMapping, Queue, QueueLimit, QueueWaits, Recurring, Renumbering, SackNumbers, Spike, SynFilter,
    SynText, TooBigAnswer, Touches, Waits,
};
pub use pcap::EPOCH_NS;
pub use record::{
    Arrival, Captured, Crossing, Direction, Ended, Entry, FrameArrival, FrameRecord, Happening, Lost, Origin,
    Recording, Vantage, captured,
};
pub use trail::{Deed, Difference, Step, Trail};
pub use world::{Tally, World};

// What appears in signatures, so that programs need not name the crates below.
pub use netem;
pub use stack;
pub use tcp;
pub use wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
