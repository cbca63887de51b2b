//! One direction of a link at work: a queue, a transmitter, a wire.
//!
//! [`Running::enter`] takes a frame, [`Running::transmitted`] tells that the transmitter is free again; both say what
//! to deliver when. Every frame that reaches the wire draws the same number of random values whatever the settings, so
//! that changing one chance leaves the fate of the others as it was. What is *not* here: waiting for the time at which
//! something is delivered; that is [`Pipe`](crate::Pipe), or the order of events of a world.

use crate::damage::{corrupted, corrupted_unseen};
use crate::ecn;
use crate::fate::Fate;
use crate::headers::packet_at;
use crate::lane::{Lane, Order};
use crate::loss::LossState;
use crate::lost::{Counts, Lost};
use crate::middlebox::Passes;
use crate::queue::{Line, QueueWaits, Turn};
use crate::random::{Dice, scaled};
use crate::regroup;
use crate::too_big::{self, TooBigAnswer};
use std::time::Duration;
use wire::{Frame, Instant, Medium};

/// A frame on its way, and what its owner wants to find again beside it.
#[derive(Clone, Debug)]
pub struct Moving<T> {
    /// The frame, all of its headers in its head.
    pub frame: Frame,
    /// The owner's; copies and pieces have the same.
    pub token: T,
    /// What becomes of it, beside what the lane does.
    pub fate: Fate,
}

/// What a lane asks of its owner, in the order in which it happens.
#[derive(Debug)]
pub enum Launch<T> {
    /// Deliver this at that time.
    Deliver {
        /// When.
        at: Instant,
        /// What.
        moving: Moving<T>,
        /// What happened to it.
        mishap: Mishap,
    },
    /// Nobody will see this again.
    Lost {
        /// What.
        moving: Moving<T>,
        /// Why.
        why: Lost,
    },
    /// Call [`Running::transmitted`] then.
    BusyUntil(Instant),
    /// An answer of a router on the way goes back to the sender.
    Answer {
        /// When it is there.
        at: Instant,
        /// An ICMP error.
        frame: Frame,
    },
}

/// What happened to a frame that is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mishap {
    /// It is a second copy, or a piece after the first.
    pub copy: bool,
    /// A bit of it was flipped.
    pub corrupted: bool,
    /// It was held back.
    pub held_back: bool,
    /// The queue marked it "congestion experienced".
    pub marked: bool,
}

/// One direction of a link at work.
///
/// ```
/// use synfin_netem::{Dice, Fate, Lane, Launch, Moving, Running, wire};
/// use std::time::Duration;
/// use wire::{Frame, Instant, Medium};
/// let lane = Lane { delay: Duration::from_millis(5), ..Lane::default() };
/// let mut running = Running::new(lane, Dice::new(7), Medium::Ip);
/// let mut out = Vec::new();
/// running.enter(Instant::ZERO, Moving { frame: Frame::default(), token: "mine", fate: Fate::Deliver }, &mut out);
/// assert!(matches!(&out[..], [Launch::Deliver { at, moving, .. }]
///     if *at == Instant::from_millis(5) && moving.token == "mine"));
/// ```
#[derive(Debug)]
pub struct Running<T> {
    config: Lane,
    medium: Medium,
    dice: Dice,
    loss: LossState,
    line: Line<(Moving<T>, Mishap)>,
    /// What the transmitter is sending, and what happened to it.
    sending: Option<(Moving<T>, Mishap)>,
    /// When the frame before arrives.
    latest_arrival: Instant,
    counts: Counts,
}

impl<T: Clone> Running<T> {
    /// A lane with nothing on it, for frames of this medium.
    pub fn new(config: Lane, dice: Dice, medium: Medium) -> Self {
        let line = Line::new(config.queue);
        Running {
            config,
            medium,
            dice,
            loss: LossState::default(),
            line,
            sending: None,
            latest_arrival: Instant::ZERO,
            counts: Counts::default(),
        }
    }

    /// Changes what the lane does from now on. What waits goes on waiting, even if there is less room now.
    pub fn configure(&mut self, config: Lane) {
        self.line.configure(config.queue);
        self.config = config;
    }

    /// What the lane does.
    pub const fn config(&self) -> &Lane {
        &self.config
    }

    /// What waits: frames and bytes, the one being sent not counted.
    pub fn waiting(&self) -> (usize, u64) {
        (self.line.len(), self.line.bytes())
    }

