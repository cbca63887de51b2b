//! What a person should know: sentences with names, severity, evidence and the rule.
//!
//! A finding looks at the summary of one connection and says something, or nothing. One file each;
//! to add one, copy a file and enter it in the list below. What is *not* here: counting; that is
//! `metrics` and the landmarks.

mod answer_refused;
mod capture_duplicates;
mod capture_loss;
mod capture_one_sided;
mod capture_order;
mod challenge_ack;
mod congestion_marked;
mod data_after_close;
mod ecn_changed;
mod fast_open;
mod fin_unacknowledged;
mod half_closed;
mod keep_alive;
mod loss;
mod marks_not_echoed;
mod mtu_black_hole;
mod nagle_delayed_ack;
mod no_row;
mod odd_open;
mod options_missing;
mod path_probed;
mod port_reuse;
mod refused;
mod reordering;
mod reset;
mod reset_ignored;
mod rules;
mod spurious;
mod syn_unanswered;
mod timeouts;
mod window_limited;
mod zero_window;

#[cfg(test)]
mod tests;

use crate::{Connection, Frame, Seen, Side};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Good to know.
    Info,
    /// It costs time, or breaks a SHOULD.
    Warning,
    /// Data or the connection was lost, or a MUST was broken.
    Problem,
}

impl Severity {
    /// In lower case, for JSON and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Problem => "problem",
        }
    }
}

/// The frames that show a finding, the first of them if there are many.
pub type Evidenced = Vec<Frame>;

/// Something that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// A short name for filters: `fin-unacknowledged`.
    pub kind: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The connection.
    pub stream: u32,
    /// What happened, to whom, and what to do about it when there is something to do.
    pub sentence: String,
    /// The frames that show it.
    pub frames: Evidenced,
    /// The document and section, where a rule is broken or explains it: `9293#3.6`.
    pub section: Option<&'static str>,
}

impl Finding {
    fn new(kind: &'static str, severity: Severity, connection: &Connection, sentence: String) -> Finding {
        Finding { kind, severity, stream: connection.stream, sentence, frames: Vec::new(), section: None }
    }

    fn by(mut self, frames: impl IntoIterator<Item = Frame>) -> Finding {
        for frame in frames {
            if frame != 0 && !self.frames.contains(&frame) {
                self.frames.push(frame);
            }
        }
        self
    }

    fn see(mut self, section: &'static str) -> Finding {
        self.section = Some(section);
        self
    }
}

/// Looks at one connection.
type Look = fn(&Connection) -> Vec<Finding>;

/// Every finding.
const ALL: &[Look] = &[
    answer_refused::look,
    capture_duplicates::look,
    capture_loss::look,
    capture_one_sided::look,
    capture_order::look,
    challenge_ack::look,
    congestion_marked::look,
    data_after_close::look,
    ecn_changed::look,
    fast_open::look,
    fin_unacknowledged::look,
    half_closed::look,
    keep_alive::look,
    loss::look,
    marks_not_echoed::look,
    mtu_black_hole::look,
    nagle_delayed_ack::look,
    no_row::look,
    odd_open::look,
    options_missing::look,
    path_probed::look,
    port_reuse::look,
    refused::look,
    reordering::look,
    reset::look,
    reset_ignored::look,
    rules::look,
    spurious::look,
    syn_unanswered::look,
    timeouts::look,
    window_limited::look,
    zero_window::look,
];

/// Gives `take` what every finding says of `connection`, the serious first.
pub(crate) fn look(connection: &Connection, take: &mut dyn FnMut(Finding)) {
    let mut found = Vec::new();
    for look in ALL {
        found.append(&mut look(connection));
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found.into_iter().for_each(take);
}

/// The address of an end as people say it.
fn name(connection: &Connection, side: Side) -> String {
    connection.address(side).to_string()
}

/// "1 packet was", "3 packets were": the number and the words that fit it.
fn counted(count: u32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// "once", "twice", "5 times".
fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

fn frames_of(seen: Seen) -> [Frame; 2] {
    [seen.first_frame, seen.last_frame]
}
