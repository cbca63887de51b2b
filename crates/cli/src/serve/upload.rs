//! An upload: into a file of another name beside its place, and into its place once it is whole. What
//! was there before stays until then, and an upload that fails leaves nothing.

use super::arriving::Arriving;
use super::conditions::{Condition, Conditions, Version};
use super::disk;
use super::folder::{UNFINISHED, refusal, too_large};
use super::reply::{Content, Reply, another_version};
use http::StatusCode;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes that are collected before they are written.
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
    pub(crate) async fn take(mut self, body: &mut Arriving<'_>) -> Reply {
        let mut piece = Vec::new();
        let mut taken_bytes = 0_u64;
        loop {
            match body.next().await {
                Some(Ok(bytes)) => {
                    taken_bytes += bytes.len() as u64;
                    if taken_bytes > self.bytes_max {
                        return too_large(self.bytes_max);
                    }
                    piece.extend_from_slice(&bytes);
                }
                Some(Err(broken)) => return broken.reply(),
                None => break,
            }
            if piece.len() >= PIECE_BYTES {
                (self, piece) = match disk::wait_for(move || self.write(piece)).await.and_then(|done| done) {
                    Ok(written) => written,
                    Err(error) => return refusal(&error).for_the_last_time(),
                };
            }
        }
        let finish = move || {
            let (upload, _) = self.write(piece).map_err(|error| refusal(&error).for_the_last_time())?;
            Ok(upload.put_into_its_place())
        };
        let outcome: Result<Reply, Reply> =
            disk::wait_for(finish).await.unwrap_or_else(|error| Err(refusal(&error)));
        outcome.unwrap_or_else(|refusal| refusal)
    }

    /// Writes the piece and empties it.
    fn write(mut self, mut piece: Vec<u8>) -> io::Result<(Upload, Vec<u8>)> {
        self.unfinished.file.write_all(&piece)?;
        piece.clear();
        Ok((self, piece))
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
            Ok(()) if is_new => Reply::plain(StatusCode::CREATED, "It is there."),
            Ok(()) => Reply::new(StatusCode::NO_CONTENT, Content::None),
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
