//! What is answered to a request: the status, the fields and where the content comes from
//! (RFC 9110 §9, §13, §15).
//!
//! What is *not* here: how the content gets on the wire ([`super::content`]).

use super::conditions::{Condition, Conditions, Version};
use super::content::{Part, Sent, Source};
use super::disk;
use super::folder::{Folder, Found, refusal};
use super::listing;
use super::seats::Seat;
use crate::http::{PRODUCT, authority, first, media_type, range, text};
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_RANGE, CONTENT_TYPE, ETAG, HOST, HeaderName,
    HeaderValue, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE, SERVER, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{Method, Response, StatusCode, Version as Protocol};
use std::fs::{File, Metadata};
use std::sync::Arc;

/// Whether another request may follow on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Yes, if the client wants to.
    Stay,
    /// No.
    Part,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    fields: Vec<(HeaderName, HeaderValue)>,
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
    pub(crate) fn plain(status: StatusCode, sentence: &str) -> Reply {
        let text = format!("{status}\n{sentence}\n");
        Reply::new(status, Content::Text(text)).with_fixed(CONTENT_TYPE, "text/plain; charset=utf-8")
    }

    /// An answer with this content.
    pub(crate) fn new(status: StatusCode, content: Content) -> Reply {
        let fields = Vec::with_capacity(8);
        Reply { status, fields, content, after: After::Stay }.with_fixed(SERVER, PRODUCT)
    }

    /// With one more field, which is always the same.
    pub(crate) fn with_fixed(mut self, name: HeaderName, value: &'static str) -> Reply {
        self.fields.push((name, HeaderValue::from_static(value)));
        self
    }

    /// With one more field of visible characters.
    pub(crate) fn with(mut self, name: HeaderName, value: String) -> Reply {
        // All that comes from outside is written with percent signs before it comes here.
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value)) {
            self.fields.push((name, value));
        }
        self
    }

    /// And no request after it.
    pub(crate) fn for_the_last_time(mut self) -> Reply {
        self.after = After::Part;
        self
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer for whoever sits there.
    pub(crate) fn for_seat(self, seat: Arc<Seat>) -> Response<Sent> {
        let source = match self.content {
            Content::None => Source::Nothing,
            Content::Text(text) => Source::Text(text.into()),
            Content::File { file, first, len_bytes } => Source::File(Part::new(file, first, len_bytes)),
        };
        let mut response = Response::new(Sent::new(source, seat));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.fields);
        if self.after == After::Part {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
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

/// The answer to a request that is not an upload.
pub(crate) async fn to(request: &Parts, folder: &Arc<Folder>) -> Reply {
    if let Some(refusal) = check_head(request) {
        return refusal;
    }
    let allowed = folder.methods();
    match &request.method {
        &Method::GET | &Method::HEAD => to_reading(request, folder).await.unwrap_or_else(|refusal| refusal),
        &Method::OPTIONS => Reply::new(StatusCode::NO_CONTENT, Content::None).with_fixed(ALLOW, allowed),
        method => {
            let sentence = format!("{method} is not possible here; {allowed} are.");
            Reply::plain(StatusCode::METHOD_NOT_ALLOWED, &sentence).with_fixed(ALLOW, allowed)
        }
    }
}

async fn to_reading(request: &Parts, folder: &Arc<Folder>) -> Result<Reply, Reply> {
    let target = request.uri.path();
    let found = match folder.find_at_once(target) {
        Some(found) => found,
        None => {
            let (folder, target) = (Arc::clone(folder), target.to_owned());
            let find = disk::wait_for(move || folder.find(&target));
            find.await.unwrap_or_else(|error| Err(refusal(&error)))?
        }
    };
    match found {
        Found::File { file, metadata, name } => Ok(to_file(request, file, &metadata, &name)),
        Found::Directory { path, shown } => {
            let page = disk::wait_for(move || listing::page(&path, &shown)).await.and_then(|page| page);
            let unreadable =
                |error| Reply::plain(StatusCode::FORBIDDEN, &format!("The folder cannot be read: {error}."));
            Ok(Reply::new(StatusCode::OK, Content::Text(page.map_err(unreadable)?))
                .with_fixed(CONTENT_TYPE, "text/html; charset=utf-8")
                .with_fixed(CACHE_CONTROL, "no-cache"))
        }
        Found::MissingSlash { location } => {
            let sentence = format!("This is a folder: {location}");
            Ok(Reply::plain(StatusCode::MOVED_PERMANENTLY, &sentence).with(LOCATION, location))
        }
    }
}

/// What is wrong with a request whatever it asks for.
pub(crate) fn check_head(request: &Parts) -> Option<Reply> {
    check_host(request).or_else(|| check_coding(request))
}

/// RFC 9112 §3.2: a request of HTTP/1.1 names one host, and whoever names one writes it as a host.
fn check_host(request: &Parts) -> Option<Reply> {
    let refuse = |sentence| Some(Reply::plain(StatusCode::BAD_REQUEST, sentence));
    let mut hosts = request.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version >= Protocol::HTTP_11 => {
            refuse("A request of HTTP/1.1 has one Host field.")
        }
        (Some(_), Some(_)) => refuse("A request has one Host field."),
        (Some(host), None) if !host.to_str().is_ok_and(authority::is_host) => {
            refuse("The Host field is not a host, or a host and a port.")
        }
        _ => None,
    }
}

/// RFC 9112 §6.1: who gets a transfer coding that it does not understand says 501. hyper takes the chunks apart, and
/// leaves what is in them as it is.
fn check_coding(request: &Parts) -> Option<Reply> {
    let codings: Vec<_> = request.headers.get_all(TRANSFER_ENCODING).iter().map(text).collect();
    let is_chunked = match &codings[..] {
        [] => true,
        [coding] => coding.trim().eq_ignore_ascii_case("chunked"),
        _ => false,
    };
    let sentence = "The body's transfer coding is not supported; send it chunked or with a length.";
    (!is_chunked).then(|| Reply::plain(StatusCode::NOT_IMPLEMENTED, sentence).for_the_last_time())
}

fn to_file(request: &Parts, file: File, metadata: &Metadata, name: &str) -> Reply {
    let (len_bytes, version) = (metadata.len(), Version::of(metadata));
    let dated = |reply: Reply| {
        let reply = reply.with(ETAG, version.tag.clone()).with_fixed(ACCEPT_RANGES, "bytes");
        match version.modified {
            Some(modified) => reply.with(LAST_MODIFIED, httpdate::fmt_http_date(modified)),
            None => reply,
        }
    };
    match Conditions::of(&request.headers).of_reading(&version) {
        Condition::Holds => {}
        Condition::Known => return dated(Reply::new(StatusCode::NOT_MODIFIED, Content::None)),
        Condition::Failed => return dated(another_version()),
    }
    // RFC 9110 §13.2.2: a range counts only for the file that the client knows.
    let wanted = first(&request.headers, RANGE).filter(|_| range_still_counts(request, &version));
    let (status, first, part_bytes) = match range::asked(wanted.as_deref(), len_bytes) {
        range::Asked::Whole => (StatusCode::OK, 0, len_bytes),
        range::Asked::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        range::Asked::Unsatisfiable => {
            let sentence = format!("The file has {len_bytes} bytes.");
            return dated(Reply::plain(StatusCode::RANGE_NOT_SATISFIABLE, &sentence))
                .with(CONTENT_RANGE, format!("bytes */{len_bytes}"));
        }
    };
    let reply = dated(Reply::new(status, Content::File { file, first, len_bytes: part_bytes }))
        .with_fixed(CONTENT_TYPE, media_type::of(name));
    if status == StatusCode::PARTIAL_CONTENT {
        let last = first + part_bytes - 1;
        return reply.with(CONTENT_RANGE, format!("bytes {first}-{last}/{len_bytes}"));
    }
    reply
}

fn range_still_counts(request: &Parts, version: &Version) -> bool {
    let Some(known) = first(&request.headers, IF_RANGE) else { return true };
    if known.starts_with('"') {
        return known == version.tag;
    }
    let date = httpdate::parse_http_date(&known).ok();
    date.is_some() && date == version.modified
}

/// The answer to a condition about a version that is not the present one.
pub(crate) fn another_version() -> Reply {
    Reply::plain(StatusCode::PRECONDITION_FAILED, "The file is not the one that you know.")
}

#[cfg(test)]
mod tests;
