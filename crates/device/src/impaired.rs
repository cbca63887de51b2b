//! A link that loses, delays, reorders, duplicates and damages frames, in the same way for the same seed.
//!
//! Each direction is a [`Pipe`] of `netem`: super-segments are cut and checksums completed first, so that a loss is one
//! segment and a flipped bit is noticed. The clock is an argument; with a clock that a test moves, the seed decides
//! everything. What is *not* here: what happens to frames (that is `netem`'s), and many hosts in virtual time; that is
//! the simulator's.

use crate::{Link, WakerUse};
use netem::{Counts, Dice, End, Lane, Pipe};
use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant as SystemInstant};
use wire::{Frame, Instant, LinkCapabilities, TransmitChecksum};

/// Due frames that wait for room on the wrapped link; more stay in their lane, where they are counted. Answers of routers
/// beyond that are dropped, as routers do.
const OUTGOING_MAX: usize = 64;

/// Wraps a link and impairs what it carries, each direction separately.
///
/// ```
/// # use synfin_device::*;
/// # use wire::*;
/// # let capabilities = LinkCapabilities {
/// #     medium: Medium::Ip, mtu_bytes: 1500, super_segment_bytes_max: 0, transmit_checksum: TransmitChecksum::Full };
/// let (near, far) = memory::pair(capabilities);
/// let lossy = Lane { loss: Loss::Random(Chance::percent(1.0)), ..Lane::default() };
/// let link = Impaired::new(near, lossy, Lane::default(), 42);
/// # drop((link, far));
/// ```
pub struct Impaired<L, C = fn() -> Duration> {
    link: L,
    clock: C,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    transmit: Pipe,
    receive: Pipe,
    /// Due frames for which the wrapped link had no room.
    outgoing: VecDeque<Frame>,
    /// What routers answer to frames that we sent.
    answers: VecDeque<Frame>,
    /// Empty between calls; kept to reuse its memory.
    arrivals: VecDeque<Frame>,
    /// Nothing was due when we were asked last, but the wrapped link may have more: it says so only once.
    must_ask_again: bool,
}

impl<L: Link> Impaired<L> {
    /// Impairs `link`; `transmit` is for frames that we send, `receive` for frames that we receive.
    pub fn new(link: L, transmit: Lane, receive: Lane, seed: u64) -> Self {
        Impaired::with_clock(link, transmit, receive, seed, since_first_asked)
    }
}

impl<L: Link, C: Fn() -> Duration + Send + Sync> Impaired<L, C> {
    /// The same with another clock, for example one that a test moves. It returns the time since a fixed moment.
    pub fn with_clock(link: L, transmit: Lane, receive: Lane, seed: u64, clock: C) -> Self {
        let mut seeds = Dice::new(seed);
        let medium = link.capabilities().medium;
        let state = State {
            transmit: Pipe::new(transmit, seeds.roll(), medium),
            receive: Pipe::new(receive, seeds.roll(), medium),
            outgoing: VecDeque::new(),
            answers: VecDeque::new(),
            arrivals: VecDeque::new(),
            must_ask_again: false,
        };
        Impaired { link, clock, state: Mutex::new(state) }
    }

    /// Changes what happens to frames from now on, those that we send and those that we receive.
    pub fn configure(&self, transmit: Lane, receive: Lane) {
        let now = self.now();
        let mut state = self.lock();
        state.transmit.configure(now, transmit);
        state.receive.configure(now, receive);
    }

    /// What became of the frames so far, of those that we sent and those that we received.
    pub fn counts(&self) -> [Counts; 2] {
        let state = self.lock();
        [state.transmit.counts(), state.receive.counts()]
    }

    fn now(&self) -> Instant {
        Instant::ZERO + (self.clock)()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the frames that are due, while the link takes them.
    fn flush(&self, state: &mut State, now: Instant) -> io::Result<()> {
        loop {
            while state.outgoing.len() < OUTGOING_MAX
                && let Some(leaving) = state.transmit.pop_due(now)
            {
                match leaving.end {
                    End::Far => state.outgoing.push_back(leaving.frame),
                    End::Near if state.answers.len() < OUTGOING_MAX => state.answers.push_back(leaving.frame),
                    End::Near => {}
                }
            }
            let is_full = state.outgoing.len() == OUTGOING_MAX;
            self.link.transmit(&mut state.outgoing)?;
            if !is_full || !state.outgoing.is_empty() {
                return Ok(());
            }
        }
    }
}

impl<L: Link, C: Fn() -> Duration + Send + Sync> Link for Impaired<L, C> {
    fn capabilities(&self) -> LinkCapabilities {
        LinkCapabilities {
            super_segment_bytes_max: 0,
            transmit_checksum: TransmitChecksum::Full,
            ..self.link.capabilities()
        }
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let now = self.now();
        let mut state = self.lock();
        let taken = frames.len();
        frames.drain(..).for_each(|frame| state.transmit.push(now, frame));
        self.flush(&mut state, now)?;
        Ok(taken)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let now = self.now();
        let mut state = self.lock();
        let state = &mut *state;
        self.flush(state, now)?;
        let outcome = self.link.receive(&mut state.arrivals, frames_max);
        state.arrivals.drain(..).for_each(|frame| state.receive.push(now, frame));
        state.must_ask_again = false;
        let has_received = outcome? > 0;
        let before = frames.len();
        let answers = state.answers.len().min(frames_max);
        frames.extend(state.answers.drain(..answers));
        let mut has_answers = false;
        while frames.len() - before < frames_max
            && let Some(leaving) = state.receive.pop_due(now)
        {
            match leaving.end {
                End::Far => frames.push_back(leaving.frame),
                End::Near if state.outgoing.len() < OUTGOING_MAX => {
                    has_answers = true;
                    state.outgoing.push_back(leaving.frame);
                }
                End::Near => {}
            }
        }
        let released = frames.len() - before;
        state.must_ask_again = has_received && released == 0;
        if has_answers {
            self.link.transmit(&mut state.outgoing)?;
        }
        Ok(released)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.link.poll_fd()
    }

    /// The wrapped link calls it for what has come to it and for room; what is held back here is said by `due_in`.
    fn set_waker(&self, waker: &Waker) -> WakerUse {
        self.link.set_waker(waker)
    }

    fn due_in(&self) -> Option<Duration> {
        let now = self.now();
        let state = self.lock();
        if state.must_ask_again || !state.answers.is_empty() {
            return Some(Duration::ZERO);
        }
        // What is due and waits for room is announced by the link.
        let transmit = state.transmit.due().filter(|_| state.outgoing.len() < OUTGOING_MAX);
        let due = [transmit, state.receive.due()].into_iter().flatten().min().map(|due| due.since(now));
        [due, self.link.due_in()].into_iter().flatten().min()
    }
}

impl<L: std::fmt::Debug, C> std::fmt::Debug for Impaired<L, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Impaired").field("link", &self.link).finish_non_exhaustive()
    }
}

/// The system's monotonic clock.
fn since_first_asked() -> Duration {
    static ORIGIN: OnceLock<SystemInstant> = OnceLock::new();
    ORIGIN.get_or_init(SystemInstant::now).elapsed()
}

#[cfg(test)]
mod tests;
