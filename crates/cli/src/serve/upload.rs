//! An upload: into a file of another name beside its place, and into its place once it is whole. What
//! was there before stays until then, and an upload that fails leaves nothing.

use super::conditions::{Condition, Conditions, Version};
use super::folder::{UNFINISHED, refusal, too_large};
use super::reply::{Content, Reply, another_version};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes on their way at once.
const PIECE_BYTES: usize = 256 << 10;

/// An upload that was let in.
#[derive(Debug)]
pub(crate) struct Upload {
    unfinished: Unfinished,
    path: PathBuf,
    conditions: Conditions,
    bytes_max: u64,
}

/// A file under construction; it is removed unless it was put into its place.
#[derive(Debug)]
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already if it was put into its place.
        let _ = fs::remove_file(&self.path);
    }
}

impl Upload {
    /// Makes room beside `path`, which is within the folder for uploads, if the conditions hold.
    pub(crate) fn begin(path: &Path, conditions: Conditions, bytes_max: u64) -> Result<Upload, Reply> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        check(&conditions, path)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{UNFINISHED}{}-{number}", std::process::id());
        let beside = path.with_file_name(name);
        let file =
            OpenOptions::new().write(true).create_new(true).open(&beside).map_err(|error| refusal(&error))?;
        let unfinished = Unfinished { path: beside, file };
        Ok(Upload { unfinished, path: path.to_owned(), conditions, bytes_max })
    }

    /// Takes the body and puts the file into its place; what came of it is the reply.
    pub(crate) fn take(mut self, body: &mut impl Read) -> Reply {
        let mut piece = vec![0; PIECE_BYTES];
        let mut taken_bytes = 0_u64;
        loop {
            let taken = match body.read(&mut piece) {
                Ok(0) => break,
                Ok(taken) => taken,
                Err(error) => return broken(&error),
            };
            taken_bytes += taken as u64;
            if taken_bytes > self.bytes_max {
                return too_large(self.bytes_max);
            }
            if let Err(error) = self.unfinished.file.write_all(&piece[..taken]) {
                return refusal(&error).for_the_last_time();
            }
        }
        self.put_into_its_place()
    }

    /// The conditions are looked at again, because the body may have taken hours; one upload after the
    /// other, so that of two that must not overwrite only one is taken.
    fn put_into_its_place(&self) -> Reply {
        static PLACES: Mutex<()> = Mutex::new(());
        let _one = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(reply) = check(&self.conditions, &self.path) {
            return reply;
        }
        let is_new = !self.path.exists();
        match fs::rename(&self.unfinished.path, &self.path) {
            Ok(()) if is_new => Reply::plain(201, "It is there."),
            Ok(()) => Reply::new(204, Content::None),
            Err(error) => refusal(&error),
        }
    }
}

/// RFC 9110 §13.2.1: nothing is changed unless the conditions hold.
fn check(conditions: &Conditions, path: &Path) -> Result<(), Reply> {
    let present = fs::metadata(path).ok().map(|metadata| Version::of(&metadata));
    match conditions.of_writing(present.as_ref()) {
        Condition::Holds => Ok(()),
        Condition::Known | Condition::Failed => Err(another_version()),
    }
}

fn broken(error: &io::Error) -> Reply {
    let reply = match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Reply::plain(408, "The rest did not come in time."),
        ErrorKind::InvalidData => Reply::plain(400, &format!("The chunks are wrong: {error}.")),
        _ => Reply::plain(400, "The upload ends too early."),
    };
    reply.for_the_last_time()
}
