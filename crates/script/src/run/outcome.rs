//! How to run a script, and its outcome.

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
    /// The folder of the files that it names; `None` is the current directory.
    pub directory: Option<PathBuf>,
    /// The habits of the stack under test; with `None`, they follow from the script's commands.
    pub habits: Option<Habits>,
    /// The version of IP for a script that does not choose one; IPv4 by default.
    pub ip_version: Option<IpVersion>,
    /// The MTU for a script that does not choose one, in bytes. By default 1,500; and 1,520 where
    /// [`RunOptions::ip_version`] asks for IPv6, so that the segment sizes of a script that was written
    /// for IPv4 stay the same.
    pub mtu_bytes: Option<u32>,
    /// How closely the script is followed.
    pub rigour: Rigour,
    /// How far from its time an event may be; overrides the script.
    pub tolerance: Option<Duration>,
    /// The same in percent of the time since the previous event; the larger of the two applies.
    pub tolerance_percent: Option<f64>,
    /// Whether a line may stand for several segments.
    pub segments: Segments,
    /// Names and their values; overrides the script. Names without a value are for `#ifdef`.
    pub defines: Vec<(String, String)>,
    /// Whether to note states and reasons from the start. A failing script is always played
    /// again with them. While it is on, the stack keeps whole connections in TIME-WAIT.
    pub tracing: Tracing,
}

/// Whether one line of a script may stand for several outbound segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Segments {
    /// Consecutive segments are merged until the line's length is reached.
    #[default]
    Merged,
    /// One line, one segment (`--strict_segments`).
    Strict,
}

/// How closely a script is followed, unless the script or the caller sets a tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rigour {
    /// As packetdrill does, for scripts written for it: an event may be 4 ms from its time, or 12.5 % of the
    /// time since the previous event; packets after the last event are only reported.
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
    /// Options for a script that must be followed strictly.
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

/// The outcome of a script.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Everything happened as the script says.
    Passed,
    /// Something happened differently.
    Failed(Box<Failure>),
    /// It needs something that we do not have, which is named here.
    Skipped(String),
}

/// A run, with all that crossed the wire.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Run {
    /// The outcome of the script.
    pub outcome: Outcome,
    /// The habits of the stack under test.
    pub habits: Habits,
    /// The packets, in order.
    pub packets: Vec<Recorded>,
    /// How long the run took in virtual time.
    pub virtual_time: Duration,
    /// Which rows of [`tcp::state::ROWS`] were taken; only with [`RunOptions::tracing`].
    pub rows: BTreeSet<u8>,
    /// What settings ask for that the host does not have, and what was used instead.
    pub instead: BTreeSet<String>,
    /// What was sent after the last event, in the script's notation. With [`Rigour::Strict`] such packets are
    /// a failure instead.
    pub trailing: Vec<String>,
}
