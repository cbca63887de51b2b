//! One half of the bulk benchmark alone, for profilers: `profile_bulk MTU SUPER_BYTES on|off [theirs] [MEGABYTES]`.

use synfin_benches::{Sample, ours, theirs};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments.iter().filter_map(|word| word.parse().ok()).nth(index);
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let mtu = number(0).unwrap_or(1_500);
    let total = u64::from(number(2).unwrap_or(2_048)) << 20;
    let sample = if has("theirs") {
        let mut pair = theirs::bulky(mtu as usize, has("on"));
        let (client, server) = pair.open();
        Sample::of_thread(|| pair.bulk(client, server, total))
    } else {
        let wire = ours::Wire {
            mtu_bytes: mtu,
            super_segment_bytes_max: number(1).unwrap_or(0),
            checksums: has("on"),
            ..ours::Wire::default()
        };
        let mut pair = ours::Pair::new(wire);
        let (client, server) = pair.open(None);
        Sample::of_thread(|| pair.bulk(client, server, total))
    };
    println!("{:.1} Gbit/s, {:.0} ns for 1,460 bytes", sample.rate() * 8e-9, sample.nanos() * 1_460.0);
}
