//! The hands that reach into the wire: what becomes of each frame that the hosts send.
//!
//! A frame that is changed or held back is lost for the world; its bytes wait here and are let in when their time has
//! come. What is *not* here: what arrives out of nowhere; `advance` makes it.

use crate::deed::Deed;
use crate::forge;
use crate::setup::Setup;
use sim::{Fate, HostId, Sent};
use std::time::Duration;
use tcp::Instant;
use wire::Frame;

/// How long a frame is held back if no other one comes to overtake it.
const HELD_MAX: Duration = Duration::from_secs(1);

/// What is done on the wire, and what waits there.
#[derive(Debug)]
pub(super) struct Hands {
    deeds: Vec<Deed>,
    delay: Duration,
    rate_bits_per_s: Option<u64>,
    /// So many frames the hosts have sent.
    sent: u32,
    waiting: Vec<Waiting>,
}

/// A frame that the world believes lost.
#[derive(Debug)]
struct Waiting {
    /// Its number among those that hosts have sent.
    frame: u32,
    from: HostId,
    to: HostId,
    bytes: Frame,
    /// When it arrives at the latest.
    due: Instant,
    /// It waits for another one to pass.
    overtaken_by: Overtaken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overtaken {
    /// It does not wait for any.
    Nobody,
    /// By the next one of its sender, which has not been sent yet.
    Next,
    /// By this one.
    Frame(u32),
}

/// What lets a waiting frame in.
#[derive(Debug)]
pub(super) struct Let {
    /// Its number among those that hosts have sent.
    pub(super) frame: u32,
    pub(super) to: HostId,
    pub(super) bytes: Frame,
}

impl Hands {
    pub(super) fn new(setup: &Setup, deeds: &[Deed]) -> Hands {
        Hands {
            deeds: deeds.to_vec(),
            delay: Duration::from_millis(setup.wire.delay_ms.into()),
            rate_bits_per_s: setup.wire.rate_kbit.map(|kbit| u64::from(kbit) * 1_000),
            sent: 0,
            waiting: Vec::new(),
        }
    }

    /// Decides what becomes of the next frame.
    pub(super) fn fate(&mut self, sent: &Sent<'_>) -> Fate {
        let frame = self.sent;
        self.sent += 1;
        for held in &mut self.waiting {
            if held.from == sent.from && held.overtaken_by == Overtaken::Next {
                held.overtaken_by = Overtaken::Frame(frame);
            }
        }
        let mut fate = Fate::Deliver;
        let mut late = Duration::ZERO;
        let mut bytes = None;
        let mut is_held = false;
        for deed in self.deeds.iter().filter(|deed| deed.frame() == Some(frame)) {
            match deed {
                Deed::Drop { .. } => return Fate::Lose,
                Deed::Delay { ms, .. } => late = Duration::from_millis((*ms).into()),
                Deed::Double { .. } => fate = Fate::Double,
                Deed::Corrupt { .. } => fate = Fate::Corrupt,
                Deed::Reorder { .. } => is_held = true,
                Deed::Change { to, .. } => bytes = forge::changed(sent.frame, to),
                Deed::Forge { .. } | Deed::Crash { .. } => {}
            }
        }
        match (fate, bytes) {
            // A damaged one is thrown away whatever it says.
            (Fate::Corrupt, _) => Fate::Corrupt,
            (fate, None) if !is_held => {
                if late.is_zero() {
                    fate
                } else {
                    Fate::Late(late)
                }
            }
            (_, bytes) => {
                let bytes = bytes.unwrap_or_else(|| sent.frame.clone());
                let way = self.delay + self.passing(&bytes) + late;
                let (patience, overtaken_by) =
                    if is_held { (HELD_MAX, Overtaken::Next) } else { (Duration::ZERO, Overtaken::Nobody) };
                let due = sent.at + way + patience;
                self.waiting.push(Waiting { frame, from: sent.from, to: sent.to, bytes, due, overtaken_by });
                Fate::Lose
            }
        }
    }

    /// How long it takes to pass where the rate is the limit, if nothing waits there.
    fn passing(&self, frame: &Frame) -> Duration {
        let bits = frame.len() as u64 * 8;
        self.rate_bits_per_s.map_or(Duration::ZERO, |rate| Duration::from_nanos(bits * 1_000_000_000 / rate))
    }

    /// When the first of those that wait arrives at the latest.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.due).min()
    }

    /// Takes one whose time has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Let> {
        self.take(|waiting| waiting.due <= now)
    }

    /// Takes one that waited for this frame, which has arrived or is lost.
    pub(super) fn take_overtaken(&mut self, by: u32) -> Option<Let> {
        self.take(|waiting| waiting.overtaken_by == Overtaken::Frame(by))
    }

    fn take(&mut self, is_it: impl Fn(&Waiting) -> bool) -> Option<Let> {
        let place = self.waiting.iter().position(is_it)?;
        let Waiting { frame, to, bytes, .. } = self.waiting.remove(place);
        Some(Let { frame, to, bytes })
    }
}
