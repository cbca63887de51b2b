//! The conditions that a request makes (RFC 9110 §13): which version of a file the client knows, and
//! whether that is the present one.
//!
//! What is *not* here: ranges and their `If-Range`, which decide about a part of the content only.

use crate::http::{first, text};
use http::header::{HeaderMap, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A version of a file, as its validators name it (RFC 9110 §8.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// A strong entity tag: the file's length and the nanosecond of its last change.
    pub(crate) tag: String,
    /// When it was changed last, in whole seconds because HTTP's dates have no fractions.
    pub(crate) modified: Option<SystemTime>,
}

/// The conditions of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conditions {
    match_any: Option<Vec<String>>,
    match_none: Option<Vec<String>>,
    unmodified_since: Option<SystemTime>,
    modified_since: Option<SystemTime>,
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Do what was asked for.
    Holds,
    /// The client knows this version: 304 to a client that reads, 412 to one that writes.
    Known,
    /// The file is not the one that the client means: 412.
    Failed,
}

impl Version {
    /// The version of a file with this metadata.
    pub(crate) fn of(metadata: &Metadata) -> Version {
        let since = metadata.modified().ok().and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        let nanos = since.unwrap_or_default().as_nanos();
        Version {
            tag: format!("\"{nanos:x}-{:x}\"", metadata.len()),
            modified: since.map(|since| UNIX_EPOCH + Duration::from_secs(since.as_secs())),
        }
    }
}

impl Conditions {
    /// Those in the fields of a request.
    pub(crate) fn of(fields: &HeaderMap) -> Conditions {
        let tags = |name: HeaderName| {
            let values = fields.get_all(name);
            let members = values.iter().map(text).flat_map(|value| {
                value.split(',').map(|member| member.trim().to_owned()).collect::<Vec<_>>()
            });
            let tags: Vec<String> = members.collect();
            (!tags.is_empty()).then_some(tags)
        };
        let date =
            |name: HeaderName| first(fields, name).and_then(|date| httpdate::parse_http_date(&date).ok());
        Conditions {
            match_any: tags(IF_MATCH),
            match_none: tags(IF_NONE_MATCH),
            unmodified_since: date(IF_UNMODIFIED_SINCE),
            modified_since: date(IF_MODIFIED_SINCE),
        }
    }

    /// For `GET` and `HEAD` of a file that exists (RFC 9110 §13.2.2).
    pub(crate) fn of_reading(&self, present: &Version) -> Condition {
        match self.of_writing(Some(present)) {
            Condition::Holds => {}
            other => return other,
        }
        match (self.modified_since, present.modified) {
            // A date counts only where there are no tags.
            (Some(date), Some(modified)) if self.match_none.is_none() && modified <= date => Condition::Known,
            _ => Condition::Holds,
        }
    }

    /// For a change of what is present, or `None` for something new (RFC 9110 §13.2.2).
    pub(crate) fn of_writing(&self, present: Option<&Version>) -> Condition {
        if let Some(tags) = &self.match_any {
            // A weak tag never matches here (RFC 9110 §13.1.1).
            let is_meant = |version: &Version| tags.iter().any(|tag| tag == "*" || *tag == version.tag);
            if !present.is_some_and(is_meant) {
                return Condition::Failed;
            }
        } else if let (Some(date), Some(modified)) =
            (self.unmodified_since, present.and_then(|version| version.modified))
            && modified > date
        {
            return Condition::Failed;
        }
        let tags = self.match_none.as_deref().unwrap_or_default();
        let is_known = |version: &Version| {
            tags.iter().any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == version.tag)
        };
        if present.is_some_and(is_known) { Condition::Known } else { Condition::Holds }
    }
}
