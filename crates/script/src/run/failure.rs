//! Why a script failed, for people.

use super::codec::live_of;
use super::flow::Flow;
use super::host::{Ends, Recorded};
use crate::ast::Direction;
use crate::source::Diagnostic;
use std::fmt;
use std::time::Duration;

/// The first thing that went otherwise than the script says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// What and where.
    pub diagnostic: Diagnostic,
    /// What the script expects, in its own notation.
    pub expected: Option<String>,
    /// What was seen, in the same notation.
    pub seen: Option<String>,
    /// In what they differ.
    pub differences: Vec<String>,
    /// The last packets that crossed the wire.
    pub ladder: Vec<Rung>,
}

/// One packet of the ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rung {
    /// When, counted from the script's start.
    pub at: Duration,
    /// The packet in the script's notation.
    pub packet: String,
    /// The state of our end after it; empty if there is no connection.
    pub state: String,
    /// Why the stack sent it; empty if it arrived.
    pub why: String,
}

/// How many packets the ladder shows.
const RUNGS_MAX: usize = 24;

impl Failure {
    pub(crate) fn new(diagnostic: Diagnostic) -> Self {
        Failure { diagnostic, expected: None, seen: None, differences: Vec::new(), ladder: Vec::new() }
    }
}

/// The last packets, in the script's notation.
pub(crate) fn ladder(record: &[Recorded], flows: &[Flow]) -> Vec<Rung> {
    let last = record.len().saturating_sub(RUNGS_MAX);
    record[last..].iter().map(|recorded| rung(recorded, flows)).collect()
}

fn rung(recorded: &Recorded, flows: &[Flow]) -> Rung {
    let live = live_of(recorded.direction, &recorded.bytes);
    let ends = match recorded.direction {
        Direction::In => Ends { local: live.destination, remote: live.source },
        Direction::Out => Ends { local: live.source, remote: live.destination },
    };
    let stranger = Flow::new(ends, None);
    let is_icmp = ends.local.port() == 0;
    let known = flows.iter().find(|flow| flow.ends == ends).or(flows.last().filter(|_| is_icmp));
    let packet = known.unwrap_or(&stranger).relative(&live).to_string();
    let state = recorded.state.map_or(String::new(), |state| state.name().to_owned());
    Rung { at: recorded.at, packet, state, why: recorded.why.unwrap_or("").to_owned() }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.diagnostic)?;
        if let Some(expected) = &self.expected {
            write!(f, "\n  expected  {expected}")?;
        }
        if let Some(seen) = &self.seen {
            write!(f, "\n  seen      {seen}")?;
        }
        for difference in &self.differences {
            write!(f, "\n  - {difference}")?;
        }
        if !self.ladder.is_empty() {
            write!(f, "\n  the last packets, and the state of our end after each:")?;
        }
        let wide = self.ladder.iter().map(|rung| rung.packet.chars().count()).max().unwrap_or(0).min(90);
        for Rung { at, packet, state, why } in &self.ladder {
            let line = format!("{:>12.6}  {packet:wide$}  {state:<12}  {why}", at.as_secs_f64());
            write!(f, "\n  {}", line.trim_end())?;
        }
        Ok(())
    }
}
