//! How long a connection may take, and which one makes room for another.
//!
//! A peer owes something at every moment: the head of a request, its body, or that it takes an answer. Each has a
//! deadline. A body's is put off by every byte that moves, so that it is a least rate as well. While the server itself
//! is at work (a disk that is slow), the clock stands. Pure: times are arguments.

use std::time::{Duration, Instant};

/// How long a connection may be idle between requests: browsers expect a minute.
const IDLE_TIME: Duration = Duration::from_secs(60);
/// From a request's first byte, or from the connection's beginning, to the end of its head.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// What a body has from the start, in either direction.
const BODY_TIME: Duration = Duration::from_secs(20);
/// The least rate of a body beyond that: each byte puts the deadline off by 2 ms. Nobody waits for a file at this rate,
/// and a modem of 1980 kept it.
const LEAST_BYTES_PER_S: u32 = 500;
/// A body that moved fast may pause for so long, and no longer.
const PAUSE_TIME_MAX: Duration = Duration::from_secs(60);
/// How long we read and throw away what the peer still sends after our last word, so that the word is not lost: data
/// that arrives on a closed socket is answered with a reset, which overtakes it.
const PARTING_TIME: Duration = Duration::from_secs(2);
/// Who has come this recently does not make room while others can: its request may be on its way.
const GRACE: Duration = Duration::from_secs(1);

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing since it began.
    New,
    /// Nothing, between requests.
    Idle,
    /// A head has begun and has not ended.
    Head,
    /// A request is being answered, and no byte of the answer was made.
    Asked,
    /// An answer is on its way.
    Answered,
    /// The last word was said.
    Parting,
}

/// How a connection keeps its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    phase: Phase,
    since: Instant,
    deadline: Instant,
    /// Since when it waits for us.
    at_work: Option<Instant>,
    /// The whole answer was given to the connection.
    is_complete: bool,
    /// What had moved when we looked last.
    moved_bytes: Option<u64>,
}

/// Who makes room first, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// It is idle, or leaving: the longest idle first.
    Idle(Instant),
    /// It owes a head: the oldest first.
    Head(Instant),
    /// A body is on its way: first the one whose time is over first, which is the slowest of those that began together.
    Body(Instant),
    /// It has just come, or waits for us: the oldest first.
    Fresh(Instant),
}

impl Pace {
    /// A connection begins.
    pub(crate) fn begin(now: Instant) -> Pace {
        let (phase, since, deadline) = (Phase::New, now, now + HEAD_TIME);
        Pace { phase, since, deadline, at_work: None, is_complete: false, moved_bytes: None }
    }

    /// What it is doing.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Bytes of a peer were read.
    pub(crate) fn on_bytes(&mut self, now: Instant) {
        match self.phase {
            // The time of the first head runs from the beginning.
            Phase::New => self.phase = Phase::Head,
            Phase::Idle => self.enter(Phase::Head, now, HEAD_TIME),
            Phase::Head | Phase::Asked | Phase::Answered | Phase::Parting => {}
        }
    }

    /// A head is whole: we are at work.
    pub(crate) fn on_asked(&mut self, now: Instant) {
        self.enter(Phase::Asked, now, BODY_TIME);
        self.at_work = Some(now);
        self.is_complete = false;
    }

    /// It is decided what is answered: the peer takes it.
    pub(crate) fn on_answered(&mut self, now: Instant) {
        self.enter(Phase::Answered, now, BODY_TIME);
    }

    /// Nothing more of the answer is to be made.
    pub(crate) fn on_complete(&mut self) {
        self.is_complete = true;
    }

    /// All that was made is with the stack.
    pub(crate) fn on_flushed(&mut self, now: Instant) {
        if self.phase == Phase::Answered && self.is_complete {
            self.enter(Phase::Idle, now, IDLE_TIME);
        }
    }

    /// Our last word was said.
    pub(crate) fn on_parting(&mut self, now: Instant) {
        self.enter(Phase::Parting, now, PARTING_TIME);
    }

    /// From here on it waits for us.
    pub(crate) fn on_work(&mut self, now: Instant) {
        self.at_work.get_or_insert(now);
    }

    /// From here on we wait for the peer again, which is not charged for our work.
    pub(crate) fn on_work_done(&mut self, now: Instant) {
        if let Some(began) = self.at_work.take() {
            self.deadline += now.saturating_duration_since(began);
        }
    }

    /// So much has moved both ways since the connection began.
    pub(crate) fn on_progress(&mut self, now: Instant, moved_bytes: u64) {
        let before = self.moved_bytes.replace(moved_bytes).unwrap_or(moved_bytes);
        let more = u32::try_from(moved_bytes.saturating_sub(before)).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(1) * more / LEAST_BYTES_PER_S;
        self.deadline = (self.deadline + earned).min(now + PAUSE_TIME_MAX);
    }

