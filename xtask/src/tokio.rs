//! The copy of tokio's source that `facade/tokio` hands on: of the version in Cargo.lock, from cargo's own store.

use crate::{rooms, root};
use serde_json::Value;
use std::path::Path;
use std::{fs, io};

/// Where the copy lies.
pub(crate) const COPY: &str = "facade/copy";

/// Lays the copy, if it is not there in this version; returns the version.
///
/// # Errors
/// A sentence, when cargo has no tokio for us, or a file cannot be written.
pub(crate) fn lay_copy() -> Result<String, String> {
    let metadata = rooms::metadata(&["--locked"])?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let tokio = packages.filter(|package| package["name"] == "tokio").find_map(located);
    let (source, version) = tokio.ok_or("no package of this workspace uses tokio")?;
    let copy = root().join(COPY);
    let is_same = |file: &str| {
        fs::read(source.join(file)).is_ok_and(|text| fs::read(copy.join(file)).is_ok_and(|copy| copy == text))
    };
    if !is_same("Cargo.toml") {
        lay(source, &copy).map_err(|error| format!("cannot copy tokio {version} to {COPY}: {error}"))?;
    }
    Ok(version.to_owned())
}

/// The folder of a package, and its version.
fn located(package: &Value) -> Option<(&Path, &str)> {
    Some((Path::new(package["manifest_path"].as_str()?).parent()?, package["version"].as_str()?))
}

/// The manifest comes last: when it is there, all is.
fn lay(source: &Path, copy: &Path) -> io::Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    copy_folder(&source.join("src"), &copy.join("src"))?;
    for file in ["LICENSE", "Cargo.toml"] {
        fs::copy(source.join(file), copy.join(file))?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
