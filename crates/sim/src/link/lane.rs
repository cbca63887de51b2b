//! One direction of a link at work: a queue, a transmitter, a wire.
//!
//! [`Running::enter`] takes a frame, [`Running::transmitted`] tells that the transmitter is free again;
//! both say what to deliver when. Every frame that reaches the wire draws the same number of random
//! values whatever the settings, so that changing one chance leaves the fate of the others as it was.

use super::loss::LossState;
use super::queue::{Line, Turn};
use super::{Lane, Order, TooBigAnswer, too_big};
use crate::fate::Fate;
use crate::random::{Dice, scaled};
use crate::record::Lost;
use bytes::Bytes;
use std::time::Duration;
use tcp::Instant;
use wire::ip::Ecn;
use wire::{Checksum, Frame, Medium, Payload, checksum, segmentation};

/// A frame on its way.
#[derive(Debug)]
pub(crate) struct Moving {
    pub(crate) frame: Frame,
    /// Its place among the records, if it is recorded.
    pub(crate) record: Option<usize>,
    /// What the world's hook decided.
    pub(crate) fate: Fate,
}

/// What a lane asks of the world, in the order in which it happens.
#[derive(Debug)]
pub(crate) enum Launch {
    /// Deliver this at that time.
    Deliver { at: Instant, moving: Moving, mishap: Mishap },
    /// Nobody will see this again.
    Lost { moving: Moving, why: Lost },
    /// Call [`Running::transmitted`] then.
    BusyUntil(Instant),
    /// An answer of a router on the way goes back to the sender.
    Answer { at: Instant, frame: Frame },
}

/// What happened to a frame that is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mishap {
    pub(crate) copy: bool,
    pub(crate) corrupted: bool,
    pub(crate) held_back: bool,
    pub(crate) marked: bool,
}

/// One direction of a link at work.
#[derive(Debug)]
pub(crate) struct Running {
    config: Lane,
    dice: Dice,
    loss: LossState,
    line: Line<Moving>,
    /// What the transmitter is sending, and whether it was marked.
    sending: Option<(Moving, bool)>,
    /// When the frame before arrives.
    latest_arrival: Instant,
}

impl Running {
    pub(crate) fn new(config: Lane, dice: Dice) -> Self {
        let line = Line::new(config.queue);
        Running {
            config,
            dice,
            loss: LossState::default(),
            line,
            sending: None,
            latest_arrival: Instant::ZERO,
        }
    }

    pub(crate) fn configure(&mut self, config: Lane) {
        self.config = config;
    }

    /// What waits: frames and bytes, the one being sent not counted.
    pub(crate) fn waiting(&self) -> (usize, u64) {
        (self.line.len(), self.line.bytes())
    }

    /// A host hands over a frame.
    pub(crate) fn enter(&mut self, now: Instant, mut moving: Moving, out: &mut Vec<Launch>) {
        if let Some(middlebox) = &self.config.middlebox {
            middlebox.meddle(&mut moving.frame);
        }
        if let Some(path) = self.config.path_mtu.filter(|path| is_too_big(&moving.frame, path.mtu_bytes)) {
            if path.answer == TooBigAnswer::Icmp
                && let Some(frame) = too_big::answer(&moving.frame, path.mtu_bytes)
            {
                out.push(Launch::Answer { at: now + self.config.delay, frame });
            }
            return out.push(Launch::Lost { moving, why: Lost::TooBig });
        }
        if self.config.outages.iter().any(|outage| outage.contains(&now)) {
            return out.push(Launch::Lost { moving, why: Lost::Outage });
        }
        if self.config.rate_bits_per_s.is_none() {
            return self.launch(now, moving, Mishap::default(), out);
        }
        let bytes = wire_bytes(&moving.frame);
        match self.line.push(now, moving, bytes) {
            Err(moving) => out.push(Launch::Lost { moving, why: Lost::QueueFull }),
            Ok(()) if self.sending.is_none() => self.send_next(now, out),
            Ok(()) => {}
        }
    }

    /// The last bit of the frame being sent has left.
    pub(crate) fn transmitted(&mut self, now: Instant, out: &mut Vec<Launch>) {
        if let Some((moving, marked)) = self.sending.take() {
            self.launch(now, moving, Mishap { marked, ..Mishap::default() }, out);
        }
        self.send_next(now, out);
    }

