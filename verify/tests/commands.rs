//! The commands as a shell sees them: what they print, where, and their exit codes.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> (Output, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_synfin-verify")).args(arguments).output();
    let output = output.expect("the command starts");
    let [out, error] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    (output, out, error)
}

#[track_caller]
fn refuses(arguments: &[&str], says: &str) {
    let (output, out, error) = run(arguments);
    assert_eq!(output.status.code(), Some(2), "{out}{error}");
    assert!(out.is_empty() && error.contains(says), "{out}{error}");
}

#[test]
fn a_few_worlds_of_each_kind_end_with_one_line() {
    for kind in ["evil", "plain", "in-order"] {
        let (output, out, error) =
            run(&["worlds", "--kind", kind, "--seeds", "5", "--first", "100", "--threads", "2"]);
        assert_eq!(output.status.code(), Some(0), "{out}{error}");
        assert!(out.starts_with("5 seeds in ") && out.ends_with(" segments, no failures\n"), "{out}");
        assert_eq!((out.lines().count(), error.as_str()), (1, ""));
    }
}

#[test]
fn a_few_inputs_are_shared_by_all_bodies_or_are_for_one() {
    let (output, out, error) = run(&["fuzz", "--inputs", "95"]);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    assert!(
        out.starts_with("100 inputs in ") && out.contains(", 10 for each of 10 bodies, no failures\n"),
        "{out}"
    );
    let (output, out, error) = run(&["fuzz", "--inputs", "95", "--body", "segmentation"]);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    assert!(out.starts_with("95 inputs in ") && out.contains(" inputs/s, no failures\n"), "{out}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_kept_is_judged_again_without_privileges() {
    let folder = std::env::temp_dir().join(format!("synfin-again-{}", std::process::id()));
    let base = folder.to_str().expect("a plain name");
    refuses(&["causes", "--again", base], "holds nothing that was kept");
    refuses(&["causes", "--again", base, "--seed", "2"], "cannot be used with");
    let kept = folder.join("far");
    std::fs::create_dir_all(&kept).expect("a folder");
    refuses(&["causes", "--again", base], "record.txt");
    // Two captures of nothing: nanoseconds, version 2.4, raw IP.
    let words = [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65_535, 101];
    let empty: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let circumstances =
        "kernel=5.4\nseed=3\nclient=10.0.0.1\nserver=10.0.0.2\nclock_ns=0\ncapture_lost=0\ndone=0\n";
    for (name, bytes) in [
        ("client.pcap", &empty[..]),
        ("server.pcap", &empty),
        ("trace.txt", b"# tracer: nop\n"),
        ("record.txt", circumstances.as_bytes()),
    ] {
        std::fs::write(kept.join(name), bytes).expect("it is written");
    }
    let tables = folder.join("tables");
    let arguments = ["causes", "far", "--again", base, "--keep", tables.to_str().expect("a plain name")];
    let (output, out, error) = run(&arguments);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    assert!(
        out.contains("Linux 5.4, seed 3, `cargo run --release -p synfin-verify -- causes far --seed 3`"),
        "{out}"
    );
    assert!(tables.join("far/truth.tsv").is_file() && !kept.join("truth.tsv").exists());
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
}

#[test]
fn wrong_arguments_are_named() {
    refuses(&["worlds", "--seeds", "0"], "0 is not in 1..");
    refuses(&["worlds", "--seeds", "many"], "invalid digit found in string");
    refuses(&["worlds", "--kind", "good"], "[possible values: evil, plain, in-order]");
    refuses(&["worlds", "--first", "18446744073709551615"], "is not in 0..");
    refuses(&["worlds", "--threads", "0"], "0 is not in 1..=1024");
    refuses(&["fuzz", "--body", "nonsense"], "[possible values: wire_tcp, ");
    refuses(&["dance"], "unrecognized subcommand 'dance'");
    refuses(&[], "Usage: synfin-verify");
}

#[test]
fn the_help_says_what_the_commands_do() {
    for (arguments, says) in [
        (&["--help"][..], "on standard error every ten seconds"),
        (&["worlds", "--help"], "worlds --kind plain --seeds 1 --first 77"),
        (&["fuzz", "--help"], "fuzz --body connection"),
    ] {
        let (output, out, _) = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(
            out.contains(says) && out.contains("Exit codes: 0 nothing failed, 1 something failed, 2"),
            "{out}"
        );
    }
}
