//! `synfin serve` and clients that mean no good, over a real TUN interface: what they ask is answered as
//! HTTP says, and what they hold is bounded. Needs root, `/dev/net/tun`, curl and Python; without them
//! each test says so and passes, except where `CI` is set.

#![allow(clippy::unwrap_used)] // a test's way to fail

mod over_tun;

use over_tun::{Place, Running};
use std::fs;
use std::time::{Duration, Instant};

const PROGRAMS: &[&str] = &["curl", "python3"];

/// Sends these bytes, reads until the server closes, and prints what came; it gives up after 20 s.
const ASK: &str = r#"
import socket, sys
s = socket.create_connection(("10.90.0.2", 80), 20)
s.sendall(sys.argv[1].encode("latin-1").decode("unicode_escape").encode("latin-1"))
try:
    while piece := s.recv(65536):
        sys.stdout.write(piece.decode("latin-1"))
    print("closed")
except TimeoutError:
    print("still open")
"#;

/// The whole answer to raw bytes, written as a Python literal: `\r\n`, `\xe2`.
#[track_caller]
fn ask(place: &Place, bytes: &str) -> String {
    place.run(&["python3", "-c", ASK, bytes])
}

/// The status that curl gets.
#[track_caller]
fn status(place: &Place, words: &[&str]) -> String {
    let words: Vec<&str> =
        ["curl", "-gsS", "-o", "said", "-w", "%{http_code}"].iter().chain(words).copied().collect();
    place.run(&words)
}

#[test]
fn an_upload_whose_condition_fails_changes_nothing() {
    let Some(place) = Place::new("cond", PROGRAMS) else { return };
    let _server = place.serve(&["--writable=in"]);
    let url = "http://10.90.0.2/in/file";
    let put = |condition: &str, content: &str| {
        status(&place, &["-X", "PUT", "-H", condition, "--data-binary", content, url])
    };
    let file = place.path("served/in/file");
    assert_eq!(put("If-Match: *", "none"), "412", "there is nothing that could match");
    assert!(!file.exists());
    assert_eq!(put("If-None-Match: *", "first"), "201");
    assert_eq!(put("If-None-Match: *", "second"), "412");
    assert_eq!(put("If-Match: \"nope\"", "second"), "412");
    assert_eq!(put("If-Unmodified-Since: Tue, 30 Jan 2018 22:30:24 GMT", "second"), "412");
    assert_eq!(fs::read_to_string(&file).unwrap(), "first");
    let head = place.run(&["curl", "-gsSI", url]);
    // The names of fields are the same in any case of letters.
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let tag = fields.find(|(name, _)| name.eq_ignore_ascii_case("etag"));
    let tag = tag.expect("a tag").1.trim();
    assert_eq!(put(&format!("If-None-Match: {tag}"), "second"), "412");
    assert_eq!(put(&format!("If-Match: \"x\", {tag}"), "second"), "204");
    assert_eq!(fs::read_to_string(&file).unwrap(), "second");
    assert_eq!(put(&format!("If-Match: {tag}"), "third"), "412", "the tag is that of another version");
    let left: Vec<_> = fs::read_dir(place.path("served/in")).unwrap().collect();
    assert_eq!(left.len(), 1, "no upload that was refused leaves anything: {left:?}");
}

#[test]
fn two_uploads_that_must_not_overwrite_leave_the_first_that_is_whole() {
    let Some(place) = Place::new("race", PROGRAMS) else { return };
    let _server = place.serve(&["--writable=in"]);
    // Both are let in while there is no file; the one that is whole first wins.
    let said = place.run(&[
        "python3",
        "-c",
        r#"
import socket
def begin():
    s = socket.create_connection(("10.90.0.2", 80), 20)
    s.sendall(b"PUT /in/file HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nExpect: 100-continue\r\n"
              b"Connection: close\r\nContent-Length: 3\r\n\r\n")
    assert s.recv(1000).startswith(b"HTTP/1.1 100 "), "let in"
    return s
a, b = begin(), begin()
for s, text in (b, b"two"), (a, b"one"):
    s.sendall(text)
    print(s.recv(1000).split()[1].decode())
"#,
    ]);
    assert_eq!(said, "201\n412\n");
    assert_eq!(fs::read_to_string(place.path("served/in/file")).unwrap(), "two");
}

