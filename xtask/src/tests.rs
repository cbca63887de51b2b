//! The house keeps its own rules: generated documents are fresh, arrows between rooms point down.

use super::{documents, root};
use std::collections::BTreeMap;
use std::fs;

#[test]
fn generated_documents_are_fresh() {
    for (path, text) in documents::all() {
        let committed = fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(committed == text, "{path} is stale: run `cargo xtask gen`");
    }
}

/// The rooms and what each may use; ARCHITECTURE.md prints the same picture.
const ARROWS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("tcp", &["wire"]),
    ("stack", &["tcp", "wire"]),
    ("device", &["wire"]),
    ("capture", &["wire"]),
    ("lens", &["capture", "tcp", "wire"]),
    ("report", &["lens", "tcp", "wire"]),
    ("synfin", &["stack", "device", "tcp", "wire"]),
    ("posix", &["stack", "tcp", "wire"]),
    ("sim", &["stack", "tcp", "wire"]),
    ("script", &["posix", "sim", "stack", "report", "capture", "tcp", "wire"]),
    ("cli", &["script", "sim", "synfin", "report", "lens", "capture", "stack", "device", "tcp", "wire"]),
];

/// Dependencies of a manifest, without those for tests only.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && let Some((name, _)) = line.split_once(['.', '=', ' ']) {
            names.push(name.trim().to_owned());
        }
    }
    names
}

#[test]
fn arrows_point_down() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut rooms = 0;
    for entry in fs::read_dir(root().join("crates")).expect("the rooms") {
        let folder = entry.expect("a room").path();
        let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        let room = folder.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let Some(may_use) = allowed.get(room.as_str()) else {
            panic!("room {room} has no place in the plan")
        };
        for used in dependencies(&manifest).iter().filter(|name| allowed.contains_key(name.as_str())) {
            assert!(may_use.contains(&used.as_str()), "{room} must not use {used}");
        }
        rooms += 1;
    }
    assert!(rooms >= 8, "only {rooms} rooms were found");
}

#[test]
fn only_device_may_be_unsafe_and_nobody_below_the_edge_reads_the_world() {
    let rust_files = |room: &str| {
        let mut files = Vec::new();
        let mut folders = vec![root().join("crates").join(room).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    files.push(path);
                }
            }
        }
        files
    };
    for (room, _) in ARROWS.iter().filter(|(room, _)| *room != "device") {
        let manifest =
            fs::read_to_string(root().join("crates").join(room).join("Cargo.toml")).unwrap_or_default();
        assert!(
            manifest.is_empty() || manifest.contains("[lints]\nworkspace = true"),
            "{room} leaves the lints"
        );
    }
    // Time, randomness, files and sockets are arguments here.
    let forbidden = [
        "std::time::Instant",
        "SystemTime",
        "std::net::Tcp",
        "std::net::Udp",
        "std::fs",
        "File::",
        "println!",
    ];
    for room in ["wire", "tcp", "stack", "lens", "report"] {
        for file in rust_files(room) {
            if file.to_string_lossy().contains("test") || file.ends_with("snapshot.rs") {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a source file");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let found = forbidden.iter().find(|word| line.contains(**word));
                assert!(found.is_none(), "{}: {line}", file.display());
            }
        }
    }
}
