//! The clocks of a connection: what each is for, and when it is due.
//!
//! One array of due times; [`Connection::poll_timeout`](crate::Connection::poll_timeout) is its
//! earliest. What a timer does when it fires stands in the file of its subject.

use crate::Instant;

/// The timers of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Timer {
    /// Something sent is not acknowledged: send it again (RFC 6298).
    Retransmit,
    /// Something may only be late; now it counts as lost (RFC 8985 §6.2).
    Reorder,
    /// Nothing has come back for two round trips: probe the tail (RFC 8985 §7).
    Probe,
    /// The peer's window is closed, or too small to be worth filling: ask again (RFC 9293 §3.8.6.1).
    Persist,
    /// An acknowledgment has waited long enough for company (RFC 9293 §3.8.6.3).
    DelayedAck,
    /// The peer has been silent: ask whether it is still there (RFC 9293 §3.8.4).
    KeepAlive,
    /// Sent data has been unacknowledged for too long: give up (RFC 9293 §3.10.8).
    User,
    /// 2 MSL in TIME-WAIT are over, or a peer has kept an orphan waiting (RFC 9293 §3.6.1).
    Linger,
    /// A corked partial segment has been held back long enough.
    Cork,
    /// The next burst may leave.
    Pace,
    /// The reset that answers our answer to a SYN in TIME-WAIT is not awaited any more (RFC 5961 §4.2).
    Challenge,
}

impl Timer {
    /// All of them.
    pub const ALL: [Timer; 11] = [
        Timer::Retransmit,
        Timer::Reorder,
        Timer::Probe,
        Timer::Persist,
        Timer::DelayedAck,
        Timer::KeepAlive,
        Timer::User,
        Timer::Linger,
        Timer::Cork,
        Timer::Pace,
        Timer::Challenge,
    ];

    /// Where its due time is kept. Those of which at most one runs at a time share a place: those that look after
    /// what is in flight, or after a closed window (RFC 8985 §8). In TIME-WAIT there is neither.
    const fn place(self) -> usize {
        match self {
            Timer::Retransmit | Timer::Reorder | Timer::Probe | Timer::Persist | Timer::Challenge => 0,
            // Who has left asks no more whether the peer is there: it waits only so long.
            Timer::KeepAlive | Timer::Linger => 1,
            Timer::DelayedAck => 2,
            Timer::Pace => 3,
            Timer::User => 4,
            Timer::Cork => 5,
        }
    }

    /// A short name: `retransmit`.
    pub const fn name(self) -> &'static str {
        match self {
            Timer::Retransmit => "retransmit",
            Timer::Reorder => "reorder",
            Timer::Probe => "probe",
            Timer::Pace => "pace",
            Timer::Persist => "persist",
            Timer::DelayedAck => "delayed-ack",
            Timer::KeepAlive => "keep-alive",
            Timer::User => "user",
            Timer::Linger => "linger",
            Timer::Cork => "cork",
            Timer::Challenge => "challenge",
        }
    }
}

/// When each timer is due; [`Instant::FAR_FUTURE`] when it is not running.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerTable {
    due: [Instant; PLACES],
    /// Which of those that share a place runs, for the first two places.
    shared: [Timer; 2],
}

const PLACES: usize = 6;

impl TimerTable {
    pub(crate) const fn new() -> Self {
        TimerTable { due: [Instant::FAR_FUTURE; PLACES], shared: [Timer::Retransmit, Timer::Linger] }
    }

    pub(crate) fn set(&mut self, timer: Timer, due: Instant) {
        if let Some(shared) = self.shared.get_mut(timer.place()) {
            *shared = timer;
        }
        self.due[timer.place()] = due;
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        if self.is_running(timer) {
            self.due[timer.place()] = Instant::FAR_FUTURE;
        }
    }

    /// Stops whichever shares a place with `timer`.
    pub(crate) fn stop_beside(&mut self, timer: Timer) {
        if !self.is_running(timer) {
            self.due[timer.place()] = Instant::FAR_FUTURE;
        }
    }

    pub(crate) fn stop_all(&mut self) {
        *self = TimerTable::new();
    }

    pub(crate) fn is_running(&self, timer: Timer) -> bool {
        self.due(timer).is_some()
    }

    pub(crate) fn due(&self, timer: Timer) -> Option<Instant> {
        let place = timer.place();
        let is_its = self.shared.get(place).is_none_or(|shared| *shared == timer);
        Some(self.due[place]).filter(|due| is_its && *due != Instant::FAR_FUTURE)
    }

    /// Those that run, and when each is due.
    pub(crate) fn running(&self) -> impl Iterator<Item = (Timer, Instant)> + use<'_> {
        Timer::ALL.into_iter().filter_map(|timer| Some((timer, self.due(timer)?)))
    }

    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.due.iter().copied().min().filter(|due| *due != Instant::FAR_FUTURE)
    }

    /// Stops and returns one timer that is due, the most urgent kind first.
    pub(crate) fn expire_one(&mut self, now: Instant) -> Option<Timer> {
        let timer = Timer::ALL.into_iter().find(|timer| self.due(*timer).is_some_and(|due| due <= now))?;
        self.stop(timer);
        Some(timer)
    }
}
