//! What went wrong, as a sentence, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

/// A failure to tell the user: what happened, and what to do next when there is something to do.
#[derive(Debug)]
pub(crate) struct Failure {
    sentence: String,
    code: u8,
}

impl Failure {
    /// Exit code 1: the work failed.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), code: 1 }
    }

    /// Exit code 2: the arguments are wrong, as for what the parser of arguments refuses.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Failure { sentence: sentence.into(), code: 2 }
    }

    /// Prints it and gives the exit code. A reader that went away (`synfin ... | head`) is no failure.
    pub(crate) fn tell(self) -> ExitCode {
        if !self.sentence.is_empty() {
            eprintln!("synfin: {}", self.sentence);
        }
        ExitCode::from(self.code)
    }

    /// An I/O error with what was being done: `cannot write out.pcapng: ...`.
    pub(crate) fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure { sentence: String::new(), code: 0 };
        }
        Failure::new(format!("cannot {doing}: {error}"))
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