    fn send_next(&mut self, now: Instant, out: &mut Vec<Launch>) {
        // A rate of zero is taken as the slowest there is; one that was lifted meanwhile as no limit.
        let rate = self.config.rate_bits_per_s.map_or(u64::MAX, |rate| rate.max(1));
        while let Some(turn) = self.line.pop(now) {
            let (mut moving, may_mark, must_mark) = match turn {
                Turn::Send(moving) => (moving, false, false),
                Turn::Mark(moving) => (moving, true, false),
                Turn::MarkOrDrop(moving) => (moving, true, true),
                Turn::Drop(moving) => (moving, false, true),
            };
            let marked = may_mark && mark(&mut moving.frame);
            if must_mark && !marked {
                out.push(Launch::Lost { moving, why: Lost::QueueManaged });
                continue;
            }
            let nanos = u128::from(wire_bytes(&moving.frame)) * 8 * 1_000_000_000 / u128::from(rate);
            let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            out.push(Launch::BusyUntil(now + takes));
            self.sending = Some((moving, marked));
            return;
        }
    }

    /// A frame is on the wire: what the wire does with it.
    fn launch(&mut self, now: Instant, mut moving: Moving, mut mishap: Mishap, out: &mut Vec<Launch>) {
        let draws: [u64; 8] = std::array::from_fn(|_| self.dice.roll());
        let [loss_move, loss, corrupt, where_, reorder, jitter, duplicate, copy_jitter] = draws;
        let lost = self.loss.loses(self.config.loss, loss_move, loss);
        match moving.fate {
            Fate::Lose => return out.push(Launch::Lost { moving, why: Lost::Fate }),
            _ if lost => return out.push(Launch::Lost { moving, why: Lost::Wire }),
            _ => {}
        }
        if self.config.corrupt.comes_true(corrupt) || moving.fate == Fate::Corrupt {
            moving.frame = corrupted(moving.frame, where_);
            mishap.corrupted = true;
        }
        let mut at = now + self.config.delay + self.jitter(jitter);
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
            let copy = Moving { frame: moving.frame.clone(), record: moving.record, fate: Fate::Deliver };
            let copy_at = at + self.jitter(copy_jitter);
            out.push(Launch::Deliver { at, moving, mishap });
            out.push(Launch::Deliver { at: copy_at, moving: copy, mishap: Mishap { copy: true, ..mishap } });
        } else {
            out.push(Launch::Deliver { at, moving, mishap });
        }
    }

    fn jitter(&self, draw: u64) -> Duration {
        let bound = u64::try_from(self.config.jitter.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(scaled(draw, bound))
    }
}

/// Bytes on the wire: a super-segment costs as much as its segments.
pub(crate) fn wire_bytes(frame: &Frame) -> u64 {
    let (head, text) = (frame.head.as_slice().len() as u64, frame.payload.len() as u64);
    match u64::from(frame.offload.segment_bytes) {
        0 => head + text,
        segment_bytes => head * text.div_ceil(segment_bytes).max(1) + text,
    }
}

fn is_too_big(frame: &Frame, mtu_bytes: u32) -> bool {
    let head = frame.head.as_slice().len();
    let text = match usize::from(frame.offload.segment_bytes) {
        0 => frame.payload.len(),
        segment_bytes => frame.payload.len().min(segment_bytes),
    };
    (head + text) as u64 > u64::from(mtu_bytes)
}

/// Marks a packet "congestion experienced" if its sender is ECN-capable (RFC 3168 §5); returns whether.
fn mark(frame: &mut Frame) -> bool {
    let head = frame.head.as_mut_slice();
    match head.first().map(|first| first >> 4) {
        Some(4) if head.len() >= 20 && Ecn::from_bits(head[1]) != Ecn::NotCapable => {
            let old = u16::from_be_bytes([head[0], head[1]]);
            head[1] |= Ecn::CongestionExperienced.bits();
            let new = u16::from_be_bytes([head[0], head[1]]);
            let sum = checksum::updated(u16::from_be_bytes([head[10], head[11]]), old, new);
            head[10..12].copy_from_slice(&sum.to_be_bytes());
            true
        }
        Some(6) if head.len() >= 40 && Ecn::from_bits(head[1] >> 4) != Ecn::NotCapable => {
            head[1] |= Ecn::CongestionExperienced.bits() << 4;
            true
        }
        _ => false,
    }
}

/// The frame with one bit flipped, its checksum to be verified.
fn corrupted(mut frame: Frame, draw: u64) -> Frame {
    segmentation::complete_checksum(&mut frame, Medium::Ip);
    frame.offload.checksum = Checksum::Complete;
    let head_bits = frame.head.as_slice().len() as u64 * 8;
    let bit = scaled(draw, head_bits + frame.payload.len() as u64 * 8);
    if bit < head_bits {
        frame.head.as_mut_slice()[(bit / 8) as usize] ^= 1 << (bit % 8);
    } else {
        let bit = bit - head_bits;
        let mut text = frame.payload.to_vec();
        text[(bit / 8) as usize] ^= 1 << (bit % 8);
        frame.payload = Payload::from(Bytes::from(text));
    }
    frame
}

#[cfg(test)]
mod tests;
