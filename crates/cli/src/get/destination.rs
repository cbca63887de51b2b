//! Where a download goes: into `FILE.part` until it is whole, then to `FILE`; beside it `FILE.part.from`
//! keeps the validator of the version that it is a part of, so that two versions are never glued
//! together (RFC 9110 §13.1.5). Standard output, pipes and devices are written to directly.

use crate::failure::Failure;
use crate::http::head::Response;
use report::numbers;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use url::Url;

/// Validators are short; a longer one is not kept.
const VALIDATOR_BYTES_MAX: u64 = 1_024;

/// Where a download goes.
#[derive(Debug)]
pub(crate) enum Destination {
    /// Standard output.
    StandardOutput,
    /// Something that cannot be renamed into place: a pipe, a device.
    Direct(PathBuf),
    /// A file.
    File(PathBuf),
}

/// What an earlier attempt has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// How much.
    pub(crate) len_bytes: u64,
    /// Of which version: what goes into `If-Range`.
    pub(crate) validator: String,
}

/// What names the version of a file that a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validator(Option<String>);

/// A destination that is being written to.
#[derive(Debug)]
pub(crate) enum Sink {
    /// Standard output.
    StandardOutput(io::Stdout),
    /// Straight.
    Direct(File),
    /// Into the part.
    Part {
        /// The part.
        file: File,
        /// Its final name.
        path: PathBuf,
    },
}

impl Validator {
    /// A strong entity tag, or the date of the last change if that is strong (RFC 9110 §8.8.2.2: at
    /// least a second before the answer's own date).
    pub(crate) fn of(response: &Response) -> Validator {
        let fields = &response.fields;
        if let Some(tag) = fields.first("etag").filter(|tag| tag.starts_with('"')) {
            return Validator(Some(tag.to_owned()));
        }
        if fields.first("etag").is_some() {
            return Validator(None);
        }
        let date_in = |name| fields.first(name).and_then(|date| httpdate::parse_http_date(date).ok());
        let is_strong = match (date_in("last-modified"), date_in("date")) {
            (Some(modified), Some(date)) => date.duration_since(modified).is_ok_and(|age| age.as_secs() >= 1),
            _ => false,
        };
        Validator(fields.first("last-modified").filter(|_| is_strong).map(str::to_owned))
    }
}

impl Destination {
    /// What `-o` says, else the name at the end of the URL.
    pub(crate) fn choose(output: Option<&str>, url: &Url) -> Result<Destination, Failure> {
        let path = match output {
            Some("-") => return Ok(Destination::StandardOutput),
            Some(path) => PathBuf::from(path),
            None => PathBuf::from(last_name(url)),
        };
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                Err(Failure::usage(format!("{} is a folder; name the file in it with -o", path.display())))
            }
            Ok(metadata) if !metadata.is_file() => Ok(Destination::Direct(path)),
            _ => Ok(Destination::File(path)),
        }
    }

    /// Whether it is standard output.
    pub(crate) fn is_standard_output(&self) -> bool {
        matches!(self, Destination::StandardOutput)
    }

    /// Whether the file is there, whole, with no part of a newer one beside it.
    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Destination::File(path) => path.exists() && !part_of(path).exists(),
            _ => false,
        }
    }

    /// What an earlier attempt has left, if it is known which version it is of.
    pub(crate) fn part(&self) -> Option<Part> {
        let Destination::File(path) = self else { return None };
        let len_bytes = fs::metadata(part_of(path)).ok()?.len();
        let note = note_of(path);
        if len_bytes == 0 || fs::metadata(&note).ok()?.len() > VALIDATOR_BYTES_MAX {
            return None;
        }
        let validator = fs::read_to_string(note).ok()?.trim().to_owned();
        let is_harmless = !validator.is_empty() && !validator.contains(char::is_control);
        is_harmless.then_some(Part { len_bytes, validator })
    }

    /// Begins to write, after the first `from_bytes` bytes, which are there.
    pub(crate) fn open(&self, from_bytes: u64, validator: &Validator) -> Result<Sink, Failure> {
        let failed = |error: io::Error| Failure::io(format_args!("write {self}"), &error);
        let path = match self {
            Destination::StandardOutput => return Ok(Sink::StandardOutput(io::stdout())),
            Destination::Direct(path) => {
                return OpenOptions::new().write(true).open(path).map(Sink::Direct).map_err(failed);
            }
            Destination::File(path) => path,
        };
        // Until the part is as long as it should be, it is of no known version.
        let _ = fs::remove_file(note_of(path));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(part_of(path))
            .map_err(failed)?;
        file.set_len(from_bytes).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        if let Some(validator) = &validator.0 {
            fs::write(note_of(path), format!("{validator}\n")).map_err(failed)?;
        }
        Ok(Sink::Part { file, path: path.clone() })
    }

    /// The server has nothing after our part: if the part is the whole, it gets its name. Returns its
    /// length then.
    pub(crate) fn completed_by(&self, response: &Response) -> Option<u64> {
        let Destination::File(path) = self else { return None };
        let part = self.part()?;
        let whole = response.fields.first("content-range")?.strip_prefix("bytes */")?.parse::<u64>().ok()?;
        let is_same = Validator::of(response).0.is_none_or(|validator| validator == part.validator);
        if part.len_bytes != whole || !is_same {
            return None;
        }
        put_into_place(path).ok()?;
        Some(whole)
    }

    /// What to do after a failure.
    pub(crate) fn advice(&self) -> String {
        match self.part() {
            Some(part) => format!("{} are kept; go on with --continue", numbers::bytes(part.len_bytes)),
            None => "try again".to_owned(),
        }
    }

    /// What there is after an interruption.
    pub(crate) fn what_is_kept(&self) -> String {
        match self.part() {
            Some(part) => format!(
                "interrupted; {} of {self} are kept, go on with --continue",
                numbers::bytes(part.len_bytes)
            ),
            None => "interrupted".to_owned(),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::StandardOutput => f.write_str("standard output"),
            Destination::Direct(path) | Destination::File(path) => path.display().fmt(f),
        }
    }
}

