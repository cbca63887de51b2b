//! The rooms and the arrows between them, as the manifests have them, and their picture.
//!
//! An arrow is a dependency that is no dev-dependency. Which arrows are allowed is not here: `tests.rs` says it.

use crate::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Each room and the rooms that its manifest names, by the names of their folders.
pub(crate) type Rooms = BTreeMap<String, BTreeSet<String>>;

/// Reads the manifests under `crates/`, as cargo understands them.
///
/// # Errors
/// A sentence, when cargo cannot be run or cannot read a manifest.
pub(crate) fn read() -> Result<Rooms, String> {
    let metadata = metadata(&["--no-deps", "--offline"])?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    Ok(packages.filter_map(|package| Some((folder(&package["manifest_path"])?, used_by(package)))).collect())
}

/// What `cargo metadata` says about this workspace.
///
/// # Errors
/// A sentence, when cargo cannot be run or cannot read a manifest.
pub(crate) fn metadata(arguments: &[&str]) -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1"])
        .args(arguments)
        .current_dir(root())
        .output()
        .map_err(|error| format!("cannot run cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata wrote no JSON: {error}"))
}

/// `stack` for `.../crates/stack/Cargo.toml`; nothing for what is no room.
fn folder(manifest_path: &Value) -> Option<String> {
    room(manifest_path.as_str()?.strip_suffix("/Cargo.toml")?)
}

fn room(folder: &str) -> Option<String> {
    let (_, name) = folder.rsplit_once("/crates/")?;
    Some(name.to_owned())
}

fn used_by(package: &Value) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        .filter(|dependency| dependency["kind"] != "dev")
        .filter_map(|dependency| room(dependency["path"].as_str()?))
        .collect()
}

/// The rooms from the bottom up, a line each, with the arrows that do not follow from others.
pub(crate) fn picture(rooms: &Rooms) -> String {
    let mut names: Vec<&String> = rooms.keys().collect();
    names.sort_by_key(|name| (height(rooms, name), *name));
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    names
        .into_iter()
        .map(|name| {
            let uses: Vec<&str> = direct(rooms, &rooms[name]);
            let line =
                if uses.is_empty() { name.clone() } else { format!("{name:width$} -> {}", uses.join(", ")) };
            line + "\n"
        })
        .collect()
}

/// How many rooms lie below, on the longest way down.
fn height(rooms: &Rooms, name: &str) -> usize {
    let uses = rooms.get(name).into_iter().flatten();
    uses.map(|used| 1 + height(rooms, used)).max().unwrap_or(0)
}

/// The rooms of `uses` that are not reached through another of them, the highest first.
fn direct<'a>(rooms: &Rooms, uses: &'a BTreeSet<String>) -> Vec<&'a str> {
    let below: BTreeSet<&str> = uses.iter().flat_map(|used| reached(rooms, used)).collect();
    let mut direct: Vec<&str> =
        uses.iter().map(String::as_str).filter(|name| !below.contains(name)).collect();
    direct.sort_by_key(|name| (core::cmp::Reverse(height(rooms, name)), *name));
    direct
}

/// Everything below a room. Cargo allows no circles.
fn reached<'a>(rooms: &'a Rooms, name: &str) -> BTreeSet<&'a str> {
    let uses = rooms.get(name).into_iter().flatten();
    uses.flat_map(|used| reached(rooms, used).into_iter().chain([used.as_str()])).collect()
}
