//! What stands out on a connection's axis of time: timeouts, closed windows, resets, ICMP errors.

use super::super::seconds;
use crate::page::Event;
use crate::words::{self, Language};
use lens::{Analysis, Connection, Order, Segment};
use tcp::{Instant, SendReason};
use wire::tcp::Flags;

/// The most events of one connection: more marks than a strip can show apart. Others are counted.
const EVENTS_MAX: usize = 256;

/// The events of a connection, in the order of its segments.
#[derive(Debug)]
pub(super) struct Events {
    origin: Instant,
    language: Language,
    /// The left end.
    left: lens::Side,
    list: Vec<Event>,
    left_out: u64,
    /// By side of the lens: its window is closed, and where the list says so, at this place.
    closed: [Option<Option<usize>>; 2],
}

impl Events {
    pub(super) fn of(captured: &Connection, language: Language) -> Events {
        let (origin, left) = (captured.first_time, captured.originator());
        let mut events = Events { origin, language, left, list: Vec::new(), left_out: 0, closed: [None; 2] };
        for heard in &captured.icmp {
            events.add(
                heard.time,
                heard.about,
                "icmp",
                u64::from(heard.frame),
                words::icmp(&heard.error, language),
            );
        }
        events
    }

    pub(super) fn take(&mut self, segment: &Segment, analysis: &Analysis) {
        if matches!(analysis.why.order, Order::CapturedTwice { .. }) {
            return;
        }
        let (from, reason) = (analysis.from, analysis.why.reason);
        let frame = u64::from(segment.frame);
        if reason == SendReason::Timeout {
            self.add(segment.time, from, "timeout", frame, words::reason(reason, self.language).to_owned());
        }
        if segment.flags.rst() {
            self.add(segment.time, from, "reset", frame, words::reason(reason, self.language).to_owned());
        } else if segment.flags.ack() && !segment.flags.intersects(Flags::SYN | Flags::FIN) {
            self.on_window(segment, analysis);
        }
    }

    fn on_window(&mut self, segment: &Segment, analysis: &Analysis) {
        let side = analysis.from.index();
        match (analysis.window_bytes, self.closed[side]) {
            (0, None) => {
                let frame = u64::from(segment.frame);
                let text = words::window_closed(self.language).to_owned();
                let place = self.add(segment.time, analysis.from, "zero-window", frame, text);
                self.closed[side] = Some(place);
            }
            (1.., Some(place)) => {
                let until = seconds(segment.time, self.origin);
                if let Some(event) = place.and_then(|place| self.list.get_mut(place)) {
                    event.until = Some(until);
                }
                self.closed[side] = None;
            }
            _ => {}
        }
    }

    fn add(
        &mut self,
        time: Instant,
        of: lens::Side,
        kind: &'static str,
        frame: u64,
        text: String,
    ) -> Option<usize> {
        if self.list.len() >= EVENTS_MAX {
            self.left_out += 1;
            return None;
        }
        let side = u8::from(of != self.left);
        self.list.push(Event { at: seconds(time, self.origin), until: None, side, kind, frame, text });
        Some(self.list.len() - 1)
    }

    /// The events, and how many more there were.
    pub(super) fn finish(self) -> (Vec<Event>, u64) {
        (self.list, self.left_out)
    }
}
