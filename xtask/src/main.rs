//! `cargo xtask gen`: writes the documents that are made from code.
//! `cargo xtask tokio`: lays the copy of tokio that `facade/tokio` hands on.
//! `cargo xtask page`: builds the page, one HTML file with the laboratory and the lens in it.
//!
//! Packages are not made here: `cargo build --profile dist -p synfin-cli` builds the command for them.
//!
//! The documents are committed, so that they can be read where the code is; a test says when one is stale.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod documents;
mod page;
mod rooms;
mod tokio;

const USAGE: &str = "usage: cargo xtask gen      writes what documents have from code and manifests
       cargo xtask tokio    lays the copy of tokio that facade/tokio hands on
       cargo xtask page     builds target/synfin.html, the laboratory and the lens in one file
           --toolchain DIR      with Debian's own compiler, which is fetched into DIR if it is empty
           --way                only says how it would be built; fails if it cannot be
           --check              drives it in headless Chromium, and compares it with what is native";

fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("gen") => generate(),
        Some("tokio") => tokio::lay_copy().map(|version| println!("{}: tokio {version}", tokio::COPY)),
        Some("page") => page::run(std::env::args().skip(2)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Writes every generated document and says which.
fn generate() -> Result<(), String> {
    for (path, text) in documents::all()? {
        let path = root().join(path);
        std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[cfg(test)]
mod tests;
