//! Running a script: the host under test, virtual time, and the events one after the other.

mod args;
mod calls;
mod codec;
mod commands;
mod compare;
mod events;
mod failure;
mod flow;
mod icmp_names;
mod json;
mod knobs;
mod needs;
mod outcome;
mod packets;
mod plan;
mod profile;
mod python;
mod sockopts;
mod symbols;
mod transfers;
mod world;

pub use failure::{Failure, Rung};
pub use outcome::{Outcome, Run, RunOptions, Segments};
pub use plan::IpVersion;
pub use profile::Profile;
pub use world::Recorded;

use crate::ast::{Expr, Script, What};
use crate::source::{Diagnostic, Position, Span};
use calls::Progress;
use flow::{Flow, SynOf};
use plan::AddressPlan;
use posix::{Defaults, Errno, Fd, Stop};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tcp::Tracing;
use world::World;

/// What commands may change: the host's configuration and what new sockets start with.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) profile: Profile,
    pub(crate) host: stack::Config,
    pub(crate) defaults: Defaults,
    /// The MSS to assume of peers that name none, by version of IP.
    pub(crate) mss_bytes_default_v4: Option<u16>,
    pub(crate) mss_bytes_default_v6: Option<u16>,
    /// What settings ask for and what was taken instead.
    pub(crate) instead: BTreeSet<String>,
}

impl Ground {
    pub(crate) fn new(profile: Profile) -> Self {
        Ground {
            profile,
            host: stack::Config::default(),
            defaults: profile.defaults(),
            mss_bytes_default_v4: None,
            mss_bytes_default_v6: None,
            instead: BTreeSet::new(),
        }
    }
}

/// What stands in the way of an event.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The call sleeps.
    Blocked,
    /// The POSIX layer says so.
    Stop(Stop),
    /// We do not have what it needs.
    Unmet(String),
    /// The script makes no sense here.
    Script(String),
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Trouble::Stop(stop)
    }
}

impl From<Errno> for Trouble {
    fn from(errno: Errno) -> Self {
        Trouble::Stop(errno.into())
    }
}

/// Why a run ended before its script did.
pub(crate) enum Ended {
    Failed(Box<Failure>),
    Skipped(String),
}

/// What the script's packets without ports belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnderTest {
    /// Whatever comes to this port of ours next.
    Port(u16),
    /// One of the flows.
    Flow(usize),
}

/// A call that sleeps.
#[derive(Debug)]
pub(crate) struct Ongoing {
    event: usize,
    progress: Progress,
    /// When it must return.
    until: Duration,
    tolerance: Duration,
}

/// One run of one script.
pub(crate) struct Runner<'a> {
    script: &'a Script,
    source: &'a str,
    options: &'a RunOptions,
    ground: Ground,
    plan: AddressPlan,
    world: World,
    defines: BTreeMap<String, Expr>,
    tolerance: Duration,
    tolerance_percent: f64,
    segments: Segments,
    timestamp_tick: Option<Duration>,
    scaled_echo: bool,
    flows: Vec<Flow>,
    under_test: UnderTest,
    awaits: SynOf,
    /// The script's descriptors and ours.
    fds: BTreeMap<i64, Fd>,
    /// The socket that blocks of code look at.
    code_fd: Option<Fd>,
    ongoing: Vec<Ongoing>,
    blocks: Vec<python::Block>,
    /// The time from which relative times count.
    base: Duration,
}

/// Runs a script.
///
/// ```
/// use synfin_script::{Outcome, RunOptions};
/// let text = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 read(3, ..., 10) = -1 ENOTCONN";
/// assert_eq!(synfin_script::run(text, &RunOptions::default()), Outcome::Passed);
/// ```
pub fn run(source: &str, options: &RunOptions) -> Outcome {
    run_recorded(source, options).outcome
}

