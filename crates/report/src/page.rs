//! One HTML file that shows connections: lists, lanes of states, graphs, ladder, findings.
//!
//! [`Data`] is plain values; [`html`] puts them, the styles and the scripts into one text that opens
//! from disk. The page loads nothing from the network (its content security policy forbids it), and what
//! a peer sent is text in it, never markup. What is *not* here: analysis; the page derives only what it
//! draws (bytes in flight, and round trips where the data has none).

mod embedded;
mod family;
mod from_ladder;
mod packed;

#[cfg(test)]
mod tests;

pub use family::Family;

use crate::words::{self, Language};
use serde::Serialize;

/// Everything that a page shows.
///
/// ```
/// use synfin_report::page::{Data, html};
/// let page = html(&Data { title: "demo".into(), ..Data::default() });
/// assert!(page.starts_with("<!doctype html>"));
/// ```
///
/// Fields are added in minor versions: write `Data { title, ..Data::default() }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Data {
    /// The language of the page's own words: buttons, headings, legends.
    pub language: Language,
    /// The title of the page.
    pub title: String,
    /// What the page shows: a file's name, a simulation and its seed.
    pub source: String,
    /// What the reader must know first: the file is cut short, connections were left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// The connections, in the order of their numbers.
    pub connections: Vec<Connection>,
    /// Findings of one kind and host together, the most serious first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<FindingGroup>,
    /// The findings, each in a group or alone.
    pub findings: Vec<Finding>,
}

/// One connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Connection {
    /// Its number.
    pub stream: u64,
    /// The left and the right end; usually the left one opened.
    pub ends: [End; 2],
    /// Seconds from its first to its last segment.
    pub duration: f64,
    /// Bytes of text that each end sent.
    pub bytes: [u64; 2],
    /// Sentences that sum it up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub story: Vec<String>,
    /// Numbers of both directions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// The initial sequence numbers, where they are known.
    pub isn: [Option<u32>; 2],
    /// The segments, in the order of time.
    pub segments: Vec<Segment>,
    /// Segments that were left out at the end, to keep the page small.
    pub segments_left_out: u64,
    /// The states before the first segment, where they are known.
    pub first_states: [Option<&'static str>; 2],
    /// The state changes of both ends, in the order of time.
    pub moves: Vec<Move>,
    /// Calls of the application, timers, troubles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Round-trip times of what each end sent: when and how long, in seconds. If there are none, the page
    /// measures from text to its acknowledgment.
    pub rtt: [Vec<(f64, f64)>; 2],
    /// Congestion windows of both ends: when in seconds, and bytes.
    pub cwnd: [Vec<(f64, f64)>; 2],
    /// The states in the end, where they are known.
    pub last_states: [Option<&'static str>; 2],
    /// How it ended: `client closed first`; empty where that is not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ending: String,
    /// The round trip of the handshake, or else the median, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip: Option<f64>,
    /// Segments that each end sent again.
    pub again: [u32; 2],
    /// How long each end waited for its application, the network, the receiver's window, itself, in seconds.
    pub limited: [[f64; 4]; 2],
    /// The same along the axis of time: a bounded number of spans for each end.
    pub limits: [Vec<LimitSpan>; 2],
    /// Timeouts, closed windows, resets, ICMP errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Events beyond the bound.
    #[serde(skip_serializing_if = "is_zero")]
    pub events_left_out: u64,
}

/// A span of time, and what the sender waited for in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LimitSpan {
    /// Its begin, in seconds.
    pub from: f64,
    /// Its end, in seconds.
    pub to: f64,
    /// Seconds in which it waited for its application, the network, the receiver's window, itself.
    pub waited: [f64; 4],
}

/// Something that stands out on the axis of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Event {
    /// When, in seconds.
    pub at: f64,
    /// When it was over, where that is known: a window that opened again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<f64>,
    /// 0 the left end, 1 the right one.
    pub side: u8,
    /// `timeout`, `zero-window`, `reset`, `icmp`.
    pub kind: &'static str,
    /// The frame that shows it.
    pub frame: u64,
    /// In words.
    pub text: String,
}

/// One end.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct End {
    /// What to call it: `client`; may be empty.
    pub name: String,
    /// Address and port.
    pub address: String,
}

/// One line of numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// The left and the right end's, with units.
    pub values: [String; 2],
}

/// One segment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Segment {
    /// Its number in the capture; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub frame: u64,
    /// When, in seconds since the origin of the page.
    pub at: f64,
    /// 0 from the left end, 1 from the right one.
    pub from: u8,
    /// `SYN, ACK`; with AccECN's number instead of three of them: `ACK, ACE=5`.
    pub flags: String,
    /// The sequence number as it is in the header.
    pub seq: u32,
    /// The acknowledgment number as it is in the header; absent without ACK.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<u32>,
    /// Bytes of text.
    pub len: u32,
    /// The window it offers, in bytes.
    pub window: u32,
    /// SACK blocks, raw.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sack: Vec<(u32, u32)>,
    /// Other options whose values are shown: AccECN's counters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub options: String,
    /// A word for why it was sent: `rto`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub why: &'static str,
    /// The family of this reason, by [`Family::name`].
    #[serde(skip_serializing_if = "str::is_empty")]
    pub family: &'static str,
    /// The same as a phrase for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// It is a retransmission.
    #[serde(skip_serializing_if = "is_false")]
    pub again: bool,
    /// `lost`, `stray`, `in_flight`; empty when it arrived or was seen.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub fate: &'static str,
    /// When it arrived, where that is known, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived: Option<f64>,
    /// Wireshark's verdicts, short: `retransmission`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub analysis: Vec<String>,
    /// Other remarks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The states after it, where they changed.
    #[serde(skip_serializing_if = "is_unmoved")]
    pub states: [Option<&'static str>; 2],
}

