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
    assert!(text.contains("fairness") && text.contains("sack-recovery"), "{text}");
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
fn where_both_ends_tell_of_marks_nothing_is_dropped() {
    let path = ["sim", "--bytes", "3M", "--rate", "20mbit", "--queue", "1M", "--aqm", "codel"];
    assert!(printed(&path).contains("dropped by the queue's discipline"));
    for feedback in ["classic", "accurate"] {
        let text = printed(&[&path[..], &["--ecn", feedback]].concat());
        assert!(text.contains("sent again 0.00 %") && !text.contains("dropped"), "{text}");
    }
}

#[test]
fn json_of_a_simulation_has_the_figures() {
    let record: serde_json::Value =
        serde_json::from_str(&printed(&["sim", "--bytes", "1M", "--json"])).expect("one JSON object");
    assert_eq!(record["flows"][0]["bytes"], 1_000_000);
    assert!(record["goodput_bits_per_s"].as_f64().is_some_and(|goodput| goodput > 1e6));
}

/// Arguments after `sim`, separated by spaces.
fn sim(arguments: &str) -> Vec<&str> {
    ["sim"].into_iter().chain(arguments.split_whitespace()).collect()
}

fn sim_json(arguments: &str) -> serde_json::Value {
    let text = printed(&sim(&format!("{arguments} --json")));
    serde_json::from_str(&text).expect("one JSON object")
}

#[test]
fn each_simulated_flow_has_its_controller_and_the_plot_says_which() {
    let picture = Scratch::new("controllers.svg");
    let text = printed(&sim(&format!("--cc cubic,reno --for 2s --rate 20mbit --plot {}", picture.path())));
    assert!(text.contains("cubic") && text.contains("newreno"), "{text}");
    assert_eq!(text.matches("sent until the end").count(), 2, "{text}");
    let svg = std::fs::read_to_string(picture.path()).expect("written");
    for name in ["port 40000, cubic", "port 40001, newreno"] {
        assert!(svg.contains(name), "no {name} in the picture");
    }
    let record = sim_json("--cc newreno,cubic --flows 3 --bytes 100K");
    let of = |flow: usize| record["flows"][flow]["congestion_control"].clone();
    assert_eq!([of(0), of(1), of(2)], ["newreno", "cubic", "newreno"]);
    assert_eq!(sim_json("--bytes 100K")["flows"][0]["congestion_control"], "cubic");
}

#[test]
fn simulated_flows_send_for_a_time_and_start_one_after_the_other() {
    let record = sim_json("--for 1500ms --flows 3 --stagger 200ms");
    assert_eq!(record["took"], 1.5);
    let flows = record["flows"].as_array().expect("flows");
    for (flow, began_at) in flows.iter().zip([0.0, 0.2, 0.4]) {
        assert!(flow["began_at"] == began_at && flow["done_at"].is_null(), "{flow}");
        assert!(flow["bytes"].as_u64().is_some_and(|bytes| bytes > 10_000), "{flow}");
    }
}

#[test]
fn acknowledgments_are_lost_alone_and_packets_held_back_as_long_as_asked_for() {
    let record = sim_json("--ack-loss 10% --bytes 1M --rate 1gbit");
    assert!(record["lost"]["lost on the wire"].as_u64().is_some_and(|lost| lost > 10), "{}", record["lost"]);
    assert_eq!(record["flows"][0]["dropped"]["packets"], 0);
    // Nearly every packet is held back, the SYN too.
    let took =
        |more: &str| sim_json(&format!("--bytes 1K --reorder 90% {more}"))["took"].as_f64().expect("a time");
    assert!(took("--reorder-by 300ms") > took("") + 0.25);
}

#[test]
fn small_buffers_bound_a_simulated_flow() {
    let goodput = |more: &str| {
        let record = sim_json(&format!("--bytes 3M {more}"));
        record["goodput_bits_per_s"].as_f64().expect("a rate")
    };
    assert!(goodput("--buffer 32k") < 7e6, "32 kB in 40 ms");
    assert!(goodput("--buffer 4M") > 10e6);
}