/// Runs a script and keeps what crossed the wire.
pub fn run_recorded(source: &str, options: &RunOptions) -> Run {
    let nothing = |outcome| {
        let (packets, virtual_time, rows, instead) = Default::default();
        Run {
            outcome,
            profile: options.profile.unwrap_or(Profile::Rfc),
            packets,
            virtual_time,
            rows,
            instead,
        }
    };
    let script = match crate::parse(&options.file, source) {
        Ok(script) => script,
        Err(diagnostic) => return nothing(Outcome::Failed(Box::new(Failure::new(diagnostic)))),
    };
    let run = run_once(&script, source, options, options.tracing);
    if !matches!(run.outcome, Outcome::Failed(_)) || options.tracing == Tracing::On {
        return run;
    }
    // The same again with eyes open: states and reasons for the ladder.
    let traced = run_once(&script, source, options, Tracing::On);
    match (&run.outcome, &traced.outcome) {
        (Outcome::Failed(plain), Outcome::Failed(told)) if plain.diagnostic == told.diagnostic => traced,
        _ => run,
    }
}

fn run_once(script: &Script, source: &str, options: &RunOptions, tracing: Tracing) -> Run {
    let profile = options.profile.unwrap_or_else(|| Profile::of_script(script));
    let mut run = Run {
        outcome: Outcome::Passed,
        profile,
        packets: Vec::new(),
        virtual_time: Duration::ZERO,
        rows: BTreeSet::new(),
        instead: BTreeSet::new(),
    };
    if script.events.is_empty() {
        let nothing = "the script has no events: there is nothing to play";
        let diagnostic = Diagnostic::new(&options.file, source, Span::default(), nothing);
        run.outcome = Outcome::Failed(Box::new(Failure::new(diagnostic)));
        return run;
    }
    if let Some((event, need)) = needs::unmet(script) {
        run.outcome = Outcome::Skipped(skip_text(script, source, event, &need));
        return run;
    }
    match Runner::new(script, source, options, profile, tracing) {
        Err(ended) => run.outcome = ended.into(),
        Ok(mut runner) => {
            run.outcome = match runner.play() {
                Ok(()) => Outcome::Passed,
                Err(ended) => ended.into(),
            };
            if let Outcome::Failed(failure) = &mut run.outcome {
                failure.ladder = failure::ladder(&runner.world.record, &runner.flows);
            }
            run.virtual_time = runner.world.elapsed();
            run.rows = runner.world.rows;
            run.packets = runner.world.record;
            run.instead = runner.ground.instead;
        }
    }
    run
}

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Failed(failure) => Outcome::Failed(failure),
            Ended::Skipped(reason) => Outcome::Skipped(reason),
        }
    }
}

fn skip_text(script: &Script, source: &str, event: usize, need: &str) -> String {
    let at = script.events.get(event).map_or(0, |event| event.span.start);
    format!("needs {need}, line {}", Position::of(source, at).line)
}

/// Runs a script of a test, over IPv4 and IPv6 unless it says which.
///
/// # Panics
/// If it fails or is skipped, with the failure as text.
pub fn check_script(text: &str) {
    let versions = match crate::parse("script", text) {
        Ok(script) if script.option("ip_version").is_some() => &[None][..],
        _ => &[Some(IpVersion::V4), Some(IpVersion::V6)][..],
    };
    for ip_version in versions {
        match run(text, &RunOptions { ip_version: *ip_version, ..RunOptions::default() }) {
            Outcome::Passed => {}
            Outcome::Failed(failure) => panic!("over {ip_version:?}:\n{failure}"),
            Outcome::Skipped(reason) => panic!("skipped: {reason}"),
        }
    }
}

