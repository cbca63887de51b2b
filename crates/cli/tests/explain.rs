//! `synfin explain` on what the demo writes, and on what is no capture at all.

mod support;

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
    assert!(http.contains("192.0.2.80:80 closed first (frame 8)"), "{http}");
    let steps = printed(&["explain", file.path(), "-a", "-Y", "tcp.flags.syn == 1 || tcp.flags.fin == 1"]);
    for number in ["4225926656", "3022381253", "4225926657", "3022381791", "4225929031", "3022381792"] {
        assert!(steps.contains(number), "{number} is missing in:\n{steps}");
    }
}

#[test]
fn the_ladder_of_the_capture_shows_the_states_that_the_engine_went_through() {
    // From one end of the path the capture shows what the engine itself said, state by state.
    for close in ["server", "client", "both", "half"] {
        let file = demo(close, &["--close", close]);
        let ladder = printed(&["explain", file.path(), "--stream", "0"]);
        let told = printed(&["demo", "--close", close]);
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
                told.contains(state),
                "--close {close}, {state}:\n{ladder}\n{told}"
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
fn what_two_threads_say_is_what_one_says() {
    let file = demo("threads", &["--loss", "20%", "--seed", "7"]);
    for form in ["--json", "--csv", "--zeek"] {
        // segments alone are taken on a second thread; a filter needs their text beside them
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
    let (file, annotated) = (demo("annotate", &[]), Scratch::new("annotated.pcapng"));
    printed(&["explain", file.path(), "--annotate", annotated.path()]);
    let output = std::process::Command::new("tshark")
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
    let (file, page) = (demo("page", &[]), Scratch::new("page.html"));
    printed(&["explain", file.path(), "--html", page.path()]);
    let html = std::fs::read_to_string(page.path()).expect("written");
    assert!(html.starts_with("<!doctype html>") && html.contains("FIN-WAIT-1"));
    assert!(!html.contains("src=\"http") && !html.contains("href=\"http"), "nothing is fetched");
}

#[test]
fn damage_is_told_and_what_is_before_it_is_explained() {
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
    let (file, short) = (demo("snaplen", &[]), Scratch::new("short.pcap"));
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
