//! Where the scripts are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A script of `tests/scripts/`.
pub(crate) struct Found {
    /// Its path below `tests/scripts/`.
    pub(crate) name: String,
    /// The folder that it is in.
    pub(crate) directory: PathBuf,
    /// What it says.
    pub(crate) text: String,
}

/// `tests/scripts/`
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scripts")
}

/// Every script, in order of its name.
pub(crate) fn scripts() -> Vec<Found> {
    let mut paths = Vec::new();
    collect(&root(), &mut paths);
    paths.sort();
    let found = paths.into_iter().map(|path| Found {
        name: path.strip_prefix(root()).expect("it is below the root").display().to_string(),
        directory: path.parent().expect("a file is in a folder").to_owned(),
        text: std::fs::read_to_string(&path).expect("a script can be read"),
    });
    found.collect()
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("the folder of scripts is there") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            into.push(path);
        }
    }
}

/// Scripts that fail today, with the reason.
pub(crate) fn known_failures() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("KNOWN-FAILURES")).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once("  "))
        .map(|(name, why)| (name.to_owned(), why.to_owned()))
        .collect()
}
