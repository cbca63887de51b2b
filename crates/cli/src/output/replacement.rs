//! A file that is written in the folder of its target, under another name, so that one rename puts it into
//! its place.
//!
//! It has the owner and the mode of the file that it is going to replace. If it is not finished, it is
//! removed when the value is dropped, or at Ctrl-C ([`remove_unfinished_and_exit`]); a partial file is kept,
//! because it can be continued.

use super::early_sync::tolerate_unsyncable;
use super::place::folder_of;
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The beginning of the names of unfinished files; a process id and a number follow.
const UNFINISHED: &str = ".synfin-output-";
/// The most names that are tried: a killed process with the same id may have left some.
const NAMES_MAX: u32 = 1_000;
/// Permissions without the type of the file.
const MODE_BITS: u32 = 0o7777;

/// The files that Ctrl-C removes. The lock is held while one is made, renamed or removed.
static UNFINISHED_FILES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file that is going to be renamed to its target.
#[derive(Debug)]
pub(super) struct Replacement {
    path: PathBuf,
    target: PathBuf,
    /// The rights of the file that it replaces.
    old: Option<Rights>,
    leftover: Leftover,
}

/// Owner, group and mode of a file.
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

/// What happens to a file that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leftover {
    Removed,
    Kept,
}

impl Replacement {
    /// Makes an empty file with an unused name.
    pub(super) fn begin(target: &Path, old: Option<&Metadata>) -> io::Result<(Replacement, File)> {
        check_writable(target, old)?;
        crate::interrupt::catch();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        if old.is_some() {
            // Only the owner may read it until it has the old file's mode.
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
        let replacement = Replacement {
            path,
            target: target.to_owned(),
            old: old.map(Rights::of),
            leftover: Leftover::Removed,
        };
        replacement.copy_rights(&file)?;
        Ok((replacement, file))
    }

    /// Opens the partial file of an earlier attempt, or makes one, to write after its first `from_bytes` bytes.
    pub(super) fn part(
        path: &Path,
        target: &Path,
        old: Option<&Metadata>,
        from_bytes: u64,
    ) -> io::Result<(Replacement, File)> {
        check_writable(target, old)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        file.set_len(from_bytes)?;
        file.seek(SeekFrom::End(0))?;
        let replacement = Replacement {
            path: path.to_owned(),
            target: target.to_owned(),
            old: old.map(Rights::of),
            leftover: Leftover::Kept,
        };
        Ok((replacement, file))
    }

    /// Renames the file to its target, which it replaces; after an error the target is unchanged.
    pub(super) fn put_into_place(&mut self, file: &File) -> io::Result<()> {
        self.copy_rights(file)?;
        // A full disk may show only now; and after a power cut the name could be there without the bytes.
        tolerate_unsyncable(file.sync_all())?;
        let mut unfinished = unfinished();
        fs::rename(&self.path, &self.target)?;
        unfinished.remove(&self.path);
        self.leftover = Leftover::Kept;
        Ok(())
    }

    /// Gives the file the owner, group and mode of the old one.
    fn copy_rights(&self, file: &File) -> io::Result<()> {
        let Some(Rights { user, group, mode }) = self.old else { return Ok(()) };
        let new = Rights::of(&file.metadata()?);
        if (new.user, new.group) != (user, group) {
            fchown(file, Some(user), Some(group)).map_err(|error| {
                let sentence = format!(
                    "the new file cannot have the old one's owner and group ({user}:{group}): {error}; choose \
                     another name, or remove the old file first"
                );
                io::Error::new(error.kind(), sentence)
            })?;
        }
        // After the owner, because a new owner takes some of the mode away.
        file.set_permissions(Permissions::from_mode(mode))
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if self.leftover == Leftover::Removed {
            let mut unfinished = unfinished();
            unfinished.remove(&self.path);
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Checks that the old file may be written to, because a rename does not.
fn check_writable(target: &Path, old: Option<&Metadata>) -> io::Result<()> {
    match old {
        Some(_) => OpenOptions::new().write(true).open(target).map(drop),
        None => Ok(()),
    }
}

/// Removes all unfinished files and ends the process with this exit code. It holds the lock to the end, so
/// that no file is made or renamed meanwhile.
pub(crate) fn remove_unfinished_and_exit(exit_code: i32) -> ! {
    let unfinished = unfinished();
    for path in &*unfinished {
        let _ = fs::remove_file(path);
    }
    std::process::exit(exit_code)
}

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED_FILES.lock().unwrap_or_else(PoisonError::into_inner)
}
