//! What went wrong, as a sentence, and the exit code that says so.
//!
//! All exit codes of the command stand here, and each command's help shows its own from [`codes`].

use std::fmt;
use std::process::ExitCode;

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All went well.
    Fine = 0,
    /// The work was not done, or found trouble.
    Trouble = 1,
    /// The arguments are wrong; clap exits with the same.
    Usage = 2,
    /// What should be read cannot be read, or is damaged.
    Input = 3,
    /// Ctrl-C, as shells count it: 128 and the number of the signal.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// What each exit code means: of which command (of every one without a name), and in words.
const CODES: &[(&str, Exit, &str)] = &[
    ("", Exit::Fine, "all went well"),
    ("explain", Exit::Trouble, "the interface cannot be listened to, or an output cannot be written"),
    (
        "explain",
        Exit::Input,
        "the capture cannot be read, or is damaged; what is before the damage is explained",
    ),
    ("get", Exit::Trouble, "the file is not there, or not whole"),
    ("get", Exit::Interrupted, "Ctrl-C"),
    ("script", Exit::Trouble, "a script failed; skipped ones do not count"),
    ("script", Exit::Input, "a file or folder of the arguments cannot be read"),
    ("serve", Exit::Trouble, "the server could not be started, or the capture not be written"),
    ("serve", Exit::Input, "the folder cannot be read"),
    ("sim", Exit::Trouble, "a flow failed or ran out of time, or an output cannot be written"),
    ("demo", Exit::Trouble, "an output cannot be written"),
    ("diagram", Exit::Trouble, "an output cannot be written"),
    ("", Exit::Usage, "the arguments are wrong"),
];

/// The exit codes of a command, for its help, a line each.
pub(crate) fn codes(command: &str) -> String {
    let mut rows: Vec<_> = CODES.iter().filter(|(of, ..)| of.is_empty() || *of == command).collect();
    rows.sort_by_key(|(_, exit, _)| *exit as u8);
    let lines = rows.iter().map(|(_, exit, meaning)| format!("{:>5}  {meaning}", *exit as u8));
    format!("Exit codes:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// A failure to tell the user: what happened, and what to do next when there is something to do.
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

    /// The arguments are wrong, though each of them can be read.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), exit: Exit::Usage }
    }

    /// What should be read is not what it should be.
    pub(crate) fn input(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), exit: Exit::Input }
    }

    /// Prints it and gives the exit code. A reader that went away (`synfin ... | head`) is no failure.
    pub(crate) fn tell(self) -> ExitCode {
        if !self.sentence.is_empty() {
            eprintln!("synfin: {}", self.sentence);
        }
        self.exit.into()
    }

    /// An I/O error with what was being done: `cannot write out.pcapng: ...`.
    pub(crate) fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure { sentence: String::new(), exit: Exit::Fine };
        }
        Failure::new(format!("cannot {doing}: {error}"))
    }

    /// What was named as an input cannot be read.
    pub(crate) fn reading(what: impl fmt::Display, error: &std::io::Error) -> Self {
        Failure::input(format!("cannot read {what}: {error}"))
    }
}

/// What a subcommand gives.
pub(crate) type Outcome = Result<ExitCode, Failure>;

/// Writes to standard output, or to standard error while a file goes to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = crate::output::text();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::io("print", &error))
}
