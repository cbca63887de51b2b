//! Failures as sentences, and the exit codes that go with them.
//!
//! All exit codes are listed here; each command's help shows its own, from [`codes`].

use std::fmt;
use std::process::ExitCode;

/// An exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All went well.
    Fine = 0,
    /// The work was not done, or found trouble.
    Trouble = 1,
    /// The arguments are wrong; clap exits with the same.
    Usage = 2,
    /// An input cannot be read, or is damaged.
    Input = 3,
    /// Ctrl-C, as shells count it: 128 and the number of the signal.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// The command (empty for all commands), its exit code, and what the code means.
const CODES: &[(&str, Exit, &str)] = &[
    ("", Exit::Fine, "all went well"),
    (
        "explain",
        Exit::Trouble,
        "there is no TCP in the capture, the interface cannot be captured from, or an output cannot be written",
    ),
    (
        "explain",
        Exit::Input,
        "the capture cannot be read, or is damaged; the part before the damage is explained",
    ),
    ("get", Exit::Trouble, "the file cannot be fetched, or not all of it"),
    ("get", Exit::Interrupted, "Ctrl-C"),
    ("lab", Exit::Trouble, "the port is taken, or cannot be listened on"),
    ("script", Exit::Trouble, "a script failed; skipped ones do not count"),
    ("script", Exit::Input, "a file or folder of the arguments cannot be read"),
    ("serve", Exit::Trouble, "the server cannot be started, or the capture cannot be written"),
    ("serve", Exit::Input, "the folder cannot be read"),
    ("sim", Exit::Trouble, "a flow failed or ran out of time, or an output cannot be written"),
    ("wire", Exit::Trouble, "a device or a namespace cannot be opened or made, or it has gone"),
    ("demo", Exit::Trouble, "an output cannot be written"),
    ("diagram", Exit::Trouble, "an output cannot be written"),
    ("", Exit::Usage, "the arguments are wrong"),
];

/// The exit codes of a command, one per line, for its help.
pub(crate) fn codes(command: &str) -> String {
    let mut rows: Vec<_> = CODES.iter().filter(|(of, ..)| of.is_empty() || *of == command).collect();
    rows.sort_by_key(|(_, exit, _)| *exit as u8);
    let lines = rows.iter().map(|(_, exit, meaning)| format!("{:>5}  {meaning}", *exit as u8));
    format!("Exit codes:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// A failure to show to the user: what happened, and what to do next where something can be done.
#[derive(Debug)]
pub(crate) struct Failure {
    sentence: String,
    exit: Exit,
}

impl Failure {
    /// The work failed.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), exit: Exit::Trouble }
    }

    /// The arguments are wrong, although each one by itself is valid.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), exit: Exit::Usage }
    }

    /// An input cannot be read, or is damaged.
    pub(crate) fn input(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), exit: Exit::Input }
    }

    /// Prints the sentence and returns the exit code.
    pub(crate) fn print(self) -> ExitCode {
        if !self.sentence.is_empty() {
            eprintln!("synfin: {}", self.sentence);
        }
        self.exit.into()
    }

    /// An I/O error with what was being done: `cannot write out.pcapng: ...`. A reader that has closed its pipe
    /// (`synfin ... | head`) is no failure: it gets no sentence, and the exit code of success.
    pub(crate) fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure { sentence: String::new(), exit: Exit::Fine };
        }
        Failure::new(format!("cannot {doing}: {error}"))
    }

    /// An input cannot be read.
    pub(crate) fn reading(what: impl fmt::Display, error: &std::io::Error) -> Self {
        Failure::input(format!("cannot read {what}: {error}"))
    }
}

/// What a subcommand returns.
pub(crate) type Outcome = Result<ExitCode, Failure>;

/// Writes to standard output, or to standard error while a file goes to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = crate::output::text();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::io("print", &error))
}
