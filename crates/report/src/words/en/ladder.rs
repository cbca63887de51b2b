//! What a ladder says beside its arrows and below them.

use super::findings::needless;
use crate::ladder::{NoteText, Remark, Story, Who};
use crate::numbers;
use lens::Notes;
use std::time::Duration;
use tcp::SendReason;

/// The story of a ladder; `names` are those of its ends.
pub(in crate::words) fn story(story: &Story, names: [&str; 2]) -> Vec<String> {
    let mut how = Vec::new();
    match story.opened {
        Some(Who::One(side)) => how.push(format!("{} opened", names[side.index()])),
        Some(Who::Both) => how.push("both opened at once".to_owned()),
        None => how.push("the opening was not seen".to_owned()),
    }
    match story.closed_first {
        Some(Who::One(side)) => how.push(format!("{} closed first", names[side.index()])),
        Some(Who::Both) => how.push("both closed at once".to_owned()),
        None if story.reset.is_none() => how.push("nobody closed".to_owned()),
        None => {}
    }
    if let Some(side) = story.reset {
        how.push(format!("{} reset", names[side.index()]));
    }
    let sent =
        [0, 1].map(|side| format!("{} sent {}", names[side], numbers::count(story.sent_bytes[side], "byte")));
    let mut lines = vec![how.join(", "), sent.join(", ")];
    let (lost, again) = (story.lost.iter().sum(), story.retransmitted.iter().sum());
    let mut troubles = Vec::new();
    if lost > 0 {
        troubles.push(format!("{} lost", numbers::count(lost, "segment")));
    }
    if again > 0 {
        troubles.push(numbers::count(again, "retransmission"));
    }
    if !troubles.is_empty() {
        lines.push(troubles.join(", "));
    }
    lines
}

pub(in crate::words) fn remark(remark: &Remark) -> String {
    match remark {
        Remark::SecondCopy => "a second copy".to_owned(),
        Remark::ThrownAway => "the receiver threw it away".to_owned(),
        Remark::Refused(why) => format!("refused: {}", why.sentence()),
        Remark::Ecn(meaning) => meaning.sentence().unwrap_or_default(),
        Remark::FastOpen(words) => words.sentence().unwrap_or_default(),
        Remark::PacketOf { bytes } => format!("a packet of {}", count(*bytes)),
        Remark::PathProbe { bytes } => format!("path probe: a packet of {}", count(*bytes)),
        Remark::LostPathProbe { bytes } => format!("lost path probe of {}", count(*bytes)),
        Remark::SeenLater { frame } => format!("seen later: frame {frame}"),
        Remark::Needless { frame } => needless(*frame),
        Remark::After { ns } => format!("after {}", numbers::duration(Duration::from_nanos(*ns))),
        Remark::Or(others) => or(others),
        Remark::Overtaken => "overtaken on the way".to_owned(),
        Remark::RadioAgain { first } => format!("the radio sent frame {first} again"),
        Remark::CapturedTwice { first } => format!("captured twice: frame {first} again"),
        Remark::InexactReset => "not exact: to be challenged".to_owned(),
        Remark::ResetOutside => "outside the window: to be ignored".to_owned(),
        Remark::Note(Notes::ECN_CONGESTION) => "marked here (CE)".to_owned(),
        Remark::Note(note) => note.names().map(|name| name.replace('-', " ")).collect::<Vec<_>>().join(", "),
        Remark::MayStillBeIn { end, state } => {
            format!("{end} may still be in {state}: nothing shows that this arrived")
        }
        Remark::Verdicts(verdicts) => format!("[{verdicts}]"),
        Remark::Said(text) => text.clone(),
    }
}

/// `or tail loss probe or new data`
fn or(others: &[Option<SendReason>]) -> String {
    let others: Vec<&str> = others.iter().flatten().map(|other| other.sentence()).collect();
    format!("or {}", others.join(" or "))
}

pub(in crate::words) fn note(text: &NoteText) -> String {
    match text {
        NoteText::Undone(sign) => sign.sentence().to_owned(),
        NoteText::Probing { growth, why } => {
            format!("BBR enters {}: {}", crate::words::phase(*growth), why.sentence())
        }
        NoteText::PathProbeArrived { bytes } => format!("the path probe of {} has arrived", count(*bytes)),
        NoteText::PathProbeLost { bytes } => format!("lost path probe of {}", count(*bytes)),
        NoteText::BlackHole { bytes } => format!("large packets vanish: {} from here on", count(*bytes)),
        NoteText::LeftOut { steps } => format!("{} more are not drawn", numbers::count(*steps, "step")),
        NoteText::Icmp { error, seq, of } => format!("{error} (seq {seq} of {of})"),
        NoteText::Said(text) => text.clone(),
    }
}

/// A folded run: `40 data segments, 58,400 bytes`; empty for nothing.
pub(in crate::words) fn folded(data: [u64; 2], acks: u64, duplicates: u64) -> String {
    let mut parts = Vec::new();
    if data[0] > 0 {
        parts.push(numbers::count(data[0], "data segment"));
        parts.push(numbers::count(data[1], "byte"));
    }
    if acks > 0 {
        parts.push(numbers::count(acks, "ACK"));
    }
    if duplicates > 0 {
        parts.push(numbers::count(duplicates, "duplicate ACK"));
    }
    parts.join(", ")
}

pub(in crate::words) fn arrives_later(by: Duration) -> String {
    format!("arrives {} later", numbers::duration(by))
}

pub(in crate::words) const fn lost() -> &'static str {
    "lost"
}

pub(in crate::words) const fn in_flight() -> &'static str {
    "still under way"
}

pub(in crate::words) const fn without_flags() -> &'static str {
    "none"
}

/// The number of an earlier connection's SYN.
pub(in crate::words) const fn old() -> &'static str {
    "old"
}

fn count(bytes: u32) -> String {
    numbers::count(u64::from(bytes), "byte")
}
