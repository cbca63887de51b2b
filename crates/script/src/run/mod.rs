//! Running a script: the host under test, virtual time, and the events one after the other.

mod args;
mod calls;
mod codec;
mod commands;
mod compare;
mod events;
mod failure;
mod flow;
pub mod host;
mod icmp_names;
mod inquiry;
mod json;
mod needs;
mod outcome;
mod packets;
mod plan;
mod profile;
mod python;
mod sockopts;
mod symbols;
mod sysctls;
mod transfers;
mod world;

pub use failure::{Failure, Rung};
pub use host::Recorded;
pub use outcome::{Outcome, Rigour, Run, RunOptions, Segments};
pub use plan::IpVersion;

use crate::ast::{Direction, Script, What};
use crate::source::{Diagnostic, Position, Span};
use calls::Progress;
use codec::{Live, live_of};
use flow::{Flow, SynOf};
use host::{Beginning, Broken, Host, NotMade};
use plan::AddressPlan;
use posix::{Defaults, Errno, Fd, Stop};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tcp::{Habits, Tracing};
use world::World;

/// What commands may change: the host's configuration and what new sockets start with.
#[derive(Clone, Debug)]
pub(crate) struct HostSettings {
    pub(crate) host: stack::Config,
    pub(crate) defaults: Defaults,
    /// The MSS to assume for peers that send none, by version of IP.
    /// For which versions of IP black holes of large packets are looked for, IPv4 and IPv6, if that was said.
    pub(crate) black_holes: Option<[bool; 2]>,
    pub(crate) mss_bytes_default_v4: Option<u16>,
    pub(crate) mss_bytes_default_v6: Option<u16>,
    /// The keys of Fast Open cookies, if settings give any.
    pub(crate) fast_open_keys: Option<stack::FastOpenKeys>,
    /// What settings ask for that we do not have.
    pub(crate) instead: BTreeSet<String>,
}

impl HostSettings {
    pub(crate) fn new(habits: Habits) -> Self {
        let mut host = stack::Config::default();
        host.fast_open_pause = match habits {
            // tcp_fastopen_blackhole_timeout_sec, path_disable_time
            Habits::Linux => Duration::ZERO,
            Habits::FreeBsd => Duration::from_secs(900),
            Habits::Rfc => host.fast_open_pause,
        };
        HostSettings {
            host,
            defaults: profile::defaults(habits),
            black_holes: None,
            mss_bytes_default_v4: None,
            mss_bytes_default_v6: None,
            fast_open_keys: None,
            instead: BTreeSet::new(),
        }
    }

    /// Whose habits the stack under test has.
    pub(crate) const fn habits(&self) -> Habits {
        self.defaults.config.habits
    }
}

/// Why an event cannot be played.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The call sleeps.
    Blocked,
    /// The host returned an error.
    Stop(Stop),
    /// The host failed.
    Broken(Broken),
    /// It needs something that we do not have.
    Unmet(String),
    /// The script makes no sense here.
    Script(String),
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Trouble::Stop(stop)
    }
}

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Self {
        Trouble::Broken(broken)
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

/// The flow of the script's packets without ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnderTest {
    /// The next flow to this port of ours.
    Port(u16),
    /// One of the flows.
    Flow(usize),
}

/// A packet from the host that the script has not asked for yet.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Duration,
    pub(crate) live: Live,
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
    habits: Habits,
    plan: AddressPlan,
    host: Box<dyn Host>,
    /// How many packets of the host's record have been examined.
    heard: usize,
    /// What the host has sent and the script has not asked for yet.
    outbox: VecDeque<Sent>,
    /// What shared files ask for that no host has.
    instead: BTreeSet<String>,
    /// What was sent after the last event.
    trailing: Vec<String>,
    tolerance: Duration,
    tolerance_percent: f64,
    segments: Segments,
    push: compare::Push,
    timestamp_tick: Option<Duration>,
    scaled_echo: bool,
    flows: Vec<Flow>,
    under_test: UnderTest,
    awaits: SynOf,
    /// The script's descriptors and ours.
    fds: BTreeMap<i64, Fd>,
    /// The socket that blocks of code examine.
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

/// The habits that a script expects, judging by its contents; `None` if it cannot be read.
///
/// ```
/// use synfin_script::{RunOptions, habits_of};
/// let text = "0 `sysctl net.inet.tcp.sack.enable=0`";
/// assert_eq!(habits_of(text, &RunOptions::default()), Some(tcp::Habits::FreeBsd));
/// ```
pub fn habits_of(source: &str, options: &RunOptions) -> Option<Habits> {
    let options = RunOptions { habits: None, ..options.clone() };
    read(source, &options).ok().map(|(_, habits)| habits)
}