/// A state change of one end.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Move {
    /// When, in seconds.
    pub at: f64,
    /// 0 the left end, 1 the right one.
    pub side: u8,
    /// The state after.
    pub to: &'static str,
    /// The cause, with its section where that helps: `rcv FIN (RFC 9293 §3.10.7.4)`.
    pub on: String,
    /// No segment of the list shows it, so it is a separate row of the ladder.
    #[serde(skip_serializing_if = "is_false")]
    pub alone: bool,
}

/// Something that happened at one end.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Note {
    /// When, in seconds.
    pub at: f64,
    /// 0 the left end, 1 the right one.
    pub side: u8,
    /// `call`, `timer`, `undo`, `phase`, `trouble`.
    pub kind: &'static str,
    /// In words: `connect returns`.
    pub text: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// Worth a look.
    Note,
    /// It costs something.
    Warning,
    /// It is broken.
    Error,
}

/// A sentence that a person can act on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Finding {
    /// The connection it is about; `None` for the capture as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<u64>,
    /// How much it matters.
    pub severity: Severity,
    /// The sentence.
    pub text: String,
    /// The frames that show it.
    pub frames: Vec<u64>,
    /// The section of the RFC that it is about; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub section: String,
    /// Its group, by its place in [`Data::groups`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<usize>,
}

/// Findings of one kind and host.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FindingGroup {
    /// How much each of them matters.
    pub severity: Severity,
    /// A short name of the kind: `fin-unacknowledged`.
    pub kind: &'static str,
    /// Whose they are: an address, or who they have in common.
    pub host: String,
    /// One sentence for all of them.
    pub text: String,
    /// How many; the page may hold fewer of them.
    pub count: u64,
    /// The section of the RFC that they are about; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub section: String,
}

const PAGE: &str = include_str!("assets/page/page.html");
const STYLE: &str = include_str!("assets/page/page.css");
/// In this order: each part uses the ones before it.
const SCRIPTS: [&str; 4] = [
    include_str!("assets/page/model.js"),
    include_str!("assets/page/graphs.js"),
    include_str!("assets/page/ladder.js"),
    include_str!("assets/page/lists.js"),
];
/// What makes a page of the parts.
const MAIN: &str = include_str!("assets/page/main.js");

/// The style of the page, for another page that shows the same things.
pub fn style() -> &'static str {
    STYLE
}

/// The scripts that draw graphs, ladder and lists, without the one that makes a page of them.
///
/// They are to stand in one function with a script that has a `view` and a `pick` of its own, after elements with the
/// names of this page and the two texts `data` and `details`, which may be empty tables.
///
/// ```
/// use synfin_report::page;
/// assert!(page::scripts().iter().any(|script| script.contains("function drawLadder")));
/// assert!(page::style().contains("#ladder"));
/// ```
pub fn scripts() -> &'static [&'static str] {
    &SCRIPTS
}

/// The page as one text.
pub fn html(data: &Data) -> String {
    let (listed, details) = (embedded::listed(data), embedded::details(data));
    let title = crate::svg::escape(if data.title.is_empty() { "synfin" } else { &data.title });
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + listed.len() + details.len() + 65_536);
    for part in PAGE.split("{{") {
        let (name, text) = part.split_once("}}").unwrap_or(("", part));
        match name {
            "title" => page.push_str(&title),
            "style" => page.push_str(STYLE),
            "data" => page.push_str(&listed),
            "details" => page.push_str(&details),
            "script" => page.extend(SCRIPTS.iter().chain([&MAIN]).copied()),
            "lang" => page.push_str(data.language.tag()),
            "words" => page.push_str(&surface(data.language)),
            key => page.push_str(&crate::svg::escape(word(key, data.language))),
        }
        page.push_str(text);
    }
    page
}

/// The words of the page's surface in a language, a JSON object of keys and texts: what the scripts of the page read from
/// the element `words`.
///
/// ```
/// use synfin_report::{page, words::Language};
/// assert!(page::surface(Language::Chinese).contains("\"ladder\":\"时序图\""));
/// ```
pub fn surface(language: Language) -> String {
    let words: std::collections::BTreeMap<_, _> = words::page(language).iter().copied().collect();
    embedded::json(&words)
}

/// A text of the surface; empty for no key, such as what stands before the first.
fn word(key: &str, language: Language) -> &'static str {
    words::page(language).iter().find(|(known, _)| *known == key).map_or("", |(_, text)| text)
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_unmoved(states: &[Option<&'static str>; 2]) -> bool {
    *states == [None, None]
}
