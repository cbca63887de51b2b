//! What the server tells: connections as they open and close, requests, the beginning and the end; as
//! text for people or as JSON lines for programs.
//!
//! Lines are put into words and written by a thread of their own, so that neither that nor a slow reader slows anybody
//! down; when it is too slow for the bounded queue, lines are dropped and counted.

use super::time_of_day::{self, since_1970};
use crate::failure::{Failure, print};
use crate::terminal::{foreign, plain, shows_itself};
use http::StatusCode;
use report::{Charset, ColorChoice, Style, numbers};
use serde_json::{Value, json};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use synfin::{ClosedBy, ConnectionEvent, ConnectionSummary};

/// Lines that wait to be written: some 4 MB.
const LINES_MAX: usize = 16_384;

/// Lines that are written at once, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// After lines were written, others are gathered for so long: to wake the thread for each would cost the server more
/// than the line. Nobody sees a line later by so little.
const GATHER_TIME: Duration = Duration::from_millis(5);

/// Characters of a target that are shown to people.
const TARGET_CHARS_MAX: usize = 200;

/// How lines look.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// For people.
    Text(Style),
    /// One object a line, for programs.
    Json,
}

/// Where everything is told. Clones write to the same place.
#[derive(Clone)]
pub(crate) struct Journal {
    manner: Manner,
    lines: SyncSender<Line>,
    dropped: Arc<AtomicU64>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

enum Line {
    Text(String),
    /// What happened then, put into words by the thread that writes.
    Later(Duration, Box<dyn FnOnce(&Page) -> String + Send>),
    End,
}

/// How a line of a moment is written.
struct Page {
    manner: Manner,
    /// Since 1970.
    time: Duration,
}

/// What there is to say when the server is up.
pub(crate) struct Announcement {
    /// The folder that is served.
    pub(crate) folder: String,
    /// Where uploads go, if they are taken.
    pub(crate) uploads: Option<String>,
    /// Where to find us.
    pub(crate) urls: Vec<String>,
    /// The TUN interface.
    pub(crate) interface: String,
    /// The kernel's side of it.
    pub(crate) hosts: Vec<String>,
}

/// A request and its answer.
pub(crate) struct Asked<'a> {
    /// Who asked.
    pub(crate) peer: SocketAddr,
    /// `GET`.
    pub(crate) method: &'a str,
    /// For what.
    pub(crate) target: &'a str,
    /// 200.
    pub(crate) status: StatusCode,
    /// How long the answer's content is, if it may have any.
    pub(crate) body_bytes: Option<u64>,
}

impl Asked<'_> {
    /// What was asked was no whole request.
    pub(crate) fn nothing(peer: SocketAddr, status: StatusCode) -> Self {
        Asked { peer, method: "-", target: "-", status, body_bytes: None }
    }
}

impl Journal {
    /// Starts the thread that writes.
    pub(crate) fn start(manner: Manner) -> Result<Journal, Failure> {
        let (lines, waiting) = mpsc::sync_channel(LINES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let writer = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(&waiting, manner))
            .map_err(|error| Failure::io("start a thread", &error))?;
        Ok(Journal { manner, lines, dropped, writer: Arc::new(Mutex::new(Some(writer))) })
    }

