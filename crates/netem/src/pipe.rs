//! One direction of a link with its own order of events: frames in at a time, frames out that are due.
//!
//! A program that lives in real time pushes what it has, sleeps until [`Pipe::due`], and pops what is due. What happens
//! inside happens at the times at which it should: a program that comes late makes frames late, but spaces, drops and
//! marks none of them otherwise. What is *not* here: what a lane does to a frame (`running.rs`).

use crate::Fate;
use crate::headers::settle;
use crate::lane::Lane;
use crate::lost::{Counts, Lost};
use crate::random::Dice;
use crate::running::{Launch, Mishap, Moving, Running};
use std::collections::{BTreeMap, VecDeque};
use wire::segmentation;
use wire::{Frame, Instant, Medium, TransmitChecksum};

/// How many frames a pipe holds unless it is told otherwise: half a second of 1 Gbit/s in full frames, about 60 MB.
pub const FRAMES_MAX: usize = 41_667;

/// Where a frame comes out.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// Where it was going.
    Far,
    /// Where frames are pushed in: an answer of a router on the way.
    Near,
}

/// A frame that comes out of a pipe.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Leaving {
    /// When it was due.
    pub at: Instant,
    /// The frame: a single segment, its checksum complete.
    pub frame: Frame,
    /// Where.
    pub end: End,
    /// What happened to it.
    pub mishap: Mishap,
}

/// One direction of a link at work, asked in its own time.
///
/// ```
/// use synfin_netem::{Lane, Pipe, wire::{Frame, Instant, Medium}};
/// // 1,000 bytes at 8 Mbit/s: a millisecond each.
/// let lane = Lane { rate_bits_per_s: Some(8_000_000), ..Lane::default() };
/// let mut pipe = Pipe::new(lane, 7, Medium::Ip);
/// let frame = Frame::from_bytes(vec![0x45; 1_000].into());
/// pipe.push(Instant::ZERO, frame.clone());
/// pipe.push(Instant::ZERO, frame);
/// assert_eq!(pipe.due(), Some(Instant::from_millis(1)));
/// let arrivals: Vec<u64> =
///     std::iter::from_fn(|| pipe.pop_due(Instant::from_millis(9))).map(|leaving| leaving.at.as_millis()).collect();
/// assert_eq!(arrivals, [1, 2]);
/// ```
#[derive(Debug)]
pub struct Pipe {
    running: Running<()>,
    medium: Medium,
    frames_max: usize,
    /// When the transmitter is free again.
    busy_until: Option<Instant>,
    /// What comes out in the order in which it was launched: nearly everything, unless jitter reorders.
    in_order: VecDeque<Leaving>,
    /// What comes out before something that was launched earlier; by time, then by the order of launches.
    overtaking: BTreeMap<(Instant, u64), Leaving>,
    launched: u64,
    /// Lost before the lane saw them.
    overflowed: u64,
    overflowed_bytes: u64,
    /// Empty between calls; kept to reuse its memory.
    launches: Vec<Launch<()>>,
}

impl Pipe {
    /// An empty pipe that does what `lane` says to frames of this medium, with the luck of `seed`.
    pub fn new(lane: Lane, seed: u64, medium: Medium) -> Pipe {
        Pipe {
            running: Running::new(lane, Dice::new(seed), medium),
            medium,
            frames_max: FRAMES_MAX,
            busy_until: None,
            in_order: VecDeque::new(),
            overtaking: BTreeMap::new(),
            launched: 0,
            overflowed: 0,
            overflowed_bytes: 0,
            launches: Vec::new(),
        }
    }

    /// The same with room for this many frames, waiting and under way; more are lost ([`Lost::Overflow`]).
    #[must_use]
    pub const fn with_frames_max(mut self, frames_max: usize) -> Pipe {
        self.frames_max = frames_max;
        self
    }

    /// Changes what the pipe does to frames from now on; those under way arrive as they would have.
    pub fn configure(&mut self, now: Instant, lane: Lane) {
        self.advance(now);
        self.running.configure(lane);
    }

