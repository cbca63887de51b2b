//! A connection in its host: how it is added, what is looked at after each call, and how it is dropped.
//!
//! What is *not* here: the handshakes at a listener (`listener.rs`), reopening (`reopen.rs`), TIME-WAIT (`time_wait.rs`).

use crate::flow::FlowKey;
use crate::host::Host;
use crate::id::SlabKey;
use crate::interface::InterfaceId;
use crate::socket::{Mark, Marks, NO_LISTENER, Socket, Standing};
use crate::timers::Timer;
use tcp::{Instant, State, Tracing};

impl Host {
    /// Takes note that a connection has changed: it may have something to send, an event, or a trace. If it
    /// has nothing to send, it is handled at once, without waiting for its turn.
    pub(crate) fn touch_connection(&mut self, now: Instant, index: u32) {
        let Some(socket) = self.sockets.at_mut(index) else { return };
        let is_ready = socket.marks.has(Mark::Ready);
        let is_drained = !is_ready && socket.connection.is_drained();
        if !is_ready && !is_drained {
            socket.marks.put(Mark::Ready);
            self.ready.push_back(index);
        }
        let (standing, is_open) = (socket.standing, socket.is_open());
        if standing.is_owned() && socket.connection.has_event() && !socket.marks.put(Mark::WithEvents) {
            self.with_events.push_back(index);
        }
        if !is_drained && self.budget.charge(socket) {
            self.reassess(index);
        }
        if !is_open {
            self.check_handshake(index, standing);
        }
        if is_drained {
            self.handle_drained(now, index);
        } else if self.tracing == Tracing::On {
            self.collect_traces(now, index);
            self.settle(index);
        }
    }

    /// Whether a connection whose handshake was not complete is open now.
    fn check_handshake(&mut self, index: u32, standing: Standing) {
        match standing {
            Standing::HalfOpen => self.check_third_step(index),
            Standing::Answered => self.check_third_step_of_flow(index),
            Standing::OpeningFast => self.watch_fast_open(index),
            Standing::Unproven | Standing::QueuedUnproven | Standing::Orphan => self.check_proof(index),
            Standing::Owned | Standing::Queued => {}
        }
    }

    /// A connection has nothing to send any more: sets its timer, or drops it if it is over, or moves it to
    /// the TIME-WAIT table.
    pub(crate) fn handle_drained(&mut self, now: Instant, index: u32) {
        if self.tracing == Tracing::On {
            self.collect_traces(now, index);
        }
        let traces_time_wait = self.traces_time_wait();
        let Some(socket) = self.sockets.at_mut(index) else { return };
        match socket.connection.state() {
            State::Closed if socket.connection.is_closed() => return self.drop_connection(index),
            State::Listen => return self.drop_connection(index),
            // While a newer connection has its ends, it stays where it is: see `reopen.rs`.
            State::TimeWait
                if socket.standing == Standing::Orphan
                    && socket.marks.has(Mark::Linked)
                    && !traces_time_wait =>
            {
                if let Some(time_wait) = socket.connection.time_wait() {
                    return self.enter_time_wait(index, time_wait);
                }
            }
            _ => {}
        }
        self.timers.set(&mut socket.timer, index, socket.connection.poll_timeout());
        if self.budget.charge(socket) {
            self.reassess(index);
        }
    }

    /// Drops a connection that is over: removes it from the tables, and from memory unless the application
    /// still holds it.
    pub(crate) fn drop_connection(&mut self, index: u32) {
        self.unlink_flow(index);
        let Some(socket) = self.sockets.at_mut(index) else { return };
        self.timers.cancel(&mut socket.timer);
        match socket.standing {
            Standing::Orphan | Standing::Unproven | Standing::QueuedUnproven
                if socket.child != NO_LISTENER =>
            {
                self.drop_unproven(index);
            }
            Standing::HalfOpen => {
                let child = socket.child;
                self.leave_half_open(index);
                let predecessor = self.listeners.forget_child(child);
                self.discard_socket(index);
                if let Some(predecessor) = predecessor {
                    self.bring_back(predecessor);
                }
            }
            Standing::Orphan => {
                self.record_departure(index);
                self.discard_socket(index);
            }
            Standing::Answered => {
                let predecessor = self.end_answering(index);
                self.settle(index);
                if let Some(predecessor) = predecessor {
                    self.bring_back(predecessor);
                }
            }
            // What can still be read is still held.
            Standing::Owned
            | Standing::OpeningFast
            | Standing::Unproven
            | Standing::Queued
            | Standing::QueuedUnproven => self.settle(index),
        }
    }

    /// Drops a connection whose SYN's text was taken, and whose third step never came.
    #[cold]
    fn drop_unproven(&mut self, index: u32) {
        let predecessor = self.end_unproven(index);
        if self.sockets.at(index).is_some_and(|socket| socket.standing == Standing::Orphan) {
            self.record_departure(index);
            self.discard_socket(index);
        } else {
            self.settle(index);
        }
        if let Some(predecessor) = predecessor {
            self.bring_back(predecessor);
        }
    }

    /// Removes a connection from the demultiplexing table.
    pub(crate) fn unlink_flow(&mut self, index: u32) {
        let Some(socket) = self.sockets.at_mut(index) else { return };
        if socket.marks.take(Mark::Linked) {
            let key = socket.key;
            self.demux.remove(&key, |place| place == index);
        }
    }

    /// Puts a connection that was removed back into the demultiplexing table; nobody else has its ends.
    pub(crate) fn link_flow(&mut self, index: u32) {
        let Some(socket) = self.sockets.at_mut(index) else { return };
        if !socket.marks.put(Mark::Linked) {
            let key = socket.key;
            self.demux.insert(&key, index);
        }
    }

    /// Adds a new connection to the tables. The caller must call [`Host::touch_connection`] next.
    pub(crate) fn add_connection(
        &mut self,
        now: Instant,
        connection: tcp::Connection,
        new: NewConnection,
    ) -> SlabKey {
        let NewConnection { key, parent, standing, interface } = new;
        let mut marks = Marks::default();
        marks.put(Mark::Linked);
        let (route_epoch, hop_limit) = (self.routes.epoch(), self.config.hop_limit);
        let place = self.sockets.insert_with(|| Socket {
            connection,
            key,
            child: NO_LISTENER,
            timer: Timer::NONE,
            interface,
            route_epoch,
            hop_limit,
            standing,
            charged_bytes: 0,
            marks,
        });
        self.demux.insert(&key, place.index);
        self.settle_tables_now_and_then();
        if self.tracing == Tracing::On {
            self.trace_new_connection(now, place);
        }
        if parent != NO_LISTENER {
            self.enter_half_open(parent, place.index);
        }
        place
    }
}

/// What [`Host::add_connection`] needs to know in addition to the connection.
#[derive(Clone, Copy)]
pub(crate) struct NewConnection {
    pub(crate) key: FlowKey,
    /// Its listener, or [`NO_LISTENER`].
    pub(crate) parent: u32,
    pub(crate) standing: Standing,
    pub(crate) interface: InterfaceId,
}
