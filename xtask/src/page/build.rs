//! The module: compiled by cargo, made smaller by `wasm-opt` where it is installed, packed.

use super::cannot;
use super::toolchain::{TARGET, Toolchain};
use crate::{rooms, root};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where cargo puts what it builds.
pub(super) fn target_folder() -> Result<PathBuf, String> {
    let metadata = rooms::metadata(&["--no-deps", "--offline"])?;
    metadata["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| "cargo names no target folder".to_owned())
}

/// Compiles the module and reads it.
pub(super) fn module(toolchain: &Toolchain, target: &Path) -> Result<Vec<u8>, String> {
    // A folder of its own: another compiler would build everything else anew.
    let target = target.join("page");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--profile", "page", "--package", "synfin-page", "--lib", "--target", TARGET]);
    cargo.arg("--target-dir").arg(&target).current_dir(root());
    // They are those of the compiler that runs this program.
    for name in ["RUSTC", "RUSTDOC", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        cargo.env_remove(name);
    }
    toolchain.equip(&mut cargo);
    let status = cargo.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err("the module was not built; cargo has said why".to_owned());
    }
    let file = target.join(TARGET).join("page/synfin_page.wasm");
    let file = optimized(&file).unwrap_or(file);
    std::fs::read(&file).map_err(|error| cannot("read", &file, &error))
}

/// The same module after `wasm-opt`, where that is installed and can read it.
fn optimized(file: &Path) -> Option<PathBuf> {
    let smaller = file.with_extension("opt.wasm");
    let features = ["--enable-bulk-memory", "--enable-nontrapping-float-to-int", "--enable-sign-ext"];
    let done = Command::new("wasm-opt").arg("-O3").args(features).arg(file).arg("-o").arg(&smaller).status();
    done.is_ok_and(|status| status.success()).then_some(smaller)
}

/// Gzipped as small as it gets, without a time and a name in it.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).expect("a vector takes everything");
    packed.finish().expect("a vector takes everything")
}
