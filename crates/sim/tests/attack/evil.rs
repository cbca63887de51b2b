//! What one seed says of evil: strangers who forge, peers who lie, hosts and paths that change, and who then may fail.
//!
//! Each [`Deed`] stands for itself, with luck of its own: to take one away leaves the others as they are.

use crate::plan::{Family, Plan, ms, pick, sometimes};
use std::time::Duration;
use synfin_sim::Dice;
use tcp::{Error, Instant};

/// What is added to a plan's faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evil {
    pub(crate) deeds: Vec<Deed>,
    /// Half-open connections that each host keeps before it answers with cookies; `None`: as many as usual.
    pub(crate) half_open_max: Option<usize>,
}

/// Somebody does something, once or again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed {
    pub(crate) at: Instant,
    pub(crate) times: u32,
    pub(crate) every: Duration,
    pub(crate) what: What,
    pub(crate) luck: u64,
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// A stranger who knows both ends and the window, but no acknowledgment, sends a segment to one end of a connection.
    Forge { talk: usize, to: usize, forged: Forged },
    /// A stranger who knows a connection complains of its segments.
    Complain { talk: usize, to: usize, known: Known },
    /// SYNs from addresses that are nobody's.
    SynFlood { to: usize, family: Family, count: u32 },
    /// Fragments of datagrams that are never whole.
    Fragments { to: usize, family: Family, shape: Shape, count: u32 },
    /// Packets of no connection: echo requests, redirects, protocols that nobody speaks, halves of headers.
    Noise { to: usize, family: Family, count: u32 },
    /// The peer of this end of a connection says what is not so.
    Lie { talk: usize, to: usize, lie: Lie, count: u32 },
}

/// A segment that a stranger can make: RFC 5961 says that none of them harms.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forged {
    /// In the window, acknowledging what was not sent yet or long ago.
    TextWithWrongAck,
    TextWithoutAck,
    FinWithWrongAck,
    /// In the window, but not its first number.
    InexactReset,
    Syn,
    SynWithWrongAck,
    /// Outside of the window.
    FarText,
    FarReset,
    /// Flags that make no sense together.
    NonsenseFlags,
    UrgentWithWrongAck,
}

impl Forged {
    const ALL: [Forged; 10] = [
        Forged::TextWithWrongAck,
        Forged::TextWithoutAck,
        Forged::FinWithWrongAck,
        Forged::InexactReset,
        Forged::Syn,
        Forged::SynWithWrongAck,
        Forged::FarText,
        Forged::FarReset,
        Forged::NonsenseFlags,
        Forged::UrgentWithWrongAck,
    ];
}

/// What a forged complaint knows of the flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Both ends alone: the number it quotes is none in flight.
    Ends,
    /// A number in flight: an open connection may lower its path MTU for it, and nothing more.
    Number,
}

/// How fragments lie.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Eight bytes each, of datagrams of their own.
    Tiny,
    /// Over one another.
    Overlapping,
    /// At the end of what a datagram may be, and past it.
    PastTheEnd,
    /// The last one of each only.
    Tails,
}

/// A lie of a receiver to its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// The same acknowledgment over and over (duplicate-ACK spoofing).
    Duplicates,
    /// An acknowledgment for a few bytes each of what has arrived (ACK division).
    Division,
    /// Everything that was sent, before it can have arrived (optimistic ACKs).
    Optimism,
    /// SACK blocks for what has not arrived.
    Sacks,
    /// SACK blocks of a byte, and of what was never sent.
    Crumbs,
    /// Reports of duplicates that there were not.
    DuplicateReports,
    /// The window is closed, and then it is not.
    ClosedWindow,
}

impl Lie {
    const ALL: [Lie; 7] = [
        Lie::Duplicates,
        Lie::Division,
        Lie::Optimism,
        Lie::Sacks,
        Lie::Crumbs,
        Lie::DuplicateReports,
        Lie::ClosedWindow,
    ];
}

impl Evil {
    /// What this seed adds to a plan of its own.
    pub(crate) fn of(plan: &Plan) -> Evil {
        let mut dice = Dice::for_purpose(plan.seed, 98);
        let count = 1 + dice.below(5);
        let deeds = (0..count).map(|_| deed(&mut dice, plan)).collect();
        Evil { deeds, half_open_max: None }
    }

    /// Every moment at which something is done, in the order of time: which deed, and which time of it.
    pub(crate) fn moments(&self, until: Instant) -> Vec<(Instant, usize, u32)> {
        let mut moments: Vec<(Instant, usize, u32)> = Vec::new();
        for (index, deed) in self.deeds.iter().enumerate() {
            moments.extend((0..deed.times).map(|time| (deed.at + deed.every * time, index, time)));
        }
        moments.retain(|(at, ..)| *at < until);
        moments.sort();
        moments
    }

