//! What all commands have in common: exit codes, wrong arguments, `--quiet`, plain ASCII output, completions
//! and manual pages.

mod support;

use std::process::{Command, Output};
use support::{Scratch, has, printed, synfin};

const COMMANDS: [&str; 11] =
    ["demo", "diagram", "explain", "lab", "script", "serve", "sim", "wire", "get", "completions", "man"];

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The command with these environment variables.
fn within(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_synfin"));
    for name in ["LC_ALL", "LC_CTYPE", "LANG", "TERM", "NO_COLOR"] {
        command.env_remove(name);
    }
    command.args(arguments).envs(variables.iter().copied()).output().expect("the command was built")
}

#[test]
fn exit_codes_say_what_went_wrong() {
    let whole = Scratch::new("t-whole.pcapng");
    let cut = Scratch::new("t-cut.pcapng");
    let text = Scratch::new("t-text.pcap");
    printed(&["demo", "--pcap", whole.path()]);
    let bytes = std::fs::read(whole.path()).expect("written");
    std::fs::write(cut.path(), &bytes[..bytes.len() - 30]).expect("a place for it");
    std::fs::write(text.path(), "no capture at all, but long enough for a header").expect("a place for it");
    let good = Scratch::new("t-good.pkt");
    let bad = Scratch::new("t-bad.pkt");
    std::fs::write(good.path(), "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n").expect("a place for it");
    std::fs::write(bad.path(), "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 > S 0:0(0) <...>\n")
        .expect("a place for it");
    for (arguments, code, says) in [
        (&["explain", whole.path()][..], 0, ""),
        (&["explain", cut.path()], 3, "up to its damage"),
        (&["explain", text.path()], 3, "not a known capture file"),
        (&["explain", "/nowhere/x.pcap"], 3, "cannot read /nowhere/x.pcap"),
        (&["explain", whole.path(), "--stream", "9"], 2, "this capture has 1, counted from 0"),
        (&["explain", whole.path(), "-Y", "tcp.prot"], 2, "did you mean tcp.port?"),
        (&["explain", whole.path(), "--for", "3"], 2, "cannot be used with"),
        (&["script", good.path()], 0, ""),
        (&["script", bad.path()], 1, ""),
        (&["script", "/nowhere.pkt"], 3, "cannot read /nowhere.pkt"),
        (&["script", good.path(), bad.path(), "--pcap", "x"], 2, "--pcap takes one script"),
        (&["sim", "--rate", "1kbit", "--bytes", "10M"], 1, "time ran out: the flow did not end within"),
        (&["wire", "a", "a"], 2, "a cannot be both ends of the wire"),
        (&["wire", "--setup", "a/b", "c"], 2, "give the name of one instead of a/b"),
        (&["wire", "no/such0", "no/such1"], 1, "cannot enter the namespace no"),
        (&["wire", "nosuch0", "nosuch1"], 1, "nosuch0"),
        (&["serve", "/nowhere"], 3, "cannot serve /nowhere"),
        (&["serve", "--address", "10.91.0.2", "/"], 2, "give it one with --host"),
        (&["get", "https://example.org/"], 2, "needs TLS"),
        (&["man", "nothing"], 2, "synfin has no command nothing"),
        (&["nothing"], 2, "unrecognized subcommand"),
    ] {
        let output = synfin(arguments);
        let errors = errors(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(says), "{arguments:?}: {errors}");
    }
}

#[test]
fn the_help_of_every_command_has_its_exit_codes() {
    for command in COMMANDS {
        for flag in ["--help", "-h"] {
            let help = printed(&[command, flag]);
            let codes =
                help.split("Exit codes:").nth(1).unwrap_or_else(|| panic!("{command} {flag}: {help}"));
            assert!(
                codes.contains("0  all went well") && codes.contains("2  the arguments are wrong"),
                "{codes}"
            );
        }
    }
    assert!(printed(&["explain", "--help"]).contains("3  the capture cannot be read, or is damaged"));
    assert!(printed(&["get", "--help"]).contains("130  Ctrl-C"));
}

#[test]
fn a_negative_number_reaches_the_errors_of_its_value() {
    for (arguments, says) in [
        (&["demo", "--loss", "-5%"][..], "`-5%` is not a percentage"),
        (&["demo", "--reorder", "-5"], "`-5` is not a percentage"),
        (&["demo", "--delay", "-20ms"], "`-20ms` is not a time"),
        (&["demo", "--seed", "-1"], "`-1` is not a whole number from 0"),
        (&["sim", "--rate", "-1mbit"], "`-1mbit` is not a rate"),
        (&["wire", "a", "b", "--rate", "1mbit/-1mbit"], "`-1mbit` is not a rate"),
        (&["wire", "a", "b", "--loss", "-1%"], "`-1%` is not a percentage"),
        (&["sim", "--rtt", "-1s"], "`-1s` is not a time"),
        (&["sim", "--jitter", "-1s"], "`-1s` is not a time"),
        (&["sim", "--bytes", "-1M"], "`-1M` is not a size"),
        (&["sim", "--queue", "-1p"], "`-1p` is not a number of packets"),
        (&["sim", "--burst", "-2"], "`-2` is not a number of packets"),
        (&["sim", "--loss", "-1%"], "`-1%` is not a percentage"),
        (&["sim", "--duplicate", "-1%"], "`-1%` is not a percentage"),
        (&["sim", "--corrupt", "-1%"], "`-1%` is not a percentage"),
        (&["sim", "--flows", "-1"], "`-1` is not a whole number from 1 to 1000"),
        (&["sim", "--mtu", "-1"], "`-1` is not a whole number from 576 to 65535"),
        (&["sim", "--seed", "-1"], "`-1` is not a whole number from 0"),
        (&["explain", "x", "--stream", "-1"], "`-1` is not a whole number from 0"),
        (&["explain", "x", "--top", "-1"], "`-1` is not a whole number from 0"),
        (&["explain", "x", "--stream", "0", "--fold", "-1"], "`-1` is not a whole number from 0"),
        (&["explain", "--live", "lo", "--for", "-1"], "`-1` is not a whole number from 1"),
        (&["script", "x", "--tolerance-usecs", "-1"], "`-1` is not a whole number from 0"),
        (&["serve", "--port", "-1"], "`-1` is not a whole number from 0 to 65535"),
        (&["serve", "--writable", "--upload-max", "-1"], "\"-1\" is not a size"),
        (&["get", "http://x/", "--timeout", "-1"], "`-1` is not a whole number from 1 to 86400"),
    ] {
        let output = synfin(arguments);
        let errors = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(says), "{arguments:?}: {errors}");
    }
}

