//! How to run a script, and what became of it.

use super::{Failure, IpVersion, Recorded};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use tcp::{Habits, Tracing};

/// How to run a script.
///
/// Fields are added in minor versions: write `RunOptions { profile, ..RunOptions::default() }`.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The script's name in messages.
    pub file: String,
    /// Where the files that it names are; `None`: the current directory.
    pub directory: Option<PathBuf>,
    /// Whose habits to take; `None`: what its commands say.
    pub habits: Option<Habits>,
    /// The version of IP for a script that does not say; IPv4 by default.
    pub ip_version: Option<IpVersion>,
    /// The MTU for a script that does not say, in bytes. By default 1,500; and 1,520 where
    /// [`RunOptions::ip_version`] asks for IPv6, so that the segment sizes of a script that was written
    /// for IPv4 stay what they are.
    pub mtu_bytes: Option<u32>,
    /// How closely the script is followed.
    pub rigour: Rigour,
    /// How far from its time an event may be, whatever the script says.
    pub tolerance: Option<Duration>,
    /// The same in percent of the time since the event before; the larger of both counts.
    pub tolerance_percent: Option<f64>,
    /// Whether a line may stand for several segments.
    pub segments: Segments,
    /// What names stand for, whatever the script says; those without a value are there for `#ifdef`.
    pub defines: Vec<(String, String)>,
    /// Whether to note states and reasons from the start. A failing script is played again with them
    /// anyhow. While it is on, the stack keeps connections in TIME-WAIT whole.
    pub tracing: Tracing,
}

/// Whether one line of a script may stand for several outbound segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Segments {
    /// Segments that follow each other are merged until the line's length is reached.
    #[default]
    Merged,
    /// One line, one segment (`--strict_segments`).
    Strict,
}

/// How closely a script is followed, unless it or its caller says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rigour {
    /// As packetdrill does, for scripts written for it: an event may be 4 ms from its time, or 12.5 % of the
    /// time since the event before; what is sent after the last event is only told.
    #[default]
    Packetdrill,
    /// For scripts in virtual time: an event may be 1 ms from its time, and nothing may be sent after the
    /// last one.
    Strict,
}

impl Rigour {
    pub(crate) const fn tolerance(self) -> Duration {
        match self {
            Rigour::Packetdrill => Duration::from_millis(4),
            Rigour::Strict => Duration::from_millis(1),
        }
    }

    pub(crate) const fn tolerance_percent(self) -> f64 {
        match self {
            Rigour::Packetdrill => 12.5,
            Rigour::Strict => 0.0,
        }
    }
}

impl RunOptions {
    /// Those of a script that is meant to be followed to the letter.
    pub fn strict() -> Self {
        RunOptions { rigour: Rigour::Strict, ..RunOptions::default() }
    }
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            file: "script".to_owned(),
            directory: None,
            habits: None,
            ip_version: None,
            mtu_bytes: None,
            rigour: Rigour::Packetdrill,
            tolerance: None,
            tolerance_percent: None,
            segments: Segments::Merged,
            defines: Vec::new(),
            tracing: Tracing::Off,
        }
    }
}

/// What became of a script.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Everything happened as it says.
    Passed,
    /// Something did not.
    Failed(Box<Failure>),
    /// It needs something that is not there, named here.
    Skipped(String),
}

/// A run, with all that crossed the wire.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Run {
    /// What became of the script.
    pub outcome: Outcome,
    /// Whose habits were taken.
    pub habits: Habits,
    /// The packets, in order.
    pub packets: Vec<Recorded>,
    /// How long the run took in virtual time.
    pub virtual_time: Duration,
    /// Which rows of [`tcp::state::ROWS`] were taken; only with [`RunOptions::tracing`].
    pub rows: BTreeSet<u8>,
    /// What settings ask for that is not there, and what was taken instead.
    pub instead: BTreeSet<String>,
    /// What was sent after the last event, in the script's notation; nobody looks at it unless asked to be
    /// [`Rigour::Strict`].
    pub trailing: Vec<String>,
}
