//! `cargo xtask page`: the laboratory and the lens as one HTML file that opens from disk.
//!
//! It compiles `synfin-page` to WebAssembly ([`build`], with a toolchain that [`toolchain`] finds), packs it, and puts it
//! into the page. `--check` drives the file in headless Chromium and compares it with what the same questions give
//! natively ([`check`]). What is *not* here: the page itself, which is `lab::page`.

mod browser;
mod build;
mod check;
mod debian;
mod toolchain;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use toolchain::Toolchain;

/// The most bytes of the file, gzipped, as a server would send it.
const PACKED_BYTES_MAX: usize = 1_000_000;

/// What to do.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// A folder with Debian's packages, unpacked; it is filled if it is empty.
    toolchain: Option<PathBuf>,
    /// Only say how the page would be built.
    way: bool,
    /// Drive the page afterwards.
    check: bool,
}

impl Wanted {
    fn of(arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
        let mut wanted = Wanted::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--toolchain" => {
                    let folder = arguments.next().ok_or("--toolchain wants a folder")?;
                    wanted.toolchain = Some(folder.into());
                }
                "--way" => wanted.way = true,
                "--check" => wanted.check = true,
                other => return Err(format!("page has no option {other}: --toolchain DIR, --way, --check")),
            }
        }
        Ok(wanted)
    }
}

/// Builds the page, and checks it if that is wanted.
///
/// # Errors
/// A sentence: what is missing and where it comes from, what cargo said, how the page differs from what is native.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let wanted = Wanted::of(arguments)?;
    if let Some(folder) = wanted.toolchain.as_deref().filter(|_| !wanted.way) {
        debian::fill(folder)?;
    }
    let toolchain = Toolchain::find(wanted.toolchain.as_deref())?;
    println!("{toolchain}");
    if wanted.way {
        return Ok(());
    }
    let target = build::target_folder()?;
    let module = build::module(&toolchain, &target)?;
    let packed = build::gzip(&module);
    let page = lab::page::html(lab::page::Backend::Wasm(&packed));
    let file = target.join("synfin.html");
    std::fs::write(&file, &page).map_err(|error| cannot("write", &file, &error))?;
    let on_the_way = build::gzip(page.as_bytes()).len();
    println!(
        "{}: {} bytes, {on_the_way} gzipped; the module {} bytes, {} gzipped",
        file.display(),
        page.len(),
        module.len(),
        packed.len()
    );
    if on_the_way > PACKED_BYTES_MAX {
        return Err(format!("the page is larger than {PACKED_BYTES_MAX} bytes gzipped"));
    }
    if wanted.check { check::run(&file) } else { Ok(()) }
}

fn cannot(doing: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot {doing} {}: {error}", path.display())
}
