//! `synfin explain` on captures of the demo, and on files that are not captures.

mod support;

use std::process::Command;
use support::{Scratch, has, printed, synfin};

fn demo(name: &str, arguments: &[&str]) -> Scratch {
    let file = Scratch::new(&format!("explain-{name}.pcapng"));
    printed(&[&["demo", "--pcap", file.path()], arguments].concat());
    file
}

#[test]
fn the_articles_questions_have_answers() {
    let file = demo("article", &[]);
    let http = printed(&["explain", file.path(), "--filter", "http"]);
    assert_eq!(http.lines().filter(|line| line.contains("ESTABLISHED")).count(), 2, "{http}");
    let words = http.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("192.0.2.80:80 closed first (frame 8)"), "{http}");
    let steps = printed(&["explain", file.path(), "-a", "-Y", "tcp.flags.syn == 1 || tcp.flags.fin == 1"]);
    for number in ["4225926656", "3022381253", "4225926657", "3022381791", "4225929031", "3022381792"] {
        assert!(steps.contains(number), "{number} is missing in:\n{steps}");
    }
}

#[test]
fn the_ladder_of_the_capture_shows_the_states_that_the_engine_went_through() {
    // From a capture at one end, explain infers the same states that the engine reported in the demo.
    for close in ["server", "client", "both", "half"] {
        let file = demo(close, &["--close", close]);
        let ladder = printed(&["explain", file.path(), "--stream", "0"]);
        let demo_text = printed(&["demo", "--close", close]);
        let states = [
            "SYN-SENT",
            "SYN-RECEIVED",
            "FIN-WAIT-1",
            "FIN-WAIT-2",
            "CLOSE-WAIT",
            "CLOSING",
            "LAST-ACK",
            "TIME-WAIT",
        ];
        for state in states {
            assert_eq!(
                ladder.contains(state),
                demo_text.contains(state),
                "--close {close}, {state}:\n{ladder}\n{demo_text}"
            );
        }
    }
}

#[test]
fn every_line_of_json_is_an_object_with_a_type() {
    let file = demo("json", &["--loss", "20%", "--seed", "7"]);
    let mut types = std::collections::BTreeMap::<String, usize>::new();
    for line in printed(&["explain", file.path(), "--json"]).lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        *types.entry(record["type"].as_str().expect("a type").to_owned()).or_default() += 1;
    }
    assert_eq!(types.get("connection"), Some(&1), "{types:?}");
    assert!(types.get("segment").is_some_and(|count| *count >= 10), "{types:?}");
}

#[test]
fn two_threads_give_the_results_of_one() {
    let file = demo("threads", &["--loss", "20%", "--seed", "7"]);
    for form in ["--json", "--csv", "--zeek"] {
        // Without a filter a second thread takes the segments; with a filter there is one thread.
        let two = printed(&["explain", file.path(), form]);
        assert_eq!(two, printed(&["explain", file.path(), form, "--filter", "tcp"]), "{form}");
    }
}

#[test]
fn csv_and_zeek_have_as_many_columns_as_their_headers() {
    let file = demo("columns", &[]);
    let csv = printed(&["explain", file.path(), "--csv"]);
    let mut lines = csv.lines();
    let columns = lines.next().expect("a header").split(',').count();
    assert!(columns > 10 && lines.clone().count() >= 10);
    let zeek = printed(&["explain", file.path(), "--zeek"]);
    let fields = zeek.lines().find(|line| line.starts_with("#fields")).expect("a header").split('\t').count();
    let row = zeek.lines().find(|line| !line.starts_with('#')).expect("a connection").split('\t').count();
    assert_eq!(fields, row + 1);
}

#[test]
fn wireshark_shows_our_comments() {
    if !has("tshark") {
        return;
    }
    let file = demo("annotate", &[]);
    let annotated = Scratch::new("annotated.pcapng");
    printed(&["explain", file.path(), "--annotate", annotated.path()]);
    let output = Command::new("tshark")
        .args([
            "-r",
            annotated.path(),
            "-Y",
            "frame.comment contains \"asks to open\"",
            "-T",
            "fields",
            "-e",
            "frame.number",
        ])
        .output()
        .expect("tshark runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "1");
}

#[test]
fn a_page_is_one_file_without_a_network() {
    let file = demo("page", &[]);
    let page = Scratch::new("page.html");
    let output = synfin(&["explain", file.path(), "--html", page.path()]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), format!("wrote {}\n", page.path()));
    let quiet = synfin(&["explain", file.path(), "--html", page.path(), "-q"]);
    assert_eq!((quiet.stdout, quiet.stderr.as_slice()), (output.stdout, &b""[..]));
    let html = std::fs::read_to_string(page.path()).expect("written");
    assert!(html.starts_with("<!doctype html>") && html.contains("FIN-WAIT-1"));
    let summary = printed(&["explain", file.path(), "--html", page.path(), "-q"]);
    assert!(summary.starts_with("1 connection: 1 "), "{summary}");
    assert!(summary.contains(" finding") && !summary.contains("stream  client"), "{summary}");
    assert!(!html.contains("src=\"http") && !html.contains("href=\"http"), "nothing is fetched");
}