    /// Whether a connection may end for this reason although it was meant to end well.
    pub(crate) fn excuses(&self, talk: usize, why: Option<Error>) -> bool {
        // Of what was acknowledged before it arrived, the sender keeps nothing.
        let is_betrayed = self
            .deeds
            .iter()
            .any(|deed| matches!(deed.what, What::Lie { talk: of, lie: Lie::Optimism, .. } if of == talk));
        // When it gives up it says what ICMP complained of, if anything (RFC 1122 §4.2.3.9).
        is_betrayed && why != Some(Error::Aborted)
    }

    /// Whether somebody forges segments or complaints: what the observer sees is then answers to them, too.
    pub(crate) fn forges(&self) -> bool {
        self.deeds.iter().any(|deed| matches!(deed.what, What::Forge { .. }))
    }

    /// How many frames are sent by nobody.
    pub(crate) fn frames(&self) -> u64 {
        let each = |deed: &Deed| match deed.what {
            What::Forge { .. } | What::Complain { .. } => 1,
            What::SynFlood { count, .. }
            | What::Fragments { count, .. }
            | What::Noise { count, .. }
            | What::Lie { count, .. } => u64::from(count),
        };
        self.deeds.iter().map(|deed| u64::from(deed.times) * each(deed)).sum()
    }

    /// How much there is to simplify.
    pub(crate) fn weight(&self) -> u64 {
        self.deeds.iter().map(|deed| 1_000 + u64::from(deed.times)).sum::<u64>()
            + 1_000 * u64::from(self.half_open_max.is_some())
    }

    /// The same with a little less.
    pub(crate) fn smaller(&self) -> Vec<Evil> {
        let mut out = Vec::new();
        let mut with = |change: &dyn Fn(&mut Evil)| {
            let mut evil = self.clone();
            change(&mut evil);
            out.push(evil);
        };
        for index in 0..self.deeds.len() {
            with(&|evil| _ = evil.deeds.remove(index));
            with(&|evil| evil.deeds[index].times /= 2);
            with(&|evil| evil.deeds[index].times -= 1);
        }
        with(&|evil| evil.half_open_max = None);
        out
    }

    /// A connection is no more: its deeds neither, and later ones have another number.
    pub(crate) fn drop_talk(&mut self, dropped: usize) {
        self.deeds.retain(|deed| deed.what.talk() != Some(dropped));
        for deed in &mut self.deeds {
            if let Some(talk) = deed.what.talk_mut().filter(|talk| **talk > dropped) {
                *talk -= 1;
            }
        }
    }
}

impl What {
    fn talk(mut self) -> Option<usize> {
        self.talk_mut().copied()
    }

    fn talk_mut(&mut self) -> Option<&mut usize> {
        match self {
            What::Forge { talk, .. } | What::Complain { talk, .. } | What::Lie { talk, .. } => Some(talk),
            What::SynFlood { .. } | What::Fragments { .. } | What::Noise { .. } => None,
        }
    }
}

fn deed(dice: &mut Dice, plan: &Plan) -> Deed {
    // Most connections are short: soon, or at any time.
    let latest = if sometimes(dice, 60.0) { 1_500 } else { plan.faults_end.as_millis() };
    let at = Instant::ZERO + ms(dice, latest.min(plan.faults_end.as_millis()));
    let what = what(dice, plan);
    let (times, every) = match dice.below(3) {
        0 => (1, Duration::ZERO),
        1 => (1 + dice.below(30) as u32, ms(dice, 300)),
        _ => (1 + dice.below(200) as u32, ms(dice, 20)),
    };
    Deed { at, times, every, what, luck: dice.roll() }
}

fn what(dice: &mut Dice, plan: &Plan) -> What {
    let talk = dice.below(plan.talks.len() as u64) as usize;
    let to = dice.below(2) as usize;
    let family = pick(dice, &[Family::V4, Family::V6]);
    match dice.below(12) {
        0..=3 => What::Forge { talk, to, forged: pick(dice, &Forged::ALL) },
        4 | 5 => What::Complain { talk, to, known: pick(dice, &[Known::Ends, Known::Number]) },
        6 => What::SynFlood { to: 1, family, count: 1 + dice.below(20) as u32 },
        7 => {
            let shapes = [Shape::Tiny, Shape::Overlapping, Shape::PastTheEnd, Shape::Tails];
            What::Fragments { to, family, shape: pick(dice, &shapes), count: 1 + dice.below(30) as u32 }
        }
        8 => What::Noise { to, family, count: 1 + dice.below(5) as u32 },
        _ => What::Lie { talk, to, lie: pick(dice, &Lie::ALL), count: 1 + dice.below(60) as u32 },
    }
}
