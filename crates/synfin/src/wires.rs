//! The ways out: each interface's link, and the frames that it has not taken yet.
//!
//! Frames are gathered and handed over in batches. A link that is full keeps its frames here and the
//! rest in the host, where the engine knows of them; its `poll_fd` tells the driver when to go on. The other
//! links go on: a full one holds up its own traffic alone.

use device::Link;
use stack::InterfaceId;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use wire::Frame;

/// Frames gathered before a link is asked: enough to be worth a call, few enough to go out soon.
const BATCH_FRAMES: usize = 32;

/// The links of a stack, in the order of its interfaces.
#[derive(Default)]
pub(crate) struct Wires {
    wires: Vec<Wire>,
}

struct Wire {
    id: InterfaceId,
    link: Arc<dyn Link>,
    /// At most [`BATCH_FRAMES`], and the rest of the super-segment that was being cut when the link became full.
    pending: VecDeque<Frame>,
    is_blocked: bool,
    /// It has just failed to receive and is left alone.
    is_resting: bool,
    errors: LinkErrors,
}

/// What has become of a link when frames were handed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It is as it was.
    AsBefore,
    /// It takes no more.
    Stopped(InterfaceId),
    /// It takes frames again.
    Resumed(InterfaceId),
}

/// What a link has said besides frames.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LinkErrors {
    /// Frames that it failed to send.
    pub transmit: u64,
    /// Attempts to receive that failed.
    pub receive: u64,
    /// What it said last.
    pub last: Option<String>,
}

impl Wires {
    /// Attaches a link.
    pub(crate) fn add(&mut self, id: InterfaceId, link: Arc<dyn Link>) {
        let (pending, errors) = (VecDeque::new(), LinkErrors::default());
        self.wires.push(Wire { id, link, pending, is_blocked: false, is_resting: false, errors });
    }

    /// The links, for the driver to receive from.
    pub(crate) fn links(&self) -> Vec<(InterfaceId, Arc<dyn Link>)> {
        self.wires.iter().map(|wire| (wire.id, Arc::clone(&wire.link))).collect()
    }

    /// The interfaces that the links are attached to.
    pub(crate) fn ids(&self) -> impl Iterator<Item = InterfaceId> + '_ {
        self.wires.iter().map(|wire| wire.id)
    }

    /// Lets go of the links; what is sent from here on goes nowhere.
    pub(crate) fn cut(&mut self) {
        self.wires.clear();
    }

    /// Gathers a frame; a whole batch goes out.
    pub(crate) fn push(&mut self, id: InterfaceId, frame: Frame) -> Flow {
        let Some(wire) = self.wires.get_mut(id.index()) else { return Flow::AsBefore };
        wire.pending.push_back(frame);
        if wire.pending.len() >= BATCH_FRAMES && !wire.is_blocked { wire.flush() } else { Flow::AsBefore }
    }

    /// How many links there are.
    pub(crate) fn len(&self) -> usize {
        self.wires.len()
    }

    /// Hands over everything that was gathered for one link, by its number.
    pub(crate) fn flush(&mut self, index: usize) -> Flow {
        let wire = self.wires.get_mut(index).filter(|wire| !wire.pending.is_empty());
        wire.map_or(Flow::AsBefore, Wire::flush)
    }

    /// How long until a link has something to do by itself: a frame that it holds back. One that rests is not asked.
    pub(crate) fn due_in(&self) -> Option<Duration> {
        self.wires.iter().filter(|wire| !wire.is_resting).filter_map(|wire| wire.link.due_in()).min()
    }

    /// Takes note whether a link has just failed to receive and is left alone for a while.
    pub(crate) fn set_resting(&mut self, id: InterfaceId, is_resting: bool) {
        if let Some(wire) = self.wires.get_mut(id.index()) {
            wire.is_resting = is_resting;
        }
    }

    /// Whether a link has more than it takes.
    pub(crate) fn are_blocked(&self) -> bool {
        self.wires.iter().any(|wire| wire.is_blocked)
    }

    /// A link failed to receive.
    pub(crate) fn on_receive_error(&mut self, id: InterfaceId, error: &io::Error) {
        if let Some(wire) = self.wires.get_mut(id.index()) {
            wire.errors.receive += 1;
            wire.errors.last = Some(error.to_string());
        }
    }

    /// What each link has said besides frames.
    pub(crate) fn errors(&self) -> Vec<LinkErrors> {
        self.wires.iter().map(|wire| wire.errors.clone()).collect()
    }
}

impl Wire {
    fn flush(&mut self) -> Flow {
        // Each failure costs the frame it is about, so this ends.
        while !self.pending.is_empty() {
            match self.link.transmit(&mut self.pending) {
                Ok(_) => break,
                Err(error) => {
                    self.errors.transmit += 1;
                    self.errors.last = Some(error.to_string());
                }
            }
        }
        let was_blocked = std::mem::replace(&mut self.is_blocked, !self.pending.is_empty());
        match (was_blocked, self.is_blocked) {
            (false, true) => Flow::Stopped(self.id),
            (true, false) => Flow::Resumed(self.id),
            _ => Flow::AsBefore,
        }
    }
}
