//! A newer connection between the ends of one in TIME-WAIT (RFC 9293 §3.6.1, MAY-2; RFC 6191).
//!
//! TIME-WAIT is given up when the newer connection opens, and not before: its SYN may be forged or an old duplicate,
//! and there may be nobody to take it. During the handshake the old one is set aside. It is in no table then, because
//! the newer one has its ends, and its time goes on; when the handshake comes to nothing it takes its place again. What
//! is *not* here: whether a SYN is newer, and what else TIME-WAIT answers; those are [`tcp::TimeWait`]'s rules.

use crate::counters::Discard;
use crate::flow::FlowKey;
use crate::host::Host;
use crate::id::SlabKey;
use crate::interface::InterfaceId;
use crate::time_wait::{TIME_WAIT_BIT, TimeWaitEntry};
use tcp::{Instant, Segment, State, TimeWaitVerdict};
use wire::Seq;

/// The connection in TIME-WAIT that a half-open one is to follow, set aside.
pub(crate) enum Predecessor {
    /// It was in the table of such connections.
    Resting(Box<TimeWaitEntry>),
    /// It is among the connections, because its application has it, or because it is traced.
    Held(SlabKey),
}

/// What a SYN for ends in TIME-WAIT asks for.
#[derive(Clone, Copy)]
pub(crate) struct Succession {
    /// The place of the connection in TIME-WAIT, as the demultiplexing table has it.
    pub(crate) place: u32,
    /// The smallest initial sequence number with which another may follow.
    pub(crate) iss_at_least: Seq,
}

impl Host {
    /// A segment arrives for an entry of the TIME-WAIT table.
    pub(crate) fn deliver_to_time_wait(
        &mut self,
        now: Instant,
        index: u32,
        (key, came_by): (&FlowKey, InterfaceId),
        segment: &mut Segment,
    ) {
        let place = index | TIME_WAIT_BIT;
        if self.follow_with_cookie(now, place, key, segment) {
            return;
        }
        let text_bytes = segment.text_bytes();
        match self.time_waits.handle_segment(now, index, &segment.header, text_bytes) {
            Some(TimeWaitVerdict::Reply(reply)) => {
                self.send_header_back(now, (key, came_by), reply.header, reply.why);
            }
            Some(TimeWaitVerdict::Reopen { iss_at_least }) => {
                if !self.offer_to_listener(now, key, segment, Succession { place, iss_at_least })
                    && let Some(reply) = self.time_waits.refuse_syn(now, index)
                {
                    self.send_header_back(now, (key, came_by), reply.header, reply.why);
                }
            }
            Some(TimeWaitVerdict::Closed) => drop(self.forget_time_wait(index)),
            Some(TimeWaitVerdict::Ignore(_)) | None => self.counters.discard(Discard::TcpTimeWait),
        }
    }

    /// A segment arrives for a connection in TIME-WAIT that is kept whole. Returns whether it was for a newer
    /// connection; if not, the old one handles it.
    pub(crate) fn deliver_to_successor(
        &mut self,
        now: Instant,
        index: u32,
        key: &FlowKey,
        segment: &mut Segment,
    ) -> bool {
        if !segment.header.flags.syn() {
            return self.follow_with_cookie(now, index, key, segment);
        }
        let Some(connection) = self.sockets.at(index).map(|socket| &socket.connection) else { return false };
        let verdict = connection.time_wait().map(|mut time_wait| {
            time_wait.handle_segment(now, &segment.header, segment.text_bytes(), connection.config())
        });
        let Some(TimeWaitVerdict::Reopen { iss_at_least }) = verdict else { return false };
        self.offer_to_listener(now, key, segment, Succession { place: index, iss_at_least })
    }

    /// Hands a newer SYN to the listener, which may drop it. Returns whether there is one that can take it.
    fn offer_to_listener(
        &mut self,
        now: Instant,
        key: &FlowKey,
        segment: &mut Segment,
        succession: Succession,
    ) -> bool {
        let parent = self.find_listener(key);
        parent.is_some_and(|parent| self.arrive_at_listener(now, parent, key, segment, Some(succession)))
    }

    /// A newer SYN may have been answered with a cookie. Returns whether this segment brings it back.
    ///
    /// A cookie that could not have answered a newer SYN is the one that opened what is in TIME-WAIT now: its third
    /// step has come again, or late.
    fn follow_with_cookie(&mut self, now: Instant, place: u32, key: &FlowKey, segment: &mut Segment) -> bool {
        if !self.cookies.are_out(now) {
            return false;
        }
        let cookie = segment.header.ack - 1;
        let is_newer = self.iss_at_least(place).is_some_and(|least| cookie.at_or_after(least));
        let parent = self.find_listener(key).filter(|_| is_newer);
        parent.is_some_and(|parent| self.accept_cookie(now, parent, key, segment, Some(place)))
    }

    /// The smallest initial sequence number with which another connection may follow the one in TIME-WAIT at this
    /// place; none may while there is something to read of it.
    pub(crate) fn iss_at_least(&self, place: u32) -> Option<Seq> {
        if place & TIME_WAIT_BIT != 0 {
            return self.iss_after(place & !TIME_WAIT_BIT);
        }
        let time_wait = self.sockets.at(place)?.connection.time_wait()?;
        Some(time_wait.iss_at_least())
    }

    /// Takes the connection in TIME-WAIT at this place out of the way of a newer one with the same ends.
    pub(crate) fn set_aside(&mut self, place: u32) -> Option<Predecessor> {
        if place & TIME_WAIT_BIT != 0 {
            let entry = self.forget_time_wait(place & !TIME_WAIT_BIT)?;
            return Some(Predecessor::Resting(Box::new(entry)));
        }
        self.unlink_flow(place);
        self.sockets.key_at(place).map(Predecessor::Held)
    }

    /// The handshake of the newer connection came to nothing, and nobody has the ends now (RFC 9293 §3.6.1, (2)).
    pub(crate) fn bring_back(&mut self, predecessor: Predecessor) {
        match predecessor {
            Predecessor::Resting(entry) if entry.time_wait.due() <= self.now => {}
            Predecessor::Resting(entry) => self.restore_time_wait(*entry),
            Predecessor::Held(key) => {
                let is_waiting = |connection: &tcp::Connection| connection.state() == State::TimeWait;
                if self.sockets.get(key).is_some_and(|socket| is_waiting(&socket.connection)) {
                    self.link_flow(key.index);
                    self.touch_connection(self.now, key.index);
                }
            }
        }
    }

    /// The newer connection is open: the old one is over.
    pub(crate) fn give_up(&mut self, predecessor: &Predecessor) {
        self.counters.time_waits_reopened += 1;
        if let Predecessor::Held(key) = *predecessor
            && let Some(socket) = self.sockets.get_mut(key)
        {
            // As if its time were over: what has arrived can still be read.
            socket.connection.forget(self.now);
            self.touch_connection(self.now, key.index);
        }
    }
}
