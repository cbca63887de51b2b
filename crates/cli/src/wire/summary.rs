//! How the wire did, for people and for programs.

use super::carry::State;
use crate::terminal::plain;
use netem::Lost;
use report::{Style, numbers};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The sums at the end.
pub(super) struct Summary<'a> {
    pub(super) names: &'a [String; 2],
    pub(super) seed: u64,
    pub(super) elapsed: Duration,
    pub(super) states: &'a [State; 2],
}

/// What a program reads when the wire is there.
pub(super) fn ready(names: &[String; 2], seed: u64, addresses: &[Vec<String>]) -> Value {
    let ends: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(number, name)| json!({ "name": name, "addresses": addresses.get(number).cloned().unwrap_or_default() }))
        .collect();
    json!({ "event": "ready", "seed": seed, "ends": ends })
}

/// A direction in one line, with what it did since `before`.
pub(super) fn line(names: &[String; 2], side: usize, state: &State, before: &State, style: &Style) -> String {
    let time = state.at.saturating_sub(before.at);
    let bytes = state.left_bytes.saturating_sub(before.left_bytes);
    let arrow = arrow(names, side);
    let mut line = format!(
        "{arrow}  {} frames  {}  {}  queue {} (most {})",
        numbers::grouped(state.left_frames),
        numbers::bytes(state.left_bytes),
        numbers::rate_of(bytes, time),
        numbers::bytes(state.queue_bytes),
        numbers::bytes(state.queue_bytes_max),
    );
    let lost: Vec<String> = lost(state)
        .map(|(_, key, count)| format!("{} {}", numbers::grouped(count), key.replace('_', " ")))
        .collect();
    if !lost.is_empty() {
        line += &format!("  lost: {}", lost.join(", "));
    }
    // A line that wraps would be two when the next is drawn over it.
    plain(line.chars().take(style.width).collect(), style)
}

fn arrow(names: &[String; 2], side: usize) -> String {
    format!("{} -> {}", names[side], names[1 - side])
}

/// What was lost: why in words, why in JSON, and how much of it, if anything.
fn lost(state: &State) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
    let counts = state.counts;
    let on_the_way = Lost::ALL.into_iter().map(move |why| (why.name(), key(why), counts.lost(why)));
    let refused = ("refused by the device", "refused", state.refused_frames);
    on_the_way.chain([refused]).filter(|(.., count)| *count > 0)
}

/// The name of a reason in JSON.
const fn key(why: Lost) -> &'static str {
    match why {
        Lost::Wire => "wire",
        Lost::QueueFull => "queue_full",
        Lost::QueueManaged => "queue_managed",
        Lost::Outage => "outage",
        Lost::TooBig => "too_big",
        Lost::Fate => "fate",
        Lost::Merged => "merged",
        Lost::Middlebox => "middlebox",
        Lost::Overflow => "overflow",
        _ => "other",
    }
}

impl Summary<'_> {
    pub(super) fn text(&self, style: &Style) -> String {
        let mut text = format!("after {}, seed {}\n", numbers::duration(self.elapsed), self.seed);
        for (side, state) in self.states.iter().enumerate() {
            let counts = &state.counts;
            text += &format!(
                "{}\n  in   {}, {}\n  out  {}, {}, {}\n",
                arrow(self.names, side),
                numbers::count(counts.entered_frames, "frame"),
                numbers::bytes(counts.entered_bytes),
                numbers::count(state.left_frames, "frame"),
                numbers::bytes(state.left_bytes),
                numbers::rate_of(state.left_bytes, self.elapsed),
            );
            let made = [
                (counts.copies, "arrived twice"),
                (counts.pieces, "made by splitting"),
                (counts.marked, "marked"),
                (counts.corrupted, "damaged"),
                (counts.held_back, "held back"),
                (counts.answers, "answered as too big"),
                (state.held_frames as u64, "still on their way"),
            ];
            for (why, _, count) in lost(state) {
                text += &format!("       {} lost: {why}\n", numbers::grouped(count));
            }
            for (count, what) in made.into_iter().filter(|(count, _)| *count > 0) {
                text += &format!("       {} {what}\n", numbers::grouped(count));
            }
            text += &format!(
                "       queue: at most {}, {}\n       late: 50 % at most {}, 99 % {}, all {}\n",
                numbers::count(state.queue_frames_max as u64, "frame"),
                numbers::bytes(state.queue_bytes_max),
                numbers::duration(state.lateness.permille(500)),
                numbers::duration(state.lateness.permille(990)),
                numbers::duration(state.lateness.max()),
            );
        }
        plain(text, style)
    }

    pub(super) fn json(&self) -> String {
        let directions: Vec<Value> =
            self.states.iter().enumerate().map(|(side, state)| self.direction(side, state)).collect();
        let summary = json!({
            "event": "summary",
            "seed": self.seed,
            "seconds": self.elapsed.as_secs_f64(),
            "directions": directions,
        });
        format!("{summary}\n")
    }

    fn direction(&self, side: usize, state: &State) -> Value {
        let counts = &state.counts;
        let mut lost: Map<String, Value> =
            Lost::ALL.into_iter().map(|why| (key(why).to_owned(), counts.lost(why).into())).collect();
        lost.insert("refused".to_owned(), state.refused_frames.into());
        let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
        json!({
            "from": self.names[side],
            "to": self.names[1 - side],
            "in_frames": counts.entered_frames,
            "in_bytes": counts.entered_bytes,
            "out_frames": state.left_frames,
            "out_bytes": state.left_bytes,
            "out_bits_per_s": state.left_bytes as f64 * 8.0 / self.elapsed.as_secs_f64().max(1e-9),
            "copies": counts.copies,
            "pieces": counts.pieces,
            "marked": counts.marked,
            "damaged": counts.corrupted,
            "held_back": counts.held_back,
            "answers": counts.answers,
            "under_way": state.held_frames,
            "lost": lost,
            "queue_frames_max": state.queue_frames_max,
            "queue_bytes_max": state.queue_bytes_max,
            "late_us": {
                "p50": micros(state.lateness.permille(500)),
                "p99": micros(state.lateness.permille(990)),
                "max": micros(state.lateness.max()),
            },
        })
    }
}

#[cfg(test)]
mod tests;
