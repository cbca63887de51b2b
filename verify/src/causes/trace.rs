//! The kernel's trace as text, read into events with their stacks.
//!
//! The format is that of tracefs' file `trace` (`Documentation/trace/ftrace.rst`): a line for each event, and behind it, if
//! the event has a `stacktrace` trigger, a line `<stack trace>` and one line `=> function` for each caller. Events of several
//! processors are merged by time, so that a stack may stand behind another processor's event. A line that cannot be read is
//! counted, never guessed at. What is *not* here: what an event means.

use std::collections::BTreeMap;

/// An event of the trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// When, in nanoseconds of the trace's clock (its text has microseconds).
    pub time_ns: u64,
    /// The processor.
    pub cpu: u32,
    /// Its name, such as `tcp_retransmit_skb`.
    pub name: String,
    /// Its fields, by name.
    pub fields: BTreeMap<String, String>,
    /// The functions that led to it, the innermost first, without offsets and without the suffixes of clones
    /// (`.part.0`, `.isra.0`).
    pub stack: Vec<String>,
}

impl Event {
    /// Whether this function is among those that led to it.
    pub fn is_within(&self, function: &str) -> bool {
        self.stack.iter().any(|frame| frame == function)
    }
}

/// What a trace's text holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The events, as they stand.
    pub events: Vec<Event>,
    /// Events that the kernel had no room for.
    pub lost: u64,
    /// Lines that are neither events nor stacks nor comments.
    pub unreadable: u64,
}

impl Trace {
    /// Reads the text of the file `trace`.
    pub fn parse(text: &str) -> Trace {
        let mut trace = Trace::default();
        // The event that a stack belongs to, by processor, and the one whose stack is being read.
        let mut last: BTreeMap<u32, usize> = BTreeMap::new();
        let mut open = None;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() {
                continue;
            }
            if trimmed.starts_with('#') {
                trace.lost += lost_by_header(trimmed).unwrap_or(0);
                continue;
            }
            if let Some(function) = trimmed.strip_prefix("=>") {
                match open.and_then(|index: usize| trace.events.get_mut(index)) {
                    Some(event) => event.stack.push(bare_name(function)),
                    None => trace.unreadable += 1,
                }
                continue;
            }
            open = None;
            if let Some(lost) = lost_events(trimmed) {
                trace.lost += lost;
                continue;
            }
            let Some(head) = Head::of(trimmed) else {
                trace.unreadable += 1;
                continue;
            };
            if head.rest == "<stack trace>" {
                open = last.remove(&head.cpu);
                trace.unreadable += u64::from(open.is_none());
                continue;
            }
            let Some((name, fields)) = head.rest.split_once(':') else {
                trace.unreadable += 1;
                continue;
            };
            last.insert(head.cpu, trace.events.len());
            trace.events.push(Event {
                time_ns: head.time_ns,
                cpu: head.cpu,
                name: name.to_owned(),
                fields: pairs(fields),
                stack: Vec::new(),
            });
        }
        trace
    }
}

/// What stands before the event's own words.
struct Head<'a> {
    cpu: u32,
    time_ns: u64,
    rest: &'a str,
}

impl<'a> Head<'a> {
    /// `task-pid [cpu] flags seconds.micros: rest`; a task may have any name, brackets and colons too.
    fn of(line: &'a str) -> Option<Head<'a>> {
        line.match_indices('[').find_map(|(at, _)| {
            let (cpu, rest) = line[at + 1..].split_once(']')?;
            let cpu = cpu.parse().ok()?;
            let (_flags, rest) = rest.trim_start().split_once(' ')?;
            let (time, rest) = rest.trim_start().split_once(':')?;
            Some(Head { cpu, time_ns: nanoseconds(time)?, rest: rest.trim() })
        })
    }
}

/// `seconds.micros`, in nanoseconds.
fn nanoseconds(text: &str) -> Option<u64> {
    let (seconds, micros) = text.split_once('.')?;
    let is_micros = micros.len() == 6 && micros.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: u64 = seconds.parse().ok()?;
    let micros: u64 = micros.parse().ok().filter(|_| is_micros)?;
    seconds.checked_mul(1_000_000_000)?.checked_add(micros * 1_000)
}

/// `name=value` after `name=value`.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split_whitespace().filter_map(|word| word.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A function's name without its offset (`+0x1f/0x40`), its module (`[tcp_bbr]`) and the suffixes of a clone.
fn bare_name(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or("");
    let word = word.split('+').next().unwrap_or("");
    word.split('.').next().unwrap_or("").to_owned()
}

/// `CPU:1 [LOST 17 EVENTS]`
fn lost_events(line: &str) -> Option<u64> {
    let (_, rest) = line.strip_prefix("CPU:")?.split_once("[LOST ")?;
    rest.split_once(" EVENTS]")?.0.parse().ok()
}

/// `# entries-in-buffer/entries-written: 1000/1017   #P:2`
fn lost_by_header(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once("entries-in-buffer/entries-written:")?;
    let (kept, written) = rest.split_whitespace().next()?.split_once('/')?;
    written.parse::<u64>().ok()?.checked_sub(kept.parse().ok()?)
}

#[cfg(test)]
mod tests;
