//! The host under test: what a script's runner needs of it.
//!
//! The runner plays the network, the peer and the application; the host is the rest: a clock, a link and the
//! system calls. One host is `posix` over our own stack in virtual time, in this crate. Another one is a
//! kernel in real time, in another crate, because this crate does no I/O.

use crate::ast::Direction;
use posix::{
    Domain, EpollEvent, EpollOperation, Errno, Fd, Mode, OptionName, OptionValue, PollEntry, Received,
    RecvFlags, SendFlags, Shutdown, Stop, Type, Waiting,
};
use stack::Listed;
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tcp::{Habits, State, Tracing};

/// What a host is made from.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Whose habits the script expects.
    pub habits: Habits,
    /// The host's addresses: the script's first, perhaps one of the other version of IP.
    pub addresses: Vec<IpAddr>,
    /// The MTU of its only link, in bytes. All packets for other addresses are sent there.
    pub mtu_bytes: u32,
    /// The script's settings, which are applied first.
    pub settings: Vec<Setting>,
    /// Whether to note states and reasons.
    pub tracing: Tracing,
}

/// A line of `sysctl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `net.ipv4.tcp_sack`
    pub name: String,
    /// `0`
    pub value: String,
    /// Where it comes from.
    pub voice: Voice,
    /// The number of the script's event that sets it; `None` if an option of the script does.
    pub event: Option<usize>,
}

/// Where a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Voice {
    /// The script itself, which depends on it.
    Script,
    /// A file of settings that many scripts share.
    File,
}

/// Why there is no host for a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotMade {
    /// What the script needs and the host does not have.
    pub need: String,
    /// The number of the event that needs it, if one does.
    pub event: Option<usize>,
}

/// The host, or something that it depends on, has failed, in words: the script has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

/// A call that sleeps, from one attempt to the next.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// What it has done so far, for a host in which the call is attempted again.
    pub waiting: Waiting,
    /// Its number, for a host in which the call continues in a thread.
    pub ticket: Option<u64>,
}

/// A packet as it crossed the wire.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When, counted from the script's start.
    pub at: Duration,
    /// Which way it went.
    pub direction: Direction,
    /// The IP packet.
    pub bytes: Vec<u8>,
    /// The state of our end after it, if there is a connection.
    pub state: Option<State>,
    /// Why the stack sent it, if that is known.
    pub why: Option<&'static str>,
}

/// Both ends of a connection; IPv4 addresses are never mapped to IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The host's.
    pub local: SocketAddr,
    /// The script's.
    pub remote: SocketAddr,
}

/// A host under test.
///
/// Calls are those of POSIX, with POSIX's errors. One that sleeps returns
/// [`Stop::Blocked`]; the runner attempts it again, with the same arguments and the same [`Pending`],
/// whenever something has happened. Times count from the script's start.
pub trait Host {
    /// The time.
    fn elapsed(&self) -> Duration;

    /// The next event of the script begins; the time starts with the first.
    fn begin_event(&mut self);

    /// A packet arrives now.
    ///
    /// # Errors
    /// [`Broken`]
    fn inject(&mut self, packet: Vec<u8>) -> Result<(), Broken>;

    /// Brings [`Host::record`] up to date with everything that the host sends now.
    fn drain(&mut self);

    /// Every packet that has crossed the wire so far, in order.
    fn record(&self) -> &[Recorded];

    /// The record at the end of the run.
    fn into_record(self: Box<Self>) -> Vec<Recorded>;

    /// Lets time pass until `until`, or until something happens, whichever comes first; returns whether
    /// something happened.
    ///
    /// # Errors
    /// [`Broken`]
    fn step(&mut self, until: Duration) -> Result<Happened, Broken>;

    /// The time between two ticks of the host's clock. No timer of the host is more exact, so this is added
    /// to every tolerance.
    fn tick(&self) -> Duration {
        Duration::ZERO
    }

    /// How much longer to wait for a late packet, so that the failure can say when it came.
    fn late_max(&self) -> Duration {
        Duration::from_secs(600)
    }

    /// The longest wait for an event at any time (`*`): longer than any timer of TCP if waiting costs
    /// nothing.
    fn any_time_max(&self) -> Duration {
        Duration::from_secs(86_400)
    }

    /// The latest time at which a sleeping call must be attempted again.
    fn deadline(&self, pending: &Pending) -> Option<Duration>;

    /// Applies a line of `sysctl`.
    ///
    /// # Errors
    /// What the script needs and the host does not have.
    fn set(&mut self, setting: &Setting) -> Result<(), String>;

