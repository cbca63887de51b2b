//! Runs a test in a network namespace of its own, or says why not.

use std::io::Write as _;
use std::process::{Command, Stdio};

const INSIDE: &str = "SYNFIN_TEST_INSIDE_NAMESPACE";

/// Runs this program again inside a fresh namespace, for the one test of that name. Without the right to
/// do so it prints the reason and passes; where `CI` is set it fails.
pub fn in_namespace(name: &str, test: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let can = |way: &[&str]| {
        let mut probe = Command::new("unshare");
        probe.args(way).args(["test", "-w", "/dev/net/tun"]).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    let ways = [&["--net"][..], &["--user", "--map-root-user", "--net"]];
    let Some(way) = ways.into_iter().find(|way| can(way)) else {
        let reason = "no right to make a network namespace with /dev/net/tun in it; run as root";
        assert!(std::env::var_os("CI").is_none(), "{name}: {reason}");
        drop(writeln!(std::io::stderr(), "skipped: {name}: {reason}"));
        return;
    };
    let mut inside = Command::new("unshare");
    inside.args(way).arg(std::env::current_exe().unwrap()).args([name, "--exact", "--nocapture"]);
    assert!(inside.env(INSIDE, "1").status().unwrap().success(), "{name} failed in its namespace");
}
