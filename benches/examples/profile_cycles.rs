//! One half of the cycles benchmark, or of the exchanges, alone, for profilers:
//! `cycles [exchange] [theirs] [COUNT]`.

use synfin_benches::{Sample, ours, theirs};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let count = arguments.iter().find_map(|word| word.parse().ok()).unwrap_or(300_000);
    let exchanges = has("exchange");
    let sample = if has("theirs") {
        let mut pair = theirs::Pair::new(1_500, true, if exchanges { 2_048 } else { 1_024 });
        // Its port for listening belongs to the cycle; an exchange wants a connection that stays.
        let ends = exchanges.then(|| pair.open());
        Sample::of_thread(|| {
            (0..count).for_each(|_| match ends {
                Some((client, server)) => pair.exchange(client, server),
                None => pair.cycle(),
            });
            count
        })
    } else {
        let time_wait = std::time::Duration::from_millis(1);
        let mut pair = ours::Pair::new(ours::Wire { time_wait, ..ours::Wire::default() });
        let (client, server) = pair.open(None);
        Sample::of_thread(|| {
            (0..count).for_each(|_| if exchanges { pair.exchange(client, server) } else { pair.cycle() });
            count
        })
    };
    println!("{:.0} ns each", sample.nanos());
}
