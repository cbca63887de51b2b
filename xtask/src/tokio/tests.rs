//! Programs of tokio's ecosystem run over `facade`, which is no member of this workspace.

use super::lay_copy;
use crate::{rooms, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

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
    lay_copy().expect("tokio is copied");
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
    lay_copy().expect("tokio is copied");
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
