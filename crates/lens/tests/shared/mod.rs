//! Reads the captures that lie beside the repository, where they are.

#![allow(dead_code, reason = "each test takes what it needs of it")]

use capture::{Decoder, Reader};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use synfin_lens::{Config, KeepSegments, Kept, Lens, Segment};

/// The folder with reference captures, or `None` with a word about it.
pub(crate) fn captures(below: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures").join(below);
    if folder.is_dir() {
        return Some(folder);
    }
    drop(writeln!(std::io::stderr(), "skipped: no reference captures at {}", folder.display()));
    None
}

/// All that the lens says of a capture file.
pub(crate) fn explain(path: &Path) -> Result<Kept, String> {
    let mut lens = Lens::new(Config::default());
    let mut kept = Kept { keep_segments: KeepSegments::All, ..Kept::default() };
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut reader = Reader::new(file).map_err(|error| error.to_string())?;
    let mut decoder = Decoder::new();
    while let Some(record) = reader.next() {
        let Ok(record) = record else { break };
        if let Ok(decoded) = decoder.decode(&record)
            && let Some(segment) = Segment::of_packet(&record, &decoded)
        {
            lens.take(&segment, &mut kept);
        }
    }
    lens.finish(&mut kept);
    kept.connections.sort_by_key(|connection| connection.stream);
    Ok(kept)
}

/// The lines of a tab-separated file, without comments, as maps from the names of its first line.
pub(crate) fn table(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).expect("the reference is readable");
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<&str> = lines.next().unwrap_or("").split('\t').collect();
    lines
        .map(|line| {
            names
                .iter()
                .zip(line.split('\t'))
                .map(|(name, value)| ((*name).to_owned(), value.to_owned()))
                .collect()
        })
        .collect()
}
