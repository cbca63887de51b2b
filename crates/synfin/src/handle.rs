//! [`Stack`]: the program's handle to a host, its links and the thread that drives them.

use crate::builder::Builder;
use crate::core::Phase;
use crate::error;
use crate::farewell::STAY;
use crate::shared::Shared;
use crate::wires::LinkErrors;
use stack::SocketId;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

/// A TCP/IP stack inside this program: one host, its links, and the thread that drives them.
///
/// ```no_run
/// use synfin::device::{Tun, TunConfig};
///
/// let tun = Tun::open(&TunConfig::new("synfin0").with_host_address("10.90.0.1/24".parse()?))?;
/// let stack = synfin::Stack::builder().link(tun).address("10.90.0.2/24").start()?;
/// let listener = synfin::net::TcpListener::bind(&stack, "0.0.0.0:80")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # How it ends
///
/// Handles are cheap to clone, and every socket holds one, so the stack lives as long as any of them.
///
/// **What was written is delivered.** A kernel sends on when a program has ended; a stack inside the program
/// cannot. So the drop of the last handle waits until every peer has acknowledged everything, the FIN
/// included: a program that writes, drops its sockets and returns from `main` has delivered what it wrote.
/// The wait is bounded: a minute at most, and less when the peers have acknowledged nothing new for ten seconds
/// ([`Builder::farewell`] chooses, or turns it off). The drop does not wait in a thread that panics, nor in an
/// observer, which runs on the stack's own thread. It cannot wait where nothing is dropped: after
/// [`std::process::exit`], a signal, or for handles in a `static` or in threads that still run when `main` returns.
///
/// Afterwards the thread of the stack stays for up to ten seconds, in which peers may close their side, and
/// then releases the links. [`Stack::shutdown`] also waits for that; [`Stack::abort`] waits for nothing.
#[derive(Clone)]
pub struct Stack {
    handle: Arc<Handle>,
}

/// Dropped with the last [`Stack`] and the last socket.
struct Handle {
    shared: Arc<Shared>,
    driver: Mutex<Option<JoinHandle<()>>>,
    /// Beside the mutex, which a shutdown holds while it waits for the driver.
    driver_id: ThreadId,
    /// How long the last drop waits for peers to acknowledge.
    farewell: Duration,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.farewell.is_zero() || std::thread::panicking() || self.is_own_thread() {
            return self.shared.with(|core, now| core.leave(now + STAY));
        }
        self.shared.say_farewell(self.farewell);
    }
}

impl Handle {
    /// Whether this is the stack's own thread, in an observer: it cannot wait for itself.
    fn is_own_thread(&self) -> bool {
        self.driver_id == std::thread::current().id()
    }
}

impl Stack {
    /// Begins to describe a stack.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(shared: Arc<Shared>, driver: JoinHandle<()>, farewell: Duration) -> Self {
        let driver_id = driver.thread().id();
        Stack { handle: Arc::new(Handle { shared, driver: Mutex::new(Some(driver)), driver_id, farewell }) }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    /// Closes every socket as the end of a process would (data and FIN, or a reset where data was left
    /// unread), waits until all connections are over or `timeout` has passed, ends the thread and
    /// releases the links. Calls that wait on sockets return `NotConnected`, as does everything later.
    ///
    /// # Errors
    /// `TimedOut` if connections were not over in time, because their peers did not acknowledge or close:
    /// they are reset, and the stack is down all the same. `Deadlock` when called by an observer of this stack, for whose
    /// thread it would wait.
    pub fn shutdown(&self, timeout: Duration) -> io::Result<()> {
        if self.handle.is_own_thread() {
            return Err(io::Error::new(
                ErrorKind::Deadlock,
                "an observer cannot wait for the thread that it runs on; shut the stack down elsewhere",
            ));
        }
        let mut driver = self.handle.driver.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = self.shared();
        shared.with(|core, now| {
            core.leave(now + timeout);
            core.close_all(now);
        });
        let panicked = driver.take().is_some_and(|driver| driver.join().is_err());
        let phase = shared.lock().phase;
        match phase {
            _ if panicked => {
                Err(io::Error::other("the stack's thread panicked, probably in an observer or a tap"))
            }
            Phase::Gone => Err(error::thread_is_gone()),
            Phase::Down(0) | Phase::Up | Phase::Leaving(_) => Ok(()),
            Phase::Down(left) => Err(io::Error::new(
                ErrorKind::TimedOut,
                format!(
                    "{left} connections were not closed in time; their peers do not answer or keep them open"
                ),
            )),
        }
    }

    /// Resets every connection at once and ends the thread, for a program that cannot wait: a
    /// [`shutdown`](Stack::shutdown) that waits returns. Does not wait itself.
    pub fn abort(&self) {
        self.shared().with(|core, now| {
            if !core.phase.is_over() {
                core.phase = Phase::Leaving(now);
                core.close_all(now);
            }
        });
    }

    /// What the host has counted.
    pub fn counters(&self) -> stack::Counters {
        self.shared().look(|core, _| core.host.counters().clone())
    }

    /// How many of everything the host holds.
    pub fn usage(&self) -> stack::Usage {
        self.shared().look(|core, _| core.host.usage())
    }

    /// How many sockets the program holds.
    pub fn sockets(&self) -> usize {
        self.shared().look(|core, _| core.sockets.len())
    }

    /// What each link has failed to do, in the order in which they were added.
    pub fn link_errors(&self) -> Vec<LinkErrors> {
        self.shared().look(|core, _| core.wires.errors())
    }

    /// The addresses of the host, without those of the loopback.
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.shared().look(|core, _| {
            let interfaces = core.wires.ids().filter_map(|id| core.host.interface(id));
            interfaces.flat_map(|interface| interface.addresses.iter().map(|cidr| cidr.address())).collect()
        })
    }

    /// Starts or stops keeping traces of what connections do and why; [`Stack::take_traces`] gives them.
    pub fn set_tracing(&self, tracing: tcp::Tracing) {
        self.shared().with(|core, _| core.host.set_tracing(tracing));
    }

    /// The traces kept since the last call, oldest first. The host keeps a bounded number and drops the
    /// oldest, which [`stack::Counters::traces_lost`] counts.
    pub fn take_traces(&self) -> Vec<stack::TraceRecord> {
        self.shared().with(|core, _| std::iter::from_fn(|| core.host.poll_trace()).collect())
    }

    pub(crate) fn set_hop_limit(&self, id: SocketId, ttl: u32) -> io::Result<()> {
        let hop_limit = checked_hop_limit(ttl)?;
        self.shared()
            .with(|core, _| core.host.set_hop_limit(id, hop_limit))
            .map_err(|error| error::host(error, None))
    }

    pub(crate) fn hop_limit(&self, id: SocketId) -> io::Result<u32> {
        let hop_limit = self.shared().look(|core, _| core.host.hop_limit(id));
        hop_limit.map(u32::from).ok_or_else(|| error::not_connected(None))
    }
}

/// A TTL that fits its field, or an error.
pub(crate) fn checked_hop_limit(ttl: u32) -> io::Result<u8> {
    u8::try_from(ttl)
        .ok()
        .filter(|ttl| *ttl > 0)
        .ok_or_else(|| error::invalid("a TTL is a number from 1 to 255"))
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (addresses, usage) = (self.addresses(), self.usage());
        f.debug_struct("Stack").field("addresses", &addresses).field("usage", &usage).finish()
    }
}
