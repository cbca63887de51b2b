//! What one seed says of evil: strangers who forge, peers who lie, hosts and paths that change, and who then may fail.
//!
//! Each [`Deed`] stands for itself, with luck of its own: to take one away leaves the others as they are. What a path or
//! a host is from the beginning stands in the plan itself (`dimensions.rs`).

use crate::worlds::beside::Beside;
use crate::worlds::dimensions;
use crate::worlds::plan::{Family, Opening, Plan, ms, pick, sometimes};
use sim::{Dice, Ends, PathMtu, TooBigAnswer};
use std::time::Duration;
use tcp::{Config, Instant};

/// Frames of one deed: enough to fill a table of neighbours, few enough for many worlds.
const FRAMES_MAX: u32 = 1_500;

/// What is added to a plan's faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evil {
    pub(crate) deeds: Vec<Deed>,
    /// Half-open connections that each host keeps before it answers with cookies; `None`: as many as usual.
    pub(crate) half_open_max: Option<usize>,
    /// How many bytes each host may hold; `None`: as many as usual.
    pub(crate) memory_bytes: Option<usize>,
    /// One of the hosts loses its memory; at most one of them, once.
    pub(crate) rebirth: Option<Rebirth>,
    /// A third host, and a device that refuses frames.
    pub(crate) beside: Option<Beside>,
}

/// A host starts anew in the middle of everything.
#[derive(Clone, Debug)]
pub(crate) struct Rebirth {
    pub(crate) at: Instant,
    pub(crate) side: usize,
    /// What its connections are like from then on.
    pub(crate) config: Config,
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
    /// Neighbours that nobody knew ask for us and say where they are.
    Neighbours { to: usize, family: Family, count: u32 },
    /// Packets of no connection: echo requests, redirects, protocols that nobody speaks, halves of headers.
    Noise { to: usize, family: Family, count: u32 },
    /// The peer of this end of a connection says what is not so.
    Lie { talk: usize, to: usize, lie: Lie, count: u32 },
    /// The translator before the first host forgets, and takes other ports.
    Rebind { added: u16 },
    /// The path of what this side sends becomes narrower or wider.
    Path { side: usize, path_mtu: Option<PathMtu> },
    /// What this side sends takes longer or less long from now on.
    Delay { side: usize, delay: Duration },
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
    pub(crate) fn of(dice: &mut Dice, plan: &Plan) -> Evil {
        let count = dice.below(6);
        let deeds = (0..count).map(|_| deed(dice, plan)).collect();
        let half_open_max =
            (dimensions::COOKIES_KEEP_EVERYTHING && sometimes(dice, 25.0)).then(|| pick(dice, &[0, 0, 1, 3]));
        let rebirth = sometimes(dice, 15.0).then(|| rebirth(dice, plan));
        let memory_bytes = sometimes(dice, 20.0).then(|| pick(dice, &[300_000, 600_000, 1 << 20, 4 << 20]));
        Evil { deeds, half_open_max, memory_bytes, rebirth, beside: None }
    }

