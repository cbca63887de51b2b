//! The folder that is served, and the only way from a request's target to a file: nothing outside the
//! folder is ever opened, whatever the target or a symbolic link says.
//!
//! Targets are decoded once, then every component is checked, then the path is resolved by the system
//! and compared with the folder's own.

use super::conditions::Conditions;
use super::reply::{Reply, check_host};
use super::upload::Upload;
use crate::failure::Failure;
use crate::http::body::Framing;
use crate::http::head::Request;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
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

/// The folder that is served.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
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
        Ok(Folder { root, uploads, upload_bytes_max: upload_bytes_max.unwrap_or(u64::MAX) })
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

    /// What the target stands for, or the reply that says why it stands for nothing.
    pub(crate) fn find(&self, target: &str) -> Result<Found, Reply> {
        let asked = Asked::parse(target)?;
        let path = self.within(&asked.below(&self.root))?;
        let metadata = fs::metadata(&path).map_err(|error| refusal(&error))?;
        if metadata.is_dir() {
            if !asked.is_folder {
                return Ok(Found::MissingSlash { location: format!("{}/", asked.as_target()) });
            }
            return match self.open_file(&path.join("index.html")) {
                Ok(found) => Ok(found),
                Err(_) => Ok(Found::Directory { path, shown: asked.shown() }),
            };
        }
        if asked.is_folder {
            return Err(Reply::plain(404, "This is a file, not a folder."));
        }
        self.open_file(&path)
    }

    /// Opens a regular file within the folder.
    fn open_file(&self, path: &Path) -> Result<Found, Reply> {
        let path = self.within(path)?;
        // Opening a pipe would wait for somebody to write into it.
        if !fs::metadata(&path).map_err(|error| refusal(&error))?.is_file() {
            return Err(Reply::plain(403, "This is not a regular file."));
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
            Err(Reply::plain(403, "This leads out of the folder that is served."))
        }
    }

    /// Makes ready to take an upload, or says why not.
    pub(crate) fn begin_upload(&self, request: &Request, framing: Framing) -> Result<Upload, Reply> {
        if let Some(refusal) = check_host(request) {
            return Err(refusal);
        }
        let (Some(uploads), Some(below)) = (&self.uploads, self.uploads_below()) else {
            let sentence = "This server takes no uploads; it would with --writable.";
            return Err(Reply::plain(405, sentence).with("Allow", self.methods().to_owned()));
        };
        if request.fields.first("content-range").is_some() {
            return Err(Reply::plain(400, "A part of a file cannot be uploaded (RFC 9110 §14.5)."));
        }
        let len_bytes = match framing {
            Framing::Length(len_bytes) => Some(len_bytes),
            Framing::Chunked => None,
            Framing::Empty | Framing::UntilClose => {
                return Err(Reply::plain(411, "An upload says its length, or comes in chunks."));
            }
        };
        if len_bytes.is_some_and(|len_bytes| len_bytes > self.upload_bytes_max) {
            return Err(too_large(self.upload_bytes_max));
        }
        let asked = Asked::parse(&request.target)?;
        let (Some(name), false) = (asked.components.last(), asked.is_folder) else {
            return Err(Reply::plain(409, "This is a folder; add the file's name."));
        };
        let parent = asked.below(&self.root);
        let parent = parent.parent().unwrap_or(&self.root);
        let parent = match self.within(parent) {
            Ok(parent) => parent,
            Err(reply) if reply.status() == 404 => {
                return Err(Reply::plain(409, "The folder that it should go into does not exist."));
            }
            Err(reply) => return Err(reply),
        };
        if !parent.starts_with(uploads) {
            return Err(Reply::plain(403, &format!("Uploads go below {below} only.")));
        }
        let path = parent.join(OsStr::from_bytes(name));
        if path.is_dir() {
            return Err(Reply::plain(409, "This is a folder; add the file's name."));
        }
        Upload::begin(&path, Conditions::of(&request.fields), self.upload_bytes_max)
    }
}

/// The reply to an upload that is larger than allowed.
pub(crate) fn too_large(bytes_max: u64) -> Reply {
    Reply::plain(413, &format!("This server takes uploads of at most {bytes_max} bytes.")).for_the_last_time()
}

/// What a system's refusal means to the client.
pub(crate) fn refusal(error: &io::Error) -> Reply {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
            Reply::plain(404, "There is nothing of that name.")
        }
        ErrorKind::PermissionDenied => Reply::plain(403, "The server may not open this."),
        ErrorKind::IsADirectory => Reply::plain(409, "This is a folder; add the file's name."),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Reply::plain(507, "There is no room for it.")
        }
        ErrorKind::ReadOnlyFilesystem => Reply::plain(403, "The folder cannot be written to."),
        _ => Reply::plain(500, &format!("The server's disk says: {error}.")),
    }
}

/// A target taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    components: Vec<Vec<u8>>,
    is_folder: bool,
}

impl Asked {
    fn parse(target: &str) -> Result<Asked, Reply> {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        // RFC 9112 §3.2.2: a server must understand the absolute form, too.
        let path = match path.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => {
                rest.find('/').map_or("/", |at| &rest[at..])
            }
            _ => path,
        };
        if !path.starts_with('/') {
            return Err(Reply::plain(400, "A target begins with a slash."));
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
                        return Err(Reply::plain(403, "This leads out of the folder that is served."));
                    }
                }
                name if name.contains(&b'/') || name.contains(&0) => {
                    return Err(Reply::plain(400, "A name has no slash and no zero byte in it."));
                }
                name if name.starts_with(UNFINISHED.as_bytes()) => {
                    return Err(Reply::plain(404, "There is nothing of that name."));
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
