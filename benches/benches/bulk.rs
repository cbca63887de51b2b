//! Bulk transfer between two hosts in memory, one thread, applications copying at both ends.
//!
//! `cargo bench -p synfin-benches --bench bulk [-- ROUNDS]`

use synfin_benches::{Sample, compare, ours, rounds, theirs};

const TOTAL_BYTES: u64 = 1 << 30;

fn main() {
    println!("{}", synfin_benches::profile());
    println!("bulk, both ends on one thread; Gbit/s, medians of {} pairs", rounds());
    println!("{:<44} {:>8} {:>8} {:>7}", "", "synfin", "smoltcp", "ratio");
    for (name, mtu, super_bytes, checksums) in [
        ("MTU 1500, checksums on", 1_500, 0, true),
        ("MTU 1500, checksums off", 1_500, 0, false),
        ("super-segments of 64 KB, checksums on", 1_500, 65_160, true),
        ("super-segments of 64 KB, checksums off", 1_500, 65_160, false),
    ] {
        // The peer has no super-segments; its nearest thing is the largest MTU.
        let their_mtu = if super_bytes > 0 { 65_535 } else { mtu as usize };
        let wire = ours::Wire {
            mtu_bytes: mtu,
            super_segment_bytes_max: super_bytes,
            checksums,
            ..ours::Wire::default()
        };
        let mut ours = || {
            let mut pair = ours::Pair::new(wire);
            let (client, server) = pair.open(None);
            Sample::of_thread(|| pair.bulk(client, server, TOTAL_BYTES) * 8)
        };
        let mut theirs = || {
            let mut pair = theirs::bulky(their_mtu, checksums);
            let (client, server) = pair.open();
            Sample::of_thread(|| pair.bulk(client, server, TOTAL_BYTES) * 8)
        };
        let (a, b, ratio) = compare(rounds(), &mut ours, &mut theirs);
        println!("{name:<44} {:>8.1} {:>8.1} {ratio:>6.2}x", a / 1e9, b / 1e9);
    }
}
