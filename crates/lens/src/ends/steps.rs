//! The rows that an end took: those of one segment, and all of them with the segments that made them.

use crate::Frame;
use crate::limits::STEPS_MAX;
use tcp::Instant;
use tcp::state::{ROWS, Row};

/// The rows that one end took because of one segment; more than four do not occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Moves {
    len: u8,
    rows: [u8; 4],
}

impl Moves {
    /// The rows of [`tcp::state::ROWS`], in the order in which they were taken.
    pub fn iter(&self) -> impl Iterator<Item = &'static Row> + use<'_> {
        self.rows[..usize::from(self.len)].iter().filter_map(|row| ROWS.get(usize::from(*row)))
    }

    /// Whether the end stayed where it was.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push(&mut self, row: u8) {
        if let Some(slot) = self.rows.get_mut(usize::from(self.len)) {
            *slot = row;
            self.len += 1;
        }
    }
}

/// How the lens knows of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
#[non_exhaustive]
pub enum Origin {
    /// The end sent the segment.
    #[default]
    Sent,
    /// The segment came to it: what it sent later shows so.
    Received,
    /// The segment was captured on its way to it. Nothing that it sent later shows that it arrived, or
    /// that this one did and not a copy: the end may have gone another way from here.
    Assumed,
    /// Not captured, but what the end did shows that it happened before this segment.
    Inferred,
}

impl Origin {
    /// What is left of it when nothing confirms the arrival.
    fn doubted(self) -> Origin {
        if self == Origin::Received { Origin::Assumed } else { self }
    }
}

/// One row taken by one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The index of the row in [`tcp::state::ROWS`].
    pub row: u8,
    /// How it is known.
    pub origin: Origin,
    /// The segment that made it, or that shows it.
    pub frame: Frame,
    /// When that was captured.
    pub time: Instant,
}

impl Step {
    /// The row itself: the state before and after, the cause, the section.
    pub fn row(&self) -> Option<&'static Row> {
        ROWS.get(usize::from(self.row))
    }
}

/// The rows that one end took, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steps {
    steps: [Option<Step>; STEPS_MAX],
    len: u8,
}

impl Steps {
    /// The steps.
    pub fn iter(&self) -> impl Iterator<Item = Step> + use<'_> {
        self.steps[..usize::from(self.len)].iter().flatten().copied()
    }

    /// Whether the end took none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The steps from `first` on that were made by arrivals are only assumed.
    pub(super) fn doubt(&mut self, first: u8) {
        for step in self.steps.iter_mut().skip(usize::from(first)).flatten() {
            step.origin = step.origin.doubted();
        }
    }
}

impl PartialEq for Steps {
    fn eq(&self, other: &Steps) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Steps that stand beside each other without padding; nearly no end takes more.
const NEAR: usize = 6;

/// The steps of one end while the capture is read, in half the space of [`Steps`].
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    times_ns: [u64; NEAR],
    frames: [Frame; NEAR],
    rows: [u8; NEAR],
    origins: [Origin; NEAR],
    len: u8,
    /// The steps beyond those.
    far: Option<Box<[Option<Step>; STEPS_MAX - NEAR]>>,
}

impl Trail {
    pub(super) fn len(&self) -> u8 {
        self.len
    }

    /// Forgets all but the first `len`.
    pub(super) fn truncate(&mut self, len: u8) {
        self.len = self.len.min(len);
    }

    pub(super) fn push(&mut self, step: Step) {
        let at = usize::from(self.len).min(STEPS_MAX - 1);
        match at.checked_sub(NEAR) {
            Some(far) => self.far.get_or_insert_default()[far] = Some(step),
            None => {
                self.times_ns[at] = step.time.as_nanos();
                self.frames[at] = step.frame;
                self.rows[at] = step.row;
                self.origins[at] = step.origin;
            }
        }
        self.len = (at + 1) as u8;
    }

    /// The steps from `first` on, up to `end`, that were made by arrivals are only assumed.
    pub(super) fn doubt(&mut self, first: u8, end: u8) {
        for at in usize::from(first)..usize::from(end.min(self.len)) {
            match at.checked_sub(NEAR) {
                Some(far) => {
                    if let Some(step) = self.far.as_mut().and_then(|steps| steps[far].as_mut()) {
                        step.origin = step.origin.doubted();
                    }
                }
                None => self.origins[at] = self.origins[at].doubted(),
            }
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> Steps {
        let mut all = Steps { len: self.len, ..Steps::default() };
        for (at, step) in all.steps[..usize::from(self.len)].iter_mut().enumerate() {
            *step = match at.checked_sub(NEAR) {
                Some(far) => self.far.as_ref().and_then(|steps| steps[far]),
                None => Some(Step {
                    row: self.rows[at],
                    origin: self.origins[at],
                    frame: self.frames[at],
                    time: Instant::from_nanos(self.times_ns[at]),
                }),
            };
        }
        all
    }
}
