//! What tells two runs apart: every frame that a host sent or received, and every line that a program said, in a few
//! bytes each.
//!
//! One seed gives one run, as long as programs bring in no chance of their own. Where they do, two runs part at some
//! event, and all that comes after it differs, too: the first one is the one to look at.

use crate::ids::HostId;
use rustc_hash::FxHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use tcp::{Instant, SegmentFacts};
use wire::Frame;

/// What happened in a run, to be held beside another one: [`crate::World::keep_trail`].
///
/// ```
/// use synfin_sim::{LinkConfig, Trail, World};
/// let run = |seed| {
///     let mut world = World::new(seed);
///     let [client, server] = [("client", "10.0.0.1"), ("server", "10.0.0.2")]
///         .map(|(name, address)| world.add_host(name, stack::Config::default(), &[address]));
///     world.link(client, server, LinkConfig::default());
///     world.keep_trail();
///     world.at(client).connect("10.0.0.2:80");
///     world.run_for(std::time::Duration::from_secs(1));
///     world.take_trail()
/// };
/// assert_eq!(run(7), run(7));
/// let difference = run(7).first_difference(&run(8)).expect("another seed, other sequence numbers");
/// assert_eq!(difference.number, 0, "from the SYN on");
/// assert!(difference.to_string().contains("client sends 60 bytes to server"), "{difference}");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    names: Vec<String>,
    steps: Vec<Step>,
}

/// One event of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Instant,
    /// At which host.
    pub host: HostId,
    /// What.
    pub what: Deed,
    /// Of the bytes of the frame, or of the words.
    digest: u64,
}

/// What happened at a host, as a trail keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deed {
    /// It sent a frame.
    Sends {
        /// To this host.
        to: HostId,
        /// So long.
        bytes: u32,
        /// If it is a TCP segment: what it says.
        segment: Option<SegmentFacts>,
    },
    /// A frame arrived.
    Hears {
        /// From this host.
        from: HostId,
        /// So long.
        bytes: u32,
        /// If it is a TCP segment: what it says.
        segment: Option<SegmentFacts>,
    },
    /// A program said something.
    Says,
}

impl Trail {
    pub(crate) fn new() -> Trail {
        Trail::default()
    }

    pub(crate) fn set_names(&mut self, names: Vec<String>) {
        self.names = names;
    }

    pub(crate) fn sends(&mut self, at: Instant, host: HostId, to: HostId, frame: &Frame) {
        let (bytes, segment, digest) = facts(frame);
        self.steps.push(Step { at, host, what: Deed::Sends { to, bytes, segment }, digest });
    }

    pub(crate) fn hears(&mut self, at: Instant, host: HostId, from: HostId, frame: &Frame) {
        let (bytes, segment, digest) = facts(frame);
        self.steps.push(Step { at, host, what: Deed::Hears { from, bytes, segment }, digest });
    }

    pub(crate) fn says(&mut self, at: Instant, host: HostId, words: &str) {
        let mut digest = FxHasher::default();
        words.hash(&mut digest);
        self.steps.push(Step { at, host, what: Deed::Says, digest: digest.finish() });
    }

    /// Everything that happened, in its order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The first event in which two runs differ.
    pub fn first_difference(&self, other: &Trail) -> Option<Difference> {
        let number = (0..self.steps.len().max(other.steps.len()))
            .find(|number| self.steps.get(*number) != other.steps.get(*number))?;
        let [one, two] = [self, other].map(|trail| trail.steps.get(number).map(|step| trail.tell(step)));
        Some(Difference { number, one, other: two })
    }

    /// An event in words.
    fn tell(&self, step: &Step) -> String {
        let name = |host: HostId| self.names.get(host.index()).map_or("a host", String::as_str);
        let (host, at) = (name(step.host), step.at.since(Instant::ZERO));
        let facts = |segment: Option<SegmentFacts>| {
            segment.map_or_else(String::new, |facts| {
                let SegmentFacts { seq, ack, flags, len_bytes, .. } = facts;
                format!(": {flags} seq {seq} ack {ack}, {len_bytes} of text")
            })
        };
        let digest = step.digest;
        match step.what {
            Deed::Sends { to, bytes, segment } => {
                let (to, facts) = (name(to), facts(segment));
                format!("at {at:?} {host} sends {bytes} bytes to {to}{facts} (digest {digest:016x})")
            }
            Deed::Hears { from, bytes, segment } => {
                let (from, facts) = (name(from), facts(segment));
                format!("at {at:?} {host} hears {bytes} bytes from {from}{facts} (digest {digest:016x})")
            }
            Deed::Says => format!("at {at:?} {host} says something (digest {digest:016x})"),
        }
    }
}

fn facts(frame: &Frame) -> (u32, Option<SegmentFacts>, u64) {
    let mut digest = FxHasher::default();
    digest.write(frame.head.as_slice());
    frame.payload.pieces().for_each(|piece| digest.write(piece));
    (u32::try_from(frame.len()).unwrap_or(u32::MAX), crate::fate::facts_of(frame), digest.finish())
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The number of the event, from zero: so many are the same.
    pub number: usize,
    /// What happened in one run; `None` if nothing did any more.
    pub one: Option<String>,
    /// What happened in the other.
    pub other: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing = || "nothing more happens".to_owned();
        let [one, other] = [&self.one, &self.other].map(|told| told.clone().unwrap_or_else(nothing));
        let number = self.number;
        write!(f, "the runs part after {number} equal events\n  in one:       {one}\n  in the other: {other}")
    }
}

impl std::error::Error for Difference {}
