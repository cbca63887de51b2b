//! Where a download goes: into `FILE.part` until it is whole, then to `FILE`; beside it `FILE.part.from`
//! keeps the validator of the version that it is a part of, so that two versions are never glued
//! together (RFC 9110 §13.1.5). How it is written there, or straight to standard output, pipes and
//! devices, is [`crate::output`]'s.

use crate::failure::Failure;
use crate::http::first;
use crate::output::{Files, Output, Target, with_suffix};
use http::HeaderMap;
use http::header::{CONTENT_RANGE, DATE, ETAG, HeaderName, LAST_MODIFIED};
use report::numbers;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use url::Url;

/// Validators are short; a longer one is not kept.
const VALIDATOR_BYTES_MAX: u64 = 1_024;

/// Where a download goes.
#[derive(Debug)]
pub(crate) struct Destination {
    target: Target,
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

impl Validator {
    /// A strong entity tag, or the date of the last change if that is strong (RFC 9110 §8.8.2.2: at
    /// least a second before the answer's own date).
    pub(crate) fn of(fields: &HeaderMap) -> Validator {
        if let Some(tag) = first(fields, ETAG) {
            return Validator(tag.starts_with('"').then(|| tag.into_owned()));
        }
        let date_in =
            |name: HeaderName| first(fields, name).and_then(|date| httpdate::parse_http_date(&date).ok());
        let is_strong = match (date_in(LAST_MODIFIED), date_in(DATE)) {
            (Some(modified), Some(date)) => date.duration_since(modified).is_ok_and(|age| age.as_secs() >= 1),
            _ => false,
        };
        Validator(first(fields, LAST_MODIFIED).filter(|_| is_strong).map(|date| date.into_owned()))
    }
}

impl Destination {
    /// What `-o` says, else the name at the end of the URL. It and its parts join the other `files`.
    pub(crate) fn choose(output: Option<&str>, url: &Url, files: &mut Files) -> Result<Destination, Failure> {
        let path = output.map_or_else(|| PathBuf::from(last_name(url)), PathBuf::from);
        let target = files.write("-o", &path)?;
        if let Some(part) = target.part() {
            files.also_write("-o", &part)?;
            files.also_write("-o", &note_of(&part))?;
        }
        Ok(Destination { target })
    }

    /// Whether the file is there, whole, with no part of a newer one beside it.
    pub(crate) fn is_finished(&self) -> bool {
        self.target.file().is_some_and(Path::exists) && self.target.part().is_some_and(|part| !part.exists())
    }

    /// What an earlier attempt has left, if it is known which version it is of.
    pub(crate) fn part(&self) -> Option<Part> {
        let part = self.target.part()?;
        let len_bytes = fs::metadata(&part).ok()?.len();
        let note = note_of(&part);
        if len_bytes == 0 || fs::metadata(&note).ok()?.len() > VALIDATOR_BYTES_MAX {
            return None;
        }
        let validator = fs::read_to_string(note).ok()?.trim().to_owned();
        let is_harmless = !validator.is_empty() && !validator.contains(char::is_control);
        is_harmless.then_some(Part { len_bytes, validator })
    }

    /// Begins to write, after the first `from_bytes` bytes, which are there.
    pub(crate) fn open(&self, from_bytes: u64, validator: &Validator) -> Result<Output, Failure> {
        let note = self.target.part().map(|part| note_of(&part));
        if let Some(note) = &note {
            // Until the part is as long as it should be, it is of no known version.
            let _ = fs::remove_file(note);
        }
        let output = self.target.continue_part(from_bytes)?;
        if let (Some(note), Some(validator)) = (note, &validator.0) {
            fs::write(note, format!("{validator}\n")).map_err(|error| output.failed(&error))?;
        }
        Ok(output)
    }

    /// The file is whole: it gets its name.
    pub(crate) fn finish(&self, output: Output) -> Result<(), Failure> {
        output.finish()?;
        if let Some(part) = self.target.part() {
            // There is none if the server gave no validator.
            let _ = fs::remove_file(note_of(&part));
        }
        Ok(())
    }

    /// The server has nothing after our part: if the part is the whole, it gets its name. Returns its
    /// length then.
    pub(crate) fn completed_by(&self, fields: &HeaderMap) -> Result<Option<u64>, Failure> {
        let whole = first(fields, CONTENT_RANGE);
        let whole = whole.and_then(|range| range.strip_prefix("bytes */")?.parse::<u64>().ok());
        let (Some(part), Some(whole)) = (self.part(), whole) else { return Ok(None) };
        let is_same = Validator::of(fields).0.is_none_or(|validator| validator == part.validator);
        if part.len_bytes != whole || !is_same {
            return Ok(None);
        }
        self.finish(self.target.continue_part(whole)?)?;
        Ok(Some(whole))
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
        self.target.fmt(f)
    }
}

/// Beside the part: of which version it is.
fn note_of(part: &Path) -> PathBuf {
    with_suffix(part, ".from")
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
    use http::HeaderValue;
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
        let of = |fields: &[(HeaderName, &'static str)]| {
            let fields = fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            Validator::of(&fields.collect()).0
        };
        let (early, later) = ("Tue, 30 Jan 2018 22:30:24 GMT", "Tue, 30 Jan 2018 22:30:25 GMT");
        assert_eq!(of(&[(ETAG, "\"a\"")]), Some("\"a\"".to_owned()));
        assert_eq!(of(&[(ETAG, "W/\"a\""), (LAST_MODIFIED, early), (DATE, later)]), None);
        assert_eq!(of(&[(LAST_MODIFIED, early)]), None);
        assert_eq!(of(&[(LAST_MODIFIED, early), (DATE, early)]), None);
        assert_eq!(of(&[(LAST_MODIFIED, early), (DATE, later)]).as_deref(), Some(early));
    }

    #[test]
    fn a_part_is_continued_only_with_its_validator() {
        let path = std::env::temp_dir().join(format!("synfin-part-{}", std::process::id()));
        let name = path.to_str().expect("a plain path");
        let url = Url::parse("http://x/").expect("a URL");
        let destination = || Destination::choose(Some(name), &url, &mut Files::new()).expect("a place");
        let part = path.with_extension("part");
        let mut output = destination().open(0, &Validator(Some("\"a\"".to_owned()))).expect("an output");
        output.take("12345").expect("room");
        drop(output);
        assert_eq!(destination().part(), Some(Part { len_bytes: 5, validator: "\"a\"".to_owned() }));
        assert!(!path.exists() && !destination().is_finished());
        let mut output = destination().open(3, &Validator(None)).expect("an output");
        assert_eq!(destination().part(), None, "without a validator there is no part");
        output.take("xy").expect("room");
        destination().finish(output).expect("a rename");
        assert_eq!(fs::read(&path).expect("the file"), b"123xy");
        assert!(destination().is_finished() && !part.exists() && !note_of(&part).exists());
        fs::remove_file(path).expect("it is there");
    }
}
