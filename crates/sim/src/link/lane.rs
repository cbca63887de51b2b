//! One direction of a link at work: a queue, a transmitter, a wire.
//!
//! [`Running::enter`] takes a frame, [`Running::transmitted`] tells that the transmitter is free again;
//! both say what to deliver when. Every frame that reaches the wire draws the same number of random
//! values whatever the settings, so that changing one chance leaves the fate of the others as it was.

use super::loss::LossState;
use super::queue::{Line, Turn};
use super::{Lane, Order, TooBigAnswer, regroup, too_big};
use crate::fate::Fate;
use crate::random::{Dice, scaled};
use crate::record::Lost;
use bytes::Bytes;
use std::time::Duration;
use tcp::Instant;
use wire::ip::{Ecn, protocol};
use wire::segmentation::Layout;
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
    line: Line<(Moving, Mishap)>,
    /// What the transmitter is sending, and what happened to it.
    sending: Option<(Moving, Mishap)>,
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
        // Who rewrites segments rewrites back what errors quote of them: the sender hears of what it sent.
        let sent = self.config.middlebox.as_ref().and(self.config.path_mtu).map(|_| moving.frame.clone());
        if let Some(middlebox) = &self.config.middlebox {
            middlebox.meddle(&mut moving.frame);
        }
        if let Some(path) = self.config.path_mtu.filter(|path| is_too_big(&moving.frame, path.mtu_bytes)) {
            if path.answer == TooBigAnswer::Icmp
                && let Some(frame) = too_big::answer(sent.as_ref().unwrap_or(&moving.frame), path.mtu_bytes)
            {
                out.push(Launch::Answer { at: now + self.config.delay, frame });
            }
            return out.push(Launch::Lost { moving, why: Lost::TooBig });
        }
        if self.config.outages.iter().any(|outage| outage.contains(&now)) {
            return out.push(Launch::Lost { moving, why: Lost::Outage });
        }
        match self.config.middlebox.as_ref().and_then(|middlebox| middlebox.split_to_bytes) {
            None => self.enter_piece(now, moving, Mishap::default(), out),
            Some(text_bytes_max) => {
                let Moving { frame, record, fate } = moving;
                for (number, frame) in regroup::split(frame, text_bytes_max).enumerate() {
                    // The first stands for the whole.
                    let mishap = Mishap { copy: number > 0, ..Mishap::default() };
                    self.enter_piece(now, Moving { frame, record, fate }, mishap, out);
                }
            }
        }
    }

    /// A segment, or a piece of one, waits for its turn or is on the wire.
    fn enter_piece(&mut self, now: Instant, moving: Moving, mishap: Mishap, out: &mut Vec<Launch>) {
        if self.config.rate_bits_per_s.is_none() {
            return self.launch(now, moving, mishap, out);
        }
        if let Some(bytes_max) = self.config.middlebox.as_ref().and_then(|middlebox| middlebox.merge_to_bytes)
            && self.merge(&moving, u32::from(bytes_max))
        {
            return out.push(Launch::Lost { moving, why: Lost::Merged });
        }
        let bytes = wire_bytes(&moving.frame);
        match self.line.push(now, (moving, mishap), bytes) {
            Err((moving, _)) => out.push(Launch::Lost { moving, why: Lost::QueueFull }),
            Ok(()) if self.sending.is_none() => self.send_next(now, out),
            Ok(()) => {}
        }
    }

    /// Puts the text of a segment into the one that waits last, if it goes on there.
    fn merge(&mut self, moving: &Moving, packet_bytes_max: u32) -> bool {
        self.line.change_last(|(last, _)| {
            last.frame = regroup::merged(&last.frame, &moving.frame, packet_bytes_max)?;
            Some(wire_bytes(&last.frame))
        })
    }

    /// The last bit of the frame being sent has left.
    pub(crate) fn transmitted(&mut self, now: Instant, out: &mut Vec<Launch>) {
        if let Some((moving, mishap)) = self.sending.take() {
            self.launch(now, moving, mishap, out);
        }
        self.send_next(now, out);
    }

    fn send_next(&mut self, now: Instant, out: &mut Vec<Launch>) {
        // A rate of zero is taken as the slowest there is; one that was lifted meanwhile as no limit.
        let rate = self.config.rate_bits_per_s.map_or(u64::MAX, |rate| rate.max(1));
        while let Some(turn) = self.line.pop(now) {
            let ((mut moving, mishap), may_mark, must_mark) = match turn {
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
            self.sending = Some((moving, Mishap { marked, ..mishap }));
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
            if !is_ip(&moving.frame) {
                // ARP has no checksum: Ethernet's own finds the damage.
                return out.push(Launch::Lost { moving, why: Lost::Wire });
            }
            moving.frame = corrupted(moving.frame, where_);
            mishap.corrupted = true;
        }
        // Draws of its own, so that the other chances stay what they were.
        let mut unseen = Dice::new(corrupt ^ where_.rotate_left(32));
        if unseen.happens(self.config.corrupt_unseen) {
            moving.frame = corrupted_unseen(moving.frame, &mut unseen);
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

fn is_ip(frame: &Frame) -> bool {
    let payload = frame.payload.pieces().next().and_then(|piece| piece.first());
    frame.head.as_slice().first().or(payload).is_some_and(|first| matches!(first >> 4, 4 | 6))
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

/// The TCP segment with bits flipped that its checksum does not miss; anything else as it was.
fn corrupted_unseen(mut frame: Frame, dice: &mut Dice) -> Frame {
    let head = frame.head.as_mut_slice();
    let Some(layout) = Layout::of(head, Medium::Ip).filter(|layout| layout.protocol == protocol::TCP) else {
        return frame;
    };
    let header_bits = (layout.text_at - layout.transport_at) as u64 * 8;
    // Headers are short and texts are long: half of the time it is the header.
    let in_text = !frame.payload.is_empty() && dice.below(2) == 0;
    if in_text {
        let mut text = frame.payload.to_vec();
        let bit = dice.below(text.len() as u64 * 8);
        text[(bit / 8) as usize] ^= 1 << (bit % 8);
        frame.payload = Payload::from(Bytes::from(text));
    } else {
        let bit = dice.below(header_bits);
        head[layout.transport_at + (bit / 8) as usize] ^= 1 << (bit % 8);
    }
    frame.offload.checksum = Checksum::Trusted;
    segmentation::complete_checksum(&mut frame, Medium::Ip);
    frame.offload.checksum = Checksum::Complete;
    frame
}

#[cfg(test)]
mod tests;