#[test]
fn quiet_leaves_results_and_errors() {
    let file = Scratch::new("t-quiet.pcapng");
    let short = Scratch::new("t-short.pcap");
    printed(&["demo", "--pcap", file.path()]);
    let mut reader =
        capture::Reader::new(std::fs::File::open(file.path()).expect("written")).expect("a capture");
    let section = capture::Section::default();
    let mut writer =
        capture::Writer::new(Vec::new(), capture::Format::PcapNanoseconds, &section).expect("memory");
    let record = reader.next().expect("a packet").expect("a whole one");
    let id = writer.add_interface(&capture::Interface::new(record.link_type)).expect("memory");
    let info = capture::PacketInfo { wire_bytes: Some(record.wire_bytes), ..capture::PacketInfo::new(id, 1) };
    writer.write_slices(&info, &[&record.bytes[..34]]).expect("memory");
    std::fs::write(short.path(), writer.into_inner()).expect("a place for it");
    let loud = synfin(&["explain", short.path()]);
    assert!(errors(&loud).contains("left out 1 packet"), "{}", errors(&loud));
    let quiet = synfin(&["explain", "--quiet", short.path()]);
    assert_eq!((errors(&quiet).as_str(), &quiet.stdout), ("", &loud.stdout));
    let failed = synfin(&["-q", "explain", "/nowhere"]);
    assert!(errors(&failed).contains("cannot read /nowhere"));
}

#[test]
fn a_dumb_terminal_and_a_locale_without_unicode_get_plain_text() {
    let file = Scratch::new("t-plain.pcapng");
    printed(&["sim", "--bytes", "200k", "--loss", "2%", "--seed", "3", "--pcap", file.path()]);
    let commands = [
        &["demo", "--loss", "20%", "--seed", "7"][..],
        &["diagram"],
        &["diagram", "--format", "table"],
        &["explain", file.path()],
        &["explain", file.path(), "--stream", "0"],
        &["explain", file.path(), "-Y", "tcp.analysis.flags"],
        &["sim", "--bytes", "200k"],
    ];
    let is_plain = |output: &Output| output.stdout.is_ascii() && !output.stdout.contains(&0x1b);
    for arguments in commands {
        for variables in
            [("LC_ALL", "C"), ("LC_CTYPE", "POSIX"), ("LANG", "de_DE.ISO-8859-1"), ("TERM", "dumb")]
        {
            let output = within(&[variables], arguments);
            assert!(output.status.success() && is_plain(&output), "{arguments:?} with {variables:?}");
        }
    }
    for variables in [&[][..], &[("LANG", "en_US.UTF-8")], &[("LC_ALL", "C.UTF-8"), ("LANG", "C")]] {
        assert!(!within(variables, &["demo"]).stdout.is_ascii(), "{variables:?}");
    }
}

#[test]
fn findings_come_with_the_most_serious_first() {
    let file = Scratch::new("t-severity.pcapng");
    printed(&[
        "sim",
        "--bytes",
        "2M",
        "--loss",
        "8%",
        "--reorder",
        "5%",
        "--seed",
        "5",
        "--flows",
        "3",
        "--pcap",
        file.path(),
    ]);
    let text = printed(&["explain", file.path()]);
    let ranks: Vec<usize> = text
        .lines()
        .filter_map(|line| {
            let first = line.split_whitespace().next()?;
            ["problem", "warning", "info"].iter().position(|severity| *severity == first)
        })
        .collect();
    assert!(ranks.is_sorted() && ranks.first() != ranks.last(), "{text}");
}

#[test]
fn completions_and_manual_pages_are_printed() {
    for (shell, says) in [("bash", "_synfin"), ("zsh", "#compdef synfin"), ("fish", "complete -c synfin")] {
        let script = printed(&["completions", shell]);
        assert!(script.contains(says) && script.contains("explain"), "{shell}: {script}");
    }
    let page = printed(&["man"]);
    assert!(page.contains(".TH synfin 1") && page.contains("explain"), "{page}");
    let page = printed(&["man", "explain"]);
    for part in [".TH synfin-explain 1", "filter", "Exit codes", "Examples"] {
        assert!(page.contains(part), "no {part} in:\n{page}");
    }
    if !has("man") {
        return;
    }
    let source = Scratch::new("t-explain.1");
    std::fs::write(source.path(), page).expect("a place for it");
    let shown = Command::new("man").args(["--warnings", "-l", source.path()]).output().expect("man runs");
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success() && text.contains("trace.pcapng"), "{text}");
    let warnings = errors(&shown);
    assert!(!warnings.contains("warning"), "{warnings}");
}
