//! Everything of a stack that stands under its one lock: the host with its sockets, and the links.
//!
//! The contract of the engine is kept in one place, [`Locked::settle`]: whoever changed something takes
//! away what came of it (frames to the links, events to those who wait) before the lock is released.

use crate::clock::Clock;
use crate::farewell::Farewell;
use crate::observe::{Tap, Tapped};
use crate::trace_readers::TraceReaders;
use crate::wires::{Flow, Wires};
use device::Direction;
use socket::{Cause, Core, Wakeups};
use stack::{InterfaceId, TraceRecord};
use std::task::Waker;
use std::time::Duration;
use tcp::{Instant, Tracing};

/// While a link is full, the driver looks again after this long even if the link says nothing.
pub(crate) const BLOCKED_NAP: Duration = Duration::from_millis(10);

/// The stack under its lock.
pub(crate) struct Locked {
    /// The host and what programs hold of it.
    pub(crate) core: Core,
    /// The ways out.
    pub(crate) wires: Wires,
    /// What the driver is up to.
    pub(crate) driver: DriverState,
    /// How far the life of the stack has come.
    pub(crate) phase: Phase,
    /// What is still to be delivered when the program has let go of everything.
    pub(crate) farewell: Farewell,
    /// The driver is gone, and has let go of the links.
    pub(crate) has_ended: bool,
    /// Who waits for that: each thread and task once.
    pub(crate) awaiting_end: Vec<Waker>,
    /// Who reads the host's traces.
    pub(crate) trace_readers: TraceReaders,
    clock: Clock,
    tap: Option<Tap>,
}

/// What the driver is up to, for those who would have to wake it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DriverState {
    /// It will look at the host before it sleeps.
    Awake,
    /// It sleeps until then, or until a link or its waker wakes it.
    SleepsUntil(Instant),
}

/// The life of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Sockets can be made and used.
    Up,
    /// No new sockets; the driver ends when every connection is over, at the latest then.
    Leaving(Instant),
    /// The driver has ended; so many connections were not over.
    Down(usize),
    /// The driver ended by a panic, or its runtime was shut down.
    Gone,
}

impl Phase {
    /// Whether the driver has ended: nobody will be woken any more.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Phase::Down(_) | Phase::Gone)
    }
}

/// What is left to do once the lock is released.
#[must_use = "others wait for it"]
pub(crate) struct Aftermath {
    /// Who waits.
    pub(crate) wakeups: Wakeups,
    /// The driver sleeps too long, or has events to tell.
    pub(crate) driver_is_needed: bool,
}

impl Locked {
    /// A stack that is up.
    pub(crate) fn new(core: Core, wires: Wires, clock: Clock, tap: Option<Tap>) -> Self {
        let (driver, phase, farewell) = (DriverState::Awake, Phase::Up, Farewell::default());
        let (has_ended, awaiting_end, trace_readers) = (false, Vec::new(), TraceReaders::default());
        Locked { core, wires, driver, phase, farewell, has_ended, awaiting_end, trace_readers, clock, tap }
    }

    /// The program wants traces, or none.
    pub(crate) fn set_tracing(&mut self, tracing: Tracing) {
        self.trace_readers.set_program(self.core.host_mut(), tracing);
    }

    /// The traces that the program has not taken yet.
    pub(crate) fn take_traces(&mut self) -> Vec<TraceRecord> {
        self.trace_readers.take_for_program(self.core.host_mut())
    }

    /// A subscriber of the crate `tracing` wants traces, or none.
    #[cfg(feature = "tracing")]
    pub(crate) fn set_subscriber(&mut self, tracing: Tracing) {
        self.trace_readers.set_subscriber(self.core.host_mut(), tracing);
    }

    /// A frame arrived. Its answers are taken before the next one changes them.
    pub(crate) fn handle_frame(&mut self, now: Instant, interface: InterfaceId, frame: wire::Frame) {
        self.show(now, Direction::Received, interface, &frame);
        self.core.host_mut().handle_frame(now, interface, frame);
        self.gather(now);
    }

    /// Fires what is due.
    pub(crate) fn mind_the_time(&mut self, now: Instant) {
        if self.core.host().poll_timeout().is_some_and(|due| due <= now) {
            self.core.host_mut().handle_timeout(now);
        }
    }

    /// Takes away what came of a change: frames, events, the next due time.
    pub(crate) fn settle(&mut self, now: Instant) -> Aftermath {
        self.transmit(now);
        let mut wakeups = self.core.settle(now);
        self.trace_readers.collect(self.core.host_mut());
        wakeups.extend(self.take_farewell_waker());
        let driver_is_needed = self.driver_is_needed(now);
        if driver_is_needed {
            // Whoever comes next need not wake it again.
            self.driver = DriverState::Awake;
        }
        Aftermath { wakeups, driver_is_needed }
    }

