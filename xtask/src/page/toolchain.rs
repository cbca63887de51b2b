//! Which compiler makes WebAssembly: one that has the target, or one that has the sources of `std` to build it with.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// What to do if there is none, in one sentence.
const NO_WAY: &str = "this compiler cannot make wasm32-unknown-unknown: run `rustup target add wasm32-unknown-unknown`, or, where rustup \
                      cannot be reached, `cargo xtask page --toolchain DIR` on Debian or its like, which fills DIR with the \
                      distribution's own compiler and the sources of std (128 MB from its mirror, nothing is installed)";

/// A compiler, and how it comes to `std` for the target.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// It has `std`.
    Ready(PathBuf),
    /// It has the sources of `std`, and builds it.
    FromSource(PathBuf),
    /// The same of packages of Debian that are unpacked in this folder.
    Unpacked(PathBuf),
}

impl Toolchain {
    /// That of the folder if there is one, else the `rustc` that cargo uses.
    ///
    /// # Errors
    /// Both ways to get one, in a sentence.
    pub(super) fn find(folder: Option<&Path>) -> Result<Toolchain, String> {
        if let Some(folder) = folder {
            return match super::debian::is_filled(folder) {
                true => Ok(Toolchain::Unpacked(absolute(folder)?)),
                false => Err(format!("{} holds no unpacked toolchain", folder.display())),
            };
        }
        let rustc: PathBuf = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()).into();
        let print = |what: &str| printed(&rustc, &["--print", what]);
        let libraries = printed(&rustc, &["--print", "target-libdir", "--target", TARGET]);
        if libraries.is_some_and(|folder| holds_std(&folder)) {
            return Ok(Toolchain::Ready(rustc));
        }
        let sources = print("sysroot").map(|root| root.join("lib/rustlib/src/rust/library/std/Cargo.toml"));
        match sources.is_some_and(|manifest| manifest.is_file()) {
            true => Ok(Toolchain::FromSource(rustc)),
            false => Err(NO_WAY.to_owned()),
        }
    }

    /// Sets a build up for it.
    pub(super) fn equip(&self, cargo: &mut Command) {
        match self {
            Toolchain::Ready(rustc) => {
                cargo.env("RUSTC", rustc);
            }
            Toolchain::FromSource(rustc) => {
                cargo.env("RUSTC", rustc);
                build_std(cargo);
            }
            Toolchain::Unpacked(folder) => {
                let libraries = ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib"];
                let libraries = libraries.map(|below| folder.join(below));
                let path = std::env::join_paths(libraries).unwrap_or_default();
                cargo.env("LD_LIBRARY_PATH", path).env("RUSTC", super::debian::rustc(folder));
                if let Some(linker) = super::debian::linker(folder) {
                    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                }
                build_std(cargo);
            }
        }
    }
}

/// `std` from its sources: cargo's option for that waits to become stable.
fn build_std(cargo: &mut Command) {
    cargo.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Toolchain::Ready(rustc) => write!(f, "{} has {TARGET}", rustc.display()),
            Toolchain::FromSource(rustc) => {
                write!(f, "{} builds std for {TARGET} from its sources", rustc.display())
            }
            Toolchain::Unpacked(folder) => {
                write!(f, "the toolchain in {} builds std for {TARGET}", folder.display())
            }
        }
    }
}

fn absolute(folder: &Path) -> Result<PathBuf, String> {
    std::path::absolute(folder).map_err(|error| super::cannot("find", folder, &error))
}

/// What the compiler prints, as a path; nothing if it does not run.
fn printed(rustc: &Path, arguments: &[&str]) -> Option<PathBuf> {
    let output =
        Command::new(rustc).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().into())
}

fn holds_std(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.into_iter().any(|file| {
        let name = file.file_name();
        name.to_string_lossy().starts_with("libstd-")
    })
}
