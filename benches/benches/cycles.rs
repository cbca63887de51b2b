//! Connect, accept, close, close: fresh connections, both ends on one thread.
//!
//! `cargo bench -p synfin-benches --bench cycles [-- ROUNDS]`

use synfin_benches::{Sample, compare, ours, rounds, theirs};

const CYCLES: u64 = 50_000;

fn main() {
    let wire = ours::Wire { mtu_bytes: 1_500, super_segment_bytes_max: 0, checksums: true };
    println!("connect, accept, close, close; cycles per second, medians of {} pairs", rounds());
    println!("{:<44} {:>9} {:>9} {:>7}", "", "synfin", "smoltcp", "ratio");
    for idle in [0, 1_000] {
        let mut ours_pair = ours::Pair::new(wire);
        ours_pair.idle(idle);
        let mut theirs_pair = theirs::Pair::new(1_500, true, 1_024);
        theirs_pair.idle(idle);
        let their_cycles = if idle == 0 { CYCLES } else { 500 };
        let mut ours = || {
            Sample::of(|| {
                (0..CYCLES).for_each(|_| ours_pair.cycle());
                CYCLES
            })
        };
        let mut theirs = || {
            Sample::of(|| {
                (0..their_cycles).for_each(|_| theirs_pair.cycle());
                their_cycles
            })
        };
        let (a, b, ratio) = compare(rounds(), &mut ours, &mut theirs);
        println!("{:<44} {a:>9.0} {b:>9.0} {ratio:>6.2}x", format!("beside {idle} idle connections"));
    }
}