impl<'a> Runner<'a> {
    fn new(
        script: &'a Script,
        source: &'a str,
        options: &'a RunOptions,
        profile: Profile,
        tracing: Tracing,
    ) -> Result<Self, Ended> {
        let wrong = |span: Span, message: String| {
            Ended::Failed(Box::new(Failure::new(Diagnostic::new(&options.file, source, span, message))))
        };
        let span_of = |name: &str| {
            script
                .options
                .iter()
                .rev()
                .find(|option| option.name == name)
                .map_or(Span::default(), |option| option.span)
        };
        let number = |name: &'static str| match script.option(name) {
            None => Ok(None),
            Some(value) => value
                .parse::<f64>()
                .map(|value| Some(value.clamp(0.0, 1e12)))
                .map_err(|_| wrong(span_of(name), format!("`{name}` is a number"))),
        };
        let plan =
            AddressPlan::new(script, options.ip_version).map_err(|(name, why)| wrong(span_of(name), why))?;
        let mut ground = Ground::new(profile);
        let directory = options.directory.as_deref();
        for name in
            script.option("init_scripts").unwrap_or("").split([',', ' ']).filter(|name| !name.is_empty())
        {
            commands::run(&mut ground, name, directory)
                .map_err(|need| Ended::Skipped(format!("needs {need}")))?;
        }
        for (index, event) in script.events.iter().enumerate() {
            let What::Command(command) = &event.what else { break };
            commands::run(&mut ground, command, directory)
                .map_err(|need| Ended::Skipped(skip_text(script, source, index, &need)))?;
        }
        ground.defaults.config.mss_bytes_default = match plan.local.is_ipv4() {
            true => ground.mss_bytes_default_v4,
            false => ground.mss_bytes_default_v6,
        };
        let micros = |value: f64| Duration::from_micros(value as u64);
        let usual_mtu = match (options.ip_version, script.option("ip_version")) {
            (Some(IpVersion::V6), None) => 1_520,
            _ => 1_500,
        };
        let mtu_bytes = number("mtu")?.map_or(options.mtu_bytes.unwrap_or(usual_mtu), |mtu| mtu as u32);
        let mtu_bytes = mtu_bytes.clamp(68, 65_535);
        let strict = script.option("strict_segments").is_some_and(|value| value != "0" && value != "false");
        let tick = number("tcp_ts_tick_usecs")?.filter(|us| *us > 0.0).map(micros);
        Ok(Runner {
            script,
            source,
            options,
            world: World::new(&ground, &plan, mtu_bytes, tracing),
            under_test: UnderTest::Port(plan.bind_port),
            awaits: SynOf::default(),
            defines: defines(script, options).map_err(|(span, why)| wrong(span, why))?,
            tolerance: number("tolerance_usecs")?.map_or(options.tolerance, micros),
            tolerance_percent: number("tolerance_percent")?.unwrap_or(0.0).min(100.0),
            segments: if strict { Segments::Strict } else { options.segments },
            timestamp_tick: tick,
            scaled_echo: script.option("tcp_ts_ecr_scaled").is_some_and(|value| value != "0"),
            flows: Vec::new(),
            fds: BTreeMap::new(),
            code_fd: None,
            ongoing: Vec::new(),
            blocks: Vec::new(),
            base: Duration::ZERO,
            ground,
            plan,
        })
    }

    fn failure(&self, event: usize, message: impl Into<String>) -> Box<Failure> {
        let span = self.script.events.get(event).map_or(Span::default(), |event| event.span);
        Box::new(Failure::new(Diagnostic::new(&self.options.file, self.source, span, message)))
    }

    fn ended(&self, event: usize, trouble: Trouble) -> Ended {
        match trouble {
            Trouble::Unmet(need) => Ended::Skipped(skip_text(self.script, self.source, event, &need)),
            Trouble::Script(why) => Ended::Failed(self.failure(event, why)),
            Trouble::Blocked => {
                Ended::Failed(self.failure(event, "the call waits, but the script gives it no time to"))
            }
            Trouble::Stop(stop) => Ended::Failed(self.failure(event, format!("the call failed: {stop}"))),
        }
    }
}

/// `--define=NAME=VALUE`
fn defines(script: &Script, options: &RunOptions) -> Result<BTreeMap<String, Expr>, (Span, String)> {
    let lines = script.options.iter().filter(|option| option.name == "define");
    let lines = lines.map(|option| (option.span, option.value.as_deref().unwrap_or("").split_once('=')));
    let given =
        options.defines.iter().map(|(name, value)| (Span::default(), Some((name.as_str(), value.as_str()))));
    let mut defines = BTreeMap::new();
    for (span, pair) in given.chain(lines) {
        let (name, value) = pair.ok_or((span, "a definition is written `--define=NAME=VALUE`".to_owned()))?;
        // A command in backquotes is the parser's.
        if value.starts_with('`') {
            continue;
        }
        let value =
            crate::parse::expression(value).map_err(|why| (span, format!("the value of {name}: {why}")))?;
        defines.insert(name.trim().to_owned(), value);
    }
    Ok(defines)
}
