//! A link that loses, delays, reorders, duplicates and corrupts frames, in the same way for the same seed.
//!
//! Works on frames as they are on the wire: super-segments are cut and checksums completed first, so that a
//! loss is one segment and a flipped bit is noticed. Each frame draws the same number of random values for
//! any impairment, so that changing one chance does not change where the other faults happen. The clock is
//! an argument; with a clock that a test moves, the seed decides everything. What is *not* here: many hosts
//! in virtual time; that is the simulator's.

use crate::{Link, SplitMix64, WakerUse};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};
use wire::{Frame, LinkCapabilities, TransmitChecksum, segmentation};

/// How often something happens, in parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Chance(u32);

impl Chance {
    /// It never happens.
    pub const NEVER: Chance = Chance(0);
    /// It happens each time.
    pub const ALWAYS: Chance = Chance(1_000_000);

    /// `times` in a million; more than a million is [`Chance::ALWAYS`].
    pub const fn per_million(times: u32) -> Chance {
        Chance(if times < 1_000_000 { times } else { 1_000_000 })
    }

    /// `percent` times in a hundred; below 0 is [`Chance::NEVER`], above 100 is [`Chance::ALWAYS`].
    pub fn percent(percent: f64) -> Chance {
        // The conversion to an integer saturates, and turns NaN into 0.
        Chance::per_million((percent * 10_000.0).round() as u32)
    }

    const fn happens(self, draw: u64) -> bool {
        (((draw as u128) * 1_000_000) >> 64) < self.0 as u128
    }
}

/// What happens to the frames of one direction. By default nothing does.
///
/// Fields are added in minor versions: write `Impairment { loss, ..Impairment::default() }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impairment {
    /// A frame disappears.
    pub loss: Chance,
    /// A frame arrives twice.
    pub duplicate: Chance,
    /// One bit of a frame is flipped.
    pub corrupt: Chance,
    /// A frame is held back for [`reorder_by`](Impairment::reorder_by), so that later frames overtake it.
    pub reorder: Chance,
    /// How long a reordered frame is held back.
    pub reorder_by: Duration,
    /// How long each frame takes.
    pub delay: Duration,
    /// The most that is added to the delay, evenly distributed; it reorders frames that are close together.
    pub jitter: Duration,
    /// How many bits cross per second; frames wait for those before them. `None`: no limit.
    pub rate_bits_per_s: Option<u64>,
    /// How many frames may be on their way or waiting; more are lost.
    pub queue_frames_max: usize,
}

impl Default for Impairment {
    fn default() -> Self {
        Impairment {
            loss: Chance::NEVER,
            duplicate: Chance::NEVER,
            corrupt: Chance::NEVER,
            reorder: Chance::NEVER,
            reorder_by: Duration::from_millis(1),
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            rate_bits_per_s: None,
            // One second of 100 Mbit/s in full frames; the default of netem is 1,000.
            queue_frames_max: 8_192,
        }
    }
}

/// Wraps a link and impairs what it carries, each direction separately.
///
/// ```
/// # use synfin_device::*;
/// # use wire::*;
/// # let capabilities = LinkCapabilities {
/// #     medium: Medium::Ip, mtu_bytes: 1500, super_segment_bytes_max: 0, transmit_checksum: TransmitChecksum::Full };
/// let (near, far) = memory::pair(capabilities);
/// let lossy = Impairment { loss: Chance::percent(1.0), ..Impairment::default() };
/// let link = Impaired::new(near, lossy, Impairment::default(), 42);
/// # drop((link, far));
/// ```
pub struct Impaired<L, C = fn() -> Duration> {
    link: L,
    clock: C,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    transmit: Lane,
    receive: Lane,
    /// Due frames for which the wrapped link had no room; not more than the lane held.
    outgoing: VecDeque<Frame>,
    /// Empty between calls; kept to reuse its memory.
    arrivals: VecDeque<Frame>,
    /// Nothing was due when we were asked last, but the wrapped link may have more: it says so only once.
    must_ask_again: bool,
}

impl<L: Link> Impaired<L> {
    /// Impairs `link`; `transmit` is for frames that we send, `receive` for frames that we receive.
    pub fn new(link: L, transmit: Impairment, receive: Impairment, seed: u64) -> Self {
        Impaired::with_clock(link, transmit, receive, seed, since_first_asked)
    }
}

