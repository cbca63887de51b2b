//! The folder that is served, and the only way from a request's target to a file: nothing outside the
//! folder is ever opened, whatever the target or a symbolic link says.
//!
//! Targets are decoded once, then every component is checked, then the path is resolved by the system
//! and compared with the folder's own.

use super::conditions::Conditions;
use super::reply::{Reply, check_head};
use super::upload::Upload;
use crate::failure::Failure;
use crate::http::first;
use http::StatusCode;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_RANGE, TRANSFER_ENCODING};
use http::request::Parts;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What has to be written as `%41` within a path's component.
pub(crate) const COMPONENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What files under construction are called: they are neither listed nor served.
pub(crate) const UNFINISHED: &str = ".synfin-upload-";

/// The file that stands for its folder.
const INDEX: &str = "index.html";

/// The folder that is served.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// The same, open.
    root_fd: File,
    uploads: Option<PathBuf>,
    upload_bytes_max: u64,
}

/// What a target stands for.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file, open.
    File {
        /// The file.
        file: File,
        /// What is known of it.
        metadata: Metadata,
        /// Its name.
        name: String,
    },
    /// A folder without an index.
    Directory {
        /// Where it is.
        path: PathBuf,
        /// What the client calls it, decoded, with a slash at both ends.
        shown: String,
    },
    /// A folder that was asked for like a file.
    MissingSlash {
        /// The target with the slash.
        location: String,
    },
}

impl Folder {
    /// Opens the folder; uploads go into `writable` within it, which may be the folder itself.
    pub(crate) fn open(
        dir: &Path,
        writable: Option<&Path>,
        upload_bytes_max: Option<u64>,
    ) -> Result<Folder, Failure> {
        let root = resolve(dir)?;
        let uploads = match writable {
            None => None,
            Some(inner) => {
                let uploads = resolve(&root.join(inner))?;
                if !uploads.starts_with(&root) {
                    return Err(Failure::usage(format!(
                        "--writable={} is not within {}; choose a folder below the one that is served",
                        inner.display(),
                        root.display()
                    )));
                }
                Some(uploads)
            }
        };
        let root_fd = File::open(&root)
            .map_err(|error| Failure::input(format!("cannot serve {}: {error}", dir.display())))?;
        Ok(Folder { root, root_fd, uploads, upload_bytes_max: upload_bytes_max.unwrap_or(u64::MAX) })
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The target below which uploads are taken, if they are.
    pub(crate) fn uploads_below(&self) -> Option<String> {
        let inner = self.uploads.as_deref()?.strip_prefix(&self.root).ok()?;
        let mut target = "/".to_owned();
        for component in inner {
            target += &encoded(component);
            target.push('/');
        }
        Some(target)
    }

    /// The methods that are possible.
    pub(crate) fn methods(&self) -> &'static str {
        if self.uploads.is_some() { "GET, HEAD, OPTIONS, PUT" } else { "GET, HEAD, OPTIONS" }
    }

    /// The file that the target stands for, if the system finds it in memory and without symbolic links. `None`: look
    /// with [`find`](Self::find), which may have to wait for the disk.
    ///
    /// The system itself sees to it that the way does not lead out. A pipe is opened without waiting, and closed again.
    pub(crate) fn find_at_once(&self, target: &str) -> Option<Found> {
        let path = plain(target)?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let way = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::CACHED;
        let file = File::from(openat2(&self.root_fd, &*path, flags, Mode::empty(), way).ok()?);
        let metadata = file.metadata().ok().filter(Metadata::is_file)?;
        let name = path.rsplit('/').next()?.to_owned();
        Some(Found::File { file, metadata, name })
    }

    /// What the target stands for, or the reply that says why it stands for nothing. It may wait for the disk.
    pub(crate) fn find(&self, target: &str) -> Result<Found, Reply> {
        let asked = Asked::parse(target)?;
        let path = self.within(&asked.below(&self.root))?;
        let metadata = fs::metadata(&path).map_err(|error| refusal(&error))?;
        if metadata.is_dir() {
            if !asked.is_folder {
                return Ok(Found::MissingSlash { location: format!("{}/", asked.as_target()) });
            }
            return match self.open_file(&path.join(INDEX)) {
                Ok(found) => Ok(found),
                Err(_) => Ok(Found::Directory { path, shown: asked.shown() }),
            };
        }
        if asked.is_folder {
            return Err(Reply::plain(StatusCode::NOT_FOUND, "This is a file, not a folder."));
        }
        self.open_file(&path)
    }