impl Sink {
    /// Writes all of it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Sink::StandardOutput(out) => out.write_all(bytes),
            Sink::Direct(file) | Sink::Part { file, .. } => file.write_all(bytes),
        }
    }

    /// Hands on what is buffered.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::StandardOutput(out) => out.flush(),
            Sink::Direct(_) | Sink::Part { .. } => Ok(()),
        }
    }

    /// It is whole: a part gets its name.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self {
            Sink::Part { path, file } => {
                drop(file);
                put_into_place(&path)
            }
            Sink::StandardOutput(_) | Sink::Direct(_) => Ok(()),
        }
    }
}

fn put_into_place(path: &Path) -> io::Result<()> {
    fs::rename(part_of(path), path)?;
    // There is none if the server gave no validator.
    let _ = fs::remove_file(note_of(path));
    Ok(())
}

fn part_of(path: &Path) -> PathBuf {
    with_suffix(path, ".part")
}

fn note_of(path: &Path) -> PathBuf {
    with_suffix(path, ".part.from")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The name at the end of the URL, decoded; one that would be a path or nothing is `index.html`.
fn last_name(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let name = percent_encoding::percent_decode_str(last).decode_utf8_lossy();
    let is_a_name =
        !matches!(&*name, "" | "." | "..") && !name.contains('/') && !name.contains(char::is_control);
    if is_a_name { name.into_owned() } else { "index.html".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn response(lines: &str) -> Response {
        let text = format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
        Response::read(&mut text.as_bytes(), Instant::now() + Duration::from_secs(9)).expect("a head")
    }

    #[test]
    fn files_are_named_after_the_end_of_the_url() {
        let name = |url: &str| last_name(&Url::parse(url).expect("a URL"));
        assert_eq!(name("http://x/a/b%20c.iso?d"), "b c.iso");
        assert_eq!(name("http://x/a/"), "index.html");
        assert_eq!(name("http://x/..%2f..%2fetc%2fpasswd"), "index.html");
        assert_eq!(name("http://x/a%0ab"), "index.html");
    }

    #[test]
    fn only_strong_validators_are_kept() {
        let of = |lines: &str| Validator::of(&response(lines)).0;
        assert_eq!(of("ETag: \"a\"\r\n"), Some("\"a\"".to_owned()));
        let modified = "Last-Modified: Tue, 30 Jan 2018 22:30:24 GMT\r\n";
        assert_eq!(of(&format!("ETag: W/\"a\"\r\n{modified}")), None);
        assert_eq!(of(modified), None);
        assert_eq!(of(&format!("{modified}Date: Tue, 30 Jan 2018 22:30:24 GMT\r\n")), None);
        let later = of(&format!("{modified}Date: Tue, 30 Jan 2018 22:30:25 GMT\r\n"));
        assert_eq!(later.as_deref(), Some("Tue, 30 Jan 2018 22:30:24 GMT"));
    }

    #[test]
    fn a_part_is_continued_only_with_its_validator() {
        let path = std::env::temp_dir().join(format!("synfin-part-{}", std::process::id()));
        let destination = Destination::File(path.clone());
        let mut sink = destination.open(0, &Validator(Some("\"a\"".to_owned()))).expect("a sink");
        sink.write(b"12345").expect("room");
        drop(sink);
        assert_eq!(destination.part(), Some(Part { len_bytes: 5, validator: "\"a\"".to_owned() }));
        assert!(!path.exists() && !destination.is_finished());
        let mut sink = destination.open(3, &Validator(None)).expect("a sink");
        assert_eq!(destination.part(), None, "without a validator there is no part");
        sink.write(b"xy").expect("room");
        sink.finish().expect("a rename");
        assert_eq!(fs::read(&path).expect("the file"), b"123xy");
        assert!(destination.is_finished() && !part_of(&path).exists() && !note_of(&path).exists());
        fs::remove_file(path).expect("it is there");
    }
}
