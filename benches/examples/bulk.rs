//! Our half of the bulk benchmark alone, for profilers: `bulk MTU SUPER_BYTES on|off`.

use synfin_benches::ours::{Pair, Wire};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |index: usize, default| arguments.get(index).and_then(|word| word.parse().ok()).unwrap_or(default);
    let checksums = arguments.get(2).is_some_and(|word| word == "on");
    let wire = Wire {
        mtu_bytes: number(0, 1_500),
        super_segment_bytes_max: number(1, 0),
        checksums,
        ..Wire::default()
    };
    let mut pair = Pair::new(wire);
    let (client, server) = pair.open(None);
    let sample = synfin_benches::Sample::of(|| pair.bulk(client, server, 2 << 30));
    println!(
        "{:.1} Gbit/s, {:.0} ns a frame",
        sample.rate() * 8e-9,
        sample.took.as_nanos() as f64 / pair.frames as f64
    );
}
