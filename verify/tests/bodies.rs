//! The smoke run of the fuzz bodies: committed seeds, seeds with mutations, bytes out of nowhere.
//!
//! `SYNFIN_SEEDS=100000` for more of them; a long run is `cargo run --release -p synfin-verify -- fuzz`. A failure says which body and leaves the input to be committed.

use std::path::PathBuf;
use synfin_verify::bodies::{BODIES, Body, body};
use synfin_verify::caught;
use synfin_verify::inputs::Inputs;

fn check(name: &str, body: Body, bytes: &[u8]) {
    if let Err(said) = caught(|| body(bytes)) {
        let path = std::env::temp_dir().join(format!("synfin-{name}.bin"));
        let _ = std::fs::write(&path, bytes);
        panic!(
            "{name} fails for the {} bytes in {}; commit them to fuzz/seeds/{name}: {said}",
            bytes.len(),
            path.display()
        );
    }
}

#[test]
fn every_body_survives() {
    let rounds: u64 =
        std::env::var("SYNFIN_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(10_000);
    for (name, body) in BODIES {
        let began = std::time::Instant::now();
        let inputs = Inputs::of(name);
        inputs.seeds().iter().for_each(|seed| check(name, *body, seed));
        (0..rounds).for_each(|number| check(name, *body, &inputs.mutated(number)));
        println!(
            "{name}: {} seeds, {rounds} more in {:.1} s",
            inputs.seeds().len(),
            began.elapsed().as_secs_f64()
        );
    }
}

/// The engine's own scripts are printed and read again, too.
#[test]
fn every_script_means_the_same_when_it_is_printed() {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/scripts")];
    let mut scripts = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder of scripts") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "pkt") {
                check("script_text", body("script_text"), &std::fs::read(path).expect("a script"));
                scripts += 1;
            }
        }
    }
    assert!(scripts > 100, "{scripts}");
}

#[test]
fn every_body_has_its_target() {
    for (name, _) in BODIES {
        let target =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz/fuzz_targets/{name}.rs"));
        let text = std::fs::read_to_string(&target).unwrap_or_default();
        assert!(text.contains(&format!("body(\"{name}\")")), "{} calls the body {name}", target.display());
        let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/Cargo.toml");
        assert!(std::fs::read_to_string(manifest).unwrap().contains(&format!("name = \"{name}\"")));
    }
}
