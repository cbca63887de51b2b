//! The room of sentences: what the engine, the lens and the ladder say to a person. One file per language, and a directory.
//!
//! A sentence is made of a value and nothing else: its kind, its numbers and signs. What is *not* here: what to say of a
//! connection; `lens` decides that. Every language has every kind, or it does not compile, and tests go through the kinds
//! that other crates may add to. English words of a value are its own (`SendReason::sentence`, `FindingId::about`).

mod en;
mod labels;
mod said;
mod zh;

pub use labels::Label;

use crate::ladder::{NoteText, Remark, Story};
use crate::page::Family;
use lens::capture::{Damage, Error};
use lens::{
    Completeness, Connection, Contents, Correction, Finding, FindingGroup, FindingId, Frame, IcmpError,
    Notice, Severity, TimeOrder, Verdicts,
};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::io;
use std::time::Duration;
use tcp::state::Cause;
use tcp::{Growth, Refusal, SendReason, Timer};

/// The language of sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Language {
    /// English, `en`.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Chinese in simplified characters, `zh`.
    #[serde(rename = "zh")]
    Chinese,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Its tag for HTML (RFC 5646): `en`, `zh-CN`.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }
}

/// The same function of each language.
macro_rules! spoken {
    ($language:expr, $($call:tt)+) => {
        match $language {
            Language::English => en::$($call)+,
            Language::Chinese => zh::$($call)+,
        }
    };
}

/// What happened, to whom, and what to do about it when there is something to do.
///
/// ```
/// use synfin_report::{lens, words};
/// let kept = lens::Kept::default();
/// for finding in &kept.findings {
///     println!("{}", words::finding(finding, words::Language::English));
/// }
/// ```
pub fn finding(finding: &Finding, language: Language) -> String {
    spoken!(language, finding(finding))
}

/// The same of findings of one kind and host together.
pub fn group(group: &FindingGroup, language: Language) -> String {
    spoken!(language, group(group))
}

/// What a kind of finding says, in a few words.
pub fn kind(id: FindingId, language: Language) -> &'static str {
    spoken!(language, kind(id))
}

/// A kind of finding where there is little room: its name in English, what it says in another language.
pub(crate) fn short_kind(id: FindingId, language: Language) -> &'static str {
    match language {
        Language::English => id.name(),
        Language::Chinese => zh::kind(id).trim_end_matches('。'),
    }
}

/// What limited the transfer, a line for each direction that had one, the larger first; and how long the other end thought
/// and paused.
pub fn limits(connection: &Connection, language: Language) -> Vec<String> {
    spoken!(language, limits(connection))
}

/// What a later frame shows of an earlier one: `frame 17: now timeout, not tail-loss probe (frame 23 shows it)`.
pub fn correction(correction: &Correction, language: Language) -> String {
    spoken!(language, correction(correction))
}

/// What the lens could not do.
pub fn notice(notice: &Notice, language: Language) -> String {
    spoken!(language, notice(notice))
}

/// Why a segment was sent, fit to stand beside it: `delayed ACK`.
///
/// ```
/// use synfin_report::words::{self, Language};
/// use tcp::SendReason;
/// assert_eq!(words::reason(SendReason::DelayedAck, Language::English), "delayed ACK");
/// assert_eq!(words::reason(SendReason::DelayedAck, Language::Chinese), "延迟确认");
/// ```
pub fn reason(reason: SendReason, language: Language) -> &'static str {
    spoken!(language, reason(reason))
}

/// Why a segment was refused.
pub fn refusal(why: Refusal, language: Language) -> &'static str {
    spoken!(language, refusal(why))
}

/// Why a state changed: `rcv FIN`.
pub fn cause(on: Cause, language: Language) -> &'static str {
    spoken!(language, cause(on))
}

/// A timer: `retransmit`.
pub fn timer(timer: Timer, language: Language) -> &'static str {
    spoken!(language, timer(timer))
}

/// A remark on a segment.
pub fn remark(remark: &Remark, language: Language) -> String {
    spoken!(language, remark(remark))
}

/// A line of its own in a ladder.
pub fn note(text: &NoteText, language: Language) -> String {
    spoken!(language, note(text))
}

/// Wireshark's verdicts, each for itself: their short names in English.
pub fn verdicts(verdicts: Verdicts, language: Language) -> Vec<&'static str> {
    verdicts.iter().map(|verdict| spoken!(language, verdict(verdict))).collect()
}

/// A connection in one sentence: who opened, what was sent, who closed.
pub fn connection(connection: &Connection, language: Language) -> String {
    spoken!(language, connection(connection))
}

