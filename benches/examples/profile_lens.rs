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
            let mut lens = None;
            let read = Sample::of_thread(|| {
                lens = Some(explain(Path::new(file), Config::default()));
                1
            });
            let finish = Sample::of_thread(|| {
                lens.into_iter().for_each(|lens| lens.finish(&mut Discard));
                1
            });
            let [read_ms, finish_ms] = [read, finish].map(|sample| sample.nanos() / 1e6);
            println!("{:.1} ms, of which to sum up {finish_ms:.1} ms", read_ms + finish_ms);
        }
        _ => eprintln!("profile_lens FILE, or profile_lens make web|bulk|lossy|wide PACKETS FILE"),
    }
}
