//! `demo` and `explain` in Chinese: no English is left, columns stay aligned, and the locale chooses.

#[path = "../../report/src/words/latin.rs"]
mod latin;
mod support;

use std::path::Path;
use std::process::Command;
use support::{Scratch, printed, synfin};

/// What `demo` can show: every way to close, loss, reordering, an old SYN, the numbers of the headers.
const DEMOS: [&[&str]; 10] = [
    &[],
    &["--absolute"],
    &["--close", "client"],
    &["--close", "both"],
    &["--close", "half"],
    &["--stale-syn"],
    &["--loss", "30%", "--seed", "7"],
    &["--loss", "60%", "--seed", "3", "--close", "client"],
    &["--reorder", "50%", "--seed", "3"],
    &["--delay", "1s"],
];

fn in_chinese(arguments: &[&str]) -> String {
    printed(&[arguments, &["--lang", "zh"]].concat())
}

fn check(text: &str, of: &str) {
    assert!(text.contains(|c: char| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{of} is not Chinese:\n{text}");
    assert_eq!(latin::english_in(text), Vec::<String>::new(), "{of}:\n{text}");
}

#[test]
fn the_demo_has_no_english_left_and_its_columns_are_aligned() {
    for options in DEMOS {
        let text = in_chinese(&[&["demo"], options].concat());
        check(&text, &format!("demo {options:?}"));
        // The states of the right end stand in one column, beside whatever is written in Chinese before them.
        let at: std::collections::BTreeSet<usize> = text
            .lines()
            .filter(|line| line.contains(['▶', '◀', '✗']))
            .filter_map(|line| {
                Some(report::columns(&line[..line.rfind(" SYN-SENT").or(line.rfind("  ESTABLISHED"))?]))
            })
            .collect();
        assert!(at.len() <= 3, "{at:?}\n{text}");
        let widest = text.lines().map(report::columns).max().unwrap_or(0);
        assert!(widest <= 120, "{widest} columns\n{text}");
    }
}

#[test]
fn a_narrow_ladder_in_chinese_keeps_to_its_width() {
    for width in ["60", "80", "100"] {
        let output = Command::new(env!("CARGO_BIN_EXE_synfin"))
            .args(["demo", "--lang", "zh", "--loss", "30%", "--seed", "7"])
            .env("COLUMNS", width)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TERM")
            .output()
            .expect("the command was built with this test");
        let text = String::from_utf8(output.stdout).expect("text");
        let most: usize = width.parse().expect("a number");
        for line in text.lines() {
            assert!(report::columns(line) <= most.max(72), "{width}: {line}\n{text}");
        }
    }
}

/// Captures of the demo, and those beside the repository where they are there.
fn check_explain(path: &str) {
    for form in [&[][..], &["--stream", "0"], &["--filter", "tcp"]] {
        let output = synfin(&[&["explain", path, "--lang", "zh"], form].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        // a capture without TCP, or without this connection, has its say on standard error
        if !text.trim().is_empty() {
            let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
            check(&text.replace(&name, ""), &format!("explain {path} {form:?}"));
        }
    }
}

#[test]
fn explain_has_no_english_left() {
    for (number, options) in DEMOS.into_iter().enumerate() {
        let file = Scratch::new(&format!("chinese-{number}.pcapng"));
        printed(&[&["demo", "--quiet", "--pcap", file.path()], options].concat());
        check_explain(file.path());
        let page = Scratch::new(&format!("chinese-{number}.html"));
        let told = in_chinese(&["explain", file.path(), "--html", page.path()]);
        check(&told, "the summary beside a page");
        let html = std::fs::read_to_string(page.path()).expect("the page was written");
        assert!(html.contains("<html lang=\"zh-CN\">") && html.contains("时序图"));
    }
}

#[test]
fn what_stands_beside_the_results_is_chinese_too() {
    let [file, page] = ["chinese-beside.pcapng", "chinese-beside.html"].map(Scratch::new);
    let zip = Scratch::new("chinese-beside.zip");
    std::fs::write(zip.path(), b"PK\x03\x04 and more").expect("it can be written");
    for (arguments, code) in [
        (&["demo", "--pcap", file.path()][..], 0),
        (&["explain", file.path(), "--html", page.path()], 0),
        (&["explain", file.path(), "--stream", "7"], 2),
        (&["explain", zip.path()], 3),
    ] {
        let output = synfin(&[arguments, &["--lang", "zh"]].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let told = String::from_utf8(output.stderr).expect("text");
        let told = [&file, &page, &zip].iter().fold(told, |told, name| told.replace(name.path(), ""));
        check(&told.replace("synfin: ", ""), &format!("beside {arguments:?}"));
    }
}

#[test]
fn captures_beside_the_repository_have_no_english_left() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let Ok(entries) = std::fs::read_dir(&folder) else { return };
    let mut paths: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| std::fs::metadata(path).is_ok_and(|about| about.len() < 300_000)) {
        check_explain(path.to_str().expect("a plain path"));
    }
}

fn with_locale(arguments: &[&str], locale: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_synfin"))
        .args(arguments)
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env_remove("LANG")
        .env_remove("TERM")
        .envs(locale.iter().copied())
        .output()
        .expect("the command was built with this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_locale_chooses_unless_the_command_line_does() {
    let chinese = [("LANG", "zh_CN.UTF-8")];
    assert!(with_locale(&["demo"], &chinese).contains("第二次握手"));
    assert!(with_locale(&["demo", "--lang", "en"], &chinese).contains("second step"));
    assert!(with_locale(&["demo"], &[("LANG", "en_US.UTF-8")]).contains("second step"));
    assert!(with_locale(&["demo", "--lang", "zh"], &[("LC_ALL", "C")]).contains("第二次握手"));
    assert!(with_locale(&["demo", "--help"], &chinese).contains("Who closes first"), "help stays English");
}

#[test]
fn what_programs_read_is_english_unless_asked_for() {
    let chinese = [("LANG", "zh_CN.UTF-8")];
    let file = Scratch::new("chinese-programs.pcapng");
    printed(&["demo", "--quiet", "--pcap", file.path(), "--close", "half"]);
    let english = with_locale(&["explain", file.path(), "--json"], &[("LANG", "C.UTF-8")]);
    assert_eq!(with_locale(&["explain", file.path(), "--json"], &chinese), english);
    let asked = with_locale(&["explain", file.path(), "--json", "--lang", "zh"], &chinese);
    assert!(asked.contains("\"sentence\":\"192.0.2.10:51234 向 192.0.2.80:80 建立连接"), "{asked}");
    assert!(asked.contains("\"why\":\"syn\"") && asked.contains("\"why\":\"fin\""), "ids stay: {asked}");
    for form in ["--csv", "--zeek"] {
        let english = with_locale(&["explain", file.path(), form], &[("LANG", "C.UTF-8")]);
        assert_eq!(with_locale(&["explain", file.path(), form, "--lang", "zh"], &chinese), english, "{form}");
    }
    let demo = with_locale(&["demo", "--json"], &chinese);
    assert_eq!(demo, with_locale(&["demo", "--json"], &[("LANG", "C.UTF-8")]));
}

#[test]
fn the_chinese_readme_shows_what_the_demo_prints() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.zh-CN.md");
    let readme = std::fs::read_to_string(path).expect("a README");
    for arguments in [&["demo"][..], &["demo", "--stale-syn"], &["demo", "--close", "half"]] {
        let text = in_chinese(arguments);
        let text: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
        let text = text.join("\n");
        assert!(readme.contains(&text), "the picture of {arguments:?} is stale; it should be:\n{text}");
    }
}
