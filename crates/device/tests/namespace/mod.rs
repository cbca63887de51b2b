//! Runs a test in a network namespace of its own, or says why not.

use std::io::Write as _;
use std::process::Command;

const INSIDE: &str = "SYNFIN_TEST_INSIDE_NAMESPACE";

/// Runs `test` in a new network namespace, by starting this program again for the one test of that name.
/// Without the privilege for that it prints a reason and returns; where `CI` is set it fails.
pub(crate) fn in_namespace(name: &str, test: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let program = std::env::current_exe().unwrap();
    let possible = |arguments: &[&str]| {
        let script = "test -r /dev/net/tun && test -w /dev/net/tun";
        let mut probe = Command::new("unshare");
        probe.args(arguments).args(["sh", "-c", script]).stderr(std::process::Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    let ways = [&["--net"][..], &["--user", "--map-root-user", "--net"]];
    let Some(way) = ways.into_iter().find(|way| possible(way)) else {
        let reason = "no right to make a network namespace with /dev/net/tun in it (run as root)";
        assert!(std::env::var_os("CI").is_none(), "{name}: {reason}");
        drop(writeln!(std::io::stderr(), "skipped: {name}: {reason}"));
        return;
    };
    let status = Command::new("unshare")
        .args(way)
        .arg(program)
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{name} failed in its namespace");
}
