//! What holds of `xtask page` without a compiler for WebAssembly and without a browser.

use super::toolchain::Toolchain;
use super::{Wanted, build, debian};

fn wanted(arguments: &[&str]) -> Result<Wanted, String> {
    Wanted::of(arguments.iter().map(|&argument| argument.to_owned()))
}

#[test]
fn arguments_are_read_and_unknown_ones_are_refused() {
    let all = wanted(&["--check", "--toolchain", "R", "--way"]).expect("known");
    assert_eq!(all, Wanted { toolchain: Some("R".into()), way: true, check: true });
    assert!(wanted(&["--toolchain"]).expect_err("no folder").contains("wants a folder"));
    assert!(wanted(&["--chek"]).expect_err("unknown").contains("no option --chek"));
}

#[test]
fn a_folder_without_a_toolchain_is_refused_by_name() {
    let empty = std::env::temp_dir().join(format!("synfin-no-toolchain-{}", std::process::id()));
    assert!(!debian::is_filled(&empty));
    let refused = Toolchain::find(Some(&empty)).expect_err("there is none");
    assert!(refused.contains("synfin-no-toolchain"), "{refused}");
}

#[test]
fn what_is_packed_has_no_time_in_it() {
    let packed = build::gzip(b"synfin");
    assert_eq!(packed[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    assert_eq!(packed, build::gzip(b"synfin"));
}
