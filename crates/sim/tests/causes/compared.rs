//! The engine's reasons beside those of the lens.

use crate::through_a_file::{explained, file};
use crate::worlds::Lived;
use lens::{Analysis, Correction, KeepSegments, Kept, Segment};
use std::collections::BTreeMap;
use synfin_sim::{Captured, Happening, HostId, Vantage, World, captured};
use tcp::SendReason;

/// Of fewer corrections a share says nothing.
const CORRECTIONS_MIN: u32 = 20;

/// Where the capture is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum At {
    Sender,
    Receiver,
}

/// How often the engine's reason met that of the lens.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    equal: u32,
    different: u32,
    matrix: BTreeMap<(&'static str, &'static str), u32>,
    /// By the confidence that the lens states: how many, and how many of them are right.
    stated: BTreeMap<u8, (u32, u32)>,
    differences: Vec<String>,
    /// What the lens corrected by what it saw later: first word, second word; how many, and how many are right.
    corrected: BTreeMap<(&'static str, &'static str), (u32, u32)>,
}

impl Compared {
    pub(crate) fn total(&self) -> u32 {
        self.equal + self.different
    }

    pub(crate) fn permille(&self) -> u32 {
        self.equal * 1_000 / self.total().max(1)
    }

    pub(crate) fn add(&mut self, other: Compared) {
        self.equal += other.equal;
        self.different += other.different;
        for (key, count) in other.matrix {
            *self.matrix.entry(key).or_default() += count;
        }
        for (words, (count, right)) in other.corrected {
            let corrected = self.corrected.entry(words).or_default();
            *corrected = (corrected.0 + count, corrected.1 + right);
        }
        for (percent, (count, right)) in other.stated {
            let stated = self.stated.entry(percent).or_default();
            *stated = (stated.0 + count, stated.1 + right);
        }
    }

    pub(crate) fn take(&mut self, lived: &Lived, at: At, shows_all: bool) {
        let world = &lived.world;
        let vantage = Vantage::At(match at {
            At::Sender => lived.sender,
            At::Receiver => lived.receiver,
        });
        let seen = captured(world.frames(), vantage);
        if let Some(folder) = shows_all.then(|| std::env::var_os("SYNFIN_KEEP")).flatten() {
            let path = std::path::Path::new(&folder).join(format!("{at:?}.pcapng"));
            std::fs::write(path, file(&seen)).expect("the folder is there");
        }
        let kept = explained(&seen, Kept { keep_segments: KeepSegments::All, ..Kept::default() });
        assert_eq!(seen.len(), kept.segments.len());
        for (captured, (segment, said)) in seen.iter().zip(&kept.segments) {
            if world.frames()[captured.number].from != lived.sender {
                continue;
            }
            let Some((_, Some(engine))) = world.segment(captured.number) else { continue };
            if is_asked(engine) || is_asked(said.why.reason) {
                self.note(lived, at, captured, segment, said, engine, shows_all);
            }
            if said.seen_later.cause != 0 {
                self.note_correction(&kept, at, segment, said, engine);
            }
        }
    }

    /// A second look at a segment is right where it has the engine's word.
    fn note_correction(
        &mut self,
        kept: &Kept,
        at: At,
        segment: &Segment,
        said: &Analysis,
        engine: SendReason,
    ) {
        let is_it = |correction: &&Correction| {
            correction.frame == segment.frame
                && correction.stream == said.stream
                && correction.has_other_cause()
        };
        let Some(correction) = kept.corrections.iter().find(is_it) else { return };
        let is_right = as_seen(at, engine) == as_seen(at, correction.now);
        let corrected = self.corrected.entry((correction.was.name(), correction.now.name())).or_default();
        *corrected = (corrected.0 + 1, corrected.1 + u32::from(is_right));
    }

    /// Of what was corrected, so many of a thousand are right; `None` of less than it takes to tell.
    pub(crate) fn corrected_permille(&self) -> Option<u32> {
        let (count, right) =
            self.corrected.values().fold((0, 0), |sum, (count, right)| (sum.0 + count, sum.1 + right));
        (count >= CORRECTIONS_MIN).then(|| right * 1_000 / count)
    }

    #[expect(clippy::too_many_arguments, reason = "what a difference is told with")]
    fn note(
        &mut self,
        lived: &Lived,
        at: At,
        captured: &Captured<'_>,
        segment: &Segment,
        said: &Analysis,
        engine: SendReason,
        shows_all: bool,
    ) {
        let [engine, lens] = [engine, said.why.reason].map(|reason| as_seen(at, reason));
        *self.matrix.entry((engine.name(), lens.name())).or_default() += 1;
        let stated = self.stated.entry(said.why.confidence.percent()).or_default();
        *stated = (stated.0 + 1, stated.1 + u32::from(engine == lens));
        if engine == lens {
            self.equal += 1;
            return;
        }
        self.different += 1;
        if shows_all {
            println!("{}", around(&lived.world, lived.sender, captured.at));
        }
        if shows_all
            || self.differences.len()
                < std::env::var("SYNFIN_DIFFERENCES").map_or(12, |most| most.parse().unwrap_or(12))
        {
            self.differences.push(format!(
                "seed {} {at:?} frame {} at {:?}: the engine says {}, the lens {} ({} %, {:?}, {:?})",
                lived.world.seed(),
                segment.frame,
                segment.time,
                engine.name(),
                lens.name(),
                said.why.confidence.percent(),
                said.why.candidates,
                said.why.evidence,
            ));
        }
    }

    pub(crate) fn print(&self, what: &str) {
        println!("{what}: {} retransmissions, {} of 1,000 alike", self.total(), self.permille());
        for ((engine, lens), count) in &self.matrix {
            println!("  {engine:24} {lens:24} {count}{}", if engine == lens { "" } else { "   <" });
        }
        for ((was, now), (count, right)) in &self.corrected {
            println!("  corrected: {was:24} {now:24} {right} of {count} are right");
        }
        for difference in &self.differences {
            println!("  {difference}");
        }
    }

    pub(crate) fn print_confidence(&self) {
        for (percent, (count, right)) in &self.stated {
            println!("  {percent} % sure: {right} of {count}, {} %", right * 100 / count.max(&1));
        }
    }
}

/// From afar a short wait for what may only be late does not show: it counts as an answer to an acknowledgment.
fn as_seen(at: At, reason: SendReason) -> SendReason {
    match (at, reason) {
        (At::Receiver, SendReason::ReorderTimeout) => SendReason::SackRecovery,
        _ => reason,
    }
}

/// What goes again, and the new text that a timer sends.
fn is_asked(reason: SendReason) -> bool {
    reason.is_retransmission() || reason == SendReason::TailProbeWithNewData
}

/// What the sender did shortly before, for a look at a difference.
fn around(world: &World, sender: HostId, at: tcp::Instant) -> String {
    let near = std::time::Duration::from_millis(40);
    let entries = world.log().iter().filter(|entry| entry.host == sender && entry.at <= at);
    let lines = entries.filter(|entry| at.since(entry.at) < near).filter_map(|entry| match &entry.what {
        Happening::Traced(record) => Some((entry.at, record.trace)),
        _ => None,
    });
    let text = |(at, trace)| match trace {
        tcp::Trace::Sent { segment, why } => {
            format!("{at:?} sent {:?}+{} {}\n", segment.seq, segment.len_bytes, why.name())
        }
        tcp::Trace::Taken { segment } => format!("{at:?} taken ack {:?}\n", segment.ack),
        other => format!("{at:?} {other:?}\n"),
    };
    lines.map(text).collect()
}
