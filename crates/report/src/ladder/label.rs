//! The label of a segment: `SYN,ACK Seq=0 Ack=1`.

use super::{Arrival, Ladder, Numbers, Options, Segment, Side, Step, Windows};
use crate::style::padded;
use crate::words::{self, Language};
use wire::Seq;

/// From this distance on, a relative number is shown as negative, because an old segment is more likely than
/// one so far ahead.
const FAR: u32 = 1 << 31;
/// Numbers less than this far after the ISN of an earlier connection are shown relative to that ISN.
const NEAR: u32 = 1 << 16;

/// How numbers are written in one ladder.
pub(crate) struct Labels {
    bases: [Seq; 2],
    /// By side: the ISNs of SYNs that an earlier connection left in the network.
    old: [Vec<Seq>; 2],
    /// More than 1 GiB passed in this direction, so numbers may exceed 2 GiB and none is shown as negative.
    wraps: [bool; 2],
    numbers: Numbers,
    windows: Windows,
    language: Language,
}

/// How much room a label takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `ACK     Seq=1 Ack=1 Len=1460`
    Full,
    /// `ACK`; the numbers stand elsewhere.
    Flags,
}

impl Labels {
    pub(crate) fn of(ladder: &Ladder, options: &Options) -> Labels {
        let bases = [Side::Left, Side::Right].map(|side| base(ladder, side));
        let mut wraps = [false; 2];
        for segment in segments(ladder) {
            let distance = segment.facts.seq.bytes_since(bases[segment.from.index()]);
            wraps[segment.from.index()] |= (FAR / 2..FAR).contains(&distance);
        }
        let old = [Side::Left, Side::Right].map(|side| old_isns(ladder, side, bases[side.index()]));
        Labels {
            bases,
            old,
            wraps,
            numbers: options.numbers,
            windows: options.windows,
            language: options.language,
        }
    }

    /// A sequence number of `side` as it is shown.
    fn number(&self, seq: Seq, side: Side) -> String {
        if self.numbers == Numbers::Absolute {
            return seq.to_string();
        }
        let relative = self.relative(seq, side);
        let old = self.old[side.index()].iter().map(|isn| seq.bytes_since(*isn)).min();
        match old.filter(|beyond| relative < 0 && *beyond < NEAR) {
            Some(0) => words::old(self.language).to_owned(),
            Some(beyond) => format!("{}+{beyond}", words::old(self.language)),
            None => relative.to_string(),
        }
    }

    /// The distance of `seq`, a number of `side`, from the initial one; negative for older numbers.
    pub(crate) fn relative(&self, seq: Seq, side: Side) -> i64 {
        let distance = seq.bytes_since(self.bases[side.index()]);
        if distance >= FAR && !self.wraps[side.index()] {
            return i64::from(distance.cast_signed());
        }
        i64::from(distance)
    }

    /// The label of a segment.
    pub(super) fn text(&self, segment: &Segment, form: Form) -> String {
        let flags = flags(segment, self.language);
        match form {
            Form::Full => format!("{} {}", padded(&flags, 7), self.numbers(segment)),
            Form::Flags => flags,
        }
    }

    /// `Seq=1 Ack=1 Len=1460`.
    pub(super) fn numbers(&self, segment: &Segment) -> String {
        let facts = &segment.facts;
        let mut text = format!("Seq={}", self.number(facts.seq, segment.from));
        if facts.flags.ack() {
            text += &format!(" Ack={}", self.number(facts.ack, segment.from.other()));
        }
        if facts.len_bytes > 0 {
            text += &format!(" Len={}", facts.len_bytes);
        }
        let is_closed = facts.window_bytes == 0 && !facts.flags.rst();
        if is_closed || self.windows == Windows::All {
            text += &format!(" Win={}", facts.window_bytes);
        }
        text
    }
}

/// `SYN,ACK`; `ACK,ACE=5`; `none` for no flag.
fn flags(segment: &Segment, language: Language) -> String {
    let text = crate::flags::text(segment.facts.flags, segment.ace);
    if text.is_empty() { words::without_flags(language).to_owned() } else { text.replace(", ", ",") }
}

fn segments(ladder: &Ladder) -> impl Iterator<Item = &Segment> {
    ladder.steps.iter().filter_map(|step| match step {
        Step::Segment(segment) => Some(segment),
        _ => None,
    })
}

/// The ISNs of stray SYNs that are older than `base`.
fn old_isns(ladder: &Ladder, side: Side, base: Seq) -> Vec<Seq> {
    let is_old = |segment: &&Segment| {
        let facts = &segment.facts;
        segment.from == side
            && segment.arrival == Arrival::Stray
            && facts.flags.syn()
            && facts.seq.before(base)
    };
    segments(ladder).filter(is_old).map(|segment| segment.facts.seq).collect()
}

/// The number that is shown as 0: the ISN, or if it is not known, the number before the first one seen.
fn base(ladder: &Ladder, side: Side) -> Seq {
    if let Some(isn) = ladder.ends[side.index()].isn {
        return isn;
    }
    let ours = segments(ladder)
        .filter(|segment| segment.arrival != Arrival::Stray)
        .find(|segment| segment.from == side && (segment.facts.flags.syn() || !segment.facts.flags.rst()))
        .map(|segment| if segment.facts.flags.syn() { segment.facts.seq } else { segment.facts.seq - 1 });
    let acked = || {
        segments(ladder)
            .find(|segment| segment.from != side && segment.facts.flags.ack())
            .map(|segment| segment.facts.ack - 1)
    };
    ours.or_else(acked).unwrap_or_default()
}
