//! Watches every frame that crosses a link, in both directions.
//!
//! What is *not* here: what is done with a frame (a capture file, a counter, a ladder); the closure does that.

use crate::{Direction, Link, WakerUse};
use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wire::{Frame, LinkCapabilities};

/// Calls a closure for each frame that passes, with its direction, the time since 1970, and the frame as the
/// link carries it: super-segments are whole, and checksums may be left to the link.
///
/// Frames are shown in the order in which they pass, and a transmitted frame never after its answer; its time
/// is from just before the link took it. A frame for which the link has no room is shown when it is taken.
///
/// ```
/// # use synfin_device::{Direction, Link, Tap, memory};
/// # use wire::*;
/// # let capabilities = LinkCapabilities {
/// #     medium: Medium::Ip, mtu_bytes: 1500, super_segment_bytes_max: 0, transmit_checksum: TransmitChecksum::None };
/// let (near, far) = memory::pair(capabilities);
/// let tap = Tap::new(near, |direction, _time, frame: &Frame| println!("{direction:?} {} bytes", frame.len()));
/// # drop((tap, far));
/// ```
pub struct Tap<L, F, C = fn() -> Duration> {
    link: L,
    clock: C,
    watch: Mutex<F>,
}

impl<L: Link, F: FnMut(Direction, Duration, &Frame) + Send> Tap<L, F> {
    /// Watches `link`, with the system's clock.
    pub fn new(link: L, watch: F) -> Self {
        Tap::with_clock(link, since_1970, watch)
    }
}

impl<L, F, C> Tap<L, F, C>
where
    L: Link,
    F: FnMut(Direction, Duration, &Frame) + Send,
    C: Fn() -> Duration + Send + Sync,
{
    /// Watches `link`, with another clock.
    pub fn with_clock(link: L, clock: C, watch: F) -> Self {
        Tap { link, clock, watch: Mutex::new(watch) }
    }

    /// The wrapped link, and the closure.
    pub fn into_parts(self) -> (L, F) {
        (self.link, self.watch.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl<L, F, C> Link for Tap<L, F, C>
where
    L: Link,
    F: FnMut(Direction, Duration, &Frame) + Send,
    C: Fn() -> Duration + Send + Sync,
{
    fn capabilities(&self) -> LinkCapabilities {
        self.link.capabilities()
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let mut taken = 0;
        // One by one and under the lock, so that frames of two threads are shown in the order in which they leave.
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut one = VecDeque::with_capacity(1);
        while let Some(frame) = frames.pop_front() {
            let time = (self.clock)();
            let shown = frame.clone();
            one.push_back(frame);
            let outcome = self.link.transmit(&mut one);
            if let Some(frame) = one.pop_front() {
                frames.push_front(frame);
                outcome?;
                break;
            }
            watch(Direction::Transmitted, time, &shown);
            outcome?;
            taken += 1;
        }
        Ok(taken)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        // Take the lock first, so that a transmission is shown before the answer that we are about to receive.
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = frames.len();
        let outcome = self.link.receive(frames, frames_max);
        for frame in frames.iter().skip(seen) {
            watch(Direction::Received, (self.clock)(), frame);
        }
        outcome
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.link.poll_fd()
    }

    fn set_waker(&self, waker: &Waker) -> WakerUse {
        self.link.set_waker(waker)
    }

    fn due_in(&self) -> Option<Duration> {
        self.link.due_in()
    }
}

impl<L: std::fmt::Debug, F, C> std::fmt::Debug for Tap<L, F, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").field("link", &self.link).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory;
    use wire::{Medium, TransmitChecksum};

    #[test]
    fn every_frame_is_shown_once_with_its_direction_and_time() {
        let (near, far) = memory::pair(LinkCapabilities {
            medium: Medium::Ip,
            mtu_bytes: 1500,
            super_segment_bytes_max: 0,
            transmit_checksum: TransmitChecksum::Full,
        });
        let mut seen = Vec::new();
        let clock = || Duration::from_secs(9);
        let tap = Tap::with_clock(near, clock, |direction, time, frame: &Frame| {
            seen.push((direction, time, frame.to_vec()[0]));
        });
        let frame = |byte: u8| Frame::from_bytes(vec![byte; 20].into());
        let mut frames = VecDeque::from([frame(1), frame(2)]);
        assert_eq!(tap.transmit(&mut frames).unwrap(), 2);
        far.transmit(&mut VecDeque::from([frame(3)])).unwrap();
        assert_eq!(tap.receive(&mut frames, 9).unwrap(), 1);
        assert_eq!(tap.receive(&mut frames, 9).unwrap(), 0);
        drop(tap);
        let time = clock();
        assert_eq!(
            seen,
            [
                (Direction::Transmitted, time, 1),
                (Direction::Transmitted, time, 2),
                (Direction::Received, time, 3)
            ]
        );
    }

    #[test]
    fn a_frame_without_room_is_shown_when_it_is_taken() {
        let (near, far) = memory::pair(LinkCapabilities {
            medium: Medium::Ip,
            mtu_bytes: 1500,
            super_segment_bytes_max: 0,
            transmit_checksum: TransmitChecksum::Full,
        });
        let mut count = 0;
        let tap = Tap::new(near, |_, _, _: &Frame| count += 1);
        let most = memory::QUEUE_FRAMES_MAX;
        let mut frames: VecDeque<Frame> = (0..=most).map(|_| Frame::from_bytes(vec![0; 20].into())).collect();
        assert_eq!(tap.transmit(&mut frames).unwrap(), most);
        far.receive(&mut VecDeque::new(), 1).unwrap();
        assert_eq!(tap.transmit(&mut frames).unwrap(), 1);
        drop(tap);
        assert_eq!(count, most + 1);
    }
}
