//! Committed pictures: text that tests compare with, under `snapshots/`.
//!
//! `SYNFIN_UPDATE_SNAPSHOTS=1 cargo test -p synfin-report` rewrites them; look at the difference
//! before committing it.

use std::path::PathBuf;

/// Compares `text` with the committed file `name`, or rewrites that file if `SYNFIN_UPDATE_SNAPSHOTS` is set.
pub(crate) fn check(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(name);
    if std::env::var_os("SYNFIN_UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a file has a directory"))
            .expect("directory can be made");
        std::fs::write(&path, text).expect("snapshot can be written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed == text {
        return;
    }
    let line = committed.lines().zip(text.lines()).take_while(|(old, new)| old == new).count();
    panic!(
        "{name} differs from line {} on; if that is intended, run the tests with SYNFIN_UPDATE_SNAPSHOTS=1.\n\
         committed: {:?}\nnow:       {:?}",
        line + 1,
        committed.lines().nth(line).unwrap_or("(no such line)"),
        text.lines().nth(line).unwrap_or("(no such line)"),
    );
}
