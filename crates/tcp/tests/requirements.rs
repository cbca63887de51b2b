//! The ledger of requirements, `docs/requirements.md`, keeps its word: every MUST and SHOULD of RFC 9293 and
//! of the other RFCs in it names tests or a reason, and every test that it names exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

struct Entry {
    level: String,
    tests: Vec<String>,
    evidence: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether a requirement bears one of the names that appendix B of RFC 9293 gives. Those of other RFCs are
/// numbered by us: `RFC5681-3`.
fn is_of_rfc_9293(id: &str) -> bool {
    ["MUST-", "SHLD-", "MAY-", "REC-"].iter().any(|prefix| id.starts_with(prefix))
}

fn ledger() -> BTreeMap<String, Entry> {
    let text =
        fs::read_to_string(root().join("docs/requirements.md")).expect("docs/requirements.md is there");
    let is_id = |cell: &str| is_of_rfc_9293(cell) || cell.starts_with("RFC");
    let mut entries = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, level, _, asked, evidence] = cells[..] else { panic!("five cells, not {line}") };
        if !is_id(id) {
            continue;
        }
        assert!(!asked.is_empty(), "{id} does not say what is asked");
        let is_test = |quoted: &&str| quoted.contains("::") || quoted.ends_with(".pkt");
        let tests = evidence.split('`').skip(1).step_by(2).filter(is_test);
        let entry = Entry {
            level: level.to_owned(),
            tests: tests.map(str::to_owned).collect(),
            evidence: evidence.to_owned(),
        };
        assert!(entries.insert(id.to_owned(), entry).is_none(), "{id} stands there twice");
    }
    entries
}

fn sources(under: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(under) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `crate::file::test`: in a file of that name, or in one of the directory of that name; or a script.
fn exists(test: &str) -> bool {
    if test.ends_with(".pkt") {
        return root().join("tests/scripts").join(test).is_file();
    }
    let [room, file, name] = test.split("::").collect::<Vec<_>>()[..] else { return false };
    let mut files = Vec::new();
    sources(&root().join("crates").join(room).join("src"), &mut files);
    sources(&root().join("crates").join(room).join("tests"), &mut files);
    let is_file = |path: &PathBuf| {
        let of = |name: Option<&std::ffi::OsStr>| name.is_some_and(|name| name == file);
        of(path.file_stem()) || of(path.parent().and_then(Path::file_name))
    };
    files
        .iter()
        .filter(|path| is_file(path))
        .any(|path| fs::read_to_string(path).is_ok_and(|source| source.contains(&format!("fn {name}("))))
}

#[test]
fn every_must_and_should_names_its_tests_or_a_reason() {
    for (id, entry) in ledger() {
        let reason = entry.evidence.contains("**Not done**: ");
        assert!(!entry.tests.is_empty() || reason, "{id} ({}) has neither tests nor a reason", entry.level);
    }
}

#[test]
fn every_test_that_is_named_exists() {
    let missing: Vec<_> = ledger()
        .into_iter()
        .flat_map(|(id, entry)| entry.tests.into_iter().map(move |test| (id.clone(), test)))
        .filter(|(_, test)| !exists(test))
        .collect();
    assert!(missing.is_empty(), "renamed or removed: {missing:#?}");
    assert!(!exists("synfin_tcp::data::no_such_test"));
}

#[test]
fn no_requirement_of_the_rfc_is_forgotten() {
    // As appendix B of RFC 9293 numbers them.
    let numbered = [("MUST", 69), ("SHLD", 31), ("MAY", 18), ("REC", 1)];
    let wanted: BTreeSet<String> = numbered
        .into_iter()
        .flat_map(|(kind, last)| (1..=last).map(move |number| format!("{kind}-{number}")))
        .collect();
    let ledger = ledger();
    let missing: Vec<_> = wanted.iter().filter(|id| !ledger.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let of_rfc_9293 = ledger.keys().filter(|id| is_of_rfc_9293(id)).count();
    assert_eq!(of_rfc_9293, wanted.len(), "the ledger has what the RFC does not ask");
}

#[test]
fn every_rfc_is_there_and_its_rows_are_counted() {
    const SEND_HALF: [u16; 16] =
        [2018, 2883, 3042, 3522, 4015, 4821, 5681, 5682, 6298, 6582, 6675, 7661, 8985, 9406, 9438, 9937];
    const STRANGERS_RESTARTS_FRAGMENTS: [u16; 6] = [1337, 5722, 5961, 6191, 7323, 8200];
    const FAST_OPEN: u16 = 7413;
    const MARKS: [u16; 4] = [3168, 8511, 9331, 9768];
    let ledger = ledger();
    let mut counted = 0;
    let rfcs = SEND_HALF.into_iter().chain([FAST_OPEN]).chain(STRANGERS_RESTARTS_FRAGMENTS).chain(MARKS);
    for rfc in rfcs {
        let rows = (1..).take_while(|row| ledger.contains_key(&format!("RFC{rfc}-{row}"))).count();
        assert!(rows > 0, "RFC {rfc} has no row");
        counted += rows;
    }
    let of_others = ledger.keys().filter(|id| !is_of_rfc_9293(id)).count();
    assert_eq!(of_others, counted, "a number is left out, or an RFC is not in the list of this test");
    let levels = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "RECOMMENDED", "MAY"];
    let strange: Vec<_> =
        ledger.iter().filter(|(_, entry)| !levels.contains(&entry.level.as_str())).collect();
    assert!(strange.is_empty(), "no level: {:?}", strange.iter().map(|(id, _)| id).collect::<Vec<_>>());
}
