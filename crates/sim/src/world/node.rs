//! A host's place in the world.

use super::commons::Commons;
use super::seat::Seat;
use crate::application::Application;
use crate::ids::HostId;
use crate::record::FrameArrival;
use netem::Dice;
use socket::{Cause, Core};
use stack::{Event, Host, SocketId};
use std::net::IpAddr;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;
use tcp::Instant;

pub(super) struct Node {
    pub(super) name: String,
    pub(super) seat: Arc<Seat>,
    /// Without power: nothing reaches it, and it does nothing.
    pub(super) is_down: bool,
    pub(super) addresses: Vec<IpAddr>,
    /// By interface: the link, and which of its ends this is.
    pub(super) links: Vec<(usize, usize)>,
    /// How long a frame takes at least from the nearest neighbour; `None` without one.
    pub(super) nearest: Option<Duration>,
    pub(super) programs: Vec<Program>,
    /// Hears what the host's connections say.
    pub(super) observer: Option<super::Observer>,
    /// What the host has told and no program has heard.
    pub(super) heard: Vec<(SocketId, Event)>,
    /// When the timer on the agenda is due.
    pub(super) armed: Option<Instant>,
    /// The arrival after which the host is being drained.
    pub(super) handed_in: Option<FrameArrival>,
    /// Segments sent while the host is being drained: their numbers on the host, their places in the log.
    pub(super) sendings: Vec<(u64, usize)>,
    pub(super) dice: Dice,
    /// How often it has started anew.
    pub(super) lives: u32,
}

impl Node {
    pub(super) fn new(name: &str, seat: Arc<Seat>, addresses: Vec<IpAddr>, dice: Dice) -> Self {
        Node {
            name: name.to_owned(),
            seat,
            is_down: false,
            addresses,
            links: Vec::new(),
            nearest: None,
            programs: Vec::new(),
            observer: None,
            heard: Vec::new(),
            armed: None,
            handed_in: None,
            sendings: Vec::new(),
            dice,
            lives: 0,
        }
    }

    /// The host and its sockets.
    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.seat.core()
    }

    /// Another host takes this place; its interfaces are still to come. What the programs of the one before it still
    /// hold and say leads nowhere.
    pub(super) fn start_anew(&mut self, id: HostId, host: Host, commons: &Arc<Commons>) {
        let before = std::mem::replace(&mut self.seat, Seat::new(id, Core::new(host), commons));
        before.core().close_down(Cause::StackIsDown);
        self.programs.clear();
        let forgotten = before.core().take_wakeups();
        forgotten.wake();
        self.heard.clear();
        self.sendings.clear();
        // Its timer on the agenda comes to nothing.
        self.armed = None;
        self.handed_in = None;
    }

    /// Where the log tells of the sending of the frame that the host gave last.
    pub(super) fn sending_of_last_frame(&self, host: &Host) -> Option<usize> {
        let number = host.last_sending()?;
        // Frames follow closely on what tells of them: the newest first.
        self.sendings.iter().rev().find(|(told, _)| *told == number).map(|(_, place)| *place)
    }
}

pub(super) struct Program {
    /// `None` once it is over.
    pub(super) application: Option<Box<dyn Application>>,
    /// When it wants to be called.
    pub(super) wake: Option<Instant>,
    /// If it has a clock of its own: up to when it has nothing to do by it.
    pub(super) looked_to: Option<Instant>,
}