    /// Whether a frame is being sent.
    pub const fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// What became of frames so far.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How long frames have waited until their turn came.
    pub const fn waits(&self) -> &QueueWaits {
        self.line.waits()
    }

    /// A frame is handed over.
    pub fn enter(&mut self, now: Instant, mut moving: Moving<T>, out: &mut Vec<Launch<T>>) {
        self.counts.entered_frames += 1;
        self.counts.entered_bytes += moving.frame.len() as u64;
        // Who rewrites segments rewrites back what errors quote of them: the sender hears of what it sent.
        let sent = self.config.middlebox.as_ref().and(self.config.path_mtu).map(|_| moving.frame.clone());
        if let Some(middlebox) = &self.config.middlebox {
            let passes = middlebox.meddle(&mut moving.frame, self.medium);
            if passes == Passes::No {
                return self.lose(moving, Lost::Middlebox, out);
            }
        }
        if let Some(path) = self.config.path_mtu
            && too_big::is_too_big(&moving.frame, self.medium, path.mtu_bytes)
        {
            if path.answer == TooBigAnswer::Icmp
                && let Some(frame) =
                    too_big::answer(sent.as_ref().unwrap_or(&moving.frame), self.medium, path.mtu_bytes)
            {
                self.counts.answers += 1;
                out.push(Launch::Answer { at: now + self.config.delay_at(now), frame });
            }
            return self.lose(moving, Lost::TooBig, out);
        }
        if self.config.is_down(now) {
            return self.lose(moving, Lost::Outage, out);
        }
        match self.config.middlebox.as_ref().and_then(|middlebox| middlebox.split_to_bytes) {
            None => self.enter_piece(now, moving, Mishap::default(), out),
            Some(text_bytes_max) => {
                let Moving { frame, token, fate } = moving;
                for (number, frame) in regroup::split(frame, self.medium, text_bytes_max).enumerate() {
                    // The first stands for the whole.
                    let mishap = Mishap { copy: number > 0, ..Mishap::default() };
                    self.counts.pieces += u64::from(mishap.copy);
                    self.enter_piece(now, Moving { frame, token: token.clone(), fate }, mishap, out);
                }
            }
        }
    }

    /// A segment, or a piece of one, waits for its turn or is on the wire.
    fn enter_piece(&mut self, now: Instant, moving: Moving<T>, mishap: Mishap, out: &mut Vec<Launch<T>>) {
        if self.config.rate_bits_per_s.is_none() {
            return self.launch(now, moving, mishap, out);
        }
        if let Some(bytes_max) = self.config.middlebox.as_ref().and_then(|middlebox| middlebox.merge_to_bytes)
            && self.merge(&moving, u32::from(bytes_max))
        {
            return self.lose(moving, Lost::Merged, out);
        }
        let bytes = wire_bytes(&moving.frame);
        let ecn = ecn::field_of(&moving.frame, self.medium);
        match self.line.push(now, (moving, mishap), bytes, ecn) {
            Err((moving, _)) => self.lose(moving, Lost::QueueFull, out),
            Ok(()) if self.sending.is_none() => self.send_next(now, out),
            Ok(()) => {}
        }
    }

    /// Puts the text of a segment into the one that waits last, if it goes on there.
    fn merge(&mut self, moving: &Moving<T>, packet_bytes_max: u32) -> bool {
        let medium = self.medium;
        let ecn = ecn::field_of(&moving.frame, medium);
        self.line.change_last(ecn, |(last, _)| {
            last.frame = regroup::merged(&last.frame, &moving.frame, medium, packet_bytes_max)?;
            Some(wire_bytes(&last.frame))
        })
    }

    /// The last bit of the frame being sent has left.
    pub fn transmitted(&mut self, now: Instant, out: &mut Vec<Launch<T>>) {
        if let Some((moving, mishap)) = self.sending.take() {
            self.launch(now, moving, mishap, out);
        }
        self.send_next(now, out);
    }

