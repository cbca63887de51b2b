//! The host and its sockets as one value, and the one way in which anybody waits.

use crate::fault::{Cause, Fault};
use crate::observe::ConnectionEvent;
use crate::table::Sockets;
use crate::waiting::{Interest, Place, Waiter, Wakeups};
use crate::watch::Watch;
use stack::{Departures, Event, Host, SocketId};
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::task::{Poll, Waker};
use tcp::Instant;

/// A host and the sockets that a program holds on it.
///
/// The contract is that of the host, one floor up: change it (an attempt, a frame, a timeout), take frames from
/// [`Core::host_mut`] until it has none, then [`settle`](Core::settle) and wake.
pub struct Core {
    pub(crate) host: Host,
    pub(crate) sockets: Sockets,
    pub(crate) wakeups: Wakeups,
    pub(crate) watch: Watch,
    /// How much one attempt copies at most.
    pub(crate) copy_bytes_max: usize,
    /// Why nothing is taken any more.
    closed: Option<Cause>,
}

/// What one attempt copies at most, in bytes, unless [`Core::set_copy_bytes_max`] says otherwise: the stack is locked
/// for that long, and others wait.
const COPY_BYTES_MAX: usize = 64 << 10;

/// Who waits for what, and where the waker goes.
#[derive(Debug)]
pub struct Wait<'a> {
    /// The socket.
    pub id: SocketId,
    /// What to wait for.
    pub interest: Interest,
    /// Where the waker goes.
    pub place: Place<'a>,
    /// Who is woken.
    pub waker: &'a Waker,
}

impl Core {
    /// A host without sockets.
    pub fn new(host: Host) -> Core {
        let (sockets, wakeups, watch) = (Sockets::default(), Wakeups::default(), Watch::default());
        Core { host, sockets, wakeups, watch, copy_bytes_max: COPY_BYTES_MAX, closed: None }
    }

