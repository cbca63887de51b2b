//! Sentences about a connection as a whole.

use super::{Connection, Opened};
use crate::Side;
use std::fmt;
use std::time::Duration;

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Opened::By(Side::A) => f.write_str("A opened"),
            Opened::By(Side::B) => f.write_str("B opened"),
            Opened::ByInferred(Side::A) => f.write_str("A opened (its SYN was not captured)"),
            Opened::ByInferred(Side::B) => f.write_str("B opened (its SYN was not captured)"),
            Opened::Simultaneously => f.write_str("both opened at once"),
            Opened::Unknown => f.write_str("the handshake was not captured"),
        }
    }
}

impl Connection {
    /// One sentence: who opened, what was sent, who closed.
    ///
    /// For instance: "10.0.0.1:51000 opened to 10.0.0.2:80; 2374 bytes sent, 537 received in 1.2 s;
    /// 10.0.0.2:80 closed first".
    pub fn sentence(&self) -> String {
        let from = self.originator();
        let (a, b) = (self.address(from), self.address(from.other()));
        let opening = match self.opened {
            Opened::By(_) | Opened::ByInferred(_) => format!("{a} opened to {b}"),
            Opened::Simultaneously => format!("{a} and {b} opened at once"),
            Opened::Unknown => format!("{a} and {b}, already open"),
        };
        let (sent, received) = (self.sent_by(from).unique_bytes, self.sent_by(from.other()).unique_bytes);
        let lasted = seconds(self.duration_ns());
        format!("{opening}; {sent} bytes sent, {received} received in {lasted}; {}", self.ending())
    }

    /// How it ended, in a few words.
    pub fn ending(&self) -> String {
        if let Some(at) = self.handshake.refused {
            let by = self.close.reset.map_or(Side::B, |reset| reset.by);
            return format!("{} refused it (frame {})", self.address(by), at.frame);
        }
        if let Some(reset) = self.close.reset {
            return format!("{} reset it (frame {})", self.address(reset.by), reset.at.frame);
        }
        if let Some(event) = self.ended_by_icmp {
            return format!("it was not opened: {} (frame {})", event.error, event.frame);
        }
        if self.was_never_opened() {
            return "never opened".to_owned();
        }
        match self.close.first {
            Some(_) if self.close.is_simultaneous => "both closed at once".to_owned(),
            Some(side) => {
                let frame = self.close.fins[side.index()].map_or(0, |fin| fin.sent.frame);
                format!("{} closed first (frame {frame})", self.address(side))
            }
            None => "still open when the capture ended".to_owned(),
        }
    }
}

/// A time for people: `4.2 s`, `35 ms`, `180 µs`.
pub(crate) fn seconds(ns: u64) -> String {
    let time = Duration::from_nanos(ns);
    match ns {
        0..1_000_000 => format!("{} µs", time.as_micros()),
        1_000_000..1_000_000_000 => format!("{} ms", time.as_millis()),
        1_000_000_000..100_000_000_000 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} s", time.as_secs()),
    }
}
