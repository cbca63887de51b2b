//! The stack's own thread: receives what the links bring, minds the time, tells the observer.
//!
//! Everything else happens on the threads of the program. The driver takes turns: some frames from each link, then
//! a look at the time and at what programs ask, so that no link keeps it from either. It sleeps until a link is readable,
//! the host's next timer or a frame that a link holds back is due, or its waker is called; it is called when
//! a program's thread has made something due earlier, when there is something to tell the observer, and at
//! the end.

use crate::core::{Core, DriverState, Phase};
use crate::observe::Observer;
use crate::shared::Shared;
use device::Link;
use stack::InterfaceId;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;
use tcp::Instant;
use wire::Frame;

/// Frames received at once: bounds the time for which the lock is held.
const RECEIVE_FRAMES_MAX: usize = 32;
/// Frames that a turn takes from one link before the driver looks at the time and the phase (Linux's NAPI: 64).
const TURN_FRAMES_MAX: usize = 64;
/// After something happened the driver looks again this much later, so that the timers that the
/// program's next call sets (a retransmission, 200 ms ahead) need not wake it.
const ALERT: Duration = Duration::from_millis(100);
/// A link without a descriptor is asked this often.
const BLIND_NAP: Duration = Duration::from_millis(1);
/// A link that fails to receive is left alone this long.
const REST: Duration = Duration::from_millis(100);

/// The driver's own.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    ports: Vec<Port>,
    observer: Option<Observer>,
    received: VecDeque<Frame>,
}

/// A link as the driver sees it.
struct Port {
    interface: InterfaceId,
    link: Arc<dyn Link>,
    rests_until: Option<Instant>,
}

/// What a turn of receiving has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// The links had nothing.
    Idle,
    /// The links have nothing more.
    Drained,
    /// A link has more than a turn takes.
    Unfinished,
}

/// What the driver does after a look at the host.
enum Next {
    Sleep(Option<Duration>),
    Receive,
    Leave,
}

impl Driver {
    /// A driver for the links of this stack.
    pub(crate) fn new(shared: Arc<Shared>, observer: Option<Observer>) -> Self {
        let links = shared.lock().wires.links();
        let ports =
            links.into_iter().map(|(interface, link)| Port { interface, link, rests_until: None }).collect();
        Driver { shared, ports, observer, received: VecDeque::new() }
    }

    /// Drives until it is time to leave.
    pub(crate) fn run(mut self) {
        let _fuse = Fuse(Arc::clone(&self.shared));
        let mut last_busy = self.shared.clock.now();
        loop {
            let turn = self.receive();
            if turn != Turn::Idle {
                last_busy = self.shared.clock.now();
            }
            match self.look(turn, last_busy) {
                Next::Sleep(timeout) => self.sleep(timeout),
                Next::Receive => {}
                Next::Leave => break,
            }
        }
        self.tell_observer();
    }

    /// Takes what the links have, until they have nothing or a link has given as much as a turn takes.
    fn receive(&mut self) -> Turn {
        let mut turn = Turn::Idle;
        for round in 1.. {
            let mut is_busy = false;
            for port in 0..self.ports.len() {
                is_busy |= self.receive_from(port);
            }
            if !is_busy {
                return turn;
            }
            turn = Turn::Drained;
            self.tell_observer();
            if round * RECEIVE_FRAMES_MAX >= TURN_FRAMES_MAX {
                break;
            }
        }
        Turn::Unfinished
    }

    fn receive_from(&mut self, port: usize) -> bool {
        let Port { interface, link, rests_until } = &mut self.ports[port];
        let interface = *interface;
        if rests_until.is_some_and(|until| self.shared.clock.now() < until) {
            return false;
        }
        *rests_until = None;
        let outcome = link.receive(&mut self.received, RECEIVE_FRAMES_MAX);
        if outcome.is_err() {
            *rests_until = Some(self.shared.clock.now() + REST);
        }
        if self.received.is_empty() && outcome.is_ok() {
            return false;
        }
        let received = &mut self.received;
        self.shared.with(|core, now| {
            core.driver = DriverState::Awake;
            if let Err(error) = &outcome {
                core.wires.on_receive_error(interface, error);
            }
            received.drain(..).for_each(|frame| core.handle_frame(now, interface, frame));
            core.mind_the_time(now);
        });
        outcome.is_ok()
    }

    /// Minds the time and decides how long to sleep. The decision is known to everybody before the lock
    /// is released, so whoever needs the driver earlier wakes it.
    fn look(&mut self, turn: Turn, last_busy: Instant) -> Next {
        let blind = self.ports.iter().any(|port| port.link.poll_fd().is_none());
        let rest = self.ports.iter().filter_map(|port| port.rests_until).min();
        let next = self.shared.with(|core, now| {
            core.mind_the_time(now);
            core.transmit(now);
            if core.is_time_to_leave(now) {
                core.go_down(now);
                return Next::Leave;
            }
            if turn == Turn::Unfinished {
                core.driver = DriverState::Awake;
                return Next::Receive;
            }
            let alert = Some(last_busy + ALERT).filter(|alert| now < *alert);
            let blind = blind.then_some(now + BLIND_NAP);
            let until = [core.due(now), alert, blind, rest].into_iter().flatten().min();
            core.driver = DriverState::SleepsUntil(until.unwrap_or(Instant::FAR_FUTURE));
            Next::Sleep(until.map(|until| until.since(now)))
        });
        self.tell_observer();
        next
    }

    fn sleep(&mut self, timeout: Option<Duration>) {
        let waker = &self.shared.waker;
        let resting = |port: &&Port| port.rests_until.is_none();
        let links = self.ports.iter().filter(resting).filter_map(|port| port.link.poll_fd());
        let fds: Vec<BorrowedFd<'_>> = std::iter::once(waker.as_fd()).chain(links).collect();
        if device::wait(&fds, timeout).is_err() {
            // Out of memory for `poll`: there is nothing better than to try again a little later.
            std::thread::sleep(BLIND_NAP);
        }
        // Before looking for what there is to do: who calls from here on is heard at the next sleep.
        waker.clear();
    }

    fn tell_observer(&mut self) {
        let Some(observer) = &mut self.observer else { return };
        let events = self.shared.lock().watch.events().take();
        events.into_iter().for_each(observer);
    }
}

/// Takes the stack down when the driver's thread ends, also by a panic in a tap or an observer: without
/// a driver nobody would ever be woken.
struct Fuse(Arc<Shared>);

impl Drop for Fuse {
    fn drop(&mut self) {
        let mut core = self.0.lock();
        core.wires.cut();
        if !core.phase.is_over() {
            core.phase = Phase::Gone;
        }
        core.wake_everybody();
        std::mem::take(&mut core.wakeups).wake();
    }
}

impl Core {
    /// Fires what is due.
    fn mind_the_time(&mut self, now: Instant) {
        if self.host.poll_timeout().is_some_and(|due| due <= now) {
            self.host.handle_timeout(now);
        }
    }
}
