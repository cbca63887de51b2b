//! Our half of the cycles benchmark, or of the exchanges, alone, for profilers: `cycles [exchange]`.

use synfin_benches::ours::{Pair, Wire};

fn main() {
    let exchanges = std::env::args().nth(1).is_some_and(|word| word == "exchange");
    let mut pair = Pair::new(Wire { time_wait: std::time::Duration::from_millis(1), ..Wire::default() });
    let (client, server) = pair.open(None);
    let sample = synfin_benches::Sample::of(|| {
        (0..300_000).for_each(|_| if exchanges { pair.exchange(client, server) } else { pair.cycle() });
        300_000
    });
    println!("{:.0} ns each, {:.1} frames", sample.nanos(), pair.frames as f64 / sample.units as f64);
}
