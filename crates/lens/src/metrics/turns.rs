//! Who speaks when: how long an answer takes to begin, and the next request to come.
//!
//! A request is what one end sends until the other speaks; no payload is parsed. An answer counts when it acknowledges
//! all of the request, so that what both ends send at once is no answer.

use super::{Distribution, Sketch, Spoken};
use crate::{Frame, Side};

/// What is said so long after an answer is not part of it.
const PUSH_NS_MIN: u64 = 2_000_000_000;

/// How both ends took turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TurnTimes {
    /// Who asks: the end that opened; where that is not known, the one with the higher port. `None` without text.
    pub client: Option<Side>,
    /// From the last byte of a request of the client to the first byte of the answer, less the time on the way as
    /// far as known: the time that the server thinks.
    pub think: Option<Distribution>,
    /// From the last byte of an answer to the first of the next request: the time that the client takes.
    pub pause: Option<Distribution>,
    /// All thinking together, in nanoseconds.
    pub think_ns: u64,
    /// All pauses together, in nanoseconds.
    pub pause_ns: u64,
    /// The frame of the answer that took longest to begin.
    pub longest_think_frame: Frame,
    /// The frame of the request that took longest to come.
    pub longest_pause_frame: Frame,
    /// The client spoke last.
    pub awaits_answer: bool,
    /// The bytes of its last request.
    pub request_bytes: u64,
    /// The smallest request that was answered, in bytes.
    pub answered_bytes_min: Option<u64>,
    /// The other end spoke on its own, long after its answer: not all that the client says is a request.
    pub has_pushes: bool,
    /// The last frame of the last turn.
    pub last_frame: Frame,
    /// The time of that frame, in nanoseconds.
    pub last_ns: u64,
}

/// The counters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    client: Option<Side>,
    speaker: Option<Side>,
    turn_bytes: u64,
    last_ns: u64,
    last_frame: Frame,
    times: [Sketch; 2],
    sums_ns: [u64; 2],
    longest_ns: [u64; 2],
    longest_frames: [Frame; 2],
    answered_bytes_min: Option<u64>,
    has_pushes: bool,
}

impl Turns {
    /// New text.
    #[inline]
    pub(super) fn on_text(&mut self, spoken: &Spoken<'_>, acks_all: bool) {
        let (from, segment) = (spoken.from, spoken.segment);
        let now_ns = segment.time.as_nanos();
        let first = *self.client.get_or_insert_with(|| spoken.client());
        if self.speaker.is_some_and(|speaker| speaker != from) {
            self.on_turn(spoken, first, acks_all);
        } else if from != first && self.speaker == Some(from) {
            self.has_pushes |= now_ns.saturating_sub(self.last_ns) >= PUSH_NS_MIN;
        }
        self.speaker = Some(from);
        self.turn_bytes += u64::from(segment.text_bytes);
        (self.last_ns, self.last_frame) = (now_ns, segment.frame);
    }

    /// Another end speaks than before.
    #[inline(never)]
    fn on_turn(&mut self, spoken: &Spoken<'_>, first: Side, acks_all: bool) {
        let (from, segment) = (spoken.from, spoken.segment);
        let now_ns = segment.time.as_nanos();
        if acks_all {
            let is_answer = from != first;
            let waited_ns = now_ns.saturating_sub(self.last_ns).saturating_sub(spoken.turn_ns());
            let of = usize::from(!is_answer);
            self.times[of].add_ns(waited_ns);
            self.sums_ns[of] = self.sums_ns[of].saturating_add(waited_ns);
            if waited_ns > self.longest_ns[of] {
                (self.longest_ns[of], self.longest_frames[of]) = (waited_ns, segment.frame);
            }
            if is_answer {
                let bytes =
                    self.answered_bytes_min.map_or(self.turn_bytes, |least| least.min(self.turn_bytes));
                self.answered_bytes_min = Some(bytes);
            }
        }
        self.turn_bytes = 0;
    }

    /// Text that was sent before: the turn lasts until it has arrived.
    pub(super) fn on_text_again(&mut self, from: Side, now_ns: u64, frame: Frame) {
        if self.speaker == Some(from) {
            (self.last_ns, self.last_frame) = (now_ns, frame);
        }
    }

    pub(crate) fn times(&self) -> TurnTimes {
        TurnTimes {
            client: self.client,
            think: self.times[0].distribution(),
            pause: self.times[1].distribution(),
            think_ns: self.sums_ns[0],
            pause_ns: self.sums_ns[1],
            longest_think_frame: self.longest_frames[0],
            longest_pause_frame: self.longest_frames[1],
            awaits_answer: self.client.is_some() && self.speaker == self.client,
            request_bytes: self.turn_bytes,
            answered_bytes_min: self.answered_bytes_min,
            has_pushes: self.has_pushes,
            last_frame: self.last_frame,
            last_ns: self.last_ns,
        }
    }
}
