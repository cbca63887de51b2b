//! Plays scripts over IPv4 and IPv6 and says what became of each: `cargo run --example play FILE...`

use synfin_script::{IpVersion, Outcome, RunOptions, run};

fn main() -> std::io::Result<()> {
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file)?;
        let directory = std::path::Path::new(&file).parent().map(std::path::Path::to_owned);
        for ip_version in [IpVersion::V4, IpVersion::V6] {
            let (file, directory) = (file.clone(), directory.clone());
            let options =
                RunOptions { file, directory, ip_version: Some(ip_version), ..RunOptions::default() };
            match run(&text, &options) {
                Outcome::Passed => println!("ok      {} {ip_version:?}", options.file),
                Outcome::Failed(failure) => println!("FAILED  {ip_version:?} {failure}\n"),
                Outcome::Skipped(reason) => println!("skipped {} {ip_version:?}: {reason}", options.file),
            }
        }
    }
    Ok(())
}
