//! What is answered to a request: the status, the fields and where the content comes from
//! (RFC 9110 §9, §13, §15).
//!
//! What is *not* here: the bytes on the wire ([`super::sending`]).

use super::conditions::{Condition, Conditions, Version};
use super::folder::{Folder, Found};
use super::listing;
use crate::http::head::{HeadError, Request};
use crate::http::{authority, media_type, range};
use std::fs::{File, Metadata};

/// Whether another request may follow on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Yes.
    Stay,
    /// No.
    Part,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    fields: Vec<(&'static str, String)>,
    content: Content,
    after: After,
}

/// Where the content comes from.
#[derive(Debug)]
pub(crate) enum Content {
    /// There is none, and none may be (204, 304).
    None,
    /// From memory.
    Text(String),
    /// From a file.
    File {
        /// The file.
        file: File,
        /// Where to begin.
        first: u64,
        /// How many bytes.
        len_bytes: u64,
    },
}

impl Reply {
    /// An answer with nothing but a status and a sentence.
    pub(crate) fn plain(status: u16, sentence: &str) -> Reply {
        let text = format!("{status} {}\n{sentence}\n", reason(status));
        Reply::new(status, Content::Text(text)).with("Content-Type", "text/plain; charset=utf-8".to_owned())
    }

    /// An answer with this content.
    pub(crate) fn new(status: u16, content: Content) -> Reply {
        Reply { status, fields: Vec::new(), content, after: After::Stay }
    }

    /// With one more field.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Reply {
        self.fields.push((name, value));
        self
    }

    /// And no request after it.
    pub(crate) fn for_the_last_time(mut self) -> Reply {
        self.after = After::Part;
        self
    }

    /// Whether no request may follow it.
    pub(crate) fn is_last(&self) -> bool {
        self.after == After::Part
    }

    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The fields.
    pub(crate) fn fields(&self) -> &[(&'static str, String)] {
        &self.fields
    }

    /// The content, in the end.
    pub(crate) fn into_content(self) -> Content {
        self.content
    }

    /// The content's length; `None` if there may be none.
    pub(crate) fn len_bytes(&self) -> Option<u64> {
        match &self.content {
            Content::None => None,
            Content::Text(text) => Some(text.len() as u64),
            Content::File { len_bytes, .. } => Some(*len_bytes),
        }
    }
}

/// The answer to something that is no request.
pub(crate) fn to_no_request(error: &HeadError) -> Reply {
    let reply = match error {
        HeadError::TooLong => Reply::plain(431, "The request's head is longer than this server reads."),
        HeadError::Slow => Reply::plain(408, "The request did not come in time."),
        HeadError::Malformed(what) => Reply::plain(400, &format!("This is no request: {what}.")),
        HeadError::Cut | HeadError::Ended | HeadError::Idle | HeadError::Io(_) => {
            Reply::plain(400, "The request ends too early.")
        }
    };
    reply.for_the_last_time()
}

/// The answer to a request that is not an upload.
pub(crate) fn to(request: &Request, folder: &Folder) -> Reply {
    if let Some(refusal) = check_host(request) {
        return refusal;
    }
    let allowed = folder.methods();
    match request.method.as_str() {
        "GET" | "HEAD" => match folder.find(&request.target) {
            Ok(Found::File { file, metadata, name }) => to_file(request, file, &metadata, &name),
            Ok(Found::Directory { path, shown }) => match listing::page(&path, &shown) {
                Ok(page) => Reply::new(200, Content::Text(page))
                    .with("Content-Type", "text/html; charset=utf-8".to_owned())
                    .with("Cache-Control", "no-cache".to_owned()),
                Err(error) => Reply::plain(403, &format!("The folder cannot be read: {error}.")),
            },
            Ok(Found::MissingSlash { location }) => {
                Reply::plain(301, &format!("This is a folder: {location}")).with("Location", location)
            }
            Err(refusal) => refusal,
        },
        "OPTIONS" => Reply::new(204, Content::None).with("Allow", allowed.to_owned()),
        method => Reply::plain(405, &format!("{method} is not possible here; {allowed} are."))
            .with("Allow", allowed.to_owned()),
    }
}

/// RFC 9112 §3.2: a request of HTTP/1.1 names one host, and whoever names one writes it as a host.
pub(crate) fn check_host(request: &Request) -> Option<Reply> {
    let mut hosts = request.fields.all("host");
    match (hosts.next(), hosts.next()) {
        (None, _) if request.minor_version >= 1 => {
            Some(Reply::plain(400, "A request of HTTP/1.1 has one Host field."))
        }
        (Some(_), Some(_)) => Some(Reply::plain(400, "A request has one Host field.")),
        (Some(host), None) if !authority::is_host(host) => {
            Some(Reply::plain(400, "The Host field is not a host, or a host and a port."))
        }
        _ => None,
    }
}

fn to_file(request: &Request, file: File, metadata: &Metadata, name: &str) -> Reply {
    let (len_bytes, version) = (metadata.len(), Version::of(metadata));
    let dated = |reply: Reply| {
        let reply = reply.with("ETag", version.tag.clone()).with("Accept-Ranges", "bytes".to_owned());
        match version.modified {
            Some(modified) => reply.with("Last-Modified", httpdate::fmt_http_date(modified)),
            None => reply,
        }
    };
    match Conditions::of(&request.fields).of_reading(&version) {
        Condition::Holds => {}
        Condition::Known => return dated(Reply::new(304, Content::None)),
        Condition::Failed => return dated(another_version()),
    }
    // RFC 9110 §13.2.2: a range counts only for the file that the client knows.
    let wanted = request.fields.first("range").filter(|_| range_still_counts(request, &version));
    let (status, first, part_bytes) = match range::asked(wanted, len_bytes) {
        range::Asked::Whole => (200, 0, len_bytes),
        range::Asked::Part { first, last } => (206, first, last - first + 1),
        range::Asked::Unsatisfiable => {
            return dated(Reply::plain(416, &format!("The file has {len_bytes} bytes.")))
                .with("Content-Range", format!("bytes */{len_bytes}"));
        }
    };
    let reply = dated(Reply::new(status, Content::File { file, first, len_bytes: part_bytes }))
        .with("Content-Type", media_type::of(name).to_owned());
    if status == 206 {
        let last = first + part_bytes - 1;
        return reply.with("Content-Range", format!("bytes {first}-{last}/{len_bytes}"));
    }
    reply
}

fn range_still_counts(request: &Request, version: &Version) -> bool {
    let Some(known) = request.fields.first("if-range") else { return true };
    if known.starts_with('"') {
        return known == version.tag;
    }
    let date = httpdate::parse_http_date(known).ok();
    date.is_some() && date == version.modified
}

/// The answer to a condition about a version that is not the present one.
pub(crate) fn another_version() -> Reply {
    Reply::plain(412, "The file is not the one that you know.")
}

/// What a status is called (RFC 9110 §15).
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        304 => "Not Modified",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        416 => "Range Not Satisfiable",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        507 => "Insufficient Storage",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