    /// How many bytes one attempt copies at most, for a face that has the core to itself.
    pub fn set_copy_bytes_max(&mut self, bytes: usize) {
        self.copy_bytes_max = bytes;
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The host, to be driven. Sockets that are made on it directly are nobody's.
    pub fn host_mut(&mut self) -> &mut Host {
        &mut self.host
    }

    /// Keeps records of connections for [`Core::take_connection_events`] from now on.
    pub fn observe(&mut self) {
        self.host.set_departures(Departures::Told);
        self.watch = Watch::for_observer();
    }

    /// Keeps no records of connections any longer, and forgets those that were not taken.
    pub fn stop_observing(&mut self) {
        self.host.set_departures(Departures::Untold);
        self.watch = Watch::default();
    }

    /// What an observer should hear, oldest first, and of which connection.
    pub fn take_connection_events(&mut self) -> VecDeque<(SocketId, ConnectionEvent)> {
        self.watch.events().take()
    }

    /// Whether an observer should hear something.
    pub fn has_connection_events(&self) -> bool {
        self.watch.has_events()
    }

    /// Makes one attempt. If it is not ready, the waker is left in the socket, and woken when it is worth trying again;
    /// if it is, the caller's entry is taken away. Both happen in this call, so no event can fall between them.
    ///
    /// # Errors
    /// Those of the attempt; after [`Core::close_down`] its cause, without trying.
    pub fn poll<T>(
        &mut self,
        now: Instant,
        wait: Wait<'_>,
        attempt: impl FnOnce(&mut Core, Instant) -> Poll<Result<T, Fault>>,
    ) -> Poll<Result<T, Fault>> {
        match self.closed {
            Some(cause) => self.wait_for(wait, |_| Poll::Ready(Err(Fault::of(cause)))),
            None => self.wait_for(wait, |core| attempt(core, now)),
        }
    }

    /// Like [`Core::poll`], for what must be possible to the end: a close that waits for its peer.
    pub fn wait_for<T>(&mut self, wait: Wait<'_>, attempt: impl FnOnce(&mut Core) -> Poll<T>) -> Poll<T> {
        let Wait { id, interest, place, waker } = wait;
        let outcome = attempt(self);
        match (&outcome, place) {
            (Poll::Pending, place) => {
                self.sockets.register(id, interest, place, waker, &mut self.wakeups);
            }
            (Poll::Ready(_), Place::Entry(waiter)) if waiter.is_waiting() => self.forget(id, waiter),
            (Poll::Ready(_), _) => {}
        }
        outcome
    }

    /// Takes away what a caller left that does not wait any longer.
    pub fn forget(&mut self, id: SocketId, waiter: &mut Waiter) {
        self.sockets.forget(id, waiter, &mut self.wakeups);
    }

    /// Refuses what needs a living stack.
    ///
    /// # Errors
    /// The cause that [`Core::close_down`] was given.
    pub fn check_is_open(&self) -> Result<(), Fault> {
        self.closed.map_or(Ok(()), |cause| Err(Fault::of(cause)))
    }

    /// Refuses every attempt from now on, for this reason, and wakes everybody so that they hear of it. The first
    /// reason stays, unless the driver is gone.
    pub fn close_down(&mut self, cause: Cause) {
        if self.closed.is_none() || cause == Cause::DriverIsGone {
            self.closed = Some(cause);
        }
        self.sockets.wake_all(&mut self.wakeups);
    }

    /// Takes what the host has to say to those who wait and to the observer. Returns who is to be woken.
    pub fn settle(&mut self, now: Instant) -> Wakeups {
        while self.hear(now).is_some() {}
        self.take_wakeups()
    }

    /// Takes one thing that the host has to say, so that whoever drives it can tell it to others, too. None: that was
    /// all, and [`take_wakeups`](Core::take_wakeups) says who is to be woken.
    pub fn hear(&mut self, now: Instant) -> Option<(SocketId, Event)> {
        let Some((id, event)) = self.host.poll_event() else {
            while let Some((id, info)) = self.host.poll_departure() {
                self.watch.on_departed(now, id, info);
            }
            return None;
        };
        self.watch.on_event(&self.host, now, id, event);
        if self.sockets.on_event(id, event, &mut self.wakeups) {
            self.throw_away(now, id);
        }
        Some((id, event))
    }

    /// Who is to be woken because of what was heard, changed or forgotten.
    pub fn take_wakeups(&mut self) -> Wakeups {
        std::mem::take(&mut self.wakeups)
    }

    /// Every socket that programs hold, in a fixed order.
    pub fn ids(&self) -> Vec<SocketId> {
        self.sockets.ids()
    }

    /// How many sockets programs hold.
    pub fn sockets(&self) -> usize {
        self.sockets.len()
    }

    /// How many threads and futures wait on sockets. Takes time in proportion to their number; for tests.
    pub fn waiting(&self) -> usize {
        self.sockets.waiting()
    }

    /// How often something happened to a socket for which somebody might wait. What was told with the same number is
    /// old, for faces that tell of edges.
    pub fn happenings(&self, id: SocketId) -> u64 {
        self.sockets.get(id).map_or(0, |socket| socket.happenings())
    }

    /// The other end of a connection.
    pub fn peer(&self, id: SocketId) -> Option<SocketAddr> {
        self.sockets.get(id)?.peer
    }

    /// The program lets go of a socket of any kind. A connection goes on until its peer has everything; with a linger
    /// time of zero it is reset.
    pub fn close(&mut self, now: Instant, id: SocketId) {
        self.watch.on_closing(&self.host, now, id);
        let linger = self.sockets.get(id).and_then(|socket| socket.linger);
        // An unknown id is a socket that is closed already (by the shutdown of the stack).
        if linger.is_some_and(|time| time.is_zero()) {
            let _ = self.host.tcp_abort(now, id);
        }
        let _ = self.host.tcp_close(now, id);
        self.sockets.wake(id, &mut self.wakeups);
        self.sockets.remove(id);
    }

    /// Closes every socket that programs hold, as the kernel does when a process ends.
    pub fn close_all(&mut self, now: Instant) {
        for id in self.sockets.ids() {
            self.close(now, id);
        }
    }

    /// A fault of a socket, with its peer.
    pub(crate) fn fault(&self, id: SocketId, cause: Cause) -> Fault {
        Fault::with(self.peer(id), cause)
    }

    /// The TTL or hop limit of what a socket sends.
    ///
    /// # Errors
    /// [`Cause::NotConnected`] when the socket is gone.
    pub fn hop_limit(&self, id: SocketId) -> Result<u8, Fault> {
        if let Some(hop_limit) = self.sockets.get(id).and_then(|socket| socket.hop_limit) {
            return Ok(hop_limit.get());
        }
        self.host.hop_limit(id).ok_or_else(|| self.fault(id, Cause::NotConnected))
    }

    /// Sets the TTL or hop limit of what a socket sends; of a listener, that of the connections to come.
    ///
    /// # Errors
    /// [`Cause::InvalidHopLimit`] unless it is from 1 to 255; [`Cause::NotConnected`] when the socket is gone.
    pub fn set_hop_limit(&mut self, id: SocketId, hop_limit: u32) -> Result<(), Fault> {
        let valid = u8::try_from(hop_limit).ok().and_then(std::num::NonZeroU8::new);
        let Some(hop_limit) = valid else { return Err(Fault::of(Cause::InvalidHopLimit)) };
        if id.kind() == stack::SocketKind::Listener {
            let gone = self.fault(id, Cause::NotConnected);
            self.sockets.get_mut(id).ok_or(gone)?.hop_limit = Some(hop_limit);
            return Ok(());
        }
        self.host.set_hop_limit(id, hop_limit.get()).map_err(|error| Fault::host(error, self.peer(id)))
    }

    /// Whether a socket has a failure that was not told yet.
    pub fn has_failed(&self, id: SocketId) -> bool {
        if id.kind() == stack::SocketKind::Udp {
            return self.host.udp_has_error(id);
        }
        self.sockets.get(id).is_some_and(|socket| socket.has_failed())
    }

    /// The failure of a socket that was not told yet, if there is one. Asking forgets it.
    pub fn take_failure(&mut self, id: SocketId) -> Option<Fault> {
        if id.kind() == stack::SocketKind::Udp {
            return self.host.udp_take_error(id).map(|error| Fault::host(error, self.peer(id)));
        }
        let cause = self.sockets.get_mut(id)?.take_failure()?;
        Some(self.fault(id, cause))
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sockets, usage) = (self.sockets(), self.host.usage());
        f.debug_struct("Core").field("sockets", &sockets).field("usage", &usage).finish_non_exhaustive()
    }
}
