//! What a stack shows to those who watch it: frames as they pass, and connections as they open and close.
//!
//! Connection events are handed to the observer by whoever drives the stack, in the order in which
//! they happened and outside the stack's lock, so an observer may use sockets, but it must not wait
//! on them: the driver that it would wait for is its own. Frames are shown to the tap *inside* the lock,
//! in the order in which they pass; a tap writes them down and returns.

use device::Direction;
use socket::ConnectionEvent;
use std::time::Duration;
use wire::Frame;

/// A frame as the tap sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Tapped<'a> {
    /// Which way it passes.
    pub direction: Direction,
    /// The link's place in the order of [`Builder::link`](crate::Builder::link).
    pub interface: usize,
    /// Time of day, since 1970.
    pub since_1970: Duration,
    /// The frame. A super-segment is shown whole, as the stack sees it.
    pub frame: &'a Frame,
}

/// The boxed observer of connections.
pub(crate) type Observer = Box<dyn FnMut(ConnectionEvent) + Send>;
/// The boxed observer of frames.
pub(crate) type Tap = Box<dyn FnMut(Tapped<'_>) + Send>;