    /// Opens a regular file within the folder.
    fn open_file(&self, path: &Path) -> Result<Found, Reply> {
        let path = self.within(path)?;
        // Opening a pipe would wait for somebody to write into it.
        if !fs::metadata(&path).map_err(|error| refusal(&error))?.is_file() {
            return Err(Reply::plain(StatusCode::FORBIDDEN, "This is not a regular file."));
        }
        let file = File::open(&path).map_err(|error| refusal(&error))?;
        let metadata = file.metadata().map_err(|error| refusal(&error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Found::File { file, metadata, name })
    }

    /// Resolves a path and refuses it if it leads out.
    fn within(&self, path: &Path) -> Result<PathBuf, Reply> {
        let real = fs::canonicalize(path).map_err(|error| refusal(&error))?;
        if real.starts_with(&self.root) {
            Ok(real)
        } else {
            Err(Reply::plain(StatusCode::FORBIDDEN, "This leads out of the folder that is served."))
        }
    }

    /// Makes ready to take an upload, or says why not. It may wait for the disk.
    pub(crate) fn begin_upload(&self, request: &Parts) -> Result<Upload, Reply> {
        if let Some(refusal) = check_head(request) {
            return Err(refusal);
        }
        let (Some(uploads), Some(below)) = (&self.uploads, self.uploads_below()) else {
            let sentence = "This server takes no uploads; it would with --writable.";
            return Err(
                Reply::plain(StatusCode::METHOD_NOT_ALLOWED, sentence).with_fixed(ALLOW, self.methods())
            );
        };
        if request.headers.contains_key(CONTENT_RANGE) {
            let sentence = "A part of a file cannot be uploaded (RFC 9110 §14.5).";
            return Err(Reply::plain(StatusCode::BAD_REQUEST, sentence));
        }
        let len_bytes = first(&request.headers, CONTENT_LENGTH);
        if len_bytes.is_none() && !request.headers.contains_key(TRANSFER_ENCODING) {
            let sentence = "An upload says its length, or comes in chunks.";
            return Err(Reply::plain(StatusCode::LENGTH_REQUIRED, sentence));
        }
        let len_bytes = len_bytes.and_then(|digits| digits.parse::<u64>().ok());
        if len_bytes.is_some_and(|len_bytes| len_bytes > self.upload_bytes_max) {
            return Err(too_large(self.upload_bytes_max));
        }
        let asked = Asked::parse(request.uri.path())?;
        let (Some(name), false) = (asked.components.last(), asked.is_folder) else {
            return Err(Reply::plain(StatusCode::CONFLICT, "This is a folder; add the file's name."));
        };
        let parent = asked.below(&self.root);
        let parent = parent.parent().unwrap_or(&self.root);
        let parent = match self.within(parent) {
            Ok(parent) => parent,
            Err(reply) if reply.status() == StatusCode::NOT_FOUND => {
                return Err(Reply::plain(
                    StatusCode::CONFLICT,
                    "The folder that it should go into does not exist.",
                ));
            }
            Err(reply) => return Err(reply),
        };
        if !parent.starts_with(uploads) {
            return Err(Reply::plain(StatusCode::FORBIDDEN, &format!("Uploads go below {below} only.")));
        }
        let path = parent.join(OsStr::from_bytes(name));
        if path.is_dir() {
            return Err(Reply::plain(StatusCode::CONFLICT, "This is a folder; add the file's name."));
        }
        Upload::begin(&path, Conditions::of(&request.headers), self.upload_bytes_max)
    }
}

/// The reply to an upload that is larger than allowed.
pub(crate) fn too_large(bytes_max: u64) -> Reply {
    Reply::plain(
        StatusCode::PAYLOAD_TOO_LARGE,
        &format!("This server takes uploads of at most {bytes_max} bytes."),
    )
    .for_the_last_time()
}

/// What a system's refusal means to the client.
pub(crate) fn refusal(error: &io::Error) -> Reply {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
            Reply::plain(StatusCode::NOT_FOUND, "There is nothing of that name.")
        }
        ErrorKind::PermissionDenied => Reply::plain(StatusCode::FORBIDDEN, "The server may not open this."),
        ErrorKind::IsADirectory => {
            Reply::plain(StatusCode::CONFLICT, "This is a folder; add the file's name.")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Reply::plain(StatusCode::INSUFFICIENT_STORAGE, "There is no room for it.")
        }
        ErrorKind::ReadOnlyFilesystem => {
            Reply::plain(StatusCode::FORBIDDEN, "The folder cannot be written to.")
        }
        _ => Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("The server's disk says: {error}.")),
    }
}

