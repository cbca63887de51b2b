//! A host's place in the world.

use crate::application::Application;
use crate::random::Dice;
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
    /// What the host has told and no program has heard.
    pub(super) heard: Vec<(SocketId, Event)>,
    /// When the timer on the agenda is due.
    pub(super) armed: Option<Instant>,
    /// A test has acted here: drain before time moves.
    pub(super) is_touched: bool,
    pub(super) dice: Dice,
}

impl Node {
    pub(super) fn new(name: &str, host: Host, addresses: Vec<IpAddr>, dice: Dice) -> Self {
        Node {
            name: name.to_owned(),
            host,
            addresses,
            links: Vec::new(),
            programs: Vec::new(),
            heard: Vec::new(),
            armed: None,
            is_touched: true,
            dice,
        }
    }
}

pub(super) struct Program {
    /// `None` once it is over.
    pub(super) application: Option<Box<dyn Application>>,
    /// When it wants to be called.
    pub(super) wake: Option<Instant>,
}