    /// What settings ask for that the host does not have, and what was used instead.
    fn instead(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// Every TCP socket, for scripts that use `sockstat` or `ss`; `None` if the host has no such list.
    fn listed(&mut self) -> Option<Vec<Listed>> {
        None
    }

    /// `tcpdrop`: ends the connection between these ends, and returns whether there was one.
    ///
    /// # Errors
    /// `EPERM` if the host does not support this.
    fn drop_connection(&mut self, _ends: Ends) -> Result<bool, Errno> {
        Err(Errno::NotPermitted)
    }

    /// Which rows of [`tcp::state::ROWS`] were taken, if the host knows.
    fn rows(&self) -> BTreeSet<u8> {
        BTreeSet::new()
    }

    /// The ends of the connection behind a descriptor, which may not be open yet.
    fn ends(&self, fd: Fd) -> Option<Ends>;

    /// The fields of `TCP_INFO` that the host keeps, by their names.
    ///
    /// # Errors
    /// As `getsockopt`.
    fn info(&mut self, fd: Fd) -> Result<Vec<(&'static str, u64)>, Errno>;

    /// `socket`
    ///
    /// # Errors
    /// Those of the call.
    fn socket(&mut self, domain: Domain, kind: Type) -> Result<Fd, Errno>;

    /// `bind`
    ///
    /// # Errors
    /// Those of the call.
    fn bind(&mut self, fd: Fd, address: SocketAddr) -> Result<(), Errno>;

    /// `listen`
    ///
    /// # Errors
    /// Those of the call.
    fn listen(&mut self, fd: Fd, backlog: i32) -> Result<(), Errno>;

    /// `accept`: the new descriptor and the peer's address.
    ///
    /// # Errors
    /// Those of the call.
    fn accept(&mut self, fd: Fd, pending: &mut Pending) -> Result<(Fd, SocketAddr), Stop>;

    /// `connect`
    ///
    /// # Errors
    /// Those of the call.
    fn connect(&mut self, fd: Fd, remote: SocketAddr, pending: &mut Pending) -> Result<(), Stop>;

    /// `close`
    ///
    /// # Errors
    /// Those of the call.
    fn close(&mut self, fd: Fd, pending: &mut Pending) -> Result<(), Stop>;

    /// `shutdown`
    ///
    /// # Errors
    /// Those of the call.
    fn shutdown(&mut self, fd: Fd, how: Shutdown) -> Result<(), Errno>;

    /// `recvmsg` and its relatives.
    ///
    /// # Errors
    /// Those of the call.
    fn recv(
        &mut self,
        fd: Fd,
        into: &mut [u8],
        flags: RecvFlags,
        pending: &mut Pending,
    ) -> Result<Received, Stop>;

    /// `sendmsg` and its relatives.
    ///
    /// # Errors
    /// Those of the call.
    fn send(
        &mut self,
        fd: Fd,
        data: &[u8],
        flags: SendFlags,
        to: Option<SocketAddr>,
        pending: &mut Pending,
    ) -> Result<usize, Stop>;

    /// `poll`
    ///
    /// # Errors
    /// Those of the call.
    fn poll(
        &mut self,
        entries: &mut [PollEntry],
        timeout: Option<Duration>,
        pending: &mut Pending,
    ) -> Result<usize, Stop>;

    /// `epoll_create`
    ///
    /// # Errors
    /// Those of the call.
    fn epoll_create(&mut self) -> Result<Fd, Errno>;

    /// `epoll_ctl`
    ///
    /// # Errors
    /// Those of the call.
    fn epoll_control(
        &mut self,
        epoll: Fd,
        operation: EpollOperation,
        fd: Fd,
        event: EpollEvent,
    ) -> Result<(), Errno>;

    /// `epoll_wait`
    ///
    /// # Errors
    /// Those of the call.
    fn epoll_wait(
        &mut self,
        epoll: Fd,
        most: usize,
        timeout: Option<Duration>,
        pending: &mut Pending,
    ) -> Result<Vec<EpollEvent>, Stop>;

    /// `fcntl(F_GETFL)`: whether calls may block.
    ///
    /// # Errors
    /// Those of the call.
    fn mode(&self, fd: Fd) -> Result<Mode, Errno>;

    /// `fcntl(F_SETFL)`
    ///
    /// # Errors
    /// Those of the call.
    fn set_nonblocking(&mut self, fd: Fd, mode: Mode) -> Result<(), Errno>;

    /// `ioctl`: the bytes in one of a socket's queues.
    ///
    /// # Errors
    /// Those of the call.
    fn queued_bytes(&mut self, fd: Fd, which: Queued) -> Result<usize, Errno>;

    /// `getsockname`
    ///
    /// # Errors
    /// Those of the call.
    fn local_address(&self, fd: Fd) -> Result<SocketAddr, Errno>;

    /// `getpeername`
    ///
    /// # Errors
    /// Those of the call.
    fn peer_address(&self, fd: Fd) -> Result<SocketAddr, Errno>;

    /// `getsockopt`, except for `TCP_INFO`.
    ///
    /// # Errors
    /// Those of the call.
    fn option(&mut self, fd: Fd, name: OptionName) -> Result<OptionValue, Errno>;

    /// Whether this value of an option has the same effect here as on the system that defines it. An option
    /// that is only stored has none.
    fn acts_on(&self, _name: OptionName, _value: &OptionValue) -> bool {
        true
    }

    /// `setsockopt`
    ///
    /// # Errors
    /// Those of the call.
    fn set_option(&mut self, fd: Fd, name: OptionName, value: &OptionValue) -> Result<(), Errno>;
}

/// Why [`Host::step`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happened {
    /// A timer ran out, a packet was sent, or a call returned.
    Something,
    /// Nothing: `until` was reached.
    Nothing,
}

/// The bytes that [`Host::queued_bytes`] counts.
///
/// There are no others: a host under test answers each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// `SIOCINQ`: received and not read.
    Received,
    /// `SIOCOUTQ`: written and not acknowledged.
    Unacknowledged,
    /// `SIOCOUTQNSD`: written and not sent.
    NotSent,
}
