//! `cargo xtask gen`: writes the documents that are made from code.
//!
//! Packages are not made here: `cargo build --profile dist -p synfin-cli` builds the command for them.
//!
//! The documents are committed, so that they can be read where the code is; a test says when one is stale.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod documents;
mod rooms;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("gen") => match generate() {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("xtask: {why}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("usage: cargo xtask gen    writes what documents have from code and manifests");
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