#[test]
fn many_seeds_are_summed_up_by_median_and_ends_the_same_every_time() {
    let arguments = "--loss 2% --bytes 500K --seed 5 --seeds 4";
    let text = printed(&sim(arguments));
    assert_eq!(text, printed(&sim(arguments)));
    for part in ["median", "least", "greatest", "share of the link", "beyond what was lost", "seeds 5 to 8"] {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
    let record = sim_json(arguments);
    let mut alone: Vec<f64> = (5..9)
        .map(|seed| {
            sim_json(&format!("--loss 2% --bytes 500K --seed {seed}"))["share"].as_f64().expect("a share")
        })
        .collect();
    alone.sort_by(f64::total_cmp);
    let share = &record["figures"]["share"];
    assert_eq!(
        (&share["min"], &share["median"], &share["max"]),
        (&alone[0].into(), &alone[1].into(), &alone[3].into())
    );
    assert_eq!((&record["first_seed"], &record["seeds"]), (&5.into(), &4.into()));
}

#[test]
fn a_seed_whose_flows_do_not_end_is_named() {
    let output = synfin(&sim("--rate 1kbit --bytes 10M --seeds 2 --seed 3"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("synfin: seed 3 (and 1 other seed): "), "{error}");
}

#[test]
fn arguments_of_a_simulation_that_cannot_go_together_get_a_sentence() {
    for (arguments, says) in [
        (
            "--cc cubic,newreno --flows 1",
            "--cc names 2 controllers, --flows is 1; raise --flows, or name fewer",
        ),
        ("--cc vegas", "[possible values: newreno, cubic, bbr, prague]"),
        ("--stagger 1s", "add --flows 2 or more"),
        (
            "--for 1s --flows 3 --stagger 500ms",
            "flow 3 would start after 1.00 s and all is over after 1.00 s",
        ),
        ("--for 1s --bytes 1M", "cannot be used with"),
        ("--for 2h", "needs a unit: ms, s or min"),
        ("--buffer 1k", "no size for a buffer: from 2k to 1G"),
        ("--reorder-by 5ms", "--reorder <PERCENT>"),
        ("--burst 5", "--loss <PERCENT>"),
        ("--seeds 0", "not a whole number from 1 to 10000"),
        ("--seeds 3 --pcap no.pcapng", "cannot be used with"),
        ("--seeds 3 --plot no.svg", "cannot be used with"),
        ("--seeds 3 --seed 18446744073709551615", "use a smaller --seed"),
    ] {
        let output = synfin(&sim(arguments));
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.contains(says), "{arguments}: {error}");
        assert!(output.stdout.is_empty());
    }
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

/// A flow through CoDel whose ends tell each other of marks this way, explained as `arguments` say.
fn explained_marks(ecn: &str, arguments: &[&str]) -> String {
    let capture = Scratch::new(&format!("marks-{ecn}-{}.pcapng", arguments.len()));
    let mut command = sim("--bytes 2M --rate 20mbit --queue 500k --aqm codel --ecn");
    command.extend([ecn, "--pcap", capture.path()]);
    printed(&command);
    printed(&[&["explain", capture.path()], arguments].concat())
}

#[test]
fn a_capture_of_marks_says_who_was_marked_and_what_it_did() {
    let classic = explained_marks("classic", &["--json"]);
    assert!(classic.contains("the path marked packets of 10.0.0.1:40000 in "), "{classic}");
    assert!(classic.contains("(ECE of 10.0.0.2:5001)") && classic.contains("(CWR)"), "{classic}");
    assert!(!classic.contains("\"ace\""), "{classic}");
    let accurate = explained_marks("accurate", &["--json"]);
    assert!(accurate.contains("(ACE of 10.0.0.2:5001); 10.0.0.1:40000 had less in flight"), "{accurate}");
    assert!(accurate.contains(r#""flags":"ACK, ACE=5","ace":5"#), "{accurate}");
    let off = explained_marks("off", &["--json"]);
    assert!(!off.contains("congestion-marked") && !off.contains("ace"), "{off}");
    let ladder = explained_marks("accurate", &["--stream", "0", "--fold", "9"]);
    for words in [
        "asks for AccECN",
        "accepts AccECN; the SYN arrived as Not-ECT",
        "ACK,ACE=2",
        "r.e0b=1 r.ceb=0 r.e1b=1",
    ] {
        assert!(ladder.contains(words), "no {words} in\n{ladder}");
    }
    assert!(!ladder.contains("ACK,ECE"), "{ladder}");
}
