//! Every `synfin` line that the help and the README show is run as it stands there, by a shell.
//!
//! The lines find the files that they name in a folder of their own. What needs an interface runs in a network
//! namespace with servers on the kernel's side. Two shims stand in for `sudo` (we are root there or nobody is asked)
//! and for `tcpdump` and `jq`, which need not be installed. What needs the network beyond, and everything where there
//! is no right to make a namespace, is only parsed, and the test says so.

#![allow(clippy::unwrap_used)] // a test's way to fail

mod over_tun;

use over_tun::{Place, eventually};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const COMMANDS: [&str; 9] = ["demo", "diagram", "explain", "get", "lab", "script", "serve", "sim", "wire"];
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scripts");
/// `python3 -m http.server`, but for both families and without a look at the name server, which is not there.
const SERVER: &str = "import http.server, socket, socketserver, sys
class Server(socketserver.ThreadingTCPServer):
    address_family, allow_reuse_address = socket.AF_INET6, True
Server((\"::\", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()";
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

fn help(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_synfin")).args([command, "--help"]).output().unwrap();
    assert!(output.status.success(), "{command} --help");
    String::from_utf8(output.stdout).unwrap()
}

/// The command lines of a help's examples that start or feed `synfin`, without the remarks beside them.
fn examples(help: &str) -> Vec<String> {
    let examples = help.split_once("Examples:\n").map_or("", |(_, examples)| examples);
    let indented = examples.lines().filter(|line| line.starts_with("  "));
    // Two spaces and more stand between a command and what it does.
    let commands = indented.map(|line| line.trim().split("  ").next().unwrap_or_default().trim_end());
    commands.filter(|command| is_ours(command)).map(str::to_owned).collect()
}

/// Whether a step of this line runs `synfin`.
fn is_ours(line: &str) -> bool {
    steps(line).iter().any(|step| our_words(step).is_some())
}

/// What stands between the pipes and ampersands of a line, those in quotes left alone.
fn steps(line: &str) -> Vec<String> {
    let mut is_quoted = false;
    let mut steps = vec![String::new()];
    for letter in line.chars() {
        is_quoted ^= letter == '\'';
        match steps.last_mut() {
            Some(step) if is_quoted || !matches!(letter, '|' | '&') => step.push(letter),
            _ => steps.push(String::new()),
        }
    }
    steps
}

/// The words after the first `synfin` of a line.
fn our_words_in(line: &str) -> String {
    steps(line).iter().find_map(|step| our_words(step).map(str::to_owned)).unwrap()
}

/// The words after `synfin`, if this step runs it, behind `sudo` and `ip netns exec` or not.
fn our_words(step: &str) -> Option<&str> {
    let mut step = step.trim();
    for prefix in ["sudo ", "ip netns exec play "] {
        step = step.strip_prefix(prefix).unwrap_or(step);
    }
    step.strip_prefix("synfin ").or((step == "synfin").then_some(""))
}

/// A folder with everything that the examples name, and `synfin` among the programs.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("synfin-examples-{name}-{}", std::process::id()));
        let folder = Folder(path);
        folder.fill();
        folder
    }

    fn fill(&self) {
        let Folder(path) = self;
        for sub in ["bin", "tests", "suite", "srv/files/incoming"] {
            fs::create_dir_all(path.join(sub)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_synfin"), path.join("bin/synfin")).unwrap();
        // Those of the help read whole folders; one script says as much here, and in less time.
        let a_script = Path::new(SCRIPTS).join("profiles/linux-calls-bad-how.pkt");
        fs::create_dir_all(path.join("tests/scripts")).unwrap();
        for copy in ["close.pkt", "suite/one.pkt", "tests/scripts/one.pkt"] {
            fs::copy(&a_script, path.join(copy)).unwrap();
        }
        for (program, text) in [
            ("sudo", "exec \"$@\""),
            ("tcpdump", "exec cat trace.pcap"),
            ("jq", "exec cat"),
            // `ip netns exec play`: we are in a namespace already.
            ("ip", "shift 3; exec \"$@\""),
        ] {
            let shim = path.join("bin").join(program);
            fs::write(&shim, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for capture in ["trace.pcap", "trace.pcapng"] {
            self.must_run(&format!("synfin sim --bytes 200K --flows 5 --loss 1% --pcap {capture}"));
        }
        self.must_run("gzip -k trace.pcap");
        for file in ["Cargo.toml", "photo.jpg", "image.iso", "list.txt", "index.html"] {
            fs::write(path.join("srv/files").join(file), format!("this is {file}\n")).unwrap();
            fs::copy(path.join("srv/files").join(file), path.join(file)).unwrap();
        }
    }

    /// A line as it is run: `/srv/files` is in the folder.
    fn here(&self, line: &str) -> String {
        line.replace("/srv/files", "srv/files").replace("jq ...", "jq .")
    }

    fn shell(&self, line: &str) -> Command {
        let mut shell = Command::new("timeout");
        shell.args(["-k", "5", "120", "sh", "-c", &self.here(line)]).current_dir(&self.0);
        shell.env("PATH", self.path()).env("COLUMNS", "120");
        shell
    }

    fn path(&self) -> String {
        format!("{}/bin:{}", self.0.display(), std::env::var("PATH").unwrap())
    }

    #[track_caller]
    fn must_run(&self, line: &str) -> Output {
        succeeded(line, self.shell(line).output().unwrap())
    }

    /// Only whether the arguments are understood: `--help` behind them.
    #[track_caller]
    fn must_parse(&self, line: &str, reason: &str) {
        drop(writeln!(std::io::stderr(), "only parsed: {line}: {reason}"));
        let words = our_words_in(line);
        self.must_run(&format!("synfin {words} --help"));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn succeeded(line: &str, output: Output) -> Output {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{line}`: {:?}: {errors}", output.status);
    output
}

#[test]
fn examples_that_need_no_privilege_do_what_the_help_says() {
    let folder = Folder::new("plain");
    let mut count = 0;
    for command in ["demo", "diagram", "explain", "script", "sim"] {
        let lines = examples(&help(command));
        assert!(lines.len() >= 3, "{command} --help shows examples: {lines:?}");
        for line in lines.iter().filter(|line| !line.contains("--live")) {
            folder.must_run(line);
            count += 1;
        }
    }
    assert!(count >= 20, "only {count} examples were found");
    for made in ["demo.pcapng", "trace.html", "out.pcapng", "cwnd.svg", "out.svg", "sim.pcapng", "tcp.svg"] {
        assert!(folder.0.join(made).metadata().unwrap().len() > 100, "{made} was written");
    }
}

#[test]
fn every_example_is_understood() {
    let folder = Folder::new("parsed");
    for command in COMMANDS {
        for line in examples(&help(command)) {
            // The shell takes the words apart; `--help` behind them stops before anything is done.
            let words = our_words_in(&line);
            folder.must_run(&format!("synfin {words} --help"));
        }
    }
    let output = folder.shell("synfin demo --los 20% --help").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a wrong option is found in this way");
}

#[test]
fn examples_over_tun_do_what_the_help_says() {
    let Some(place) = Place::new("examples", &["python3", "curl"]) else { return };
    let folder = Folder::new("tun");
    let inside = |line: &str| {
        let mut command = place.command(&["timeout", "-k", "5", "60", "sh", "-c", &folder.here(line)]);
        command.env("PATH", folder.path()).current_dir(&folder.0).env("COLUMNS", "120");
        command
    };

    // Live capture, on an interface of that name.
    place.run(&["ip", "tuntap", "add", "dev", "eth0", "mode", "tap"]);
    place.run(&["ip", "link", "set", "eth0", "up"]);
    for line in examples(&help("explain")).iter().filter(|line| line.contains("--live")) {
        let words = our_words(line).unwrap();
        // Ctrl-C after a second, as people end it.
        let output =
            inside(&format!("exec timeout --preserve-status -s INT 1 synfin {words}")).output().unwrap();
        succeeded(line, output);
    }

    // Each group of the help of `serve`: the server, then what is asked of it.
    for group in help("serve").split_once("Examples:\n").unwrap().1.split("\n\n") {
        let lines: Vec<&str> = group.lines().filter(|line| line.starts_with("    ")).map(str::trim).collect();
        let Some(server) = lines.iter().find(|line| is_ours(line)) else { continue };
        let words = our_words(server).unwrap();
        let mut running = Stopped(inside(&format!("exec synfin {words}")).spawn().unwrap());
        eventually("the server answers", || {
            inside("exec curl -s -o /dev/null http://10.90.0.2/").status().unwrap().success()
        });
        for line in lines.iter().filter(|line| line.contains("curl ")) {
            succeeded(
                line,
                inside(&format!("{} --fail", line.replace("sudo ip netns exec play ", ""))).output().unwrap(),
            );
        }
        running.interrupt();
    }

    // The client; the kernel's side has servers on the ports that the examples name.
    let mut servers = Vec::new();
    for port in ["80", "8000"] {
        let serve = format!("cd srv/files && exec python3 -c '{SERVER}' {port}");
        servers.push(Stopped(inside(&serve).spawn().unwrap()));
        eventually("the kernel's server answers", || {
            let ask = format!("exec curl -s -o /dev/null http://127.0.0.1:{port}/");
            inside(&ask).status().unwrap().success()
        });
    }
    for line in examples(&help("get")) {
        if line.contains("example.com") {
            folder.must_parse(&line, "it needs the network beyond this machine");
            continue;
        }
        for file in ["Cargo.toml", "image.iso", "index.html"] {
            let _ = fs::remove_file(folder.0.join(file));
        }
        succeeded(&line, inside(&line).output().unwrap());
    }
}

/// A program in the namespace; it is interrupted with the test.
struct Stopped(std::process::Child);

impl Stopped {
    fn interrupt(&mut self) {
        let pid = self.0.id().to_string();
        // It is `timeout` by now, which hands the signal on.
        let _ = Command::new("kill").args(["-s", "INT", &pid]).status();
        let _ = self.0.wait();
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.interrupt();
    }
}

/// Code spans of a text, without those in fenced blocks.
fn code_spans(markdown: &str) -> Vec<String> {
    let prose: Vec<&str> = markdown.split("```").step_by(2).collect();
    let spans = prose.iter().flat_map(|prose| prose.split('`').skip(1).step_by(2));
    spans.map(|span| span.replace("\\|", "|")).collect()
}

/// Words in capitals stand for what the user has.
fn with_names(line: &str) -> String {
    let names = [
        ("FILE", "trace.pcapng"),
        ("DIR", "srv/files"),
        ("URL", "http://10.90.0.1/"),
        ("PATH", "tests/scripts"),
        ("IFACE", "eth0"),
        (" N", " 1"),
    ];
    names.iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value))
}

#[test]
fn commands_and_options_of_the_readme_are_there_and_run() {
    let folder = Folder::new("readme");
    let readme = fs::read_to_string(README).unwrap();
    let mut commands = BTreeSet::new();
    for line in readme.lines() {
        let mut command = String::new();
        for span in code_spans(line) {
            if span.starts_with("synfin ") && !span.starts_with("synfin::") {
                command = with_names(&span);
                commands.insert(command.clone());
            } else if span.starts_with("--") && line.starts_with("| `synfin ") {
                // What an option names is written.
                let option = with_names(&span.replace("FILE", "out.file"));
                // `--close client|server`: each of them.
                let (option, values) = option.split_once(' ').unwrap_or((&option, ""));
                for value in values.split('|') {
                    commands.insert(format!("{command} {option} {value}").trim().to_owned());
                }
            }
        }
    }
    assert!(commands.len() > 15, "{commands:?}");
    for command in &commands {
        let needs_interface =
            ["synfin serve", "synfin get", "synfin wire"].iter().any(|ours| command.starts_with(ours));
        if command.starts_with("synfin lab") {
            folder.must_parse(command, "it serves until Ctrl-C; a test of its own does what a browser does");
        } else if needs_interface || command.contains("--live") {
            folder.must_parse(command, "it needs an interface; the examples of its help run in a namespace");
        } else {
            folder.must_run(command);
        }
    }
}

#[test]
fn commands_for_cargo_in_the_readme_are_known() {
    let readme = fs::read_to_string(README).unwrap();
    let lines = readme.lines().filter(|line| line.starts_with("cargo ")).map(str::to_owned);
    let spans = code_spans(&readme).into_iter().filter(|span| span.starts_with("cargo "));
    let found: BTreeSet<String> = lines.chain(spans).collect();
    let known = [
        // Run by the other tests here.
        "cargo run --release -- demo",
        "cargo run --release -- lab",
        // Wants a compiler for WebAssembly; `.ci/run` runs it where there is one.
        "cargo xtask page",
        // What runs this test.
        "cargo test --workspace --all-features",
        // Too long, and for a network; its path is looked at below.
        "cargo add synfin --git https://github.com/synfin/synfin",
        "cargo bench -p synfin-benches",
        "cargo bench -p synfin-benches --bench bars",
        "cargo bench -p synfin-benches --bench bounds",
        "cargo bench -p synfin-benches --bench linux",
        "cargo bench -p synfin-benches --bench worlds",
        "cargo install --path crates/cli --locked",
        // Run by the tests of `sim`; the other takes three seconds in a release build.
        "cargo run -p synfin-sim --features tokio --example race",
        "cargo run --release -p synfin-sim --features tokio --example hour",
        // Run with few seeds by the tests of `verify`.
        "cargo run --release -p synfin-verify -- worlds",
        "cargo bench -p synfin-benches --bench lens -- 1",
        "cargo run --release -p synfin-verify -- causes",
    ];
    assert_eq!(found, known.map(str::to_owned).into(), "a new command needs a test, or a reason here");
    let root = Path::new(README).parent().unwrap();
    assert!(root.join("crates/cli/Cargo.toml").exists() && root.join("Cargo.lock").exists());
    let folder = Folder::new("cargo");
    folder.must_run("synfin demo");
}
