//! Code that the tests share: access to the collection of captures, which may be absent.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A directory beside the workspace with material that is not part of it.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    if !path.is_dir() {
        drop(writeln!(std::io::stderr(), "skipped: {} is absent", path.display()));
        return None;
    }
    Some(path)
}
