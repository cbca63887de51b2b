//! `cargo xtask gen`: writes the documents that are made from code.
//!
//! They are committed, so that they can be read where the code is; a test says when one is stale.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod documents;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("gen") => {
            for (path, text) in documents::all() {
                let path = root().join(path);
                if let Err(error) = std::fs::write(&path, text) {
                    eprintln!("xtask: cannot write {}: {error}", path.display());
                    return ExitCode::FAILURE;
                }
                println!("{}", path.display());
            }
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: cargo xtask gen    writes docs/state-diagram.* from the transition table");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[cfg(test)]
mod tests;
