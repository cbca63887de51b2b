//! No target leads out of the folder, and ordinary ones lead where they say.

use super::*;
use proptest::prelude::*;
use std::os::unix::fs::symlink;

/// A folder that is removed at the end.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("synfin-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("served/inner/deep")).expect("a scratch folder");
        fs::write(path.join("secret"), "secret").expect("a file outside");
        fs::write(path.join("served/a b%.txt"), "inside").expect("a file inside");
        fs::write(path.join("served/inner/deep/c"), "deep").expect("a file inside");
        symlink("../secret", path.join("served/out")).expect("a link out");
        symlink("..", path.join("served/up")).expect("a link up");
        symlink("inner/deep/c", path.join("served/in")).expect("a link in");
        Scratch(path)
    }

    pub(crate) fn folder(&self, writable: Option<&str>) -> Folder {
        Folder::open(&self.0.join("served"), writable.map(Path::new), None).expect("a folder")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An upload to this target, with one field more.
fn put(target: &str, (name, value): (&str, &str)) -> Parts {
    let request = http::Request::put(target).header("host", "x").header(name, value);
    request.body(()).expect("a request").into_parts().0
}

#[test]
fn ordinary_targets_are_found() {
    let scratch = Scratch::new("found");
    let folder = scratch.folder(None);
    let name = |target: &str| match folder.find(target) {
        Ok(Found::File { name, .. }) => {
            match folder.find_at_once(target) {
                Some(Found::File { name: at_once, .. }) => assert_eq!(at_once, name),
                Some(other) => panic!("{target}: {other:?}"),
                None => assert!(!matches!(target, "/inner/deep/c" | "/inner/"), "{target} is plain"),
            }
            name
        }
        other => panic!("{target}: {other:?}"),
    };
    assert_eq!(name("/a%20b%25.txt"), "a b%.txt");
    assert_eq!(name("/inner/./deep/../deep/c"), "c");
    assert_eq!((name("/in"), name("/inner/deep/c")), ("c".to_owned(), "c".to_owned()));
    assert!(matches!(folder.find("/inner/"), Ok(Found::Directory { shown, .. }) if shown == "/inner/"));
    assert!(matches!(folder.find("/inner"), Ok(Found::MissingSlash { location }) if location == "/inner/"));
    assert!(matches!(folder.find("//inner"), Ok(Found::MissingSlash { location }) if location == "/inner/"));
    fs::write(scratch.0.join("served/inner/index.html"), "hello").expect("an index");
    assert_eq!(name("/inner/"), "index.html");
}

#[test]
fn no_target_leads_out() {
    let scratch = Scratch::new("out");
    let folder = scratch.folder(None);
    for (target, status) in [
        ("/../secret", 403),
        ("/inner/../../secret", 403),
        ("/%2e%2e/secret", 403),
        ("/..%2fsecret", 400),
        ("/out", 403),
        ("/up/secret", 403),
        ("/up/", 403),
        ("/up/served/in", 200),
        ("/nothing", 404),
        ("/in/", 404),
        ("/a%00b", 400),
        ("/in/c", 404),
        ("secret", 400),
        ("*", 400),
        ("/.synfin-upload-1-0", 404),
    ] {
        let found = folder.find(target).map_or_else(|reply| reply.status().as_u16(), |_| 200);
        assert_eq!(found, status, "{target}");
        assert!(status == 200 || folder.find_at_once(target).is_none(), "{target}");
    }
    let long = format!("/{}", "x".repeat(300));
    assert_eq!(folder.find(&long).expect_err("too long a name").status(), StatusCode::NOT_FOUND);
}

#[test]
fn uploads_go_where_they_may() {
    let scratch = Scratch::new("uploads");
    let status = |folder: &Folder, target: &str, framing| match folder.begin_upload(&put(target, framing)) {
        Ok(_) => 200,
        Err(reply) => reply.status().as_u16(),
    };
    let some = ("content-length", "3");
    assert_eq!(status(&scratch.folder(None), "/new", some), 405);
    let folder = scratch.folder(Some("inner"));
    assert_eq!(folder.uploads_below().as_deref(), Some("/inner/"));
    for (target, framing, expected) in [
        ("/inner/new", some, 200),
        ("/inner/new", ("transfer-encoding", "chunked"), 200),
        ("/inner/new", ("a", "b"), 411),
        ("/inner/deep/c", some, 200),
        ("/inner/deep", some, 409),
        ("/inner/", some, 409),
        ("/inner/nowhere/new", some, 409),
        ("/new", some, 403),
        ("/inner/../../new", some, 403),
        ("/up/new", some, 403),
        ("/inner/%2e%2e/%2e%2e/new", some, 403),
    ] {
        assert_eq!(status(&folder, target, framing), expected, "{target}");
    }
    let small = Folder::open(folder.root(), Some(Path::new("")), Some(2)).expect("a folder");
    assert_eq!((status(&small, "/new", some), status(&small, "/new", ("content-length", "2"))), (413, 200));
    let left: Vec<_> = fs::read_dir(scratch.0.join("served/inner")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "uploads that were not taken leave nothing: {left:?}");
    assert!(Folder::open(folder.root(), Some(Path::new("..")), None).is_err());
}

proptest! {
    #[test]
    fn whatever_the_target_the_path_stays_below(target in "/([a-z.%/\\\\]|%2e|%2f|\\.\\.|/\\.\\./){0,20}") {
        if let Ok(asked) = Asked::parse(&target) {
            let path = asked.below(Path::new("/served"));
            prop_assert!(path.starts_with("/served"));
            prop_assert!(!path.components().any(|part| part == std::path::Component::ParentDir));
        }
    }

    #[test]
    fn names_survive_the_way_there_and_back(name in "[^/\0]{1,40}") {
        prop_assume!(name != "." && name != ".." && !name.starts_with(UNFINISHED));
        let asked = Asked::parse(&format!("/{}", encoded(OsStr::new(&name)))).expect("a target");
        prop_assert_eq!(asked.components, vec![name.into_bytes()]);
    }
}
