//! What idle connections cost: memory of each, and the time of an exchange beside many.
//!
//! `cargo bench -p synfin-benches --bench idle [-- ROUNDS]`

use synfin_benches::counting::{Counting, live_bytes};
use synfin_benches::{Sample, median, ours, rounds, theirs};

#[global_allocator]
static COUNTING: Counting = Counting;

const EXCHANGES: u64 = 20_000;

fn main() {
    println!("{}", synfin_benches::profile());
    let wire = ours::Wire::default();
    println!("memory of an idle established connection, one end, in bytes");
    for count in [10_000, 100_000] {
        let mut pair = ours::Pair::new(wire);
        let before = live_bytes();
        pair.idle(count);
        let ours = (live_bytes() - before) / (2 * count);
        println!("{count:>9} connections: synfin {ours:>5}");
    }
    let mut pair = theirs::Pair::new(1_500, true, 1);
    let before = live_bytes();
    pair.idle(500);
    let theirs = (live_bytes() - before) / 1_000;
    println!("{:>9} connections: smoltcp {theirs:>4} (buffers of one byte)", 500);

    println!("\nan exchange of 100 and 1,000 bytes beside idle connections; ns, medians of {}", rounds());
    let mut alone = 0.0;
    for count in [0, 1_000, 100_000, 1_000_000] {
        let mut pair = ours::Pair::new(wire);
        pair.idle(count);
        let (client, server) = pair.open(None);
        let mut run = || {
            Sample::of_thread(|| {
                (0..EXCHANGES).for_each(|_| pair.exchange(client, server));
                EXCHANGES
            })
        };
        run();
        let nanos = median((0..rounds()).map(|_| run().nanos()).collect());
        alone = if count == 0 { nanos } else { alone };
        println!("synfin  {count:>9} idle: {nanos:>9.0}  x{:.2}", nanos / alone);
    }
    for count in [0, 1_000] {
        let mut pair = theirs::Pair::new(1_500, true, 2_048);
        pair.idle(count);
        let (client, server) = pair.open();
        let exchanges = if count == 0 { EXCHANGES } else { 200 };
        let mut run = || {
            Sample::of_thread(|| {
                (0..exchanges).for_each(|_| pair.exchange(client, server));
                exchanges
            })
        };
        run();
        let nanos = median((0..rounds()).map(|_| run().nanos()).collect());
        alone = if count == 0 { nanos } else { alone };
        println!("smoltcp {count:>9} idle: {nanos:>9.0}  x{:.2}", nanos / alone);
    }
}
