//! Runs tshark, and writes files for it to read.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Says that a test is skipped and why; fails on the build server, where every program must be installed.
fn report_absent(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} is absent");
    drop(writeln!(std::io::stderr(), "skipped: {what} is absent"));
}

/// Whether a program of the Wireshark suite, or a packer, can be run.
pub(crate) fn has_program(program: &str) -> bool {
    let is_installed = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !is_installed {
        report_absent(program);
    }
    is_installed
}

/// These fields of each packet as tshark prints them: one line per packet, fields separated by `|`.
pub(crate) fn tshark(file: &Path, filter: &str, fields: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-t", "r", "-r"]).arg(file).args(["-T", "fields", "-E", "separator=|"]);
    command.args(["-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]);
    if !filter.is_empty() {
        command.args(["-Y", filter]);
    }
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark: {errors}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Writes `bytes` into a file of the test's own directory.
pub(crate) fn write_file(name: &str, bytes: &[u8]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = directory.join(name);
    std::fs::write(&path, bytes).expect("the test's directory can be written");
    path
}
