//! The events, one after the other, and the time that passes between them.

use super::calls::{Answer, Progress};
use super::host::Happened;
use super::{Ended, Ongoing, Rigour, Runner, Trouble, commands, inquiry, is_on, python};
use crate::ast::*;
use posix::TcpInfo;
use std::time::Duration;

/// When an event may happen, counted from the script's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: Duration,
    pub(super) to: Duration,
    /// The time from which later relative times count; with `None`, the time at which the event happened.
    pub(super) nominal: Option<Duration>,
}

/// The longest time of a script, because the stack counts nanoseconds in 64 bits.
const SCRIPT_TIME_MAX: Duration = Duration::from_secs(500 * 365 * 86_400);

impl Runner<'_> {
    /// Plays all events, then looks for packets that the script does not expect.
    pub(super) fn play(&mut self) -> Result<(), Ended> {
        let last = self.script.events.len().saturating_sub(1);
        let mut end = Duration::ZERO;
        for (index, event) in self.script.events.iter().enumerate() {
            if index == last {
                end = self.window(event.when).from;
            }
            self.host.begin_event();
            self.event(index)?;
        }
        while let Some(until) = self.ongoing.iter().map(|call| call.until + call.tolerance).max() {
            self.pass_until(last, until)?;
            if let Some(call) = self.ongoing.first() {
                let event = call.event;
                return Err(Ended::Failed(
                    self.failure(event, "the call still waits at the end of the script"),
                ));
            }
        }
        self.pass_until(last, self.host.elapsed())?;
        self.check_unexpected(last, end)?;
        match python::check(&self.blocks, self.habits, self.host.tick()) {
            python::Verdict::Passed => Ok(()),
            python::Verdict::NoPython => {
                Err(Ended::Skipped("needs python3 for its blocks of code".to_owned()))
            }
            python::Verdict::Failed(event, said) => {
                Err(Ended::Failed(self.failure(event, format!("the block of code failed: {said}"))))
            }
        }
    }

    /// Fails if a packet that no line expects was sent before the last event. Packets after it only count if
    /// the script is followed strictly.
    fn check_unexpected(&mut self, last: usize, end: Duration) -> Result<(), Ended> {
        while let Some(sent) = self.outbox.pop_front() {
            let shown = self.shown(&sent);
            let before = sent.at < end;
            if !before && self.trailing_allowed() {
                self.trailing.push(shown);
                continue;
            }
            let when = if before { "before" } else { "after" };
            let message = format!("{when} this the stack sent a packet that the script does not expect");
            let mut failure = self.failure(last, message);
            failure.seen = Some(shown);
            return Err(Ended::Failed(failure));
        }
        Ok(())
    }

    /// `--any_trailing` is for scripts that bound what is sent by a block of code.
    fn trailing_allowed(&self) -> bool {
        self.options.rigour == Rigour::Packetdrill || is_on(self.script, "any_trailing")
    }

    fn event(&mut self, index: usize) -> Result<(), Ended> {
        let event = &self.script.events[index];
        let window = self.window(event.when);
        match &event.what {
            What::Packet(packet) if packet.direction == Direction::Out => {
                self.expect(index, packet, window)?;
            }
            what => {
                let exact = window.nominal.unwrap_or(window.from);
                self.pass_until(index, exact)?;
                if matches!(what, What::Call(_) | What::Code(_)) {
                    self.await_returns(index, exact)?;
                }
                match what {
                    What::Packet(packet) => {
                        self.inject(packet).map_err(|trouble| self.ended(index, trouble))?;
                    }
                    What::Call(call) => self.call(index, call)?,
                    What::Command(command) => self.command(index, command)?,
                    What::Code(code) => self.code(index, code)?,
                }
            }
        }
        self.base = window.nominal.unwrap_or_else(|| self.host.elapsed());
        Ok(())
    }

    fn window(&self, when: When) -> Window {
        let exact = |at: Duration| {
            let tolerance = self.tolerance_at(at);
            Window { from: at.saturating_sub(tolerance), to: at + tolerance, nominal: Some(at) }
        };
        let range = |from: Duration, to: Duration| {
            let tolerance = self.tolerance_at(from);
            Window { from: from.saturating_sub(tolerance), to: to + tolerance, nominal: None }
        };
        match when {
            When::AtOnce => exact(self.base),
            When::Absolute(at) => exact(at),
            When::Relative(after) => exact(self.base + after),
            When::AbsoluteRange(from, to) => range(from, to),
            When::RelativeRange(from, to) => range(self.base + from, self.base + to),
            When::Any => {
                let now = self.host.elapsed();
                Window { from: Duration::ZERO, to: now + self.host.any_time_max(), nominal: None }
            }
        }
    }

    /// How far from this time an event may be.
    fn tolerance_at(&self, at: Duration) -> Duration {
        let share = at.saturating_sub(self.base).mul_f64(self.tolerance_percent / 100.0);
        self.tolerance.max(share) + self.host.tick()
    }

    // Time.

    /// Lets time pass until `until`; calls that sleep may return meanwhile.
    fn pass_until(&mut self, event: usize, until: Duration) -> Result<(), Ended> {
        self.pass(event, until, |_| false)
    }

    /// Lets time pass until `until`, or until `enough` returns true.
    pub(super) fn pass(
        &mut self,
        event: usize,
        until: Duration,
        enough: impl Fn(&Self) -> bool,
    ) -> Result<(), Ended> {
        let until = until.min(SCRIPT_TIME_MAX);
        loop {
            self.drain();
            self.resume()?;
            if enough(self) {
                return Ok(());
            }
            let next = self.next_deadline().filter(|next| *next < until).unwrap_or(until);
            let happened = self.host.step(next).map_err(|broken| self.ended(event, broken.into()))?;
            self.drain();
            if happened == Happened::Nothing && self.host.elapsed() >= until {
                self.resume()?;
                self.drain();
                return Ok(());
            }
        }
    }

    /// Waits for calls that must return by `by`, because the next call may need their results. In virtual
    /// time they have returned already; in real time another thread has to run first.
    fn await_returns(&mut self, event: usize, by: Duration) -> Result<(), Ended> {
        let due = |runner: &Self| runner.ongoing.iter().any(|call| call.until <= by);
        if self.host.tick().is_zero() || !due(self) {
            return Ok(());
        }
        let patience = by + self.tolerance_at(by);
        self.pass(event, patience, |runner| !due(runner))
    }

    /// The latest time at which a sleeping call must be attempted again.
    fn next_deadline(&self) -> Option<Duration> {
        let now = self.host.elapsed();
        let deadlines = self.ongoing.iter().flat_map(|call| {
            let timeout = self.host.deadline(&call.progress.pending);
            [Some(call.until + call.tolerance), timeout].into_iter().flatten()
        });
        deadlines.filter(|deadline| *deadline > now).min()
    }

    /// Attempts the sleeping calls again.
    fn resume(&mut self) -> Result<(), Ended> {
        for mut ongoing in std::mem::take(&mut self.ongoing) {
            let event = ongoing.event;
            let What::Call(call) = &self.script.events[event].what else { continue };
            match self.attempt(call, &mut ongoing.progress) {
                Ok(answer) => {
                    self.returned_on_time(event, ongoing.until, ongoing.tolerance)?;
                    self.verify(event, call, answer)?;
                }
                Err(Trouble::Blocked) if self.host.elapsed() >= ongoing.until + ongoing.tolerance => {
                    let message = format!("the call should have returned at {}", Seconds(ongoing.until));
                    return Err(Ended::Failed(self.failure(event, message)));
                }
                Err(Trouble::Blocked) => self.ongoing.push(ongoing),
                Err(trouble) => return Err(self.ended(event, trouble)),
            }
        }
        Ok(())
    }

    fn returned_on_time(&self, event: usize, until: Duration, tolerance: Duration) -> Result<(), Ended> {
        let now = self.host.elapsed();
        if now + tolerance >= until && now <= until + tolerance {
            return Ok(());
        }
        let message = format!("the call returned at {}, not at {}", Seconds(now), Seconds(until));
        Err(Ended::Failed(self.failure(event, message)))
    }

    // Calls, commands and code.

    fn call(&mut self, event: usize, call: &Call) -> Result<(), Ended> {
        let mut progress = Progress::default();
        let relative = matches!(self.script.events[event].when, When::Relative(_) | When::RelativeRange(..));
        let until = call.until.map(|until| if relative { self.base + until } else { until });
        let attempt = self.attempt(call, &mut progress);
        match (attempt, until) {
            (Ok(answer), None) => self.verify(event, call, answer)?,
            (Ok(answer), Some(until)) => {
                self.returned_on_time(event, until, self.tolerance_at(until))?;
                self.verify(event, call, answer)?;
            }
            (Err(Trouble::Blocked), Some(until)) => {
                let tolerance = self.tolerance_at(until);
                self.ongoing.push(Ongoing { event, progress, until, tolerance });
            }
            (Err(trouble), _) => return Err(self.ended(event, trouble)),
        }
        self.drain();
        Ok(())
    }

    fn verify(&mut self, event: usize, call: &Call, answer: Answer) -> Result<(), Ended> {
        let expected = &call.outcome;
        let mut differences = answer.differences;
        let in_arguments = differences.len();
        let errno = answer.errno.map(|errno| errno.name());
        let wanted =
            expected.errno.as_deref().map(|name| if name == "EWOULDBLOCK" { "EAGAIN" } else { name });
        if expected.value != Expr::Any || wanted.is_some() {
            if wanted != errno {
                let name = |errno: Option<&str>| errno.unwrap_or("no error").to_owned();
                differences.push(format!("error: expected {}, seen {}", name(wanted), name(errno)));
            }
            if expected.value != Expr::Any {
                let value = self.integer(&expected.value).map_err(|trouble| self.ended(event, trouble))?;
                match answer.descriptor {
                    Some(fd) if value >= 0 => {
                        self.fds.insert(value, fd);
                    }
                    _ if value != answer.value => {
                        differences.push(format!("result: expected {value}, seen {}", answer.value));
                    }
                    _ => {}
                }
            }
        } else if let Some(fd) = answer.descriptor {
            self.fds.insert(fd.0.into(), fd);
        }
        if call.name == "close"
            && answer.errno.is_none()
            && let Some(Ok(number)) = call.arguments.first().map(|fd| self.integer(fd))
        {
            self.fds.remove(&number);
        }
        if differences.is_empty() {
            return Ok(());
        }
        let mut failure =
            self.failure(event, format!("`{}` did not return what the script expects", call.name));
        if differences.len() > in_arguments {
            failure.expected = Some(expected.to_string());
            failure.seen = Some(match answer.errno {
                Some(errno) => format!("-1 {errno}"),
                None => answer.value.to_string(),
            });
        }
        failure.differences = differences;
        Err(Ended::Failed(failure))
    }

    fn command(&mut self, event: usize, command: &str) -> Result<(), Ended> {
        if inquiry::is_inquiry(command) {
            return self.inquire(event, command);
        }
        let directory = self.options.directory.as_deref();
        let settings = commands::settings(command, directory, Some(event), &mut self.instead);
        let set = settings.and_then(|all| all.iter().try_for_each(|setting| self.host.set(setting)));
        set.map_err(|need| self.ended(event, Trouble::Unmet(need)))
    }

    /// Runs a command that examines the host's sockets; like every command it must succeed.
    fn inquire(&mut self, event: usize, command: &str) -> Result<(), Ended> {
        let answered = inquiry::answer(command, &mut self.host, self.habits);
        let answered = answered.map_err(|need| self.ended(event, Trouble::Unmet(need)))?;
        self.drain();
        if answered.succeeded {
            return Ok(());
        }
        let mut failure = self.failure(event, format!("the command `{command}` fails"));
        let listed = inquiry::answer("sockstat -s", &mut self.host, self.habits);
        failure.seen = listed.ok().map(|listed| listed.text.trim_end().replace('\n', "\n            "));
        Err(Ended::Failed(failure))
    }

    fn code(&mut self, event: usize, code: &str) -> Result<(), Ended> {
        let info = self.code_fd.and_then(|fd| self.host.info(fd).ok());
        let info = info.unwrap_or_else(|| TcpInfo::without_socket(self.habits).fields());
        let words = code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let mut asked = words.filter(|word| word.starts_with("tcpi_"));
        if let Some(missing) = asked.find(|word| !info.iter().any(|(known, _)| known == word)) {
            return Err(self.ended(event, Trouble::Unmet(format!("{missing} of TCP_INFO"))));
        }
        self.blocks.push(python::Block { event, code: code.to_owned(), info });
        Ok(())
    }
}

/// A time for messages.
pub(super) struct Seconds(pub(super) Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.6} s", self.0.as_secs_f64())
    }
}
