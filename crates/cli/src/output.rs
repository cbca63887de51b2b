//! The files that a command writes: one way for every flag that names one.
//!
//! A command first registers what it reads and what it is going to write ([`Files`]), so that no input and
//! no other output is overwritten; then it begins to write ([`Target::begin`]). A regular file is written
//! under another name in the same folder and renamed once it is whole, with the owner and the mode of the
//! file that it replaces; after an earlier failure the old file is unchanged. Recordings, which end only
//! when the user wants it, are written in their place. Standard output (`-`), pipes and devices are written
//! directly.
//!
//! What is *not* here: the content of the files, and the uploads of `serve`, whose names come from clients.

mod early_sync;
mod files;
mod place;
mod replacement;

pub(crate) use files::{Existing, Files};
pub(crate) use replacement::remove_unfinished_and_exit;

use crate::failure::Failure;
use early_sync::EarlySync;
use place::Place;
use replacement::Replacement;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes that are buffered before they are written to a file.
const BUFFER_BYTES: usize = 256 << 10;
/// The same for a recording: more, because the stack waits while a frame is written.
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
    /// At once: it is written in its place.
    InPlace,
}

/// A place for an output, checked against all other files. Nothing is opened yet.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The name that the user gave.
    path: PathBuf,
    place: Place,
    manner: Manner,
}

impl Target {
    /// Begins to write.
    ///
    /// # Errors
    /// The place cannot be written to, or the owner of the file there cannot be kept.
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
                (file, Ending::InPlace { remove_if_dropped: Some(path.clone()) })
            }
            (Place::File { path, .. }, Manner::InPlace) => {
                let file = OpenOptions::new().write(true).truncate(true).open(path).map_err(failed)?;
                (file, Ending::InPlace { remove_if_dropped: None })
            }
            (Place::New { path }, Manner::WhenWhole) => {
                let (replacement, file) = Replacement::begin(path, None).map_err(failed)?;
                (file, Ending::renamed(replacement))
            }
            (Place::File { path, metadata }, Manner::WhenWhole) => {
                let (replacement, file) = Replacement::begin(path, Some(metadata)).map_err(failed)?;
                (file, Ending::renamed(replacement))
            }
        };
        Ok(self.output(file, ending))
    }

    /// Continues the partial file of an earlier attempt after its first `from_bytes` bytes. If this attempt
    /// fails too, the partial file is kept. Pipes and devices have none: for them this is [`Target::begin`].
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
        let (replacement, file) =
            Replacement::part(&part, target, old, from_bytes).map_err(|error| self.failed(&error))?;
        Ok(self.output(file, Ending::renamed(replacement)))
    }

    /// Writes the whole content.
    ///
    /// # Errors
    /// As [`Target::begin`] and [`Output::finish`].
    pub(crate) fn write(&self, content: &str) -> Result<(), Failure> {
        let mut output = self.begin()?;
        output.take(content)?;
        output.finish()
    }

    /// The path of the partial file; `None` for pipes and devices.
    pub(crate) fn part(&self) -> Option<PathBuf> {
        self.file().map(|path| with_suffix(path, PART))
    }

    /// The path of the file, which may not exist yet, with symbolic links followed; `None` for pipes and
    /// devices.
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

/// The suffix of a partial file.
const PART: &str = ".part";

/// The path with `suffix` appended.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// An output that is being written. If it is dropped before it is finished, a new file is removed, unless it
/// is a partial file or [`Output::keep`] was called.
#[derive(Debug)]
pub(crate) struct Output {
    target: Target,
    out: BufWriter<File>,
    ending: Ending,
}

/// What remains to be done once everything is written.
#[derive(Debug)]
enum Ending {
    /// Nothing: it was written directly.
    Nothing,
    /// The file is renamed into its place, once the disk has it.
    Renamed { replacement: Replacement, early_sync: EarlySync },
    /// The file stays in its place. `remove_if_dropped` is removed if the output is dropped instead.
    InPlace { remove_if_dropped: Option<PathBuf> },
}

impl Ending {
    fn renamed(replacement: Replacement) -> Ending {
        Ending::Renamed { replacement, early_sync: EarlySync::default() }
    }
}

impl Output {
    /// Writes these bytes at once, without gathering and copying them.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn write_through(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_mut().write_all(bytes)?;
        self.on_written(bytes.len());
        Ok(())
    }

    fn on_written(&mut self, bytes: usize) {
        if let Ending::Renamed { early_sync, .. } = &mut self.ending {
            early_sync.on_written(self.out.get_ref(), bytes);
        }
    }

    /// Writes this text.
    ///
    /// # Errors
    /// The text cannot be written.
    pub(crate) fn take(&mut self, text: &str) -> Result<(), Failure> {
        self.write_all(text.as_bytes()).map_err(|error| self.failed(&error))
    }

    /// Keeps a recording from now on, even if the command fails.
    pub(crate) fn keep(&mut self) {
        if let Ending::InPlace { remove_if_dropped } = &mut self.ending {
            *remove_if_dropped = None;
        }
    }

    /// Ends the output; a file that is whole now is renamed into its place.
    ///
    /// # Errors
    /// The rest cannot be written, or the file cannot be renamed; the old file is unchanged then.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.keep();
        let finished = self.out.flush().and_then(|()| match &mut self.ending {
            Ending::Nothing | Ending::InPlace { .. } => Ok(()),
            Ending::Renamed { replacement, early_sync } => {
                early_sync.finish().and_then(|()| replacement.put_into_place(self.out.get_ref()))
            }
        });
        finished.map_err(|error| self.failed(&error))
    }

    /// The sentence for an error while writing.
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
        let written = self.out.write(bytes)?;
        self.on_written(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Ending::InPlace { remove_if_dropped: Some(path) } = &self.ending {
            // This output made the file, and nothing in it is worth keeping.
            let _ = fs::remove_file(path);
        }
    }
}