    /// Whether a body is on its way, so that progress counts.
    pub(crate) fn has_body(&self) -> bool {
        matches!(self.phase, Phase::Asked | Phase::Answered)
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.at_work.is_none() && now >= self.deadline
    }

    /// When it makes room for others.
    pub(crate) fn rank(&self, now: Instant) -> Rank {
        match self.phase {
            Phase::Idle | Phase::Parting => Rank::Idle(self.since),
            _ if self.at_work.is_some() || now < self.since + GRACE => Rank::Fresh(self.since),
            Phase::New | Phase::Head => Rank::Head(self.since),
            Phase::Asked | Phase::Answered => Rank::Body(self.deadline),
        }
    }

    fn enter(&mut self, phase: Phase, now: Instant, time: Duration) {
        (self.phase, self.since, self.deadline) = (phase, now, now + time);
        self.at_work = None;
        self.moved_bytes = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What becomes of an answer of which so many bytes are taken each second: how many seconds it lives, at most 600.
    fn lives_for_s(bytes_each_second: u64) -> u32 {
        let begin = Instant::now();
        let mut pace = Pace::begin(begin);
        pace.on_asked(begin);
        pace.on_answered(begin);
        for second in 1..600 {
            let now = begin + SECOND * second;
            pace.on_progress(now, bytes_each_second * u64::from(second));
            if pace.is_over(now) {
                return second;
            }
        }
        600
    }

    #[test]
    fn a_body_lives_as_long_as_it_keeps_the_least_rate() {
        assert_eq!((lives_for_s(0), lives_for_s(1)), (20, 21));
        assert!((30..40).contains(&lives_for_s(200)), "{}", lives_for_s(200));
        assert_eq!(lives_for_s(600), 600);
        assert_eq!(lives_for_s(1 << 30), 600);
    }

    #[test]
    fn a_fast_body_may_pause_for_a_minute() {
        let now = Instant::now();
        let mut pace = Pace::begin(now);
        pace.on_asked(now);
        pace.on_answered(now);
        pace.on_progress(now, 0);
        pace.on_progress(now, 1 << 40);
        assert!(!pace.is_over(now + PAUSE_TIME_MAX - SECOND) && pace.is_over(now + PAUSE_TIME_MAX));
    }

    #[test]
    fn a_head_has_its_time_from_its_first_byte_and_the_first_one_from_the_beginning() {
        let now = Instant::now();
        let mut pace = Pace::begin(now);
        pace.on_bytes(now + 29 * SECOND);
        assert!(!pace.is_over(now + 29 * SECOND) && pace.is_over(now + 30 * SECOND));
        pace.on_asked(now + 29 * SECOND);
        pace.on_answered(now + 29 * SECOND);
        pace.on_complete();
        pace.on_flushed(now + 40 * SECOND);
        assert_eq!(pace.phase(), Phase::Idle);
        assert!(!pace.is_over(now + 99 * SECOND) && pace.is_over(now + 100 * SECOND));
        pace.on_bytes(now + 99 * SECOND);
        pace.on_bytes(now + 120 * SECOND);
        assert!(!pace.is_over(now + 128 * SECOND) && pace.is_over(now + 129 * SECOND));
    }

    #[test]
    fn the_peer_is_not_charged_for_our_work() {
        let now = Instant::now();
        let mut pace = Pace::begin(now);
        pace.on_asked(now);
        assert!(!pace.is_over(now + 1_000 * SECOND));
        pace.on_work_done(now + 1_000 * SECOND);
        assert!(!pace.is_over(now + 1_019 * SECOND) && pace.is_over(now + 1_020 * SECOND));
    }

    #[test]
    fn the_idle_make_room_before_heads_and_heads_before_bodies() {
        let begin = Instant::now();
        let now = begin + 10 * SECOND;
        let idle = |since: u32| {
            let mut pace = Pace::begin(begin);
            pace.on_asked(begin);
            pace.on_answered(begin);
            pace.on_complete();
            pace.on_flushed(begin + SECOND * since);
            pace.rank(now)
        };
        let head = |since: u32| Pace::begin(begin + SECOND * since).rank(now);
        let body = |moved_bytes| {
            let mut pace = Pace::begin(begin);
            pace.on_asked(begin);
            pace.on_answered(begin);
            pace.on_progress(begin, 0);
            pace.on_progress(now, moved_bytes);
            pace.rank(now)
        };
        let fresh = Pace::begin(now).rank(now);
        let mut at_work = Pace::begin(begin);
        at_work.on_asked(begin);
        let order = [idle(1), idle(9), head(0), head(5), body(0), body(5_000), at_work.rank(now), fresh];
        assert!(order.is_sorted(), "{order:?}");
    }
}
