//! A trace of our own in tracefs: an instance with the tracepoints of retransmissions and their stacks.
//!
//! An instance has buffers and a clock of its own, so that nobody else's trace is disturbed. What is *not* here: reading the text.

use super::Missing;
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where tracefs is.
const TRACEFS: &str = "/sys/kernel/tracing";
/// The tracepoints.
const EVENTS: [&str; 3] = ["tcp_retransmit_skb", "tcp_retransmit_synack", "tcp_cong_state_set"];
/// Room for some 20,000 events with their stacks on each processor.
const BUFFER_KB: &str = "16384";
/// How often the clocks are compared; the closest comparison counts.
const COMPARISONS: usize = 100;

/// A running trace; removed with it.
#[derive(Debug)]
pub(super) struct Tracing {
    folder: PathBuf,
    /// What to add to the monotonic clock to get the captures'.
    clock_ns: i64,
}

impl Tracing {
    /// Begins one.
    pub(super) fn begin() -> Result<Tracing, Missing> {
        mount()?;
        let folder = Path::new(TRACEFS).join(format!("instances/synfin-{}", std::process::id()));
        // One that an earlier process of this number left behind.
        let _ = fs::remove_dir(&folder);
        let cannot = |what: &str| {
            let what = what.to_owned();
            move |error| Missing(format!("tracefs: cannot {what}: {error}"))
        };
        fs::create_dir(&folder).map_err(cannot("make an instance"))?;
        let tracing = Tracing { folder, clock_ns: clock_ns() };
        let write = |name: &str, value: &str| {
            fs::write(tracing.folder.join(name), value).map_err(cannot(&format!("write {value} to {name}")))
        };
        write("trace_clock", "mono")?;
        write("buffer_size_kb", BUFFER_KB)?;
        for event in EVENTS {
            write(&format!("events/tcp/{event}/trigger"), "stacktrace")?;
            write(&format!("events/tcp/{event}/enable"), "1")?;
        }
        write("tracing_on", "1")?;
        Ok(tracing)
    }

    /// Ends it: its text, and what to add to its clock to get the captures'.
    pub(super) fn end(self) -> Result<(String, i64), Missing> {
        let write = |name: &str, value: &str| fs::write(self.folder.join(name), value);
        let _ = write("tracing_on", "0");
        let text = fs::read(self.folder.join("trace"))
            .map_err(|error| Missing(format!("tracefs: cannot read the trace: {error}")))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        // Between the two comparisons the clock may have been slewed a little.
        let clock_ns = self.clock_ns / 2 + clock_ns() / 2;
        Ok((text, clock_ns))
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        for event in EVENTS {
            let _ = fs::write(self.folder.join(format!("events/tcp/{event}/enable")), "0");
            let _ = fs::write(self.folder.join(format!("events/tcp/{event}/trigger")), "!stacktrace");
        }
        let _ = fs::remove_dir(&self.folder);
    }
}

/// The kernel's own release and version.
pub(super) fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// Mounts tracefs if it is not there.
fn mount() -> Result<(), Missing> {
    if Path::new(TRACEFS).join("instances").is_dir() {
        return Ok(());
    }
    let mut mount = Command::new("mount");
    mount.args(["-t", "tracefs", "tracefs", TRACEFS]).stdout(Stdio::null()).stderr(Stdio::null());
    match mount.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Missing(format!("no tracefs at {TRACEFS}, and it cannot be mounted"))),
    }
}

/// Realtime less monotonic, in nanoseconds: of many comparisons the one that took the shortest.
fn clock_ns() -> i64 {
    let now = |clock| {
        let time = clock_gettime(clock);
        time.tv_sec * 1_000_000_000 + time.tv_nsec
    };
    let compare = || {
        let before = now(ClockId::Monotonic);
        let real = now(ClockId::Realtime);
        let after = now(ClockId::Monotonic);
        (after - before, real - (before + after) / 2)
    };
    (0..COMPARISONS).map(|_| compare()).min().map_or(0, |(_, difference)| difference)
}
