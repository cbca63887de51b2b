//! The files that a command writes: one way for every flag that names one.
//!
//! A command first says what it reads and what it is going to write ([`Files`]), so that nothing is
//! written over an input or over another output; only then does it begin ([`Target::begin`]). A regular
//! file is written beside its place and put there once it is whole, with the owner and the mode of the
//! file that it replaces; whatever fails before, the old file stands. Recordings, which have no end of
//! their own, grow where they shall stay. Standard output (`-`), pipes and devices are written through.
//!
//! What is *not* here: what is in the files, and the uploads of `serve`, whose places a client names.

mod beside;
mod files;
mod place;

pub(crate) use beside::leave_nothing;
pub(crate) use files::{Existing, Files};

use crate::failure::Failure;
use beside::Beside;
use place::Place;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes gathered before a file is touched.
const BUFFER_BYTES: usize = 256 << 10;
/// The same for a recording, whose frames are written while the stack waits.
const RECORDING_BUFFER_BYTES: usize = 1 << 20;

/// Whether a file goes to standard output, so that text goes to standard error.
static STANDARD_OUTPUT_IS_A_FILE: AtomicBool = AtomicBool::new(false);

/// Where text for people goes: standard output, or standard error while a file goes there (`--pcap -`).
pub(crate) fn text() -> Box<dyn Write> {
    if STANDARD_OUTPUT_IS_A_FILE.load(Ordering::Relaxed) {
        Box::new(io::stderr().lock())
    } else {
        Box::new(io::stdout().lock())
    }
}

/// When an output gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Once it is whole.
    WhenWhole,
    /// At once: it grows in its place.
    InPlace,
}

/// A place for an output that was checked against all others. Nothing is touched yet.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// What the user calls it.
    path: PathBuf,
    place: Place,
    manner: Manner,
}

impl Target {
    /// Begins to write.
    ///
    /// # Errors
    /// The place cannot be written to, or the file there could not keep its owner.
    pub(crate) fn begin(&self) -> Result<Output, Failure> {
        let failed = |error: io::Error| self.failed(&error);
        let (file, ending) = match (&self.place, self.manner) {
            (Place::StandardOutput, _) => {
                (File::from(io::stdout().as_fd().try_clone_to_owned().map_err(failed)?), Ending::Nothing)
            }
            (Place::Through { path, .. }, _) => {
                (OpenOptions::new().write(true).open(path).map_err(failed)?, Ending::Nothing)
            }
            (Place::New { path }, Manner::InPlace) => {
                let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
                (file, Ending::Kept { or_removed: Some(path.clone()) })
            }
            (Place::File { path, .. }, Manner::InPlace) => {
                let file = OpenOptions::new().write(true).truncate(true).open(path).map_err(failed)?;
                (file, Ending::Kept { or_removed: None })
            }
            (Place::New { path }, Manner::WhenWhole) => {
                let (beside, file) = Beside::begin(path, None).map_err(failed)?;
                (file, Ending::Renamed(beside))
            }
            (Place::File { path, metadata }, Manner::WhenWhole) => {
                let (beside, file) = Beside::begin(path, Some(metadata)).map_err(failed)?;
                (file, Ending::Renamed(beside))
            }
        };
        Ok(self.output(file, ending))
    }

    /// Goes on with the part of the file that an earlier attempt has left beside its place, after its
    /// first `from_bytes` bytes. A part is kept if this attempt fails, too. What is no regular file has
    /// no parts: it begins.
    ///
    /// # Errors
    /// As [`Target::begin`].
    pub(crate) fn continue_part(&self, from_bytes: u64) -> Result<Output, Failure> {
        let (target, old) = match &self.place {
            Place::New { path } => (path, None),
            Place::File { path, metadata } => (path, Some(metadata)),
            Place::StandardOutput | Place::Through { .. } => return self.begin(),
        };
        let part = with_suffix(target, PART);
        let begun = Beside::part(&part, target, old, from_bytes).map_err(|error| self.failed(&error))?;
        Ok(self.output(begun.1, Ending::Renamed(begun.0)))
    }

    /// Writes all of it at once.
    ///
    /// # Errors
    /// As [`Target::begin`] and [`Output::finish`].
    pub(crate) fn write(&self, content: &str) -> Result<(), Failure> {
        let mut output = self.begin()?;
        output.take(content)?;
        output.finish()
    }

    /// Where a part of the file is kept while it is not whole; nothing for what has no parts.
    pub(crate) fn part(&self) -> Option<PathBuf> {
        self.file().map(|path| with_suffix(path, PART))
    }

    /// The file that is there, or will be, with symbolic links followed; nothing for a pipe or a device.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::New { path } | Place::File { path, .. } => Some(path),
            Place::StandardOutput | Place::Through { .. } => None,
        }
    }

    fn output(&self, file: File, ending: Ending) -> Output {
        let bytes = match self.manner {
            Manner::WhenWhole => BUFFER_BYTES,
            Manner::InPlace => RECORDING_BUFFER_BYTES,
        };
        Output { target: self.clone(), out: BufWriter::with_capacity(bytes, file), ending }
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::io(format_args!("write {self}"), error)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::StandardOutput => f.write_str("standard output"),
            _ => self.path.display().fmt(f),
        }
    }
}

/// What a file is called that has not come whole.
const PART: &str = ".part";

/// The path with more at its end.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// An output that is being written to. One that is dropped before it was finished leaves nothing.
#[derive(Debug)]
pub(crate) struct Output {
    target: Target,
    out: BufWriter<File>,
    ending: Ending,
}

/// What is left to do once all of it is written.
#[derive(Debug)]
enum Ending {
    /// It was written through.
    Nothing,
    /// It gets its name.
    Renamed(Beside),
    /// It stays where it is, or goes if it was not worth keeping.
    Kept { or_removed: Option<PathBuf> },
}

impl Output {
    /// Writes this text.
    ///
    /// # Errors
    /// The place takes no more.
    pub(crate) fn take(&mut self, text: &str) -> Result<(), Failure> {
        self.write_all(text.as_bytes()).map_err(|error| self.failed(&error))
    }

    /// A recording is worth keeping from now on, whatever happens.
    pub(crate) fn keep(&mut self) {
        if let Ending::Kept { or_removed } = &mut self.ending {
            *or_removed = None;
        }
    }

    /// It is whole: it gets its name.
    ///
    /// # Errors
    /// The rest cannot be written, or the file not be put into its place; the old file stands then.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.keep();
        let finished = self.out.flush().and_then(|()| match &mut self.ending {
            Ending::Nothing | Ending::Kept { .. } => Ok(()),
            Ending::Renamed(beside) => beside.put_into_place(self.out.get_ref()),
        });
        finished.map_err(|error| self.failed(&error))
    }

    /// The sentence for what went wrong while writing it.
    pub(crate) fn failed(&self, error: &io::Error) -> Failure {
        self.target.failed(error)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Ending::Kept { or_removed: Some(path) } = &self.ending {
            // We have made it, and there is nothing in it that anybody would miss.
            let _ = fs::remove_file(path);
        }
    }
}
