//! `synfin sim` and `synfin script` as a user runs them.

mod support;

use support::{Scratch, printed, synfin};

#[test]
fn a_simulation_is_the_same_every_time_and_its_capture_can_be_explained() {
    let (one, two) = (Scratch::new("sim-1.pcapng"), Scratch::new("sim-2.pcapng"));
    let run = |file: &Scratch| {
        printed(&[
            "sim",
            "--bytes",
            "1M",
            "--loss",
            "1%",
            "--flows",
            "2",
            "--seed",
            "7",
            "--pcap",
            file.path(),
        ])
    };
    let text = run(&one);
    assert_eq!(text, run(&two));
    assert_eq!(std::fs::read(one.path()).expect("written"), std::fs::read(two.path()).expect("written"));
    assert_eq!(text.matches("all arrived").count(), 2, "{text}");
    assert!(text.contains("fairness") && text.contains("fast-retransmit"), "{text}");
    let explained = printed(&["explain", one.path()]);
    for port in [40_000, 40_001] {
        assert!(explained.contains(&format!("10.0.0.1:{port}")), "{explained}");
    }
}

#[test]
fn a_simulated_link_can_have_every_fault_and_its_plot_is_drawn() {
    let picture = Scratch::new("sim.svg");
    let text = printed(&[
        "sim",
        "--bytes",
        "1M",
        "--rate",
        "20mbit",
        "--loss",
        "2%",
        "--burst",
        "3",
        "--reorder",
        "1%",
        "--duplicate",
        "1%",
        "--corrupt",
        "0.5%",
        "--queue",
        "30p",
        "--aqm",
        "codel",
        "--ipv6",
        "--plot",
        picture.path(),
    ]);
    assert!(text.contains("[fd00::1]:40000") && text.contains("all arrived"), "{text}");
    assert!(text.contains("lost on the wire"), "{text}");
    let svg = std::fs::read_to_string(picture.path()).expect("written");
    for title in ["Congestion window", "Round-trip time", "Goodput"] {
        assert!(svg.contains(&format!(">{title}<")), "no {title} in the picture");
    }
}

#[test]
fn json_of_a_simulation_has_the_figures() {
    let record: serde_json::Value =
        serde_json::from_str(&printed(&["sim", "--bytes", "1M", "--json"])).expect("one JSON object");
    assert_eq!(record["flows"][0]["bytes"], 1_000_000);
    assert!(record["goodput_bits_per_s"].as_f64().is_some_and(|goodput| goodput > 1e6));
}

#[test]
fn scripts_pass_or_fail_with_what_was_seen_or_are_skipped_with_a_reason() {
    let opening = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n\
                   +0.1 < S 0:0(0) win 1000 <mss 1000>\n";
    let script = |name: &str, text: String| {
        let file = Scratch::new(name);
        std::fs::write(file.path(), text).expect("a place for it");
        file
    };
    let good = script("good.pkt", format!("{opening}+0 > S. 0:0(0) ack 1 <...>\n"));
    let text = printed(&["script", good.path()]);
    assert!(text.starts_with("ok ") && text.ends_with("1 passed, 0 failed, 0 skipped\n"), "{text}");

    let settings = script("settings.sh", "sysctl -q net.ipv4.tcp_congestion_control=bbr\n".to_owned());
    let shared =
        script("shared.pkt", format!("`{}`\n{opening}+0 > S. 0:0(0) ack 1 <...>\n", settings.path()));
    let text = printed(&["script", shared.path()]);
    assert!(text.contains("shared.pkt (cubic instead of bbr)\n1 passed"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&printed(&["script", "--json", shared.path()])).expect("JSON");
    assert_eq!(json["instead"][0], "cubic instead of bbr");

    let bad = script("bad.pkt", format!("{opening}+0 > S. 0:0(0) ack 2 <...>\n"));
    let output = synfin(&["script", good.path(), bad.path()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    for part in ["acknowledgment number: expected 2, seen 1", "SYN-RECEIVED", "1 passed, 1 failed, 0 skipped"]
    {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }

    let broken = script("broken.pkt", "+0 < Q 0:0(0)\n".to_owned());
    let output = synfin(&["script", broken.path()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && text.contains("broken.pkt:1:"), "{text}");

    let output = synfin(&["script", "/nowhere.pkt"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read /nowhere.pkt"));
}

#[test]
fn what_many_skipped_scripts_need_is_summed_up() {
    let folder = Scratch::new("suite");
    std::fs::create_dir_all(folder.path()).expect("a place for it");
    for (index, call) in ["splice", "pipe", "splice", "sctp_send", "splice"].into_iter().enumerate() {
        let path = std::path::Path::new(folder.path()).join(format!("{index}.pkt"));
        std::fs::write(path, format!("+0 {call}(3) = 0\n")).expect("written");
    }
    let text = printed(&["script", folder.path()]);
    let end = "the skipped scripts need:\n       3  the call splice\n       1  the call pipe\n       1  the call sctp_send\n0 passed, 0 failed, 5 skipped\n";
    assert!(text.ends_with(end), "{text}");
    std::fs::remove_dir_all(folder.path()).expect("it was made here");
}
