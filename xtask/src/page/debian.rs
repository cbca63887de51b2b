//! A toolchain from the packages of Debian and its like, unpacked into a folder and not installed.
//!
//! `rustc-web` is the compiler that Debian keeps recent for its browsers; its packages hold the sources of `std`. The
//! linker is LLVM's.

use super::cannot;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is fetched by name. What the compiler needs besides has versions in its names, and is asked of `apt-cache`.
const PACKAGES: [&str; 3] = ["rustc-web", "libstd-rust-web-dev", "rust-web-src"];
/// LLVM's linkers, the first that is there.
const LINKERS: [u32; 7] = [22, 21, 20, 19, 18, 17, 16];

pub(super) fn rustc(folder: &Path) -> PathBuf {
    folder.join("usr/bin/rustc")
}

/// `wasm-ld` of whatever version.
pub(super) fn linker(folder: &Path) -> Option<PathBuf> {
    LINKERS
        .iter()
        .map(|version| folder.join(format!("usr/lib/llvm-{version}/bin/wasm-ld")))
        .find(|file| file.exists())
}

/// Whether a compiler, the sources of `std` and a linker are there.
pub(super) fn is_filled(folder: &Path) -> bool {
    let sources = folder.join("usr/lib/rustlib/src/rust/library/std/Cargo.toml");
    rustc(folder).is_file() && sources.is_file() && linker(folder).is_some()
}

/// Fetches and unpacks the packages, unless they are there.
///
/// # Errors
/// A sentence, if this is no Debian or its mirror cannot be reached.
pub(super) fn fill(folder: &Path) -> Result<(), String> {
    if is_filled(folder) {
        return Ok(());
    }
    let packed = folder.join("packages");
    std::fs::create_dir_all(&packed).map_err(|error| cannot("make", &packed, &error))?;
    let packages = packages()?;
    println!("fetching {}", packages.join(", "));
    said(Command::new("apt-get").arg("download").args(&packages).current_dir(&packed))?;
    for package in std::fs::read_dir(&packed).map_err(|error| cannot("read", &packed, &error))?.flatten() {
        said(Command::new("dpkg").arg("-x").arg(package.path()).arg(folder))?;
    }
    std::fs::remove_dir_all(&packed).map_err(|error| cannot("remove", &packed, &error))?;
    match is_filled(folder) {
        true => Ok(()),
        false => {
            Err(format!("{} lacks a compiler, the sources of std or wasm-ld after that", folder.display()))
        }
    }
}

/// The names of all that is needed.
fn packages() -> Result<Vec<String>, String> {
    let mut packages: Vec<String> = PACKAGES.map(str::to_owned).into();
    let standard = dependency("libstd-rust-web-dev", "libstd-rust-web-")?;
    packages.push(dependency(&standard, "libllvm")?);
    packages.push(standard);
    let is_there = |name: &str| said(Command::new("apt-cache").args(["show", name])).is_ok();
    let version = LINKERS.iter().find(|version| is_there(&format!("lld-{version}")));
    let version = version.ok_or("apt-cache knows no lld-16 or newer, which has the linker")?;
    packages.push(format!("lld-{version}"));
    packages.push(dependency(&format!("lld-{version}"), "libllvm")?);
    packages.sort();
    packages.dedup();
    Ok(packages)
}

/// The package whose name begins so among those that this one depends on.
fn dependency(of: &str, beginning: &str) -> Result<String, String> {
    let text = said(Command::new("apt-cache").args(["depends", of]))?;
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    let mut names = names.filter(|name| name.starts_with(beginning));
    names
        .next()
        .map(str::to_owned)
        .ok_or_else(|| format!("{of} depends on no {beginning}*; run apt-get update first"))
}

/// What a program prints.
fn said(program: &mut Command) -> Result<String, String> {
    let name = program.get_program().to_string_lossy().into_owned();
    let output = program
        .output()
        .map_err(|error| format!("cannot run {name}: {error}; this way needs Debian or its like"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
