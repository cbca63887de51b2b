//! Everything of a stack that stands under its one lock: the host, who waits for it, who watches it and
//! the links.
//!
//! The contract of the engine is kept in one place, [`Core::settle`]: whoever changed something takes
//! away what came of it (frames to the links, events to those who wait) before the lock is released.

use crate::clock::Clock;
use crate::error;
use crate::farewell::Farewell;
use crate::observe::{Tap, Tapped};
use crate::readiness::Wakeups;
use crate::socket::Sockets;
use crate::watch::Watch;
use crate::wires::{Flow, Wires};
use device::Direction;
use stack::{Host, InterfaceId, SocketId};
use std::io;
use std::time::Duration;
use tcp::Instant;

/// While a link is full, the driver looks again after this long even if the link says nothing.
pub(crate) const BLOCKED_NAP: Duration = Duration::from_millis(10);

/// The stack under its lock.
pub(crate) struct Core {
    /// The state machine.
    pub(crate) host: Host,
    /// What programs hold.
    pub(crate) sockets: Sockets,
    /// Who should be woken when the lock is released.
    pub(crate) wakeups: Wakeups,
    /// For the observer.
    pub(crate) watch: Watch,
    /// The ways out.
    pub(crate) wires: Wires,
    /// What the driver's thread is up to.
    pub(crate) driver: DriverState,
    /// Whether sockets may be made.
    pub(crate) phase: Phase,
    /// Connections whose close waits for the peer.
    pub(crate) lingering: Vec<SocketId>,
    /// What is still to be delivered when the program has let go of everything.
    pub(crate) farewell: Farewell,
    clock: Clock,
    tap: Option<Tap>,
}

/// What the driver's thread is up to, for those who would have to wake it.
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
    /// The driver's thread ended by a panic.
    Gone,
}

impl Phase {
    /// Whether the driver has ended: nobody will be woken any more.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Phase::Down(_) | Phase::Gone)
    }
}

/// What is left to do once the lock is released.
#[must_use = "threads wait for it"]
pub(crate) struct Aftermath {
    /// Who waits.
    pub(crate) wakeups: Wakeups,
    /// The driver sleeps too long, or has events to tell.
    pub(crate) driver_is_needed: bool,
}

impl Core {
    /// A stack that is up.
    pub(crate) fn new(host: Host, wires: Wires, clock: Clock, watch: Watch, tap: Option<Tap>) -> Self {
        Core {
            host,
            sockets: Sockets::default(),
            wakeups: Wakeups::default(),
            watch,
            wires,
            driver: DriverState::Awake,
            phase: Phase::Up,
            lingering: Vec::new(),
            farewell: Farewell::default(),
            clock,
            tap,
        }
    }

    /// Refuses what needs a living stack.
    pub(crate) fn check_is_up(&self) -> io::Result<()> {
        match self.phase {
            Phase::Up => Ok(()),
            Phase::Gone => Err(error::thread_is_gone()),
            Phase::Leaving(_) | Phase::Down(_) => Err(error::stack_is_down()),
        }
    }

    /// A frame arrived. Its answers are taken before the next one changes them.
    pub(crate) fn handle_frame(&mut self, now: Instant, interface: InterfaceId, frame: wire::Frame) {
        self.show(now, Direction::Received, interface, &frame);
        self.host.handle_frame(now, interface, frame);
        self.gather(now);
    }

    /// Takes away what came of a change: frames, events, the next due time.
    pub(crate) fn settle(&mut self, now: Instant) -> Aftermath {
        self.transmit(now);
        while let Some((id, event)) = self.host.poll_event() {
            self.watch.on_event(&self.host, now, id, event);
            self.sockets.on_event(id, event, &mut self.wakeups);
        }
        while let Some((id, info)) = self.host.poll_departure() {
            self.watch.on_departed(now, id, info);
        }
        self.wake_lingering();
        self.wake_farewell();
        let driver_is_needed = self.driver_is_needed(now);
        if driver_is_needed {
            // Whoever comes next need not wake it again.
            self.driver = DriverState::Awake;
        }
        Aftermath { wakeups: std::mem::take(&mut self.wakeups), driver_is_needed }
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
        while let Some((interface, frame)) = self.host.poll_transmit(now) {
            self.show(now, Direction::Transmitted, interface, &frame);
            let flow = self.wires.push(interface, frame);
            self.follow(flow);
        }
    }

    /// Tells the host which link takes frames.
    fn follow(&mut self, flow: Flow) {
        match flow {
            Flow::AsBefore => {}
            Flow::Stopped(id) => self.host.hold_interface(id),
            Flow::Resumed(id) => self.host.release_interface(id),
        }
    }

    fn show(&mut self, now: Instant, direction: Direction, interface: InterfaceId, frame: &wire::Frame) {
        if let Some(tap) = &mut self.tap {
            let since_1970 = self.clock.since_1970(now);
            tap(Tapped { direction, interface: interface.index(), since_1970, frame });
        }
    }

    fn wake_lingering(&mut self) {
        for index in 0..self.lingering.len() {
            let id = self.lingering[index];
            if self.poll_linger(id).is_ready() {
                self.sockets.wake(id, &mut self.wakeups);
            }
        }
    }

    /// When the driver must look at the host again; `None`: not before something happens.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let blocked = self.wires.are_blocked().then_some(now + BLOCKED_NAP);
        let deadline = if let Phase::Leaving(deadline) = self.phase { Some(deadline) } else { None };
        let held_back = self.wires.due_in().map(|due_in| now + due_in);
        [self.host.poll_timeout(), deadline, held_back, blocked].into_iter().flatten().min()
    }

    fn driver_is_needed(&mut self, now: Instant) -> bool {
        let DriverState::SleepsUntil(until) = self.driver else { return false };
        self.due(now).is_some_and(|due| due < until)
            || !self.watch.events().is_empty()
            || self.is_time_to_leave(now)
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
        self.host.usage().connections == 0 && !self.wires.are_blocked()
    }

    /// No new sockets; the driver ends when all connections are over, at the latest at `deadline`. One that
    /// leaves already does not stay longer for it.
    pub(crate) fn leave(&mut self, deadline: Instant) {
        self.phase = match self.phase {
            Phase::Up => Phase::Leaving(deadline),
            Phase::Leaving(earlier) => Phase::Leaving(earlier.min(deadline)),
            over @ (Phase::Down(_) | Phase::Gone) => over,
        };
    }

    /// Closes every socket that programs hold, as the kernel does when a process ends.
    pub(crate) fn close_all(&mut self, now: Instant) {
        for id in self.sockets.ids() {
            self.close(now, id);
        }
    }

    /// The driver ends. Connections that are not over are reset, so that their peers know.
    pub(crate) fn go_down(&mut self, now: Instant) {
        self.phase = Phase::Down(self.host.usage().connections);
        self.host.abort_all(now);
        self.wake_everybody();
    }

    /// Nothing that anybody waits for will happen any more.
    pub(crate) fn wake_everybody(&mut self) {
        self.sockets.wake_all(&mut self.wakeups);
        self.wake_farewell();
    }
}
