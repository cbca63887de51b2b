//! One direction at work: a thread that carries frames, and what it tells of itself.

use super::lateness::Lateness;
use crate::failure::Failure;
use crate::recording::Recording;
use device::{Carrier, Tun, Watch, kernel};
use netem::wire::Frame;
use netem::{Counts, End, Leaving, Pipe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the counters are handed over, and how soon the end is noticed.
const TOLD_EVERY: Duration = Duration::from_millis(50);

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
pub(super) struct Direction {
    pub(super) carrier: Carrier,
    /// The device where frames come in.
    pub(super) from: Arc<Tun>,
    pub(super) watcher: Watcher,
    /// Before all ordinary threads.
    pub(super) is_first: bool,
}

impl Direction {
    pub(super) fn start(self) -> Result<JoinHandle<Result<(), Failure>>, Failure> {
        let shared = Arc::clone(&self.watcher.shared);
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

    fn run(self) -> Result<(), Failure> {
        let Direction { mut carrier, from, mut watcher, is_first } = self;
        // Without it frames are late by some 50 microseconds more, and the summary says so.
        let _ = kernel::wake_exactly();
        if is_first {
            kernel::run_before_others()
                .map_err(|error| Failure::io("run before others (--realtime)", &error))?;
        }
        while !watcher.shared.stop.load(Ordering::Acquire) {
            let gone =
                |error| Failure::io(format_args!("carry frames from the device {}", from.name()), &error);
            carrier.turn(&mut watcher, TOLD_EVERY).map_err(gone)?;
            watcher.tell_now_and_then(carrier.pipe());
        }
        watcher.tell(carrier.pipe());
        Ok(())
    }
}

/// What a direction tells of itself: the counters, and captures.
pub(super) struct Watcher {
    /// The number of the end where frames come in.
    pub(super) side: usize,
    /// None, or one for each end.
    pub(super) recordings: Arc<Vec<Recording>>,
    pub(super) shared: Arc<Shared>,
    pub(super) began: Instant,
    pub(super) state: State,
}

impl Watcher {
    fn tell_now_and_then(&mut self, pipe: &Pipe) {
        if self.began.elapsed().saturating_sub(self.state.at) >= TOLD_EVERY {
            self.tell(pipe);
        }
    }

    fn tell(&mut self, pipe: &Pipe) {
        let state = &mut self.state;
        state.at = self.began.elapsed();
        state.counts = pipe.counts();
        (state.queue_frames, state.queue_bytes) = pipe.waiting();
        state.held_frames = pipe.len();
        self.shared.lock()[self.side].clone_from(state);
    }

    fn record(&self, end: usize, direction: capture::Direction, frame: &Frame) {
        if let Some(recording) = self.recordings.get(end) {
            recording.write_now(direction, frame);
        }
    }
}

impl Watch for Watcher {
    fn enters(&mut self, frame: &Frame) {
        self.record(self.side, capture::Direction::Outbound, frame);
    }

    fn has_entered(&mut self, pipe: &Pipe) {
        let (frames, bytes) = pipe.waiting();
        self.state.queue_frames_max = self.state.queue_frames_max.max(frames);
        self.state.queue_bytes_max = self.state.queue_bytes_max.max(bytes);
    }

    fn leaves(&mut self, leaving: &Leaving) {
        let end = if leaving.end == End::Far { 1 - self.side } else { self.side };
        self.record(end, capture::Direction::Inbound, &leaving.frame);
    }

    fn has_left(&mut self, bytes: usize, late: Duration) {
        self.state.lateness.record(late);
        self.state.left_frames += 1;
        self.state.left_bytes += bytes as u64;
    }

    fn is_refused(&mut self) {
        self.state.refused_frames += 1;
    }
}
