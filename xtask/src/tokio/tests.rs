//! Programs of tokio's ecosystem run over `facade`, which is no member of this workspace.

use super::lay_copy;
use crate::{rooms, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// Once for all tests, which run at the same time.
static COPIED: LazyLock<String> = LazyLock::new(|| lay_copy().expect("tokio is copied"));

/// Runs cargo in a folder, with a target directory under ours.
fn cargo(folder: &str, arguments: &[&str]) {
    let metadata = rooms::metadata(&["--no-deps", "--offline"]).expect("cargo reads the manifests");
    let target = Path::new(metadata["target_directory"].as_str().expect("a target directory")).join("facade");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(root().join(folder))
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo runs");
    let [text, errors] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "cargo {arguments:?} in {folder}:\n{text}\n{errors}");
    assert!(text.contains(" 0 failed"), "it ran no test:\n{text}");
}

#[test]
fn programs_of_tokio_run_in_a_simulated_world_and_on_the_systems_sockets() {
    LazyLock::force(&COPIED);
    cargo("facade", &["test", "--package", "world"]);
    cargo("facade/loopback", &["test"]);
}

fn features<'a>(packages: &'a [Value], folder: &str) -> BTreeSet<&'a str> {
    let is_there =
        |package: &&Value| package["manifest_path"].as_str().is_some_and(|path| path.ends_with(folder));
    let package = packages.iter().find(is_there).expect("a tokio");
    package["features"].as_object().expect("features").keys().map(String::as_str).collect()
}

#[test]
fn the_facade_has_all_features_of_tokio() {
    LazyLock::force(&COPIED);
    let copy = rooms::metadata(&["--no-deps", "--manifest-path", "facade/copy/Cargo.toml"]);
    let facade = rooms::metadata(&["--no-deps", "--manifest-path", "facade/Cargo.toml"]);
    let [copy, facade] = [copy, facade].map(|metadata| {
        let metadata = metadata.expect("cargo reads the manifest");
        metadata["packages"].as_array().expect("packages").clone()
    });
    let (copy, facade) = (features(&copy, "copy/Cargo.toml"), features(&facade, "tokio/Cargo.toml"));
    // Names of its dependencies, for nobody to ask for.
    let internal = ["bytes", "libc", "mio", "signal-hook-registry", "socket2", "tokio-macros", "windows-sys"];
    let missing: Vec<_> = copy.difference(&facade).filter(|feature| !internal.contains(feature)).collect();
    assert!(missing.is_empty(), "facade/tokio/Cargo.toml hands on no {missing:?}");
    assert!(copy.len() > 20, "{copy:?}");
}

/// The names of the functions in a source file whose lines begin with this.
fn functions(path: &str, beginning: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let named = |line: &str| {
        let line = line.trim_start().strip_prefix(beginning)?;
        let (name, _) = line.trim_start_matches("async ").trim_start_matches("fn ").split_once(['(', '<'])?;
        name.chars().all(|sign| sign.is_alphanumeric() || sign == '_').then(|| name.to_owned())
    };
    text.lines().filter_map(named).collect()
}

#[test]
fn the_sockets_of_the_facade_have_all_methods_of_tokios() {
    LazyLock::force(&COPIED);
    for (theirs, ours) in [
        ("tcp/stream.rs", "tcp_stream.rs"),
        ("tcp/listener.rs", "tcp_listener.rs"),
        ("tcp/socket.rs", "tcp_socket.rs"),
        ("tcp/split.rs", "split.rs"),
        ("tcp/split_owned.rs", "owned.rs"),
        ("udp.rs", "udp_socket.rs"),
    ] {
        let theirs = functions(&format!("facade/copy/src/net/{theirs}"), "pub ");
        assert!(theirs.len() > 5, "{theirs:?}");
        let folder = "crates/socket/src/tokio";
        let mut ours = functions(&format!("{folder}/{ours}"), "pub ");
        ours.extend(functions(&format!("{folder}/ambient.rs"), "pub "));
        // Methods of both kinds of halves.
        ours.extend(functions(&format!("{folder}/split.rs"), "pub "));
        ours.extend(functions("facade/tokio/src/descriptors.rs", "pub "));
        ours.extend(functions("facade/tokio/src/absent.rs", "fn "));
        assert_eq!(theirs.difference(&ours).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}
