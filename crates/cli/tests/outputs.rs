//! What a command writes destroys nothing: not its input, not another output, not the old file of that
//! name when the work fails. And what an annotated capture said before, it still says.
//!
//! Recordings and downloads need root and `/dev/net/tun`; without them those tests say so and pass, except
//! where `CI` is set.

mod over_tun;
mod support;

use over_tun::{Place, eventually};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use support::{has, printed};

/// A folder of its own for a test, with a capture in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("synfin-outputs-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for the test");
        let folder = Folder(path);
        printed(&["demo", "--pcap", folder.text("trace.pcapng").as_str()]);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("it is there")
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("room for it");
    }

    /// All names in the folder, hidden ones too.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("the folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).expect("it is there").mode() & 0o7777
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("it is ours");
    }

    /// The command in this folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_synfin"));
        command.args(arguments).current_dir(&self.0).env("COLUMNS", "120").stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the command runs")
    }

    /// A line of shell in this folder.
    fn shell(&self, line: &str) -> Output {
        let line = with_command(line);
        Command::new("sh").args(["-c", &line]).current_dir(&self.0).output().expect("a shell")
    }

    /// Runs what must be refused as wrong arguments, with a sentence of these words, touching nothing.
    #[track_caller]
    fn refuses(&self, output: impl FnOnce(&Folder) -> Output, words: &str) {
        let before: Vec<_> =
            self.names().iter().map(|name| (name.clone(), stamp(&self.path(name)))).collect();
        let output = output(self);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(words), "no `{words}` in: {errors}");
        let after: Vec<_> = self.names().iter().map(|name| (name.clone(), stamp(&self.path(name)))).collect();
        assert_eq!(before, after, "nothing was touched");
    }
}

/// A line of shell in which `synfin` is the command under test, and `$SYNFIN` its name.
fn with_command(line: &str) -> String {
    format!("SYNFIN={}\nsynfin() {{ \"$SYNFIN\" \"$@\"; }}\n{line}", env!("CARGO_BIN_EXE_synfin"))
}

