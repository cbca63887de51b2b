//! All files of one run of a command, read and written: no two of them are the same.
//!
//! Inputs are told first, opened; then each output. What would destroy an input, or another output, is
//! refused with a sentence before anything is touched.

use super::place::{Identity, Place};
use super::{Manner, STANDARD_OUTPUT_IS_A_FILE, Target};
use crate::failure::Failure;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::Ordering;

/// What happens to a recording's name that something has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It is somebody's file.
    Refused,
    /// The user has said `--force`.
    Overwritten,
}

/// The files of a run so far.
#[derive(Debug)]
pub(crate) struct Files {
    taken: Vec<Taken>,
    /// The file or pipe that standard output goes to.
    standard_output: Option<Identity>,
}

/// A file that has its use.
#[derive(Debug)]
struct Taken {
    identity: Identity,
    /// How to name it in a sentence.
    name: String,
    by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Input,
    Output,
}

impl Files {
    /// No files yet, but for standard output, which goes somewhere.
    pub(crate) fn new() -> Files {
        Files { taken: Vec::new(), standard_output: Identity::of_open(io::stdout()) }
    }

    /// Something is read: no output may be the same. `name` is what the user calls it.
    ///
    /// # Errors
    /// Standard output goes into it.
    pub(crate) fn read(&mut self, name: &str, input: impl AsFd) -> Result<(), Failure> {
        let Some(identity) = Identity::of_open(input) else { return Ok(()) };
        if self.standard_output.as_ref() == Some(&identity) {
            return Err(Failure::usage(format!(
                "standard output goes into {name}, which is read; send it to another file"
            )));
        }
        self.taken.push(Taken { identity, name: name.to_owned(), by: By::Input });
        Ok(())
    }

    /// Lines that the user has asked for go to standard output, so that no file can.
    pub(crate) fn print(&mut self, flag: &str) {
        self.taken.push(Taken { identity: Identity::StandardOutput, name: flag.to_owned(), by: By::Output });
    }

    /// A file is written, and gets its name once it is whole. `flag` is the one that names it.
    ///
    /// # Errors
    /// It is an input or another output; it is a folder; the folder that it should be in is missing.
    pub(crate) fn write(&mut self, flag: &str, path: &Path) -> Result<Target, Failure> {
        self.take(flag, path, Manner::WhenWhole)
    }

    /// A recording is written, in its place from the beginning.
    ///
    /// # Errors
    /// As [`Files::write`]; and there is a file of that name already, if that is not `Overwritten`.
    pub(crate) fn record(&mut self, flag: &str, path: &Path, existing: Existing) -> Result<Target, Failure> {
        let target = self.take(flag, path, Manner::InPlace)?;
        if matches!(target.place, Place::File { .. }) && existing == Existing::Refused {
            let path = path.display();
            return Err(Failure::usage(format!(
                "{path} exists, and a recording would replace it from its first packet on; give {flag} another \
                 name, or add --force"
            )));
        }
        Ok(target)
    }

    /// A file of ours beside an output: no other output may be the same.
    ///
    /// # Errors
    /// As [`Files::write`].
    pub(crate) fn also_write(&mut self, flag: &str, path: &Path) -> Result<(), Failure> {
        self.take(flag, path, Manner::WhenWhole).map(drop)
    }

    fn take(&mut self, flag: &str, path: &Path, manner: Manner) -> Result<Target, Failure> {
        let place = if path == Path::new("-") { Ok(Place::StandardOutput) } else { Place::of(path) };
        let place = place.map_err(|error| Failure::io(format_args!("write {}", path.display()), &error))?;
        if let Place::Through { metadata, .. } = &place
            && metadata.is_dir()
        {
            let path = path.display();
            return Err(Failure::new(format!("{path} is a folder; name the file in it with {flag}")));
        }
        if let Some(identity) = place.identity() {
            self.check(flag, path, &identity)?;
            let name = format!("{flag} {}", path.display());
            self.taken.push(Taken { identity, name, by: By::Output });
        }
        if matches!(place, Place::StandardOutput) {
            STANDARD_OUTPUT_IS_A_FILE.store(true, Ordering::Relaxed);
        }
        Ok(Target { path: path.to_owned(), place, manner })
    }

    fn check(&self, flag: &str, path: &Path, identity: &Identity) -> Result<(), Failure> {
        let path = path.display();
        if self.standard_output.as_ref() == Some(identity) {
            return Err(Failure::usage(format!(
                "{flag} {path} is the file that standard output goes to; give {flag} another name"
            )));
        }
        let Some(other) = self.taken.iter().find(|taken| taken.identity == *identity) else { return Ok(()) };
        let name = &other.name;
        Err(Failure::usage(match (other.by, identity) {
            (By::Input, _) => format!(
                "{flag} {path} is the same file as {name}, which is read and would be lost; give {flag} another \
                 name"
            ),
            (By::Output, Identity::StandardOutput) => {
                format!("{name} and {flag} {path} both go to standard output; give {flag} the name of a file")
            }
            (By::Output, _) => {
                format!("{name} and {flag} {path} are the same file; give each a name of its own")
            }
        }))
    }
}
