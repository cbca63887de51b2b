//! A host's place in the world.

use crate::application::Application;
use crate::random::Dice;
use crate::record::FrameArrival;
use stack::{Event, Host, SocketId};
use std::net::IpAddr;
use tcp::Instant;

pub(super) struct Node {
    pub(super) name: String,
    pub(super) host: Host,
    pub(super) addresses: Vec<IpAddr>,
    /// By interface: the link, and which of its ends this is.
    pub(super) links: Vec<(usize, usize)>,
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
    /// A test has acted here: drain before time moves.
    pub(super) is_touched: bool,
    pub(super) dice: Dice,
    /// How often it has started anew.
    pub(super) lives: u32,
}

impl Node {
    pub(super) fn new(name: &str, host: Host, addresses: Vec<IpAddr>, dice: Dice) -> Self {
        Node {
            name: name.to_owned(),
            host,
            addresses,
            links: Vec::new(),
            programs: Vec::new(),
            observer: None,
            heard: Vec::new(),
            armed: None,
            handed_in: None,
            sendings: Vec::new(),
            is_touched: true,
            dice,
            lives: 0,
        }
    }

    /// Another host takes this place; its interfaces are still to come.
    pub(super) fn start_anew(&mut self, host: Host) {
        self.host = host;
        self.programs.clear();
        self.heard.clear();
        self.sendings.clear();
        // Its timer on the agenda comes to nothing.
        self.armed = None;
        self.handed_in = None;
        self.is_touched = true;
    }

    /// Where the log tells of the sending of the frame that the host gave last.
    pub(super) fn sending_of_last_frame(&self) -> Option<usize> {
        let number = self.host.last_sending()?;
        // Frames follow closely on what tells of them: the newest first.
        self.sendings.iter().rev().find(|(told, _)| *told == number).map(|(_, place)| *place)
    }
}

pub(super) struct Program {
    /// `None` once it is over.
    pub(super) application: Option<Box<dyn Application>>,
    /// When it wants to be called.
    pub(super) wake: Option<Instant>,
}
