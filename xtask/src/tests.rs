//! The house keeps its own rules: generated documents are fresh, arrows between rooms point down.

use super::rooms::{self, Rooms};
use super::{documents, root};
use std::collections::BTreeMap;
use std::fs;

#[test]
fn generated_documents_are_fresh() {
    for (path, text) in documents::all().expect("every document has its place") {
        let committed = fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(committed == text, "{path} is stale: run `cargo xtask gen`");
    }
}

/// The rooms and what each may use: all of it is used, so that ARCHITECTURE.md, which draws the manifests, draws this.
const ARROWS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("tcp", &["wire"]),
    ("stack", &["tcp", "wire"]),
    ("netem", &["wire"]),
    ("device", &["netem", "wire"]),
    ("capture", &["wire"]),
    ("lens", &["capture", "tcp", "wire"]),
    ("report", &["lens", "tcp", "wire"]),
    ("socket", &["stack", "tcp"]),
    ("synfin", &["socket", "stack", "device", "tcp", "wire"]),
    ("posix", &["socket", "stack", "tcp", "wire"]),
    ("sim", &["socket", "netem", "capture", "stack", "tcp", "wire"]),
    ("lab", &["sim", "report", "capture", "stack", "tcp", "wire"]),
    ("page", &["lab"]),
    ("script", &["posix", "stack", "tcp", "wire"]),
    ("kernel", &["script", "posix", "device", "tcp", "wire"]),
    (
        "cli",
        &[
            "kernel", "script", "lab", "sim", "synfin", "report", "lens", "capture", "stack", "device",
            "netem", "tcp", "wire",
        ],
    ),
];

/// What the rooms have and the plan does not allow, and what the plan allows and no manifest has.
fn differences(rooms: &Rooms) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut differences = Vec::new();
    for (room, uses) in rooms {
        match allowed.get(room.as_str()) {
            None => differences.push(format!("room {room} has no place in the plan")),
            Some(may_use) => {
                let too_many = uses.iter().filter(|used| !may_use.contains(&used.as_str()));
                differences.extend(too_many.map(|used| format!("{room} must not use {used}")));
                let too_few = may_use.iter().filter(|used| !uses.contains(**used));
                differences.extend(too_few.map(|used| format!("{room} may use {used} and does not")));
            }
        }
    }
    let absent = allowed.keys().filter(|room| !rooms.contains_key(**room));
    differences.extend(absent.map(|room| format!("the plan has a room {room} that is not there")));
    differences
}

#[test]
fn arrows_are_those_of_the_plan() {
    let rooms = rooms::read().expect("cargo reads the manifests");
    assert_eq!(differences(&rooms), Vec::<String>::new());
}

#[test]
fn an_arrow_too_many_and_an_arrow_too_few_are_both_seen() {
    let mut rooms = rooms::read().expect("cargo reads the manifests");
    rooms.get_mut("wire").expect("a room").insert("tcp".to_owned());
    rooms.get_mut("script").expect("a room").remove("posix");
    rooms.remove("sim");
    rooms.insert("attic".to_owned(), Default::default());
    assert_eq!(
        differences(&rooms),
        [
            "room attic has no place in the plan",
            "script may use posix and does not",
            "wire must not use tcp",
            "the plan has a room sim that is not there",
        ]
    );
}

#[test]
fn only_device_and_page_may_be_unsafe_and_nobody_below_the_edge_reads_the_world() {
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
    for (room, _) in ARROWS.iter().filter(|(room, _)| !["device", "page"].contains(room)) {
        let manifest =
            fs::read_to_string(root().join("crates").join(room).join("Cargo.toml")).unwrap_or_default();
        assert!(
            manifest.is_empty() || manifest.contains("[lints]\nworkspace = true"),
            "{room} leaves the lints"
        );
    }
    let modules = |room: &str, word: &str| {
        let holds =
            |file: &std::path::PathBuf| fs::read_to_string(file).expect("a source file").contains(word);
        rust_files(room).into_iter().filter(holds).count()
    };
    assert_eq!(modules("page", "unsafe {"), 1, "the page's unsafe code is one module");
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
    for room in ["wire", "netem", "tcp", "stack", "socket", "lens", "report"] {
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

#[test]
fn every_room_can_be_published() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace's manifest");
    assert!(!workspace.contains("\"="), "an exact version makes the trees of others unresolvable");
    for (room, _) in ARROWS {
        let folder = root().join("crates").join(room);
        for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
            assert!(!text.is_empty(), "{room} has no {file} for its package");
        }
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        for key in ["description", "readme", "keywords", "categories", "license", "repository"] {
            let is_there = manifest.lines().any(|line| line.starts_with(key));
            assert!(is_there, "the manifest of {room} has no {key}");
        }
    }
}

/// Whether `room::file::test` is a test in the file of that name, or in the module that bears it, of a crate; or a
/// name that ends in `.pkt` a script.
fn is_there(test: &str) -> bool {
    if test.ends_with(".pkt") {
        return root().join("tests/scripts").join(test).is_file();
    }
    let [room, file, name] = test.split("::").collect::<Vec<_>>()[..] else { return false };
    let mut folders = vec![root().join("crates").join(room), root().join(room)];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let of_file = path.file_stem().is_some_and(|stem| stem == file);
            let of_module = folder.file_name().is_some_and(|folder| folder == file);
            let source = || fs::read_to_string(&path).unwrap_or_default();
            if (of_file || of_module) && source().contains(&format!("fn {name}(")) {
                return true;
            }
        }
    }
    false
}

#[test]
fn what_is_promised_about_attacks_is_shown_by_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/security.md")).expect("docs/security.md is there");
    let mut rows = 0;
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")) {
        let shown_by = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        if shown_by.trim() == "shown by" {
            continue;
        }
        let tests: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test shows it: {line}");
        let missing: Vec<_> = tests.iter().filter(|test| !is_there(test)).collect();
        assert!(missing.is_empty(), "renamed or removed: {missing:?}");
        rows += 1;
    }
    assert!(rows > 30, "the tables are read: {rows} rows");
    assert!(!is_there("stack::hostile::no_such_test") && !is_there("rfc9293/no-such-script.pkt"));
}
