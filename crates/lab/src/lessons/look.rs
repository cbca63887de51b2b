//! What a question asks of a run.

use crate::deed::Deed;
use crate::run::Run;
use sim::{Entry, Happening, Lost};
use tcp::state::Row;
use tcp::{Instant, SegmentFacts, SendReason, State, Trace};

/// A run, looked at.
pub(super) struct Look<'a>(pub(super) &'a Run);

/// A segment that a host has sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) host: usize,
    pub(super) facts: SegmentFacts,
    pub(super) why: Option<SendReason>,
    /// It has arrived, and not damaged.
    pub(super) arrived: Option<Instant>,
    /// Its number among those that hosts have sent.
    pub(super) frame: u32,
}

/// A host has moved along an arrow of the diagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    pub(super) at: Instant,
    pub(super) host: usize,
    pub(super) row: &'static Row,
}

impl Look<'_> {
    fn log(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.0.world.log().iter().map(|entry| (usize::from(entry.host == self.0.hosts[1]), entry))
    }

    /// The segments that hosts have sent, in the order of time.
    pub(super) fn segments(&self) -> impl Iterator<Item = Seen> {
        let departed = self.log().filter_map(|(host, entry)| match entry.what {
            Happening::Departed { frame } => Some((host, entry.at, frame)),
            _ => None,
        });
        departed.zip(0..).filter_map(|((host, at, place), frame)| {
            let (facts, why) = self.0.world.segment(place)?;
            let is_whole = !self.0.world.frames()[place].corrupted;
            let arrived = is_whole.then(|| self.0.arrivals_of(place).first().copied()).flatten();
            Some(Seen { at, host, facts, why, arrived, frame })
        })
    }

    /// The first segment of a host for which this holds.
    pub(super) fn first(&self, host: usize, is_it: impl Fn(&Seen) -> bool) -> Option<Seen> {
        self.segments().find(|seen| seen.host == host && is_it(seen))
    }

    /// The first segment of a host with this reason.
    pub(super) fn because(&self, host: usize, why: SendReason) -> Option<Seen> {
        self.first(host, |seen| seen.why == Some(why))
    }

    /// Every move along an arrow of the diagram.
    pub(super) fn moves(&self) -> impl Iterator<Item = Moved> {
        self.log().filter_map(|(host, entry)| {
            let Happening::Traced(record) = &entry.what else { return None };
            Some(Moved { at: entry.at, host, row: record.trace.row()? })
        })
    }

    /// When a host comes to a state for the first time.
    pub(super) fn enters(&self, host: usize, state: State) -> Option<Instant> {
        self.moves().find(|moved| moved.host == host && moved.row.to == state).map(|moved| moved.at)
    }

    /// When a program says this for the first time.
    pub(super) fn says(&self, host: usize, text: &str) -> Option<Instant> {
        self.log().find_map(|(of, entry)| match &entry.what {
            Happening::Said(said) if of == host && said == text => Some(entry.at),
            _ => None,
        })
    }

    /// What a program says with this at the front, for the first time.
    pub(super) fn says_that(&self, host: usize, front: &str) -> Option<&str> {
        self.log().find_map(|(of, entry)| match &entry.what {
            Happening::Said(said) if of == host && said.starts_with(front) => Some(said.as_str()),
            _ => None,
        })
    }

    /// The segment whose arrival made a program say this.
    pub(super) fn said_after(&self, host: usize, text: &str) -> Option<SegmentFacts> {
        let (_, entry) = self.log().find(|(of, entry)| {
            *of == host && matches!(&entry.what, Happening::Said(said) if said == text)
        })?;
        Some(self.0.world.segment(entry.cause?.frame)?.0)
    }

    /// What a host's connections traced, and when.
    pub(super) fn traces(&self, host: usize) -> impl Iterator<Item = (Instant, &Trace)> {
        self.log().filter_map(move |(of, entry)| match &entry.what {
            Happening::Traced(record) if of == host => Some((entry.at, &record.trace)),
            _ => None,
        })
    }

    /// How many frames of a host were lost for this reason.
    pub(super) fn lost(&self, host: usize, because: Lost) -> usize {
        self.log()
            .filter(|(of, entry)| {
                *of == host && matches!(entry.what, Happening::Lost { why, .. } if why == because)
            })
            .count()
    }

    /// The same run with more deeds: what would happen, if.
    pub(super) fn with(&self, deeds: &[Deed]) -> Option<Run> {
        let deeds: Vec<Deed> = self.0.deeds.iter().chain(deeds).cloned().collect();
        Run::new(&self.0.setup, &deeds).ok()
    }

    /// The place of the answer among these.
    pub(super) fn choose<T: PartialEq>(answer: Option<T>, choices: &[T]) -> Option<usize> {
        let answer = answer?;
        choices.iter().position(|choice| *choice == answer)
    }
}

/// The segments with text that a host sends.
pub(super) fn data_of<'a>(look: &'a Look<'_>, host: usize) -> impl Iterator<Item = Seen> + 'a {
    look.segments().filter(move |seen| seen.host == host && seen.facts.len_bytes > 0)
}

/// By what the first retransmission of the client's text came about: 0 the timer, 1 acknowledgments, 2 a probe of the tail.
pub(super) fn first_again(look: &Look<'_>) -> Option<usize> {
    const CLIENT: usize = 0;
    let is_again = |seen: &Seen| seen.why.is_some_and(SendReason::is_retransmission);
    Some(match data_of(look, CLIENT).find(is_again)?.why? {
        SendReason::TailLossProbe => 2,
        SendReason::Timeout | SendReason::AfterTimeout => 0,
        _ => 1,
    })
}

/// How the second time compares with the first: 0 as long, 1 twice as long, 2 half as long.
pub(super) fn ratio(second: u128, first: u128) -> Option<usize> {
    match second * 10 / first.max(1) {
        8..=12 => Some(0),
        17..=23 => Some(1),
        4..=6 => Some(2),
        _ => None,
    }
}