/// What would change if a file were written to, replaced or linked elsewhere.
fn stamp(path: &Path) -> (u64, u64, i64, i64, Option<PathBuf>) {
    let metadata = fs::symlink_metadata(path).expect("it is there");
    (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec(), fs::read_link(path).ok())
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_input_is_never_written_over() {
    let folder = Folder::new("input");
    fs::create_dir(folder.path("sub")).expect("a folder");
    symlink("..", folder.path("sub/up")).expect("a link");
    symlink("trace.pcapng", folder.path("link")).expect("a link");
    symlink("link", folder.path("link-to-link")).expect("a link");
    fs::hard_link(folder.path("trace.pcapng"), folder.path("hard")).expect("a link");
    let absolute = folder.text("trace.pcapng");
    let names = [
        "trace.pcapng",
        "./trace.pcapng",
        "sub/../trace.pcapng",
        "sub/up/trace.pcapng",
        "link",
        "link-to-link",
        "hard",
        &absolute,
    ];
    for flag in ["--annotate", "--html"] {
        for name in names {
            let arguments = ["explain", "trace.pcapng", flag, name];
            folder.refuses(|folder| folder.run(&arguments), &format!("give {flag} another name"));
            // The other way round, and on standard input.
            folder.refuses(
                |folder| folder.run(&["explain", name, flag, "trace.pcapng"]),
                "is the same file as",
            );
            let line = format!("synfin explain - {flag} {name} < trace.pcapng");
            folder.refuses(|folder| folder.shell(&line), "is the same file as standard input");
        }
    }
    // Text at its end would destroy it as well.
    folder.refuses(|folder| folder.shell("synfin explain trace.pcapng >> hard"), "standard output goes into");
}

#[test]
fn a_script_is_an_input_too() {
    let folder = Folder::new("script");
    folder.write("a.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n");
    folder.refuses(|folder| folder.run(&["script", "a.pkt", "--pcap", "a.pkt"]), "same file as a.pkt");
    // What is no script at all has no packets to put into the place of old ones.
    folder.write("notes.txt", "bring milk\n");
    let before = stamp(&folder.path("trace.pcapng"));
    let output = folder.run(&["script", "notes.txt", "--pcap", "trace.pcapng"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("trace.pcapng was not written"));
    assert_eq!(stamp(&folder.path("trace.pcapng")), before);
}

#[test]
fn a_wrong_input_leaves_an_existing_output_alone() {
    let folder = Folder::new("mistyped");
    folder.write("old", "years of work");
    folder.write("text.pcap", "no capture at all, but long enough for a header");
    folder.write("empty.pcap", "");
    folder.write("cut.pcap", "\u{a}\u{d}\u{d}\u{a}");
    let before = (folder.names(), stamp(&folder.path("old")));
    for input in ["trace.pcap", "text.pcap", "empty.pcap", "cut.pcap", "/", "-"] {
        for flag in ["--annotate", "--html"] {
            for output in ["old", "new"] {
                let run = folder.run(&["explain", input, flag, output]);
                assert!(!run.status.success() && !run.stderr.is_empty(), "{input}: {run:?}");
                assert_eq!((folder.names(), stamp(&folder.path("old"))), before, "{input} {flag} {output}");
            }
        }
    }
    let run = folder.run(&["explain", "trace.pcapng", "--stream", "9", "--annotate", "old", "--html", "new"]);
    assert!(String::from_utf8_lossy(&run.stderr).contains("there is no stream 9"));
    assert_eq!((folder.names(), stamp(&folder.path("old"))), before, "without its stream");
}

#[test]
fn two_outputs_are_two_files() {
    let folder = Folder::new("two");
    fs::create_dir(folder.path("sub")).expect("a folder");
    symlink("sub", folder.path("linked")).expect("a link");
    symlink("sub/x", folder.path("nowhere-yet")).expect("a link");
    folder.write("old", "x");
    symlink("old", folder.path("link")).expect("a link");
    fs::hard_link(folder.path("old"), folder.path("hard")).expect("a link");
    let pairs = [
        ("x", "x"),
        ("x", "./x"),
        ("sub/x", "linked/x"),
        ("sub/x", "nowhere-yet"),
        ("old", "old"),
        ("old", "link"),
        ("old", "hard"),
    ];
    let commands = [
        (&["demo"][..], "--pcap", "--svg"),
        (&["sim", "--bytes", "10k"], "--pcap", "--plot"),
        (&["explain", "trace.pcapng"], "--annotate", "--html"),
    ];
    for (command, one, other) in commands {
        for (first, second) in pairs {
            let arguments = [command, &[one, first, other, second]].concat();
            folder.refuses(|folder| folder.run(&arguments), "are the same file; give each a name of its own");
        }
        let arguments = [command, &[one, "-", other, "/dev/stdout"]].concat();
        folder.refuses(|folder| folder.run(&arguments), "both go to standard output");
        let arguments = [command, &["--json", one, "-"]].concat();
        folder.refuses(|folder| folder.run(&arguments), "--json and");
    }
    folder.refuses(|folder| folder.shell("synfin demo --svg old >> old"), "that standard output goes to");
    folder.refuses(|folder| folder.run(&["explain", "trace.pcapng", "--json", "--html", "page"]), "--html");
}

#[test]
fn what_replaces_a_file_has_its_mode_and_its_links() {
    let folder = Folder::new("mode");
    fs::create_dir(folder.path("sub")).expect("a folder");
    let wanted = printed(&["diagram", "--format", "svg"]).into_bytes();
    folder.write("sub/old.svg", "old");
    symlink("sub/old.svg", folder.path("link.svg")).expect("a link");
    symlink("link.svg", folder.path("link-to-link.svg")).expect("a link");
    for mode in [0o600, 0o640, 0o777, 0o4755] {
        folder.write("sub/old.svg", "old");
        folder.set_mode("sub/old.svg", mode);
        let run = folder.run(&["diagram", "--format", "svg", "-o", "link-to-link.svg"]);
        assert!(run.status.success() && run.stdout.is_empty(), "{run:?}");
        assert_eq!((folder.mode("sub/old.svg"), folder.read("sub/old.svg")), (mode, wanted.clone()));
        for link in ["link.svg", "link-to-link.svg"] {
            assert!(folder.path(link).is_symlink(), "{link} is a link still");
        }
    }
    // A link that leads to nothing yet leads to the file then; and a new file has the usual mode.
    symlink("sub/new.svg", folder.path("new.svg")).expect("a link");
    folder.shell("umask 027; synfin diagram --format svg -o new.svg");
    assert!(folder.path("new.svg").is_symlink());
    assert_eq!((folder.mode("sub/new.svg"), folder.read("sub/new.svg")), (0o640, wanted));
    assert_eq!(fs::read_dir(folder.path("sub")).expect("the folder").count(), 2, "and no litter");
}

#[test]
fn what_belongs_to_others_stays_theirs() {
    let folder = Folder::new("owner");
    folder.write("old", "old");
    if std::os::unix::fs::chown(folder.path("old"), Some(4_711), Some(4_712)).is_err() {
        assert!(std::env::var_os("CI").is_none(), "must run as root in CI");
        drop(writeln!(std::io::stderr(), "skipped: only root can give files away"));
        return;
    }
    folder.set_mode("old", 0o664);
    assert!(folder.run(&["diagram", "-o", "old"]).status.success());
    let metadata = fs::metadata(folder.path("old")).expect("it is there");
    assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (4_711, 4_712, 0o664));
    assert!(metadata.len() > 100);

    // Somebody who may write to it, but cannot give files away, replaces nothing.
    let before = stamp(&folder.path("old"));
    let copy = folder.path("command");
    fs::copy(env!("CARGO_BIN_EXE_synfin"), &copy).expect("room for it");
    folder.set_mode("command", 0o755);
    folder.set_mode("", 0o777);
    let as_nobody = |name: &str, group: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", group, "--clear-groups", "./command", "diagram", "-o"]);
        command.arg(name).current_dir(&folder.0).output()
    };
    let Ok(refused) = as_nobody("old", "4712") else {
        drop(writeln!(std::io::stderr(), "skipped: setpriv is not installed"));
        return;
    };
    let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(errors.contains("owner and group (4711:4712)") && errors.contains("another name"), "{errors}");
    assert_eq!(stamp(&folder.path("old")), before);
    // Who may not write to it does not get round that by a rename.
    folder.set_mode("old", 0o444);
    let refused = as_nobody("old", "65534").expect("it ran before");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("cannot write old: Permission denied"));
    // And where nothing new can be made, the sentence says that it was to be made there.
    folder.set_mode("", 0o755);
    let refused = as_nobody("new", "65534").expect("it ran before");
    let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        errors.contains("cannot write new: Permission denied") && errors.contains("is made in ."),
        "{errors}"
    );
    fs::remove_file(copy).expect("it is ours");
    assert_eq!(folder.names(), ["old", "trace.pcapng"]);
}

