//! `synfin serve` and an unmodified curl on the kernel's side, over a real TUN interface. Needs root,
//! `/dev/net/tun` and curl; without them each test says so and passes, except where `CI` is set.

#![allow(clippy::unwrap_used)] // a test's way to fail

mod over_tun;

use over_tun::{Place, eventually};
use serde_json::Value;
use std::fs;

const BIG_BYTES: usize = 256 << 20;

fn curl(place: &Place, words: &[&str]) -> String {
    let words: Vec<&str> = ["curl", "-gsS"].iter().chain(words).copied().collect();
    place.run(&words)
}

/// Down and up through one family, and what the server says of it.
fn there_and_back(name: &str, url: &str) {
    let Some(place) = Place::new(name, &["curl"]) else { return };
    let sum = place.fill("served/big", BIG_BYTES);
    let mut server = place.serve(&["--writable=in"]);
    let (down, up) = (format!("{url}/big"), format!("{url}/in/"));
    curl(&place, &["-f", "-o", "down", &down]);
    assert_eq!(place.sha256(&place.path("down")), sum, "what came down is what was there");
    let closed: Value = serde_json::from_str(&server.wait_for("\"closed\"")).unwrap();
    assert!(closed["bytes_sent"].as_u64().unwrap() > BIG_BYTES as u64, "{closed}");
    assert!(
        closed["rtt_s"].as_f64().unwrap() < 1.0 && closed["duration_s"].as_f64().unwrap() > 0.0,
        "{closed}"
    );
    assert_eq!(
        (&closed["closed_by"], &closed["failure"]),
        (&Value::from("client"), &Value::Null),
        "{closed}"
    );

    let status = curl(&place, &["-f", "-T", "down", "-w", "%{http_code}", "-o", "said", &up]);
    assert_eq!(status, "201");
    assert_eq!(place.sha256(&place.path("served/in/down")), sum, "what came up is what was sent");
    let closed: Value = serde_json::from_str(&server.wait_for("\"closed\"")).unwrap();
    assert!(closed["bytes_received"].as_u64().unwrap() > BIG_BYTES as u64, "{closed}");
    // In chunks, over what is there.
    let small = curl(&place, &["-f", "-T", "-", "-w", "%{http_code}", &format!("{up}down")]);
    assert_eq!((small.as_str(), fs::read(place.path("served/in/down")).unwrap().len()), ("204", 0));
}

#[test]
fn curl_fetches_and_sends_a_big_file() {
    there_and_back("big4", "http://10.90.0.2");
}

#[test]
fn curl_fetches_and_sends_a_big_file_over_ipv6() {
    there_and_back("big6", "http://[fd90::2]");
}

