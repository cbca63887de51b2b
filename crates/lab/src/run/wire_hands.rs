//! The hands that reach into the wire: what becomes of each frame that the hosts send.
//!
//! What a deed does, it does beside what the wire does: a frame that is changed or held back waits in the same queue, takes
//! the same time and may be lost like any other; the hand takes it at the end of its way. Deeds on one frame are done
//! together: delays add up, changes follow each other. What is *not* here: what arrives out of nowhere; `advance` makes it.

use crate::deed::{Change, Deed};
use crate::forge;
use sim::{Arriving, Fate, HostId, Sent};
use std::time::Duration;
use tcp::Instant;
use wire::Frame;

/// How long a frame is held back if no other one comes to overtake it.
const HELD_MAX: Duration = Duration::from_secs(1);

/// What is done on the wire, and what waits there.
#[derive(Debug, Default)]
pub(super) struct Hands {
    deeds: Vec<Deed>,
    /// The frames that hosts have sent, by number.
    sent: Vec<Known>,
    waiting: Vec<Waiting>,
}

/// A frame that a host has sent.
#[derive(Debug)]
struct Known {
    from: HostId,
    /// Its place among the world's frames, once the world has told it.
    place: Option<usize>,
    /// It has arrived.
    has_arrived: bool,
    /// A second copy of it was made here.
    is_copied: bool,
}

/// A frame that has come to the end of its way and is kept from arriving.
#[derive(Debug)]
struct Waiting {
    /// Its number among those that hosts have sent.
    frame: u32,
    to: HostId,
    bytes: Frame,
    /// When it may arrive at the earliest.
    from: Instant,
    /// When it arrives at the latest.
    due: Instant,
    /// It waits for the next one of its sender to pass.
    is_overtaken: bool,
}

/// What lets a waiting frame in.
#[derive(Debug)]
pub(super) struct Let {
    /// Its place among the world's frames.
    pub(super) of: usize,
    pub(super) to: HostId,
    pub(super) bytes: Frame,
}

/// All that is done to one frame.
#[derive(Default)]
struct Plan<'a> {
    is_dropped: bool,
    is_corrupted: bool,
    is_doubled: bool,
    is_overtaken: bool,
    late: Duration,
    changes: Vec<&'a Change>,
}

impl<'a> Plan<'a> {
    fn of(deeds: &'a [Deed], frame: u32) -> Plan<'a> {
        let mut plan = Plan::default();
        for deed in deeds.iter().filter(|deed| deed.frame() == Some(frame)) {
            match deed {
                Deed::Drop { .. } => plan.is_dropped = true,
                Deed::Delay { ms, .. } => plan.late += Duration::from_millis((*ms).into()),
                Deed::Double { .. } => plan.is_doubled = true,
                Deed::Corrupt { .. } => plan.is_corrupted = true,
                Deed::Reorder { .. } => plan.is_overtaken = true,
                Deed::Change { to, .. } => plan.changes.push(to),
                Deed::Forge { .. } | Deed::Crash { .. } => {}
            }
        }
        plan
    }

    /// What the world itself does; the rest is done at the end of the way.
    fn fate(&self) -> Fate {
        match self {
            Plan { is_dropped: true, .. } => Fate::Lose,
            Plan { is_corrupted: true, .. } => Fate::Corrupt,
            Plan { is_doubled: true, .. } => Fate::Double,
            Plan { is_overtaken: false, late, .. } if !late.is_zero() => Fate::Late(*late),
            _ => Fate::Deliver,
        }
    }

    /// How much longer than the world makes it.
    fn rest(&self) -> Duration {
        if matches!(self.fate(), Fate::Late(_)) { Duration::ZERO } else { self.late }
    }

    /// What arrives of it; a damaged one is thrown away whatever it says.
    fn changed(&self, frame: &Frame) -> Frame {
        let changes = self.changes.iter().filter(|_| !self.is_corrupted);
        changes.fold(frame.clone(), |frame, change| forge::changed(&frame, change).unwrap_or(frame))
    }
}

impl Hands {
    pub(super) fn new(deeds: &[Deed]) -> Hands {
        Hands { deeds: deeds.to_vec(), ..Hands::default() }
    }

    /// Decides what becomes of the next frame.
    pub(super) fn fate(&mut self, sent: &Sent<'_>) -> Fate {
        let fate = Plan::of(&self.deeds, self.sent.len() as u32).fate();
        let known = Known { from: sent.from, place: None, has_arrived: false, is_copied: false };
        self.sent.push(known);
        fate
    }

    /// The next frame of which it was not told yet has this place among the world's.
    pub(super) fn on_departed(&mut self, place: usize) {
        let told = self.sent.partition_point(|known| known.place.is_some());
        if let Some(known) = self.sent.get_mut(told) {
            known.place = Some(place);
        }
    }

    /// The number of a frame of the world among those that hosts have sent.
    fn number(&self, place: usize) -> Option<usize> {
        let before = |known: &Known| known.place.is_some_and(|of| of < place);
        let number = self.sent.partition_point(before);
        (self.sent.get(number)?.place == Some(place)).then_some(number)
    }

    /// What arrives of a frame that has come to the end of its way; none if it is kept.
    pub(super) fn arrival(&mut self, arriving: &Arriving<'_>) -> Option<Frame> {
        let Some(number) = self.number(arriving.record) else { return Some(arriving.frame.clone()) };
        let plan = Plan::of(&self.deeds, number as u32);
        let (bytes, late) = (plan.changed(arriving.frame), plan.rest());
        let is_overtaken = plan.is_overtaken && !self.has_been_overtaken(number);
        // the world doubles none that it damages
        let is_copied = plan.is_corrupted && plan.is_doubled && !self.sent[number].is_copied;
        let is_kept = is_overtaken || !late.is_zero();
        let from = arriving.at + late;
        let due = if is_overtaken { from + HELD_MAX } else { from };
        for _ in 0..u8::from(is_kept) + u8::from(is_copied) {
            let (frame, to, bytes) = (number as u32, arriving.to, bytes.clone());
            self.waiting.push(Waiting { frame, to, bytes, from, due, is_overtaken });
        }
        self.sent[number].is_copied |= is_copied;
        (!is_kept).then_some(bytes)
    }

    /// Whether a later frame of the same host is there already.
    fn has_been_overtaken(&self, number: usize) -> bool {
        let from = self.sent[number].from;
        self.sent[number + 1..].iter().any(|later| later.from == from && later.has_arrived)
    }

    /// A frame has arrived: those before it that wait for that may follow.
    pub(super) fn on_arrived(&mut self, place: usize, now: Instant) {
        let Some(number) = self.number(place) else { return };
        self.sent[number].has_arrived = true;
        let sender = self.sent[number].from;
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.is_overtaken) {
            let held = waiting.frame as usize;
            if held < number && self.sent[held].from == sender {
                waiting.due = waiting.from.max(now).min(waiting.due);
                waiting.is_overtaken = false;
            }
        }
    }

    /// When the first of those that wait arrives at the latest.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.due).min()
    }

    /// Takes one whose time has come, the first that is due before others.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Let> {
        let due = self.waiting.iter().enumerate().filter(|(_, waiting)| waiting.due <= now);
        let (place, _) = due.min_by_key(|(_, waiting)| waiting.due)?;
        let Waiting { frame, to, bytes, .. } = self.waiting.remove(place);
        let of = self.sent.get(frame as usize)?.place?;
        Some(Let { of, to, bytes })
    }
}
