//! tcpdump at one end of the wire: what people have.

use super::Missing;
use super::network::Network;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

/// As much of a packet as the headers with all options take.
const SNAP_BYTES: &str = "176";

/// A tcpdump that runs; it is ended with it.
#[derive(Debug)]
pub(super) struct Dump {
    child: Child,
    says: BufReader<ChildStderr>,
}

impl Dump {
    /// Begins to capture what passes this interface; returns when it is listening.
    pub(super) fn begin(network: &Network, interface: &'static str, path: &Path) -> Result<Dump, Missing> {
        let path: PathBuf = path.to_owned();
        let start = move || -> io::Result<Dump> {
            let mut command = Command::new("tcpdump");
            command.args(["-i", interface, "-n", "-s", SNAP_BYTES, "-B", "16384", "-Z", "root"]);
            // At once: what still waits to be read when it is ended is not written.
            command.args(["--immediate-mode", "--time-stamp-precision=nano", "-w"]).arg(path);
            let mut child =
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
            let Some(says) = child.stderr.take() else {
                return Err(io::Error::other("it has no standard error"));
            };
            let mut dump = Dump { child, says: BufReader::new(says) };
            let mut line = String::new();
            while !line.contains("listening on") {
                line.clear();
                if dump.says.read_line(&mut line)? == 0 {
                    return Err(io::Error::other("it ended at once"));
                }
            }
            Ok(dump)
        };
        network.within(start).map_err(|error| Missing(format!("tcpdump cannot be run: {error}")))
    }

    /// Ends it when it has written everything; how many packets the kernel had no room for.
    pub(super) fn end(mut self) -> Result<u64, Missing> {
        self.ask_to_end();
        let mut text = String::new();
        let outcome = self.says.read_to_string(&mut text).and_then(|_| self.child.wait());
        outcome.map_err(|error| Missing(format!("tcpdump does not end: {error}")))?;
        let dropped = text.lines().find(|line| line.contains("dropped by kernel"));
        let dropped = dropped.and_then(|line| line.split_whitespace().next()?.parse().ok());
        dropped.ok_or_else(|| Missing(format!("tcpdump does not say what it dropped: {text}")))
    }

    fn ask_to_end(&self) {
        if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