#[test]
fn two_hundred_downloads_at_once() {
    let Some(place) = Place::new("many", &["curl"]) else { return };
    let sum = place.fill("served/file", 1 << 20);
    let mut server = place.serve(&[]);
    let mut config = String::new();
    for number in 0..200 {
        config += &format!("url = \"http://10.90.0.2/file?{number}\"\noutput = \"got/{number}\"\n");
    }
    fs::write(place.path("config"), config).unwrap();
    curl(
        &place,
        &["-f", "--create-dirs", "-Z", "--parallel-immediate", "--parallel-max", "200", "-K", "config"],
    );
    for number in 0..200 {
        assert_eq!(place.sha256(&place.path(&format!("got/{number}"))), sum, "download {number}");
    }
    for _ in 0..200 {
        let closed: Value = serde_json::from_str(&server.wait_for("\"closed\"")).unwrap();
        assert_eq!(closed["failure"], Value::Null, "{closed}");
    }
    // The connections were many, not one after the other: curl reuses those that have become idle.
    server.signal("INT");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn one_connection_serves_many_requests() {
    let Some(place) = Place::new("keep", &["curl"]) else { return };
    place.fill("served/file", 10_000);
    let mut server = place.serve(&[]);
    let url = "http://10.90.0.2/file";
    let said =
        curl(&place, &["-w", "%{num_connects} ", "-o", "a", url, "-o", "b", url, "-I", "-o", "c", url]);
    assert_eq!(said.trim(), "1 0 0");
    let said = curl(&place, &["-r", "9990-", "-w", "%{http_code} %{size_download}", "-o", "part", url]);
    assert_eq!(said, "206 10");
    assert_eq!(fs::read(place.path("part")).unwrap(), fs::read(place.path("served/file")).unwrap()[9_990..]);
    let page = curl(&place, &["http://10.90.0.2/"]);
    assert!(
        page.contains("<a href=\"./file\">file</a>") && page.contains("<a href=\"./in/\">in/</a>"),
        "{page}"
    );
    for (words, status) in [
        (vec!["--path-as-is", "http://10.90.0.2/../config"], "403"),
        (vec!["http://10.90.0.2/nothing"], "404"),
        (vec!["-X", "DELETE", url], "405"),
        (vec!["-T", "part", url], "405"),
        (vec!["-r", "10000-", url], "416"),
    ] {
        let all: Vec<&str> = ["-o", "said", "-w", "%{http_code}"].into_iter().chain(words.clone()).collect();
        assert_eq!(curl(&place, &all), status, "{words:?}");
    }
    server.find("\"closed_by\":\"client\"");
}

#[test]
fn a_client_that_is_killed_leaves_the_server_whole() {
    let Some(place) = Place::new("ckill", &["curl"]) else { return };
    let sum = place.fill("served/big", 64 << 20);
    let mut server = place.serve(&["--writable"]);
    let url = "http://10.90.0.2/big";
    let client = place.start(&["curl", "-gsS", "--limit-rate", "1M", "-o", "cut", url]);
    server.wait_for("\"request\"");
    eventually("curl has begun to write", || {
        fs::metadata(place.path("cut")).is_ok_and(|file| file.len() > 0)
    });
    client.signal("KILL");
    let closed: Value = serde_json::from_str(&server.wait_for("\"closed\"")).unwrap();
    // The kernel answers for the dead client with a reset.
    assert!(closed["failure"].as_str().is_some_and(|text| text.contains("reset")), "{closed}");
    // An upload that is cut off leaves nothing.
    let client =
        place.start(&["curl", "-gsS", "--limit-rate", "1M", "-T", "served/big", "http://10.90.0.2/in/new"]);
    server.wait_for("\"opened\"");
    eventually("the upload has begun", || fs::read_dir(place.path("served/in")).unwrap().count() == 1);
    client.signal("KILL");
    server.wait_for("\"closed\"");
    eventually("the unfinished file is gone", || fs::read_dir(place.path("served/in")).unwrap().count() == 0);
    curl(&place, &["-f", "-o", "whole", url]);
    assert_eq!(place.sha256(&place.path("whole")), sum);
}

#[test]
fn port_0_is_any_that_is_free_and_the_server_says_which() {
    let Some(place) = Place::new("sport", &["curl"]) else { return };
    fs::write(place.path("served/word"), "here").unwrap();
    let served = place.text("served");
    let mut server = place.start(&[env!("CARGO_BIN_EXE_synfin"), "serve", "--json", "--port", "0", &served]);
    let listening: Value = serde_json::from_str(&server.wait_for("\"listening\"")).unwrap();
    let url = listening["urls"][0].as_str().unwrap().to_owned();
    assert!(url.starts_with("http://10.90.0.2:") && !url.ends_with(":0/"), "{url}");
    assert_eq!(place.run(&["curl", "-gsS", &format!("{url}word")]), "here");
}

#[test]
fn an_interface_that_is_no_tun_is_refused_as_an_argument() {
    let Some(place) = Place::new("slo", &[]) else { return };
    let output = place.output(&[env!("CARGO_BIN_EXE_synfin"), "serve", "--tun", "lo", &place.text("served")]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("--tun lo: the interface lo exists and is no TUN interface"), "{errors}");
}

#[test]
fn a_server_that_is_killed_takes_its_interface_along() {
    let Some(place) = Place::new("skill", &["curl"]) else { return };
    place.fill("served/big", 64 << 20);
    let mut server = place.serve(&[]);
    let slow = [
        "curl",
        "-gsS",
        "--limit-rate",
        "1M",
        "--speed-time",
        "5",
        "--speed-limit",
        "1",
        "-o",
        "cut",
        "http://10.90.0.2/big",
    ];
    let mut client = place.start(&slow);
    server.wait_for("\"request\"");
    server.signal("KILL");
    assert_eq!(server.wait(), None, "it was killed");
    assert!(!place.run(&["ip", "-br", "link"]).contains("synfin0"), "the interface is gone");
    // Nobody is there to say anything: curl ends by its own patience.
    assert!(client.wait().is_some_and(|code| code != 0), "curl tells that the file is incomplete");
    // Another server can start at once.
    let again = place.serve(&[]);
    curl(&place, &["-f", "-r", "0-9", "-o", "ten", "http://10.90.0.2/big"]);
    drop(again);
}

#[test]
fn ctrl_c_closes_every_connection_with_a_fin() {
    let Some(place) = Place::new("ctrlc", &["curl"]) else { return };
    place.fill("served/big", 64 << 20);
    let mut server = place.serve(&["--pcap", "seen.pcapng"]);
    let mut client =
        place.start(&["curl", "-gsS", "--limit-rate", "4M", "-o", "cut", "http://10.90.0.2/big"]);
    server.wait_for("\"request\"");
    eventually("curl has begun to write", || {
        fs::metadata(place.path("cut")).is_ok_and(|file| file.len() > 0)
    });
    server.signal("INT");
    let closing: Value = serde_json::from_str(&server.wait_for("\"closing\"")).unwrap();
    assert_eq!(closing["connections"], 1);
    // 18: "transferred a partial file": an orderly end, not a reset (56).
    assert_eq!(client.wait(), Some(18));
    let closed: Value = serde_json::from_str(&server.find("\"closed\"")).unwrap();
    assert_eq!(
        (&closed["closed_by"], &closed["failure"]),
        (&Value::from("server"), &Value::Null),
        "{closed}"
    );
    assert_eq!(server.wait(), Some(0));
    assert!(!place.run(&["ip", "-br", "link"]).contains("synfin0"));
    assert!(fs::metadata(place.path("seen.pcapng")).unwrap().len() > 100_000);
}

#[test]
fn a_second_ctrl_c_resets_what_is_left() {
    let Some(place) = Place::new("ctrlcc", &["curl"]) else { return };
    place.fill("served/big", 64 << 20);
    // Of megabytes of receive buffer, the kernel might take all that is queued, and the FIN behind it.
    place.run(&["sh", "-c", "echo 4096 65536 65536 > /proc/sys/net/ipv4/tcp_rmem"]);
    let mut server = place.serve(&[]);
    let mut client =
        place.start(&["curl", "-gsS", "--limit-rate", "4M", "-o", "cut", "http://10.90.0.2/big"]);
    server.wait_for("\"request\"");
    eventually("curl has begun to write", || {
        fs::metadata(place.path("cut")).is_ok_and(|file| file.len() > 0)
    });
    // A client that takes nothing any more: what is queued for it would outlast the farewell.
    client.signal("STOP");
    server.signal("INT");
    server.wait_for("\"closing\"");
    let begun = std::time::Instant::now();
    server.signal("INT");
    assert_eq!(server.wait(), Some(0));
    assert!(begun.elapsed().as_secs() < 8, "it did not wait for the farewell of ten seconds");
    client.signal("CONT");
    assert_eq!(client.wait(), Some(56), "curl tells of the reset");
}
