//! A file under construction beside its place, on the same file system, so that one rename puts it there.
//!
//! It has the owner and the mode of the file that it is going to replace. Unless it is a part that is to
//! be continued, it goes when its owner goes, or with Ctrl-C ([`leave_nothing`]).

use super::place::folder_of;
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the names of unfinished files begin with; a process and a number follow.
const UNFINISHED: &str = ".synfin-output-";
/// Names that are tried: those of a killed process with our number may be taken.
const NAMES_MAX: u32 = 1_000;
/// Permissions without the type of the file.
const MODE_BITS: u32 = 0o7777;

/// The files that go with Ctrl-C. Whoever makes, renames or removes one holds this.
static UNFINISHED_FILES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file beside its place.
#[derive(Debug)]
pub(super) struct Beside {
    path: PathBuf,
    target: PathBuf,
    /// What it is going to replace.
    old: Option<Rights>,
    leftover: Leftover,
}

/// Who may do what with the file that is going to be replaced.
#[derive(Clone, Copy, Debug)]
struct Rights {
    user: u32,
    group: u32,
    mode: u32,
}

impl Rights {
    fn of(metadata: &Metadata) -> Rights {
        Rights { user: metadata.uid(), group: metadata.gid(), mode: metadata.mode() & MODE_BITS }
    }
}

/// What happens to it if it is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leftover {
    Removed,
    Kept,
}

impl Beside {
    /// An empty file of an unused name.
    pub(super) fn begin(target: &Path, old: Option<&Metadata>) -> io::Result<(Beside, File)> {
        check_writable(target, old)?;
        crate::interrupt::catch();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        if old.is_some() {
            // Until it has the old file's mode, it is nobody else's.
            options.mode(0o600);
        }
        let mut unfinished = unfinished();
        let (path, file) = (0..NAMES_MAX)
            .map(|number| {
                let name = format!("{UNFINISHED}{}-{number}", std::process::id());
                let path = folder_of(target).join(name);
                options.open(&path).map(|file| (path, file))
            })
            .find(|opened| opened.as_ref().err().is_none_or(|error| error.kind() != ErrorKind::AlreadyExists))
            .unwrap_or_else(|| Err(ErrorKind::AlreadyExists.into()))
            .map_err(|error| {
                let folder = folder_of(target).display();
                io::Error::new(error.kind(), format!("{error} (a new file is made in {folder} first)"))
            })?;
        unfinished.insert(path.clone());
        drop(unfinished);
        let beside =
            Beside { path, target: target.to_owned(), old: old.map(Rights::of), leftover: Leftover::Removed };
        beside.resemble_old(&file)?;
        Ok((beside, file))
    }

    /// The part of an earlier attempt, or a new one, at the end of its first `from_bytes` bytes.
    pub(super) fn part(
        path: &Path,
        target: &Path,
        old: Option<&Metadata>,
        from_bytes: u64,
    ) -> io::Result<(Beside, File)> {
        check_writable(target, old)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        file.set_len(from_bytes)?;
        file.seek(SeekFrom::End(0))?;
        let (path, target) = (path.to_owned(), target.to_owned());
        Ok((Beside { path, target, old: old.map(Rights::of), leftover: Leftover::Kept }, file))
    }

    /// Gives it its name. What it replaces is gone then; after an error it stands.
    pub(super) fn put_into_place(&mut self, file: &File) -> io::Result<()> {
        self.resemble_old(file)?;
        // A disk may be found full only now; and a name without its bytes would survive a power cut.
        match file.sync_all() {
            Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                return Err(error);
            }
            _ => {}
        }
        let mut unfinished = unfinished();
        fs::rename(&self.path, &self.target)?;
        unfinished.remove(&self.path);
        self.leftover = Leftover::Kept;
        Ok(())
    }

    /// Owner, group and mode of the old file.
    fn resemble_old(&self, file: &File) -> io::Result<()> {
        let Some(Rights { user, group, mode }) = self.old else { return Ok(()) };
        let new = Rights::of(&file.metadata()?);
        if (new.user, new.group) != (user, group) {
            fchown(file, Some(user), Some(group)).map_err(|error| {
                let sentence = format!(
                    "the new file cannot be of the old one's owner and group ({user}:{group}): {error}; choose \
                     another name, or remove the old file first"
                );
                io::Error::new(error.kind(), sentence)
            })?;
        }
        // After the owner, because a new owner takes some of the mode away.
        file.set_permissions(Permissions::from_mode(mode))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if self.leftover == Leftover::Removed {
            let mut unfinished = unfinished();
            unfinished.remove(&self.path);
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A rename asks nobody whether the old file may be written to; we do.
fn check_writable(target: &Path, old: Option<&Metadata>) -> io::Result<()> {
    match old {
        Some(_) => OpenOptions::new().write(true).open(target).map(drop),
        None => Ok(()),
    }
}

/// Removes all unfinished files and ends the process with this exit code; none is made or put into its
/// place any more.
pub(crate) fn leave_nothing(exit_code: i32) -> ! {
    let unfinished = unfinished();
    for path in &*unfinished {
        let _ = fs::remove_file(path);
    }
    std::process::exit(exit_code)
}

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED_FILES.lock().unwrap_or_else(PoisonError::into_inner)
}