#[test]
fn pipes_devices_and_standard_output_are_written_through() {
    let folder = Folder::new("through");
    let trace = folder.read("trace.pcapng");
    let annotated = {
        assert!(folder.run(&["explain", "trace.pcapng", "--annotate", "whole"]).status.success());
        folder.read("whole")
    };
    let names = folder.names();
    // Standard output: the file alone; what people read goes to standard error.
    for name in ["-", "/dev/stdout", "/proc/self/fd/1"] {
        let run = folder.run(&["demo", "--pcap", name]);
        assert!(run.status.success() && run.stdout == trace, "{name}");
        assert!(String::from_utf8_lossy(&run.stderr).contains("server closed first"), "{name}");
        let run = folder.run(&["explain", "trace.pcapng", "--annotate", name]);
        assert!(run.status.success() && run.stdout == annotated, "{name}");
        assert!(String::from_utf8_lossy(&run.stderr).contains("192.0.2.10:51234"), "{name}");
    }
    // A file that the shell has opened there is not renamed away from under it.
    folder.write("kept", "first line\n");
    let inode = stamp(&folder.path("kept")).0;
    assert!(folder.shell("synfin diagram -o /dev/stdout >> kept; echo last line >> kept").status.success());
    let kept = String::from_utf8(folder.read("kept")).expect("text");
    assert!(
        kept.starts_with("first line\n") && kept.ends_with("last line\n") && kept.len() > 1_000,
        "{kept}"
    );
    assert_eq!(stamp(&folder.path("kept")).0, inode);
    fs::remove_file(folder.path("kept")).expect("it is there");
    // Other descriptors, devices, and a pipe with a name.
    let run = folder.shell("synfin demo --pcap /dev/fd/3 3>&1 >/dev/null 2>&1 | cat");
    assert!(run.stdout == trace, "{} bytes", run.stdout.len());
    let run = folder.run(&["explain", "trace.pcapng", "--annotate", "/dev/null", "--html", "/dev/null"]);
    assert!(run.status.success(), "{run:?}");
    let run = folder.shell("mkfifo pipe; cat pipe > got & synfin demo --pcap pipe > /dev/null; wait");
    assert!(run.status.success(), "{run:?}");
    assert!(folder.read("got") == trace, "what came out of the pipe is the capture");
    folder.refuses(|folder| folder.run(&["demo", "--pcap", "pipe", "--svg", "pipe"]), "are the same file");
    for made in ["pipe", "got"] {
        fs::remove_file(folder.path(made)).expect("it is there");
    }
    assert_eq!(folder.names(), names);
}

