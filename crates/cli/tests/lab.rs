//! `synfin lab` as a browser meets it, and as a page of somebody else does.

#![allow(clippy::unwrap_used)] // a test's way to fail

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A laboratory that runs, on a port of its own.
struct Running {
    process: Child,
    out: BufReader<ChildStdout>,
    /// As it is printed.
    address: String,
}

impl Running {
    fn new() -> Running {
        let mut process = Command::new(env!("CARGO_BIN_EXE_synfin"))
            .args(["lab", "--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command was built with this test");
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut address = String::new();
        out.read_line(&mut address).unwrap();
        Running { process, out, address }
    }

    fn host(&self) -> &str {
        self.address.trim_end().strip_prefix("http://").unwrap().strip_suffix('/').unwrap()
    }

    /// The answer to a request, its head and its body.
    fn answer(&self, line: &str, fields: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let len = body.len();
        let request =
            format!("{line} HTTP/1.1\r\n{fields}Connection: close\r\nContent-Length: {len}\r\n\r\n{body}");
        // It may answer, and close, before it has read all.
        drop(stream.write_all(request.as_bytes()));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{line}: {answer:?}"));
        (head.to_owned(), body.to_owned())
    }

    /// From its own page.
    fn as_the_page(&self, line: &str, body: &str) -> (String, String) {
        let host = self.host();
        self.answer(line, &format!("Host: {host}\r\nOrigin: http://{host}\r\n"), body)
    }

    fn status(&self, line: &str, fields: &str, body: &str) -> u16 {
        self.answer(line, fields, body).0.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

const VIEW: &str = r#"{"ask":"view","moment":{"at":3}}"#;

#[test]
fn it_says_where_it_is_and_answers_as_the_library_does() {
    let running = Running::new();
    let (head, page) = running.as_the_page("GET /", "");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(page.starts_with("<!doctype html>"), "{}", &page[..page.len().min(200)]);
    let (head, answer) = running.as_the_page("POST /call", VIEW);
    assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    assert_eq!(answer, lab::Lab::new().call(VIEW));
    let (_, answer) = running.as_the_page("POST /call", "nothing");
    assert!(answer.starts_with(r#"{"error":"#), "{answer}");
}

#[test]
fn other_pages_and_names_of_others_are_refused() {
    let running = Running::new();
    let host = running.host().to_owned();
    let port = host.rsplit(':').next().unwrap();
    let with = |host: &str, origin: &str| {
        let origin = if origin.is_empty() { String::new() } else { format!("Origin: {origin}\r\n") };
        running.status("POST /call", &format!("Host: {host}\r\n{origin}"), VIEW)
    };
    assert_eq!(with(&host, ""), 200, "curl says no origin");
    assert_eq!(with(&format!("localhost:{port}"), &format!("http://localhost:{port}")), 200);
    assert_eq!(with(&host, "https://evil.example"), 403);
    assert_eq!(with(&host, "null"), 403, "a page from disk, a frame in a sandbox");
    assert_eq!(with(&host, "http://127.0.0.1"), 403, "another port is another page");
    assert_eq!(with(&format!("evil.example:{port}"), ""), 403, "a name that was made to lead here");
    assert_eq!(running.status("GET /", "Host: evil.example\r\n", ""), 403);
}

#[test]
fn what_is_asked_wrongly_is_refused_with_a_reason() {
    let running = Running::new();
    let long = "x".repeat((256 << 10) + 1);
    for (line, body, status) in [
        ("POST /call", long.as_str(), "413"),
        ("GET /call", "", "405"),
        ("POST /", "", "405"),
        ("GET /favicon.ico", "", "404"),
        ("GET /../etc/passwd", "", "404"),
    ] {
        let (head, body) = running.as_the_page(line, body);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {head}");
        assert!(body.ends_with('\n'), "{line}: a sentence: {body:?}");
    }
    let (_, answer) = running.as_the_page("POST /call", VIEW);
    assert!(answer.starts_with(r#"{"version":"#), "and the next one is answered: {answer}");
}

#[test]
fn a_capture_becomes_its_page() {
    let running = Running::new();
    let capture = running.as_the_page("POST /call", r#"{"ask":"pcap","moment":{"at":9}}"#).1;
    assert!(capture.contains(r#""base64":""#), "{capture}");
    let (head, page) =
        running.as_the_page("POST /explain?options=%7B%22name%22%3A%22a.pcap%22%7D", "no capture");
    assert!(head.starts_with("HTTP/1.1 400 ") && page.starts_with(r#"{"error":"#), "{head} {page}");
    // The shortest capture: a head without packets.
    let empty = "\u{a}\u{d}\u{d}\u{a}\u{1c}\0\0\0M<+\u{1a}\u{1}\0\0\0\0\0\0\0\0\0\0\0\u{1c}\0\0\0";
    let (head, page) = running.as_the_page("POST /explain?options=%7B%22name%22%3A%22a.pcap%22%7D", empty);
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head} {page}");
    assert_eq!(page, lab::explain(empty.as_bytes(), r#"{"name":"a.pcap"}"#).unwrap());
}

#[test]
fn ctrl_c_ends_it_cleanly() {
    let mut running = Running::new();
    // One that a browser keeps open does not hold it up.
    let _kept = TcpStream::connect(running.host()).unwrap();
    let number = running.process.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &number]).status().unwrap().success());
    assert_eq!(running.process.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    running.out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one line is all it prints");
    let mut errors = String::new();
    running.process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(errors, "open this address in a browser of this machine; Ctrl-C ends the laboratory\n");
}

#[test]
fn a_port_that_is_taken_is_said_with_the_way_out() {
    let running = Running::new();
    let port = running.host().rsplit(':').next().unwrap();
    let second = Command::new(env!("CARGO_BIN_EXE_synfin")).args(["lab", "--port", port]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let errors = String::from_utf8(second.stderr).unwrap();
    assert!(errors.contains("is taken") && errors.contains("--port 0"), "{errors}");
}

#[test]
fn a_capture_of_many_pieces_gives_the_page_of_the_library() {
    let running = Running::new();
    // pcapng in ASCII alone cannot be; a section that is cut short is damaged, and its page says so.
    let block = [0x0a0d_0d0a_u32, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28].map(u32::to_le_bytes).concat();
    let custom = [&[0x0b, 0, 0, 0, 0, 0, 1, 0][..], &[7; 65_524], &[0, 0, 1, 0]].concat();
    let capture: Vec<u8> = [block, custom.repeat(20), vec![6, 0]].concat();
    let mut stream = TcpStream::connect(running.host()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (host, len) = (running.host(), capture.len());
    let head = format!(
        "POST /explain HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&capture).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(page, lab::explain(&capture[..], "{}").unwrap());
    assert!(page.contains("read up to its damage"));
}