    /// Hands frames to the links as long as they take them.
    pub(crate) fn transmit(&mut self, now: Instant) {
        loop {
            self.gather(now);
            let mut has_resumed = false;
            for index in 0..self.wires.len() {
                let flow = self.wires.flush(index);
                has_resumed |= matches!(flow, Flow::Resumed(_));
                self.follow(flow);
            }
            if !has_resumed {
                return;
            }
        }
    }

    /// Takes frames from the host until it has none for the links that take them. What a full link holds back stays
    /// there.
    fn gather(&mut self, now: Instant) {
        while let Some((interface, frame)) = self.core.host_mut().poll_transmit(now) {
            self.show(now, Direction::Transmitted, interface, &frame);
            let flow = self.wires.push(interface, frame);
            self.follow(flow);
        }
    }

    /// Tells the host which link takes frames.
    fn follow(&mut self, flow: Flow) {
        match flow {
            Flow::AsBefore => {}
            Flow::Stopped(id) => self.core.host_mut().hold_interface(id),
            Flow::Resumed(id) => self.core.host_mut().release_interface(id),
        }
    }

    fn show(&mut self, now: Instant, direction: Direction, interface: InterfaceId, frame: &wire::Frame) {
        if let Some(tap) = &mut self.tap {
            let since_1970 = self.clock.since_1970(now);
            tap(Tapped { direction, interface: interface.index(), since_1970, frame });
        }
    }

    /// When the driver must look at the host again; `None`: not before something happens.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let blocked = self.wires.are_blocked().then_some(now + BLOCKED_NAP);
        let deadline = if let Phase::Leaving(deadline) = self.phase { Some(deadline) } else { None };
        let held_back = self.wires.due_in().map(|due_in| now + due_in);
        [self.core.host().poll_timeout(), deadline, held_back, blocked].into_iter().flatten().min()
    }

    fn driver_is_needed(&mut self, now: Instant) -> bool {
        let DriverState::SleepsUntil(until) = self.driver else { return false };
        self.due(now).is_some_and(|due| due < until)
            || self.has_something_to_tell()
            || self.is_time_to_leave(now)
    }

    /// Whether the driver has something to tell those who watch.
    fn has_something_to_tell(&self) -> bool {
        #[cfg(feature = "tracing")]
        if self.trace_readers.has_untold() {
            return true;
        }
        self.core.has_connection_events()
    }

    /// Whether the driver has nothing left to do, or no time left to do it.
    pub(crate) fn is_time_to_leave(&self, now: Instant) -> bool {
        match self.phase {
            Phase::Up => false,
            Phase::Leaving(deadline) => now >= deadline || self.is_idle(),
            Phase::Down(_) | Phase::Gone => true,
        }
    }

    /// Every connection is over, and the links have taken what there was to send.
    fn is_idle(&self) -> bool {
        self.core.host().usage().connections == 0 && !self.wires.are_blocked()
    }

    /// No new sockets; the driver ends when all connections are over, at the latest at `deadline`. One that
    /// leaves already does not stay longer for it.
    pub(crate) fn leave(&mut self, deadline: Instant) {
        self.phase = match self.phase {
            Phase::Up => Phase::Leaving(deadline),
            Phase::Leaving(earlier) => Phase::Leaving(earlier.min(deadline)),
            over @ (Phase::Down(_) | Phase::Gone) => over,
        };
        self.core.close_down(Cause::StackIsDown);
    }

    /// The driver ends. Connections that are not over are reset, so that their peers know.
    pub(crate) fn go_down(&mut self, now: Instant) {
        self.phase = Phase::Down(self.core.host().usage().connections);
        self.core.host_mut().abort_all(now);
        self.core.close_down(Cause::StackIsDown);
    }

    /// Takes the stack down if its driver ended without saying so: nobody would ever be woken without one. Returns who
    /// waits.
    pub(crate) fn take_down(&mut self, now: Instant) -> Wakeups {
        self.wires.cut();
        // Nobody tells it anything any more.
        #[cfg(feature = "tracing")]
        self.set_subscriber(Tracing::Off);
        if !self.phase.is_over() {
            self.phase = Phase::Gone;
            self.core.close_down(Cause::DriverIsGone);
        }
        let mut wakeups = self.core.settle(now);
        wakeups.extend(self.take_farewell_waker());
        self.has_ended = true;
        wakeups.extend(self.awaiting_end.drain(..));
        wakeups
    }
}