/// Whether the script has a switch on.
fn is_on(script: &Script, name: &str) -> bool {
    script.option(name).is_some_and(|value| value != "0" && value != "false")
}

/// Runs a script and keeps what crossed the wire.
pub fn run_recorded(source: &str, options: &RunOptions) -> Run {
    let (script, habits) = match read(source, options) {
        Ok(read) => read,
        Err(unread) => return *unread,
    };
    let run = run_once(&script, source, options, habits, options.tracing, &mut in_virtual_time);
    if !matches!(run.outcome, Outcome::Failed(_)) || options.tracing == Tracing::On {
        return run;
    }
    // Run it again with tracing on, because the ladder needs states and reasons.
    let traced = run_once(&script, source, options, habits, Tracing::On, &mut in_virtual_time);
    match (&run.outcome, &traced.outcome) {
        (Outcome::Failed(plain), Outcome::Failed(told)) if plain.diagnostic == told.diagnostic => traced,
        _ => run,
    }
}

/// Runs a script against another host than our own stack in virtual time, once, and keeps what crossed the
/// wire. `make` is called for the host after the script has been read, unless it needs something that no host
/// has.
pub fn run_on(source: &str, options: &RunOptions, make: &mut MakeHost<'_>) -> Run {
    match read(source, options) {
        Ok((script, habits)) => run_once(&script, source, options, habits, options.tracing, make),
        Err(unread) => *unread,
    }
}

/// Makes the host that a script is played against.
pub type MakeHost<'a> = dyn FnMut(&Beginning) -> Result<Box<dyn Host>, NotMade> + 'a;

fn in_virtual_time(beginning: &Beginning) -> Result<Box<dyn Host>, NotMade> {
    Ok(Box::new(World::new(beginning)?))
}

/// The script, read with these options, and the habits that it expects; or a failed run if it cannot be read.
fn read(source: &str, options: &RunOptions) -> Result<(Script, Habits), Box<Run>> {
    let plain = || crate::parse_with(&options.file, source, &options.defines);
    let on = |habits: Habits| {
        let mut defines = options.defines.clone();
        defines.push((profile::name_for_conditions(habits).to_owned(), String::new()));
        Ok((crate::parse_with(&options.file, source, &defines)?, habits))
    };
    let read = match (options.habits, crate::parse::has_conditions(source)) {
        (Some(habits), true) => on(habits),
        (Some(habits), false) => plain().map(|script| (script, habits)),
        (None, false) => plain().map(|script| {
            let habits = profile::of_script(&script);
            (script, habits)
        }),
        (None, true) => {
            // The system whose own reading of the script asks for that system, if there is one.
            let its_own =
                |habits: &Habits| on(*habits).is_ok_and(|(script, _)| profile::of_script(&script) == *habits);
            on([Habits::FreeBsd, Habits::Linux].into_iter().find(its_own).unwrap_or(Habits::Rfc))
        }
    };
    read.map_err(|diagnostic| {
        let outcome = Outcome::Failed(Box::new(Failure::new(diagnostic)));
        Box::new(Run {
            outcome,
            habits: options.habits.unwrap_or(Habits::Rfc),
            packets: Vec::new(),
            virtual_time: Duration::ZERO,
            rows: BTreeSet::new(),
            instead: BTreeSet::new(),
            trailing: Vec::new(),
        })
    })
}