/// The target as a path below the folder, if it is one as it stands: nothing in it is to be decoded or left out. Most
/// targets are like that.
fn plain(target: &str) -> Option<Cow<'_, str>> {
    let path = target.strip_prefix('/')?;
    let (inner, is_folder) = path.strip_suffix('/').map_or((path, path.is_empty()), |inner| (inner, true));
    let is_plain = |name: &str| !matches!(name, "" | "." | "..") && !name.starts_with(UNFINISHED);
    if path.contains('%') || !(inner.is_empty() || inner.split('/').all(is_plain)) {
        return None;
    }
    Some(if is_folder { format!("{path}{INDEX}").into() } else { path.into() })
}

/// A target taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    components: Vec<Vec<u8>>,
    is_folder: bool,
}

impl Asked {
    /// Of a target without its query.
    fn parse(path: &str) -> Result<Asked, Reply> {
        if !path.starts_with('/') {
            return Err(Reply::plain(StatusCode::BAD_REQUEST, "A target begins with a slash."));
        }
        let mut components: Vec<Vec<u8>> = Vec::new();
        let mut is_folder = true;
        for component in path.split('/').skip(1) {
            let decoded: Vec<u8> = percent_decode_str(component).collect();
            is_folder = matches!(&decoded[..], b"" | b"." | b"..");
            match &decoded[..] {
                b"" | b"." => {}
                b".." => {
                    if components.pop().is_none() {
                        return Err(Reply::plain(
                            StatusCode::FORBIDDEN,
                            "This leads out of the folder that is served.",
                        ));
                    }
                }
                name if name.contains(&b'/') || name.contains(&0) => {
                    return Err(Reply::plain(
                        StatusCode::BAD_REQUEST,
                        "A name has no slash and no zero byte in it.",
                    ));
                }
                name if name.starts_with(UNFINISHED.as_bytes()) => {
                    return Err(Reply::plain(StatusCode::NOT_FOUND, "There is nothing of that name."));
                }
                _ => components.push(decoded),
            }
        }
        Ok(Asked { components, is_folder })
    }

    fn below(&self, root: &Path) -> PathBuf {
        let mut path = root.to_owned();
        path.extend(self.components.iter().map(|component| OsStr::from_bytes(component)));
        path
    }

    fn as_target(&self) -> String {
        self.components
            .iter()
            .map(|component| format!("/{}", encoded(OsStr::from_bytes(component))))
            .collect()
    }

    fn shown(&self) -> String {
        let names = self.components.iter().map(|name| format!("{}/", String::from_utf8_lossy(name)));
        std::iter::once("/".to_owned()).chain(names).collect()
    }
}

/// A file's name as a component of a target.
pub(crate) fn encoded(name: &OsStr) -> String {
    match name.to_str() {
        Some(name) => utf8_percent_encode(name, COMPONENT).to_string(),
        None => percent_encoding::percent_encode(name.as_bytes(), COMPONENT).to_string(),
    }
}

fn resolve(dir: &Path) -> Result<PathBuf, Failure> {
    let real = fs::canonicalize(dir)
        .map_err(|error| Failure::input(format!("cannot serve {}: {error}", dir.display())))?;
    if real.is_dir() {
        Ok(real)
    } else {
        Err(Failure::input(format!("{} is not a folder; name the folder that it is in", dir.display())))
    }
}

#[cfg(test)]
pub(crate) mod tests;
