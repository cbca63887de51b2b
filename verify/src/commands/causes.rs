//! `causes`: how true the lens's causes of retransmissions are.

use clap::Args;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use synfin_verify::causes::{Case, Class, Tally, Vantage, read, rig};

/// Ask the lens why the kernel retransmits, and the kernel
#[derive(Args)]
pub(crate) struct Causes {
    /// Which scenarios [default: all]
    scenarios: Vec<String>,
    /// Keep captures, traces and tables here
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// The seed of the wire and of pauses
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Causes {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let mut total = Tally::default();
        let base = self.keep.clone().unwrap_or_else(|| std::env::temp_dir().join("synfin-causes"));
        for scenario in rig::all() {
            if !self.scenarios.is_empty() && !self.scenarios.iter().any(|name| name == scenario.name) {
                continue;
            }
            let folder = base.join(scenario.name);
            std::fs::create_dir_all(&folder)?;
            let began = std::time::Instant::now();
            let record = match rig::run(&scenario, self.seed, &folder) {
                Ok(record) => record,
                Err(missing) => {
                    println!("skipped: {}: {missing}", scenario.name);
                    continue;
                }
            };
            let took = began.elapsed();
            let seen = [read(&record.captures[0])?, read(&record.captures[1])?];
            let case = Case { hosts: record.hosts, seen: [&seen[0], &seen[1]], truths: &record.told.truths };
            let compared = case.compare();
            std::fs::write(folder.join("truth.tsv"), compared.table())?;
            std::fs::write(folder.join("false-claims.tsv"), compared.false_claims_table())?;
            std::fs::write(
                folder.join("unmatched.txt"),
                format!(
                    "{:#?}\n{:#?}\n{:#?}\n{:#?}",
                    compared.without_frame,
                    compared.without_event,
                    compared.without_origin,
                    record.told.unclear
                ),
            )?;
            let share = |v| {
                let s = compared.tally.share(v, None);
                format!("{}/{}", s.right, s.of)
            };
            println!(
                "{:24} {:4.1}s conns {:3} frames {:6} truths {:4} sender {} receiver {} false {}/{} unmatched events {} frames {} pieces {} late {}us lost {}/{} refused {} unclear {}",
                scenario.name,
                took.as_secs_f64(),
                record.done,
                seen[0].len() + seen[1].len(),
                record.told.truths.len(),
                share(Vantage::Sender),
                share(Vantage::Receiver),
                compared.tally.false_claims(Vantage::Sender),
                compared.tally.false_claims(Vantage::Receiver),
                compared.without_frame.len(),
                compared.without_event.len(),
                compared.without_origin.len(),
                compared.late_ns_max / 1000,
                record.trace_lost,
                record.capture_lost,
                record.told.refused,
                record.told.unclear.len()
            );
            for unclear in record.told.unclear.iter().take(2) {
                println!("   {unclear}");
            }
            total.merge(&compared.tally);
        }
        for vantage in Vantage::ALL {
            println!("{}: {:?}", vantage.name(), total.share(vantage, None).percent());
            for class in Class::ALL {
                let s = total.share(vantage, Some(class));
                println!("  {class:20} {}/{} {:?}", s.right, s.of, s.percent());
                for ((v, c, said), n) in &total.answers {
                    if *v == vantage && *c == Some(class) {
                        println!("      {said:20} {n}");
                    }
                }
            }
            for ((v, c, said), n) in &total.answers {
                if *v == vantage && c.is_none() {
                    println!("  false: {said:20} {n}");
                }
            }
            for ((v, c), s) in &total.calibration {
                if *v == vantage {
                    println!("  said {c} %: {:?} of {}", s.percent(), s.of);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