#[test]
fn chunks_in_http_1_0_end_the_connection() {
    let Some(place) = Place::new("h10", PROGRAMS) else { return };
    fs::write(place.path("served/word"), "here").unwrap();
    let _server = place.serve(&[]);
    let request =
        r"GET /word HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let said = ask(&place, &request.repeat(2));
    assert_eq!(said.matches("HTTP/1.").count(), 1, "what follows is not read as a request: {said}");
    assert!(said.starts_with("HTTP/1.1 400 ") && said.contains("Connection: close\r\n"), "{said}");
    assert!(said.ends_with("closed\n"), "{said}");
    // HTTP/1.1 defines chunks: there both are answered.
    let request = r"GET /word HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let last = r"GET /word HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let said = ask(&place, &format!("{request}{last}"));
    assert_eq!(said.matches("HTTP/1.1 200 OK").count(), 2, "{said}");
}

#[test]
fn a_length_beside_chunks_ends_the_connection() {
    let Some(place) = Place::new("both", PROGRAMS) else { return };
    fs::write(place.path("served/word"), "here").unwrap();
    let _server = place.serve(&[]);
    for fields in [
        r"Content-Length: 4\r\nTransfer-Encoding: chunked",
        r"Transfer-Encoding: chunked\r\nContent-Length: 4",
    ] {
        let request = format!(r"GET /word HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n0\r\n\r\n");
        let said = ask(&place, &request.repeat(2));
        assert_eq!(
            said.matches("HTTP/1.1 200 OK").count(),
            1,
            "what follows is not read as a request: {said}"
        );
        assert!(said.contains("Connection: close\r\n") && said.ends_with("closed\n"), "{said}");
    }
}

#[test]
fn a_host_that_is_none_is_refused() {
    let Some(place) = Place::new("host", PROGRAMS) else { return };
    fs::write(place.path("served/word"), "here").unwrap();
    let _server = place.serve(&[]);
    for (host, expected) in [
        ("a b/c", "400"),
        ("a/b", "400"),
        ("me@10.90.0.2", "400"),
        ("10.90.0.2:http", "400"),
        ("[fd90::2", "400"),
        ("10.90.0.2", "200"),
        ("files.example:8080", "200"),
        ("[fd90::2]:80", "200"),
    ] {
        let field = format!("Host: {host}");
        assert_eq!(status(&place, &["-H", &field, "http://10.90.0.2/word"]), expected, "{field}");
    }
}

#[test]
fn what_a_client_asks_for_cannot_turn_the_order_of_the_log() {
    let Some(place) = Place::new("log", PROGRAMS) else { return };
    fs::write(place.path("served/word"), "here").unwrap();
    let served = place.text("served");
    let target = r"GET /word?\xe2\x80\xaegpj.exe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (flags, shown) in [(&[][..], r"/word?\u{202e}gpj.exe 200"), (&["--json"][..], r"/word?\u202egpj.exe")]
    {
        let words: Vec<&str> =
            [env!("CARGO_BIN_EXE_synfin"), "serve"].iter().chain(flags).chain(&[&*served]).copied().collect();
        let mut server: Running = place.start(&words);
        server.wait_for(if flags.is_empty() { "Ctrl-C" } else { "\"listening\"" });
        ask(&place, target);
        let line = server.wait_for("/word?");
        assert!(line.contains(shown) && !line.contains('\u{202e}'), "{line:?}");
        server.signal("INT");
        assert_eq!(server.wait(), Some(0));
    }
}

/// How long an honest request may take while others hold what they can: a second, and what a busy machine adds to it.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);

/// What the server may hold while it is attacked: the host's budget of 256 MiB, and the program.
const RESIDENT_BYTES_MAX: u64 = 400 << 20;

/// Makes many connections, says `ready`, and then does to each, every second, what its script says.
fn attack(place: &Place, count: usize, receive_bytes: usize, opening: &str, each_second: &str) -> Running {
    let script = format!(
        r#"
import resource, socket, time
resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
all = []
for i in range({count}):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, {receive_bytes})
    s.settimeout(20)
    s.connect(("10.90.0.2", 80))
    s.sendall({opening})
    s.setblocking(False)
    all.append(s)
print("ready", flush=True)
while True:
    time.sleep(1)
    for s in all:
        try: {each_second}
        except OSError: pass
"#
    );
    place.start(&["python3", "-c", &script])
}

/// Lets an honest client ask again and again for so long; each of its requests must be answered.
#[track_caller]
fn honest_requests_are_answered_for(place: &Place, server: &Running, seconds: u64) {
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut most, mut slowest) = (0, Duration::ZERO);
    while Instant::now() < until {
        let held = server.resident_bytes();
        most = held.max(most);
        assert!(held <= RESIDENT_BYTES_MAX, "the server has {} MB", held >> 20);
        let asked = Instant::now();
        let said = status(place, &["-m", "10", "http://10.90.0.2/word"]);
        assert_eq!(said, "200", "within {:?}", asked.elapsed());
        slowest = asked.elapsed().max(slowest);
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("the server had at most {} MB, and answered within {slowest:?}", most >> 20);
    assert!(slowest < ANSWER_TIME_MAX, "an answer took {slowest:?}");
}