fn run_once(
    script: &Script,
    source: &str,
    options: &RunOptions,
    habits: Habits,
    tracing: Tracing,
    make: &mut MakeHost<'_>,
) -> Run {
    let mut run = Run {
        outcome: Outcome::Passed,
        habits,
        packets: Vec::new(),
        virtual_time: Duration::ZERO,
        rows: BTreeSet::new(),
        instead: BTreeSet::new(),
        trailing: Vec::new(),
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
    match Runner::new(script, source, options, habits, tracing, make) {
        Err(ended) => run.outcome = ended.into(),
        Ok(mut runner) => {
            run.outcome = match runner.play() {
                Ok(()) => Outcome::Passed,
                Err(ended) => ended.into(),
            };
            if let Outcome::Failed(failure) = &mut run.outcome {
                failure.ladder = failure::ladder(runner.host.record(), &runner.flows);
            }
            run.virtual_time = runner.host.elapsed();
            run.rows = runner.host.rows();
            run.instead = runner.host.instead();
            run.instead.append(&mut runner.instead);
            run.trailing = runner.trailing;
            run.packets = runner.host.into_record();
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

/// Runs a script of a test strictly ([`Rigour::Strict`]), over IPv4 and IPv6 unless the script chooses one.
///
/// # Panics
/// If it fails or is skipped, with the failure as text.
pub fn check_script(text: &str) {
    let versions = match crate::parse("script", text) {
        Ok(script) if script.option("ip_version").is_some() => &[None][..],
        _ => &[Some(IpVersion::V4), Some(IpVersion::V6)][..],
    };
    for ip_version in versions {
        match run(text, &RunOptions { ip_version: *ip_version, ..RunOptions::strict() }) {
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
        habits: Habits,
        tracing: Tracing,
        make: &mut MakeHost<'_>,
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
        let mut settings = Vec::new();
        let mut instead = BTreeSet::new();
        let directory = options.directory.as_deref();
        for name in
            script.option("init_scripts").unwrap_or("").split([',', ' ']).filter(|name| !name.is_empty())
        {
            let found = commands::settings(name, directory, None, &mut instead);
            settings.extend(found.map_err(|need| Ended::Skipped(format!("needs {need}")))?);
        }
        for (index, event) in script.events.iter().enumerate() {
            let What::Command(command) = &event.what else { break };
            if inquiry::is_inquiry(command) {
                break;
            }
            let found = commands::settings(command, directory, Some(index), &mut instead);
            settings.extend(found.map_err(|need| Ended::Skipped(skip_text(script, source, index, &need)))?);
        }
        let micros = |value: f64| Duration::from_micros(value as u64);
        let usual_mtu = match (options.ip_version, script.option("ip_version")) {
            (Some(IpVersion::V6), None) => 1_520,
            _ => 1_500,
        };
        let mtu_bytes = number("mtu")?.map_or(options.mtu_bytes.unwrap_or(usual_mtu), |mtu| mtu as u32);
        let mtu_bytes = mtu_bytes.clamp(68, 65_535);
        let strict = is_on(script, "strict_segments");
        let push = if is_on(script, "any_push") { compare::Push::Ignored } else { compare::Push::Compared };
        let tick = number("tcp_ts_tick_usecs")?.filter(|us| *us > 0.0).map(micros);
        let addresses = [Some(plan.local), plan.other_family()].into_iter().flatten().collect();
        let host = make(&Beginning { habits, addresses, mtu_bytes, settings, tracing });
        let host = host.map_err(|NotMade { need, event }| {
            Ended::Skipped(match event {
                Some(event) => skip_text(script, source, event, &need),
                None => format!("needs {need}"),
            })
        })?;
        Ok(Runner {
            script,
            source,
            options,
            habits,
            host,
            heard: 0,
            outbox: VecDeque::new(),
            instead,
            trailing: Vec::new(),
            under_test: UnderTest::Port(plan.bind_port),
            awaits: SynOf::default(),
            tolerance: options
                .tolerance
                .or(number("tolerance_usecs")?.map(micros))
                .unwrap_or(options.rigour.tolerance()),
            tolerance_percent: options
                .tolerance_percent
                .or(number("tolerance_percent")?)
                .unwrap_or(options.rigour.tolerance_percent())
                .clamp(0.0, 100.0),
            segments: if strict { Segments::Strict } else { options.segments },
            push,
            timestamp_tick: tick,
            scaled_echo: script.option("tcp_ts_ecr_scaled").is_some_and(|value| value != "0"),
            flows: Vec::new(),
            fds: BTreeMap::new(),
            code_fd: None,
            ongoing: Vec::new(),
            blocks: Vec::new(),
            base: Duration::ZERO,
            plan,
        })
    }

    /// Takes over what the host has sent.
    fn drain(&mut self) {
        self.host.drain();
        let record = self.host.record();
        for Recorded { at, direction, bytes, .. } in &record[self.heard..] {
            if *direction == Direction::Out {
                self.outbox.push_back(Sent { at: *at, live: live_of(Direction::Out, bytes) });
            }
        }
        self.heard = record.len();
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
            Trouble::Broken(broken) => Ended::Failed(self.failure(event, broken.to_string())),
            Trouble::Stop(stop) => Ended::Failed(self.failure(event, format!("the call failed: {stop}"))),
        }
    }
}
