//! The lens benchmark without its peers, for profilers: `profile_lens make web|bulk|lossy|wide PACKETS FILE` writes a
//! capture, `profile_lens FILE` explains it.

use lens::{Config, Discard};
use std::path::Path;
use synfin_benches::Sample;
use synfin_benches::captures::{Traffic, explain};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", kind, packets, file] => {
            let traffic = match kind {
                "web" => Traffic::Web,
                "bulk" => Traffic::Bulk,
                "lossy" => Traffic::Lossy,
                "wide" => Traffic::Wide,
                other => return eprintln!("there is no traffic {other:?}: web, bulk, lossy or wide"),
            };
            let packets = packets.parse().expect("a number of packets");
            println!("{} packets", traffic.write(Path::new(file), packets));
        }
        [file] => {
            let sample = Sample::of_thread(|| {
                explain(Path::new(file), Config::default()).finish(&mut Discard);
                1
            });
            println!("{:.1} ms", sample.nanos() / 1e6);
        }
        _ => eprintln!("profile_lens FILE, or profile_lens make web|bulk|lossy|wide PACKETS FILE"),
    }
}