    /// Whether there is none.
    pub(crate) fn is_nothing(&self) -> bool {
        self.deeds.is_empty()
            && self.half_open_max.is_none()
            && self.memory_bytes.is_none()
            && self.rebirth.is_none()
            && self.beside.is_none()
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

    /// Whether a connection may end badly for what was done to it, whatever its ends say.
    pub(crate) fn breaks(&self, plan: &Plan, talk: usize) -> bool {
        // Of what was acknowledged before it arrived, the sender keeps nothing.
        let is_betrayed =
            |deed: &Deed| matches!(deed.what, What::Lie { talk: of, lie: Lie::Optimism, .. } if of == talk);
        let is_cut = |deed: &Deed| matches!(deed.what, What::Rebind { .. });
        let is_forgotten =
            self.rebirth.is_some() && !matches!(plan.talks[talk].opening, Opening::Again { .. });
        is_forgotten || self.deeds.iter().any(|deed| is_betrayed(deed) || is_cut(deed))
    }

    /// Whether windows of this connection are announced that are not there.
    pub(crate) fn lies_about_windows(&self, talk: usize) -> bool {
        let is_such = |deed: &Deed| matches!(deed.what, What::Lie { talk: of, lie: Lie::ClosedWindow, .. } if of == talk);
        self.deeds.iter().any(is_such)
    }

    /// Whether a RST need not end a connection: it may answer a stranger, or who still has a cookie makes another of it.
    pub(crate) fn outlives_resets(&self) -> bool {
        self.makes_cookies() || self.deeds.iter().any(|deed| matches!(deed.what, What::Forge { .. }))
    }

    /// Whether a stranger speaks in the name of an end of this connection.
    pub(crate) fn is_forged(&self, talk: usize) -> bool {
        self.deeds.iter().any(|deed| matches!(deed.what, What::Forge { talk: of, .. } if of == talk))
    }

    /// The longest that what this side sends may take for a deed.
    pub(crate) fn longest_delay(&self, of: usize) -> Duration {
        let delays = self.deeds.iter().filter_map(|deed| match deed.what {
            What::Delay { side, delay } if side == of => Some(delay),
            _ => None,
        });
        delays.max().unwrap_or_default()
    }

    /// Whether a path takes longer than it did: then what the hosts know of it is too little.
    pub(crate) fn delays(&self) -> bool {
        self.deeds.iter().any(|deed| matches!(deed.what, What::Delay { .. }))
    }

    /// Whether SYNs may be answered with cookies.
    pub(crate) fn makes_cookies(&self) -> bool {
        self.half_open_max.is_some() || self.memory_bytes.is_some()
    }

    /// Whether SYNs of nobody are answered.
    pub(crate) fn floods(&self) -> bool {
        self.deeds.iter().any(|deed| matches!(deed.what, What::SynFlood { .. }))
    }

    /// How many frames are sent by nobody.
    pub(crate) fn frames(&self) -> u64 {
        self.deeds.iter().map(|deed| u64::from(deed.times * deed.what.frames())).sum()
    }

    /// How much there is to simplify.
    pub(crate) fn weight(&self) -> u64 {
        self.deeds.iter().map(|deed| 1_000 + u64::from(deed.times)).sum::<u64>()
            + 1_000 * u64::from(self.half_open_max.is_some())
            + 1_000 * u64::from(self.memory_bytes.is_some())
            + self.beside.as_ref().map_or(0, Beside::weight)
            + self.rebirth.as_ref().map_or(0, |rebirth| {
                3_000 + 1_000 * u64::from(rebirth.config != dimensions::plain(&rebirth.config))
            })
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
        with(&|evil| evil.memory_bytes = None);
        with(&|evil| evil.rebirth = None);
        with(&|evil| evil.beside = None);
        for beside in self.beside.iter().flat_map(Beside::smaller) {
            with(&|evil| evil.beside = Some(beside.clone()));
        }
        with(&|evil| {
            if let Some(rebirth) = &mut evil.rebirth {
                rebirth.config = dimensions::plain(&rebirth.config);
            }
        });
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
    /// How many frames each time is.
    fn frames(self) -> u32 {
        match self {
            What::Forge { .. } | What::Complain { .. } => 1,
            What::Rebind { .. } | What::Path { .. } | What::Delay { .. } => 0,
            What::SynFlood { count, .. }
            | What::Fragments { count, .. }
            | What::Noise { count, .. }
            | What::Neighbours { count, .. }
            | What::Lie { count, .. } => count,
        }
    }

    fn talk(mut self) -> Option<usize> {
        self.talk_mut().copied()
    }

    fn talk_mut(&mut self) -> Option<&mut usize> {
        match self {
            What::Forge { talk, .. } | What::Complain { talk, .. } | What::Lie { talk, .. } => Some(talk),
            What::SynFlood { .. }
            | What::Fragments { .. }
            | What::Noise { .. }
            | What::Neighbours { .. }
            | What::Rebind { .. }
            | What::Path { .. }
            | What::Delay { .. } => None,
        }
    }
}

fn deed(dice: &mut Dice, plan: &Plan) -> Deed {
    // Most connections are short: soon, or at any time.
    let latest = if sometimes(dice, 60.0) { 1_500 } else { plan.faults_end.as_millis() };
    let at = Instant::ZERO + ms(dice, latest.min(plan.faults_end.as_millis()));
    let what = what(dice, plan);
    let is_once = matches!(what, What::Rebind { .. } | What::Path { .. } | What::Delay { .. });
    let (times, every) = match dice.below(3) {
        _ if is_once => (1, Duration::ZERO),
        0 => (1, Duration::ZERO),
        1 => (1 + dice.below(30) as u32, ms(dice, 300)),
        _ => (1 + dice.below(200) as u32, ms(dice, 20)),
    };
    let times = times.min((FRAMES_MAX / what.frames().max(1)).max(1));
    Deed { at, times, every, what, luck: dice.roll() }
}

fn rebirth(dice: &mut Dice, plan: &Plan) -> Rebirth {
    let side = dice.below(2) as usize;
    let mut config = dimensions::config(dice);
    config.missing_timestamps_tolerated = plan.configs[side].missing_timestamps_tolerated;
    let at = Instant::ZERO + ms(dice, plan.faults_end.as_millis().min(4_000));
    Rebirth { at, side, config }
}

fn what(dice: &mut Dice, plan: &Plan) -> What {
    let talk = dice.below(plan.talks.len() as u64) as usize;
    let to = dice.below(2) as usize;
    let family = pick(dice, &[Family::V4, Family::V6]);
    match dice.below(16) {
        0..=3 => What::Forge { talk, to, forged: pick(dice, &Forged::ALL) },
        4 | 5 => What::Complain { talk, to, known: pick(dice, &[Known::Ends, Known::Number]) },
        6 => What::SynFlood { to: 1, family, count: 1 + dice.below(20) as u32 },
        7 => {
            let shapes = [Shape::Tiny, Shape::Overlapping, Shape::PastTheEnd, Shape::Tails];
            What::Fragments { to, family, shape: pick(dice, &shapes), count: 1 + dice.below(30) as u32 }
        }
        8 if plan.link.ends == Ends::Ethernet => {
            let count = if dimensions::NEIGHBOURS_IN_USE_STAY { 100 } else { 4 };
            What::Neighbours { to, family, count: 1 + dice.below(count) as u32 }
        }
        8 => What::Noise { to, family, count: 1 + dice.below(5) as u32 },
        12 if sometimes(dice, 30.0) => What::Rebind { added: 1 + dice.below(900) as u16 },
        12 | 13 => {
            let most_ms = pick(dice, &[100, 1_500]);
            What::Delay { side: to, delay: ms(dice, most_ms) }
        }
        14 | 15 => What::Path { side: to, path_mtu: sometimes(dice, 75.0).then(|| path_mtu(dice, plan)) },
        _ => What::Lie { talk, to, lie: pick(dice, &Lie::ALL), count: 1 + dice.below(60) as u32 },
    }
}

fn path_mtu(dice: &mut Dice, plan: &Plan) -> PathMtu {
    // IPv6 knows no less, and an ICMP message for less than this is not believed over IPv4.
    let has_v6 = plan.talks.iter().any(|talk| talk.family == Family::V6);
    let least = if has_v6 { 1_280 } else { 576 };
    let answer = pick(dice, &[TooBigAnswer::Icmp, TooBigAnswer::Icmp, TooBigAnswer::Silence]);
    PathMtu { mtu_bytes: least + dice.below(u64::from(1_500 - least)) as u32, answer }
}
