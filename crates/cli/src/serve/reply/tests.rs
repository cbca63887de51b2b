//! Answers: conditions, ranges, methods.

use super::super::folder::tests::Scratch;
use super::*;

fn request(method: &str, target: &str, lines: &str) -> Parts {
    let mut request = http::Request::builder().method(method).uri(target).header(HOST, "x");
    for (name, value) in lines.lines().filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn field<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.fields.iter().find(|(known, _)| known == name)?.1.to_str().ok()
}

fn to(request: &Parts, folder: &Arc<Folder>) -> Reply {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(super::to(request, folder))
}

#[test]
fn ranges_count_while_the_file_is_the_one_that_is_known() {
    let scratch = Scratch::new("ranges");
    let folder = Arc::new(scratch.folder(None));
    let ask = |lines: &str| to(&request("GET", "/in", lines), &folder);
    let whole = ask("");
    assert_eq!((whole.status().as_u16(), whole.len_bytes()), (200, Some(4)));
    let (tag, date) =
        (field(&whole, "ETag").expect("a tag"), field(&whole, "Last-Modified").expect("a date"));
    for (lines, status, len_bytes) in [
        ("Range: bytes=1-2\r\n".to_owned(), 206, 2),
        (format!("Range: bytes=1-2\r\nIf-Range: {tag}\r\n"), 206, 2),
        (format!("Range: bytes=1-2\r\nIf-Range: {date}\r\n"), 206, 2),
        ("Range: bytes=1-2\r\nIf-Range: \"other\"\r\n".to_owned(), 200, 4),
        (format!("Range: bytes=1-2\r\nIf-Range: W/{tag}\r\n"), 200, 4),
        ("Range: bytes=1-2\r\nIf-Range: Tue, 30 Jan 2018 22:30:24 GMT\r\n".to_owned(), 200, 4),
        ("Range: bytes=0-1,3-3\r\n".to_owned(), 200, 4),
    ] {
        let reply = ask(&lines);
        assert_eq!((reply.status().as_u16(), reply.len_bytes()), (status, Some(len_bytes)), "{lines}");
    }
    assert_eq!(field(&ask("Range: bytes=-1\r\n"), "Content-Range"), Some("bytes 3-3/4"));
    let beyond = ask("Range: bytes=4-\r\n");
    assert_eq!((beyond.status().as_u16(), field(&beyond, "Content-Range")), (416, Some("bytes */4")));
}

#[test]
fn conditions_spare_the_content() {
    let scratch = Scratch::new("conditions");
    let folder = Arc::new(scratch.folder(None));
    let ask = |lines: &str| to(&request("GET", "/in", lines), &folder);
    let whole = ask("");
    let (tag, date) =
        (field(&whole, "ETag").expect("a tag"), field(&whole, "Last-Modified").expect("a date"));
    let early = "Tue, 30 Jan 2018 22:30:24 GMT";
    for (lines, status) in [
        (format!("If-None-Match: \"x\", W/{tag}\r\n"), 304),
        ("If-None-Match: \"x\"\r\n".to_owned(), 200),
        (format!("If-Modified-Since: {date}\r\n"), 304),
        (format!("If-Modified-Since: {early}\r\n"), 200),
        (format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {date}\r\n"), 200),
        (format!("If-Match: {tag}\r\n"), 200),
        ("If-Match: \"x\"\r\n".to_owned(), 412),
        (format!("If-Match: W/{tag}\r\n"), 412),
        (format!("If-None-Match: \"x\"\r\nIf-None-Match: {tag}\r\n"), 304),
        ("If-None-Match: *\r\n".to_owned(), 304),
        (format!("If-Unmodified-Since: {early}\r\n"), 412),
        (format!("If-Unmodified-Since: {date}\r\n"), 200),
    ] {
        assert_eq!(ask(&lines).status().as_u16(), status, "{lines}");
    }
    assert_eq!(ask(&format!("If-None-Match: {tag}\r\n")).len_bytes(), None);
}

#[test]
fn other_methods_are_told_what_is_possible() {
    let scratch = Scratch::new("methods");
    let folder = Arc::new(scratch.folder(None));
    let reply = to(&request("DELETE", "/in", ""), &folder);
    assert_eq!((reply.status().as_u16(), field(&reply, "Allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(to(&request("OPTIONS", "*", ""), &Arc::new(scratch.folder(Some("")))).status(), 204);
    let mut without_host = request("GET", "/in", "");
    without_host.headers.clear();
    assert_eq!(to(&without_host, &folder).status(), 400);
    without_host.version = Protocol::HTTP_10;
    assert_eq!(to(&without_host, &folder).status(), 200);
}

#[test]
fn a_body_in_a_coding_that_nobody_decodes_is_refused() {
    let scratch = Scratch::new("codings");
    let folder = Arc::new(scratch.folder(None));
    for (lines, status) in [
        ("Transfer-Encoding: Chunked\r\n", 200),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501),
    ] {
        assert_eq!(to(&request("GET", "/in", lines), &folder).status().as_u16(), status, "{lines}");
    }
}
