//! The demo's digits, its states, its marks, and the capture it writes.

mod support;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use std::process::Command;
use support::{Scratch, has, printed, synfin};

/// Every one of `wanted` stands in `text`, in this order.
fn in_order(text: &str, wanted: &[&str]) {
    let mut from = 0;
    for word in wanted {
        let found = text[from..].find(word);
        from +=
            found.unwrap_or_else(|| panic!("`{word}` is not where it should be in:\n{text}")) + word.len();
    }
}

#[test]
fn the_articles_digits_in_the_articles_order() {
    let text = printed(&["demo", "--absolute"]);
    in_order(
        &text,
        &[
            "SYN     Seq=4225926656",
            "SYN,ACK Seq=3022381253 Ack=4225926657",
            "ACK     Seq=4225926657 Ack=3022381254",
            "FIN,ACK Seq=3022381791",
            "ACK     Seq=4225929031 Ack=3022381792",
            "FIN,ACK Seq=4225929031 Ack=3022381792",
            "ACK     Seq=3022381792 Ack=4225929032",
        ],
    );
    assert!(text.contains("client sent 2,374 bytes, server sent 537 bytes"), "{text}");
    assert!(text.contains("server closed first"), "{text}");
    assert!(!text.contains('✗'), "nothing is lost:\n{text}");
}

#[test]
fn numbers_are_relative_by_default() {
    let text = printed(&["demo"]);
    in_order(
        &text,
        &["SYN     Seq=0", "SYN,ACK Seq=0 Ack=1", "ACK     Seq=1 Ack=1", "FIN,ACK Seq=538 Ack=2375"],
    );
}

#[test]
fn connect_returns_on_the_second_step_and_accept_on_the_third() {
    in_order(
        &printed(&["demo"]),
        &[
            "connect is called",
            "SYN-SENT",
            "SYN     Seq=0",
            "SYN,ACK Seq=0",
            "connect returns",
            "accept returns",
        ],
    );
    // In the records the times are exact: two one-way trips for connect, three for accept.
    let times: Vec<(String, f64)> = printed(&["demo", "--json"])
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON object on every line"))
        .filter(|record| record["text"].as_str().is_some_and(|text| text.contains(" returns")))
        .map(|record| {
            (record["text"].as_str().unwrap_or("").to_owned(), record["time"].as_f64().unwrap_or(-1.0))
        })
        .collect();
    assert_eq!(
        times,
        [("connect returns: second step".to_owned(), 0.04), ("accept returns: third step".to_owned(), 0.06)]
    );
    // On the page each stands right under the segment that it waited for, with the time of its end there.
    let text = printed(&["demo"]);
    let lines: Vec<&str> = text.lines().collect();
    for (call, segment, time) in [
        ("connect returns: second step", "SYN,ACK Seq=0 Ack=1", "0.040  ● ESTABLISHED"),
        ("accept returns: third step", "completes the handshake", "0.060  ● ESTABLISHED"),
    ] {
        let at = lines.iter().position(|line| line.contains(call)).expect("the call is there");
        assert!(lines[at - 1].contains(segment) && lines[at - 1].contains(time), "{text}");
    }
}

#[test]
fn every_story_passes_the_states_that_it_should() {
    for (close, states) in [
        ("server", ["FIN-WAIT-1", "CLOSE-WAIT", "LAST-ACK", "TIME-WAIT"]),
        ("client", ["FIN-WAIT-1", "CLOSE-WAIT", "LAST-ACK", "TIME-WAIT"]),
        ("both", ["FIN-WAIT-1", "CLOSING", "CLOSING", "TIME-WAIT"]),
        ("half", ["FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK"]),
    ] {
        let text = printed(&["demo", "--close", close]);
        for state in states {
            assert!(text.contains(state), "--close {close} without {state}:\n{text}");
        }
        assert!(text.contains("2 MSL timeout"), "--close {close} does not come to its end:\n{text}");
        assert!(text.contains("client sent 2,374 bytes, server sent 537 bytes"), "--close {close}:\n{text}");
    }
}

#[test]
fn an_old_duplicate_syn_opens_nothing() {
    let text = printed(&["demo", "--stale-syn"]);
    in_order(&text, &["SYN-RECEIVED", "RST", "connect is called", "connect returns", "accept returns"]);
    assert_eq!(text.matches("accept returns").count(), 1);
    in_order(&text, &["SYN     Seq=old ", "SYN,ACK Seq=0 Ack=old+1 ", "RST     Seq=old+1 "]);
    let moral = text.split(" The moral: ").nth(1).expect("a moral");
    assert!(moral.trim_end().ends_with('.') && moral.matches('.').count() == 1, "one sentence: {moral}");
    // Also where the answer to the old SYN takes longer than the whole story otherwise.
    let text = printed(&["demo", "--stale-syn", "--delay", "501ms"]);
    assert!(text.contains("client sent 2,374 bytes, server sent 537 bytes"), "{text}");
}

#[test]
fn nothing_is_lost_where_the_delay_alone_makes_timers_run_out() {
    let text = printed(&["demo", "--delay", "501ms"]);
    assert!(!text.contains("lost") && text.contains("3 retransmissions"), "{text}");
}