    /// What the stack calls as connections open and close.
    pub(crate) fn observer(&self) -> impl FnMut(ConnectionEvent) + Send + 'static {
        let journal = self.clone();
        move |event| match event {
            ConnectionEvent::Opened { local, remote, .. } => journal.opened(local, remote),
            ConnectionEvent::PathDoubted { local, remote, .. } => journal.doubted(local, remote),
            ConnectionEvent::Closed(summary) => journal.closed(summary),
            _ => {}
        }
    }

    /// The server is up.
    pub(crate) fn listening(&self, what: &Announcement) {
        let Announcement { folder, uploads, urls, interface, hosts } = what;
        match self.manner {
            Manner::Json => self.object(json!({
                "event": "listening", "folder": folder, "uploads": uploads, "urls": urls,
                "interface": interface, "kernel_addresses": hosts,
            })),
            Manner::Text(style) => {
                let (on, off) = ink(style, Ink::Strong);
                let mut text = format!(
                    "Serving {on}{folder}{off}, over {interface} (the kernel is {}):\n",
                    hosts.join(" and ")
                );
                for url in urls {
                    // curl takes the brackets of an IPv6 address for a pattern of its own without -g.
                    let globs = if url.contains('[') { "-g " } else { "" };
                    let quote = if url.contains('[') { "'" } else { "" };
                    text += &format!("  {on}curl {globs}{quote}{url}{quote}{off}\n");
                }
                if let (Some(uploads), Some(url)) = (uploads, urls.first()) {
                    let base = url.trim_end_matches('/');
                    text += &format!("Uploads are taken:\n  {on}curl -T FILE {base}{uploads}{off}\n");
                }
                text += "Ctrl-C closes the connections and ends.";
                self.line(Line::Text(text));
            }
        }
    }

    fn opened(&self, local: SocketAddr, remote: SocketAddr) {
        self.later(move |page| match page.manner {
            Manner::Json => page.object(json!({ "event": "opened", "peer": remote, "local": local })),
            Manner::Text(style) => {
                let (on, off) = ink(style, Ink::Opened);
                page.stamped(format_args!("{on}{} {remote} opened{off}", pick(style, "┌", "+")))
            }
        });
    }

    fn doubted(&self, local: SocketAddr, remote: SocketAddr) {
        match self.manner {
            Manner::Json => self.object(json!({ "event": "path-doubted", "peer": remote, "local": local })),
            Manner::Text(style) => {
                let sentence = "does not acknowledge what is sent; trying on";
                self.stamped(format_args!("{} {remote} {sentence}", pick(style, "│", "|")));
            }
        }
    }

    /// A request was read, and this is what is sent.
    pub(crate) fn asked(&self, asked: &Asked<'_>) {
        let Asked { peer, method, target, status, body_bytes } = *asked;
        let (method, target, status) = (method.to_owned(), target.to_owned(), status.as_u16());
        self.later(move |page| match page.manner {
            Manner::Json => page.object(json!({
                "event": "request", "peer": peer, "method": method, "target": target,
                "status": status, "body_bytes": body_bytes,
            })),
            Manner::Text(style) => {
                let (on, off) = if status >= 400 { ink(style, Ink::Refused) } else { ("", "") };
                let size = body_bytes.map_or(String::new(), |bytes| format!(", {}", numbers::bytes(bytes)));
                // What a client sent must not steer the terminal.
                let target: String = foreign(&target).chars().take(TARGET_CHARS_MAX).collect();
                let bar = pick(style, "│", "|");
                page.stamped(format_args!("{bar} {peer} {method} {target} {on}{status}{off}{size}"))
            }
        });
    }

    fn closed(&self, summary: Box<ConnectionSummary>) {
        self.later(move |page| match page.manner {
            Manner::Json => page.object(closed_object(&summary)),
            Manner::Text(style) => {
                let trouble = summary.failure.is_some();
                let (on, off) = if trouble { ink(style, Ink::Bad) } else { ink(style, Ink::Closed) };
                let corner = pick(style, "└", "-");
                let sentence = plain(closed_sentence(&summary), &style);
                page.stamped(format_args!("{on}{corner} {} {sentence}{off}", summary.remote))
            }
        });
    }

    /// Ctrl-C was pressed.
    pub(crate) fn closing(&self, connections: usize) {
        match self.manner {
            Manner::Json => self.object(json!({ "event": "closing", "connections": connections })),
            Manner::Text(_) if connections == 0 => {}
            Manner::Text(_) => {
                let count = numbers::count(connections as u64, "connection");
                self.stamped(format_args!("closing {count}; Ctrl-C again resets what is left"));
            }
        }
    }

    /// Something went wrong that is nobody's request.
    pub(crate) fn trouble(&self, sentence: &str) {
        match self.manner {
            Manner::Json => self.object(json!({ "event": "trouble", "text": sentence })),
            Manner::Text(style) => {
                let (on, off) = ink(style, Ink::Bad);
                self.stamped(format_args!("{on}{sentence}{off}"));
            }
        }
    }

    /// Writes what waits, and ends.
    pub(crate) fn finish(&self) {
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            self.trouble(&format!(
                "{} were left out here, because they came faster than they could be written",
                numbers::count(dropped, "line")
            ));
        }
        // The writer takes lines until this one, so there will be room.
        let _ = self.lines.send(Line::End);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It does not panic: it writes, or gives up writing.
        let _ = writer.map(JoinHandle::join);
    }

    fn object(&self, object: Value) {
        self.line(Line::Text(self.page().object(object)));
    }

    fn stamped(&self, text: fmt::Arguments<'_>) {
        self.line(Line::Text(self.page().stamped(text)));
    }

    /// The page of this moment.
    fn page(&self) -> Page {
        Page { manner: self.manner, time: since_1970() }
    }

    /// A line that the server has no time to put into words.
    fn later(&self, words: impl FnOnce(&Page) -> String + Send + 'static) {
        self.line(Line::Later(since_1970(), Box::new(words)));
    }

    fn line(&self, line: Line) {
        match self.lines.try_send(line) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Page {
    fn object(&self, mut object: Value) -> String {
        object["time"] = json!(self.time.as_secs_f64());
        in_plain_sight(&object.to_string())
    }

    fn stamped(&self, text: fmt::Arguments<'_>) -> String {
        let time = time_of_day::in_words(self.time);
        let (on, off) = match self.manner {
            Manner::Text(style) => ink(style, Ink::Dim),
            Manner::Json => ("", ""),
        };
        format!("{on}{time}{off} {text}")
    }
}

/// Writes lines until the end, as many at once as have come. When nobody reads our output any more, the lines are
/// thrown away and the server goes on.
fn write(waiting: &Receiver<Line>, manner: Manner) {
    let (mut is_read, mut is_over) = (true, false);
    while !is_over {
        let mut text = String::new();
        let mut next = waiting.recv().ok();
        while let Some(line) = next {
            match line {
                Line::Text(line) => text.push_str(&line),
                Line::Later(time, words) => text.push_str(&words(&Page { manner, time })),
                Line::End => {
                    is_over = true;
                    break;
                }
            }
            text.push('\n');
            next = if text.len() < TEXT_BYTES_MAX { waiting.try_recv().ok() } else { None };
        }
        // Without a server nothing came, and nothing will.
        is_over |= text.is_empty();
        is_read = is_read && print(&text).is_ok();
        if !is_over {
            std::thread::sleep(GATHER_TIME);
        }
    }
}

/// `closed by the client after 1.02 s: sent 1.00 GiB (8.43 Gbit/s), received 78 B, RTT 41 µs, no retransmissions`.
fn closed_sentence(summary: &ConnectionSummary) -> String {
    let ConnectionSummary { closed_by, failure, duration, info, .. } = summary;
    let how = match (failure, closed_by) {
        (Some(error), _) => format!("failed: {error},"),
        (None, ClosedBy::Us) => "closed by us".to_owned(),
        (None, ClosedBy::Peer) => "closed by the client".to_owned(),
        (None, ClosedBy::Neither) => "reset by us".to_owned(),
    };
    let sent_bytes = sent_bytes(summary);
    let with_rate = |bytes: u64| {
        // Below a megabyte the rate would be that of the handshake.
        let rate = if bytes < 1 << 20 {
            String::new()
        } else {
            format!(" ({})", numbers::rate_of(bytes, *duration))
        };
        format!("{}{rate}", numbers::bytes(bytes))
    };
    let rtt = info.rtt.map_or(String::new(), |rtt| format!(", RTT {}", numbers::duration(rtt)));
    let again = match info.retransmissions {
        0 => "no retransmissions".to_owned(),
        count => numbers::count(count.into(), "retransmission"),
    };
    format!(
        "{how} after {}: sent {}, received {}{rtt}, {again}",
        numbers::duration(*duration),
        with_rate(sent_bytes),
        with_rate(info.bytes_received)
    )
}

fn closed_object(summary: &ConnectionSummary) -> Value {
    let ConnectionSummary { local, remote, closed_by, failure, duration, info, .. } = summary;
    let seconds = |time: Duration| time.as_secs_f64();
    json!({
        "event": "closed",
        "peer": remote,
        "local": local,
        "closed_by": match closed_by {
            ClosedBy::Us => Some("server"),
            ClosedBy::Peer => Some("client"),
            ClosedBy::Neither => None,
        },
        "failure": failure.map(|error| error.to_string()),
        "duration_s": seconds(*duration),
        "bytes_sent": sent_bytes(summary),
        "bytes_acknowledged": info.bytes_acked,
        "bytes_received": info.bytes_received,
        "bytes_retransmitted": info.bytes_retransmitted,
        "retransmissions": info.retransmissions,
        "timeouts": info.timeouts,
        "rtt_s": info.rtt.map(seconds),
        "rtt_min_s": info.rtt_min.map(seconds),
        "mss_bytes": info.send_mss_bytes,
        "cwnd_bytes": info.cwnd_bytes,
    })
}

/// JSON that means the same and that a terminal shows as it is: what does not show itself, which occurs in
/// strings only, as escapes (RFC 8259 §7).
fn in_plain_sight(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if shows_itself(c) {
            shown.push(c);
        } else {
            let mut units = [0; 2];
            shown.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    shown
}

/// What was sent, each byte counted once.
fn sent_bytes(summary: &ConnectionSummary) -> u64 {
    summary.info.bytes_sent.saturating_sub(summary.info.bytes_retransmitted)
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy)]
enum Ink {
    Strong,
    Dim,
    Opened,
    Closed,
    Refused,
    Bad,
}

/// What turns a colour on and off again.
fn ink(style: Style, ink: Ink) -> (&'static str, &'static str) {
    if style.color == ColorChoice::Never {
        return ("", "");
    }
    let on = match ink {
        Ink::Strong => "\x1b[1m",
        Ink::Dim => "\x1b[2m",
        Ink::Opened => "\x1b[32m",
        Ink::Closed => "\x1b[36m",
        Ink::Refused => "\x1b[33m",
        Ink::Bad => "\x1b[31m",
    };
    (on, "\x1b[0m")
}

fn pick<'a>(style: Style, unicode: &'a str, ascii: &'a str) -> &'a str {
    if style.charset == Charset::Ascii { ascii } else { unicode }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_plain_sight_means_the_same() {
        let object = json!({ "target": "/\u{202e}\u{e0041}\u{e9}\u{7f}\"\\\u{1b}" });
        let shown = in_plain_sight(&object.to_string());
        assert!(shown.contains("/\\u202e\\udb40\\udc41\u{e9}\\u007f"), "{shown}");
        let again: Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(again, object);
    }
}