/// No row of any table is longer than the terminal, down to sixty columns; a ladder with frame numbers needs a few more.
#[test]
fn lines_fit_into_the_terminal() {
    let file = demo("widths", &["--loss", "0.05"]);
    let page = Scratch::new("widths.html");
    let forms: [&[&str]; 5] = [
        &[],
        &["--filter", "tcp"],
        &["--html", page.path()],
        &["--stream", "0"],
        &["--stream", "0", "--absolute"],
    ];
    for width in [60, 80, 120] {
        for form in forms.into_iter().filter(|form| width > 60 || !form.contains(&"--stream")) {
            let output = Command::new(env!("CARGO_BIN_EXE_synfin"))
                .args(["explain", file.path()])
                .args(form)
                .env("COLUMNS", width.to_string())
                .output()
                .expect("synfin runs");
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(!text.is_empty());
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{form:?} at {width}: {line}\n{text}");
            }
        }
    }
}

#[test]
fn damage_is_reported_and_the_part_before_it_is_explained() {
    let file = demo("damage", &[]);
    let whole = std::fs::read(file.path()).expect("written");
    let cut = Scratch::new("cut.pcapng");
    std::fs::write(cut.path(), &whole[..whole.len() - 30]).expect("a place for it");
    let output = synfin(&["explain", cut.path()]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("up to its damage"), "{errors}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("192.0.2.10:51234"));
}

/// The command feeds the lens from a second thread, a browser has one; both pages are the same text, and say what is wrong
/// with the file.
#[test]
fn the_page_of_the_command_is_that_of_one_thread() {
    let file = demo("door", &["--loss", "20%", "--seed", "7"]);
    let whole = std::fs::read(file.path()).expect("written");
    let damaged = &whole[..whole.len() - 30];
    for (bytes, says) in [(&whole[..], None), (damaged, Some("up to its damage"))] {
        let (capture, page) = (Scratch::new("door.pcapng"), Scratch::new("door.html"));
        std::fs::write(capture.path(), bytes).expect("a place for it");
        synfin(&["explain", capture.path(), "--html", page.path()]);
        let name = capture.path().rsplit_once('/').expect("a path").1;
        let data =
            report::captured::explain(bytes, name, report::words::Language::English).expect("a capture");
        assert_eq!(std::fs::read_to_string(page.path()).expect("written"), report::page::html(&data));
        assert_eq!(data.notices.iter().any(|notice| notice.contains("up to its damage")), says.is_some());
    }
}

#[test]
fn what_cannot_be_read_is_answered_with_a_sentence() {
    let file = demo("wrong", &[]);
    let text = Scratch::new("text.pcap");
    std::fs::write(text.path(), "no capture at all, but long enough for a header").expect("a place for it");
    for (arguments, says) in [
        (&["explain", "/nowhere/x.pcap"][..], "cannot read /nowhere/x.pcap"),
        (&["explain", text.path()], "pcap"),
        (&["explain", file.path(), "--stream", "9"], "there is no stream 9: this capture has 1"),
        (&["explain", file.path(), "--filter", "tcp.prot == 80"], "did you mean tcp.port?"),
    ] {
        let output = synfin(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(says), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_capture_with_too_short_packets_says_so() {
    let file = demo("snaplen", &[]);
    let short = Scratch::new("short.pcap");
    let mut reader =
        capture::Reader::new(std::fs::File::open(file.path()).expect("written")).expect("a capture");
    let section = capture::Section::default();
    let mut writer =
        capture::Writer::new(Vec::new(), capture::Format::PcapNanoseconds, &section).expect("memory");
    let mut interface = None;
    while let Some(record) = reader.next() {
        let record = record.expect("whole");
        let id = *interface.get_or_insert_with(|| {
            writer.add_interface(&capture::Interface::new(record.link_type)).expect("memory")
        });
        let info =
            capture::PacketInfo { wire_bytes: Some(record.wire_bytes), ..capture::PacketInfo::new(id, 1) };
        writer.write_slices(&info, &[&record.bytes[..34]]).expect("memory");
    }
    std::fs::write(short.path(), writer.into_inner()).expect("a place for it");
    let output = synfin(&["explain", short.path()]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("left out 11 packets: the capture cut their TCP headers off"), "{errors}");
}

/// A capture of raw IP packets, one a microsecond apart unless told otherwise.
fn capture_of(name: &str, packets: &[(u64, Vec<u8>)]) -> Scratch {
    let file = Scratch::new(name);
    let section = capture::Section::default();
    let mut writer =
        capture::Writer::new(Vec::new(), capture::Format::PcapNanoseconds, &section).expect("memory");
    let id = writer.add_interface(&capture::Interface::new(capture::LinkType::RAW)).expect("memory");
    for (time_ns, packet) in packets {
        writer.write_slices(&capture::PacketInfo::new(id, *time_ns), &[packet]).expect("memory");
    }
    std::fs::write(file.path(), writer.into_inner()).expect("a place for it");
    file
}

/// An IPv4 packet of this protocol from 10.0.0.1 to 10.0.0.2, or back.
fn ipv4(protocol: u8, back: bool, rest: &[u8]) -> Vec<u8> {
    let total = (20 + rest.len() as u16).to_be_bytes();
    let (from, to) = if back { (2, 1) } else { (1, 2) };
    let header = [0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
    [&header[..], &[10, 0, 0, from, 10, 0, 0, to], rest].concat()
}

#[test]
fn a_capture_without_tcp_says_what_is_in_it() {
    let udp = ipv4(17, false, &[0xc0, 0, 0, 53, 0, 8, 0, 0]);
    let lcp = ipv4(47, false, &[0x30, 1, 0x88, 0x0b, 0, 4, 0, 1, 0, 0, 0, 1, 0xff, 3, 0xc0, 0x21]);
    let file = capture_of("no-tcp.pcap", &[(1, udp.clone()), (2, udp), (3, lcp)]);
    let output = synfin(&["explain", file.path()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "there is no TCP connection in this capture, but 3 packets: 2 UDP, 1 GRE: PPP LCP\n");
    let output = synfin(&["explain", file.path(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!(line["not_tcp"][0], serde_json::json!({"what": "UDP", "packets": 2}));
}

/// A handshake and a text, and their answers, which were written up to a millisecond late: frames 3 and 6.
fn late_capture(name: &str) -> Scratch {
    let tcp = |back: bool, seq: u8, ack: u8, flags: u8, text: &[u8]| {
        let ports = if back { [0, 80, 0x20, 0] } else { [0x20, 0, 0, 80] };
        let header = [0, 0, 0, seq, 0, 0, 0, ack, 0x50, flags, 0xff, 0, 0, 0, 0, 0];
        ipv4(6, back, &[&ports[..], &header, text].concat())
    };
    let ms = |number: u64| 1_000_000 * number;
    capture_of(
        name,
        &[
            (ms(1), tcp(false, 9, 0, 0x02, &[])),
            (ms(5), tcp(false, 10, 51, 0x10, &[])),
            (ms(4), tcp(true, 50, 10, 0x12, &[])),
            (ms(6), tcp(false, 10, 51, 0x18, b"hello")),
            (ms(9), tcp(false, 15, 54, 0x10, &[])),
            (ms(8), tcp(true, 51, 15, 0x18, b"yes")),
        ],
    )
}

#[test]
fn records_out_of_order_are_explained_in_the_order_of_time() {
    let file = late_capture("late.pcap");
    let from_file = || synfin(&["explain", file.path(), "--json"]);
    let filtered = || synfin(&["explain", file.path(), "--json", "--filter", "tcp"]);
    let from_stdin = || {
        Command::new(env!("CARGO_BIN_EXE_synfin"))
            .args(["explain", "-", "--json"])
            .stdin(std::fs::File::open(file.path()).expect("the capture"))
            .output()
            .expect("the command was built with this test")
    };
    for output in [from_file(), filtered(), from_stdin()] {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            errors.contains("2 segments stand in the file behind later ones, by 1.00 ms at most"),
            "{errors}"
        );
        let said = String::from_utf8_lossy(&output.stdout);
        let frames: Vec<u64> = said
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|record| record["type"] == "segment")
            .filter_map(|record| record["frame"].as_u64())
            .collect();
        assert_eq!(frames, [1, 3, 2, 4, 6, 5], "{said}");
        assert!(!said.contains("ack_lost_segment"), "{said}");
    }
}

#[test]
fn a_copy_keeps_the_order_of_the_file_and_its_comments_that_of_time() {
    let (file, copy) = (late_capture("late-copy.pcap"), Scratch::new("late-copy.pcapng"));
    let output = synfin(&["explain", file.path(), "--annotate", copy.path()]);
    assert!(output.status.success(), "{output:?}");
    let bytes = std::fs::read(copy.path()).expect("the copy");
    let mut reader = capture::Reader::new(&bytes[..]).expect("a capture");
    let mut times_ms = Vec::new();
    while let Some(record) = reader.next() {
        let record = record.expect("a packet");
        times_ms.push(record.time_ns / 1_000_000 % 1_000);
        let comments: Vec<String> = record.comments().map(|comment| comment.to_string()).collect();
        assert!(!comments.concat().contains("ack_lost_segment"), "{comments:?}");
    }
    assert_eq!(times_ms, [1, 5, 4, 6, 9, 8]);
}
