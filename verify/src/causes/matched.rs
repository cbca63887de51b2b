//! Which captured segment is which retransmission of the kernel's.
//!
//! At the sender: the kernel tells of a retransmission when it has handed it down, in the same call, so that the event
//! follows its frames and precedes those of the next one. At the receiver: what arrives is a piece of what was sent, known by
//! its numbers, its packet's identification and its sender's timestamp.

use super::seen::Seen;
use super::truth::Truth;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// By so much an event may seem to be before its frame: the text of the trace has whole microseconds, and the clocks are
/// compared no better than that.
const EARLY_NS: u64 = 2_500;
/// An event that comes later than this belongs to no frame before it.
const LATE_NS: u64 = 5_000_000;
/// The most segments in a super-segment of 64 KiB: 65,536 bytes in segments of 536 would be 123.
const PIECES_MAX: u16 = 128;

type Flow = (SocketAddr, SocketAddr);

/// Retransmissions and their frames at the sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtSender {
    /// For each captured segment: the retransmission that it is, by its number.
    pub of: Vec<Option<usize>>,
    /// Retransmissions without a frame.
    pub without_frame: Vec<usize>,
    /// Frames of this end that take old sequence space, and of which the kernel does not tell.
    pub without_event: Vec<usize>,
    /// The longest time from a frame to its event, in nanoseconds.
    pub late_ns_max: u64,
}

impl AtSender {
    /// Finds the frames. `is_here` says whether an address is the capturing host's; `truths` are by time.
    pub fn find(seen: &[Seen], truths: &[Truth], is_here: impl Fn(SocketAddr) -> bool) -> AtSender {
        let mut by_flow: BTreeMap<Flow, (Vec<usize>, usize)> = BTreeMap::new();
        for (number, truth) in truths.iter().enumerate().filter(|(_, truth)| is_here(truth.from)) {
            by_flow.entry((truth.from, truth.to)).or_default().0.push(number);
        }
        let mut found = AtSender { of: vec![None; seen.len()], ..AtSender::default() };
        let mut has_frame = vec![false; truths.len()];
        for (index, frame) in
            seen.iter().enumerate().filter(|(_, frame)| frame.is_again && is_here(frame.from))
        {
            let event = by_flow.get_mut(&frame.flow()).and_then(|(numbers, next)| {
                let is_over = |number: &usize| truths[*number].time_ns + EARLY_NS < frame.time_ns;
                while numbers.get(*next).is_some_and(is_over) {
                    *next += 1;
                }
                let number = *numbers.get(*next)?;
                let late_ns = truths[number].time_ns.saturating_sub(frame.time_ns);
                (late_ns <= LATE_NS).then_some((number, late_ns))
            });
            match event {
                Some((number, late_ns)) => {
                    found.of[index] = Some(number);
                    found.late_ns_max = found.late_ns_max.max(late_ns);
                    has_frame[number] = true;
                }
                None => found.without_event.push(index),
            }
        }
        found.take_delayed(seen, truths, &mut has_frame);
        let here = truths.iter().enumerate().filter(|(_, truth)| is_here(truth.from));
        found.without_frame = here.map(|(number, _)| number).filter(|number| !has_frame[*number]).collect();
        found
    }
}

impl AtSender {
    /// Where the next hop's address has to be asked for first, a frame follows its event. Such an event has none of its own.
    fn take_delayed(&mut self, seen: &[Seen], truths: &[Truth], has_frame: &mut [bool]) {
        let of = &mut self.of;
        self.without_event.retain(|index| {
            let frame = &seen[*index];
            let is_its = |number: &usize| {
                let truth = &truths[*number];
                let is_before = (truth.time_ns..truth.time_ns + LATE_NS).contains(&frame.time_ns);
                !has_frame[*number] && (truth.from, truth.to) == frame.flow() && is_before
            };
            let number = (0..truths.len()).find(is_its);
            if let Some(number) = number {
                has_frame[number] = true;
                of[*index] = Some(number);
            }
            number.is_none()
        });
    }
}

/// What was sent of what arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The segment in the sender's capture.
    pub sent: usize,
    /// The same piece of it arrived before: the network has doubled it.
    pub is_copy: bool,
}

/// For each segment of the receiver's capture what it was at its sender, if that can be known.
pub fn origins(sent: &[Seen], got: &[Seen], is_sender: impl Fn(SocketAddr) -> bool) -> Vec<Option<Origin>> {
    let mut by_flow: BTreeMap<Flow, Vec<usize>> = BTreeMap::new();
    for (index, frame) in
        sent.iter().enumerate().filter(|(_, frame)| is_sender(frame.from) && frame.seq != frame.end)
    {
        by_flow.entry(frame.flow()).or_default().push(index);
    }
    let mut arrived: BTreeMap<(usize, u32), ()> = BTreeMap::new();
    let origin = |piece: &Seen| {
        if !is_sender(piece.from) || piece.seq == piece.end {
            return None;
        }
        let candidates = by_flow.get(&piece.flow())?;
        let fits = |index: &&usize| is_piece(&sent[**index], piece);
        let index = *candidates.iter().rev().find(fits)?;
        let is_copy = arrived.insert((index, piece.seq.number()), ()).is_some();
        Some(Origin { sent: index, is_copy })
    };
    got.iter().map(origin).collect()
}

/// Whether what arrived can be a piece of what was sent.
fn is_piece(whole: &Seen, piece: &Seen) -> bool {
    let is_within = whole.seq.at_or_before(piece.seq) && piece.end.at_or_before(whole.end);
    let is_later = whole.time_ns <= piece.time_ns;
    let is_same_packet = match (whole.ip_id, piece.ip_id) {
        (Some(first), Some(id)) => {
            id.wrapping_sub(first) < PIECES_MAX && (piece.seq == whole.seq) == (id == first)
        }
        _ => true,
    };
    is_within && is_later && is_same_packet && whole.timestamp == piece.timestamp
}

#[cfg(test)]
mod tests;