/// How a connection ended, in a few words with addresses and frames.
pub fn ended(connection: &Connection, language: Language) -> String {
    spoken!(language, ended(connection))
}

/// How a connection ended, without addresses: `server closed first`. The client is the end that opened.
pub fn ending(connection: &Connection, language: Language) -> String {
    spoken!(language, ending(connection))
}

/// How much of a connection's life a capture holds.
pub fn completeness(completeness: Completeness, language: Language) -> &'static str {
    spoken!(language, completeness(completeness))
}

/// What an ICMP error says, and who.
pub fn icmp(error: &IcmpError, language: Language) -> String {
    spoken!(language, icmp(error))
}

/// How much a finding matters.
pub fn severity(severity: Severity, language: Language) -> &'static str {
    spoken!(language, severity(severity))
}

/// A family of reasons, in a word.
pub fn family(family: Family, language: Language) -> &'static str {
    spoken!(language, family(family))
}

/// A heading, or what a number is.
pub fn label(label: Label, language: Language) -> &'static str {
    spoken!(language, label(label))
}

/// What the packets of a capture are that have no TCP segment: `310 UDP, 12 ARP`.
pub fn contents(contents: &Contents, language: Language) -> String {
    spoken!(language, contents(contents))
}

/// What is not explained of a capture, a sentence for each fact, as far as there is something to say. That nothing is TCP is
/// said by [`no_tcp`].
pub fn left_out(contents: &Contents, language: Language) -> Vec<String> {
    spoken!(language, left_out(contents))
}

/// What is in a capture that has no TCP connection.
pub fn no_tcp(contents: &Contents, language: Language) -> String {
    spoken!(language, no_tcp(contents))
}

/// How many connections there were and how they ended; `others` ended in ways that are not told.
pub fn connections(count: u64, endings: &[(String, u64)], others: u64, language: Language) -> String {
    spoken!(language, connections(count, endings, others))
}

/// How many findings there were, by severity: problems, warnings, and what is good to know.
pub fn findings([problems, warnings, infos]: [u64; 3], language: Language) -> String {
    spoken!(language, findings(problems, warnings, infos))
}

/// So many findings are in the page and not in the summary.
pub fn page_has_more(findings: u64, language: Language) -> String {
    spoken!(language, page_has_more(findings))
}

/// So many findings are not shown.
pub fn more_findings(findings: u64, language: Language) -> String {
    spoken!(language, more_findings(findings))
}

/// So many connections of all are not shown.
pub fn more_connections(more: u64, all: u64, language: Language) -> String {
    spoken!(language, more_connections(more, all))
}

/// A sentence about the connection of this number.
pub fn of_stream(stream: u32, sentence: &str, language: Language) -> String {
    spoken!(language, of_stream(stream, sentence))
}

/// A filter found nothing.
pub fn nothing_passes(language: Language) -> &'static str {
    spoken!(language, nothing_passes())
}

/// How many segments stood in a file behind later ones; nothing where none did.
pub fn put_in_order(order: &TimeOrder, language: Language) -> Option<String> {
    let late = crate::numbers::duration(Duration::from_nanos(order.late_ns_max()));
    (order.moved() > 0).then(|| spoken!(language, put_in_order(order.moved(), &late)))
}

/// Where a file is damaged or cut short.
pub fn damage(damage: &Damage, language: Language) -> String {
    spoken!(language, damage(damage))
}

/// Why a file cannot be read as a capture, and what to do; `source` is its name, if it has one.
///
/// ```
/// use synfin_report::{lens::capture, words};
/// let error = capture::Reader::new(&b""[..]).unwrap_err();
/// let said = words::unreadable(&error, "trace.pcap", words::Language::Chinese);
/// assert_eq!(said, "trace.pcap：抓包文件是空的，连文件头也没有：请重新抓包");
/// ```
pub fn unreadable(error: &Error, source: &str, language: Language) -> String {
    spoken!(language, unreadable(error, source))
}

/// A file is in its place.
pub fn wrote(file: impl Display, language: Language) -> String {
    spoken!(language, wrote(file))
}

/// Frames of an interface are seen from now on.
pub fn capturing(interface: &str, language: Language) -> String {
    spoken!(language, capturing(interface))
}

/// The interface cannot be set to hear what is meant for others.
pub fn only_own_frames(error: &io::Error, language: Language) -> String {
    spoken!(language, only_own_frames(error))
}

/// The interface has gone, or the like.
pub fn capture_ended(interface: &str, error: &io::Error, language: Language) -> String {
    spoken!(language, capture_ended(interface, error))
}

/// More came than could be taken.
pub fn dropped(dropped: impl Display, of: impl Display, language: Language) -> String {
    spoken!(language, dropped(dropped, of))
}

