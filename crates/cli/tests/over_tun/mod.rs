//! What the tests over a real TUN share: a network namespace of their own, programs in it, files.
#![allow(dead_code, reason = "each test uses its own part")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The most time that anything here may take, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A network namespace and a folder; both are removed with it, also if a test fails.
pub(crate) struct Place {
    namespace: String,
    folder: PathBuf,
}

impl Place {
    /// Makes one, or says why it cannot; fails where `CI` is set.
    pub(crate) fn new(name: &str, programs: &[&str]) -> Option<Place> {
        let missing = |reason: String| {
            assert!(std::env::var_os("CI").is_none(), "{name}: {reason}");
            drop(writeln!(std::io::stderr(), "skipped: {name}: {reason}"));
            None
        };
        for program in programs.iter().chain(&["ip", "ss"]) {
            let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
            if !found.is_ok_and(|output| output.status.success()) {
                return missing(format!("{program} is not installed"));
            }
        }
        if fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun").is_err() {
            return missing("/dev/net/tun is not there or not ours to use (run as root)".to_owned());
        }
        let namespace = format!("synfin-{name}-{}", std::process::id());
        let made = Command::new("ip").args(["netns", "add", &namespace]).output();
        if !made.is_ok_and(|output| output.status.success()) {
            return missing("no right to make a network namespace (run as root)".to_owned());
        }
        let folder = std::env::temp_dir().join(&namespace);
        let place = Place { namespace, folder };
        fs::create_dir_all(place.path("served/in")).expect("a folder for the test");
        place.run(&["ip", "link", "set", "lo", "up"]);
        Some(place)
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The same as text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    /// A program that runs in the namespace, in the folder.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).args(words).current_dir(&self.folder);
        command
    }

    /// Runs a program to its end.
    pub(crate) fn output(&self, words: &[&str]) -> Output {
        let limit = PATIENCE.as_secs().to_string();
        let words: Vec<&str> = ["timeout", "-k", "5", &limit].iter().chain(words).copied().collect();
        self.command(&words).output().expect("the program runs")
    }

    /// What a program that must succeed prints.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let output = self.output(words);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {:?}: {errors}", output.status);
        String::from_utf8(output.stdout).expect("text")
    }

    /// Starts a program and reads its lines.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        let mut command = self.command(words);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("its output is piped"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        Running { child, lines, seen: Vec::new() }
    }

    /// `synfin serve` on the folder `served`, ready to answer.
    pub(crate) fn serve(&self, flags: &[&str]) -> Running {
        let served = self.text("served");
        let words: Vec<&str> = [env!("CARGO_BIN_EXE_synfin"), "serve", "--json"]
            .iter()
            .chain(flags)
            .copied()
            .chain([&*served])
            .collect();
        let mut server = self.start(&words);
        server.wait_for("\"listening\"");
        server
    }

    /// `synfin get` with these flags.
    pub(crate) fn get(&self, flags: &[&str]) -> Output {
        let words: Vec<&str> = [env!("CARGO_BIN_EXE_synfin"), "get"].iter().chain(flags).copied().collect();
        self.output(&words)
    }

    /// Writes a file of this many pseudorandom bytes, without repetitions; returns its SHA-256.
    pub(crate) fn fill(&self, name: &str, len_bytes: usize) -> String {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ len_bytes as u64;
        let mut file =
            std::io::BufWriter::with_capacity(1 << 20, fs::File::create(self.path(name)).expect("a file"));
        for _ in 0..len_bytes.div_ceil(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            file.write_all(&state.to_le_bytes()).expect("room on the disk");
        }
        let file = file.into_inner().expect("room on the disk");
        file.set_len(len_bytes as u64).expect("a shorter file");
        self.sha256(&self.path(name))
    }

    /// The SHA-256 of a file.
    pub(crate) fn sha256(&self, path: &Path) -> String {
        let path = path.to_str().expect("a plain path");
        self.run(&["sha256sum", path]).split_whitespace().next().expect("a sum").to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The programs in the namespace have been killed by the drop of their `Running`.
        let _ = Command::new("ip").args(["netns", "del", &self.namespace]).output();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A running program; it is killed at the end of the test.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    /// Reads lines until one contains this text; returns that line.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("{text:?} was not printed ({error}); but: {:#?}", self.seen),
            }
        }
    }

    /// A line with this text, which has come already or still comes.
    #[track_caller]
    pub(crate) fn find(&mut self, text: &str) -> String {
        match self.seen.iter().find(|line| line.contains(text)) {
            Some(line) => line.clone(),
            None => self.wait_for(text),
        }
    }

    /// Sends a signal, such as `INT` or `KILL`. `ip netns exec` has been replaced by the program.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(status.success(), "kill -s {name} {pid}");
    }

    /// What it has of the machine's memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        let kilobytes: u64 = line.trim_end_matches("kB").trim().parse().expect("a number");
        kilobytes << 10
    }

    /// Waits for its end; returns its exit code, if it had one.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not end; it printed: {:#?}", self.seen);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "did not happen within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
