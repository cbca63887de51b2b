//! The first line of a message of HTTP/1, where a segment's text begins with one.

use super::value::Values;

/// Whether the text begins as a message of HTTP/1 does.
pub(super) fn is_http(text: &[u8]) -> bool {
    is_request(text) || is_response(text)
}

pub(super) fn is_request(text: &[u8]) -> bool {
    // RFC 9110 §9, RFC 5789, and those of WebDAV (RFC 4918 §9, RFC 3253 §3.6, RFC 5323)
    const METHODS: [&[u8]; 18] = [
        b"GET ",
        b"POST ",
        b"PUT ",
        b"HEAD ",
        b"DELETE ",
        b"OPTIONS ",
        b"PATCH ",
        b"CONNECT ",
        b"TRACE ",
        b"PROPFIND ",
        b"PROPPATCH ",
        b"MKCOL ",
        b"COPY ",
        b"MOVE ",
        b"LOCK ",
        b"UNLOCK ",
        b"REPORT ",
        b"SEARCH ",
    ];
    METHODS.iter().any(|start| text.starts_with(start))
}

pub(super) fn is_response(text: &[u8]) -> bool {
    text.starts_with(b"HTTP/1.")
}

/// A word of the first line of a request.
pub(super) fn request_word(text: &[u8], at: usize) -> Values<'_> {
    if is_request(text) { word(text, at) } else { Values::NONE }
}

/// A word of the first line of a response.
pub(super) fn response_word(text: &[u8], at: usize) -> Values<'_> {
    if is_response(text) { word(text, at) } else { Values::NONE }
}

fn word(text: &[u8], at: usize) -> Values<'_> {
    let line = text.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or(text);
    let word = line.split(|byte| *byte == b' ').nth(at).and_then(|word| std::str::from_utf8(word).ok());
    word.map_or(Values::NONE, Values::text)
}
