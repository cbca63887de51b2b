//! All files that one run of a command reads and writes: no output is the same file as another.
//!
//! Inputs are registered first, already open; then each output. An output that would destroy an input or
//! another output is refused with a sentence before any file is touched.

use super::place::{Identity, Place};
use super::{Manner, STANDARD_OUTPUT_IS_A_FILE, Target};
use crate::failure::Failure;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::Ordering;

/// What happens if the file of a recording exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// The recording is refused, because the file may be of value.
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

/// A registered file.
#[derive(Debug)]
struct Taken {
    identity: Identity,
    /// Its name in sentences.
    name: String,
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Input,
    Output,
}

impl Files {
    /// No files yet, except the one that standard output goes to.
    pub(crate) fn new() -> Files {
        Files { taken: Vec::new(), standard_output: Identity::of_open(io::stdout()) }
    }

    /// Registers an input. `name` is its name in sentences.
    ///
    /// # Errors
    /// Standard output goes into the same file.
    pub(crate) fn read(&mut self, name: &str, input: impl AsFd) -> Result<(), Failure> {
        let Some(identity) = Identity::of_open(input) else { return Ok(()) };
        if self.standard_output.as_ref() == Some(&identity) {
            return Err(Failure::usage(format!(
                "standard output goes into {name}, which is read; send it to another file"
            )));
        }
        self.taken.push(Taken { identity, name: name.to_owned(), role: Role::Input });
        Ok(())
    }

    /// Registers that the lines of `flag` go to standard output, so that no file can go there.
    pub(crate) fn print(&mut self, flag: &str) {
        self.taken.push(Taken {
            identity: Identity::StandardOutput,
            name: flag.to_owned(),
            role: Role::Output,
        });
    }

    /// Registers a file that gets its name once it is whole. `flag` is the flag that names it.
    ///
    /// # Errors
    /// It is an input or another output; it is a folder; the folder that it should be in is missing.
    pub(crate) fn write(&mut self, flag: &str, path: &Path) -> Result<Target, Failure> {
        self.take(flag, path, Manner::WhenWhole)
    }

    /// Registers a recording, which is written in its place from the start.
    ///
    /// # Errors
    /// As [`Files::write`]; and the file exists, if `existing` is `Refused`.
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

    /// Registers a file of ours that accompanies an output.
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
            return Err(Failure::usage(format!("{path} is a folder; name the file in it with {flag}")));
        }
        if let Some(identity) = place.identity() {
            self.check(flag, path, &identity)?;
            let name = format!("{flag} {}", path.display());
            self.taken.push(Taken { identity, name, role: Role::Output });
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
        Err(Failure::usage(match (other.role, identity) {
            (Role::Input, _) => format!(
                "{flag} {path} is the same file as {name}, which is read and would be lost; give {flag} another \
                 name"
            ),
            (Role::Output, Identity::StandardOutput) => {
                format!("{name} and {flag} {path} both go to standard output; give {flag} the name of a file")
            }
            (Role::Output, _) => {
                format!("{name} and {flag} {path} are the same file; give each a name of its own")
            }
        }))
    }
}
