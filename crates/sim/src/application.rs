//! Programs on a simulated host, and what they may do there.
//!
//! An [`Application`] is called after something happened on its host, and when a time that it asked for has
//! come; it does what can be done now and returns. A closure is one. [`At`] is the host as a program
//! sees it; a test uses the same through [`crate::World::at`].

use crate::ids::HostId;
use crate::record::{Entry, FrameArrival, Happening};
use crate::trail::Trail;
use crate::world::Seat;
use bytes::Bytes;
use netem::Dice;
use socket::Core;
use stack::{Accepted, ConnectOptions, Event, Host, ListenOptions, SocketId};
use std::cell::OnceCell;
use std::net::SocketAddr;
use std::sync::MutexGuard;
use std::time::Duration;
use tcp::{Connection, Instant, ReadError, State, WriteError};

/// A program that runs on a simulated host.
///
/// It must not wait: it does what can be done now. Calls come when the host has told events
/// ([`At::events`]), when a time it asked for ([`At::wake_at`]) has come, and once at the start.
///
/// ```
/// use synfin_sim::{At, LinkConfig, World};
/// let mut world = World::new(7);
/// let client = world.add_host("client", stack::Config::default(), &["10.0.0.1"]);
/// let server = world.add_host("server", stack::Config::default(), &["10.0.0.2"]);
/// world.link(client, server, LinkConfig::default());
/// let (mut listener, mut stream) = (None, None);
/// world.start(server, move |at: &mut At<'_>| {
///     let listener = *listener.get_or_insert_with(|| at.listen(7));
///     stream = stream.or_else(|| at.accept(listener).map(|accepted| accepted.id));
///     let Some(stream) = stream else { return };
///     let heard = at.read_all(stream);
///     let _ = at.write(stream, &heard);
/// });
/// let stream = world.at(client).connect("10.0.0.2:7");
/// let _ = world.at(client).write(stream, b"echo");
/// world.run_for(std::time::Duration::from_secs(1));
/// assert_eq!(world.at(client).read_all(stream), b"echo");
/// ```
pub trait Application {
    /// Something happened: do what can be done now.
    fn poll(&mut self, at: &mut At<'_>);

    /// Whether it has timers that the world does not know of, and so must be asked about ([`Application::look_ahead`])
    /// before time passes.
    fn has_clock(&self) -> bool {
        false
    }

    /// Nothing else happens on this host from `now` to `until`: how much of that time has the program nothing to do by
    /// its own timers? When that is over, it is asked again. If `until` is `now`: has it something to do now?
    ///
    /// Asked of programs that have a clock alone, after everything that happens now has happened.
    fn look_ahead(&mut self, now: Instant, until: Instant) -> Ahead {
        let _ = now;
        Ahead::Quiet(until)
    }
}

/// What a program with a clock of its own has before it.
///
/// There are no others: a world matches on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// It has nothing to do before this time, and is asked again then at the latest.
    Quiet(Instant),
    /// It wants to be called now.
    Call,
}

impl<F: FnMut(&mut At<'_>)> Application for F {
    fn poll(&mut self, at: &mut At<'_>) {
        self(at);
    }
}

/// A host at this moment, as a program on it sees it.
pub struct At<'a> {
    pub(crate) now: Instant,
    pub(crate) id: HostId,
    pub(crate) seat: &'a Seat,
    /// The host, locked once the program uses it.
    pub(crate) core: OnceCell<MutexGuard<'a, Core>>,
    pub(crate) events: &'a [(SocketId, Event)],
    pub(crate) dice: &'a mut Dice,
    pub(crate) log: &'a mut Vec<Entry>,
    pub(crate) entries_max: usize,
    pub(crate) trail: &'a mut Option<Trail>,
    /// The arrival after which the program is called.
    pub(crate) cause: Option<FrameArrival>,
    pub(crate) wake: Option<Instant>,
    pub(crate) is_over: bool,
}

