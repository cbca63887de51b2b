//! `cargo xtask gen`: writes the documents that are made from code.
//! `cargo xtask tokio`: lays the copy of tokio that `facade/tokio` hands on.
//!
//! Packages are not made here: `cargo build --profile dist -p synfin-cli` builds the command for them.
//!
//! The documents are committed, so that they can be read where the code is; a test says when one is stale.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod documents;
mod rooms;
mod tokio;

const USAGE: &str = "usage: cargo xtask gen      writes what documents have from code and manifests
       cargo xtask tokio    lays the copy of tokio that facade/tokio hands on";

fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("gen") => generate(),
        Some("tokio") => tokio::lay_copy().map(|version| println!("{}: tokio {version}", tokio::COPY)),
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
