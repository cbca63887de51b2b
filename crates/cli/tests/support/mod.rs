//! What the tests of the command share: running it, and doing without what is not there.
#![allow(dead_code, reason = "each test uses its own part")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The command under test.
pub(crate) fn synfin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_synfin"))
        .args(arguments)
        .env("COLUMNS", "120")
        // whatever the terminal and the locale of whoever runs the tests
        .env("LC_ALL", "C.UTF-8")
        .env_remove("TERM")
        .output()
        .expect("the command was built with this test")
}

/// What it prints; fails if it fails.
pub(crate) fn printed(arguments: &[&str]) -> String {
    let output = synfin(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "synfin {}: {errors}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("text")
}

/// Whether a program can be run. Says so when it cannot; where everything must be there (`CI`), fails.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{program} must be there in CI");
        drop(writeln!(std::io::stderr(), "skipped: {program} is not installed"));
    }
    found
}

/// A place for a file that goes away with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("synfin-{}-{name}", std::process::id()));
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a plain path")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