/// What passed the client, from the capture: whether it came in, and the numbers.
fn captured(path: &str) -> Vec<(bool, u32, u32, usize)> {
    let mut reader = capture::Reader::new(std::fs::File::open(path).expect("written")).expect("a capture");
    let mut packets = Vec::new();
    while let Some(record) = reader.next() {
        let packet = SlicedPacket::from_ip(record.expect("an undamaged record").bytes).expect("an IP packet");
        let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) = (packet.net, packet.transport)
        else {
            panic!("not TCP over IPv4");
        };
        let is_inbound = ip.header().source_addr().octets() != [192, 0, 2, 10];
        packets.push((is_inbound, tcp.sequence_number(), tcp.acknowledgment_number(), tcp.payload().len()));
    }
    packets.sort_unstable();
    packets
}

#[test]
fn the_ladder_and_the_capture_of_one_run_agree() {
    let file = Scratch::new("agree.pcapng");
    for seed in 1..=6 {
        let seed = seed.to_string();
        let run =
            ["demo", "--loss", "20%", "--reorder", "10%", "--seed", &seed, "--json", "--pcap", file.path()];
        let mut drawn: Vec<(bool, u32, u32, usize)> = printed(&run)
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON object on every line"))
            .filter(|record| record["type"] == "segment")
            .filter(|record| record["src"] == "192.0.2.10:51234" || record["arrived"].is_number())
            .map(|record| {
                let number = |field: &str| record[field].as_u64().unwrap_or(0);
                let is_inbound = record["src"] != "192.0.2.10:51234";
                (is_inbound, number("seq_raw") as u32, number("ack_raw") as u32, number("len") as usize)
            })
            .collect();
        drawn.sort_unstable();
        assert_eq!(drawn, captured(file.path()), "seed {seed}");
    }
}

#[test]
fn the_same_seed_tells_the_same_story_and_loss_does_not_stop_it() {
    for seed in 0..12 {
        let seed = seed.to_string();
        let arguments = ["demo", "--loss", "15%", "--reorder", "10%", "--seed", &seed];
        let text = printed(&arguments);
        assert_eq!(text, printed(&arguments), "seed {seed}");
        assert!(text.contains("client sent 2,374 bytes, server sent 537 bytes"), "seed {seed}:\n{text}");
    }
}

#[test]
fn wrong_arguments_are_answered_with_a_sentence() {
    for (arguments, says) in [
        (&["demo", "--loss", "lots"][..], "is no percentage"),
        (&["demo", "--loss", "99%"], "at most 90%"),
        (&["demo", "--delay", "20"], "needs a unit"),
        (&["demo", "--pcap", "/nowhere/x.pcapng"], "cannot write /nowhere/x.pcapng"),
    ] {
        let output = synfin(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(says), "{arguments:?}: {errors}");
    }
}

#[test]
fn etherparse_reads_every_packet_of_the_capture_and_finds_its_checksums_good() {
    let file = Scratch::new("etherparse.pcapng");
    printed(&["demo", "--pcap", file.path()]);
    let mut reader =
        capture::Reader::new(std::fs::File::open(file.path()).expect("written")).expect("a capture");
    let mut packets = 0;
    while let Some(record) = reader.next() {
        let record = record.expect("an undamaged record");
        let packet = SlicedPacket::from_ip(record.bytes).expect("an IP packet");
        let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) = (packet.net, packet.transport)
        else {
            panic!("packet {packets} is not TCP over IPv4");
        };
        let ip = ip.header().to_header();
        assert_eq!(ip.calc_header_checksum(), ip.header_checksum);
        let header = tcp.to_header();
        assert_eq!(header.calc_checksum_ipv4(&ip, tcp.payload()).expect("in range"), header.checksum);
        packets += 1;
    }
    assert!(packets >= 10, "{packets} packets");
}

#[test]
fn tshark_sees_the_same_numbers_good_checksums_and_nothing_odd() {
    if !has("tshark") {
        return;
    }
    for close in ["server", "client", "half", "both"] {
        let file = Scratch::new(&format!("tshark-{close}.pcapng"));
        printed(&["demo", "--close", close, "--pcap", file.path()]);
        let tshark = |arguments: &[&str]| {
            let output = Command::new("tshark")
                .args(["-r", file.path(), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"])
                .args(arguments)
                .output()
                .expect("tshark runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("text")
        };
        let odd =
            tshark(&["-Y", "tcp.analysis.flags || tcp.checksum.status != 1 || ip.checksum.status != 1"]);
        assert_eq!(odd, "", "--close {close}");
        if close == "server" {
            let fields = ["-T", "fields", "-e", "tcp.flags.str", "-e", "tcp.seq_raw", "-e", "tcp.ack_raw"];
            in_order(
                &tshark(&fields),
                &[
                    "4225926656\t0",
                    "3022381253\t4225926657",
                    "4225926657\t3022381254",
                    "3022381791\t4225929031",
                    "4225929031\t3022381792",
                    "4225929031\t3022381792",
                    "3022381792\t4225929032",
                ],
            );
            let http = tshark(&["-Y", "http"]);
            assert_eq!(http.lines().count(), 2, "one request and one response: {http}");
        }
    }
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).expect("a README");
    let text = printed(&["demo"]);
    assert!(readme.contains(text.trim_end()), "the README's picture is stale; it should be:\n{text}");
}

#[test]
fn the_committed_picture_is_what_the_demo_draws() {
    let drawn = Scratch::new("demo.svg");
    printed(&["demo", "--svg", drawn.path()]);
    let read = |path: &str| std::fs::read_to_string(path).expect("a picture");
    let committed = read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/demo.svg"));
    assert!(committed == read(drawn.path()), "docs/demo.svg is stale: run `synfin demo --svg docs/demo.svg`");
}
