//! `fuzz`: many inputs for the fuzz bodies, without libFuzzer.
//!
//! Inputs are shared evenly among the bodies. One that fails is written to a file, so that it can be committed.

use super::telling::{Telling, grouped};
use super::{CODES, TOLD_EVERY, count, first, threads, threads_or_all};
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::collections::BTreeSet;
use std::io::{self, Write, stderr, stdout};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use synfin_verify::bodies::{BODIES, Body};
use synfin_verify::caught;
use synfin_verify::inputs::Inputs;
use synfin_verify::many::{Many, News};

/// Feed the fuzz bodies with many inputs: committed seeds with mutations, and bytes out of nowhere
#[derive(Args)]
#[command(after_help = format!("Examples, after `cargo run --release -p synfin-verify --`:
  fuzz                                 all bodies, for some minutes
  fuzz --inputs 100000000              ten times as many
  fuzz --body connection               one of them
  fuzz --body host --inputs 1 --first 77    input 77 of `host` once more

{CODES}"))]
pub(crate) struct Fuzz {
    /// How many inputs over all bodies together; each gets as many as the others
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = count())]
    inputs: u64,
    /// Only this body
    #[arg(long, value_name = "NAME", value_parser = names())]
    body: Option<String>,
    /// The number of each body's first input
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = first())]
    first: u64,
    /// How many threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = threads())]
    threads: Option<u16>,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(BODIES.iter().map(|(name, _)| *name))
}

impl Fuzz {
    /// Feeds them all.
    ///
    /// # Errors
    /// If standard output cannot be written to.
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let is_wanted = |name: &str| self.body.as_ref().is_none_or(|body| body == name);
        let bodies = BODIES.iter().filter(|(name, _)| is_wanted(name));
        let meal = Meal {
            bodies: bodies.map(|(name, body)| (*name, *body, Inputs::of(name))).collect(),
            first: self.first,
            folder: std::env::temp_dir(),
        };
        meal.run(self.inputs, threads_or_all(self.threads), stdout(), stderr())
    }
}

/// Bodies and what they are fed with.
struct Meal {
    bodies: Vec<(&'static str, Body, Inputs)>,
    /// The number of each body's first input.
    first: u64,
    /// Where inputs that fail are left.
    folder: PathBuf,
}

impl Meal {
    fn run(
        &self,
        inputs: u64,
        threads: usize,
        out: impl Write,
        progress: impl Write,
    ) -> io::Result<ExitCode> {
        let each = inputs.div_ceil(self.bodies.len() as u64);
        let count = each * self.bodies.len() as u64;
        let mut telling = Telling::new("inputs", count, out, progress);
        let many = Many { seeds: 0..count, threads, told_every: TOLD_EVERY };
        let one = |turn| {
            let (_, body, inputs, number) = self.at(turn);
            let bytes = inputs.mutated(number);
            caught(|| body(&bytes))
        };
        let (mut told, mut broken) = (BTreeSet::new(), None);
        let done = many.live(one, |news| {
            match news {
                News::GoesOn { done, slow } => {
                    let slow = slow.map(|turn| self.at(turn));
                    telling
                        .goes_on(done, slow.map(|(name, _, _, number)| format!("input {number} of {name}")));
                }
                News::Failed { seed, why } => {
                    broken = telling.failed(|| self.failure(seed, &why, &mut told)).err().or(broken.take());
                }
            }
            if broken.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Some(error) = broken {
            return Err(error);
        }
        let share = match self.bodies.len() {
            1 => String::new(),
            many => format!(", {} for each of {many} bodies", grouped(each)),
        };
        telling.over(done, &share)
    }

    /// Bodies take turns: whose turn it is, and the number of its input.
    fn at(&self, turn: u64) -> (&'static str, Body, &Inputs, u64) {
        let bodies = self.bodies.len() as u64;
        let (name, body, inputs) = &self.bodies[(turn % bodies) as usize];
        (name, *body, inputs, self.first + turn / bodies)
    }

    /// Leaves an input that failed in a file and says where. A reason that was told before is not told again.
    fn failure(&self, turn: u64, why: &str, told: &mut BTreeSet<(&'static str, String)>) -> String {
        let (name, _, inputs, number) = self.at(turn);
        let bytes = inputs.mutated(number);
        let path = self.folder.join(format!("synfin-fuzz-{name}-{number}.bin"));
        let left = match std::fs::write(&path, &bytes) {
            Ok(()) => path.display().to_string(),
            Err(error) => format!("not written to {}: {error}", path.display()),
        };
        let release = if cfg!(debug_assertions) { "" } else { " --release" };
        let again =
            format!("cargo run{release} -p synfin-verify -- fuzz --body {name} --first {number} --inputs 1");
        // Numbers differ from input to input.
        let kind: String = why.chars().filter(char::is_ascii_alphabetic).collect();
        if told.insert((name, kind)) {
            let len = bytes.len();
            format!(
                "{name} fails for input {number}, {len} bytes: {why}\n  the input: {left}; commit it to \
                 fuzz/seeds/{name}\n  again with: {again}"
            )
        } else {
            format!("{name} fails for input {number} in the same way; the input: {left}; again with: {again}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn told(folder: &Path, inputs: u64) -> (String, ExitCode) {
        let good: Body = |_| {};
        let bad: Body = |bytes| assert!(bytes.len() % 2 == 0, "{} bytes are odd", bytes.len());
        let bodies =
            vec![("wire_tcp", good, Inputs::of("wire_tcp")), ("wire_ip", bad, Inputs::of("wire_ip"))];
        let mut out = Vec::new();
        let meal = Meal { bodies, first: 1_000, folder: folder.to_owned() };
        let code = meal.run(inputs, 1, &mut out, io::sink()).expect("a vector takes everything");
        (String::from_utf8(out).expect("text"), code)
    }

    #[test]
    fn an_input_that_fails_is_left_in_a_file_and_its_reason_is_told_once() {
        let folder = std::env::temp_dir().join(format!("synfin-verify-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temporary folder takes folders");
        let (out, code) = told(&folder, 40);
        let odd: Vec<u64> =
            (1_000..1_020).filter(|number| Inputs::of("wire_ip").mutated(*number).len() % 2 == 1).collect();
        assert!(odd.len() > 2, "{odd:?}");
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines[0].starts_with(&format!("wire_ip fails for input {}, ", odd[0])), "{out}");
        assert!(lines[0].contains("bytes are odd, at verify/src/commands/fuzz.rs:"), "{out}");
        assert!(lines[1].ends_with(".bin; commit it to fuzz/seeds/wire_ip"), "{out}");
        assert!(
            lines[2].ends_with(&format!("-- fuzz --body wire_ip --first {} --inputs 1", odd[0])),
            "{out}"
        );
        assert!(
            lines[3].starts_with(&format!("wire_ip fails for input {} in the same way; ", odd[1])),
            "{out}"
        );
        assert_eq!(lines.len(), 3 + odd.len(), "{out}");
        assert!(lines.last().is_some_and(|line| line.contains(", 20 for each of 2 bodies, ")), "{out}");
        let left =
            std::fs::read(folder.join(format!("synfin-fuzz-wire_ip-{}.bin", odd[0]))).expect("it is there");
        assert_eq!(left, Inputs::of("wire_ip").mutated(odd[0]));
        assert_eq!(code, ExitCode::FAILURE);
        std::fs::remove_dir_all(&folder).expect("it is ours");
        // Without the folder there is no place for it, and that is said.
        assert!(told(&folder, 40).0.contains("the input: not written to "));
    }
}
