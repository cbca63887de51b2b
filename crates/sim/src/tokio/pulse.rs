//! When a runtime has nothing to do, and how it is made to return then.
//!
//! A runtime whose clock is paused lets time pass by itself as soon as it has nothing to do: it jumps to its next
//! timer. Two hooks, before the thread parks and after, stop it: before, so that no time passes; or after, so that it
//! has passed and the tasks whose timers are due have not run yet.

use crate::world::Seat;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use tokio::runtime;

/// Stops a runtime when it has nothing to do.
pub(super) struct Pulse {
    seat: Arc<Seat>,
    /// Whether time may pass up to the next timer.
    lets_time_pass: AtomicBool,
    has_stopped: AtomicBool,
    /// Wakes who waits for the stop.
    waker: Mutex<Option<Waker>>,
}

impl Pulse {
    pub(super) fn new(seat: Arc<Seat>) -> Arc<Pulse> {
        let (lets_time_pass, has_stopped) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Pulse { seat, lets_time_pass, has_stopped, waker: Mutex::default() })
    }

    /// Watches the runtime to be built.
    pub(super) fn watch(self: &Arc<Pulse>, builder: &mut runtime::Builder) {
        let (before, after) = (Arc::clone(self), Arc::clone(self));
        builder.on_thread_park(move || {
            // What a task has done to its host must be seen to before time passes.
            if !before.lets_time_pass.load(Ordering::Relaxed) || before.seat.is_touched() {
                before.stop();
            }
        });
        builder.on_thread_unpark(move || {
            if after.lets_time_pass.load(Ordering::Relaxed) {
                after.stop();
            }
        });
    }

    fn stop(&self) {
        self.has_stopped.store(true, Ordering::Relaxed);
        if let Some(waker) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            waker.wake_by_ref();
        }
    }

    /// Ready when the runtime has nothing more to do, and no time has passed.
    pub(super) async fn idle(&self) {
        self.lets_time_pass.store(false, Ordering::Relaxed);
        self.stopped().await;
    }

    /// Ready when the runtime has nothing more to do and time has passed up to its next timer, or when a task
    /// has done something to its host.
    pub(super) async fn next_timer(&self) {
        self.lets_time_pass.store(true, Ordering::Relaxed);
        self.stopped().await;
    }

    async fn stopped(&self) {
        self.has_stopped.store(false, Ordering::Relaxed);
        poll_fn(|context| {
            let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            if self.has_stopped.load(Ordering::Relaxed) {
                // It keeps the runtime, which keeps its hooks and so this.
                *waker = None;
                return Poll::Ready(());
            }
            if !waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
                *waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}