impl At<'_> {
    fn core(&self) -> &Core {
        self.core.get_or_init(|| self.seat.core())
    }

    fn core_mut(&mut self) -> &mut Core {
        self.core();
        self.core.get_mut().expect("it was locked just now")
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Which host this is.
    pub fn id(&self) -> HostId {
        self.id
    }

    /// What the host has told since the program was last called; empty for a test's own calls.
    pub fn events(&self) -> &[(SocketId, Event)] {
        self.events
    }

    /// The host itself, for everything that has no shorthand here.
    pub fn host(&mut self) -> &mut Host {
        self.core_mut().host_mut()
    }

    /// Chance that belongs to this host's programs.
    pub fn dice(&mut self) -> &mut Dice {
        self.dice
    }

    /// Calls the program again at this time, if nothing happens before. The earliest wish of a call counts.
    pub fn wake_at(&mut self, at: Instant) {
        self.wake = Some(self.wake.map_or(at, |earlier| earlier.min(at)));
    }

    /// Calls the program again after this time.
    pub fn wake_after(&mut self, duration: Duration) {
        self.wake_at(self.now + duration);
    }

    /// The program is over: it is not called again.
    pub fn leave(&mut self) {
        self.is_over = true;
    }

    /// Puts a line into the log, and so beside the ladder: `connect returns`.
    pub fn say(&mut self, text: &str) {
        if let Some(trail) = self.trail {
            trail.says(self.now, self.id, text);
        }
        if self.log.len() < self.entries_max {
            let what = Happening::Said(text.to_owned());
            self.log.push(Entry { at: self.now, host: self.id, what, cause: self.cause });
        }
    }

    /// Listens on all addresses of both families, with room for 128 connections to be accepted.
    ///
    /// # Panics
    /// If the port is taken.
    pub fn listen(&mut self, port: u16) -> SocketId {
        let local = SocketAddr::from(([0u16; 8], port));
        self.listen_with(ListenOptions::new(local, 128))
    }

    /// Listens as the options say.
    ///
    /// # Panics
    /// If the host refuses.
    pub fn listen_with(&mut self, options: ListenOptions) -> SocketId {
        let local = options.local;
        self.host()
            .tcp_listen_with(options)
            .unwrap_or_else(|error| panic!("cannot listen at {local}: {error}"))
    }

    /// The next connection of a listener.
    pub fn accept(&mut self, listener: SocketId) -> Option<Accepted> {
        self.host().tcp_accept(listener)
    }

    /// Connects to an address and port written as text: `10.0.0.2:80`, `[fd00::2]:80`.
    ///
    /// # Panics
    /// If it is none, or the host refuses.
    pub fn connect(&mut self, remote: &str) -> SocketId {
        let address = remote.parse().unwrap_or_else(|_| panic!("{remote:?} is no address and port"));
        self.connect_with(ConnectOptions::new(address))
    }

    /// Connects as the options say.
    ///
    /// # Panics
    /// If the host refuses.
    pub fn connect_with(&mut self, options: ConnectOptions) -> SocketId {
        let remote = options.remote;
        let now = self.now;
        let connected = self.host().tcp_connect_with(now, options);
        connected.unwrap_or_else(|error| panic!("cannot connect to {remote}: {error}"))
    }

    /// Queues as much of `data` as there is room for.
    ///
    /// # Errors
    /// As [`Host::tcp_write`].
    pub fn write(&mut self, id: SocketId, data: &[u8]) -> Result<usize, WriteError> {
        let now = self.now;
        self.host().tcp_write(now, id, data)
    }

    /// Queues as much of `data` as there is room for, without copying.
    ///
    /// # Errors
    /// As [`Host::tcp_write_bytes`].
    pub fn write_bytes(&mut self, id: SocketId, data: Bytes) -> Result<usize, WriteError> {
        let now = self.now;
        self.host().tcp_write_bytes(now, id, data)
    }

    /// Copies what has arrived; `Ok(0)` when the peer has finished.
    ///
    /// # Errors
    /// As [`Host::tcp_read`].
    pub fn read(&mut self, id: SocketId, into: &mut [u8]) -> Result<usize, ReadError> {
        let now = self.now;
        self.host().tcp_read(now, id, into)
    }

    /// Everything that has arrived and can be read now.
    pub fn read_all(&mut self, id: SocketId) -> Vec<u8> {
        let mut out = Vec::new();
        let mut buffer = vec![0; 65_536];
        while let Ok(count @ 1..) = self.read(id, &mut buffer) {
            out.extend_from_slice(&buffer[..count]);
        }
        out
    }

    /// No more to send: a FIN follows what is queued.
    pub fn finish(&mut self, id: SocketId) {
        let now = self.now;
        let _ = self.host().tcp_finish(now, id);
    }

    /// The program is done with the socket, a listener included.
    pub fn close(&mut self, id: SocketId) {
        let now = self.now;
        let _ = self.host().tcp_close(now, id);
    }

    /// Throws the connection away.
    pub fn abort(&mut self, id: SocketId) {
        let now = self.now;
        let _ = self.host().tcp_abort(now, id);
    }

    /// The connection, to look at; `None` once it was closed.
    pub fn tcp(&self, id: SocketId) -> Option<&Connection> {
        self.core().host().tcp(id)
    }

    /// The state of a connection; CLOSED once nobody knows it.
    pub fn state(&self, id: SocketId) -> State {
        self.core().host().tcp(id).map_or(State::Closed, Connection::state)
    }
}

impl core::fmt::Debug for At<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("At").field("now", &self.now).field("id", &self.id).finish_non_exhaustive()
    }
}
