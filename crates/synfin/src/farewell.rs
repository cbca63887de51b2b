//! The last handle is dropped: what was written is delivered first.
//!
//! A kernel goes on delivering when the process that wrote has ended. A stack inside the process ends with
//! it, so the thread that drops the last handle waits until every peer has acknowledged what was written to
//! it, and the FIN behind it. Peers that keep their side open longer are the driver's business: it stays a
//! while, if the process does.
//!
//! Not here: the close of one connection that waits for its peer (`SO_LINGER`, [`Shared::linger`]), and
//! [`crate::Stack::shutdown`], which waits for the peers to close as well.

use crate::locked::Locked;
use crate::park::{Patience, ThreadWait};
use crate::shared::Shared;
use stack::{Host, SocketId};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// How long the last drop waits by default. Linux gives a connection without a process as long in FIN-WAIT-2
/// (`tcp_fin_timeout`) and retransmits its data for some 100 s; but there a process has ended long before,
/// and here it waits.
pub(crate) const FAREWELL: Duration = Duration::from_secs(60);
/// Peers that acknowledge nothing new for so long are given up before that: with a retransmission timeout
/// of 200 ms they have left five retransmissions unanswered.
const SILENCE: Duration = Duration::from_secs(10);
/// How long the driver stays when nobody waits (any more), for peers that have everything but keep their
/// side open, and for those that were given up. A program that goes on wants its links back soon.
pub(crate) const STAY: Duration = Duration::from_secs(10);

/// What is still to be delivered, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Farewell {
    /// Connections whose peers did not have everything when last asked.
    owing: Vec<SocketId>,
    waiter: Option<Waker>,
}

impl Farewell {
    /// Whether every peer has everything. A connection that has delivered owes nothing from then on, so
    /// each is asked until it has, and never again.
    fn is_delivered(&mut self, host: &Host) -> bool {
        while let Some(id) = self.owing.last() {
            if host.undelivered_bytes(*id) > 0 {
                return false;
            }
            self.owing.pop();
        }
        true
    }

    /// Bytes that are not acknowledged. Asks every connection that owes: not for every segment.
    fn owed_bytes(&self, host: &Host) -> usize {
        self.owing.iter().map(|id| host.undelivered_bytes(*id)).sum()
    }
}

impl Locked {
    /// Whether there is nothing to wait for: the peers have everything and the links took what there was
    /// to send, or the driver has ended.
    fn poll_farewell(&mut self) -> Poll<()> {
        let is_over = self.phase.is_over();
        if is_over || (!self.wires.are_blocked() && self.farewell.is_delivered(self.core.host())) {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// The waker of the thread that drops the last handle, if it need not wait longer.
    pub(crate) fn take_farewell_waker(&mut self) -> Option<Waker> {
        let is_over = self.farewell.waiter.is_some() && self.poll_farewell().is_ready();
        if is_over { self.farewell.waiter.take() } else { None }
    }
}

impl Shared {
    /// Waits until everything is delivered, for at most `timeout`.
    pub(crate) fn say_farewell(&self, timeout: Duration) {
        let wait = ThreadWait::begin();
        let until = Instant::now().checked_add(timeout);
        let mut owed_bytes = self.with(|locked, now| {
            locked.leave(now + timeout + STAY);
            let owing = locked.core.host().undelivered();
            locked.farewell = Farewell { owing, waiter: Some(wait.waker().clone()) };
            locked.farewell.owed_bytes(locked.core.host())
        });
        while self.with(|locked, _| locked.poll_farewell()).is_pending() {
            let left = until.map_or(SILENCE, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            if wait.park(Patience::of(Some(left.min(SILENCE)))) {
                continue;
            }
            let locked = self.lock();
            let still_owed_bytes = locked.farewell.owed_bytes(locked.core.host());
            drop(locked);
            if still_owed_bytes >= owed_bytes {
                break;
            }
            owed_bytes = still_owed_bytes;
        }
        self.with(|locked, now| {
            locked.farewell.waiter = None;
            locked.leave(now + STAY);
        });
    }
}
