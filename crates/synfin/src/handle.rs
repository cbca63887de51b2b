//! [`Stack`]: the program's handle to a host, its links and what drives them.

use crate::builder::Builder;
use crate::farewell::STAY;
use crate::locked::Phase;
use crate::names::Resolver;
use crate::park::{Patience, ThreadWait};
use crate::shared::Shared;
use crate::wires::LinkErrors;
use socket::{Cause, Core, Fault, Lookup, Reach};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;
use tcp::Instant;

/// A TCP/IP stack inside this program: one host, its links, and what drives them: a thread of its own
/// ([`Builder::start`]), or a task of a tokio runtime (`Builder::start_task`, with the feature `tokio`).
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
/// observer, which runs on the stack's own thread, nor if a task drives the stack: a task must not wait like that. It
/// cannot wait where nothing is dropped: after [`std::process::exit`], a signal, or for handles in a `static` or in
/// threads that still run when `main` returns.
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
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Beside the mutex, which a shutdown holds while it waits for the thread.
    driven_by: DrivenBy,
    /// How long the last drop waits for peers to acknowledge.
    farewell: Duration,
    resolver: Arc<dyn Resolver>,
}

/// What drives a stack.
pub(crate) enum Driving {
    /// A thread of its own.
    Thread(JoinHandle<()>),
    /// A task of somebody's runtime.
    #[cfg(feature = "tokio")]
    Task,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DrivenBy {
    Thread(ThreadId),
    #[cfg(feature = "tokio")]
    Task,
}

/// How much longer than it was allowed a blocking shutdown waits for its driver, which may be a task that gets no time.
const GRACE: Duration = Duration::from_secs(1);

impl Drop for Handle {
    fn drop(&mut self) {
        if self.farewell.is_zero() || std::thread::panicking() || !self.may_wait() {
            return self.shared.with(|locked, now| locked.leave(now + STAY));
        }
        self.shared.say_farewell(self.farewell);
    }
}

impl Handle {
    /// Whether the last drop may wait: not on the stack's own thread, in an observer, which would wait for itself, and
    /// not where a task drives the stack, which might be kept from running.
    fn may_wait(&self) -> bool {
        matches!(self.driven_by, DrivenBy::Thread(id) if id != std::thread::current().id())
    }

    fn is_own_thread(&self) -> bool {
        self.driven_by == DrivenBy::Thread(std::thread::current().id())
    }
}

impl Reach for Stack {
    fn with<T>(&self, change: impl FnOnce(&mut Core, Instant) -> T) -> T {
        self.shared().with(|locked, now| change(&mut locked.core, now))
    }

    fn look<T>(&self, question: impl FnOnce(&Core, Instant) -> T) -> T {
        self.shared().look(question)
    }

    fn lookup(&self, name: &str, port: u16) -> Lookup {
        self.handle.resolver.lookup(name, port)
    }
}

impl socket::Handle for Stack {}

impl Stack {
    /// Begins to describe a stack.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(
        shared: Arc<Shared>,
        driving: Driving,
        farewell: Duration,
        resolver: Arc<dyn Resolver>,
    ) -> Self {
        let (driven_by, thread) = match driving {
            Driving::Thread(thread) => (DrivenBy::Thread(thread.thread().id()), Some(thread)),
            #[cfg(feature = "tokio")]
            Driving::Task => (DrivenBy::Task, None),
        };
        let thread = Mutex::new(thread);
        Stack { handle: Arc::new(Handle { shared, thread, driven_by, farewell, resolver }) }
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
    /// they are reset, and the stack is down all the same. `Deadlock` when called by an observer of this stack, for
    /// whose thread it would wait.
    pub fn shutdown(&self, timeout: Duration) -> io::Result<()> {
        if self.handle.is_own_thread() {
            return Err(io::Error::new(
                ErrorKind::Deadlock,
                "an observer cannot wait for the thread that it runs on; shut the stack down elsewhere",
            ));
        }
        self.begin_shutdown(timeout);
        let patience = Patience::of(timeout.checked_add(GRACE));
        let wait = ThreadWait::begin();
        let mut context = Context::from_waker(wait.waker());
        let ended = loop {
            match self.poll_ended(&mut context) {
                Poll::Ready(ended) => break ended,
                Poll::Pending if wait.park(patience) => {}
                Poll::Pending => {
                    let sentence =
                        "the task that drives the stack does not run; await tokio::shutdown instead";
                    return Err(io::Error::new(ErrorKind::TimedOut, sentence));
                }
            }
        };
        let mut thread = self.handle.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.take().is_some_and(|thread| thread.join().is_err()) {
            return Err(io::Error::other("the stack's thread panicked, probably in an observer or a tap"));
        }
        ended
    }

    /// Closes every socket, and asks the driver to end when all connections are over, or when the time is.
    pub(crate) fn begin_shutdown(&self, timeout: Duration) {
        self.shared().with(|locked, now| {
            locked.leave(now + timeout);
            locked.core.close_all(now);
        });
    }

    /// Whether the driver has ended, and how.
    pub(crate) fn poll_ended(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut locked = self.shared().lock();
        if !locked.has_ended {
            let waker = context.waker();
            if !locked.awaiting_end.iter().any(|known: &Waker| known.will_wake(waker)) {
                locked.awaiting_end.push(waker.clone());
            }
            return Poll::Pending;
        }
        Poll::Ready(match locked.phase {
            Phase::Gone => Err(Fault::of(Cause::DriverIsGone).into()),
            Phase::Down(0) | Phase::Up | Phase::Leaving(_) => Ok(()),
            Phase::Down(left) => {
                let sentence = format!(
                    "{left} connections were not closed in time; their peers do not answer or keep them open"
                );
                Err(io::Error::new(ErrorKind::TimedOut, sentence))
            }
        })
    }

    /// Resets every connection at once and ends the thread, for a program that cannot wait: a
    /// [`shutdown`](Stack::shutdown) that waits returns. Does not wait itself.
    pub fn abort(&self) {
        self.shared().with(|locked, now| {
            if !locked.phase.is_over() {
                locked.phase = Phase::Leaving(now);
                locked.core.close_down(Cause::StackIsDown);
                locked.core.close_all(now);
            }
        });
    }

    /// What the host has counted.
    pub fn counters(&self) -> stack::Counters {
        self.shared().look(|core, _| core.host().counters().clone())
    }

    /// What the host has counted and what it holds, in the text format of Prometheus.
    ///
    /// ```
    /// # let stack = synfin::Stack::builder().start()?;
    /// assert!(stack.metrics().contains("\nsynfin_connections 0\n"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn metrics(&self) -> String {
        self.shared().look(|core, _| core.host().metrics())
    }