    /// How many frames the pipe holds, waiting and under way.
    pub fn len(&self) -> usize {
        let (waiting, _) = self.running.waiting();
        waiting + usize::from(self.running.is_sending()) + self.in_order.len() + self.overtaking.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What waits for the transmitter: frames and bytes.
    pub fn waiting(&self) -> (usize, u64) {
        self.running.waiting()
    }

    /// What became of frames so far. What still flies counts as delivered.
    pub fn counts(&self) -> Counts {
        let mut counts = *self.running.counts();
        counts.entered_frames += self.overflowed;
        counts.entered_bytes += self.overflowed_bytes;
        counts.lose_many(Lost::Overflow, self.overflowed);
        counts
    }

    /// A frame comes in. Super-segments are cut and checksums completed first, so that a loss is one segment and a
    /// flipped bit is noticed.
    pub fn push(&mut self, now: Instant, frame: Frame) {
        self.advance(now);
        for mut frame in segmentation::cut(frame, self.medium, TransmitChecksum::Full) {
            if self.len() >= self.frames_max {
                self.overflowed += 1;
                self.overflowed_bytes += frame.len() as u64;
                continue;
            }
            settle(&mut frame, self.medium);
            let mut launches = std::mem::take(&mut self.launches);
            self.running.enter(now, Moving { frame, token: (), fate: Fate::Deliver }, &mut launches);
            self.carry_out(launches);
        }
    }

    /// When the next frame may come out; `None` if there is none. It may be earlier than any does.
    pub fn due(&self) -> Option<Instant> {
        // What is being sent takes the delay on top, so nobody need come when it is sent.
        let sent = self.busy_until.map(|busy| busy + self.running.config().delay);
        [self.first(), sent].into_iter().flatten().min()
    }

    /// The next frame that is due now or was before.
    pub fn pop_due(&mut self, now: Instant) -> Option<Leaving> {
        self.advance(now);
        let is_due = self.first().is_some_and(|first| first <= now);
        if !is_due {
            return None;
        }
        let overtaking = self.overtaking.first_key_value().map(|((at, _), _)| *at);
        // Of two at the same time the one launched first: what overtakes was launched later.
        let next_overtakes = overtaking
            .is_some_and(|overtaking| self.in_order.front().is_none_or(|first| overtaking < first.at));
        if next_overtakes {
            return self.overtaking.pop_first().map(|(_, leaving)| leaving);
        }
        self.in_order.pop_front()
    }

    /// When the first frame comes out of those that are on the wire.
    fn first(&self) -> Option<Instant> {
        let in_order = self.in_order.front().map(|leaving| leaving.at);
        let overtaking = self.overtaking.first_key_value().map(|((at, _), _)| *at);
        [in_order, overtaking].into_iter().flatten().min()
    }

    /// Everything happens that was to happen before now.
    fn advance(&mut self, now: Instant) {
        while let Some(free) = self.busy_until.take_if(|busy| *busy <= now) {
            let mut launches = std::mem::take(&mut self.launches);
            self.running.transmitted(free, &mut launches);
            self.carry_out(launches);
        }
    }

    fn carry_out(&mut self, mut launches: Vec<Launch<()>>) {
        for launch in launches.drain(..) {
            match launch {
                Launch::Deliver { at, moving, mishap } => {
                    self.hold(Leaving { at, frame: moving.frame, end: End::Far, mishap });
                }
                Launch::Answer { at, frame } => {
                    self.hold(Leaving { at, frame, end: End::Near, mishap: Mishap::default() });
                }
                Launch::BusyUntil(at) => self.busy_until = Some(at),
                // It is counted.
                Launch::Lost { .. } => {}
            }
        }
        self.launches = launches;
    }

    fn hold(&mut self, leaving: Leaving) {
        if self.in_order.back().is_none_or(|last| last.at <= leaving.at) {
            return self.in_order.push_back(leaving);
        }
        self.launched += 1;
        self.overtaking.insert((leaving.at, self.launched), leaving);
    }
}

#[cfg(test)]
mod tests;
