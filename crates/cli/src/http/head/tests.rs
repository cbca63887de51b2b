//! Heads as they come: whole, byte by byte, cut, too long, and anything else.

use super::*;
use proptest::prelude::*;
use std::io::{BufReader, Read};
use std::time::Duration;

/// Gives one byte at a time.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let taken = self.0.len().min(into.len()).min(1);
        into[..taken].copy_from_slice(&self.0[..taken]);
        self.0 = &self.0[taken..];
        Ok(taken)
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn request(mut bytes: &[u8]) -> Result<Request, HeadError> {
    Request::read(&mut bytes, soon())
}

#[test]
fn a_head_is_taken_and_not_one_byte_more() {
    let text = b"GET /a%20b HTTP/1.1\r\nHost: x\r\nX-Two:  spaces \r\n\r\nBODY";
    let mut whole = &text[..];
    let head = Request::read(&mut whole, soon()).expect("a head");
    assert_eq!((head.method.as_str(), head.target.as_str(), head.minor_version), ("GET", "/a%20b", 1));
    assert_eq!((head.fields.first("host"), head.fields.first("x-two")), (Some("x"), Some("spaces")));
    assert_eq!(whole, b"BODY");
    let mut drip = BufReader::with_capacity(1, Drip(text));
    assert_eq!(Request::read(&mut drip, soon()).expect("the same head"), head);
    let mut rest = Vec::new();
    drip.read_to_end(&mut rest).expect("the body");
    assert_eq!(rest, b"BODY");
}

#[test]
fn bare_line_feeds_and_empty_lines_before_are_tolerated() {
    let head = request(b"\r\nGET / HTTP/1.0\nHost: x\n\n").expect("a head");
    assert_eq!((head.minor_version, head.fields.first("host")), (0, Some("x")));
}

#[test]
fn what_is_no_head_is_refused_by_name() {
    assert!(matches!(request(b""), Err(HeadError::Ended)));
    assert!(matches!(request(b"GET / HTTP/1.1\r\nHos"), Err(HeadError::Cut)));
    assert!(matches!(request(b"GET / HTTP/2.0\r\n\r\n"), Err(HeadError::Malformed(_))));
    assert!(matches!(request(b"\x16\x03\x01\x02\x00 tls\r\n\r\n"), Err(HeadError::Malformed(_))));
    assert!(matches!(request(b"GET / HTTP/1.1\r\nbad name: x\r\n\r\n"), Err(HeadError::Malformed(_))));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(HEAD_BYTES_MAX));
    assert!(matches!(request(long.as_bytes()), Err(HeadError::TooLong)));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(FIELDS_MAX + 1));
    assert!(matches!(request(many.as_bytes()), Err(HeadError::TooLong)));
    let endless = "A: b\r\n".repeat(HEAD_BYTES_MAX);
    assert!(matches!(request(endless.as_bytes()), Err(HeadError::TooLong)));
}

#[test]
fn a_head_that_drips_is_slow() {
    let mut drip = BufReader::with_capacity(1, Drip(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert!(matches!(Request::read(&mut drip, Instant::now()), Err(HeadError::Slow)));
}

#[test]
fn connections_stay_by_the_rules_of_their_version() {
    let stays = |version: &str, connection: &str| {
        let text = format!("GET / HTTP/{version}\r\nHost: x\r\n{connection}\r\n\r\n");
        request(text.as_bytes()).expect("a head").wants_to_stay()
    };
    assert!(stays("1.1", "A: b"));
    assert!(!stays("1.1", "Connection: foo, Close"));
    assert!(!stays("1.0", "A: b"));
    assert!(stays("1.0", "Connection: Keep-Alive"));
    assert!(stays("1.1", "Transfer-Encoding: chunked"));
    assert!(!stays("1.0", "Connection: Keep-Alive\r\nTransfer-Encoding: chunked"));
}

#[test]
fn interim_responses_are_skipped() {
    let mut text = &b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 206 Partial Content\r\nA: b\r\n\r\nrest"[..];
    let response = Response::read(&mut text, soon()).expect("a response");
    assert_eq!((response.status, response.reason.as_str(), text), (206, "Partial Content", &b"rest"[..]));
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = request(&bytes);
        let mut whole = &bytes[..];
        let _ = Response::read(&mut whole, soon());
    }

    #[test]
    fn how_a_head_is_cut_up_does_not_matter(
        lines in proptest::collection::vec("[a-z]{1,8}: [ -~]{0,20}", 0..8),
        capacity in 1_usize..40,
    ) {
        let text = format!("PUT /x HTTP/1.1\r\n{}\r\nrest", lines.iter().map(|line| format!("{line}\r\n")).collect::<String>());
        let whole = request(text.as_bytes()).ok();
        let mut pieces = BufReader::with_capacity(capacity, text.as_bytes());
        prop_assert_eq!(Request::read(&mut pieces, soon()).ok(), whole);
    }
}
