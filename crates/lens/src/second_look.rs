//! Second looks: a cause that was told, and what came later shows another one.
//!
//! A lone tail that goes again after a silence was sent by the retransmission timer or as a probe, and both wait equally
//! long. The next silence tells them apart: behind a timeout it takes twice as long (RFC 6298 §5.5), behind a probe the
//! timer begins anew (RFC 8985 §7.3). So does what its sender does with other tails, and how much it sends next: behind a
//! timeout the window has room for two segments (RFC 5681 §3.1). Few causes are in question at a time, and those are
//! remembered here until something decides.
//!
//! What is *not* here: the first answer, which is `why`'s, and what shows that a retransmission was needless, which is
//! `why::Loss`'s; both are told as a [`Correction`].

#[cfg(test)]
mod tests;

use crate::{Analysis, Confidence, Evidence, Frame, Notes, Side};
use tcp::SendReason;
use wire::Seq;

/// Causes of one direction that are in question at a time. More tails than these are rarely lost before one of them is
/// decided, and a capture that asks more often loses the oldest.
const QUESTIONS_MAX: usize = 4;

/// What a later segment shows of one that was told before.
///
/// [`crate::Sink::corrected`] takes it, behind the segment that shows it. A frame gets another cause at most once, and is
/// found to be needless at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Correction {
    /// The connection.
    pub stream: u32,
    /// The end that sent the frame.
    pub from: Side,
    /// The frame that was told before.
    pub frame: Frame,
    /// The frame that shows it.
    pub at_frame: Frame,
    /// What was told.
    pub was: SendReason,
    /// What is known now; the same as before where it only was needless.
    pub now: SendReason,
    /// How sure that is.
    pub confidence: Confidence,
    /// What it rests on.
    pub evidence: Evidence,
    /// For a timeout: the timeout that it implies, in nanoseconds.
    pub implied_rto_ns: Option<u64>,
    /// The retransmission was needless: the original had arrived (RFC 3522, RFC 2883).
    pub is_needless: bool,
}

impl Correction {
    /// The cause is another one.
    pub fn has_other_cause(&self) -> bool {
        self.was != self.now
    }

    /// Puts it into what was said of the frame.
    pub fn apply(&self, said: &mut Analysis) {
        if self.is_needless {
            said.notes |= Notes::NEEDLESS;
            said.seen_later.needless = self.at_frame;
        }
        if self.has_other_cause() {
            let why = &mut said.why;
            (why.reason, why.confidence) = (self.now, self.confidence);
            why.evidence |= self.evidence;
            why.candidates = [Some(self.was), None];
            why.implied_rto_ns = self.implied_rto_ns;
            said.seen_later.cause = self.at_frame;
        }
    }
}

/// The frames that showed more of a segment after it was told; 0 for none. They are set by [`Correction::apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SeenLater {
    /// Shows the cause that it has now.
    pub cause: Frame,
    /// Shows that it was needless.
    pub needless: Frame,
}

/// A lone tail that went again: by a timer, or as a probe?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoneTail {
    pub(crate) frame: Frame,
    pub(crate) seq: Seq,
    pub(crate) time_ns: u64,
    /// How long its sender had waited.
    pub(crate) waited_ns: u64,
    /// The retransmission timeout as far as it was known then.
    pub(crate) rto_ns: u64,
    pub(crate) told: SendReason,
    /// So many segments its sender had sent again before.
    pub(crate) again_before: u32,
}

impl LoneTail {
    /// Its sender waited as long as for the retransmission timer.
    fn fits_timeout(&self) -> bool {
        self.waited_ns + self.waited_ns / 4 >= self.rto_ns
    }

    /// What the next sending of the same text shows, `since_ns` later: whether this one was a probe.
    fn was_probe(&self, since_ns: u64) -> Option<bool> {
        match since_ns.saturating_mul(10) / self.waited_ns.max(1) {
            ..14 => Some(true),
            18..=21 if self.fits_timeout() => Some(false),
            _ => None,
        }
    }
}