    /// Sets the keys of the Fast Open cookies that listeners give (RFC 7413 §4.1.2). Until then there is one that follows
    /// from the stack's secret. To rotate them, give a new first key and the one until now as the second: cookies of the
    /// second are still taken, and replaced.
    ///
    /// ```
    /// # let stack = synfin::Stack::builder().start()?;
    /// let fresh = [7; 16]; // from a good source of randomness
    /// stack.set_fastopen_keys(stack.fastopen_keys().rotated(fresh));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set_fastopen_keys(&self, keys: stack::FastOpenKeys) {
        self.shared().with(|locked, _| locked.core.host_mut().set_fast_open_keys(keys));
    }

    /// The keys of the Fast Open cookies that listeners give.
    pub fn fastopen_keys(&self) -> stack::FastOpenKeys {
        self.shared().look(|core, _| core.host().fast_open_keys())
    }

    /// How many of everything the host holds.
    pub fn usage(&self) -> stack::Usage {
        self.shared().look(|core, _| core.host().usage())
    }

    /// Every connection, in every state but CLOSED and the compact TIME-WAIT, with what its engine knows: those that
    /// the program holds, those that wait to be accepted, and those that it has left and that still have something to
    /// deliver. Takes time in proportion to their number, under the stack's lock.
    ///
    /// ```
    /// # let stack = synfin::Stack::builder().start()?;
    /// for connection in stack.connections() {
    ///     println!("{} - {} {:?}", connection.local, connection.remote, connection.info.state);
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn connections(&self) -> Vec<stack::ListedConnection> {
        self.shared().look(|core, now| core.host().tcp_connections(now))
    }

    /// How many sockets the program holds.
    pub fn sockets(&self) -> usize {
        self.shared().look(|core, _| core.sockets())
    }

    /// What each link has failed to do, in the order in which they were added.
    pub fn link_errors(&self) -> Vec<LinkErrors> {
        self.shared().lock().wires.errors()
    }

    /// The addresses of the host, without those of the loopback.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let locked = self.shared().lock();
        let interfaces = locked.wires.ids().filter_map(|id| locked.core.host().interface(id));
        interfaces.flat_map(|interface| interface.addresses.iter().map(|cidr| cidr.address())).collect()
    }

    /// Starts or stops keeping traces of what connections do and why; [`Stack::take_traces`] gives them.
    pub fn set_tracing(&self, tracing: tcp::Tracing) {
        self.shared().with(|locked, _| locked.set_tracing(tracing));
    }

    /// The traces kept since the last call, oldest first. The host keeps a bounded number and drops the
    /// oldest, which [`stack::Counters::traces_lost`] counts.
    pub fn take_traces(&self) -> Vec<stack::TraceRecord> {
        self.shared().with(|locked, _| locked.take_traces())
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (addresses, usage) = (self.addresses(), self.usage());
        f.debug_struct("Stack").field("addresses", &addresses).field("usage", &usage).finish()
    }
}
