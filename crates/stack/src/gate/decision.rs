//! What a program decides about a flow at a gate, and an accepted one until its handshake is complete.
//!
//! An accepted flow is answered like a SYN at a listener (RFC 9293 §3.10.7.2, third), but the program has it at once.
//! It fails if the third step never comes. A listener would go back to waiting then; here somebody has the connection
//! and is told.

use super::FlowId;
use crate::connections::NewConnection;
use crate::counters::Discard;
use crate::error::Error;
use crate::event::Event;
use crate::host::Host;
use crate::icmp_errors::message_of_unreachable;
use crate::id::{SocketId, SocketKind};
use crate::listener::Accepted;
use crate::reopen::{Predecessor, Succession};
use crate::socket::{NO_LISTENER, Standing};
use std::sync::Arc;
use tcp::{Connection, Instant, ResetReason, SendReason, State, closed};

/// How a flow is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refuse {
    /// With a reset, as a host does that has no listener: "connection refused".
    Reset,
    /// With an ICMP error that quotes the SYN, within the rate limit for such errors. Most systems believe it while
    /// they are connecting; some go on trying.
    Unreachable(Unreachable),
    /// Not at all: the peer tries again and gives up in its own time. Its next SYN is a new flow.
    Silently,
}

/// What an ICMP error says cannot be reached (RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unreachable {
    /// No route leads to the network.
    Network,
    /// The host does not answer.
    Host,
    /// No program has the port.
    Port,
    /// A filter forbids it.
    Prohibited,
}

impl Host {
    /// Accepts a flow: answers with the SYN-ACK. The connection is the application's at once;
    /// [`crate::Event::Connected`] comes when the third step has arrived, and [`crate::Event::Failed`] if it never
    /// does. What is written before waits for it.
    /// With `None` the connection has the configuration of the gate.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`] if the flow does not wait any more: it was decided, withdrawn by its peer, or is too
    /// old. [`Error::AddressInUse`] if another connection has its ends now; the flow is gone then. The flow still waits
    /// after [`Error::TooManySockets`] and [`Error::OutOfMemory`].
    pub fn accept_flow(
        &mut self,
        now: Instant,
        flow: FlowId,
        config: Option<Arc<tcp::Config>>,
    ) -> Result<Accepted, Error> {
        let now = self.advance(now);
        self.gates.held(flow).ok_or(Error::UnknownSocket)?;
        if self.sockets.len() >= self.config.connections_max {
            return Err(Error::TooManySockets);
        }
        if self.budget.is_full() {
            return Err(Error::OutOfMemory);
        }
        let gate = self.gates.slab.at(flow.gate).map(|gate| (gate.options.config.clone(), gate.options.isn));
        let (config_of_gate, isn) = gate.unwrap_or_default();
        let config = config.or(config_of_gate).unwrap_or_else(|| self.config.tcp.clone());
        let held = self.gates.remove(flow).ok_or(Error::UnknownSocket)?;
        let key = held.key;
        let succession = match self.find_place(&key) {
            None => None,
            Some(place) => {
                let Some(iss_at_least) = self.iss_at_least(place) else {
                    self.counters.flows_refused += 1;
                    return Err(Error::AddressInUse);
                };
                Some(Succession { place, iss_at_least })
            }
        };
        let hop = self.hop_back(key.local, key.remote, held.interface).ok_or(Error::NetworkUnreachable)?;
        let mut birth = self.birth(now, &key, hop, isn);
        let predecessor = succession.and_then(|succession| {
            birth.iss = birth.iss.latest(succession.iss_at_least);
            self.set_aside(succession.place)
        });
        self.counters.passive_opens += 1;
        self.counters.flows_accepted += 1;
        self.gates.answered += 1;
        let (parent, standing) = (NO_LISTENER, Standing::Answered);
        let new = NewConnection { key, parent, standing, interface: hop.interface };
        let place = self.add_connection(now, Connection::listen(now, birth, config), new);
        self.keep_predecessor(place.index, predecessor);
        if let Some(socket) = self.sockets.get_mut(place) {
            socket.connection.set_memory(self.budget.memory());
            socket.connection.take_segment(now, &mut held.syn());
        }
        self.touch_connection(now, place.index);
        let id = SocketId::new(SocketKind::Connection, place);
        Ok(Accepted { id, remote: key.remote(), local: key.local() })
    }

    /// Refuses a flow.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`] if the flow does not wait any more.
    pub fn refuse_flow(&mut self, now: Instant, flow: FlowId, how: Refuse) -> Result<(), Error> {
        let now = self.advance(now);
        let held = self.gates.remove(flow).ok_or(Error::UnknownSocket)?;
        self.counters.flows_refused += 1;
        self.settle_tables_now_and_then();
        let key = held.key;
        let Some(hop) = self.hop_back(key.local, key.remote, held.interface) else {
            self.counters.discard(Discard::NoRoute);
            return Ok(());
        };
        match how {
            Refuse::Silently => {}
            Refuse::Reset => {
                // Not limited as resets for closed ports are: somebody has decided about each.
                if let Some(reset) = closed::arrives(&held.header(), 0) {
                    self.counters.resets_sent += 1;
                    self.send_header_by(now, hop, &key, reset, SendReason::Reset(ResetReason::ClosedPort));
                }
            }
            Refuse::Unreachable(what) => {
                let message = message_of_unreachable(what, (key.local, key.remote), &held.quote);
                self.send_limited_icmp_error(now, hop, (key.local, key.remote), message);
            }
        }
        Ok(())
    }

    /// If the third step of an accepted flow has arrived, tells the application.
    pub(crate) fn check_third_step_of_flow(&mut self, index: u32) {
        let Some((key, socket)) = self.sockets.entry(index) else { return };
        let numbers = socket.connection.snapshot();
        // CLOSE moves it on before its SYN is acknowledged (RFC 9293 §3.10.4), so the state alone does not tell.
        if !numbers.state.is_synchronized() || !numbers.snd_una.after(numbers.iss) {
            return;
        }
        if let Some(predecessor) = self.end_answering(index) {
            self.give_up(&predecessor);
        }
        self.notices.push_back((SocketId::new(SocketKind::Connection, key), Event::Connected));
    }

    /// An accepted flow is one of many connections now: its handshake is complete, came to nothing, or its application
    /// has closed it. Returns what it was to follow.
    pub(crate) fn end_answering(&mut self, index: u32) -> Option<Predecessor> {
        let socket = self.sockets.at_mut(index).filter(|socket| socket.standing == Standing::Answered)?;
        socket.standing = Standing::Owned;
        let child = core::mem::replace(&mut socket.child, NO_LISTENER);
        self.gates.answered -= 1;
        self.listeners.forget_child(child)
    }

    /// A connection has returned to LISTEN: its passive open came to nothing (RFC 9293 §3.10.7.4). A listener's waits
    /// no more, and one that an application has fails.
    #[cold]
    pub(crate) fn end_passive_open(&mut self, now: Instant, index: u32) {
        let socket = self.sockets.at_mut(index);
        if let Some(socket) = socket.filter(|socket| socket.standing == Standing::Answered) {
            socket.connection.end_listening(now, tcp::Error::Reset);
            self.touch_connection(now, index);
            return;
        }
        self.touch_connection(now, index);
        if self.sockets.at(index).is_some_and(|socket| socket.connection.state() == State::Listen) {
            self.drop_connection(index);
        }
    }
}