/// Lets this many clients ask for 4 MB and read nothing; each request of an honest client must be answered meanwhile.
#[track_caller]
fn honest_requests_are_answered_beside_unread_ones(place: &Place, count: usize, seconds: u64) {
    fs::write(place.path("served/word"), "here").unwrap();
    place.fill("served/four", 4_000_000);
    let server = place.serve(&[]);
    let ask = r#"b"GET /four HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n""#;
    let mut attackers = attack(place, count, 2_048, ask, "pass");
    attackers.wait_for("ready");
    honest_requests_are_answered_for(place, &server, seconds);
}

#[test]
fn requests_that_nobody_reads_hold_no_more_than_the_budget() {
    let Some(place) = Place::new("unread", PROGRAMS) else { return };
    honest_requests_are_answered_beside_unread_ones(&place, 600, 10);
}

#[test]
fn six_thousand_requests_that_nobody_reads_leave_room_for_others() {
    let Some(place) = Place::new("unread6k", PROGRAMS) else { return };
    honest_requests_are_answered_beside_unread_ones(&place, 6_000, 30);
}

/// Lets this many clients ask for a big file and take so much of it each second; says what the server has meanwhile.
#[track_caller]
fn readers_hold_no_more_than_the_budget(place: &Place, count: usize, receive_bytes: usize, taken: &str) {
    place.fill("served/big", 64 << 20);
    let server = place.serve(&[]);
    let ask = r#"b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n""#;
    let mut attackers = attack(place, count, receive_bytes, ask, taken);
    attackers.wait_for("ready");
    let mut most = 0;
    for _ in 0..15 {
        std::thread::sleep(Duration::from_secs(1));
        most = server.resident_bytes().max(most);
        assert!(most <= RESIDENT_BYTES_MAX, "the server has {} MB", most >> 20);
    }
    println!("the server had at most {} MB", most >> 20);
}

#[test]
fn slow_readers_of_a_big_file_hold_no_more_than_the_budget() {
    let Some(place) = Place::new("slowheld", PROGRAMS) else { return };
    readers_hold_no_more_than_the_budget(&place, 1_024, 4_096, "s.recv(200)");
}

#[test]
fn readers_that_are_neither_slow_nor_fast_hold_no_more_than_the_budget() {
    let Some(place) = Place::new("midheld", PROGRAMS) else { return };
    readers_hold_no_more_than_the_budget(&place, 900, 65_536, "s.recv(65536)");
}

#[test]
fn slow_readers_of_a_big_file_leave_room_for_others() {
    let Some(place) = Place::new("slowread", PROGRAMS) else { return };
    fs::write(place.path("served/word"), "here").unwrap();
    place.fill("served/big", 64 << 20);
    let server = place.serve(&[]);
    let ask = r#"b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n""#;
    let mut attackers = attack(&place, 1_024, 4_096, ask, "s.recv(200)");
    attackers.wait_for("ready");
    honest_requests_are_answered_for(&place, &server, 30);
}

#[test]
fn bodies_that_drip_leave_room_for_others() {
    let Some(place) = Place::new("drip", PROGRAMS) else { return };
    fs::write(place.path("served/word"), "here").unwrap();
    let server = place.serve(&[]);
    let ask = r#"b"GET /word HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\nx""#;
    let mut attackers = attack(&place, 1_024, 65_536, ask, r#"s.sendall(b"x")"#);
    attackers.wait_for("ready");
    honest_requests_are_answered_for(&place, &server, 30);
}

#[test]
fn two_thousand_half_heads_leave_room_for_others() {
    let Some(place) = Place::new("halves", PROGRAMS) else { return };
    fs::write(place.path("served/word"), "here").unwrap();
    let server = place.serve(&[]);
    let ask = r#"b"GET /word HTTP/1.1\r\nHost: x\r\nX-Half: ""#;
    let mut attackers = attack(&place, 2_500, 65_536, ask, r#"s.sendall(b"x")"#);
    attackers.wait_for("ready");
    honest_requests_are_answered_for(&place, &server, 35);
}

#[test]
fn a_head_that_does_not_end_is_told_so_after_its_time() {
    let Some(place) = Place::new("half", PROGRAMS) else { return };
    let mut server = place.serve(&[]);
    let said = place.run(&[
        "python3",
        "-c",
        r#"
import socket
s = socket.create_connection(("10.90.0.2", 80), 60)
s.sendall(b"GET /word HTTP/1.1\r\nHos")
while piece := s.recv(65536):
    print(piece.decode())
"#,
    ]);
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("did not come in time"), "{said}");
    assert!(server.find("\"request\"").contains("408"), "the log tells of it");
}
