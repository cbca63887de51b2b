//! How a run is told: how far it is on standard error, failures and totals on standard output.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

/// Failures that are told; the others are counted.
const TOLD_MAX: u64 = 50;

/// A run that is being told.
pub(crate) struct Telling<Out, Progress> {
    /// What is counted: "seeds", "inputs".
    noun: &'static str,
    count: u64,
    began: Instant,
    failures: u64,
    out: Out,
    progress: Progress,
}

impl<Out: Write, Progress: Write> Telling<Out, Progress> {
    /// A run of this many begins.
    pub(crate) fn new(noun: &'static str, count: u64, out: Out, progress: Progress) -> Self {
        Telling { noun, count, began: Instant::now(), failures: 0, out, progress }
    }

    /// It goes on; `slow` names what takes longer than it should.
    pub(crate) fn goes_on(&mut self, done: u64, slow: Option<String>) {
        let (count, rate, failures) = (grouped(self.count), self.rate(done), failures(self.failures));
        let slow = slow.map_or_else(String::new, |slow| format!("; {slow} takes long"));
        let done = grouped(done);
        // Nobody has to read it.
        let _ = writeln!(self.progress, "{done} of {count} {}, {rate}, {failures}{slow}", self.noun);
    }

    /// One more has failed; `told` says how, if that is still told.
    ///
    /// # Errors
    /// Those of the output.
    pub(crate) fn failed(&mut self, told: impl FnOnce() -> String) -> io::Result<()> {
        self.failures += 1;
        if self.failures > TOLD_MAX {
            return Ok(());
        }
        writeln!(self.out, "{}", told())?;
        self.out.flush()
    }

    /// It is over: the totals, and `beside` them what else was counted.
    ///
    /// # Errors
    /// Those of the output.
    pub(crate) fn over(mut self, done: u64, beside: &str) -> io::Result<ExitCode> {
        if self.failures > TOLD_MAX {
            writeln!(self.out, "and {} more", failures(self.failures - TOLD_MAX))?;
        }
        let (seconds, rate) = (self.began.elapsed().as_secs_f64(), self.rate(done));
        let (done, failures) = (grouped(done), failures(self.failures));
        writeln!(self.out, "{done} {} in {seconds:.1} s: {rate}{beside}, {failures}", self.noun)?;
        Ok(if self.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn rate(&self, done: u64) -> String {
        let rate = done as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        let rate = if rate < 10.0 { format!("{rate:.1}") } else { grouped(rate as u64) };
        format!("{rate} {}/s", self.noun)
    }
}

fn failures(count: u64) -> String {
    match count {
        0 => "no failures".to_owned(),
        1 => "1 failure".to_owned(),
        many => format!("{} failures", grouped(many)),
    }
}

/// A number with a comma before each three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The first line of a text, or as much of it as fits on a line.
pub(crate) fn one_line(text: &str) -> String {
    const LETTERS_MAX: usize = 200;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
