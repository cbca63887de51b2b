//! A tokio program on a simulated host: a runtime of its own, whose time is the world's.

use super::here::Here;
use super::pulse::Pulse;
use crate::application::{Ahead, Application, At};
use crate::ids::HostId;
use crate::world::Seat;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::{fmt, io};
use tcp::Instant;
use tokio::runtime::{self, Runtime};
use tokio::task::{JoinError, JoinHandle, LocalSet};
use tokio::time;

/// What runs on a host.
pub(super) type Main = Pin<Box<dyn Future<Output = super::Result>>>;

/// How programs have ended, in the order in which they did.
pub(super) type Ends = Rc<RefCell<Vec<(HostId, Ended)>>>;

/// How a program has ended.
#[derive(Debug)]
pub(super) enum Ended {
    Well,
    Badly(Box<dyn std::error::Error>),
    Panicked(JoinError),
}

/// A program that runs on tokio.
pub(super) struct Program {
    here: Here,
    pulse: Arc<Pulse>,
    /// Runs when the host first has the time for it.
    start: Option<Main>,
    main: Option<JoinHandle<super::Result>>,
    /// Tasks that do not leave their thread. It is there, as the runtime is, until this is dropped.
    local: Option<LocalSet>,
    runtime: Option<Runtime>,
    clock: Clock,
    /// Its time has passed up to there, perhaps to a timer, and what waited for it has not run.
    jumped_to: Option<Instant>,
    ends: Ends,
}

/// The runtime's time, told as the world's.
struct Clock {
    /// When the runtime began: a whole millisecond of the world, for its timers have that grain.
    began: (time::Instant, Instant),
    /// What it shows.
    now: Instant,
}

impl Clock {
    /// Inside of the runtime.
    fn read(&mut self) -> Instant {
        let (began, at) = self.began;
        self.now = at + (time::Instant::now() - began);
        self.now
    }

    /// Inside of the runtime: its time becomes this, unless it is later already.
    async fn advance_to(&mut self, now: Instant) {
        if now > self.now {
            time::advance(now.since(self.now)).await;
            self.read();
        }
    }

    fn to_runtime(&self, at: Instant) -> time::Instant {
        self.began.0 + at.since(self.began.1)
    }
}

impl Program {
    /// A program that is made on its host now and runs when its host is next called; `seed` is the world's, and it
    /// began at `epoch`.
    pub(super) fn new(
        seat: Arc<Seat>,
        (seed, epoch): (u64, Duration),
        make: impl FnOnce() -> Main,
        ends: Ends,
    ) -> io::Result<Program> {
        let pulse = Pulse::new(Arc::clone(&seat));
        let mut builder = runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true);
        seed_select(&mut builder, seed, seat.id());
        pulse.watch(&mut builder);
        let runtime = builder.build()?;
        let began = whole(seat.commons().now());
        let inside = runtime.enter();
        let clock = Clock { began: (time::Instant::now(), began), now: began };
        let (here, local) = (Here::new(seat, epoch), LocalSet::new());
        let main = {
            let (_here, _local) = (here.enter(), local.enter());
            make()
        };
        drop(inside);
        let (local, runtime) = (Some(local), Some(runtime));
        Ok(Program {
            here,
            pulse,
            start: Some(main),
            main: None,
            local,
            runtime,
            clock,
            jumped_to: None,
            ends,
        })
    }

    /// Does this inside of the runtime, while its tasks run.
    fn inside<'a, T>(&'a mut self, work: impl AsyncFnOnce(&'a mut Clock, &'a Pulse) -> T) -> Option<T> {
        let _here = self.here.enter();
        let (runtime, local) = (self.runtime.as_ref()?, self.local.as_ref()?);
        Some(runtime.block_on(local.run_until(work(&mut self.clock, &self.pulse))))
    }

    /// Runs until there is nothing to do at this time.
    fn run(&mut self, now: Instant) {
        let jumped_to = self.jumped_to.take();
        debug_assert!(jumped_to <= Some(now), "at {now:?} it is {jumped_to:?} already");
        let mut start = self.start.take();
        let started = self.inside(async |clock, pulse| {
            clock.advance_to(now).await;
            let main = start.take().map(tokio::task::spawn_local);
            pulse.idle().await;
            clock.read();
            main
        });
        if let Some(main) = started.flatten() {
            self.main = Some(main);
        }
    }

    fn has_ended(&self) -> bool {
        self.main.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// How the program has ended, if it has.
    fn take_end(&mut self) -> Option<Ended> {
        let main = self.main.take_if(|main| main.is_finished())?;
        Some(match self.inside(async |_, _| main.await)? {
            Ok(Ok(())) => Ended::Well,
            Ok(Err(error)) => Ended::Badly(error),
            Err(panic) => Ended::Panicked(panic),
        })
    }
}

/// Down to the millisecond.
fn whole(at: Instant) -> Instant {
    Instant::from_millis(at.as_millis())
}

/// What `tokio::select!` draws from comes from the world's seed, and is another thing on each host.
#[cfg(tokio_unstable)]
fn seed_select(builder: &mut runtime::Builder, seed: u64, host: HostId) {
    let parts = [seed, host.index() as u64].map(u64::to_le_bytes);
    builder.rng_seed(runtime::RngSeed::from_bytes(&parts.concat()));
}

/// tokio lets nobody choose what `select!` draws from.
#[cfg(not(tokio_unstable))]
fn seed_select(_: &mut runtime::Builder, _: u64, _: HostId) {}

impl Application for Program {
    fn poll(&mut self, at: &mut At<'_>) {
        let (now, id) = (at.now(), at.id());
        self.run(now);
        if let Some(end) = self.take_end() {
            self.ends.borrow_mut().push((id, end));
            at.leave();
        }
    }

    fn has_clock(&self) -> bool {
        true
    }

    fn look_ahead(&mut self, now: Instant, until: Instant) -> Ahead {
        if let Some(jumped_to) = self.jumped_to {
            return if jumped_to <= now { Ahead::Call } else { Ahead::Quiet(jumped_to) };
        }
        // Timers are due at whole milliseconds, and a clock that jumps to one jumps by whole milliseconds.
        let (last, from) = (whole(until), self.clock.now.max(now));
        let first = if from == whole(from) { from } else { whole(from) + Duration::from_millis(1) };
        if last < first || last == from {
            return Ahead::Quiet(until);
        }
        let quiet = self.inside(async |clock, pulse| {
            clock.advance_to(first).await;
            if first > from {
                return first;
            }
            let mut guard = pin!(time::sleep_until(clock.to_runtime(last)));
            poll_fn(|context| Poll::Ready(guard.as_mut().poll(context))).await.is_ready();
            pulse.next_timer().await;
            clock.read()
        });
        self.jumped_to = quiet;
        match quiet {
            Some(quiet) if quiet > now && !self.has_ended() => Ahead::Quiet(quiet),
            // It has done something, or another thread has woken a task.
            _ => Ahead::Call,
        }
    }
}

impl Drop for Program {
    /// The process ends: its tasks are dropped, and with them its sockets, which find their host.
    fn drop(&mut self) {
        let _here = self.here.enter();
        self.local = None;
        if let Some(runtime) = self.runtime.take() {
            // Threads of its pool, if it has started any, are not waited for.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("now", &self.clock.now).finish_non_exhaustive()
    }
}
