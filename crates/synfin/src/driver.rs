//! What drives a stack: it receives what the links bring, minds the time, tells the observer.
//!
//! Everything else happens where the program calls. The driver takes turns ([`Driver::turn`]): some frames from each
//! link, then a look at the time and at what programs ask, so that no link keeps it from either. Between turns it
//! sleeps until a link is readable, the host's next timer or a frame that a link holds back is due, or its waker is
//! called; it is called when a program's call has made something due earlier, when there is something to tell the
//! observer, and at the end. Who turns it, and how it sleeps, is in `thread.rs` and `task.rs`.

#[cfg(feature = "tokio")]
pub(crate) mod task;
pub(crate) mod thread;

use crate::locked::DriverState;
use crate::observe::Observer;
use crate::shared::Shared;
#[cfg(feature = "tracing")]
use crate::subscriber::Subscriber;
use device::{Link, WakerUse};
use stack::InterfaceId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
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
/// A link with neither a descriptor nor a use for a waker is asked this often.
const BLIND_NAP: Duration = Duration::from_millis(1);
/// A link that fails to receive is left alone this long.
const REST: Duration = Duration::from_millis(100);

/// Drives one stack.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    ports: Vec<Port>,
    observer: Option<Observer>,
    #[cfg(feature = "tracing")]
    subscriber: Subscriber,
    received: VecDeque<Frame>,
    last_busy: Instant,
    /// The stack does not outlive it.
    _take_down: TakeDownOnDrop,
}

/// A link as the driver sees it.
pub(crate) struct Port {
    interface: InterfaceId,
    pub(crate) link: Arc<dyn Link>,
    rests_until: Option<Instant>,
    /// It does not say when it has something.
    is_blind: bool,
}

impl Port {
    fn new(interface: InterfaceId, link: Arc<dyn Link>, waker: &Waker) -> Self {
        let is_blind = link.poll_fd().is_none() && link.set_waker(waker) == WakerUse::Ignored;
        Port { interface, link, rests_until: None, is_blind }
    }

    /// Whether it is worth being woken by: it has not just failed.
    pub(crate) fn is_awake(&self) -> bool {
        self.rests_until.is_none()
    }
}

/// What the links have brought in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brought {
    /// Nothing.
    Nothing,
    /// All that they had.
    Everything,
    /// As much as a turn takes; there may be more.
    Enough,
}

/// What the driver does after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Sleep, for so long unless something happens.
    Sleep(Option<Duration>),
    /// Turn again.
    Turn,
    /// Leave.
    Leave,
}

impl Driver {
    /// A driver for the links of this stack.
    pub(crate) fn new(shared: Arc<Shared>, observer: Option<Observer>) -> Self {
        let links = shared.lock().wires.links();
        let waker = Waker::from(shared.waker.clone());
        let ports = links.into_iter().map(|(interface, link)| Port::new(interface, link, &waker)).collect();
        let last_busy = shared.clock.now();
        let _take_down = TakeDownOnDrop(Arc::clone(&shared));
        // Whoever connects before the first turn is heard, too.
        #[cfg(feature = "tracing")]
        let subscriber = {
            let mut subscriber = Subscriber::new(observer.is_some());
            subscriber.ask(&shared);
            subscriber
        };
        Driver {
            shared,
            ports,
            observer,
            #[cfg(feature = "tracing")]
            subscriber,
            received: VecDeque::new(),
            last_busy,
            _take_down,
        }
    }

    /// The links.
    pub(crate) fn ports(&self) -> &[Port] {
        &self.ports
    }

    /// What it shares with the sockets.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Takes what the links have brought, minds the time, and says what to do next.
    pub(crate) fn turn(&mut self) -> Next {
        #[cfg(feature = "tracing")]
        self.subscriber.ask(&self.shared);
        let brought = self.receive();
        if brought != Brought::Nothing {
            self.last_busy = self.shared.clock.now();
        }
        let next = self.look(brought);
        self.tell();
        next
    }

    /// Takes what the links have, until they have nothing or a link has given as much as a turn takes.
    fn receive(&mut self) -> Brought {
        let mut brought = Brought::Nothing;
        for round in 1.. {
            let mut is_busy = false;
            for port in 0..self.ports.len() {
                is_busy |= self.receive_from(port);
            }
            if !is_busy {
                return brought;
            }
            brought = Brought::Everything;
            self.tell();
            if round * RECEIVE_FRAMES_MAX >= TURN_FRAMES_MAX {
                break;
            }
        }
        Brought::Enough
    }

    fn receive_from(&mut self, port: usize) -> bool {
        let Port { interface, link, rests_until, .. } = &mut self.ports[port];
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
        self.shared.with(|locked, now| {
            locked.driver = DriverState::Awake;
            if let Err(error) = &outcome {
                locked.wires.on_receive_error(interface, error);
            }
            received.drain(..).for_each(|frame| locked.handle_frame(now, interface, frame));
            locked.mind_the_time(now);
        });
        outcome.is_ok()
    }

    /// Minds the time and decides how long to sleep. The decision is known to everybody before the lock
    /// is released, so whoever needs the driver earlier wakes it.
    fn look(&mut self, brought: Brought) -> Next {
        let is_blind = self.ports.iter().any(|port| port.is_blind);
        let rest = self.ports.iter().filter_map(|port| port.rests_until).min();
        let last_busy = self.last_busy;
        let ports = &self.ports;
        self.shared.with(|locked, now| {
            for port in ports {
                locked.wires.set_resting(port.interface, port.rests_until.is_some());
            }
            locked.mind_the_time(now);
            locked.transmit(now);
            if locked.is_time_to_leave(now) {
                locked.go_down(now);
                return Next::Leave;
            }
            if brought == Brought::Enough {
                locked.driver = DriverState::Awake;
                return Next::Turn;
            }
            let alert = Some(last_busy + ALERT).filter(|alert| now < *alert);
            let blind = is_blind.then_some(now + BLIND_NAP);
            let until = [locked.due(now), alert, blind, rest].into_iter().flatten().min();
            locked.driver = DriverState::SleepsUntil(until.unwrap_or(Instant::FAR_FUTURE));
            Next::Sleep(until.map(|until| until.since(now)))
        })
    }

    /// Tells those who watch what has happened: outside the lock, so that they may use sockets.
    fn tell(&mut self) {
        if !self.is_watched() {
            return;
        }
        let mut locked = self.shared.lock();
        let events = locked.core.take_connection_events();
        #[cfg(feature = "tracing")]
        let untold = locked.trace_readers.take_untold();
        drop(locked);
        #[cfg(feature = "tracing")]
        {
            self.subscriber.tell_traces(&self.shared, untold);
            events.iter().for_each(|(id, event)| self.subscriber.tell_connection(*id, event));
        }
        if let Some(observer) = &mut self.observer {
            events.into_iter().for_each(|(_, event)| observer(event));
        }
    }

    fn is_watched(&self) -> bool {
        #[cfg(feature = "tracing")]
        if self.subscriber.is_there() {
            return true;
        }
        self.observer.is_some()
    }
}

/// Takes the stack down when the driver ends, also by a panic in a tap or an observer, or with its runtime: without
/// a driver nobody would ever be woken.
struct TakeDownOnDrop(Arc<Shared>);

impl Drop for TakeDownOnDrop {
    fn drop(&mut self) {
        let now = self.0.clock.now();
        let wakeups = self.0.lock().take_down(now);
        wakeups.wake();
    }
}
