//! One direction of a wire between two links, in real time: frames in, sleep until one is due, frames out.
//!
//! What happens to frames is decided by a [`Pipe`]; this is the loop around it. Frames leave at most as late as the machine
//! wakes a thread. What is *not* here: the threads, one for each direction, and the other direction.

use crate::link::Link;
use crate::wait;
use netem::{End, Leaving, Pipe};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::Frame;

/// Frames that are read before others are written: a super-segment is up to 45 segments.
const READ_AT_ONCE: usize = 4;
/// Frames that are written before the clock is looked at.
const BATCH: usize = 32;
/// How long a link that takes nothing is left alone.
const FULL_FOR: Duration = Duration::from_micros(100);

/// Who watches what a [`Carrier`] carries. Nobody has to: `()` does.
pub trait Watch {
    /// A frame comes in, before anything happens to it.
    fn enters(&mut self, frame: &Frame) {
        let _ = frame;
    }

    /// A frame has come in, or was lost at once: this is how it looks inside.
    fn has_entered(&mut self, pipe: &Pipe) {
        let _ = pipe;
    }

    /// A frame is about to come out.
    fn leaves(&mut self, leaving: &Leaving) {
        let _ = leaving;
    }

    /// A frame of so many bytes has come out at the far end, so much later than it was due. A link that is full makes it
    /// later.
    fn has_left(&mut self, bytes: usize, late: Duration) {
        let _ = (bytes, late);
    }

    /// A link did not take a frame: damage made it no packet, or the link is down.
    fn is_refused(&mut self) {}
}

impl Watch for () {}

/// One direction between two links.
///
/// ```
/// use std::sync::Arc;
/// use std::time::{Duration, Instant};
/// use synfin_device::{Carrier, Link, memory, netem::{Lane, Pipe}};
/// use wire::{Frame, LinkCapabilities, Medium};
///
/// let (left, left_end) = memory::pair(LinkCapabilities::default());
/// let (right_end, right) = memory::pair(LinkCapabilities::default());
/// let lane = Lane { delay: Duration::from_millis(5), ..Lane::default() };
/// let mut carrier =
///     Carrier::new(Arc::new(left_end), Arc::new(right_end), Pipe::new(lane, 1, Medium::Ip), Instant::now());
///
/// left.transmit(&mut [Frame::from_bytes(vec![0x45; 40].into())].into())?;
/// let (began, mut arrived) = (Instant::now(), Default::default());
/// while right.receive(&mut arrived, 1)? == 0 {
///     carrier.turn(&mut (), Duration::from_millis(50))?;
/// }
/// assert!(began.elapsed() >= Duration::from_millis(4));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Carrier {
    from: Arc<dyn Link>,
    to: Arc<dyn Link>,
    pipe: Pipe,
    began: Instant,
    arrivals: VecDeque<Frame>,
    /// What is due, and the link has not taken yet.
    far: VecDeque<Frame>,
    near: VecDeque<Frame>,
    /// When each frame of `far` was due, and how long it is.
    facts: VecDeque<(wire::Instant, usize)>,
}

impl Carrier {
    /// Carries frames from one link to another. The time of the pipe counts from `began`.
    pub fn new(from: Arc<dyn Link>, to: Arc<dyn Link>, pipe: Pipe, began: Instant) -> Carrier {
        let (arrivals, far, near) = Default::default();
        Carrier { from, to, pipe, began, arrivals, far, near, facts: VecDeque::new() }
    }

    /// What is under way.
    pub fn pipe(&self) -> &Pipe {
        &self.pipe
    }

    /// Takes in what has come and lets out what is due; if there was nothing to do it sleeps until there is, for at most
    /// this long.
    ///
    /// # Errors
    /// Of receiving, or of waiting. A frame that cannot be sent is told to the watcher and forgotten.
    pub fn turn(&mut self, watch: &mut impl Watch, longest: Duration) -> io::Result<()> {
        let received = self.from.receive(&mut self.arrivals, READ_AT_ONCE)?;
        if received > 0 {
            let now = self.now();
            for frame in self.arrivals.drain(..) {
                watch.enters(&frame);
                self.pipe.push(now, frame);
                watch.has_entered(&self.pipe);
            }
        }
        let now = self.now();
        while self.far.len() < BATCH
            && self.near.len() < BATCH
            && let Some(leaving) = self.pipe.pop_due(now)
        {
            watch.leaves(&leaving);
            match leaving.end {
                End::Far => {
                    self.facts.push_back((leaving.at, leaving.frame.len()));
                    self.far.push_back(leaving.frame);
                }
                End::Near => self.near.push_back(leaving.frame),
            }
        }
        let count = self.far.len() + self.near.len();
        self.send_far(watch);
        while !self.near.is_empty() && self.from.transmit(&mut self.near).is_err() {
            watch.is_refused();
        }
        let is_full = !self.far.is_empty() || !self.near.is_empty();
        if received == READ_AT_ONCE || (count > 0 && !is_full) {
            return Ok(());
        }
        self.sleep(is_full, longest)
    }

    fn send_far(&mut self, watch: &mut impl Watch) {
        while !self.far.is_empty() {
            let waiting = self.far.len();
            let outcome = self.to.transmit(&mut self.far);
            let mut taken = waiting - self.far.len();
            if outcome.is_err() {
                taken = taken.saturating_sub(1);
            }
            let now = self.now();
            for (at, bytes) in self.facts.drain(..taken) {
                watch.has_left(bytes, now.since(at));
            }
            if outcome.is_ok() {
                return;
            }
            // The frame that was taken last came to nothing.
            self.facts.pop_front();
            watch.is_refused();
        }
    }

    /// Until something comes or is due.
    fn sleep(&self, is_full: bool, longest: Duration) -> io::Result<()> {
        let most = if is_full { longest.min(FULL_FOR) } else { longest };
        let due = self.pipe.due().filter(|_| !is_full).map(|due| due.since(self.now()));
        let timeout = due.map_or(most, |due| due.min(most));
        if timeout.is_zero() {
            return Ok(());
        }
        wait(self.from.poll_fd().as_slice(), Some(timeout)).map(drop)
    }

    fn now(&self) -> wire::Instant {
        wire::Instant::ZERO + self.began.elapsed()
    }
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Carrier").field("pipe", &self.pipe).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