#[test]
fn a_failure_in_the_middle_leaves_the_old_file() {
    let folder = Folder::new("middle");
    folder.write("old", "years of work");
    folder.set_mode("old", 0o600);
    assert!(folder.run(&["sim", "--bytes", "1M", "--pcap", "big.pcapng"]).status.success());
    let before = (folder.names(), stamp(&folder.path("old")));
    // Files may grow to some kilobytes: as on a disk that becomes full.
    for command in [
        "sim --bytes 1M --pcap old",
        "explain big.pcapng --annotate old",
        "explain big.pcapng --html old",
        "explain big.pcapng --annotate new --html old",
        "demo --svg old",
        "diagram --format svg -o old",
    ] {
        let run = folder.shell(&format!("trap '' XFSZ; ulimit -f 4; synfin {command}"));
        let errors = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(1), "{command}: {errors}");
        assert!(errors.contains("cannot write old: ") || errors.contains("cannot write new: "), "{errors}");
        assert_eq!((folder.names(), stamp(&folder.path("old"))), before, "{command}");
    }
    let run = folder.run(&["demo", "--pcap", "/dev/full"]);
    let errors = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(!run.status.success() && errors.contains("cannot write /dev/full: No space left"), "{errors}");
    let run = folder.run(&["demo", "--pcap", "new", "--svg", "/nowhere/x.svg"]);
    assert!(!run.status.success());
    assert_eq!((folder.names(), stamp(&folder.path("old"))), before, "one of two that cannot be written");
    for (name, words) in [("sub", "is a folder"), ("none/", "a folder")] {
        fs::create_dir_all(folder.path("sub")).expect("a folder");
        let run = folder.run(&["demo", "--pcap", name]);
        let errors = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(!run.status.success() && errors.contains(words), "{name}: {errors}");
    }
}

#[test]
fn a_reader_that_goes_away_takes_no_file_with_it() {
    let folder = Folder::new("head");
    assert!(folder.run(&["sim", "--bytes", "1M", "--pcap", "big.pcapng"]).status.success());
    assert!(folder.run(&["explain", "big.pcapng", "--annotate", "whole"]).status.success());
    for form in ["", "--csv", "--filter tcp"] {
        folder.shell(&format!("synfin explain big.pcapng {form} --annotate with-head | head -n 1"));
        assert!(folder.read("with-head") == folder.read("whole"), "{form}");
        fs::remove_file(folder.path("with-head")).expect("it is there");
    }
}

