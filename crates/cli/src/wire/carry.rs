//! The loop of one direction: frames in, sleep until one is due, frames out.

use super::lateness::Lateness;
use crate::failure::Failure;
use crate::recording::Recording;
use capture::Direction;
use device::{Link, Tun, kernel, wait};
use netem::wire::{Frame, Instant as WireInstant};
use netem::{Counts, End, Pipe};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Frames that are read, or written, before the other is looked after.
const BATCH: usize = 32;
/// How often the counters are handed over, and how soon the end is noticed.
const TOLD_EVERY: Duration = Duration::from_millis(50);
/// How long a device that takes nothing is left alone.
const FULL_FOR: Duration = Duration::from_micros(100);

/// What the directions and who watches them share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Everybody ends.
    pub(super) stop: AtomicBool,
    states: Mutex<[State; 2]>,
}

impl Shared {
    /// How both directions stand.
    pub(super) fn states(&self) -> [State; 2] {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, [State; 2]> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a direction stands.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) at: Duration,
    pub(super) counts: Counts,
    pub(super) queue_frames: usize,
    pub(super) queue_bytes: u64,
    pub(super) queue_frames_max: usize,
    pub(super) queue_bytes_max: u64,
    /// Waiting and on their way.
    pub(super) held_frames: usize,
    /// Frames that came out at the far end.
    pub(super) left_frames: u64,
    pub(super) left_bytes: u64,
    /// Frames that the device did not take, because the damage made them no packets, or because it is down.
    pub(super) refused_frames: u64,
    pub(super) lateness: Lateness,
}

/// One direction.
pub(super) struct Carrier {
    pub(super) from: Arc<Tun>,
    pub(super) to: Arc<Tun>,
    /// The number of the end where frames come in.
    pub(super) side: usize,
    pub(super) pipe: Pipe,
    /// None, or one for each end.
    pub(super) recordings: Arc<Vec<Recording>>,
    pub(super) shared: Arc<Shared>,
    pub(super) began: Instant,
    /// Before all ordinary threads.
    pub(super) is_first: bool,
}

impl Carrier {
    pub(super) fn start(self) -> Result<JoinHandle<Result<(), Failure>>, Failure> {
        let shared = Arc::clone(&self.shared);
        let run = move || {
            let outcome = self.run();
            // The other direction alone is no wire.
            shared.stop.store(true, Ordering::Release);
            outcome
        };
        std::thread::Builder::new()
            .name("wire".to_owned())
            .spawn(run)
            .map_err(|error| Failure::io("start a direction of the wire", &error))
    }

    fn run(mut self) -> Result<(), Failure> {
        // Without it frames are late by some 50 microseconds more, and the summary says so.
        let _ = kernel::wake_exactly();
        if self.is_first {
            kernel::run_before_others()
                .map_err(|error| Failure::io("run before others (--realtime)", &error))?;
        }
        let mut state = State::default();
        let (mut arrivals, mut far, mut near) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        // When each frame of `far` was due, and how long it is.
        let mut far_facts: Vec<(WireInstant, u64)> = Vec::with_capacity(BATCH);
        let mut told = Duration::ZERO;
        while !self.shared.stop.load(Ordering::Acquire) {
            let received = self.from.receive(&mut arrivals, BATCH);
            let received = received.map_err(|error| self.gone(&error))?;
            if received > 0 {
                let now = self.now();
                for frame in arrivals.drain(..) {
                    self.record(self.side, Direction::Outbound, &frame);
                    self.pipe.push(now, frame);
                    let (frames, bytes) = self.pipe.waiting();
                    state.queue_frames_max = state.queue_frames_max.max(frames);
                    state.queue_bytes_max = state.queue_bytes_max.max(bytes);
                }
            }
            let now = self.now();
            while far.len() < BATCH
                && near.len() < BATCH
                && let Some(leaving) = self.pipe.pop_due(now)
            {
                match leaving.end {
                    End::Far => {
                        self.record(1 - self.side, Direction::Inbound, &leaving.frame);
                        far_facts.push((leaving.at, leaving.frame.len() as u64));
                        far.push_back(leaving.frame);
                    }
                    End::Near => {
                        self.record(self.side, Direction::Inbound, &leaving.frame);
                        near.push_back(leaving.frame);
                    }
                }
            }
            let count = far.len() + near.len();
            let mut refused = 0;
            self.write(1 - self.side, &mut far, |place| {
                refused += 1;
                // It was taken, and came to nothing.
                far_facts[place].1 = 0;
            });
            self.write(self.side, &mut near, |_| refused += 1);
            let now = self.now();
            let taken = far_facts.len() - far.len();
            for (at, bytes) in far_facts.drain(..taken) {
                state.lateness.record(now.since(at));
                state.left_frames += u64::from(bytes > 0);
                state.left_bytes += bytes;
            }
            state.refused_frames += refused;
            let elapsed = self.began.elapsed();
            if elapsed.saturating_sub(told) >= TOLD_EVERY {
                told = elapsed;
                self.tell(&mut state, elapsed);
            }
            let is_full = !far.is_empty() || !near.is_empty();
            if received == BATCH || (count > 0 && !is_full) {
                continue;
            }
            self.sleep(is_full)?;
        }
        let elapsed = self.began.elapsed();
        self.tell(&mut state, elapsed);
        Ok(())
    }

    /// Until something comes or is due.
    fn sleep(&self, is_full: bool) -> Result<(), Failure> {
        let longest = if is_full { FULL_FOR } else { TOLD_EVERY };
        let due = self.pipe.due().filter(|_| !is_full).map(|due| due.since(self.now()));
        let timeout = due.map_or(longest, |due| due.min(longest));
        if timeout.is_zero() {
            return Ok(());
        }
        let fd = self.from.poll_fd();
        wait(fd.as_slice(), Some(timeout)).map(drop).map_err(|error| Failure::io("wait for frames", &error))
    }

    /// Writes frames to an end, while it takes them; tells of each that the device refuses its place among them.
    fn write(&self, end: usize, frames: &mut VecDeque<Frame>, mut on_refused: impl FnMut(usize)) {
        let link = if end == self.side { &self.from } else { &self.to };
        let count = frames.len();
        while !frames.is_empty() && link.transmit(frames).is_err() {
            on_refused(count - frames.len() - 1);
        }
    }

    fn tell(&self, state: &mut State, elapsed: Duration) {
        state.at = elapsed;
        state.counts = self.pipe.counts();
        (state.queue_frames, state.queue_bytes) = self.pipe.waiting();
        state.held_frames = self.pipe.len();
        self.shared.lock()[self.side].clone_from(state);
    }

    fn record(&self, end: usize, direction: Direction, frame: &Frame) {
        if let Some(recording) = self.recordings.get(end) {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            recording.write(direction, since_1970, frame);
        }
    }

    fn now(&self) -> WireInstant {
        WireInstant::ZERO + self.began.elapsed()
    }

    fn gone(&self, error: &io::Error) -> Failure {
        Failure::io(format_args!("read from the device {}", self.from.name()), error)
    }
}