/// New text of the sender, with what it takes to tell how much it may send at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewText {
    /// Seen where it is sent. From afar what is lost on the way makes a flight look smaller: it tells what is likely, and
    /// corrects nothing.
    pub(crate) is_near: bool,
    /// It continues what was captured of its sender: nothing in between is missing.
    pub(crate) is_next: bool,
    pub(crate) bytes: u32,
    pub(crate) time_ns: u64,
    /// Something before it was unacknowledged.
    pub(crate) in_flight: bool,
    /// When the other end last sent text.
    pub(crate) other_text_ns: u64,
    pub(crate) rtt_ns: u64,
    /// The text of a full segment, options aside.
    pub(crate) full_bytes: u32,
}

/// What its sender sends next, behind a lone tail in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flight {
    /// The tail.
    frame: Frame,
    /// When the flight began; `None` before.
    since_ns: Option<u64>,
    bytes: u32,
}

/// The options of a segment take so much of its text at most.
const OPTION_BYTES_MAX: u32 = 40;
/// The window has room for so many segments when the answer to a timeout has come, and for more behind a probe.
const SEGMENTS_AFTER_TIMEOUT: u32 = 2;
/// Every recovery, and a probe that repaired a loss (RFC 8985 §7.4.2), makes the window smaller: from ten segments to as
/// few as behind a timeout, but not with so few segments sent again.
const AGAIN_BEFORE_MAX: u32 = 2;
/// What follows an acknowledgment follows it within a round trip, and this for hosts that are busy.
const FOLLOWS_NS: u64 = 5_000_000;

impl Flight {
    /// More of it. A flight of two full segments that goes on as soon as an acknowledgment makes room is what the window
    /// allows behind a timeout.
    fn on_text(&mut self, text: &NewText) -> Room {
        if !text.is_next {
            return Room::Unknown;
        }
        let full_bytes = SEGMENTS_AFTER_TIMEOUT * text.full_bytes;
        let age_ns = self.since_ns.map(|since_ns| text.time_ns.saturating_sub(since_ns));
        match age_ns {
            None if text.in_flight => return Room::Unknown,
            None => (self.since_ns, self.bytes) = (Some(text.time_ns), text.bytes),
            Some(_) if self.since_ns.is_some_and(|since_ns| text.other_text_ns > since_ns) => {
                return Room::Unknown;
            }
            Some(age_ns) if age_ns >= text.rtt_ns / 2 => {
                let least_bytes = full_bytes - SEGMENTS_AFTER_TIMEOUT * OPTION_BYTES_MAX;
                let follows = age_ns <= text.rtt_ns + text.rtt_ns / 2 + FOLLOWS_NS;
                return if (least_bytes..=full_bytes).contains(&self.bytes) && follows {
                    Room::Little
                } else {
                    Room::Unknown
                };
            }
            Some(_) => self.bytes = self.bytes.saturating_add(text.bytes),
        }
        if self.bytes > full_bytes + text.full_bytes { Room::Much } else { Room::NotYet }
    }
}

/// How much room a flight shows that its sender's window has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// It goes on.
    NotYet,
    /// No more will show.
    Unknown,
    /// As little as behind a timeout.
    Little,
    /// More than behind a timeout, unless that was taken back.
    Much,
}

/// A cause that is decided, until it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) frame: Frame,
    pub(crate) was: SendReason,
    pub(crate) now: SendReason,
    pub(crate) implied_rto_ns: Option<u64>,
    /// The same text, sent once more, shows it.
    pub(crate) is_same_text: bool,
}

impl Decided {
    /// How many more timeouts in a row there were before the segment that shows it.
    pub(crate) fn more_in_a_row(&self) -> i16 {
        let timeouts = |reason| i16::from(self.is_same_text && reason == SendReason::Timeout);
        timeouts(self.now) - timeouts(self.was)
    }
}

/// The causes of one direction that are in question, and those that were decided just now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SecondLook {
    tails: [Option<LoneTail>; QUESTIONS_MAX],
    /// Where the next one goes: the oldest.
    next: u8,
    decided: [Option<Decided>; QUESTIONS_MAX],
    /// What goes behind the latest of the tails.
    flight: Option<Flight>,
}