impl<L: Link, C: Fn() -> Duration + Send + Sync> Impaired<L, C> {
    /// The same with another clock, for example one that a test moves. It returns the time since a fixed moment.
    pub fn with_clock(link: L, transmit: Impairment, receive: Impairment, seed: u64, clock: C) -> Self {
        let mut seeds = SplitMix64::new(seed);
        let state = State {
            transmit: Lane::new(transmit, seeds.next_u64()),
            receive: Lane::new(receive, seeds.next_u64()),
            outgoing: VecDeque::new(),
            arrivals: VecDeque::new(),
            must_ask_again: false,
        };
        Impaired { link, clock, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the frames that are due.
    fn flush(&self, state: &mut State, now: Duration) -> io::Result<()> {
        state.transmit.release(now, usize::MAX, &mut state.outgoing);
        self.link.transmit(&mut state.outgoing).map(drop)
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
        let now = (self.clock)();
        let medium = self.link.capabilities().medium;
        let mut state = self.lock();
        let taken = frames.len();
        for frame in frames.drain(..) {
            for piece in segmentation::cut(frame, medium, TransmitChecksum::Full) {
                // Frames for which the wrapped link has no room count as waiting, too.
                let waiting = state.outgoing.len();
                state.transmit.admit(now, piece, waiting);
            }
        }
        self.flush(&mut state, now)?;
        Ok(taken)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let now = (self.clock)();
        let medium = self.link.capabilities().medium;
        let mut state = self.lock();
        let state = &mut *state;
        self.flush(state, now)?;
        let outcome = self.link.receive(&mut state.arrivals, frames_max);
        for frame in state.arrivals.drain(..) {
            for piece in segmentation::cut(frame, medium, TransmitChecksum::Full) {
                state.receive.admit(now, piece, 0);
            }
        }
        state.must_ask_again = false;
        let has_received = outcome? > 0;
        let released = state.receive.release(now, frames_max, frames);
        state.must_ask_again = has_received && released == 0;
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
        let state = self.lock();
        if state.must_ask_again {
            return Some(Duration::ZERO);
        }
        let due = [state.transmit.due(), state.receive.due()].into_iter().flatten().min();
        let due = due.map(|due| due.saturating_sub((self.clock)()));
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
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed()
}

/// The frames on their way in one direction.
#[derive(Debug)]
struct Lane {
    impairment: Impairment,
    random: SplitMix64,
    /// By the time at which they are due, then by the order in which they came.
    held: BTreeMap<(Duration, u64), Frame>,
    count: u64,
    /// When the last frame will have crossed, if the rate is limited.
    busy_until: Duration,
}

impl Lane {
    fn new(impairment: Impairment, seed: u64) -> Lane {
        Lane {
            impairment,
            random: SplitMix64::new(seed),
            held: BTreeMap::new(),
            count: 0,
            busy_until: Duration::ZERO,
        }
    }

    fn admit(&mut self, now: Duration, frame: Frame, waiting: usize) {
        let [loss, duplicate, corrupt, reorder, jitter, place] =
            std::array::from_fn(|_| self.random.next_u64());
        if self.impairment.loss.happens(loss) {
            return;
        }
        let mut extra = self.impairment.delay + fraction(self.impairment.jitter, jitter);
        if self.impairment.reorder.happens(reorder) {
            extra += self.impairment.reorder_by;
        }
        let frame =
            if self.impairment.corrupt.happens(corrupt) { with_a_bit_flipped(&frame, place) } else { frame };
        if self.impairment.duplicate.happens(duplicate) {
            self.hold(now, extra, frame.clone(), waiting);
        }
        self.hold(now, extra, frame, waiting);
    }

    fn hold(&mut self, now: Duration, extra: Duration, frame: Frame, waiting: usize) {
        if self.held.len() + waiting >= self.impairment.queue_frames_max {
            return;
        }
        let mut crossed = now;
        if let Some(rate) = self.impairment.rate_bits_per_s {
            let nanos = frame.len() as u128 * 8 * 1_000_000_000 / u128::from(rate.max(1));
            let crossing = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            self.busy_until = self.busy_until.max(now).saturating_add(crossing);
            crossed = self.busy_until;
        }
        self.held.insert((crossed.saturating_add(extra), self.count), frame);
        self.count += 1;
    }

    /// Moves at most `frames_max` due frames to `into`.
    fn release(&mut self, now: Duration, frames_max: usize, into: &mut VecDeque<Frame>) -> usize {
        let mut count = 0;
        while count < frames_max
            && let Some(first) = self.held.first_entry()
            && first.key().0 <= now
        {
            into.push_back(first.remove());
            count += 1;
        }
        count
    }

    fn due(&self) -> Option<Duration> {
        self.held.first_key_value().map(|(key, _)| key.0)
    }
}

/// A part of `whole` in proportion to `draw`: zero for 0, all of it for the largest number.
fn fraction(whole: Duration, draw: u64) -> Duration {
    let nanos = (whole.as_nanos() * u128::from(draw)) >> 64;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn with_a_bit_flipped(frame: &Frame, place: u64) -> Frame {
    let mut bytes = frame.to_vec();
    let bits = bytes.len() as u128 * 8;
    let bit = ((u128::from(place) * bits) >> 64) as usize;
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    Frame::from_bytes(bytes.into())
}

#[cfg(test)]
mod tests;
