//! `worlds`: the worlds of many seeds.

use super::telling::{Telling, grouped, one_line};
use super::{CODES, TOLD_EVERY, count, first, threads, threads_or_all};
use clap::Args;
use std::io::{self, Write, stderr, stdout};
use std::ops::{ControlFlow, Range};
use std::process::ExitCode;
use std::sync::Mutex;
use synfin_verify::many::{Many, News};
use synfin_verify::worlds::{Kind, Tallied, report, trial};

/// Live the worlds of many seeds, and see whether what must hold holds in each
#[derive(Args)]
#[command(after_help = format!("Examples, after `cargo run --release -p synfin-verify --`:
  worlds                               evil worlds, for some minutes
  worlds --seeds 1000000               ten times as many
  worlds --first 1000000               others than those
  worlds --kind plain --seeds 1 --first 77    seed 77 once more

{CODES}"))]
pub(crate) struct Worlds {
    /// Which worlds
    #[arg(long, value_enum, default_value_t = Kind::Evil)]
    kind: Kind,
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = count())]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = first())]
    first: u64,
    /// How many threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = threads())]
    threads: Option<u16>,
}

impl Worlds {
    /// Lives them all.
    ///
    /// # Errors
    /// If standard output cannot be written to.
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let seeds = self.first..self.first + self.seeds;
        let many = Many { seeds, threads: threads_or_all(self.threads), told_every: TOLD_EVERY };
        let lives = Lives {
            trial: |seed| trial(self.kind, seed),
            in_full: |seed, why: &str| report(self.kind, seed, why),
            again_with: |seed| self.kind.again_with(seed),
        };
        lives.run(&many, stdout(), stderr())
    }
}

/// What is done with a seed, so that tests can do something else.
struct Lives<Trial, InFull, Again> {
    trial: Trial,
    in_full: InFull,
    again_with: Again,
}

impl<Trial, InFull, Again> Lives<Trial, InFull, Again>
where
    Trial: Fn(u64) -> Result<Tallied, String> + Sync,
    InFull: Fn(u64, &str) -> String,
    Again: Fn(u64) -> String,
{
    fn run(&self, many: &Many, out: impl Write, progress: impl Write) -> io::Result<ExitCode> {
        let Range { start, end } = many.seeds;
        let mut telling = Telling::new("seeds", end - start, out, progress);
        let (trial, total) = (&self.trial, Mutex::new(Tallied::default()));
        let one = |seed| {
            let tallied = trial(seed)?;
            *total.lock().expect("additions do not panic") += tallied;
            Ok(())
        };
        let (mut is_first, mut broken) = (true, None);
        let done = many.live(one, |news| {
            match news {
                News::GoesOn { done, slow } => telling.goes_on(done, slow.map(|seed| format!("seed {seed}"))),
                News::Failed { seed, why } => {
                    let told = telling.failed(|| match std::mem::take(&mut is_first) {
                        true => (self.in_full)(seed, &why),
                        false => {
                            format!(
                                "seed {seed}: {}; again with: {}",
                                one_line(&why),
                                (self.again_with)(seed)
                            )
                        }
                    });
                    broken = told.err().or(broken.take());
                }
            }
            if broken.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Some(error) = broken {
            return Err(error);
        }
        let Tallied { virtual_s, segments, .. } = total.into_inner().expect("additions do not panic");
        let (hours, segments) = (grouped(virtual_s / 3_600), grouped(segments));
        telling.over(done, &format!(", {hours} virtual hours, {segments} segments"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred seeds, of which each tenth fails.
    fn run(out: impl Write) -> io::Result<ExitCode> {
        let many = Many { seeds: 0..100, threads: 1, told_every: TOLD_EVERY };
        let one = Tallied { events: 3, virtual_s: 7_200, segments: 20 };
        Lives {
            trial: |seed| if seed % 10 == 5 { Err(format!("bad\nvery {seed}")) } else { Ok(one) },
            in_full: |seed, why: &str| format!("a long story of {seed}: {why}"),
            again_with: |seed| format!("world {seed}"),
        }
        .run(&many, out, io::sink())
    }

    #[test]
    fn the_first_failure_is_told_in_full_and_each_other_in_a_line() {
        let mut out = Vec::new();
        assert_eq!(run(&mut out).expect("a vector takes everything"), ExitCode::FAILURE);
        let out = String::from_utf8(out).expect("text");
        assert!(
            out.starts_with("a long story of 5: bad\nvery 5\nseed 15: bad; again with: world 15\n"),
            "{out}"
        );
        assert!(out.contains("seed 95: bad; again with: world 95\n100 seeds in "), "{out}");
        assert!(out.ends_with(", 180 virtual hours, 1,800 segments, 10 failures\n"), "{out}");
    }

    #[test]
    fn a_run_that_nobody_hears_ends() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(run(Closed).expect_err("nobody hears").kind(), io::ErrorKind::BrokenPipe);
    }
}
