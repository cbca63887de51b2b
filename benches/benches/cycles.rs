//! Connect, accept, close, close: fresh connections, both ends on one thread.
//!
//! The peer keeps no TIME-WAIT here (its sockets are taken away once closed), so ours is set to a
//! millisecond for the comparison; a last row shows what a minute of it costs, with its table of
//! 262,144 entries full.
//!
//! `cargo bench -p synfin-benches --bench cycles [-- ROUNDS]`

use std::time::Duration;
use synfin_benches::{Sample, compare, ours, rounds, theirs};

const CYCLES: u64 = 50_000;

fn main() {
    println!("{}", synfin_benches::profile());
    println!("connect, accept, close, close; cycles per second, medians of {} pairs", rounds());
    println!("{:<44} {:>9} {:>9} {:>7}", "", "synfin", "smoltcp", "ratio");
    for (idle, time_wait_ms) in [(0, 1), (1_000, 1), (0, 60_000)] {
        let wire = ours::Wire { time_wait: Duration::from_millis(time_wait_ms), ..ours::Wire::default() };
        let mut ours_pair = ours::Pair::new(wire);
        ours_pair.idle(idle);
        let mut theirs_pair = theirs::Pair::new(1_500, true, 1_024);
        theirs_pair.idle(idle);
        let their_cycles = if idle == 0 { CYCLES } else { 500 };
        let mut ours = || {
            Sample::of_thread(|| {
                (0..CYCLES).for_each(|_| ours_pair.cycle());
                CYCLES
            })
        };
        let mut theirs = || {
            Sample::of_thread(|| {
                (0..their_cycles).for_each(|_| theirs_pair.cycle());
                their_cycles
            })
        };
        let (a, b, ratio) = compare(rounds(), &mut ours, &mut theirs);
        println!(
            "{:<44} {a:>9.0} {b:>9.0} {ratio:>6.2}x",
            format!("beside {idle} idle, TIME-WAIT of {time_wait_ms} ms")
        );
    }
}