impl SecondLook {
    /// A lone tail went again, and what was told of it is in question.
    pub(crate) fn ask(&mut self, tail: LoneTail) {
        self.tails[usize::from(self.next)] = Some(tail);
        self.next = (self.next + 1) % QUESTIONS_MAX as u8;
        self.flight = Some(Flight { frame: tail.frame, since_ns: None, bytes: 0 });
    }

    /// New text is looked at.
    pub(crate) fn is_watching(&self) -> bool {
        self.flight.is_some()
    }

    /// Its sender sends something new: whether the latest tail was a probe, if that shows.
    pub(crate) fn on_new_text(&mut self, text: &NewText) -> Option<bool> {
        let flight = self.flight.as_mut()?;
        let (frame, room) = (flight.frame, flight.on_text(text));
        if room != Room::NotYet {
            self.flight = None;
        }
        let place = self.tails.iter_mut().find(|tail| tail.is_some_and(|tail| tail.frame == frame))?;
        let was_probe = match room {
            Room::Little => false,
            Room::Much => true,
            Room::NotYet | Room::Unknown => return None,
        };
        // a timeout that was taken back leaves as much room as a probe
        let fits = |tail: &LoneTail| match was_probe {
            true => tail.told == SendReason::TailLossProbe,
            false => tail.fits_timeout() && tail.again_before <= AGAIN_BEFORE_MAX,
        };
        let tail = place.take_if(|tail| fits(tail))?;
        if text.is_near {
            self.decide(tail, was_probe, false);
        }
        Some(was_probe)
    }

    /// The retransmission in `frame` was needless: its sender takes back what it had concluded, and its window says
    /// nothing.
    pub(crate) fn on_needless(&mut self, frame: Frame) {
        self.flight = self.flight.filter(|flight| flight.frame != frame);
    }

    /// What was said of this frame is told with another cause.
    pub(crate) fn on_revised(&mut self, frame: Frame, told: SendReason) {
        let of_it = self.tails.iter_mut().find(|tail| tail.is_some_and(|tail| tail.frame == frame));
        let Some(place) = of_it else { return };
        if matches!(told, SendReason::Timeout | SendReason::TailLossProbe) {
            *place = place.map(|tail| LoneTail { told, ..tail });
        } else {
            *place = None;
        }
    }

    /// The text at `seq` goes once more, with no answer in between: whether the one before was a probe, if that shows.
    pub(crate) fn on_again(&mut self, seq: Seq, now_ns: u64) -> Option<bool> {
        self.flight = None;
        let latest = self.tails.iter_mut().filter(|tail| tail.is_some_and(|tail| tail.seq == seq));
        let place = latest.max_by_key(|tail| tail.map(|tail| tail.frame))?;
        let tail = place.take()?;
        let was_probe = tail.was_probe(now_ns.saturating_sub(tail.time_ns))?;
        self.decide(tail, was_probe, true);
        Some(was_probe)
    }

    /// Its sender is known to probe its tails, or not to: so it was with those that are in question.
    pub(crate) fn on_habit(&mut self, probes: bool) {
        for at in 0..QUESTIONS_MAX {
            let fits = |tail: &LoneTail| probes || tail.fits_timeout();
            if let Some(tail) = self.tails[at].take_if(|tail| fits(tail)) {
                self.decide(tail, probes, false);
            }
        }
    }

    fn decide(&mut self, tail: LoneTail, was_probe: bool, is_same_text: bool) {
        let now = if was_probe { SendReason::TailLossProbe } else { SendReason::Timeout };
        if now == tail.told {
            return;
        }
        let decided = Decided {
            frame: tail.frame,
            was: tail.told,
            now,
            implied_rto_ns: (!was_probe).then_some(tail.waited_ns),
            is_same_text,
        };
        // as many as tails, each of which is decided once
        if let Some(place) = self.decided.iter_mut().find(|place| place.is_none()) {
            *place = Some(decided);
        }
    }

    /// Something was decided, and not told yet.
    pub(crate) fn has_decided(&self) -> bool {
        self.decided.iter().any(Option::is_some)
    }

    /// What was decided, once.
    pub(crate) fn take_decided(&mut self) -> impl Iterator<Item = Decided> {
        std::mem::take(&mut self.decided).into_iter().flatten()
    }
}
