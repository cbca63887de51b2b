//! Damaged scripts end in words, never in a panic, an endless wait or a heap of memory.

mod common;

use common::{known_failures, scripts};
use proptest::prelude::*;
use std::sync::OnceLock;
use synfin_script::{Outcome, RunOptions, run};

fn sources() -> &'static [String] {
    static SOURCES: OnceLock<Vec<String>> = OnceLock::new();
    SOURCES.get_or_init(read_sources)
}

fn read_sources() -> Vec<String> {
    // Blocks of code start Python; a thousand of them would be another test.
    let known = known_failures();
    let plain = scripts().into_iter().filter(|found| !found.text.contains("%{") && found.directory.is_dir());
    plain.filter(|found| !known.contains_key(&found.name)).map(|found| found.text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn a_changed_byte_ends_in_words(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in 32..127_u8) {
        let sources = sources();
        let mut bytes = which.get(sources).clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Outcome::Failed(failure) = run(&String::from_utf8_lossy(&bytes), &RunOptions::strict()) {
            prop_assert!(!failure.to_string().is_empty());
        }
    }

    #[test]
    fn shuffled_lines_end_in_words(which in any::<prop::sample::Index>(), seed in any::<u64>()) {
        let sources = sources();
        let mut lines: Vec<&str> = which.get(sources).lines().collect();
        for index in 0..lines.len() {
            let other = (seed.rotate_left(index as u32) as usize) % lines.len();
            lines.swap(index, other);
        }
        let _ = run(&lines.join("\n"), &RunOptions::strict());
    }
}

#[test]
fn monstrous_numbers_end_in_words() {
    for text in [
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 read(3, ..., 99999999999) = 0",
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 write(3, ..., -1) = 0",
        "0 < S 0:4000000000(4000000000) win 1",
        "0 < S 0:65500(65500) win 1 <mss 1460>\n15000000000 > R. 0:0(0) ack 1",
        "--mtu=0\n0 < S 0:0(0) win 1",
        "--tolerance_usecs=1e300\n--tolerance_percent=1e300\n0 < S 0:0(0) win 1\n+1 `true`",
        "0 close(-9223372036854775808) = 0",
        "0 close(1<<99) = 0",
        "0 close(1/0) = 0",
        "15000000000 `true`\n+15000000000 `true`\n+15000000000 > . 1:1(0)",
        "0 poll([{fd=3, events=POLLIN}], 1, 9223372036854775807) = 0",
        "0...15000000000 poll([], 0, -1) = 0",
    ] {
        let _ = run(text, &RunOptions::strict());
    }
}