/// A filter asks how connections end, of a capture that is read once.
pub fn completeness_so_far(language: Language) -> &'static str {
    spoken!(language, completeness_so_far())
}

/// A stream was asked for that is not there.
pub fn no_stream(stream: u32, count: u64, language: Language) -> String {
    spoken!(language, no_stream(stream, count))
}

/// A remark in brackets, to stand behind a reason.
pub fn aside(text: &str, language: Language) -> String {
    spoken!(language, aside(text))
}

/// The texts of the page's own surface, by their keys.
pub(crate) fn page(language: Language) -> &'static [(&'static str, &'static str)] {
    spoken!(language, PAGE)
}

pub(crate) fn first_segments(count: u64, language: Language) -> String {
    spoken!(language, first_segments(count))
}

pub(crate) fn some_connections(held: u64, all: u64, language: Language) -> String {
    spoken!(language, some_connections(held, all))
}

pub(crate) fn page_title(source: &str, language: Language) -> String {
    spoken!(language, page_title(source))
}

pub(crate) fn wider(titles: &[&str], language: Language) -> String {
    spoken!(language, wider(titles))
}

pub(crate) fn stands_for(name: &str, address: &str, language: Language) -> String {
    spoken!(language, stands_for(name, address))
}

pub(crate) fn with_host(host: &str, language: Language) -> String {
    spoken!(language, with_host(host))
}

pub(crate) fn several_hosts(language: Language) -> &'static str {
    spoken!(language, several_hosts())
}

pub(crate) fn window_closed(language: Language) -> &'static str {
    spoken!(language, window_closed())
}

pub(crate) fn scale_inferred(language: Language) -> &'static str {
    spoken!(language, scale_inferred())
}

pub(crate) fn story(story: &Story, names: [&str; 2], language: Language) -> Vec<String> {
    spoken!(language, story(story, names))
}

/// A folded run of one side: data segments and their bytes, acknowledgments, duplicate ones.
pub(crate) fn folded(data: [u64; 2], acks: u64, duplicates: u64, language: Language) -> String {
    spoken!(language, folded(data, acks, duplicates))
}

pub(crate) fn arrives_later(by: Duration, language: Language) -> String {
    spoken!(language, arrives_later(by))
}

pub(crate) fn lost(language: Language) -> &'static str {
    spoken!(language, lost())
}

pub(crate) fn in_flight(language: Language) -> &'static str {
    spoken!(language, in_flight())
}

pub(crate) fn without_flags(language: Language) -> &'static str {
    spoken!(language, without_flags())
}

pub(crate) fn old(language: Language) -> &'static str {
    spoken!(language, old())
}

/// Two names.
pub(crate) fn both(one: &str, other: &str, language: Language) -> String {
    match language {
        Language::English => format!("{one} and {other}"),
        Language::Chinese => format!("{one}与{other}"),
    }
}

/// A segment with these flags was sent or received: `snd SYN`.
pub(crate) fn passed(was_sent: bool, flags: &str, language: Language) -> String {
    let verb = match (language, was_sent) {
        (Language::English, true) => "snd",
        (Language::English, false) => "rcv",
        (Language::Chinese, true) => "发送",
        (Language::Chinese, false) => "收到",
    };
    format!("{verb} {flags}")
}

/// A cause and where it is written: `rcv FIN (RFC 9293 §3.10.7.4)`.
pub(crate) fn cause_in(on: Cause, section: &str, language: Language) -> String {
    let on = cause(on, language);
    match language {
        Language::English => format!("{on} ({section})"),
        Language::Chinese => format!("{on}（{section}）"),
    }
}

/// What joins remarks on one segment.
pub(crate) fn semicolon(language: Language) -> &'static str {
    match language {
        Language::English => "; ",
        Language::Chinese => "；",
    }
}

/// A later frame shows that this segment was needless.
pub fn needless(frame: Frame, language: Language) -> String {
    spoken!(language, needless(frame))
}

/// A phase as BBR's specification writes it (draft-ietf-ccwg-bbr §3.4); another rule of growth by its own name.
const fn phase(growth: Growth) -> &'static str {
    match growth {
        Growth::Startup => "Startup",
        Growth::Drain => "Drain",
        Growth::ProbeBwDown => "ProbeBW_DOWN",
        Growth::ProbeBwCruise => "ProbeBW_CRUISE",
        Growth::ProbeBwRefill => "ProbeBW_REFILL",
        Growth::ProbeBwUp => "ProbeBW_UP",
        Growth::ProbeRtt => "ProbeRTT",
        _ => growth.name(),
    }
}

#[cfg(test)]
pub(crate) mod latin;
#[cfg(test)]
mod tests;