    fn send_next(&mut self, now: Instant, out: &mut Vec<Launch<T>>) {
        // A rate of zero is taken as the slowest there is; one that was lifted meanwhile as no limit.
        let rate = self.config.rate_bits_per_s.map_or(u64::MAX, |rate| rate.max(1));
        while let Some(turn) = self.line.pop(now) {
            let ((mut moving, mishap), may_mark, must_mark) = match turn {
                Turn::Send(moving) => (moving, false, false),
                Turn::Mark(moving) => (moving, true, false),
                Turn::MarkOrDrop(moving) => (moving, true, true),
                Turn::Drop(moving) => (moving, false, true),
            };
            let marked = may_mark && ecn::mark(&mut moving.frame, self.medium);
            if must_mark && !marked {
                self.lose(moving, Lost::QueueManaged, out);
                continue;
            }
            self.counts.marked += u64::from(marked);
            let nanos = u128::from(wire_bytes(&moving.frame)) * 8 * 1_000_000_000 / u128::from(rate);
            let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            out.push(Launch::BusyUntil(now + takes));
            self.sending = Some((moving, Mishap { marked, ..mishap }));
            return;
        }
    }

    /// A frame is on the wire: what the wire does with it.
    fn launch(&mut self, now: Instant, mut moving: Moving<T>, mut mishap: Mishap, out: &mut Vec<Launch<T>>) {
        let draws: [u64; 8] = std::array::from_fn(|_| self.dice.roll());
        let [loss_move, loss, corrupt, where_, reorder, jitter, duplicate, copy_jitter] = draws;
        let lost = self.loss.loses(self.config.loss, loss_move, loss);
        match moving.fate {
            Fate::Lose => return self.lose(moving, Lost::Fate, out),
            _ if lost => return self.lose(moving, Lost::Wire, out),
            _ => {}
        }
        if self.config.corrupt.comes_true(corrupt) || moving.fate == Fate::Corrupt {
            if packet_at(&moving.frame, self.medium).is_none() {
                // ARP has no checksum: Ethernet's own finds the damage.
                return self.lose(moving, Lost::Wire, out);
            }
            moving.frame = corrupted(moving.frame, self.medium, where_);
            mishap.corrupted = true;
        }
        // Draws of its own, so that the other chances stay what they were.
        let mut unseen = Dice::new(corrupt ^ where_.rotate_left(32));
        if unseen.happens(self.config.corrupt_unseen)
            && let Some(frame) = corrupted_unseen(&moving.frame, self.medium, &mut unseen)
        {
            moving.frame = frame;
            mishap.corrupted = true;
        }
        let mut at = now + self.config.delay_at(now) + self.jitter(jitter);
        if self.config.order == Order::Kept {
            at = at.max(self.latest_arrival);
            self.latest_arrival = at;
        }
        if self.config.reorder.comes_true(reorder) {
            at += self.config.reorder_by;
            mishap.held_back = true;
        }
        if let Fate::Late(by) = moving.fate {
            at += by;
            mishap.held_back = true;
        }
        if self.config.duplicate.comes_true(duplicate) || moving.fate == Fate::Double {
            let copy = Moving { fate: Fate::Deliver, ..moving.clone() };
            let copy_at = at + self.jitter(copy_jitter);
            self.deliver(at, moving, mishap, out);
            self.counts.copies += 1;
            self.deliver(copy_at, copy, Mishap { copy: true, ..mishap }, out);
        } else {
            self.deliver(at, moving, mishap, out);
        }
    }

    fn deliver(&mut self, at: Instant, moving: Moving<T>, mishap: Mishap, out: &mut Vec<Launch<T>>) {
        self.counts.delivered_frames += 1;
        self.counts.delivered_bytes += moving.frame.len() as u64;
        self.counts.corrupted += u64::from(mishap.corrupted);
        self.counts.held_back += u64::from(mishap.held_back);
        out.push(Launch::Deliver { at, moving, mishap });
    }

    fn lose(&mut self, moving: Moving<T>, why: Lost, out: &mut Vec<Launch<T>>) {
        self.counts.lose(why);
        out.push(Launch::Lost { moving, why });
    }

    fn jitter(&self, draw: u64) -> Duration {
        let bound = u64::try_from(self.config.jitter.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(scaled(draw, bound))
    }
}

/// Bytes on the wire: a super-segment costs as much as its segments.
fn wire_bytes(frame: &Frame) -> u64 {
    let (head, text) = (frame.head.as_slice().len() as u64, frame.payload.len() as u64);
    match u64::from(frame.offload.segment_bytes) {
        0 => head + text,
        segment_bytes => head * text.div_ceil(segment_bytes).max(1) + text,
    }
}

#[cfg(test)]
mod tests;