#[test]
fn ctrl_c_leaves_the_old_file_and_no_litter() {
    let folder = Folder::new("interrupt");
    folder.write("old", "years of work");
    let before = (folder.names(), stamp(&folder.path("old")));
    for signal in ["INT", "TERM"] {
        for flag in ["--annotate", "--html"] {
            let mut child = folder
                .command(&["explain", "-", flag, "old"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("the command runs");
            // The capture stays open: there could always come more.
            let mut input = child.stdin.take().expect("it is piped");
            input.write_all(&folder.read("trace.pcapng")).expect("it is read");
            eventually("the output has begun", || folder.names().len() > before.0.len());
            let pid = child.id().to_string();
            assert!(Command::new("kill").args(["-s", signal, &pid]).status().expect("kill runs").success());
            assert_eq!(child.wait().expect("it ends").code(), Some(130), "{signal} {flag}");
            assert_eq!((folder.names(), stamp(&folder.path("old"))), before, "{signal} {flag}");
        }
    }
}

/// Recordings grow in their place, so they take no name that something has.
#[test]
fn a_recording_takes_no_name_that_something_has() {
    let folder = Folder::new("recording");
    folder.write("old", "years of work");
    symlink("old", folder.path("link")).expect("a link");
    for name in ["old", "link"] {
        let live = ["explain", "--live", "lo", "--for", "1", "--annotate", name];
        folder.refuses(|folder| folder.run(&live), "add --force");
        folder.refuses(|folder| folder.run(&["serve", "--pcap", name]), "add --force");
        let get = ["get", "-o", "file", "--pcap", name, "http://10.90.0.1/"];
        folder.refuses(|folder| folder.run(&get), "add --force");
    }
    // Nor that of the download, or of a part of it.
    for name in ["file", "file.part", "file.part.from"] {
        let get = ["get", "-o", "file", "--pcap", name, "http://10.90.0.1/"];
        folder.refuses(|folder| folder.run(&get), "are the same file");
    }
    folder.refuses(
        |folder| folder.run(&["get", "-o", "-", "--pcap", "-", "http://10.90.0.1/"]),
        "both go to standard output",
    );
    folder.refuses(|folder| folder.run(&["serve", "--json", "--pcap", "-"]), "--json and --pcap -");
    for arguments in [&["serve", "--force"][..], &["explain", "trace.pcapng", "--force"]] {
        folder.refuses(|folder| folder.run(arguments), "required");
    }
}

#[test]
fn a_live_recording_grows_in_its_place() {
    let Some(place) = Place::new("live", &["python3"]) else { return };
    let shell = |line: &str| place.output(&["sh", "-c", &with_command(line)]);
    let traffic = "\
import socket
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(4):
    one.sendto(b'x' * 64, ('127.0.0.1', 9))
";
    fs::write(place.path("traffic.py"), traffic).expect("room for it");
    fs::write(place.path("old"), "years of work").expect("room for it");
    let inode = |name: &str| fs::metadata(place.path(name)).expect("it is there").ino();
    let old = inode("old");
    // Another reads along while it grows; Ctrl-C ends it, and it is whole.
    let line = "$SYNFIN explain --live lo --annotate new --html page > /dev/null & \
                for n in 1 2 3 4 5 6 7 8 9; do [ -s new ] && break; sleep 0.5; done; \
                python3 traffic.py; sleep 0.5; wc -c < new; kill -INT $!; wait $!";
    // In the background of a shell SIGINT is ignored; what is recorded catches it all the same.
    let run = shell(line);
    let grown: usize = String::from_utf8_lossy(&run.stdout).trim().parse().expect("a number");
    assert!(run.status.success() && grown > 300, "{run:?}");
    let mut reader =
        capture::Reader::new(fs::File::open(place.path("new")).expect("it is there")).expect("ours");
    assert_eq!(reader.interfaces().first().map(|on| on.name.clone()), None, "not read yet");
    let mut packets = 0;
    while let Some(record) = reader.next() {
        record.expect("whole");
        packets += 1;
    }
    assert!(packets >= 4, "{packets} packets");
    assert_eq!(reader.interfaces()[0].name, "lo");
    assert!(fs::read_to_string(place.path("page")).expect("written").starts_with("<!doctype html>"));
    // With --force in the place of what was there.
    let run = shell("synfin explain --live lo --for 1 --annotate old --force");
    assert!(run.status.success(), "{run:?}");
    assert_eq!(inode("old"), old);
    assert!(capture::Reader::new(fs::File::open(place.path("old")).expect("it is there")).is_ok());
    // An interface that is not there makes no file, and --force alone empties none.
    let before = fs::read(place.path("old")).expect("it is there");
    for name in ["none", "old"] {
        let run = shell(&format!("synfin explain --live nothing0 --annotate {name} --force"));
        assert_eq!(run.status.code(), Some(1), "{run:?}");
    }
    assert!(!place.path("none").exists() && fs::read(place.path("old")).expect("it is there") == before);
    // A stack that cannot start leaves no recording.
    let run = shell("synfin get --pcap none --address 10.99.0.2 http://10.90.0.1/");
    assert!(!run.status.success() && !place.path("none").exists(), "{run:?}");
}

#[test]
fn a_download_keeps_mode_and_links_and_stands_until_it_is_whole() {
    let Some(place) = Place::new("output", &["python3"]) else { return };
    let sum = place.fill("served/big", 1 << 20);
    let served = place.text("served");
    let port = "8000";
    let _server = place.start(&[
        "python3",
        "-u",
        "-m",
        "http.server",
        "--bind",
        "0.0.0.0",
        "--directory",
        &served,
        port,
    ]);
    eventually("python listens", || place.run(&["ss", "-tln"]).contains(":8000"));
    fs::write(place.path("old"), "years of work").expect("room for it");
    fs::set_permissions(place.path("old"), fs::Permissions::from_mode(0o640)).expect("it is ours");
    symlink("old", place.path("link")).expect("a link");
    let missing = place.get(&["-o", "link", "http://10.90.0.1:8000/missing"]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(fs::read(place.path("old")).expect("it is there"), b"years of work");
    let whole = place.get(&["-o", "link", "--pcap", "seen.pcapng", "http://10.90.0.1:8000/big"]);
    assert!(whole.status.success(), "{whole:?}");
    assert!(place.path("link").is_symlink());
    assert_eq!(place.sha256(&place.path("old")), sum);
    assert_eq!(fs::metadata(place.path("old")).expect("it is there").mode() & 0o7777, 0o640);
    assert!(!place.path("old.part").exists() && !place.path("old.part.from").exists());
    assert!(printed(&["explain", &place.text("seen.pcapng")]).contains("10.90.0.1:8000"));
    // The capture on standard output, what is said on standard error.
    let piped = place.get(&["-o", "got", "--json", "--pcap", "-", "http://10.90.0.1:8000/big"]);
    assert!(piped.stdout.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) && piped.stdout.len() > 1 << 20);
    assert!(String::from_utf8_lossy(&piped.stderr).contains("\"file_bytes\":1048576"));
}

/// A pcapng block, little-endian.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let len = (12 + body.len() as u32).to_le_bytes();
    [&kind.to_le_bytes()[..], &len, body, &len].concat()
}

/// Options of a block, with their end.
fn options(list: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (code, value) in list.iter().chain(&[(0, &[][..])]) {
        bytes.extend(code.to_le_bytes());
        bytes.extend((value.len() as u16).to_le_bytes());
        bytes.extend_from_slice(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// The demo's capture as somebody keeps it who uses all that pcapng has.
fn annotated_by_its_author(folder: &Folder) -> Vec<u8> {
    let numbers = |list: &[u32]| -> Vec<u8> { list.iter().flat_map(|number| number.to_le_bytes()).collect() };
    let header = [
        numbers(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]),
        options(&[(1, b"ticket 4711"), (1, b"second shift"), (2, b"rack 7"), (3, b"an OS"), (4, b"Dumpcap")]),
    ];
    let interface = [
        numbers(&[101, 0]),
        options(&[(2, b"wan0"), (3, b"uplink to the world"), (9, &[9]), (12, b"an OS"), (15, b"a card")]),
    ];
    // 192.0.2.80 is called server.example.
    let name = [&[192, 0, 2, 80][..], b"server.example\0"].concat();
    let names = options(&[(1, &name)]);
    let mut file = block(0x0a0d_0d0a, &header.concat());
    file.extend(block(1, &interface.concat()));
    file.extend(block(4, &names));
    let bytes = folder.read("trace.pcapng");
    let mut reader = capture::Reader::new(&bytes[..]).expect("the demo's capture");
    while let Some(record) = reader.next() {
        let record = record.expect("whole");
        let mut packet = numbers(&[
            0,
            (record.time_ns >> 32) as u32,
            record.time_ns as u32,
            record.bytes.len() as u32,
            record.wire_bytes,
        ]);
        packet.extend_from_slice(record.bytes);
        packet.resize(packet.len().next_multiple_of(4), 0);
        if record.number == 1 {
            packet.extend(options(&[(1, b"it began here"), (2, &[2, 0, 0, 0]), (1, "caf\u{e9}".as_bytes())]));
        }
        file.extend(block(6, &packet));
    }
    file.extend(block(5, &[numbers(&[0, 7, 8]), options(&[(4, &11_u64.to_le_bytes())])].concat()));
    file
}

#[test]
fn an_annotated_capture_says_all_that_it_said_before() {
    let folder = Folder::new("annotate");
    let original = annotated_by_its_author(&folder);
    fs::write(folder.path("theirs.pcapng"), &original).expect("room for it");
    assert!(folder.run(&["explain", "theirs.pcapng", "--annotate", "ours.pcapng"]).status.success());

    let ours = folder.read("ours.pcapng");
    let mut theirs = capture::Reader::new(&original[..]).expect("a capture");
    let mut reader = capture::Reader::new(&ours[..]).expect("a capture");
    let (mut packets, mut with_ours) = (0, 0);
    while let (Some(before), Some(after)) = (theirs.next(), reader.next()) {
        let (before, after) = (before.expect("whole"), after.expect("whole"));
        assert_eq!(
            (before.time_ns, before.bytes, before.direction),
            (after.time_ns, after.bytes, after.direction)
        );
        let before: Vec<_> = before.comments().collect();
        let after: Vec<_> = after.comments().collect();
        assert_eq!(after[..before.len()], before, "theirs come first");
        with_ours += usize::from(after.len() > before.len());
        packets += 1;
        if packets == 1 {
            assert_eq!(after[..2], ["it began here", "caf\u{e9}"]);
            assert!(after[2].contains("asks to open"), "{after:?}");
        }
    }
    assert!(packets == 11 && with_ours > 4, "{with_ours} of {packets}");
    assert_eq!((theirs.interfaces(), theirs.comment()), (reader.interfaces(), reader.comment()));
    for text in ["second shift", "rack 7", "an OS", "Dumpcap", "a card", "server.example"] {
        assert!(ours.windows(text.len()).any(|window| window == text.as_bytes()), "{text} is missing");
    }
    assert!(original.ends_with(&ours[ours.len() - 32..]), "the statistics are the last block still");

    // What was annotated once is not annotated twice.
    assert!(folder.run(&["explain", "ours.pcapng", "--annotate", "again.pcapng"]).status.success());
    assert_eq!(folder.read("again.pcapng"), ours);

    if has("tshark") {
        let tshark = |file: &str, fields: &[&str]| {
            let mut command = Command::new("tshark");
            command.args(["-n", "-r", file, "-T", "fields"]).current_dir(&folder.0);
            command.args(fields.iter().flat_map(|field| ["-e", field]));
            String::from_utf8(command.output().expect("tshark runs").stdout).expect("text")
        };
        let kept = ["frame.time_epoch", "frame.interface_name", "frame.interface_description", "tcp.seq_raw"];
        assert_eq!(tshark("theirs.pcapng", &kept), tshark("ours.pcapng", &kept));
        let comments = tshark("ours.pcapng", &["frame.comment"]);
        let first = comments.lines().next().expect("a packet");
        assert!(first.starts_with("it began here,caf\u{e9},") && first.contains("asks to open"), "{first}");
    }
    if has("capinfos") {
        let output = Command::new("capinfos").arg("ours.pcapng").current_dir(&folder.0).output();
        let text = String::from_utf8(output.expect("capinfos runs").stdout).expect("text");
        for kept in ["ticket 4711", "second shift", "packet comments by synfin", "rack 7", "Dumpcap", "wan0"]
        {
            assert!(text.contains(kept), "no {kept} in:\n{text}");
        }
    }
}
